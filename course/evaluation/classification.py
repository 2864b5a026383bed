"""How well a network names what a picture shows: a model and arrays in, a Report out."""

import numpy as np

from course import figures
from course.evaluation import checks, fingerprint
from course.evaluation.intervals import wilson
from course.evaluation.report import WORST, Report
from course.spanish import count, number


def evaluate_classifier(model, images, labels=None, *, class_names, origin, groups=None):
    """Judge a classifier on test images.

    Args:
        model: Has `predict`; answers with probabilities, `(n, classes)`.
        images: `(n, height, width)` or `(n, height, width, channels)`, raw as the model takes
            them. The channel axis is added where the model expects one.
        labels: Class numbers, `(n,)` or `(n, 1)`, from 0.
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

    Arrays may be lists, tuples, tensors, tables of pandas or memory maps: they are read by place.

    Raises:
        CourseError: For no images, a `tf.data.Dataset`, labels that are none of the classes, images
            of another size than the model's, predictions that are no probabilities.

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
    images, names = checks.rows(images, "images"), [str(name) for name in class_names]
    labels = checks.class_numbers(labels, names)
    groups = np.arange(len(labels)) if groups is None else checks.rows(groups, "groups")
    checks.same_length(len(labels), {"images": images, "groups": groups})
    checks.warn_of_small_pixels(model, images)
    answered = model.predict(checks.images_for(model, images), batch_size=256, verbose=0)
    shares = checks.class_probabilities(np.asarray(answered), len(labels), len(names))
    answers, truths = shares.argmax(axis=1), shares[np.arange(len(labels)), labels]
    matrix = np.zeros((len(names), len(names)), int)
    np.add.at(matrix, (labels, answers), 1)
    right, independent = int(np.trace(matrix)), len(np.unique(groups))
    per_class = [
        _class_row(matrix, label, names, len(np.unique(groups[labels == label])))
        for label in range(len(names))
    ]
    wrong = np.flatnonzero(answers != labels)
    worst = wrong[np.argsort(truths[wrong], kind="stable")][:WORST]
    taken = [f"{names[labels[i]]} tomado por {names[answers[i]]}" for i in worst]
    gallery = "Los peores errores" if len(wrong) else "Las respuestas menos seguras"
    source = f" — {origin.title}"
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
        test_data=fingerprint.of_arrays(images, labels),
        confusion=matrix.tolist(),
        figures={
            "confusion": figures.confusion(matrix, names, title=f"Matriz de confusión{source}"),
            "mistakes": figures.mistakes(
                images, labels, shares, names, title=f"{gallery}{source}", count=WORST
            ),
        },
        alt={
            "confusion": _confusion_in_words(matrix, names),
            "mistakes": f"{gallery}: {', '.join(taken) or 'no hubo errores'}.",
        },
    )


def _class_row(matrix, label, names, independent):
    """One class: how many there are, how many were found, what it is most taken for."""
    n, answered = int(matrix[label].sum()), int(matrix[:, label].sum())
    right = int(matrix[label, label])
    others = np.where(np.arange(len(names)) == label, 0, matrix[label])
    return {
        "class": names[label],
        "n": n,
        "recall": right / n if n else None,
        "recall_interval": wilson(right / n * independent, independent) if n else None,
        "precision": right / answered if answered else None,
        "confused_with": names[others.argmax()] if others.any() else None,
        "confused_times": int(others.max()),
    }


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
