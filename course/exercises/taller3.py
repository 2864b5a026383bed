"""The exercises of Taller 3: labels without J, an honest split, a vote, a residual block."""

import numpy as np

from course.exercises.answers import Objection, describe, numbers
from course.exercises.diagnosis import Mistake
from course.exercises.exercise import Exercise

# ---- 3.1


def to_class(labels):
    return np.where(labels > 9, labels - 1, labels)


def _to_class_by_name(labels):
    names = "ABCDEFGHIKLMNOPQRSTUVWXY"
    return np.array([names.index(chr(ord("A") + label)) for label in labels])


def _draw_labels(random):
    """The letters on both sides of J, the first and the last, and some others."""
    known = [label for label in range(25) if label != 9]
    draws = [[0, 8, 10, 24, *random.choice(known, size=4)] for _ in range(4)]
    return [(random.permutation(labels),) for labels in draws]


CLASSES = Exercise(
    number="3.1",
    title="Las etiquetas sin la J",
    statement="""\
En el archivo de Sign MNIST la etiqueta es el lugar de la letra en el alfabeto inglés: A es 0, I es
8, K es 10, Y es 24. El 9 (la J) no aparece nunca. La red tiene 24 salidas, de 0 a 23 y sin
huecos: la salida 8 es I y la 9 es K. Escribe `to_class(labels)`, que a cada etiqueta del archivo le
da su salida.""",
    hints=(
        "De la A a la I no cambia nada. ¿Qué salida le toca a la K, que en el archivo es 10? ¿Y a "
        "la Y, que es 24?",
        "Después del hueco, cada letra está un lugar antes: resta 1, pero solo a las etiquetas "
        "mayores que 9. np.where(condición, si, no) elige número por número.",
    ),
    example=(np.array([0, 8, 10, 11]),),
    draw=_draw_labels,
    right=_to_class_by_name,
    mistakes=(
        Mistake(
            lambda labels: labels,
            "Devuelves la etiqueta tal como viene. La Y es 24, y una red con 24 salidas termina en "
            "la 23; además CLASS_NAMES[10] es L, no K: desde la K, todas quedan corridas.",
        ),
        Mistake(
            lambda labels: labels - 1,
            "Restas 1 a todas, y así la A queda en -1. Solo se corren las letras que vienen "
            "después de la J; de la A a la I todo está en su lugar.",
        ),
        Mistake(
            lambda labels: labels - (labels >= 8),
            "Empiezas a restar una letra antes: la I (8) tiene la salida 8, y en la tuya queda "
            "junto con la H en la 7. La primera que se corre es la K (10).",
        ),
        Mistake(
            lambda labels: labels - (labels > 10),
            "Empiezas a restar una letra después: la K (10) también viene después de la J, y en "
            "la tuya comparte la salida 10 con la L.",
        ),
        Mistake(
            lambda labels: labels + (labels > 9),
            "Corres las letras hacia el lado contrario: al quitar la J, las que vienen después "
            "bajan un lugar.",
        ),
        Mistake(
            lambda labels: labels % 24,
            "El resto de dividir por 24 cabe en las 24 salidas, pero pone la Y (24) junto con la A "
            "y deja el hueco de la J donde estaba.",
        ),
        Mistake(
            lambda labels: np.unique(labels, return_inverse=True)[1],
            "Numeras las etiquetas que hay en *este* arreglo, así que la misma letra recibe otra "
            "salida según quién la acompañe. Sirve si están las 24; en un lote casi nunca están.",
        ),
    ),
    solution=to_class,
    explanation="""\
La J se hace con movimiento y no cabe en una foto: el archivo se salta el 9. Si se olvida y se
le dan 25 salidas, la red aprende igual de bien (le da lo mismo cómo se llaman), pero al mostrar
`CLASS_NAMES[salida]` toda letra desde la K sale corrida en uno. Por eso los nombres viajan con el
modelo, en `card.json`.""",
)

# ---- 3.2


def hold_out(labels, groups, fraction):
    chosen = []
    for label in np.unique(labels):
        photographs = np.random.permutation(np.unique(groups[labels == label]))
        n = max(1, round(fraction * len(photographs)))
        chosen.extend(photographs[:n])
    return np.flatnonzero(np.isin(groups, chosen))


def _every_letter_s_first(labels, groups, fraction):
    """Of each letter whole photographs, until the fraction of its images is reached."""
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = labels == label
        for photograph in np.unique(groups[members]):
            if held[members].mean() < fraction - 0.01:
                held |= groups == photograph
    return np.flatnonzero(held)


def _draw_photographs(random):
    """Images sorted by letter; of each letter 9 or 10 photographs, the copies of which are mixed.

    Letter by letter the photographs are numbered, as `near_duplicates` does.
    """
    draws = []
    for fraction in (0.25, 0.3, 0.25, 0.3):
        labels, groups = [], []
        for label in range(3):
            copies = random.integers(5, 7, size=random.integers(9, 11))
            own = np.repeat(np.arange(len(copies)), copies) + len(np.unique(groups))
            groups.extend(random.permutation(own))
            labels.extend([label] * len(own))
        draws.append((np.array(labels), np.array(groups), fraction))
    return draws


def _faults(answer, labels, groups, fraction):
    """Three questions, 0 or 1: are twins apart, is a letter missing, is the size wrong?"""
    held = _held_out(answer, len(labels))
    if not held[len(np.unique(groups)) :].any():
        raise Objection(
            "Tus índices son todos menores que la cantidad de fotografías: ¿son números de "
            "fotografía? Se piden las imágenes: np.flatnonzero(np.isin(groups, elegidas))."
        )
    sides = (held, ~held)
    apart = np.isin(groups[held], groups[~held]).any()
    missing = any(len(np.unique(labels[side])) < len(np.unique(labels)) for side in sides)
    return np.array([apart, missing, abs(held.mean() - fraction) > 0.1], int)


def _held_out(answer, n):
    """The answer, indices or a mask, as a mask."""
    if isinstance(answer, tuple) and len(answer) == 2:
        raise Objection(
            "Llegó una tupla de dos cosas. Devuelve solo los índices de validación; los de "
            "entrenamiento son los que faltan."
        )
    indices = numbers(sorted(answer) if isinstance(answer, set | frozenset) else answer)
    if indices.dtype == bool and indices.shape == (n,):
        return indices
    if indices.ndim != 1 or indices.dtype.kind not in "iu" or not indices.size:
        raise Objection(
            "Se espera una lista o un arreglo con los índices de las imágenes de validación, "
            f"enteros y al menos uno. Llegó {describe(answer)}."
        )
    if indices.min() < 0 or indices.max() >= n:
        raise Objection(
            f"Hay {n} imágenes, de la 0 a la {n - 1}, y tus índices van de {indices.min()} a "
            f"{indices.max()}. ¿Devolviste números de fotografía, o etiquetas?"
        )
    if len(np.unique(indices)) < len(indices):
        raise Objection("Hay índices repetidos: cada imagen de validación se nombra una vez.")
    held = np.zeros(n, bool)
    held[indices] = True
    return held


# One wrong split for each kind of answer to the three questions.


def _random_images(labels, groups, fraction):
    return np.flatnonzero(np.arange(len(labels)) % round(1 / fraction) == 0)


def _end_of_the_list(labels, groups, fraction):
    return np.arange(len(labels) - round(fraction * len(labels)), len(labels))


def _end_of_the_photographs(labels, groups, fraction):
    names = np.unique(groups)
    return np.flatnonzero(np.isin(groups, names[: round(fraction * len(names))]))


def _other_side(wrong):
    def other(labels, groups, fraction):
        return np.setdiff1d(np.arange(len(labels)), wrong(labels, groups, fraction))

    return other


SPLIT = Exercise(
    number="3.2",
    title="Una validación sin gemelas",
    statement="""\
Escribe `hold_out(labels, groups, fraction)`: los índices de las imágenes que se apartan para
validar, elegidas al azar. `labels` trae la letra de cada imagen y `groups` su fotografía; todas las
copias de una fotografía son de una misma letra. Hay muchas respuestas correctas. Tres cosas deben
cumplirse: ninguna fotografía tiene copias en los dos lados, en cada lado están todas las letras, y
lo apartado no se aleja de `fraction` en más de una décima del total.""",
    hints=(
        "No sortees imágenes, sortea fotografías: una lista de números de `groups`. Después, "
        "np.isin(groups, sorteadas) dice qué imágenes son de ellas.",
        "Para que no falte ninguna letra, sortea letra por letra: np.unique(groups[labels == "
        "letra]) son sus fotografías y np.random.permutation las mezcla.",
        "De cada letra toma las primeras round(fraction * cuántas), al menos una. Al final, "
        "np.flatnonzero(np.isin(groups, elegidas)) son los índices.",
    ),
    example=(np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 2, 3, 3]), 0.5),
    draw=_draw_photographs,
    right=_every_letter_s_first,
    mistakes=(
        Mistake(
            _random_images,
            "Tu validación tiene gemelas en el entrenamiento: elegiste imágenes sueltas, y las "
            "copias de una fotografía quedaron en los dos lados. La nota saldría casi perfecta sin "
            "que la red sepa leer manos nuevas. Elige fotografías enteras.",
        ),
        Mistake(
            _end_of_the_list,
            "Tomaste un tramo seguido de la lista. Está ordenada por letra: a un lado le faltan "
            "letras, y además el corte pasa por el medio de algunas fotografías. Elige fotografías "
            "enteras, y de todas las letras.",
        ),
        Mistake(
            _end_of_the_photographs,
            "Las fotografías están enteras, pero a un lado le falta alguna letra. Los números de "
            "`groups` van letra por letra: un tramo seguido de ellos son pocas letras. Sortea "
            "dentro de cada letra.",
        ),
        Mistake(
            _other_side(_every_letter_s_first),
            "Las fotografías están enteras y están todas las letras, pero el tamaño no es el "
            "pedido. `fraction` es la parte que se aparta para validar: ¿devolviste el otro "
            "lado, o una cantidad fija?",
        ),
        Mistake(
            _other_side(_random_images),
            "Dos cosas: elegiste imágenes sueltas, y así las copias de una fotografía quedan en "
            "los dos lados; y el tamaño no es el pedido, `fraction` es la parte que se aparta para "
            "validar.",
        ),
        Mistake(
            _other_side(_end_of_the_photographs),
            "Dos cosas: a un lado le falta alguna letra, sortea dentro de cada una; y el tamaño no "
            "es el pedido, `fraction` es la parte que se aparta para validar.",
        ),
        Mistake(
            _other_side(_end_of_the_list),
            "Las tres respuestas son sí: hay fotografías en los dos lados, a un lado le faltan "
            "letras y el tamaño no es el pedido. Empieza por una letra: toma sus fotografías, "
            "mézclalas y aparta la fracción pedida, enteras.",
        ),
    ),
    solution=hold_out,
    compared="fotografías en los dos lados, letras que faltan, otro tamaño (1 es sí, 0 es no)",
    read=_faults,
    explanation="""\
Se sortean fotografías, letra por letra, y van con todas sus copias. El tamaño es solo aproximado,
y así tiene que ser: una fotografía no se parte. Con pacientes es lo mismo, y más grave: dos cortes
de una misma cabeza en lados distintos son una nota regalada. `course.datasets.splits.grouped` hace
esto, y también cuando un grupo tiene varias clases.""",
)

# ---- 3.3


def photograph_accuracy(predictions, labels, groups):
    right = []
    for photograph in np.unique(groups):
        copies = groups == photograph
        winner = np.bincount(predictions[copies]).argmax()
        right.append(winner == labels[copies][0])
    return np.mean(right)


def _by_table(predictions, labels, groups):
    """Votes as a matrix of photographs and letters."""
    names, rows = np.unique(groups, return_inverse=True)
    votes = np.zeros((len(names), 24), int)
    np.add.at(votes, (rows, predictions), 1)
    truth = np.zeros(len(names), int)
    truth[rows] = labels
    return float((votes.argmax(axis=1) == truth).mean())


def _draw_votes(random):
    """Photographs of eight kinds, a few together, their copies mixed.

    1 is a copy answered rightly: all are; most, but not the first, or not the last; only the first,
    or the last; none; two of five, where the other three differ among themselves. Of those five
    the right letter is the first in the alphabet, or the median and the mean; in the second kind
    the wrong one is the letter before it, in the sixth a later one. So no median, mean, first or
    last letter is taken for the vote, nor for another rule.
    """
    kinds = [(1, 1, 1), (0, 1, 1), (1, 0, 0), (0, 0, 0), (0, 1, 0, 0, 1), (1, 1, 0), (0, 0, 1)]
    kinds.append(kinds[4])
    draws = []
    for together in ((1, 3, 5), (2, 0, 6), (4, 1, 7), (5, 0, 6), (0, 1, 2, 3, 4, 5, 6)):
        groups, labels, predictions = [], [], []
        for group, kind in enumerate(random.permutation(together), start=1):
            letter, *others = random.choice(24, size=4, replace=False)
            if kind == 1:
                letter, others[0] = max(letter, 1), max(letter, 1) - 1
            if kind in (4, 5):
                letter, *others = sorted([letter, *others])
            if kind == 7:
                letter = random.integers(3, 22)
                others = [letter - 3, letter + 1, letter + 2]
            wrong = iter(others if kind in (4, 7) else others[:1] * 3)
            groups.extend(group for _ in kinds[kind])
            labels.extend(letter for _ in kinds[kind])
            predictions.extend(letter if good else next(wrong) for good in kinds[kind])
        # mixed, while the copies of a photograph keep their order
        mixed = random.permutation(groups)
        order = np.empty(len(groups), int)
        order[np.argsort(mixed, kind="stable")] = np.arange(len(groups))
        draws.append((np.array(predictions)[order], np.array(labels)[order], mixed))
    return draws


def _part_of(judge):
    """The part of the photographs that a judge of its copies, a bool array, calls right."""

    def accuracy(predictions, labels, groups):
        right = predictions == labels
        return np.mean([judge(right[groups == name]) for name in np.unique(groups)])

    return accuracy


def _by_letter(choose):
    """The part of the photographs whose letter `choose(their votes)` finds."""

    def accuracy(predictions, labels, groups):
        photographs = [groups == name for name in np.unique(groups)]
        return np.mean([choose(predictions[own]) == labels[own][0] for own in photographs])

    return accuracy


VOTE = Exercise(
    number="3.3",
    title="Las copias votan",
    statement="""\
Si hay varias copias de una fotografía, pueden votar: la red responde cada una y gana la letra con
más votos. Escribe `photograph_accuracy(predictions, labels, groups)`, la fracción de *fotografías*
(no de imágenes) que la votación acierta. Los tres arreglos tienen un número por imagen: la letra
que dijo la red, la verdadera y la fotografía. Las copias vienen mezcladas; no hay empates.""",
    hints=(
        "Recorre np.unique(groups). De cada fotografía, groups == fotografía señala sus copias.",
        "np.bincount(votos) cuenta cuántos votos tiene cada letra y .argmax() dice cuál ganó.",
        "Compara la ganadora con la verdadera, labels[copias][0]; guarda el sí o el no, y al final "
        "promedia sobre las fotografías.",
    ),
    example=(
        np.array([3, 7, 7, 5, 5]),
        np.array([7, 7, 7, 2, 2]),
        np.array([1, 1, 1, 2, 2]),
    ),
    draw=_draw_votes,
    right=_by_table,
    mistakes=(
        Mistake(
            lambda predictions, labels, groups: np.mean(predictions == labels),
            "Eso es la exactitud por imagen: nadie votó, y una fotografía con más copias pesa más. "
            "Aquí cada fotografía cuenta una vez.",
        ),
        Mistake(
            _part_of(np.mean),
            "Promedias, en cada fotografía, cuántas copias aciertan. Una votación no tiene "
            "decimales: con 2 de 3 copias correctas la fotografía vale 1, y con 1 de 3 vale 0.",
        ),
        Mistake(
            _part_of(np.any),
            "Das por buena una fotografía si *alguna* de sus copias acierta. Así casi todo está "
            "bien; debe acertar la letra que gana la votación.",
        ),
        Mistake(
            _part_of(np.all),
            "Das por buena una fotografía solo si aciertan *todas* sus copias. Basta con que gane "
            "la votación.",
        ),
        Mistake(
            _part_of(lambda right: right[0]),
            "Miras solo la primera copia de cada fotografía. Las demás también votan.",
        ),
        Mistake(
            _part_of(lambda right: right[-1]),
            "Cuenta solo la última copia de cada fotografía: dict(zip(groups, predictions)), o un "
            "diccionario que se llena en un for, guarda la última y olvida las anteriores. Las "
            "demás también votan.",
        ),
        Mistake(
            _by_letter(np.median),
            "Tomas la mediana de los números de las letras. Son nombres, no cantidades: entre la A "
            "y la C no está la B. Gana la que más se repite.",
        ),
        Mistake(
            (_by_letter(lambda votes: round(np.mean(votes))), _by_letter(np.mean)),
            "Promedias los números de las letras. Son nombres, no cantidades: el promedio de una A "
            "y una C no es una B. Gana la que más se repite.",
        ),
        Mistake(
            (_by_letter(np.max), _by_letter(np.min)),
            "Tomas la última o la primera letra en el alfabeto de las que votaron: max y min miran "
            "el número de la letra. Gana la que más se repite: np.bincount(votos).argmax().",
        ),
        Mistake(
            _part_of(lambda right: right.mean() > 0.5),
            "Pides más de la mitad de los votos. Gana la letra con *más* votos: con 2 para la A y "
            "uno para cada una de otras tres letras, gana la A con 2 de 5.",
        ),
        Mistake(
            lambda *inputs: 1 - _by_table(*inputs),
            "Eso es la fracción que la votación *falla*. Se pide la que acierta.",
        ),
        Mistake(
            lambda *inputs: _by_table(*inputs) * len(np.unique(inputs[2])),
            "Cuentas las fotografías acertadas, y falta dividir por cuántas fotografías hay.",
        ),
        Mistake(
            lambda *inputs: _by_table(*inputs) * len(np.unique(inputs[2])) / len(inputs[2]),
            "Divides por el número de imágenes; se divide por el de fotografías.",
        ),
    ),
    bounds=(0, 1),
    solution=photograph_accuracy,
    explanation="""\
La pregunta es qué cuenta como un caso. Las copias de una fotografía no son pruebas independientes:
veintiuna aciertan o fallan casi juntas, y contarlas por separado hace creer que se probó veintiuna
veces más. En medicina la unidad es el paciente, no el corte. Y la votación, de paso, suele subir la
nota: a predecir sobre varias versiones de una imagen se le llama *test-time augmentation*.""",
)

# ---- 3.4


def residual(x, W1, W2):
    f = np.maximum(x @ W1, 0) @ W2
    return np.maximum(x + f, 0)


def _one_by_one(x, W1, W2):
    """Number by number, without a product of matrices."""
    out = np.zeros(x.shape)
    for row in range(len(x)):
        hidden = [max(0, sum(x[row] * W1[:, j])) for j in range(W1.shape[1])]
        for i in range(x.shape[1]):
            out[row, i] = max(0, x[row, i] + sum(h * W2[j, i] for j, h in enumerate(hidden)))
    return out


def _draw_blocks(random):
    """First a block in which every ReLU and the shortcut matter; the others are drawn freely."""
    p, n = random.integers(3, 6), random.integers(1, 3)
    telling = [[p, -n], [-n, -p]], [[1, 0, -1], [0, -1, 0]], [[0, 2], [-1, 0], [1, 1]]
    draws = [tuple(map(np.array, telling))]
    for features, hidden in ((3, 2), (2, 4), (3, 4), (4, 2)):
        x = random.integers(-4, 5, size=(random.integers(1, 4), features))
        weights = (random.integers(-2, 3, size=n) for n in ((features, hidden), (hidden, features)))
        draws.append((x, *weights))
    return draws


def _relu(z):
    return np.maximum(z, 0)


RESIDUAL = Exercise(
    number="3.4",
    title="Un bloque residual",
    statement="""\
ResNet suma a lo que calcula un bloque su propia entrada. Escribe `residual(x, W1, W2)` = relu(x +
f(x)), con f(x) = relu(x W1) W2: dos capas sin sesgo, y ReLU solo después de la primera. `x` tiene
una fila por ejemplo, y los productos son de matrices.""",
    hints=(
        "El producto de matrices es @, y ReLU es np.maximum(z, 0).",
        "Calcula f por pasos: h = ReLU de x @ W1, después f = h @ W2. ¿Qué forma tiene f? La de x, "
        "y por eso se pueden sumar.",
        "La segunda ReLU va al final, después de la suma: así f puede quitarle a x, no solo "
        "agregarle.",
    ),
    example=(
        np.array([[1, -2]]),
        np.array([[1, 0, 2], [0, 1, 0]]),
        np.array([[1, 1], [0, 2], [0, 1]]),
    ),
    draw=_draw_blocks,
    right=_one_by_one,
    mistakes=(
        Mistake(
            lambda x, W1, W2: _relu(_relu(x @ W1) @ W2),
            "Falta el atajo: calculas relu(f(x)), dos capas comunes. Suma x antes de la última "
            "ReLU.",
        ),
        Mistake(
            lambda x, W1, W2: x + _relu(_relu(x @ W1) @ W2),
            "La última ReLU está en mal lugar: primero f, después suma. Así el bloque solo puede "
            "agregar, nunca quitar. Primero se suma x + f(x) y al final va la ReLU.",
        ),
        Mistake(
            lambda x, W1, W2: _relu(x + _relu(_relu(x @ W1) @ W2)),
            "Hay una ReLU de más: entre W2 y la suma no va ninguna. Con ella f nunca es negativa "
            "y el bloque solo puede agregar, nunca quitar.",
        ),
        Mistake(
            lambda x, W1, W2: x + _relu(x @ W1) @ W2,
            "La suma está bien; falta la ReLU del final, después de sumar.",
        ),
        Mistake(
            lambda x, W1, W2: _relu(x + x @ W1 @ W2),
            "Falta la ReLU entre W1 y W2. Sin ella las dos capas son una sola: x (W1 W2).",
        ),
        Mistake(
            lambda x, W1, W2: x + x @ W1 @ W2,
            "Falta ReLU en los dos lugares: después de W1 y después de la suma.",
        ),
        Mistake(
            lambda x, W1, W2: _relu(x) + _relu(_relu(x @ W1) @ W2),
            "Aplicas ReLU a cada parte y después sumas. Se suma primero, x + f(x), y la ReLU va "
            "una sola vez, sobre la suma.",
        ),
        Mistake(
            lambda x, W1, W2: np.concatenate([x, _relu(x @ W1) @ W2], axis=-1),
            "Pones x al lado de f(x), como hace la U-Net con sus atajos, y los canales se "
            "duplican. ResNet los *suma*.",
        ),
        Mistake(
            lambda x, W1, W2: _relu(x * (_relu(x @ W1) @ W2)),
            "Multiplicas x por f(x); el atajo de ResNet suma. (Multiplicar es lo que hará la "
            "compuerta de atención del Taller 4.)",
        ),
    ),
    bounds=(0, np.inf),
    solution=residual,
    explanation="""\
Si W2 es cero, el bloque deja pasar x (con ReLU): aprender a no hacer nada es fácil, y por eso una
red residual no tiene por qué empeorar al crecer. Y la derivada de x + f(x) es 1 + f'(x): aunque f'
sea casi cero, por el 1 el gradiente llega hasta el comienzo. En `course/models/resnet.py` f son
convoluciones.""",
)

EXERCISES = (CLASSES, SPLIT, VOTE, RESIDUAL)
