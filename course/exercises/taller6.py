"""The exercises of Taller 6: twins, a split that leaks, weights of classes, how sure a few are."""

import functools

import numpy as np

from course.exercises.answers import Objection, describe, numbers
from course.exercises.diagnosis import Mistake
from course.exercises.exercise import Exercise

# ---- 6.1


def twin_groups(n, pairs):
    group = list(range(n))
    for a, b in pairs:
        old, new = group[a], group[b]
        for i in range(n):
            if group[i] == old:
                group[i] = new
    return group


def _components(n, pairs):
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = np.array(pairs).T
    graph = coo_array((np.ones(len(pairs)), (a, b)), shape=(n, n))
    return connected_components(graph, directed=False)[1]


def _draw_pairs(random):
    """Chains whose ends are no pair themselves, named in an order that breaks one pass.

    The last is long, and its numbers fall: a number that moves on in each pass needs four. Somebody
    stays alone in each.
    """
    draws = []
    for n, shapes in ((6, [4]), (8, [4, 3]), (8, [3, 3]), (9, [8])):
        names, pairs = list(map(int, random.permutation(n))), []
        for length in shapes:
            chain = [names.pop() for _ in range(length)]
            if length == 8:
                chain.sort(reverse=True)
            links = list(zip(chain, chain[1:], strict=False))
            # the outer links first: what joins them comes last
            pairs += links[::2] + links[1::2]
        draws.append((n, pairs))
    return draws


def _canonical(answer, n, pairs):
    """Groups counted from 1 as they first appear, whatever a student calls them."""
    groups = numbers(answer)
    if groups.shape != (n,):
        raise Objection(
            f"Se espera un número de grupo para cada una de las {n} imágenes. Llegó "
            f"{describe(answer)}."
        )
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    return first.argsort().argsort()[group] + 1


def _one_pass(n, pairs):
    """b gets a's number, and what had b's before keeps it."""
    group = np.arange(n)
    for a, b in pairs:
        group[b] = group[a]
    return group


def _passes(times, choose):
    """Both get the smaller, or the greater, of their numbers, and that so many times."""

    def wrong(n, pairs):
        group = np.arange(n)
        for a, b in times * pairs:
            group[[a, b]] = choose(group[a], group[b])
        return group

    return wrong


def _first_pair_only(n, pairs):
    """Each pair is a group of its own; a later pair takes the picture away from an earlier one."""
    group = np.arange(n)
    for number, (a, b) in enumerate(pairs):
        group[[a, b]] = n + number
    return group


def _all_in_one(n, pairs):
    group = np.arange(n)
    group[np.unique(pairs)] = n
    return group


TWINS = Exercise(
    number="6.1",
    title="Gemelas de gemelas",
    statement="""\
Dos fotos casi iguales son gemelas, y no deben quedar una en el entrenamiento y otra en la prueba.
Tampoco si el parecido pasa por una tercera: si la 0 se parece a la 1 y la 1 a la 2, van las tres
juntas. Escribe `twin_groups(n, pairs)`: un número de grupo para cada una de las `n` imágenes, el
mismo para las que van juntas y distinto para las demás. `pairs` es una lista de parejas de
gemelas, y cada imagen sin gemela es un grupo. Qué números uses da lo mismo.""",
    hints=(
        "Empieza con cada imagen en su propio grupo: group = list(range(n)).",
        "Cada pareja une dos grupos, no dos imágenes: todas las que tienen el número de una pasan "
        "a tener el de la otra.",
        "Guarda antes los dos números: old, new = group[a], group[b]. Después recorre las n "
        "imágenes y cambia old por new.",
    ),
    example=(5, [(0, 1), (1, 2)]),
    draw=_draw_pairs,
    right=_components,
    mistakes=(
        Mistake(
            (_one_pass, lambda n, pairs: _one_pass(n, [pair[::-1] for pair in pairs])),
            "A cada pareja le das un mismo número, pero las que ya iban con una de las dos se "
            "quedan con el de antes. Una pareja une dos *grupos*: cambia el número de todas las "
            "del grupo.",
        ),
        Mistake(
            tuple(_passes(times, choose) for times in (1, 2, 3) for choose in (min, max)),
            "En cada vuelta por las parejas un número llega solo hasta la gemela siguiente, y en "
            "una cadena larga no alcanza a todas. Cambia el número de todas las del grupo, o "
            "repite hasta que nada cambie.",
        ),
        Mistake(
            _first_pair_only,
            "Cada pareja es un grupo aparte, y la última que nombra una imagen se la quita a las "
            "anteriores. Si comparten una imagen, son un solo grupo.",
        ),
        Mistake(
            _all_in_one,
            "Pusiste en un solo grupo a todas las que tienen alguna gemela. Dos familias que no "
            "se parecen pueden ir a lados distintos.",
        ),
        Mistake(
            lambda n, pairs: np.arange(n),
            "Cada imagen queda sola: así las gemelas pueden caer en lados distintos.",
        ),
        Mistake(
            lambda n, pairs: np.isin(np.arange(n), np.unique(pairs)),
            "Dices qué imágenes tienen gemela. Se pide cuáles van juntas: un número por grupo.",
        ),
        Mistake(
            lambda n, pairs: np.bincount(np.ravel(pairs), minlength=n),
            "Cuentas cuántas gemelas tiene cada imagen. Se pide cuáles van juntas: un número por "
            "grupo.",
        ),
        Mistake(
            lambda n, pairs: np.zeros(n),
            "Todas quedan en un grupo, y un grupo no se puede repartir. La que no tiene gemela va "
            "sola, y dos familias que no se parecen son dos grupos.",
        ),
    ),
    read=_canonical,
    compared="los grupos, contados desde 1 en el orden en que aparecen",
    solution=twin_groups,
    explanation="""\
Son las componentes conexas de un grafo: las imágenes son los puntos; las parejas, las líneas.
`scipy.sparse.csgraph.connected_components` las da en una línea, y es lo que usa
`course.datasets.folders`, que además une las imágenes de un mismo paciente. Ante la duda un grupo
grande es lo prudente: dos fotos de más en un lado no dañan, y una gemela en cada lado regala la
nota.""",
)

# ---- 6.2


def leaked(groups, in_test):
    trained = set(groups[~in_test])
    tested = groups[in_test]
    return sum(group in trained for group in tested) / len(tested)


def _leaked_by_table(groups, in_test):
    """Of the test pictures, those whose group has one on the other side, by a table of both."""
    names, rows = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), 2), int)
    np.add.at(counts, (rows, in_test.astype(int)), 1)
    both = counts.min(1) > 0
    return counts[both, 1].sum() / counts[:, 1].sum()


def _draw_splits(random):
    """Patients with 1 to 4 pictures; some on both sides, in unequal parts; none; all."""
    draws = []
    # (of a patient, in the test): in turn, so that no two ways of counting agree
    for patients in (
        [(3, 2), (4, 1), (2, 2), (1, 0), (3, 0), (1, 1)],
        [(4, 3), (2, 0), (2, 2), (3, 3), (4, 0)],
        [(2, 2), (1, 1), (3, 0), (2, 0)],
        [(4, 1), (3, 1), (1, 1), (1, 1), (2, 0)],
    ):
        names = random.choice(np.arange(10, 100), len(patients), replace=False)
        groups, tested = [], []
        for name, (n, inside) in zip(names, patients, strict=True):
            groups += [name] * n
            tested += [True] * inside + [False] * (n - inside)
        order = random.permutation(len(groups))
        draws.append((np.array(groups)[order], np.array(tested)[order]))
    return draws


def _shares(measure):
    """A wrong answer from `measure(groups of training, groups of test)`."""
    return lambda groups, in_test: measure(groups[~in_test], groups[in_test])


LEAK = Exercise(
    number="6.2",
    title="Revisa un reparto",
    statement="""\
Alguien te da un reparto ya hecho: `groups` dice de qué paciente es cada imagen, e `in_test`
(verdadero o falso) si está en la prueba; las demás entrenan. Escribe `leaked(groups, in_test)`: de
las imágenes de la *prueba*, la fracción cuyo paciente tiene también alguna imagen en el
entrenamiento. En un reparto honesto es 0.""",
    hints=(
        "groups[in_test] son los pacientes de la prueba, uno por imagen, y groups[~in_test] los "
        "del entrenamiento.",
        "np.isin(a, b) dice de cada elemento de a si está en b. La media de un arreglo de "
        "verdaderos y falsos es la fracción de verdaderos.",
    ),
    example=(np.array([7, 7, 8, 9]), np.array([True, False, True, False])),
    draw=_draw_splits,
    right=_leaked_by_table,
    mistakes=(
        Mistake(
            _shares(lambda train, test: np.isin(test, train).sum()),
            "Cuentas las imágenes; se pide su fracción: divide por cuántas hay en la prueba.",
        ),
        Mistake(
            _shares(lambda train, test: np.isin(train, test).mean()),
            "Miras el otro lado: de las imágenes de *entrenamiento*, cuántas tienen a su paciente "
            "en la prueba. La nota se mide en la prueba, y ahí se regala.",
        ),
        Mistake(
            _shares(lambda train, test: np.isin(np.unique(test), train).mean()),
            "Cuentas *pacientes* de la prueba. Se pide la fracción de las imágenes: un paciente "
            "con más imágenes regala más nota.",
        ),
        Mistake(
            _shares(
                lambda train, test: len(np.intersect1d(train, test)) / len(np.union1d(train, test))
            ),
            "Cuentas qué parte de todos los pacientes está en los dos lados. Se pide, de las "
            "imágenes de la prueba, cuántas son de ellos.",
        ),
        Mistake(
            _shares(lambda train, test: np.isin(test, train).sum() / (len(train) + len(test))),
            "Divides por todas las imágenes; divide por las de la prueba.",
        ),
        Mistake(
            _shares(lambda train, test: (~np.isin(test, train)).mean()),
            "Eso es la fracción de la prueba que está *bien*, con pacientes nuevos. Se pide la "
            "otra.",
        ),
        Mistake(
            _shares(lambda train, test: float(np.isin(test, train).any())),
            "Dices si hay alguna fuga, sí o no. Se pide cuánta: una fracción.",
        ),
        Mistake(
            _shares(lambda train, test: len(np.intersect1d(train, test)) / len(test)),
            "Divides pacientes por imágenes. Cuenta imágenes arriba y abajo: un paciente con tres "
            "en la prueba son tres.",
        ),
    ),
    bounds=(0, 1),
    solution=leaked,
    explanation="""\
Es lo primero que conviene preguntarle a una nota ajena. En la prueba oficial de un conjunto famoso
puede pasar: cerca de un 11 % de las manos de prueba de Sign MNIST son tomas casi seguidas de una
de entrenamiento. Aquí el reparto está escrito en `split.csv`, con el grupo de cada imagen: con esa
tabla cualquiera puede hacer esta cuenta.""",
)

# ---- 6.3


def class_weights(labels):
    counts = np.bincount(labels)
    return len(labels) / (len(counts) * counts)


def _of_scikit_learn(labels):
    from sklearn.utils.class_weight import compute_class_weight

    return compute_class_weight("balanced", classes=np.unique(labels), y=labels)


def _draw_labels(random):
    """Two to four classes, each there, of different counts, mixed."""
    draws = []
    for counts in ([1, 3], [2, 1, 5], [4, 1, 2, 1], [6, 2]):
        labels = np.repeat(np.arange(len(counts)), random.permutation(counts))
        draws.append((random.permutation(labels),))
    return draws


def _by_count(measure):
    """A wrong answer from `measure(how many there are of each class)`."""
    return lambda labels: measure(np.bincount(labels))


WEIGHTS = Exercise(
    number="6.3",
    title="Que pese lo mismo cada clase",
    statement="""\
De 90 fotos, 80 son de perros y 10 de gatos. Si todas pesan igual en la pérdida, a la red le
conviene aprender perros. Se equilibra con un peso por clase: n / (k · n_c), con n imágenes en
total, k clases y n_c imágenes de la clase. Escribe `class_weights(labels)`: un arreglo con el peso
de cada clase, de la 0 a la última. En `labels` está la clase de cada imagen, y están todas.""",
    hints=(
        "np.bincount(labels) cuenta cuántas imágenes hay de cada clase, en orden.",
        "n es len(labels), y k es el largo de lo que da np.bincount. La división de un número por "
        "un arreglo da un arreglo.",
    ),
    example=(np.array([0, 0, 0, 1]),),
    draw=_draw_labels,
    right=_of_scikit_learn,
    mistakes=(
        Mistake(
            _by_count(lambda n: n / n.sum()),
            "Eso es la fracción de cada clase, y le da más peso a la que ya tiene más. El peso va "
            "al revés: dividido por n_c.",
        ),
        Mistake(
            _by_count(lambda n: n.sum() / n),
            "Falta dividir por k, el número de clases. Sin eso toda la pérdida queda k veces más "
            "grande, como si la tasa de aprendizaje fuera otra.",
        ),
        Mistake(
            _by_count(lambda n: 1 / n),
            "Falta multiplicar por n / k. Así la pérdida queda diminuta: la suma de todos los "
            "pesos, imagen por imagen, debe ser n, como sin pesos.",
        ),
        Mistake(
            _by_count(lambda n: 1 / (len(n) * n)),
            "Falta n arriba: n / (k · n_c).",
        ),
        Mistake(
            _by_count(lambda n: n.max() / n),
            "Divides la cuenta de la clase mayor. Las proporciones son las correctas, pero todas "
            "las clases pesan 1 o más, y la pérdida crece: usa n / (k · n_c).",
        ),
        Mistake(
            _by_count(lambda n: (1 / n) / (1 / n).sum()),
            "Haces que los pesos de las *clases* sumen 1. Deben sumar n los de todas las imágenes: "
            "n / (k · n_c).",
        ),
        Mistake(
            _by_count(lambda n: len(n) * n / n.sum()),
            "Está invertido: es k · n_c / n. Así la clase con más imágenes pesa más.",
        ),
        Mistake(
            lambda labels: class_weights(labels)[labels],
            "Das un peso por *imagen*. Se pide uno por clase; `fit` lo reparte.",
        ),
        Mistake(
            _by_count(lambda n: np.sqrt(n.sum() / (len(n) * n))),
            "Hay una raíz de más. (Suavizar así los pesos se usa, pero no es lo que se pide.)",
        ),
        Mistake(
            _by_count(lambda n: n.sum() / (len(n) * n) - 1),
            "Le restas 1 al peso: una clase con su parte justa pesaría 0.",
        ),
    ),
    bounds=(0, np.inf),
    solution=class_weights,
    explanation="""\
Así la suma de los pesos de cada clase es n / k, la misma para todas, y el total sigue siendo n. Es
lo que hace `class_weight="balanced"` en scikit-learn. No es gratis: la red se equivoca más en la
clase grande, y sus probabilidades ya no dicen qué tan frecuente es cada clase. Por eso se mira
después la sensibilidad de cada una, y no solo la exactitud.""",
)

# ---- 6.4


def wilson(right, n):
    z = 1.96
    p = right / n
    center = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return center - reach, center + reach


def _roots(right, n):
    """The ends are the x of (p - x)² = z² x (1 - x) / n, whose noise makes p just likely enough."""
    p, spread = right / n, 1.96**2 / n
    return tuple(np.sort(np.roots([1 + spread, -2 * p - spread, p**2]).real))


def _written(right, n, z=1.96, root=np.sqrt, part=4, outer=True, middle=2):
    """The formula with one of its parts another."""
    p = right / n
    below = 1 + z**2 / n
    center = (p + z**2 / (middle * n)) / below
    reach = z / (below if outer else 1) * root(p * (1 - p) / n + z**2 / (part * n**2))
    return center - reach, center + reach


def _wald(right, n):
    p = right / n
    reach = 1.96 * np.sqrt(p * (1 - p) / n)
    return p - reach, p + reach


def _around_the_share(right, n):
    low, high = _written(right, n)
    return right / n - (high - low) / 2, right / n + (high - low) / 2


def _draw_counts(random):
    """Few and all right; few and some wrong; none right; many."""
    n = int(random.integers(9, 15))
    return [
        (n, n),
        (int(random.integers(6, 9)), 10),
        (0, int(random.integers(5, 9))),
        (int(random.integers(85, 98)), 100),
    ]


INTERVAL = Exercise(
    number="6.4",
    title="Doce de doce",
    statement="""\
La red acertó 12 de 12. ¿Acierta siempre? Con tan pocas imágenes casi no se sabe. El intervalo de
Wilson dice, con 95 % de confianza, dónde puede estar su exactitud. Con p = aciertos / n y
`z = 1.96`, su centro es (p + z² / 2n) / (1 + z² / n), y a cada lado mide z / (1 + z² / n) por la
raíz de p (1 - p) / n + z² / 4n². Escribe `wilson(right, n)`, que devuelve los dos extremos, primero
el menor.""",
    hints=(
        "Calcula por partes: p, después el centro (p + z**2 / (2 * n)) / (1 + z**2 / n).",
        "La mitad del ancho es z / (1 + z**2 / n) por la raíz de p * (1 - p) / n + z**2 / (4 * "
        "n**2).",
        "Los extremos son centro - mitad y centro + mitad, y z va al cuadrado en todas partes "
        "menos delante de la raíz.",
    ),
    example=(12, 12),
    draw=_draw_counts,
    right=_roots,
    mistakes=(
        Mistake(
            _wald,
            "Ese es el intervalo simple, p ± z · raíz(p(1 - p)/n). Con 12 de 12 mide cero: diría "
            "que la red acierta siempre. El de Wilson agrega lo que falta saber.",
        ),
        Mistake(
            functools.partial(_written, z=1.645),
            "Usas `z = 1.645`, el de 90 % de confianza. El de 95 % es `1.96`.",
        ),
        Mistake(
            functools.partial(_written, z=2.576),
            "Usas `z = 2.576`, el de 99 % de confianza. El de 95 % es `1.96`.",
        ),
        Mistake(
            functools.partial(_written, root=lambda x: x),
            "Falta la raíz cuadrada.",
        ),
        Mistake(
            functools.partial(_written, part=2),
            "Dentro de la raíz, z² va dividido por 4n², no por 2n².",
        ),
        Mistake(
            functools.partial(_written, middle=1),
            "En el centro, z² va dividido por 2n, no por n.",
        ),
        Mistake(
            functools.partial(_written, outer=False),
            "La mitad del ancho también se divide por 1 + z²/n: divide el centro y la raíz.",
        ),
        Mistake(
            lambda right, n: tuple(end * (1 + 1.96**2 / n) for end in _written(right, n)),
            "Falta dividir todo por 1 + z²/n.",
        ),
        Mistake(
            _around_the_share,
            "El ancho es el correcto, pero lo pones alrededor de p. El centro de Wilson está "
            "corrido hacia la mitad: (p + z²/2n) / (1 + z²/n).",
        ),
        Mistake(
            lambda right, n: _written(n - right, n),
            "Tomas los errores por los aciertos: p = right / n.",
        ),
        Mistake(
            lambda right, n: tuple(100 * end for end in _written(right, n)),
            "Das porcentajes, de 0 a 100. Se piden fracciones, de 0 a 1.",
        ),
    ),
    bounds=(0, 1),
    solution=wilson,
    explanation="""\
Con 12 de 12 da de 0,76 a 1: la red podría fallar una de cada cuatro. Con 120 de 120, de 0,97 a 1.
Con algún error, el ancho baja con la raíz de n: para la mitad de la duda hace falta el cuádruple de
imágenes. Y la fórmula supone casos independientes: doce fotos de una misma persona son un caso, no
doce. Por eso el informe cuenta grupos.""",
)

EXERCISES = (TWINS, LEAK, WEIGHTS, INTERVAL)
