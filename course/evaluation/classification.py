"""How well a network names what a picture shows: a model and arrays in, a Report out."""

import numpy as np

from course import figures
from course.evaluation import checks, fingerprint, two_classes
from course.evaluation.intervals import bootstrap_groups, of_mean, wilson_groups
from course.evaluation.report import WORST, Report
from course.inference.classes import decide
from course.spanish import count, number, percent


def evaluate_classifier(
    model,
    images,
    labels=None,
    *,
    class_names,
    origin,
    groups=None,
    group_noun=None,
    positive=None,
    threshold=0.5,
):
    """Judge a classifier on test images.

    Args:
        model: Has `predict`; answers with probabilities, `(n, classes)`.
        images: `(n, height, width)` or `(n, height, width, channels)`, raw as the model takes
            them. The channel axis is added where the model expects one.
        labels: Class numbers, `(n,)` or `(n, 1)`, from 0.
        class_names: Names, in the order of the labels.
        origin: `catalog.Origin` of the data.
        groups: Integers or text, `(n,)`: which images show one photograph in other light, from
            `datasets.splits.near_duplicates`, or one patient. The intervals take the images of a
            group to be all right or all wrong together: rather too wide than too narrow. By default
            each image stands for itself.
        group_noun: What a group is where it is no photograph, in singular and plural:
            `("paciente", "pacientes")`. Made-up data have none, so there it is not told.
        positive: Of two classes, the name of the one that is looked for. The report then has
            sensitivity, specificity, the ROC curve and the calibration.
        threshold: The probability from which on a sample is called positive, between 0 and 1; see
            `choose_threshold`. Without `positive` the likelier class is the answer.

    Returns:
        A `Report`. Scores: accuracy, balanced_accuracy (mean recall over the classes that are
        there) and log_loss (natural logarithm; a probability below 1e-7 counts as 1e-7); with
        `positive` also sensitivity, specificity, auc and brier, see `two_classes`. Intervals, 95 %:
        of accuracy, sensitivity and specificity Wilson's, of balanced_accuracy what follows from
        the latter two, of auc the middle of a bootstrap over the groups.

    Arrays may be lists, tuples, tensors, tables of pandas or memory maps: they are read by place.

    Raises:
        CourseError: For no images, a `tf.data.Dataset`, labels that are none of the classes, images
            of another size than the model's, predictions that are no probabilities; `positive` with
            other than two classes, or of another name; a threshold that is no probability.

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
    target = checks.looked_for(positive, threshold, names)
    labels = checks.class_numbers(labels, names)
    groups = np.arange(len(labels)) if groups is None else checks.rows(groups, "groups")
    checks.same_length(len(labels), {"images": images, "groups": groups})
    checks.warn_of_small_pixels(model, images)
    answered = model.predict(checks.images_for(model, images), batch_size=256, verbose=0)
    shares = checks.class_probabilities(np.asarray(answered), len(labels), len(names))
    truths = shares[np.arange(len(labels)), labels]
    answers = decide(shares, target, threshold)
    matrix = np.zeros((len(names), len(names)), int)
    np.add.at(matrix, (labels, answers), 1)
    accuracy = int(np.trace(matrix)) / len(labels)
    per_class = [
        _class_row(matrix, label, names, groups[labels == label]) for label in range(len(names))
    ]
    wrong = np.flatnonzero(answers != labels)
    worst = wrong[np.argsort(truths[wrong], kind="stable")][:WORST]
    taken = [f"{names[labels[i]]} tomado por {names[answers[i]]}" for i in worst]
    gallery = "Los peores errores" if len(wrong) else "Las respuestas menos seguras"
    source = f" — {origin.title}"
    report = Report(
        task="classification",
        origin=origin,
        n=len(labels),
        scores={
            "accuracy": accuracy,
            "balanced_accuracy": float(np.mean([row["recall"] for row in per_class if row["n"]])),
            "log_loss": float(-np.log(np.maximum(truths, 1e-7)).mean()),
        },
        intervals={"accuracy": wilson_groups(accuracy, groups)},
        independent=len(np.unique(groups)),
        group_noun=None if getattr(origin, "made_up", False) else group_noun,
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
                images,
                labels,
                shares,
                names,
                title=f"{gallery}{source}",
                count=WORST,
                answers=answers,
            ),
        },
        alt={
            "confusion": _confusion_in_words(matrix, names),
            "mistakes": f"{gallery}: {', '.join(taken) or 'no hubo errores'}.",
        },
    )
    if target is not None:
        probabilities = shares[:, target].astype("float64")
        _judge_two(report, names[target], threshold, labels == target, probabilities, groups)
    return report


def _judge_two(report, positive, threshold, positives, probabilities, groups):
    """Add to a report what there is to know of two classes, one of which is looked for."""
    found, rejected = sorted(report.per_class, key=lambda row: row["class"] != positive)
    area = two_classes.area(positives, probabilities)
    report.positive, report.threshold = positive, float(threshold)
    report.scores |= {
        "sensitivity": found["recall"],
        "specificity": rejected["recall"],
        "auc": area(np.ones(len(positives))),
        "brier": two_classes.brier(positives, probabilities),
    }
    report.intervals |= {
        "sensitivity": found["recall_interval"],
        "specificity": rejected["recall_interval"],
        "auc": bootstrap_groups(area, groups),
    }
    report.calibration = two_classes.calibration(positives, probabilities, groups)
    false_alarms, sensitivities, _ = two_classes.roc(positives, probabilities)
    source = f" — {report.origin.title}"
    report.figures["calibration"] = figures.calibration(
        report.calibration, title=f"¿Se le puede creer la probabilidad de {positive}?{source}"
    )
    report.alt["calibration"] = f"De las imágenes a las que la red dio {_tenths_in_words(report)}."
    if None in (found["recall"], rejected["recall"]):
        return  # of one class there is no curve
    report.intervals["balanced_accuracy"] = of_mean(
        (found["recall"], rejected["recall"]),
        (found["recall_interval"], rejected["recall_interval"]),
    )
    report.figures["roc"] = figures.roc(
        false_alarms,
        sensitivities,
        chosen=(1 - rejected["recall"], found["recall"]),
        threshold=threshold,
        title=f"Sensibilidad y falsas alarmas{source}",
    )
    report.alt["roc"] = (
        f"Curva ROC, área {number(report.scores['auc'], 3)}. Con el umbral de "
        f"{percent(threshold, 1)}, sensibilidad {percent(found['recall'], 1)} y falsas alarmas "
        f"{percent(1 - rejected['recall'], 1)}."
    )


def _tenths_in_words(report):
    return "; ".join(
        f"de {percent(row['from'], 0)} a {percent(row['to'], 0)}, eran {report.positive} "
        f"{percent(row['observed'], 0)} de {number(row['n'], 0)}"
        for row in report.calibration
    )


def _class_row(matrix, label, names, groups):
    """One class: how many there are, how many were found, what it is most taken for."""
    n, answered = int(matrix[label].sum()), int(matrix[:, label].sum())
    right = int(matrix[label, label])
    others = np.where(np.arange(len(names)) == label, 0, matrix[label])
    return {
        "class": names[label],
        "n": n,
        "recall": right / n if n else None,
        "recall_interval": wilson_groups(right / n, groups) if n else None,
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
