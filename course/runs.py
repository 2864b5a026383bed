"""What is done with a finished run: score it again, ask it about pictures or a brain.

What is cheap to check comes first: TensorFlow takes seconds to load, a missing folder needs none.
"""

import json
from pathlib import Path

from course import card as cards
from course import quiet, runs_volumes
from course.errors import CourseError

_TOP = 3


def evaluate(folder):
    """Score a run on the test part of the data that its card names, and save the report again.

    Args:
        folder: The run's folder.

    Returns:
        `(report, path)`: a `course.report.Report` and where its page was saved.

    Raises:
        CourseError: If the run or its data cannot be read, or do not belong together.
    """
    from course import catalog

    card = cards.read_run(folder)
    origin = catalog.Origin.from_dict(card["data"])
    if card["task"] == "segmentation":
        report = runs_volumes.evaluate(folder, card, origin, _seed(card))
        return report, report.save(folder)
    inputs, targets = _test_part(origin, card)
    quiet.load_keras()
    from course import evaluation, export

    model, card = export.load(folder)
    if card["task"] == "regression":
        report = evaluation.evaluate_regressor(
            model, inputs, targets, unit=card["unit"], origin=origin
        )
        report.baselines = _baselines(folder, report.n)
    else:
        report = evaluation.evaluate_classifier(
            model,
            inputs,
            targets,
            class_names=card["class_names"],
            origin=origin,
            groups=_groups(origin, inputs, targets),
        )
    return report, report.save(folder)


def predict(folder, paths):
    """The three likeliest classes of each picture.

    Args:
        folder: The run's folder, of a classifier of images.
        paths: Picture files.

    Returns:
        For each picture a list of `(class name, probability)`, the likeliest first.

    Raises:
        CourseError: If the run is no classifier of images, or a picture cannot be read.
    """
    card = cards.read_run(folder)
    if card["task"] == "segmentation":
        raise CourseError(
            f"{folder} is a segmentation run: it takes the folder of one case, not pictures. Type: "
            f"python -m course predict {folder} CASE_FOLDER -o mask.nii.gz"
        )
    if card["task"] == "regression":
        columns = ", ".join(item["name"] for item in card["inputs"])
        raise CourseError(
            f"{folder} is a regression run ({card['data']['dataset']}): it takes columns "
            f"({columns}), not pictures. To ask it, type in Python:\n"
            f"    model, card = course.export.load({str(folder)!r})\n"
            "    model.predict(…)  # a dict with one array per column\n"
            f"To score it again: python -m course evaluate {folder}"
        )
    import numpy as np

    from course import images

    pictures = [images.read_image(path) for path in paths]
    quiet.load_keras()
    from course import export

    model, card = export.load(folder)
    batch = [_prepared(picture, path, card) for picture, path in zip(pictures, paths, strict=True)]
    probabilities = np.asarray(model(np.stack(batch).astype("float32"), training=False))
    sums = probabilities.sum(axis=1)
    if not (np.all(probabilities >= 0) and np.allclose(sums, 1, atol=1e-3)):
        raise CourseError(f"{folder} answers with numbers that are no probabilities. Train again.")
    return [_ranking(row, card["class_names"]) for row in probabilities]


def _baselines(folder, n):
    """The models that the lesson scored on the same test part, from the report it left.

    They were never saved; scored on as many cases, their rows still stand beside the network's.
    """
    try:
        before = json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))
        rows = before["baselines"] if before["n"] == n else {}
        return rows if all(map(_is_row, rows.values())) else {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}  # no report, or none of ours


def _is_row(row):
    numbers = [row["scores"][name] for name in ("r2", "rmse", "mae")] + [row["behind"]]
    pairs = [*row["intervals"].values(), row["behind_interval"]]
    return all(type(v) is float for v in numbers) and all(
        pair is None or [type(v) for v in pair] == [float, float] for pair in pairs
    )


def _test_part(origin, card):
    """Inputs and targets that the run was not trained on."""
    from course.datasets import california, mnist, sign_mnist

    readers = {
        "mnist": lambda: mnist.load_data(origin.source, variant=origin.variant or "mnist"),
        "sign_mnist": lambda: sign_mnist.load_data(origin.source),
        "california": lambda: california.load_data(origin.source, seed=_seed(card)),
    }
    task = "regression" if origin.dataset == "california" else "classification"
    if origin.dataset not in readers or card["task"] != task:
        raise CourseError(
            f"The card says {card['task']} on {origin.dataset!r}. Expected classification on "
            "mnist or sign_mnist, or regression on california."
        )
    return readers[origin.dataset]()[1]


def _groups(origin, images, labels):
    """Which test images show one photograph; None where each shows its own."""
    from course.datasets import splits

    return splits.near_duplicates(images, labels) if origin.dataset == "sign_mnist" else None


def _seed(card):
    """The seed that held out the test part: `load_data`'s own, unless the card says another."""
    seed = card.get("data_seed", 0)  # never card["seed"], which drew weights and order only
    if type(seed) is not int or not 0 <= seed < 2**31:
        raise CourseError(
            f"The card's data_seed: expected 0 to {2**31 - 1}. Received: {seed!r:.80}."
        )
    return seed


def _prepared(picture, path, card):
    """One picture as the network takes it, `(height, width, channels)`."""
    import numpy as np

    from course import images

    preparation, shape = card["preparation"], card["inputs"][0]["shape"]
    wanted = (28, 28) if preparation == "digit" else tuple(shape[:2])
    image = len(card["inputs"]) == 1 and len(shape) == 3 and None not in shape
    if preparation is None or not image or wanted != tuple(shape[:2]):
        raise CourseError(
            f"The card does not say how {path} is made ready for this model: its preparation is "
            f'{preparation!r}, the model takes {shape}. Expected "digit" for 28×28 pixels, or '
            '"photo" for one image of a fixed size.'
        )
    try:
        if preparation == "digit":
            picture = images.prepare_digit(picture)
        else:
            picture = images.prepare_photo(picture, size=wanted)
    except CourseError as error:
        raise CourseError(f"{path}: {error}") from error
    return np.repeat(picture[..., None], shape[2], axis=2)


def _ranking(probabilities, class_names):
    best = (-probabilities).argsort(kind="stable")[:_TOP]
    return [(class_names[i], float(probabilities[i])) for i in best]
