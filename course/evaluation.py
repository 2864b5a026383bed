"""How good a model is, how sure that is, and where it fails: a model and arrays in, a Report out.

Any object with Keras' `predict` will do. Conventions where something is missing:

- One sample has scores. Its accuracy has Wilson's interval (a wide one), a regression has none.
- A class without test samples has no recall; without answers either, no precision. Both are None.
- A constant target has no R² (NaN); RMSE and MAE are as usual.
- No samples, or predictions that are not finite, are a `CourseError`.
"""

import numpy as np

from course import evaluation_checks as checks
from course import figures
from course.evaluation_volumes import evaluate_segmenter
from course.report import Report
from course.spanish import count, number
from course.uncertainty import regression_scores, wilson

__all__ = ["evaluate_classifier", "evaluate_regressor", "evaluate_segmenter"]
_WORST = 20


def evaluate_classifier(model, images, labels, *, class_names, origin, groups=None):
    """Judge a classifier on test images.

    Args:
        model: Has `predict`; answers with probabilities, `(n, classes)`.
        images: `(n, height, width)` or `(n, height, width, channels)`, raw as the model takes
            them. The channel axis is added where the model expects one.
        labels: Class numbers, `(n,)`, from 0.
        class_names: Names, in the order of the labels.
        origin: `catalog.Origin` of the data.
        groups: Integers, `(n,)`: which images show one photograph in other light, from
            `datasets.splits.near_duplicates`. The intervals count each group once, as if its images
            were all right or all wrong together: rather too wide than too narrow. By default each
            image stands for itself.

    Returns:
        A `Report`. Scores: accuracy, balanced_accuracy (mean recall over the classes that are
        there) and log_loss (natural logarithm; a probability below 1e-7 counts as 1e-7). Interval
        of the accuracy: Wilson's, 95 %.

    Raises:
        CourseError: For no images, labels that are none of the classes, images of another size
            than the model's, predictions that are no probabilities.

    Example:

    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace(predict=lambda x, **_: np.array([[0.9, 0.1], [0.6, 0.4]]))
    >>> origin = SimpleNamespace(title="gatos y perros")
    >>> report = evaluate_classifier(
    ...     model, np.zeros((2, 8, 8)), [0, 1], class_names=["gato", "perro"], origin=origin
    ... )
    >>> report.scores["accuracy"]
    0.5
    """
    images, names = np.asarray(images), [str(name) for name in class_names]
    labels = checks.class_numbers(labels, len(names))
    groups = np.arange(len(labels)) if groups is None else np.asarray(groups)
    checks.same_length(len(labels), {"images": images, "groups": groups})
    answered = _predict(model, checks.with_channel(model, images))
    shares = checks.probabilities(answered, len(labels), len(names))
    answers, truths = shares.argmax(axis=1), shares[np.arange(len(labels)), labels]
    matrix = np.zeros((len(names), len(names)), int)
    np.add.at(matrix, (labels, answers), 1)
    right, independent = int(np.trace(matrix)), len(np.unique(groups))
    per_class = [
        _class_row(matrix, label, names, len(np.unique(groups[labels == label])))
        for label in range(len(names))
    ]
    wrong = np.flatnonzero(answers != labels)
    worst = wrong[np.argsort(truths[wrong], kind="stable")][:_WORST]
    gallery = "Los peores errores" if len(wrong) else "Las respuestas menos seguras"
    return Report(
        task="classification",
        origin=origin,
        n=len(labels),
        scores={
            "accuracy": right / len(labels),
            "balanced_accuracy": float(np.mean([row["recall"] for row in per_class if row["n"]])),
            "log_loss": float(-np.log(np.maximum(truths, 1e-7)).mean()),
        },
        intervals={"accuracy": wilson(right / len(labels) * independent, independent)},
        independent=independent,
        per_class=sorted(per_class, key=lambda row: (row["n"] == 0, row["recall"] or 0)),
        per_case=[
            {
                "index": int(i),
                "true": names[labels[i]],
                "predicted": names[answers[i]],
                "probability": float(shares[i, answers[i]]),
                "true_probability": float(truths[i]),
            }
            for i in worst
        ],
        class_names=names,
        confusion=matrix.tolist(),
        figures={
            "confusion": figures.confusion(
                matrix, names, title=f"Matriz de confusión — {origin.title}"
            ),
            "mistakes": figures.mistakes(
                images, labels, shares, names, title=f"{gallery} — {origin.title}", count=_WORST
            ),
        },
        alt={
            "confusion": _confusion_in_words(matrix, names),
            "mistakes": f"{gallery}: {_mistakes_in_words(labels[worst], answers[worst], names)}.",
        },
    )


def evaluate_regressor(model, inputs, targets, *, unit, origin, baselines=None):
    """Judge a model that predicts a number, beside others that predicted the same test targets.

    Args:
        model: Has `predict`; answers `(n,)` or `(n, 1)`.
        inputs: Array `(n, …)`, or dict from a column's name to an array `(n,)`, raw as the model
            takes them.
        targets: Numbers, `(n,)`.
        unit: What the targets are measured in, Spanish.
        origin: `catalog.Origin` of the data.
        baselines: Dict from a name to its predictions, `(n,)`.

    Returns:
        A `Report`. Scores: r2, rmse, mae. Intervals: the middle 95 % of a bootstrap over the test
        cases, as `course.uncertainty.regression_scores` says.

    Raises:
        CourseError: For no cases, lengths that differ, values that are not finite.

    Example:

    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace(predict=lambda x, **_: np.array([1.0, 2.0, 4.0]))
    >>> origin = SimpleNamespace(title="casas")
    >>> report = evaluate_regressor(model, np.zeros((3, 2)), [1, 2, 3], unit="m", origin=origin)
    >>> report.scores["r2"]
    0.5
    """
    targets = checks.finite_targets(targets)
    columns = inputs if isinstance(inputs, dict) else {"inputs": inputs}
    checks.same_length(len(targets), columns)
    answers = {"the network": _predict(model, inputs), **(baselines or {})}
    answers = {
        name: checks.finite_predictions(values, name, len(targets))
        for name, values in answers.items()
    }
    table = regression_scores(targets, answers)
    network, predictions = table.pop("the network"), answers["the network"]
    errors = predictions - targets
    worst = np.argsort(-np.abs(errors), kind="stable")[:_WORST]
    about = {"unit": unit, "title": f"Predicho y verdadero — {origin.title}"}
    return Report(
        task="regression",
        origin=origin,
        n=len(targets),
        scores=network["scores"],
        intervals=network["intervals"],
        baselines=table,
        unit=unit,
        per_case=[
            {
                "index": int(i),
                "true": float(targets[i]),
                "predicted": float(predictions[i]),
                "error": float(errors[i]),
                "inputs": _inputs_of(inputs, i),
            }
            for i in worst
        ],
        figures={
            "predicted_against_true": figures.predicted_against_true(targets, predictions, **about),
            "residuals": figures.residuals(
                targets, predictions, unit=unit, title=f"Los errores de la red — {origin.title}"
            ),
        },
        alt={
            "predicted_against_true": "Predicción frente a valor verdadero, "
            f"{count(len(targets), 'caso', 'casos')}.",
            "residuals": f"Predicción menos verdad: de {number(errors.min())} a "
            f"{number(errors.max())}, mediana {number(np.median(errors))} ({unit}).",
        },
    )


def _predict(model, inputs):
    return np.asarray(model.predict(inputs, batch_size=256, verbose=0))


def _class_row(matrix, label, names, independent):
    """One class: how many there are, how many were found, what it is most taken for."""
    n, answered = int(matrix[label].sum()), int(matrix[:, label].sum())
    right = int(matrix[label, label])
    others = matrix[label].copy()
    others[label] = 0
    return {
        "class": names[label],
        "n": n,
        "recall": right / n if n else None,
        "recall_interval": wilson(right / n * independent, independent) if n else None,
        "precision": right / answered if answered else None,
        "confused_with": names[others.argmax()] if others.any() else None,
        "confused_times": int(others.max()),
    }


def _inputs_of(inputs, i):
    """The raw columns of one case, or None where the inputs have no names."""
    if not isinstance(inputs, dict):
        return None
    return {name: np.asarray(values)[i : i + 1].tolist()[0] for name, values in inputs.items()}


def _confusion_in_words(matrix, names):
    wrong = matrix - np.diag(np.diag(matrix))
    words = f"{number(np.trace(matrix), 0)} de {number(matrix.sum(), 0)} respuestas en la diagonal"
    if not wrong.any():
        return f"Matriz de confusión: {words}, ningún error."
    true, answer = np.unravel_index(wrong.argmax(), wrong.shape)
    return (
        f"Matriz de confusión: {words}; la confusión más frecuente es {names[true]} tomado por "
        f"{names[answer]}, {count(wrong.max(), 'vez', 'veces')}."
    )


def _mistakes_in_words(labels, answers, names):
    pairs = zip(labels, answers, strict=True)
    return ", ".join(f"{names[true]} tomado por {names[answer]}" for true, answer in pairs) or (
        "no hubo errores"
    )
