"""The exercises of Taller 2: parameters, sizes, softmax, cross-entropy, the confusion matrix."""

import numpy as np

from course.exercises.diagnosis import Mistake
from course.exercises.exercise import Exercise

# ---- 2.1


def conv2d_parameters(kernel_size, channels, filters, use_bias=True):
    rows, columns = kernel_size
    weights = rows * columns * channels * filters
    return weights + (filters if use_bias else 0)


def _weights(kernel_size, channels, filters):
    """The size of the array that a Conv2D of Keras calls its kernel."""
    return np.zeros((*kernel_size, channels, filters)).size


def _draw_layers(random):
    """Kernels that are not square too, all four numbers different; three with a bias, two not."""
    cases = []
    for use_bias in (True, True, True, False, False):
        rows, columns, channels, filters = map(int, random.permutation(np.arange(2, 9))[:4])
        cases.append(((rows, columns), channels, filters, use_bias))
    return cases


CONV2D = Exercise(
    number="2.1",
    title="Los parámetros de una capa convolucional",
    statement="""\
Escribe `conv2d_parameters(kernel_size, channels, filters, use_bias=True)`: cuántos números
aprende una capa `Conv2D` con `filters` filtros de tamaño `kernel_size`, un par (alto, ancho),
sobre una entrada de `channels` canales. `use_bias` dice si tiene sesgos. Compáralo con
`model.summary()`, donde las convoluciones no los tienen: la normalización que viene después
hace ese trabajo.""",
    hints=(
        "Un filtro no mira un solo canal: los mira todos a la vez. ¿Cuántos números tiene, "
        "entonces, un filtro de 3×3 sobre una imagen en colores?",
        "Un filtro tiene alto · ancho · canales números. Y hay `filters` de ellos.",
        "El sesgo es uno por filtro, no uno por número. Con use_bias=False no hay ninguno.",
    ),
    example=((3, 3), 1, 16, True),
    draw=_draw_layers,
    right=lambda kernel_size, channels, filters, use_bias: (
        _weights(kernel_size, channels, filters) + np.zeros(filters if use_bias else 0).size
    ),
    mistakes=(
        Mistake(
            lambda size, channels, filters, bias: _weights(size, channels, filters),
            "Olvidaste los sesgos: con use_bias=True hay uno más por cada filtro.",
        ),
        Mistake(
            lambda size, channels, filters, bias: _weights(size, channels, filters) + filters,
            "Sumas los sesgos siempre. Con use_bias=False la capa no los tiene.",
        ),
        Mistake(
            lambda size, channels, filters, bias: _weights(size, 1, filters) + filters * bias,
            "Olvidaste los canales de entrada: cada filtro tiene una rebanada de alto×ancho para "
            "*cada* canal, y suma lo que dan todas.",
        ),
        Mistake(
            lambda size, channels, filters, bias: _weights(size, channels, filters) + bias,
            "Sumaste un solo sesgo para toda la capa. Es uno por filtro.",
        ),
        Mistake(
            lambda size, channels, filters, bias: (
                _weights(size, channels, filters) + channels * filters * bias
            ),
            "Sumaste un sesgo por canal y filtro. Primero se suman los canales y después se agrega "
            "un solo sesgo por filtro.",
        ),
        Mistake(
            lambda size, channels, filters, bias: (
                _weights(size, channels, filters) + channels * bias
            ),
            "Sumaste un sesgo por canal de *entrada*. Es uno por filtro, que es lo que sale.",
        ),
        Mistake(
            lambda size, channels, filters, bias: (
                _weights((size[0], size[0]), channels, filters) + filters * bias
            ),
            "Supones que el kernel es cuadrado, con el alto al cuadrado. También puede ser de 3×5: "
            "alto por ancho.",
        ),
    ),
    solution=conv2d_parameters,
    explanation="""\
Los pesos son un arreglo de forma (alto, ancho, canales, filtros), y los sesgos uno de
(filtros,). El tamaño de la imagen no aparece por ninguna parte: el mismo filtro recorre todos
sus lugares. Por eso una convolución necesita tan pocos números.""",
)

# ---- 2.2


def flattened(side, filters):
    for _ in filters:
        side = side - 2  # la convolución de 3×3 pierde un píxel por lado
        side = side // 2  # el max-pooling de 2×2 deja la mitad
    return side * side * filters[-1]


def _levels(level):
    """`side² · filters` if each level makes `level(side)` of a side."""

    def count(side, filters):
        for _ in filters:
            side = level(side)
        return side * side * filters[-1]

    return count


def _side_after(side):
    convolved = len(range(0, side - 3 + 1))
    return len(range(0, convolved - 2 + 1, 2))


_right = _levels(_side_after)


def _places(side, filters):
    return _right(side, filters) // filters[-1]


def _draw_sides(random):
    """From one level to three; pixels are left over on the first, on the second, or nowhere."""
    sides = [int(side) for side in random.integers(6, 9, 4)]
    filters = [tuple(map(int, random.permutation(np.arange(2, 9))[:n])) for n in (1, 2, 3, 2)]
    # halves of n - 0.5: in the first n is even, which round() rounds up, in the second it is odd
    sides = [4 * (sides[0] // 2) + 1, 8 * (sides[1] // 2) + 8, 4 * sides[2] + 3, 4 * sides[3] + 6]
    return list(zip(sides, filters, strict=True))


FLATTENED = Exercise(
    number="2.2",
    title="De la imagen al vector",
    statement="""\
Una imagen de `side`×`side` pasa por un nivel por cada número de la lista `filters`: una
convolución de 3×3 sin padding (`"valid"`) con esa cantidad de filtros y un max-pooling de 2×2,
también sin padding. Escribe `flattened(side, filters)`: cuántos números salen de `Flatten` al
final.""",
    hints=(
        "Sigue el lado de la imagen por un solo nivel, con lápiz: 28 entra a la convolución, "
        "¿cuánto sale?",
        "28 se vuelve 26 con la convolución y 13 con el pooling. 13 se vuelve 11, y después 5: lo "
        "que sobra se pierde.",
        "Al final hay side·side lugares, y en cada uno tantos números como filtros tenga el "
        "*último* nivel.",
    ),
    example=(28, (16, 32)),
    draw=_draw_sides,
    right=_right,
    mistakes=(
        Mistake(
            _levels(lambda side: side // 2),
            "Calculaste como si hubiera padding (`same`): sin él, la convolución de 3×3 pierde un "
            "píxel por cada lado antes del pooling.",
        ),
        Mistake(
            _levels(lambda side: (side - 1) // 2),  # which is (side - 2) / 2, rounded up
            "Te sobra un lugar en algunos niveles. O le quitaste solo 1 por la convolución (un "
            "kernel de 3 pierde uno a la izquierda y uno a la derecha), o redondeaste hacia arriba "
            "en el pooling (sin padding, el píxel que sobra se pierde).",
        ),
        Mistake(
            _levels(lambda side: (side - 3) // 2),
            "Le quitaste 3 al lado por la convolución. Caben side - 3 + 1 posiciones: se pierden "
            "2.",
        ),
        Mistake(
            _levels(lambda side: round((side - 2) / 2)),
            "Usas round: de dos enteros igual de cercanos elige el par, y así a veces sube. Lo que "
            "sobra en el pooling se pierde siempre: usa la división entera, //.",
        ),
        Mistake(
            _levels(lambda side: (side - 2) / 2),
            "Te quedan medios píxeles: en cada pooling se pierde lo que sobra, con división "
            "entera, //.",
        ),
        Mistake(
            _places,
            "Contaste los lugares de la última imagen y olvidaste que en cada uno hay tantos "
            "números como filtros.",
        ),
        Mistake(
            lambda side, filters: round(_places(side, filters) ** 0.5 * filters[-1]),
            "Multiplicaste un solo lado por los filtros. La imagen tiene alto *y* ancho: "
            "side·side·filtros.",
        ),
        Mistake(
            lambda side, filters: _places(side, filters) * int(np.prod(filters)),
            "Multiplicaste los filtros de todos los niveles. Cada convolución reemplaza los "
            "canales anteriores por los suyos: al final quedan solo los del último nivel.",
        ),
        Mistake(
            lambda side, filters: _places(side, filters) * sum(filters),
            "Sumaste los filtros de todos los niveles. Cada convolución reemplaza los canales "
            "anteriores por los suyos: al final quedan solo los del último nivel.",
        ),
        Mistake(
            lambda side, filters: _right(side, filters[-1:]),
            "Pasaste por un solo nivel. Hay uno por cada número de la lista.",
        ),
    ),
    solution=flattened,
    explanation="""\
Cada nivel: (lado - 2) // 2. Los filtros solo cuentan al final, y solo los del último nivel. La
red de esta lección usa padding en cada paso, y por eso le alcanza para cuatro niveles: 28, 14,
7, 4, 2. Sin padding serían 28, 13, 5, 1, y ahí se acaba la imagen.""",
)

# ---- 2.3


def softmax(z):
    z = np.asarray(z, dtype=float)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _by_scipy(z):
    from scipy.special import softmax as reference

    return reference(z, axis=1)


def _by_scipy_unless_far(z):
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def _draw_logits(random):
    """Small ones, and then a row around 1000, one around -1000 and one with both."""
    logits = [random.uniform(-2, 2, shape).round(1) for shape in ((2, 3), (3, 4), (4, 3), (3, 3))]
    logits[-1] += [[1000] * 3, [-1000] * 3, [-1000, 1000, -1000]]
    return [(z,) for z in logits]


SOFTMAX = Exercise(
    number="2.3",
    title="Softmax que no se desborda",
    statement="""\
Escribe `softmax(z)`: `z` tiene una fila por imagen y una columna por clase, y cada *fila* debe
volverse una lista de probabilidades, e^z dividido por la suma de los e^z de su fila. Algunas
filas tienen números cercanos a 1000 y otras a -1000: también ahí debe responder bien.""",
    hints=(
        "¿Qué pasa con las probabilidades de una fila si a todos sus números les restas lo mismo?",
        "Nada: el factor se simplifica arriba y abajo. Resta entonces lo que haga que el mayor "
        "exponente sea 0.",
        "z.max(axis=1, keepdims=True) es el mayor de cada fila, en una columna lista para restar. "
        "Con la suma, igual.",
    ),
    example=(np.array([[0.0, 0.0], [1000.0, 1001.0]]),),
    draw=_draw_logits,
    right=_by_scipy,
    mistakes=(
        Mistake(
            lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
            "La fórmula está bien, pero e^1000 se desborda y e^-1000 se vuelve 0: queda inf/inf o "
            "0/0, que son NaN. Resta primero el mayor de cada fila.",
        ),
        Mistake(
            lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=1, keepdims=True),
            "Restaste el mayor de *todo* el arreglo. La fila que está cerca de -1000 queda en 0/0: "
            "resta en cada fila su propio mayor, axis=1 y keepdims=True.",
        ),
        Mistake(
            (
                lambda z: _by_scipy_unless_far(z - z.min(axis=1, keepdims=True)),
                lambda z: _by_scipy_unless_far(z - z.mean(axis=1, keepdims=True)),
            ),
            "Restas en cada fila su menor o su promedio: si en ella hay números muy distintos, el "
            "mayor sigue siendo enorme y se desborda. Resta el *mayor*.",
        ),
        Mistake(
            lambda z: np.exp(z - z.max(axis=0)) / np.exp(z - z.max(axis=0)).sum(axis=0),
            "Suman 1 las columnas, no las filas: los ejes están intercambiados. Cada imagen es una "
            "fila, así que se suma a lo largo de axis=1.",
        ),
        Mistake(
            lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(),
            "Dividiste por la suma de todo el arreglo: suma 1 el lote completo, y debe sumar 1 "
            "cada fila.",
        ),
        Mistake(
            np.exp,
            "Elevaste e, pero falta dividir por la suma de la fila: así no suman 1. (Y e^1000 se "
            "desborda: resta antes el mayor de la fila.)",
        ),
        Mistake(
            lambda z: np.exp(z - z.max(axis=1, keepdims=True)),
            "Tus filas no suman 1: la clase favorita tiene siempre 1. Falta dividir por la *suma* "
            "de cada fila (dividir por el mayor es lo mismo que restarlo en el exponente).",
        ),
        Mistake(
            lambda z: z / z.sum(axis=1, keepdims=True),
            "Dividiste z por su suma, sin elevar e: con números negativos eso no son "
            "probabilidades.",
        ),
        Mistake(
            lambda z: np.exp(-np.logaddexp(0, -z)),
            "Eso es la sigmoide de cada número por separado: las clases no compiten y la fila no "
            "suma 1.",
        ),
        Mistake(
            lambda z: np.log(_by_scipy(z)),
            "Devuelves el logaritmo de las probabilidades; se piden las probabilidades mismas.",
        ),
        Mistake(
            lambda z: np.eye(z.shape[1])[z.argmax(axis=1)],
            "Eso es el máximo duro: 1 para la clase ganadora y 0 para las demás. Softmax reparte, "
            "y por eso tiene gradiente.",
        ),
    ),
    bounds=(0, 1),
    solution=softmax,
    explanation="""\
e^(z - m) = e^z / e^m, y el e^m se simplifica al dividir: restar el mayor de la fila no cambia
nada y deja todos los exponentes en 0 o menos. `keepdims=True` conserva el eje reducido, con
largo 1, para que la resta y la división vayan fila por fila.""",
)

# ---- 2.4


def cross_entropy(labels, probabilities):
    right = probabilities[np.arange(len(labels)), labels]
    return -np.mean(np.log(right))


def _slide_formula(labels, probabilities):
    """The slide's sum over all classes, for each image: `(n,)`."""
    t = np.eye(probabilities.shape[1])[labels]  # one-hot
    return -(t * np.log(probabilities)).sum(axis=1)


def _draw_answers(random):
    """Every class is the true one somewhere; probabilities are multiples of 0.02."""
    cases = []
    for n, classes in ((3, 3), (4, 3), (4, 4), (5, 4)):
        cuts = [sorted(random.permutation(np.arange(1, 50))[: classes - 1]) for _ in range(n)]
        probabilities = np.array([np.diff([0, *cut, 50]) / 50 for cut in cuts])
        more = random.integers(0, classes, n - classes)
        cases.append((random.permutation([*range(classes), *more]), probabilities))
    return cases


CROSS_ENTROPY = Exercise(
    number="2.4",
    title="La entropía cruzada",
    statement="""\
Escribe `cross_entropy(labels, probabilities)`: la pérdida de un lote, que es el **promedio**
sobre las imágenes de L = -(suma de t·ln y) sobre las clases. `labels` trae la clase verdadera
de cada imagen, contada desde 0; `probabilities` tiene una fila por imagen y una columna por
clase, ya pasadas por softmax, sin ceros.""",
    hints=(
        "En cada fila, t vale 1 para la clase verdadera y 0 para las demás. ¿Cuántos términos de "
        "la suma quedan?",
        "Queda uno: menos el logaritmo de la probabilidad que la red le dio a la clase verdadera.",
        "Para elegir un número por fila: probabilities[np.arange(len(labels)), labels].",
    ),
    example=(np.array([0, 1]), np.array([[0.5, 0.5], [0.2, 0.8]])),
    draw=_draw_answers,
    right=lambda labels, probabilities: _slide_formula(labels, probabilities).mean(),
    mistakes=(
        Mistake(
            lambda labels, p: _slide_formula(labels, p).sum(),
            "Sumaste las pérdidas de las imágenes: se pide el promedio, para que la pérdida no "
            "dependa del tamaño del lote.",
        ),
        Mistake(
            lambda labels, p: _slide_formula(labels, p).mean() / p.shape[1],
            "Promediaste también sobre las clases. Sobre las clases se suma (solo la verdadera "
            "aporta); se promedia sobre las imágenes.",
        ),
        Mistake(
            lambda labels, p: -_slide_formula(labels, p).mean(),
            "Falta el signo menos: el logaritmo de una probabilidad es negativo, y una pérdida "
            "debe ser positiva.",
        ),
        Mistake(
            lambda labels, p: -np.log(p[np.arange(len(p)), labels - 1]).mean(),
            "Las etiquetas quedaron corridas en uno: contaste las clases desde 1, y la primera es "
            "la 0. (Con -1, NumPy mira la última columna sin avisar.)",
        ),
        Mistake(
            lambda labels, p: -np.log(p.max(axis=1)).mean(),
            "Tomaste la probabilidad más alta de cada fila: así la red nunca se equivoca. Cuenta "
            "la que le dio a la clase *verdadera*.",
        ),
        Mistake(
            lambda labels, p: 1 - np.exp(-_slide_formula(labels, p)).mean(),
            "Restaste de 1 la probabilidad de la clase verdadera. Falta el logaritmo, que es lo "
            "que castiga sin límite a quien se equivoca muy seguro.",
        ),
        Mistake(
            lambda labels, p: -np.log(np.exp(-_slide_formula(labels, p)).mean()),
            "Promediaste las probabilidades y después tomaste el logaritmo. El orden importa: "
            "primero el logaritmo de cada una, después el promedio.",
        ),
        Mistake(
            lambda labels, p: _slide_formula(labels, p).mean() / np.log(2),
            "Usaste el logaritmo en base 2. Aquí, como en Keras, es el natural: np.log.",
        ),
        Mistake(
            lambda labels, p: _slide_formula(labels, p).mean() / np.log(10),
            "Usaste el logaritmo decimal, np.log10. Aquí, como en Keras, es el natural: np.log.",
        ),
        Mistake(
            lambda labels, p: -np.log(p[:, labels]).mean(),
            "p[:, labels] no elige una columna por fila: elige esas columnas en *todas* las filas. "
            "Hace falta decir también la fila: p[np.arange(len(labels)), labels].",
        ),
        Mistake(
            lambda labels, p: -np.log(p).sum(axis=1).mean(),
            "Sumaste el logaritmo de todas las clases. La t vale 1 solo en la verdadera: las demás "
            "se multiplican por 0.",
        ),
        Mistake(
            _slide_formula,
            "Devolviste la pérdida de cada imagen. Falta promediarlas: un solo número.",
        ),
    ),
    bounds=(0, np.inf),
    solution=cross_entropy,
    explanation="""\
Como t es *one-hot*, de la suma sobre las clases queda un solo término por imagen: -ln de la
probabilidad de la clase verdadera. Es lo que Keras llama `sparse_categorical_crossentropy`;
sin el `sparse` espera las t ya convertidas en ceros y unos.""",
)

# ---- 2.5


def class_accuracy(confusion):
    confusion = np.asarray(confusion)
    return np.diag(confusion) / confusion.sum(axis=1)


def _counted(confusion):
    """By going through the images one by one."""
    right, all_of = np.zeros(len(confusion)), np.zeros(len(confusion))
    for truth, row in enumerate(confusion):
        for answer, count in enumerate(row):
            all_of[truth] += count
            right[truth] += count * (truth == answer)
    return right / all_of


def _draw_confusions(random):
    """Rows of different sums, columns too; whatever the draw no class is without images.

    Of the first class most images are taken for the last one.
    """
    cases = []
    for classes in (3, 2, 3, 4):
        sizes = random.permutation(np.arange(6, 30, 4))[:classes]
        matrix = random.integers(0, 4, (classes, classes)) + np.eye(classes, dtype=int)
        matrix[np.arange(classes), np.arange(classes)] += sizes
        matrix[0, -1] += matrix[0, 0] + 5  # never symmetric
        cases.append((matrix,))
    return cases


def _one_against_the_rest(confusion):
    diagonal, total = np.diag(confusion), confusion.sum()
    wrong = confusion.sum(axis=0) + confusion.sum(axis=1) - 2 * diagonal
    return (total - wrong) / total


CLASS_ACCURACY = Exercise(
    number="2.5",
    title="Leer una matriz de confusión",
    statement="""\
En la matriz de confusión del informe, la fila dice la clase **verdadera** y la columna lo que
la red **respondió**. Escribe `class_accuracy(confusion)`: de las imágenes que de verdad eran
de cada clase, qué fracción reconoció. Devuelve un número por clase, entre 0 y 1; todas las
clases tienen imágenes.""",
    hints=(
        "Los aciertos están en la diagonal: np.diag(confusion).",
        "¿Cuántas imágenes eran de verdad un 3? Todas las de la fila del 3, las haya llamado la "
        "red como las haya llamado.",
        "confusion.sum(axis=1) suma a lo largo de cada fila, y deja un número por clase verdadera.",
    ),
    example=(np.array([[8, 2], [1, 3]]),),
    draw=_draw_confusions,
    right=_counted,
    mistakes=(
        Mistake(
            lambda c: np.diag(c) / c.sum(axis=0),
            "Intercambiaste los ejes: dividiste por la suma de cada *columna*, todo lo que la red "
            "llamó así. Eso es la precisión: de lo que llamó 3, cuánto lo era.",
        ),
        Mistake(
            lambda c: c.max(axis=1) / c.sum(axis=1),
            "Tomaste el número más grande de cada fila. Los aciertos están en la diagonal, y en "
            "una clase que se confunde mucho la diagonal no es lo más grande.",
        ),
        Mistake(
            lambda c: np.diag(c) / c.sum(),
            "Dividiste por el total de imágenes. De cada clase importan solo las suyas: la suma de "
            "su fila.",
        ),
        Mistake(
            lambda c: np.trace(c) / c.sum(),
            "Eso es la exactitud global, un solo número. Aquí se pide uno por clase: una clase "
            "pequeña puede ir muy mal sin que el total lo note.",
        ),
        Mistake(
            lambda c: np.mean(np.diag(c) / c.sum(axis=1)),
            "Promediaste las clases. Devuelve el número de cada una, sin promediar.",
        ),
        Mistake(
            lambda c: 1 - np.diag(c) / c.sum(axis=1),
            "Eso es la fracción que *no* reconoció. Falta restarla de 1, o usar la diagonal.",
        ),
        Mistake(
            _one_against_the_rest,
            "Contaste también los aciertos de decir «no es de esta clase», que son casi todos. "
            "Cuentan solo las imágenes que de verdad eran de la clase: su fila.",
        ),
        Mistake(
            np.diag,
            "Esos son los aciertos, en cantidad de imágenes. Falta dividir por cuántas había de "
            "cada clase.",
        ),
        Mistake(
            lambda c: c / c.sum(axis=1, keepdims=True),
            "Dividiste bien cada fila, y devuelves la matriz completa. Se pide su diagonal.",
        ),
        Mistake(
            lambda c: 100 * np.diag(c) / c.sum(axis=1),
            "Está en porcentaje: se pide una fracción, entre 0 y 1.",
        ),
        Mistake(
            lambda c: np.diag(c) / (c.sum(axis=1) - np.diag(c)),
            "Dividiste los aciertos por los errores. Se divide por todas las imágenes de la clase, "
            "aciertos y errores.",
        ),
    ),
    bounds=(0, 1),
    solution=class_accuracy,
    explanation="""\
La diagonal dividida por la suma de cada fila. Se llama también *sensibilidad* o *recall*; con
la suma de las columnas sería la precisión. Para un diagnóstico son preguntas muy distintas:
cuántos enfermos encontró, y cuántos de los que llamó enfermos lo estaban.""",
)

EXERCISES = (CONV2D, FLATTENED, SOFTMAX, CROSS_ENTROPY, CLASS_ACCURACY)
