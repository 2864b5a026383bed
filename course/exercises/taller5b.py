"""The exercises of Taller 5b: boxes, and how good they are."""

import numpy as np

from course.exercises.diagnosis import Mistake
from course.exercises.exercise import Exercise

# ---- 5b.1


def box_iou(a, b):
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(height, 0) * max(width, 0)
    area_a = (a[2] - a[0]) * (a[3] - a[1])
    area_b = (b[2] - b[0]) * (b[3] - b[1])
    return shared / (area_a + area_b - shared)


def _painted(a, b):
    """The pixels of both, painted on a canvas and counted."""
    canvas = np.zeros((2, 40, 40), int)
    for picture, (top, left, bottom, right) in zip(canvas, (a, b), strict=True):
        picture[top:bottom, left:right] = 1
    covered = canvas.sum(axis=0)
    return np.sum(covered == 2) / max(np.sum(covered > 0), 1)


def _draw_boxes(random):
    """Boxes that overlap, one in the other, side by side, and apart along one axis or both."""
    draws = []
    for down, right in ((2, 3), (0, 12), (12, 1), (11, 13)):
        height, width, more = random.integers(5, 10), random.integers(5, 10), random.integers(1, 4)
        top, left = random.integers(0, 3), random.integers(12, 15)
        small = np.array([top, left, top + height, left + width])
        draws.append((small, small + [down, right, down + more, right + more]))
    small, large = draws[0]
    inner = large + [2, 1, -1, -2]
    beside = small + np.array([0, 1, 0, 1]) * (small[3] - small[1])
    return [*draws, (large, small), (large, inner), (small, beside)]


def _of_sides(measure):
    """A wrong answer from `measure(height, width of what is shared, area of a, area of b)`."""

    def wrong(a, b):
        height, width = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
        return measure(float(height), float(width), np.prod(a[2:] - a[:2]), np.prod(b[2:] - b[:2]))

    return wrong


def _clipped(measure):
    return _of_sides(lambda h, w, a, b: measure(max(h, 0) * max(w, 0), a, b))


def _with_another_box(turn):
    union = _clipped(lambda shared, a, b: shared / (a + b - shared))
    return lambda a, b: union(turn(a), turn(b))


IOU = Exercise(
    number="5b.1",
    title="La IoU de dos cajas",
    statement="""\
Escribe `box_iou(a, b)`: lo que comparten dos cajas, dividido por lo que cubren juntas. Una caja es
(arriba, izquierda, abajo, derecha) en píxeles, y se corta con imagen[arriba:abajo,
izquierda:derecha], de modo que su alto es abajo - arriba. Las cajas que no se tocan dan 0.""",
    hints=(
        "Lo que comparten es otra caja. Empieza donde empieza la que empieza más tarde, y termina "
        "donde termina la primera que termina.",
        "alto = min(a[2], b[2]) - max(a[0], b[0]), y el ancho igual con 3 y 1. ¿Qué significa que "
        "salga negativo? ¿Y si salen negativos los dos, cuánto es su producto?",
        "Juntas cubren área de a + área de b - lo compartido, que si no se contaría dos veces.",
    ),
    example=(np.array([0, 0, 2, 2]), np.array([0, 1, 2, 3])),
    draw=_draw_boxes,
    right=_painted,
    mistakes=(
        Mistake(
            _of_sides(lambda h, w, a, b: h * w / (a + b - h * w)),
            "Mira dos cajas separadas: el alto o el ancho de lo compartido sale negativo, y si "
            "salen negativos los dos, su producto es positivo y parece que se tocan. Un lado "
            "negativo quiere decir que no comparten nada: max(lado, 0), en cada lado.",
        ),
        Mistake(
            _of_sides(lambda h, w, a, b: max(h * w, 0) / (a + b - max(h * w, 0))),
            "Recortas a 0 el producto, pero menos por menos es más: en dos cajas separadas en "
            "diagonal, los dos lados son negativos y el área sale positiva. Recorta cada lado.",
        ),
        Mistake(
            _of_sides(lambda h, w, a, b: abs(h) * abs(w) / (a + b - abs(h) * abs(w))),
            "Con el valor absoluto, la distancia entre dos cajas separadas cuenta como si la "
            "compartieran. Un lado negativo es que no comparten nada: max(lado, 0).",
        ),
        Mistake(
            _with_another_box(lambda box: box + [0, 0, 1, 1]),
            "Sumas 1 a cada lado, como si el último píxel fuera parte de la caja. Aquí `abajo` y "
            "`derecha` quedan justo afuera, como en un corte de NumPy: alto = abajo - arriba.",
        ),
        Mistake(
            _with_another_box(lambda box: box + [0, 0, box[0], box[1]]),
            "Tomas la caja por (arriba, izquierda, *alto*, *ancho*). Los dos últimos números son "
            "abajo y derecha: posiciones, no tamaños.",
        ),
        Mistake(
            _with_another_box(lambda box: box[[0, 2, 1, 3]]),
            "Tomas la caja por (arriba, *abajo*, izquierda, derecha), o (x, x, y, y). Cada esquina "
            "viene junta: arriba e izquierda, después abajo y derecha.",
        ),
        Mistake(
            _clipped(lambda shared, a, b: shared / (a + b)),
            "Divides por la suma de las áreas, y en ella lo compartido está dos veces: dos cajas "
            "iguales darían 0,5. Réstalo una vez.",
        ),
        Mistake(
            _clipped(lambda shared, a, b: 2 * shared / (a + b)),
            "Eso es el Dice de las cajas. La IoU divide por la unión, área + área - lo compartido.",
        ),
        Mistake(
            _clipped(lambda shared, a, b: shared / min(a, b)),
            "Divides por la caja más pequeña. Una caja diminuta dentro de una enorme daría 1; la "
            "IoU divide por la unión.",
        ),
        Mistake(
            _clipped(lambda shared, a, b: shared / a),
            "Divides solo por el área de `a`. La IoU divide por la unión de las dos, y así no "
            "importa cuál viene primero.",
        ),
        Mistake(
            _clipped(lambda shared, a, b: shared / b),
            "Divides solo por el área de `b`. La IoU divide por la unión de las dos, y así no "
            "importa cuál viene primero.",
        ),
        Mistake(
            _clipped(lambda shared, a, b: shared),
            "Eso es lo que comparten, en píxeles. Falta dividir por lo que cubren juntas.",
        ),
    ),
    bounds=(0, 1),
    solution=box_iou,
    explanation="""\
Un lado negativo dice que las cajas no se encuentran en ese eje, y basta uno. Es Dice con otro
denominador: IoU = Dice / (2 - Dice), y con máscaras se llama índice de Jaccard. Las convenciones
son la mitad del trabajo: esquinas o tamaños, x primero o y primero, último píxel dentro o fuera. Se
escriben en la primera línea de `course/inference/detection.py`.""",
)

# ---- 5b.2


def suppress(overlaps, scores, threshold):
    left = list(np.argsort(-scores))
    kept = []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if overlaps[best, i] <= threshold]
    return kept


def _kept_by_kept(overlaps, scores, threshold):
    """A box is kept unless one that was kept before, and so is better, covers it."""
    kept = []
    for i in sorted(range(len(scores)), key=lambda i: -scores[i]):
        if all(overlaps[i][j] <= threshold for j in kept):
            kept.append(i)
    return np.array(kept, int)


def _draw_finds(random):
    """On a line: a chain of three boxes, the middle one over both its neighbours, two, and one.

    The best of the chain stands at its end, so that the other end is kept; in the last draw its IoU
    is the threshold. The first box is one that must go. The one by itself is in two draws less
    probable than the threshold, which has nothing to do with it.
    """
    starts = np.array([0, 4, 8, 30, 33, 50])
    shared = np.clip(10 - abs(starts[:, None] - starts), 0, None)
    overlaps = (shared / (20 - shared)).round(2)
    draws = []
    for threshold, alone in ((0.2, 0.1), (0.3, 0.85), (0.11, 0.1)):
        scores = np.array([0.9, 0.8, 0.7, 0.95, 0.6, alone])
        first = random.choice([1, 4])
        kept = np.arange(0)
        while (np.diff(kept) > 0).all():  # until those that are kept do not come by their indices
            order = [first, *random.permutation(np.delete(np.arange(6), first))]
            finds = overlaps[np.ix_(order, order)], scores[order], threshold
            kept = _kept_by_kept(*finds)
        draws.append(finds)
    return draws


def _one_after_the_other(order, among):
    """A wrong suppression: `order` of the scores; `among` says with whom a box is compared."""

    def wrong(overlaps, scores, threshold):
        seen, kept = [], []
        for i in order(scores):
            others = {"kept": kept, "seen": seen, "first": kept[:1]}[among]
            if all(overlaps[i, j] <= threshold for j in others):
                kept.append(i)
            seen.append(i)
        return np.array(kept, int)

    return wrong


def _kept_if_sure(overlaps, scores, threshold):
    kept = _kept_by_kept(overlaps, scores, threshold)
    return kept[scores[kept] > threshold]


def _best_first(scores):
    return np.argsort(-scores)


NMS = Exercise(
    number="5b.2",
    title="Supresión de no máximos",
    statement="""\
Escribe `suppress(overlaps, scores, threshold)`: los índices de las cajas que quedan, de la más
segura a la menos. `scores` es la probabilidad de cada caja y `overlaps[i, j]` la IoU de las cajas i
y j. Queda la más segura y se quitan las que tienen con ella una IoU mayor que `threshold`; después,
lo mismo con las que aún están, hasta que no haya más.""",
    hints=(
        "np.argsort(-scores) da los índices de la más segura a la menos.",
        "Con una lista de candidatas en ese orden: saca la primera, guárdala, y quédate con las "
        "candidatas cuya IoU con ella no pasa del umbral. Repite mientras haya.",
        "Una caja suprimida ya no suprime a nadie: se compara solo con las que quedaron.",
    ),
    example=(
        np.array([[1, 0.67, 0], [0.67, 1, 0], [0, 0, 1]]),
        np.array([0.8, 0.9, 0.7]),
        0.3,
    ),
    draw=_draw_finds,
    right=_kept_by_kept,
    mistakes=(
        Mistake(
            _one_after_the_other(lambda scores: range(len(scores)), "kept"),
            "Recorres las cajas en el orden en que vienen, y así la primera quita a otras más "
            "seguras que ella. Ordénalas antes: np.argsort(-scores).",
        ),
        Mistake(
            _one_after_the_other(np.argsort, "kept"),
            "Ordenas de la menos segura a la más segura: np.argsort va de menor a mayor, y gana la "
            "peor de cada grupo. Usa np.argsort(-scores).",
        ),
        Mistake(
            _one_after_the_other(_best_first, "seen"),
            "Comparas con *todas* las cajas mejores, también con las que ya fueron suprimidas. Si "
            "A quita a B, B ya no puede quitar a C: compara solo con las que quedaron.",
        ),
        Mistake(
            _one_after_the_other(_best_first, "first"),
            "Comparas solo con la más segura de todas, una vez. Después hay que seguir: la mejor "
            "de las que aún están quita también a las suyas.",
        ),
        Mistake(
            lambda overlaps, scores, threshold: np.sort(_kept_by_kept(overlaps, scores, threshold)),
            "Son las cajas correctas, pero en el orden en que venían: se piden de la más segura a "
            "la menos.",
        ),
        Mistake(
            lambda overlaps, scores, threshold: np.argsort(-scores)[:1],
            "Dejas solo la más segura de todas, y en una imagen hay varios objetos. Quita las que "
            "se le superponen, y sigue con las demás.",
        ),
        Mistake(
            lambda overlaps, scores, threshold: np.argsort(-scores),
            "Ordenas las cajas, pero no quitas ninguna.",
        ),
        Mistake(
            lambda overlaps, scores, threshold: np.array([], int),
            "No queda ninguna caja. Si comparas cada una con todas, también se compara consigo "
            "misma, y overlaps[i, i] es 1: compárala solo con las otras que ya quedaron.",
        ),
        Mistake(
            lambda overlaps, scores, threshold: _kept_by_kept(
                overlaps, scores, np.nextafter(threshold, 0)
            ),
            "Quitas también las que tienen justo el umbral. Se quitan las de IoU *mayor* que "
            "`threshold`: comparas con < o >= donde va <= o >.",
        ),
        Mistake(
            (
                lambda overlaps, scores, threshold: np.flatnonzero(scores > threshold),
                lambda overlaps, scores, threshold: scores > threshold,
                _kept_if_sure,
            ),
            "`scores` no se compara con `threshold`, que es de la IoU: una caja poco probable "
            "también queda, si ninguna mejor la cubre.",
        ),
        Mistake(
            lambda *finds: np.isin(np.arange(len(finds[1])), _kept_by_kept(*finds)),
            "Devuelves una máscara, un sí o un no por caja. Se piden los índices de las que "
            "quedan, de la más segura a la menos.",
        ),
        Mistake(
            lambda *finds: np.setdiff1d(np.arange(len(finds[1])), _kept_by_kept(*finds)),
            "Devuelves las suprimidas. Se piden las que quedan.",
        ),
        Mistake(
            lambda overlaps, scores, threshold: scores[_kept_by_kept(overlaps, scores, threshold)],
            "Devuelves las probabilidades de las que quedan; se piden sus índices.",
        ),
    ),
    solution=suppress,
    explanation="""\
Es un algoritmo voraz: la mejor decide primero. Supone que dos objetos distintos no se superponen
más que `threshold`; con células o peatones apretados eso falla, y se pierden hallazgos verdaderos.
Con varias clases se puede suprimir cada clase por separado: si no, un 3 quita al 8 que tiene
encima.""",
)

# ---- 5b.3


def scores_at(threshold, scores, matched, there):
    found = scores >= threshold
    right = np.sum(found & (matched >= 0))
    return right / np.sum(found), right / there


def _by_counting(threshold, scores, matched, there):
    finds = [index for index, score in zip(matched, scores, strict=True) if score >= threshold]
    right = len([index for index in finds if index != -1])
    return right / max(len(finds), 1), right / max(there, 1)


def _draw_matches(random):
    """Right and false finds on both sides of the threshold, one right find just on it."""
    draws = []
    for threshold, counts in ((0.3, (3, 1, 2, 1)), (0.5, (4, 2, 1, 2)), (0.7, (3, 2, 2, 1))):
        right, missed, *_ = counts
        matched = np.array([*range(right + missed), *[-1] * (sum(counts) - right - missed)])
        above = np.repeat([True, False, True, False], counts)
        sure = random.integers(1, 20, size=len(matched)) / 100
        scores = np.where(above, threshold + sure, threshold - sure).round(2)
        scores[1] = threshold
        order = random.permutation(len(matched))
        more = [n for n in range(right + missed + 1, right + missed + 7) if n != len(scores)]
        there = int(random.choice(more))
        draws.append((threshold, scores[order], matched[order], there))
    return draws


def _ratios(measure):
    """A wrong answer from `measure(right, found, there, all that are right, all found)`."""

    def wrong(threshold, scores, matched, there):
        sure, good = scores >= threshold, matched >= 0
        return measure(
            float(np.sum(sure & good)), float(sure.sum()), there, float(good.sum()), len(scores)
        )

    return wrong


def _only_above(threshold, scores, matched, there):
    return _by_counting(np.nextafter(threshold, 1), scores, matched, there)


def _without_the_first(threshold, scores, matched, there):
    right = np.sum((scores >= threshold) & (matched > 0))
    return right / np.sum(scores >= threshold), right / there


PRECISION_RECALL = Exercise(
    number="5b.3",
    title="Precisión y exhaustividad según el umbral",
    statement="""\
Escribe `scores_at(threshold, scores, matched, there)`, que devuelve la precisión y la exhaustividad
si solo se toman las cajas con probabilidad `threshold` o más. `scores` es la probabilidad de cada
caja encontrada y `matched` el índice del objeto verdadero que le corresponde, o -1 si es falsa;
`there`, cuántos objetos verdaderos había.""",
    hints=(
        "Primero, qué cajas se toman: scores >= threshold. De ellas, cuáles son correctas. El "
        "objeto 0 también es un objeto.",
        "La precisión divide las correctas por las que se tomaron; la exhaustividad, las mismas "
        "correctas por los objetos que había. Al final, return precision, recall.",
    ),
    example=(0.5, np.array([0.9, 0.8, 0.6, 0.4]), np.array([0, -1, 2, 1]), 4),
    draw=_draw_matches,
    right=_by_counting,
    mistakes=(
        Mistake(
            _without_the_first,
            "Cuentas como correctas las cajas con matched > 0, y la que corresponde al objeto 0 "
            "queda por falsa. En Python se cuenta desde 0: la marca de falsa es -1.",
        ),
        Mistake(
            _ratios(lambda right, found, there, good, n: (right / there, right / found)),
            "Están cambiadas: primero la precisión (de lo que se encontró, cuánto es correcto), "
            "después la exhaustividad (de lo que había, cuánto se encontró).",
        ),
        Mistake(
            _ratios(lambda right, found, there, good, n: (good / n, good / there)),
            "No usas el umbral: cuentas todas las cajas. Toma solo aquellas con scores >= "
            "threshold.",
        ),
        Mistake(
            _ratios(lambda right, found, there, good, n: (right / n, right / there)),
            "La precisión divide por todas las cajas. Las que no llegan al umbral no se tomaron: "
            "divide por las que sí.",
        ),
        Mistake(
            _ratios(lambda right, found, there, good, n: (right / found, right / good)),
            "La exhaustividad divide por los objetos que *alguna* caja encontró. Los que nadie "
            "encontró también se perdieron: divide por `there`.",
        ),
        Mistake(
            _ratios(lambda right, found, there, good, n: (right / found, found / there)),
            "En la exhaustividad cuentas también las cajas falsas. Un objeto se encontró solo si "
            "una caja *correcta* le corresponde.",
        ),
        Mistake(
            _ratios(lambda right, found, there, good, n: (right / found, good / there)),
            "La precisión usa el umbral y la exhaustividad no. Un objeto cuya caja no llega al "
            "umbral no se encontró.",
        ),
        Mistake(
            _ratios(lambda right, found, there, good, n: ((found - right) / found, right / there)),
            "Lo primero es la fracción de cajas *falsas*. La precisión es la de las correctas.",
        ),
        Mistake(
            _ratios(lambda right, found, there, good, n: (right / found, right / n)),
            "La exhaustividad divide por todas las cajas. Se divide por los objetos que había: "
            "`there`.",
        ),
        Mistake(
            _only_above,
            "Dejas fuera las cajas que tienen justo el umbral: usas > y se pide `threshold` o más.",
        ),
    ),
    bounds=(0, 1),
    solution=scores_at,
    explanation="""\
Al subir el umbral se toman menos cajas: la exhaustividad solo puede bajar, y la precisión suele
subir. Con cada umbral hay un punto, y todos juntos son la curva precisión-exhaustividad; el área
bajo ella es la *average precision* de los concursos. Qué punto sirve no lo dice la curva: en una
mamografía, un tumor perdido y una falsa alarma no cuestan lo mismo.""",
)

EXERCISES = (IOU, NMS, PRECISION_RECALL)
