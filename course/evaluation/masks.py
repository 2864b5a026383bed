"""How well a network marks pictures, pixel by pixel: a model, pictures and masks in, a Report out.

Where something is missing it is as in `course.metrics`: a class that neither the truth nor the
network has in a picture scores Dice 1 there, one that only one of them has 0. Without truth there
is no sensitivity, without an answer no precision: both are None, and their means are over the other
pictures.
"""

import numpy as np

from course import figures, metrics
from course.errors import CourseError
from course.evaluation import checks, fingerprint
from course.evaluation.intervals import bootstrap_groups
from course.evaluation.report import WORST, Report
from course.spanish import number

_SHOWN = 4  # pictures of the figure
_BLOCK = 256  # pictures that are asked about at once


def evaluate_masks(model, images, masks, *, class_names, files, origin, groups=None):
    """Judge a network that gives each pixel of a picture a class.

    Args:
        model: Has `predict`; answers with probabilities, `(n, height, width, classes)`.
        images: `(n, height, width, channels)`, raw as the model takes them.
        masks: Class numbers, `(n, height, width)` or `(n, height, width, 1)`, from 0, which is the
            background.
        class_names: Names, in the order of the numbers.
        files: Names of the pictures, `n` of them.
        origin: `catalog.Origin` of the data.
        groups: Integers, `(n,)`: which pictures are of one patient or twins; the intervals draw
            them together. By default each picture stands for itself.

    Returns:
        A `Report`. Scores: dice_<name> of each class but the background, the mean over the
        pictures, each with the middle 95 % of a bootstrap over the groups. per_class: each class's
        mean and median Dice, sensitivity, precision, and how many pictures have it. per_case: the
        worst pictures; all are in the table "cases".

    Raises:
        CourseError: For no pictures, masks that are none of the classes or of another size, or
            answers that do not fit.

    Example:

    >>> from types import SimpleNamespace
    >>> masks = np.zeros((2, 4, 4), int)
    >>> masks[0, 1:3, 1:3] = 1
    >>> model = SimpleNamespace(predict=lambda x, **_: np.eye(2)[masks[: len(x)]])
    >>> names, origin = ["fondo", "lunar"], SimpleNamespace(title="dos fotos")
    >>> given = {"class_names": names, "files": ["a", "b"], "origin": origin}
    >>> evaluate_masks(model, np.zeros((2, 4, 4, 1)), masks, **given).scores
    {'dice_lunar': 1.0}
    """
    images, masks = checks.rows(images, "images"), checks.rows(masks, "masks")
    masks = masks[..., 0] if masks.ndim == 4 else masks
    names, classes = [str(name) for name in class_names], range(1, len(class_names))
    groups = np.arange(len(masks)) if groups is None else checks.rows(groups, "groups")
    checks.same_length(len(masks), {"images": images, "files": files, "groups": groups})
    checks.warn_of_small_pixels(model, images)
    answers = _answers(model, images, masks, len(names))
    cases = [
        {"case": str(file), **{names[c]: _scores(truth == c, answer == c) for c in classes}}
        for file, truth, answer in zip(files, masks, answers, strict=True)
    ]
    per_class = [_class_row(names[c], [case[names[c]] for case in cases]) for c in classes]
    dice = {row["class"]: [case[row["class"]]["dice"] for case in cases] for row in per_class}
    order = np.mean(list(dice.values()), axis=0).argsort(kind="stable")
    shown = [order[at] for at in np.unique(np.linspace(0, len(order) - 1, _SHOWN).astype(int))]
    lines = [_line(cases[i], dice, i) for i in shown]
    ends = [f"{name} de {number(min(v))} a {number(max(v))}" for name, v in dice.items()]
    return Report(
        task="masks",
        origin=origin,
        n=len(masks),
        scores={f"dice_{row['class']}": row["dice"] for row in per_class},
        intervals={
            f"dice_{name}": bootstrap_groups(_mean_of(np.array(values)), groups)
            for name, values in dice.items()
        },
        independent=len(np.unique(groups)),
        class_names=names,
        per_class=per_class,
        per_case=[cases[i] for i in order[:WORST]],
        test_data=fingerprint.of_arrays(images, masks),
        tables={
            "cases": [
                {"file": cases[i]["case"], "class": name, **cases[i][name]}
                for i in order
                for name in dice
            ]
        },
        figures={
            "dice_by_case": figures.dice_by_case(
                dice, title=f"El Dice de cada imagen — {origin.title}"
            ),
            "cases": figures.marked(
                images[shown],
                {"verdad": masks[shown], "respuesta de la red": answers[shown]},
                names,
                lines,
                title=f"De la peor a la mejor — {origin.title}",
            ),
        },
        alt={
            "dice_by_case": f"El Dice de cada imagen: {'; '.join(ends)}.",
            "cases": "Imagen, verdad y respuesta de la red. " + ". ".join(lines),
        },
    )


def _answers(model, images, masks, classes):
    """The likeliest class of each pixel, uint8 `(n, height, width)`."""
    largest = max(int(masks.max()), 0)
    if masks.ndim != 3 or masks.dtype.kind not in "biu" or masks.min() < 0 or largest >= classes:
        raise CourseError(
            f"Máscaras: se esperaba un número de clase por píxel, de 0 a {classes - 1}. Llegó: "
            f"forma {masks.shape}, {masks.dtype}, hasta {largest}.\n"
            "Qué hacer: numera los valores desde 0; folders.read lo hace."
        )
    answers = np.empty(masks.shape, "uint8")
    for start in range(0, len(images), _BLOCK):
        block = checks.images_for(model, images[start : start + _BLOCK])
        given = np.asarray(model.predict(block, batch_size=32, verbose=0))
        wanted = (*masks[start : start + _BLOCK].shape, classes)
        if given.shape != wanted or not np.isfinite(given).all():
            raise CourseError(
                f"Se esperaba una probabilidad por clase en cada píxel, forma {wanted}. El modelo "
                f"respondió con forma {given.shape}"
                f"{'' if np.isfinite(given).all() else ', y con NaN o infinitos'}.\n"
                "Qué hacer: revisa que sean los datos con los que se entrenó el modelo; si hay "
                "NaN, entrena con una tasa de aprendizaje diez veces menor."
            )
        answers[start : start + _BLOCK] = given.argmax(-1)
    return answers


def _scores(true, answer):
    """One class in one picture; what is not defined is None."""
    scores = {
        "dice": metrics.dice_score(true, answer),
        "sensitivity": metrics.sensitivity(true, answer),
        "precision": metrics.precision(true, answer),
        "pixels": int(true.sum()),
    }
    return {key: None if np.isnan(value) else value for key, value in scores.items()}


def _class_row(name, scores):
    """Means of one class over the pictures."""
    row = {"class": name, "n": sum(one["pixels"] > 0 for one in scores)}
    for key in ("dice", "sensitivity", "precision"):
        known = [one[key] for one in scores if one[key] is not None]
        row[key] = float(np.mean(known)) if known else None
    row["median"] = float(np.median([one["dice"] for one in scores]))
    return row


def _mean_of(values):
    return lambda weights: weights @ values / weights.sum()


def _line(case, dice, at):
    scores = " · ".join(f"«{name}» {number(values[at])}" for name, values in dice.items())
    return f"{case['case'].rpartition('/')[2]}. Dice de {scores}"
