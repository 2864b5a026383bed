"""Two classes, one of which is looked for: its ROC curve, a threshold, what a probability is worth.

`positives` says of each sample whether it is of the class that is looked for, booleans or 0 and 1,
`(n,)`; `probabilities` is what the network gave that class, 0 to 1, `(n,)`. Lists, tensors, pandas
and columns `(n, 1)` are taken too, by place. A sample is called positive from the threshold on.
Where a part has none of one class, what would be divided by their number is NaN.
"""

import numpy as np

from course.errors import CourseError
from course.evaluation.intervals import wilson_groups
from course.spanish import percent
from course.training.arrays import as_array, check_lengths

_BINS = 10


def choose_threshold(positives, probabilities):
    """The threshold with the best balanced accuracy, the mean of sensitivity and specificity.

    Choose it on patients held out of training, never on the test. It is the one with the largest
    J = sensitivity + specificity - 1 (Youden, 1950), halfway between two neighbouring
    probabilities; of several that are equally good the lowest, for a false alarm is rather borne
    than a case that is missed.

    Args:
        positives: Whether each sample is of the class that is looked for, `(n,)`.
        probabilities: What the network gave that class, `(n,)`.

    Returns:
        Float between 0 and 1, for `evaluate_classifier(..., threshold=…)`.

    Raises:
        CourseError: The samples are all of one class, or have all the same probability.

    Example:

    >>> choose_threshold([False, False, True, True], [0.1, 0.25, 0.75, 0.9])
    0.5
    """
    positives, probabilities = _checked(positives, probabilities)
    if positives.all() or not positives.any():
        which = "todos son" if positives.any() else "ninguno es"
        raise CourseError(
            "Umbral: se esperaban ejemplos de las dos clases. Llegó: "
            f"{len(positives)}, y {which} de la que se busca.\n"
            "Qué hacer: elígelo con una parte del entrenamiento que tenga de las dos."
        )
    false_alarms, sensitivities, thresholds = roc(positives, probabilities)
    if len(thresholds) == 2:
        raise CourseError(
            "Umbral: se esperaban probabilidades distintas. Llegó: "
            f"{percent(thresholds[-1])} para todos.\n"
            "Qué hacer: entrena más épocas, o con otra tasa de aprendizaje, y elígelo entonces."
        )
    # neither nobody nor everybody; rounding must not part what is equally good
    gains = np.round(sensitivities - false_alarms, 12)[1:-1]
    best = len(gains) - int(gains[::-1].argmax())
    return float((thresholds[best] + thresholds[best + 1]) / 2)


def roc(positives, probabilities):
    """The ROC curve: every threshold's share of false alarms and of cases found.

    Returns:
        `(false_alarms, sensitivities, thresholds)`, from the point where nobody is called positive
        (threshold infinity) to the one where everybody is; a point for each different probability.

    Example:

    >>> false_alarms, sensitivities, _ = roc([0, 1, 1], [0.5, 0.5, 0.9])
    >>> false_alarms.tolist(), sensitivities.tolist()
    ([0.0, 0.0, 1.0], [0.0, 0.5, 1.0])
    """
    positives, probabilities = _checked(positives, probabilities)
    thresholds, place = np.unique(-probabilities, return_inverse=True)
    curves = []
    for members in (~positives, positives):
        called = np.cumsum(np.bincount(place, members, minlength=len(thresholds)))
        curves.append(np.append(0, called) / (members.sum() or np.nan))
    return *curves, np.append(np.inf, -thresholds)


def area(positives, probabilities):
    """The area under the ROC curve (AUC), as a function of how much each sample weighs.

    It is the share of pairs, one sample of each class, in which the positive one has the higher
    probability; equal ones count half (Hanley and McNeil, 1982).

    Returns:
        Function from weights `(n,)` to a float; NaN where a class weighs nothing.

    Example:

    >>> area([0, 1, 1], [0.5, 0.5, 0.9])(np.ones(3))
    0.75
    """
    positives, probabilities = _checked(positives, probabilities)
    place = np.unique(probabilities, return_inverse=True)[1]

    def of(weights):
        found, others = (np.bincount(place, weights * m) for m in (positives, ~positives))
        pairs = found.sum() * others.sum()
        return float(found @ (np.cumsum(others) - others / 2) / pairs) if pairs else np.nan

    return of


def brier(positives, probabilities):
    """The Brier score: the mean square of probability minus outcome, 0 or 1 (Brier, 1950).

    0 is perfect. Who always answers the share `p` of positives gets `p · (1 - p)`.

    Example:

    >>> brier([0, 1], [0.5, 0.5])
    0.25
    """
    positives, probabilities = _checked(positives, probabilities)
    return float(np.mean((probabilities - positives) ** 2))


def calibration(positives, probabilities, groups):
    """What a probability is worth: in each tenth of 0 to 1, how many positives there really are.

    Args:
        groups: `(n,)`: which samples are of one patient, as in `intervals.wilson_groups`.

    Returns:
        A dict for each tenth that has samples, the lowest first: `from` and `to`; `n`, samples;
        `predicted`, their mean probability; `observed`, the share of positives among them, and
        its `interval`, 95 %.

    Example:

    >>> [row] = calibration([0, 1], [0.91, 0.97], [0, 1])
    >>> row["from"], row["n"], row["observed"]
    (0.9, 2, 0.5)
    """
    positives, probabilities = _checked(positives, probabilities)
    groups = as_array(groups, "groups")
    check_lengths(positives=positives, groups=groups)
    place = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    rows = []
    for tenth in np.unique(place).tolist():
        inside = place == tenth
        observed = float(positives[inside].mean())
        rows.append(
            {
                "from": tenth / _BINS,
                "to": (tenth + 1) / _BINS,
                "n": int(inside.sum()),
                "predicted": float(probabilities[inside].mean()),
                "observed": observed,
                "interval": wilson_groups(observed, groups[inside]),
            }
        )
    return rows


def _checked(positives, probabilities):
    """Booleans and float64, both `(n,)`; float32 would round a threshold onto a neighbour."""
    positives = _column(positives, "positives")
    probabilities = _column(probabilities, "probabilities").astype("float64")
    check_lengths(positives=positives, probabilities=probabilities)
    if positives.ndim != 1 or probabilities.ndim != 1:
        raise ValueError(
            "Expected positives and probabilities of shape (n,). "
            f"Received: shapes {positives.shape} and {probabilities.shape}"
        )
    if not np.isin(positives, (0, 1)).all():
        raise ValueError(
            f"Expected positives to be booleans, or 0 and 1. Received: {np.unique(positives)[:5]}"
        )
    # half precision rounds each of them by up to a thousandth
    if not (np.abs(probabilities - 0.5) < 0.51).all():
        raise ValueError("Expected probabilities from 0 to 1.")
    return positives.astype(bool), np.clip(probabilities, 0, 1)


def _column(values, name):
    values = as_array(values, name)
    return values.ravel() if values.shape[1:] == (1,) else values
