"""What students answer in Taller 5b."""

import numpy as np

from course.inference import detection
from tests.exercises.answers import Answers

# ---- 5b.1


def iou_of_the_course(a, b):
    return detection.iou([a], [b])[0, 0]


def iou_of_sets(a, b):
    a, b = ({(y, x) for y in range(*box[::2]) for x in range(*box[1::2])} for box in (a, b))
    return len(a & b) / len(a | b)


def iou_unclipped(a, b):
    shared = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def iou_with_one_more_pixel(a, b):
    h = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    w = max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return h * w / (sum(areas) - h * w)


def iou_of_sizes(a, b):
    h = max(0, min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]))
    w = max(0, min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]))
    return h * w / (a[2] * a[3] + b[2] * b[3] - h * w)


def iou_over_both_areas(a, b):
    return iou_shared(a, b) / sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))


def iou_dice(a, b):
    iou = iou_of_sets(a, b)
    return 2 * iou / (1 + iou)


def iou_shared(a, b):
    inner = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    return inner * max(0, min(a[3], b[3]) - max(a[1], b[1]))


# ---- 5b.2


def suppress_with_a_mask(overlaps, scores, threshold):
    alive, kept = np.ones(len(scores), bool), []
    while alive.any():
        best = np.where(alive, scores, -1).argmax()
        kept.append(int(best))
        alive &= overlaps[best] <= threshold
        alive[best] = False
    return kept


def suppress_by_crossing_out(overlaps, scores, threshold):
    ranked = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    for i in list(ranked):
        if i in ranked:
            after = ranked[ranked.index(i) + 1 :]
            ranked = [j for j in ranked if j not in after or overlaps[i][j] <= threshold]
    return np.array(ranked)


def suppress_in_order(overlaps, scores, threshold):
    kept = []
    for i in range(len(scores)):
        if not any(overlaps[i, j] > threshold for j in kept):
            kept.append(i)
    return kept


def suppress_by_the_suppressed(overlaps, scores, threshold):
    ranked = np.argsort(scores)[::-1]
    return [i for n, i in enumerate(ranked) if n == 0 or overlaps[i, ranked[:n]].max() <= threshold]


def suppress_what_is_improbable_too(overlaps, scores, threshold):
    return [i for i in suppress_with_a_mask(overlaps, scores, threshold) if scores[i] >= threshold]


def suppress_in_another_order(overlaps, scores, threshold):
    return sorted(suppress_with_a_mask(overlaps, scores, threshold))


# ---- 5b.3


def precision_of_the_course(threshold, scores, matched, there):
    taken = matched[scores >= threshold]
    return detection.precision_recall(int((taken >= 0).sum()), len(taken), there)


def precision_with_a_loop(threshold, scores, matched, there):
    true = false = 0
    for score, index in zip(scores, matched, strict=True):
        if score < threshold:
            continue
        if index == -1:
            false += 1
        else:
            true += 1
    return [true / (true + false), true / there]


def precision_without_object_0(threshold, scores, matched, there):
    taken = matched[scores >= threshold]
    return (taken > 0).mean(), (taken > 0).sum() / there


def precision_exchanged(threshold, scores, matched, there):
    return precision_with_a_loop(threshold, scores, matched, there)[::-1]


def precision_of_everything(threshold, scores, matched, there):
    return np.mean(matched != -1), np.sum(matched != -1) / there


def precision_of_what_was_found(threshold, scores, matched, there):
    precision, recall = precision_with_a_loop(threshold, scores, matched, there)
    return precision, recall * there / len(set(matched) - {-1})


def precision_of_the_false(threshold, scores, matched, there):
    taken = matched[scores >= threshold]
    return (taken == -1).mean(), (taken != -1).sum() / there


def recall_of_all_boxes(threshold, scores, matched, there):
    sure = scores >= threshold
    return (matched[sure] >= 0).mean(), sure.sum() / there


def precision_by_boxes(threshold, scores, matched, there):
    right = np.sum((scores >= threshold) & (matched >= 0))
    return right / np.sum(scores >= threshold), right / len(scores)


ANSWERS = {
    "5b.1": Answers(
        right=[iou_of_the_course, iou_of_sets],
        wrong=[
            (lambda a, b: iou_of_sets(a, b) // 1, "siempre 0"),
            (iou_over_both_areas, "lo compartido está dos veces"),
            (lambda a, b: 1 - iou_of_sets(a, b), "otros valores"),
            (lambda a, b: iou_shared(a, b), "en píxeles"),
            (lambda a, b: iou_shared(a, b) / ((a[2] - a[0]) * (a[3] - a[1])), "área de `a`"),
            (iou_unclipped, "Mira dos cajas separadas"),
            (iou_with_one_more_pixel, "Sumas 1 a cada lado"),
            (iou_of_sizes, "*alto*, *ancho*"),
            (iou_dice, "el Dice de las cajas"),
        ],
    ),
    "5b.2": Answers(
        right=[suppress_with_a_mask, suppress_by_crossing_out],
        wrong=[
            (lambda o, s, t: [x for x in s if x > 1], "No queda ninguna caja"),
            (lambda o, s, t: [np.argmax(s)], "Dejas solo la más segura"),
            (lambda o, s, t: s[suppress_with_a_mask(o, s, t)], "se piden sus índices"),
            (lambda o, s, t: np.argsort(-s), "no quitas ninguna"),
            (lambda o, s, t: suppress_with_a_mask(o, -s, t), "menos segura a la más segura|menor"),
            (lambda o, s, t: [i for i in range(len(s)) if all(o[i] <= t)], "consigo misma"),
            (lambda o, s, t: [i in suppress_with_a_mask(o, s, t) for i in range(6)], "una máscara"),
            (lambda o, s, t: np.flatnonzero(s > t), "que es de la IoU"),
            (suppress_what_is_improbable_too, "que es de la IoU"),
            (
                lambda o, s, t: suppress_with_a_mask(o, s, t - 1e-9),
                "las que tienen justo el umbral",
            ),
            (suppress_in_order, "en el orden en que vienen"),
            (suppress_by_the_suppressed, "las que ya fueron suprimidas"),
            (suppress_in_another_order, "en el orden en que venían"),
        ],
    ),
    "5b.3": Answers(
        right=[
            precision_of_the_course,
            precision_with_a_loop,
            lambda *finds: np.array(precision_with_a_loop(*finds)),
        ],
        wrong=[
            (lambda h, s, m, n: precision_with_a_loop(h, s, m, n)[0], "Se esperan 2"),
            (
                lambda h, s, m, n: precision_with_a_loop(np.nextafter(h, 1), s, m, n),
                "justo el umbral",
            ),
            (precision_of_the_false, "fracción de cajas *falsas*"),
            (recall_of_all_boxes, "cuentas también las cajas falsas"),
            (precision_by_boxes, "divide por todas las cajas"),
            (precision_without_object_0, "con matched > 0"),
            (precision_exchanged, "Están cambiadas"),
            (precision_of_everything, "No usas el umbral"),
            (precision_of_what_was_found, "*alguna* caja"),
        ],
    ),
}
