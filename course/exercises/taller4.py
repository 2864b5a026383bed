"""The exercises of Taller 4: volumes, regions, Dice, and an attention gate with mistakes in it."""

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np

from course.exercises.answers import Objection
from course.exercises.diagnosis import Mistake
from course.exercises.exercise import Exercise
from course.metrics.volumes import dice_score
from course.regions import EDITIONS, to_regions

# ---- 4.1


def volume_ml(mask, spacing_mm):
    voxel_mm3 = spacing_mm[0] * spacing_mm[1] * spacing_mm[2]
    return mask.sum() * voxel_mm3 / 1000


def _volume_of_slices(mask, spacing_mm):
    """Area of each slice in square centimetres, times its thickness in centimetres."""
    deep, high, wide = (mm / 10 for mm in spacing_mm)
    return sum(np.count_nonzero(part) * high * wide * deep for part in mask)


def _draw_masks(random):
    """Small masks in voxels that are no cubes, and one without any tumour."""
    draws = []
    for _ in range(4):
        mask = (random.random((2, 3, 3)) < 0.5).astype(int)
        mask[0, 0, 0], mask[1, 2, 2] = 1, 0  # neither empty nor full
        deep, plane = random.choice((4.0, 5.0)), random.choice((0.7, 2.0, 3.0), 2, replace=False)
        draws.append((mask, np.array([deep, *plane])))
    return [*draws, (np.zeros((2, 2, 2), int), np.array([5.0, 1.0, 2.0]))]


VOLUME = Exercise(
    number="4.1",
    title="Cuánto mide un tumor",
    statement="""\
El encabezado de una resonancia dice cuánto mide un vóxel en cada eje: `spacing_mm`, tres números en
milímetros, no siempre iguales. Escribe `volume_ml(mask, spacing_mm)`: el volumen en mililitros de
una máscara 3D de ceros y unos. Un mililitro es un centímetro cúbico.""",
    hints=(
        "Dos preguntas: ¿cuántos vóxeles tiene el tumor?, ¿cuánto mide uno en milímetros cúbicos?",
        "Un vóxel es una caja: su volumen es el producto de sus tres lados. Un centímetro son 10 "
        "mm; ¿cuántos milímetros cúbicos caben en un centímetro cúbico?",
    ),
    example=(np.array([[[1, 1], [0, 1]], [[0, 1], [0, 0]]]), np.array([5.0, 1.0, 2.0])),
    draw=_draw_masks,
    right=_volume_of_slices,
    mistakes=(
        Mistake(
            lambda mask, mm: mask.sum(),
            "Eso es el número de vóxeles. Un vóxel no mide lo mismo en todas las resonancias: "
            "multiplica por su volumen.",
        ),
        Mistake(
            lambda mask, mm: mask.sum() / 1000,
            "Supones que cada vóxel mide 1 mm por lado. Es así en BraTS, pero aquí no: falta "
            "`spacing_mm`.",
        ),
        Mistake(
            lambda mask, mm: mask.sum() * math.prod(mm),
            "Son milímetros cúbicos, y se piden mililitros: faltó dividir por 1000.",
        ),
        Mistake(
            lambda mask, mm: mask.sum() * math.prod(mm) / 1e9,
            "Son metros cúbicos, y se piden mililitros, que son centímetros cúbicos: divide los "
            "milímetros cúbicos por 1000.",
        ),
        Mistake(
            lambda mask, mm: mask.sum() * math.prod(mm) / 10,
            "Divides por 10, pero un centímetro *cúbico* tiene 10 mm en cada uno de sus tres ejes.",
        ),
        Mistake(
            lambda mask, mm: mask.sum() * math.prod(mm) / 100,
            "Divides por 100, como si fuera una superficie. Un centímetro cúbico son 10 x 10 x 10 "
            "milímetros cúbicos.",
        ),
        Mistake(
            lambda mask, mm: mask.sum() * mm[0] ** 3 / 1000,
            "Tomas el vóxel por un cubo, con el primer lado tres veces. Los cortes suelen ser más "
            "gruesos que anchos sus píxeles: multiplica los tres lados.",
        ),
        Mistake(
            (
                lambda mask, mm: mask.sum() * mm[0] * mm[1] ** 2 / 1000,
                lambda mask, mm: mask.sum() * mm[0] * mm[2] ** 2 / 1000,
            ),
            "Tomas los píxeles de un corte por cuadrados, con el mismo lado dos veces, y aquí no "
            "lo son: multiplica los tres lados.",
        ),
        Mistake(
            lambda mask, mm: mask.sum() * sum(mm) / 1000,
            "Sumas los tres lados del vóxel. El volumen de una caja es su *producto*.",
        ),
        Mistake(
            (
                lambda mask, mm: mask.sum() * mm[0] * mm[1] / 1000,
                lambda mask, mm: mask.sum() * mm[1] * mm[2] / 1000,
                lambda mask, mm: mask.sum() * mm[0] * mm[2] / 1000,
            ),
            "Multiplicas dos lados del vóxel: eso es la superficie de una cara. El volumen es el "
            "producto de los tres.",
        ),
        Mistake(
            lambda mask, mm: mask.size * math.prod(mm) / 1000,
            "Mides la imagen entera, con todos sus vóxeles. Cuenta solo los que valen 1.",
        ),
    ),
    bounds=(0, np.inf),
    solution=volume_ml,
    explanation="""\
Vóxeles, por el volumen de uno, entre 1000. El error más común es olvidar `spacing_mm`: en BraTS
todo mide 1 mm y no se nota; en el primer hospital con cortes de 5 mm, el tumor sale cinco veces más
pequeño. `course.metrics.volumes.volume_ml` hace la misma cuenta.""",
)

# ---- 4.2


def three_regions(labels, edition):
    core = [1, 3] if edition == "2015" else [1]
    enhancing = 4 if edition in ("2015", "2020") else 3
    et = labels == enhancing
    tc = et | np.isin(labels, core)
    wt = tc | (labels == 2)
    return wt, tc, et


def _regions_of_the_course(labels, edition):
    return tuple(to_regions(labels, edition).T.astype(int))


# edition: the labels of (core, oedema, enhancing)
_PARTS = {
    "2015": ([1, 3], [2], [4]),
    "2020": ([1], [2], [4]),
    "2023": ([1], [2], [3]),
    "2024": ([1], [2], [3]),
}


def _draw_rows(random):
    """Rows of voxels of each edition; in one of 2015 and one of 2020 nothing has the label 4."""
    known = [
        ("2020", [0, 1, 2, 4]),
        ("2023", [0, 1, 2, 3]),
        ("2024", [0, 1, 2, 3, 4]),
        ("2015", [0, 1, 2, 3, 4]),
        ("2015", [0, 1, 2, 3]),
        ("2020", [0, 1, 2]),
    ]
    return [
        (random.permutation([*labels, *random.choice(labels, 7 - len(labels))]), edition)
        for edition, labels in known
    ]


def _wrongly(join):
    """A wrong answer from `join(labels, core, oedema, enhancing) → (WT, TC, ET)` of label lists."""

    def regions(labels, edition):
        return tuple(np.isin(labels, part).astype(int) for part in join(*_PARTS[edition]))

    return regions


def _as_if(edition_of):
    """Wrong answers that read the labels as another edition's: all of them, or all but WT."""

    def regions(labels, edition):
        parts = EDITIONS[edition_of(labels, edition)].regions.values()
        return tuple(np.isin(labels, part).astype(int) for part in parts)

    def inner_regions(labels, edition):
        return _regions_of_the_course(labels, edition)[:1] + regions(labels, edition)[1:]

    return regions, inner_regions


REGIONS = Exercise(
    number="4.2",
    title="De etiquetas a regiones",
    statement="""\
Los números de una máscara cambiaron con los años:

| edición | 1 | 2 | 3 | 4 |
|---|---|---|---|---|
| 2015 | necrosis | edema | no realza | realza |
| 2020 | núcleo | edema | | realza |
| 2023 | núcleo | edema | realza | |
| 2024 | núcleo | edema | realza | cavidad de la operación |

Escribe `three_regions(labels, edition)`, que devuelve tres máscaras de ceros y unos (o de False y
True): WT, el tumor completo; TC, su núcleo, que es todo menos el edema; y ET, lo que realza. La
necrosis y lo que no realza son núcleo. La cavidad ya no es tumor. `edition` es un texto.""",
    hints=(
        "Empieza por adentro. ¿Qué número es ET en cada edición? Con ese número, et = labels == 4, "
        "por ejemplo.",
        "TC es ET más el núcleo que no realza: 1, y en 2015 también 3. Las máscaras se unen con | "
        "y np.isin(labels, [1, 3]) pregunta por varios números a la vez.",
        "WT es TC más el edema, que en las cuatro ediciones es 2. Así la cavidad queda fuera sola. "
        "Al final, return wt, tc, et.",
    ),
    example=(np.array([0, 2, 1, 4]), "2020"),
    draw=_draw_rows,
    right=_regions_of_the_course,
    mistakes=(
        Mistake(
            _wrongly(lambda core, oedema, et: (core + oedema + et, core + oedema + et, et)),
            "Tu TC incluye el edema, y así es igual a WT. El núcleo es todo menos el edema.",
        ),
        Mistake(
            _wrongly(lambda core, oedema, enhancing: (core + oedema + enhancing, core, enhancing)),
            "A tu TC le falta lo que realza. Las regiones van una dentro de otra: ET está dentro "
            "de TC, y TC dentro de WT.",
        ),
        Mistake(
            _wrongly(lambda core, oedema, enhancing: (oedema, core + enhancing, enhancing)),
            "Tu WT es solo el edema. El tumor completo contiene también el núcleo y lo que realza: "
            "por dentro del edema no hay un hueco.",
        ),
        Mistake(
            _wrongly(lambda core, oedema, enhancing: (oedema, core, enhancing)),
            "Separas tres partes que no se tocan: edema, núcleo y realce. Las regiones de BraTS "
            "van una dentro de otra: WT contiene a TC, y TC a ET.",
        ),
        Mistake(
            lambda labels, edition: tuple(
                labels * region for region in _regions_of_the_course(labels, edition)
            ),
            "Devuelves las etiquetas que hay en cada región. Se piden máscaras, de ceros y unos o "
            "de False y True: lo que da una comparación, como labels == 4.",
        ),
        Mistake(
            lambda labels, edition: _regions_of_the_course(labels, edition)[::-1],
            "Las tres regiones son correctas, pero en el orden contrario: va primero WT, la más "
            "grande, y al final ET.",
        ),
        Mistake(
            lambda labels, edition: (
                1 * (labels > 0),
                *_regions_of_the_course(labels, edition)[1:],
            ),
            "Tu WT es todo lo que no es cero. En 2024 el 4 es la cavidad que dejó la operación: "
            "hay una etiqueta, pero ya no hay tumor.",
        ),
        Mistake(
            _as_if(lambda labels, edition: "2020" if 4 in labels else "2023"),
            "Adivinas la edición según haya o no un 4. Un caso de 2015 sin realce no tiene ningún "
            "4, y su 3 no es realce; en 2024 el 4 es la cavidad. La edición no se adivina, se "
            "pregunta: para eso está `edition`.",
        ),
        Mistake(
            _as_if(lambda labels, edition: "2020"),
            "Lees todas las ediciones como la de 2020. Desde 2023 lo que realza es 3, no 4; y en "
            "2015 el 3 es núcleo que no realza. Usa `edition`.",
        ),
        Mistake(
            _as_if(lambda labels, edition: "2023"),
            "Lees todas las ediciones como la de 2023, y en 2015 y 2020 lo que realza es 4. Usa "
            '`edition`; es un texto: 2020 == "2020" es falso, compara con "2020".',
        ),
        Mistake(
            lambda labels, edition: (
                _regions_of_the_course(labels, edition)[0],
                np.isin(labels, [1, 3, 4]).astype(int),
                _regions_of_the_course(labels, edition)[2],
            ),
            "En tu TC está todo menos el edema, y así también la cavidad de la operación, el 4 de "
            "2024, que ya no es tumor. (Además, TC debe estar dentro de WT.)",
        ),
        Mistake(
            _as_if(lambda labels, edition: edition.replace("2015", "2020")),
            "Casi: en 2015 el 3 es tumor que no realza, y pertenece al núcleo. A tus TC y WT les "
            "falta ahí.",
        ),
        Mistake(
            _as_if(lambda labels, edition: edition.replace("2024", "2015")),
            "Casi: en 2024 lo que realza es 3, como en 2023; el 4 es la cavidad y no es tumor.",
        ),
    ),
    solution=three_regions,
    explanation="""\
De adentro hacia afuera cada región es la anterior y algo más, y ninguna se olvida. El mismo archivo
leído con la edición equivocada no da ningún error: da una nota baja y una tarde perdida. Por eso
`course.regions.to_regions(labels, edition)` pide la edición y se niega ante una etiqueta que no
conoce.""",
)

# ---- 4.3


def dice(truth, answer):
    shared = np.sum(truth * answer)
    size = np.sum(truth) + np.sum(answer)
    if size == 0:
        return 1.0
    return 2 * shared / size


def _draw_pairs(random):
    """Masks that share some pixels, then: nothing shared, no truth, no answer, neither."""
    counts = ((2, 5, 3), (3, 4, 7), (1, 2, 2), (0, 3, 4), (0, 0, 1), (0, 1, 0), (0, 0, 0))
    return [_pair(random, *count) for count in counts]


def _pair(random, shared, true, answered):
    """Two masks of 3×4 with so many pixels in common, in the first and in the second."""
    places, masks = random.permutation(12), np.zeros((2, 12), int)
    masks[0, places[:true]] = 1
    masks[1, places[true - shared : true - shared + answered]] = 1
    return tuple(masks.reshape(2, 3, 4))


def _measure(formula, empty=np.nan):
    """A formula of the pixels shared, in the truth, in the answer, in all; `empty` for 0/0."""

    def measure(truth, answer):
        shared = np.sum(truth * answer).astype(float)
        value = formula(shared, np.sum(truth), np.sum(answer), truth.size)
        return empty if np.isnan(value) else value

    return measure


def _both_classes(truth, answer):
    return np.mean([dice_score(truth, answer), dice_score(1 - truth, 1 - answer)])


_FORMULAS = (
    (
        lambda i, a, b, n: i / (a + b),
        "Falta el 2: con una respuesta perfecta obtienes 0,5. Lo compartido está en las dos "
        "máscaras, y por eso cuenta dos veces.",
    ),
    (
        lambda i, a, b, n: i / (a + b - i),
        "Eso es IoU (Jaccard): lo compartido, dividido por la unión. Dice divide por la suma de "
        "las dos máscaras, y es siempre mayor o igual: 2 IoU / (1 + IoU).",
    ),
    (
        lambda i, a, b, n: 2 * i / (a + b - i),
        "Divides por la unión y multiplicas por 2: una respuesta perfecta daría 2. Dice divide por "
        "la suma de las dos máscaras, que cuenta dos veces lo compartido.",
    ),
    (
        lambda i, a, b, n: i / a,
        "Eso es la sensibilidad: de lo que había, cuánto se encontró. Pintar todo el cerebro daría "
        "1. Dice divide también por lo que se respondió.",
    ),
    (
        lambda i, a, b, n: i / b,
        "Eso es la precisión: de lo respondido, cuánto es correcto. Un solo píxel acertado daría "
        "1. Dice divide también por lo que había.",
    ),
)
_EMPTY = (
    (1.0, ""),
    (0.0, " Además, mira el caso de dos máscaras vacías: debe dar 1, no 0."),
    (np.nan, " Además, mira el caso de dos máscaras vacías: 0/0 da NaN, y debe dar 1."),
)


def _one_if_any_is_empty(truth, answer):
    return dice_score(truth, answer) if truth.any() and answer.any() else 1.0


DICE = Exercise(
    number="4.3",
    title="Dice",
    statement="""\
Ahora escríbelo tú: `dice(truth, answer)`, el Dice de dos máscaras de ceros y unos de la misma
forma. Si las dos están vacías, vale 1 (no había nada y nada se encontró); si solo lo está una, vale
0.""",
    hints=(
        "Con ceros y unos, truth * answer vale 1 solo donde ambas valen 1, y np.sum cuenta.",
        "2 * compartidos / (píxeles de una + píxeles de la otra). ¿Qué pasa con esa división si no "
        "hay ningún píxel? Atiende ese caso antes, con un if.",
    ),
    example=(
        np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]),
        np.array([[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 1, 0]]),
    ),
    draw=_draw_pairs,
    right=dice_score,
    mistakes=(
        Mistake(
            _measure(lambda i, a, b, n: 2 * i / (a + b)),
            "La fórmula está bien, pero con dos máscaras vacías es 0/0 y da NaN. Un solo NaN "
            "arruina la media de todos los casos: si no hay ningún píxel, devuelve 1.",
        ),
        Mistake(
            _measure(lambda i, a, b, n: 2 * i / (a + b), empty=0.0),
            "La fórmula está bien, pero con dos máscaras vacías das 0. No había nada que encontrar "
            "y nada se encontró: eso es acertar, y vale 1.",
        ),
        Mistake(
            _one_if_any_is_empty,
            "Das 1 también cuando solo una de las dos está vacía. Ahí no se encontró lo que había, "
            "o se encontró lo que no había: vale 0. Vale 1 si lo están las dos.",
        ),
        Mistake(
            _measure(lambda i, a, b, n: (2 * i + 1) / (a + b + 1)),
            "Sumas 1 arriba y abajo, como hace la pérdida `dice_loss` para tener gradiente. "
            "Arregla las máscaras vacías, pero cambia todas las demás notas, más cuanto más "
            "pequeño es el tumor. Una métrica no lleva ese 1.",
        ),
        Mistake(
            _measure(lambda i, a, b, n: (n - a - b + 2 * i) / n),
            "Eso es la fracción de píxeles acertados, y en ella el fondo cuenta. En un cerebro "
            "casi todo es fondo: una red que no ve nada tendría una nota brillante.",
        ),
        Mistake(
            _both_classes,
            "Promedias el Dice del tumor y el del fondo. El fondo casi siempre sale bien y tapa "
            "los errores: aquí solo cuenta el tumor.",
        ),
        *(
            Mistake(_measure(formula, empty), diagnosis + more)
            for formula, diagnosis in _FORMULAS
            for empty, more in _EMPTY
        ),
    ),
    bounds=(0, 1),
    solution=dice,
    explanation="""\
Dice es la media armónica de precisión y sensibilidad, la F1 de los píxeles. Lo único que no dice la
fórmula es qué hacer con dos máscaras vacías. Se decide una vez y por escrito; aquí, como BraTS: 1.
Y un vóxel de más donde no había nada cuesta el punto entero.""",
)

# ---- 4.4


@dataclass(frozen=True)
class Weights:
    """The weights of 1×1 convolutions, drawn by name: `weights("phi", 6, 2)` is `(6, 2)`."""

    seed: int

    def __call__(self, name, inputs, outputs):
        names = ("theta", "phi", "psi", "project")
        if name not in names:
            raise Objection(f"`weights` conoce {', '.join(names)}. Llegó: {name!r}.")
        random = np.random.default_rng([self.seed, names.index(name)])
        if name == "psi":  # of both signs, so that the gate opens here and closes there
            return random.permutation(np.linspace(-3, 3, inputs * outputs)).reshape(inputs, outputs)
        return random.normal(size=(inputs, outputs)) / math.sqrt(inputs)


def gate(skip, coarse, bottom, weights):
    height, width, channels = skip.shape
    filters = channels // 2
    theta = skip[::2, ::2] @ weights("theta", channels, filters)
    phi = coarse @ weights("phi", coarse.shape[-1], filters)
    q = np.maximum(theta + phi, 0)
    psi = q @ weights("psi", filters, 1)
    a = 1 / (1 + np.exp(-psi))
    a = a.repeat(2, axis=0).repeat(2, axis=1)
    return (a * skip) @ weights("project", channels, channels)


def _as_given(skip, coarse, bottom, weights):  # line by line the cell of the lesson
    height, width, channels = skip.shape
    filters = channels // 2
    signal = bottom.repeat(2, axis=0).repeat(2, axis=1)
    theta = skip[::2, ::2] @ weights("theta", channels, filters)
    phi = signal @ weights("phi", signal.shape[-1], filters)
    q = np.maximum(theta + phi, 0)
    psi = q @ weights("psi", filters, 1)
    a = np.exp(psi) / np.exp(psi).sum(axis=-1, keepdims=True)
    gated = a * skip[::2, ::2]
    return gated @ weights("project", channels, height)


def _gate_of_sums(skip, coarse, bottom, weights):
    """Equations 1 and 2 of Oktay et al., each convolution a sum over channels."""
    channels = skip.shape[-1]
    theta = weights("theta", channels, channels // 2)
    phi = weights("phi", coarse.shape[-1], channels // 2)
    psi, project = weights("psi", channels // 2, 1), weights("project", channels, channels)
    q = np.einsum("yxc,cf->yxf", skip[0::2, 0::2], theta) + np.einsum("yxg,gf->yxf", coarse, phi)
    z = np.einsum("yxf,f->yx", np.where(q > 0, q, 0), psi[:, 0])
    a = np.kron(0.5 + 0.5 * np.tanh(z / 2), np.ones((2, 2)))
    return np.einsum("yx,yxc,cd->yxd", a, skip, project)


def _draw_levels(random):
    """A skip, the coarser map of its level, and the bottleneck; no size is a number of channels."""
    draws = []
    for height, width, channels in ((8, 12, 6), (12, 8, 6), (8, 12, 10)):
        shapes = [(height // n, width // n, n * channels) for n in (1, 2, 4)]
        maps = (random.normal(size=shape).round(1) for shape in shapes)
        draws.append((*maps, Weights(int(random.integers(1000)))))
    return draws


def _attention(skip, coarse, bottom, weights, signal="coarse", activation="sigmoid"):
    """The map `a`, of the size of `coarse`, with the mistakes that it may have."""
    if signal == "bottom":
        coarse = _doubled(bottom)
    channels = skip.shape[-1]
    theta = skip[::2, ::2] @ weights("theta", channels, channels // 2)
    phi = coarse @ weights("phi", coarse.shape[-1], channels // 2)
    q = theta + phi if activation == "no relu" else np.maximum(theta + phi, 0)
    psi = q @ weights("psi", channels // 2, 1)
    sigmoid = 1 / (1 + np.exp(-psi))
    wrong = {"softmax": psi**0, "relu": np.maximum(psi, 0), "none": psi, "1 - a": 1 - sigmoid}
    return wrong.get(activation, sigmoid)


def _broken_gate(skip, coarse, bottom, weights, wrong=(), **mistakes):
    """The gate with mistakes inside: those of its map, and of the shapes the ones in `wrong`."""
    height, _, channels = skip.shape
    a = _attention(skip, coarse, bottom, weights, **mistakes)
    gated = skip[::2, ::2] * a if "size" in wrong else skip * _doubled(a)
    return gated @ weights("project", channels, height if "filters" in wrong else channels)


def _sum(skip, coarse, bottom, weights):
    summed = skip + _doubled(_attention(skip, coarse, bottom, weights))
    return summed @ weights("project", skip.shape[-1], skip.shape[-1])


def _doubled(x):
    return x.repeat(2, axis=0).repeat(2, axis=1)


# mistake: (what it spoils, what to look at), in the order in which they are shown: shapes first.
_SYMPTOMS = {
    "filters": (
        "los canales de la salida",
        "Mira los canales de la salida: son tantos como la *altura* de la imagen. Los filtros de "
        "una convolución no tienen que ver con el tamaño de la imagen; la compuerta debe devolver "
        "tantos canales como tiene `skip`. (Si altura y canales coinciden no se nota: por eso el "
        "error sobrevive.)",
    ),
    "size": (
        "el tamaño de la salida",
        "Mira el tamaño de la salida: es la mitad del de `skip`. El mapa `a` se calculó en el "
        "tamaño de `coarse`; hay que agrandarlo al doble y multiplicar por `skip` *entero*. "
        "Achicar `skip` pierde lo fino, que es lo que el atajo debía llevar.",
    ),
    "softmax": (
        "la activación",
        "Mira `a`: vale 1 en todas partes. Una softmax reparte 1 entre los canales, y aquí hay uno "
        "solo: todo para él. La compuerta queda siempre abierta, diga lo que diga la señal. Hace "
        "falta una función que dé a cada píxel, por separado, un número entre 0 y 1.",
    ),
    "relu": (
        "la activación",
        "Mira `a`: no baja de 0, pero no tiene tope por arriba. Con ReLU la compuerta amplifica en "
        "vez de elegir. Se necesita una función que dé un número entre 0 y 1.",
    ),
    "none": (
        "la activación",
        "Mira `a`: es `psi` tal como viene, con negativos y números grandes. Falta una función que "
        "lo lleve a un número entre 0 y 1.",
    ),
    "bottom": (
        "la señal",
        "Mira quién decide: tu compuerta escucha a `bottom`, el fondo de la red, y no cambia nada "
        "cuando cambia `coarse`. Cada compuerta escucha al mapa del decodificador de *su* nivel, "
        "que llega justo un paso más grueso. El fondo es la señal correcta solo para la primera.",
    ),
}


def _gate_mistakes():
    """One for each set of mistakes that may be left: what is right by now, and where to look next.

    A softmax hides the signal: of it nothing can be said yet. ReLU and no activation at all are
    hers, not the cell's; they are shown once the shapes are right.
    """
    activations, signals = ("sigmoid", "softmax", "relu", "none"), ("coarse", "bottom")
    shapes = ((), ("size",), ("filters",), ("filters", "size"))
    for activation, signal, wrong in itertools.product(activations, signals, shapes):
        left = [name for name in _SYMPTOMS if name in (*wrong, activation, signal)]
        hers = activation in ("relu", "none")
        if not left or (activation, signal) == ("softmax", "bottom") or (hers and wrong):
            continue
        spoiled = [_SYMPTOMS[name][0] for name in left]
        hidden = ["la señal"] if activation == "softmax" else []
        right = dict.fromkeys(what for what, _ in _SYMPTOMS.values())
        right = [what for what in right if what not in spoiled + hidden]
        count = "Queda 1 error" if len(left) == 1 else f"Quedan {len(left)} errores"
        yield Mistake(
            functools.partial(_broken_gate, signal=signal, activation=activation, wrong=wrong),
            (f"Ya está bien: {', '.join(right)}. " if right else "")
            + count
            + (" a la vista. " if hidden else ". ")
            + _SYMPTOMS[left[0]][1],
        )


GATE = Exercise(
    number="4.4",
    title="Encuentra los errores",
    statement="""\
Esta compuerta de atención corre sin quejarse, y tiene **cuatro errores** (dos de ellos los hemos
visto en cuadernos públicos): encuéntralos y corrígelos. `skip` (alto, ancho, canales) es el atajo;
`coarse`, el mapa del decodificador un nivel más abajo, de la mitad de tamaño; `bottom`, el fondo de
la red, más pequeño aún. Lo que debe calcular: q = relu(theta(skip) + phi(coarse)), en el tamaño de
`coarse`; a = sigmoide(psi(q)), un número entre 0 y 1 por píxel; y project(a * skip), con la forma
de `skip`. Todas son convoluciones de 1x1, es decir, productos con una matriz: `weights("phi", 6,
2)` da los pesos de 6 canales a 2. Para agrandar se repite cada píxel; la red de verdad
interpola.""",
    hints=(
        "Escribe al lado de cada línea la forma de lo que calcula, con un `skip` de (8, 12, 6). "
        "¿Dónde aparece un tamaño en el lugar de unos canales? ¿Con qué forma sale, y con cuál "
        "debería?",
        "¿Cuánto es una softmax sobre un solo canal? Calcula np.exp(z) / np.exp(z) con un z "
        "cualquiera.",
        "Al final, `a` tiene la mitad del tamaño de `skip`. En lugar de achicar `skip`, agranda "
        "`a`: a.repeat(2, axis=0).repeat(2, axis=1).",
        "¿Dónde se usa `coarse`? En ninguna parte: la compuerta escucha al fondo de la red.",
    ),
    example=(
        np.linspace(-1, 1, 8 * 12 * 6).reshape(8, 12, 6),
        np.linspace(1, -1, 4 * 6 * 12).reshape(4, 6, 12),
        np.linspace(0, 1, 2 * 3 * 24).reshape(2, 3, 24),
        Weights(0),
    ),
    draw=_draw_levels,
    right=_gate_of_sums,
    mistakes=(
        *_gate_mistakes(),
        Mistake(
            lambda *inputs: _doubled(_attention(*inputs)),
            "Devuelves `a`, el mapa de atención. Falta usarlo: multiplica con él a `skip` y pasa "
            "el resultado por la última convolución, project.",
        ),
        Mistake(
            _sum,
            "Sumas `a` y `skip`. Una compuerta *multiplica*: con 0 no pasa nada, con 1 pasa todo.",
        ),
        Mistake(
            functools.partial(_broken_gate, activation="no relu"),
            "Los cuatro errores están corregidos, pero se perdió la ReLU de q = relu(theta + phi).",
        ),
        Mistake(
            functools.partial(_broken_gate, activation="1 - a"),
            "La sigmoide está al revés: calculas 1 / (1 + e^psi), y es 1 / (1 + e^-psi). Tu "
            "compuerta se cierra justo donde debía abrirse.",
        ),
    ),
    unchanged=_as_given,
    solution=gate,
    explanation="""\
1. La señal es `coarse`, no `bottom` agrandado: cada nivel escucha al decodificador de su nivel.
2. Sigmoide, no softmax: sobre un solo canal la softmax vale siempre 1, y la compuerta es un adorno.
3. `a` se agranda y multiplica a `skip` entero; achicar `skip` pierde lo fino.
4. Los filtros de la última convolución son los canales de `skip`, no su altura.

Ninguno da un mensaje de error. El primero y el último los hemos visto en cuadernos públicos: la red
aprende alrededor de ellos, y así pasan de uno a otro. Compara con `attention_gate`, en
`course/models/unet.py`.""",
)

EXERCISES = (VOLUME, REGIONS, DICE, GATE)
