"""What students answer in Taller 4."""

import math

import keras
import numpy as np
from scipy.special import expit
from sklearn.metrics import f1_score

from tests.exercises.answers import Answers

# ---- 4.1


def volume_in_centimetres(mask, spacing_mm):
    return np.count_nonzero(mask) * np.prod(np.array(spacing_mm) / 10)


def volume_voxel_by_voxel(mask, spacing_mm):
    a, b, c = spacing_mm
    total = 0
    for voxel in mask.ravel():
        if voxel == 1:
            total += a * b * c
    return total * 1e-3


def volume_of_cubes(mask, spacing_mm):
    return len(mask[mask > 0]) / 1000


def volume_in_cubic_millimetres(mask, spacing_mm):
    return np.sum(mask * math.prod(spacing_mm))


def volume_of_the_image(mask, spacing_mm):
    return np.prod(np.array(mask.shape) * spacing_mm) / 1000


# ---- 4.2


def regions_by_cases(labels, edition):
    if edition == "2015":
        return labels > 0, (labels > 0) & (labels != 2), labels == 4
    if edition == "2020":
        return labels > 0, (labels == 1) | (labels == 4), labels == 4
    return (labels > 0) & (labels < 4), (labels == 1) | (labels == 3), labels == 3


def regions_voxel_by_voxel(labels, edition):
    inside = {
        "2015": {1: 2, 2: 1, 3: 2, 4: 3},
        "2020": {1: 2, 2: 1, 4: 3},
        "2023": {1: 2, 2: 1, 3: 3},
        "2024": {1: 2, 2: 1, 3: 3},
    }[edition]
    depth = [inside.get(int(label), 0) for label in labels]
    return [[int(d >= n) for d in depth] for n in (1, 2, 3)]


def regions_by_guessing(labels, edition):
    bright = 4 if labels.max() == 4 else 3
    et = labels == bright
    tc = et + (labels == 1)
    return tc + (labels == 2), tc, et


def regions_with_oedema_in_the_core(labels, edition):
    wt, _, et = regions_by_cases(labels, edition)
    return wt, wt.copy(), et


def regions_of_anything(labels, edition):
    _, tc, et = regions_by_cases(labels, edition)
    return labels != 0, tc, et


def regions_apart(labels, edition):
    bright = 4 if edition in ["2015", "2020"] else 3
    core = (labels == 1) | ((labels == 3) & (edition == "2015"))
    return labels == 2, core, labels == bright


# ---- 4.3


def dice_of_sets(truth, answer):
    a, b = (set(map(tuple, np.argwhere(mask))) for mask in (truth, answer))
    return 2 * len(a & b) / (len(a) + len(b)) if a | b else 1


def dice_of_scikit_learn(truth, answer):
    return f1_score(truth.ravel(), answer.ravel(), zero_division=1.0)


def dice_without_two(truth, answer):
    total = truth.sum() + answer.sum()
    return (truth & answer).sum() / total if total > 0 else 1


def dice_iou(truth, answer):
    union = (truth | answer).sum()
    if union == 0:
        return 1
    return (truth & answer).sum() / union


def dice_with_the_background(truth, answer):
    return np.mean(truth == answer)


def dice_bare(truth, answer):
    return 2.0 * np.sum(truth & answer) / (truth.sum() + answer.sum())


def dice_with_epsilon(truth, answer):
    return 2 * np.sum(truth * answer) / (np.sum(truth) + np.sum(answer) + 1e-8)


# ---- 4.4


def gate_as_it_is_given(skip, coarse, bottom, weights):
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


def gate_repaired(skip, coarse, bottom, weights):
    height, width, channels = skip.shape
    filters = channels // 2
    signal = coarse
    theta = skip[::2, ::2] @ weights("theta", channels, filters)
    phi = signal @ weights("phi", signal.shape[-1], filters)
    q = np.maximum(theta + phi, 0)
    psi = q @ weights("psi", filters, 1)
    a = expit(psi)
    gated = np.repeat(np.repeat(a, 2, 0), 2, 1) * skip
    return gated @ weights("project", channels, channels)


def gate_of_keras(skip, coarse, bottom, weights):
    skip, coarse = (np.array(x, "float32")[None] for x in (skip, coarse))
    c = skip.shape[-1]

    def conv(x, name, filters, stride=1):
        kernel = weights(name, x.shape[-1], filters).astype("float32")
        return keras.ops.conv(x, kernel[None, None], strides=stride)

    q = keras.ops.relu(conv(skip, "theta", c // 2, 2) + conv(coarse, "phi", c // 2))
    a = keras.layers.UpSampling2D(2)(keras.ops.sigmoid(conv(q, "psi", 1)))
    return conv(a * skip, "project", c)[0]


def gate_with_softmax(skip, coarse, bottom, weights):
    return skip @ weights("project", skip.shape[-1], skip.shape[-1])


def gate_with_relu(skip, coarse, bottom, weights):
    c = skip.shape[-1]
    q = skip[::2, ::2] @ weights("theta", c, c // 2) + coarse @ weights("phi", 2 * c, c // 2)
    a = np.clip(np.clip(q, 0, None) @ weights("psi", c // 2, 1), 0, None)
    return np.kron(a, np.ones((2, 2, 1))) * skip @ weights("project", c, c)


def gate_of_the_bottom(skip, coarse, bottom, weights):
    return gate_repaired(skip, np.kron(bottom, np.ones((2, 2, 1))), bottom, weights)


def gate_without_relu(skip, coarse, bottom, weights):
    c = skip.shape[-1]
    q = skip[::2, ::2] @ weights("theta", c, c // 2) + coarse @ weights("phi", 2 * c, c // 2)
    a = expit(q @ weights("psi", c // 2, 1))
    return np.kron(a, np.ones((2, 2, 1))) * skip @ weights("project", c, c)


def gate_of_the_projected(skip, coarse, bottom, weights):
    c = skip.shape[-1]
    skip = skip @ weights("project", c, c)  # before the gate, not after it
    q = skip[::2, ::2] @ weights("theta", c, c // 2) + coarse @ weights("phi", 2 * c, c // 2)
    return expit(np.maximum(q, 0) @ weights("psi", c // 2, 1)).repeat(2, 0).repeat(2, 1) * skip


def gate_half_repaired(skip, coarse, bottom, weights):
    """The right signal and activation; neither upsampled nor of the skip's channels."""
    c = skip.shape[-1]
    q = skip[::2, ::2] @ weights("theta", c, c // 2) + coarse @ weights("phi", 2 * c, c // 2)
    a = expit(np.where(q < 0, 0, q) @ weights("psi", c // 2, 1))
    return (a * skip[::2, ::2]) @ weights("project", c, skip.shape[0])


def regions_all_but_oedema(labels, edition):
    wt, _, et = regions_by_cases(labels, edition)
    return wt, (labels != 0) & (labels != 2), et


def dice_one_if_any_is_empty(truth, answer):
    if not truth.any() or not answer.any():
        return 1
    return 2 * (truth * answer).sum() / (truth.sum() + answer.sum())


ANSWERS = {
    "4.1": Answers(
        right=[volume_in_centimetres, volume_voxel_by_voxel],
        wrong=[
            (lambda mask, mm: mask.sum(), "número de vóxeles"),
            (lambda mask, mm: mask.sum() * sum(mm) / 1000, "Sumas los tres lados"),
            (lambda mask, mm: mask.sum() * mm[0] * mm[1] / 1000, "dos lados"),
            (lambda mask, mm: mask.sum() * np.prod(mm) // 1000, "siempre 0"),
            (lambda mask, mm: mask.sum() * np.prod(mm) / 100, "Divides por 100"),
            (lambda mask, mm: mask.sum() * np.prod(mm / 1000), "Son metros cúbicos"),
            (lambda mask, mm: mask.sum() * mm[0] * mm[1] ** 2 / 1000, "por cuadrados"),
            (lambda mask, mm: mask.sum() * mm[0] * mm[2] ** 2 / 1000, "por cuadrados"),
            (lambda mask, mm: mask * np.prod(mm) / 1000, "un solo número"),
            (lambda mask, mm: mask.sum() * mm / 1000, "un solo número"),
            (lambda mask, mm: mask.mean() * np.prod(mm) / 1000, "veces lo correcto"),
            (volume_of_cubes, "falta `spacing_mm`"),
            (volume_in_cubic_millimetres, "faltó dividir por 1000"),
            (volume_of_the_image, "la imagen entera"),
        ],
    ),
    "4.2": Answers(
        right=[
            regions_by_cases,
            regions_voxel_by_voxel,
            lambda labels, edition: np.stack(regions_by_cases(labels, edition)),
            lambda labels, edition: dict(
                zip(("wt", "tc", "et"), regions_by_cases(labels, edition), strict=True)
            ),
        ],
        wrong=[
            (lambda t, e: regions_by_cases(t, e)[::-1], "en el orden contrario"),
            (lambda t, e: regions_by_cases(t, "2020"), "todas las ediciones como la de 2020"),
            (lambda t, e: regions_by_cases(t, "2020" if e == 2020 else "2023"), "es un texto"),
            (regions_all_but_oedema, "también la cavidad"),
            (lambda t, e: [t * m for m in regions_by_cases(t, e)], "Se piden máscaras"),
            (lambda t, e: regions_by_cases(t, e)[0], "Se esperan 3 resultados"),
            (lambda t, e: regions_by_cases(t, e.replace("2015", "2020")), "en 2015 el 3 es"),
            (regions_by_guessing, "Adivinas la edición"),
            (regions_with_oedema_in_the_core, "Tu TC incluye el edema"),
            (regions_of_anything, "la cavidad que dejó la operación"),
            (regions_apart, "tres partes que no se tocan"),
        ],
    ),
    "4.3": Answers(
        right=[dice_of_sets, dice_of_scikit_learn],
        wrong=[
            (dice_one_if_any_is_empty, "solo una de las dos"),
            (lambda a, b: np.sum(a * b) / max(a.sum(), 1), "sensibilidad"),
            (lambda a, b: np.sum(a * b) / max(b.sum(), 1), "precisión"),
            (lambda a, b: (2 * np.sum(a * b) + 1) / (a.sum() + b.sum() + 1), "Sumas 1"),
            (lambda a, b: 2 * (a * b) / (a + b), "un solo número"),
            (lambda a, b: 2 * np.sum(a * b) // max(a.sum() + b.sum(), 1), "decimales"),
            (dice_without_two, "Falta el 2"),
            (dice_iou, "Eso es IoU"),
            (dice_with_the_background, "en ella el fondo cuenta"),
            (dice_bare, "0/0 y da NaN"),
            (dice_with_epsilon, "con dos máscaras vacías das 0"),
        ],
    ),
    "4.4": Answers(
        right=[gate_repaired, gate_of_keras],
        wrong=[
            (lambda s, c, b, w: gate_repaired(s, c, b, w)[::2, ::2], "Mira el tamaño"),
            (lambda s, c, b, w: gate_repaired(s, c, b, w).sum(axis=-1), "forma"),
            (gate_without_relu, "se perdió la ReLU"),
            (gate_of_the_projected, "otros valores"),
            (
                lambda s, c, b, w: gate_repaired(s, c, b, lambda n, i, o: w("phi", i, o)),
                "otros val",
            ),
            (
                lambda s, c, b, w: gate_repaired(s, c, b, lambda n, i, o: w(f"{n}_x", i, o)),
                "`weights` conoce",
            ),
            (gate_as_it_is_given, "tal como se entrega, con todos sus errores"),
            (gate_with_softmax, "vale 1 en todas partes"),
            (gate_with_relu, "Con ReLU la compuerta amplifica"),
            (gate_of_the_bottom, "escucha a `bottom`"),
            (gate_half_repaired, "Ya está bien: la activación, la señal. Quedan 2 errores."),
        ],
    ),
}
