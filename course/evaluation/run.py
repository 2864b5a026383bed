"""Score a finished run again, on the test part of the data that its card names.

What is cheap to check comes first: TensorFlow takes seconds to load, a missing folder needs none.
"""

import functools
import re
import sys
from pathlib import Path

from course import files
from course.errors import CourseError
from course.export import card as cards
from course.inference.run import with_modalities
from course.training import start


def evaluate(folder):
    """Score a run on the test part of the data that its card names, and save the report again.

    Returns:
        `(report, path)`: a `course.evaluation.report.Report` and where its page was saved.

    Raises:
        CourseError: If the run or its data cannot be read, or do not belong together.
    """
    from course.datasets import catalog

    card = cards.read_run(folder)
    origin = catalog.Origin.from_dict(card["data"])
    if card["task"] == "segmentation":
        report = _segmentation(folder, card, origin)
    else:
        report = _one_answer_each(folder, card, origin)
    return report, report.save(folder)


def _one_answer_each(folder, card, origin):
    """The report of a run that answers each test sample with a class or a number."""
    inputs, targets = _test_part(origin, card)
    start.load_keras()
    from course import evaluation
    from course.datasets import splits
    from course.export.model_file import load_model

    tested = load_model(folder, card), inputs, targets
    if card["task"] == "regression":
        report = evaluation.evaluate_regressor(*tested, unit=card["unit"], origin=origin)
        report.baselines = _baselines(folder, report.n)
        return report
    # of Sign MNIST several images show one photograph
    groups = splits.near_duplicates(inputs, targets) if origin.dataset == "sign_mnist" else None
    return evaluation.evaluate_classifier(
        *tested, class_names=card["class_names"], origin=origin, groups=groups
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
            f"La tarjeta dice {card['task']} con {origin.dataset!r}. Se esperaba classification "
            "con mnist o sign_mnist, o regression con california.\n"
            "Qué hacer: otras redes se evalúan en Python, con las funciones de course.evaluation."
        )
    return readers[origin.dataset]()[1]


def _baselines(folder, n):
    """The models that the lesson scored on the same test part, from the report it left.

    They were never saved; scored on as many cases, their rows still stand beside the network's.
    """
    try:
        before = files.read_json(Path(folder, "report.json"))
        rows = before["baselines"] if before["n"] == n else {}
        return rows if all(map(_is_row, rows.values())) else {}
    except (CourseError, LookupError, TypeError, AttributeError):
        return {}  # no report, or none of ours


def _is_row(row):
    numbers = [row["scores"][name] for name in ("r2", "rmse", "mae")] + [row["behind"]]
    pairs = [*row["intervals"].values(), row["behind_interval"]]
    return all(type(v) is float for v in numbers) and all(
        pair is None or [type(v) for v in pair] == [float, float] for pair in pairs
    )


def _seed(card):
    """The seed that held out the test part: `load_data`'s own, unless the card says another.

    It is never card["seed"], which drew weights and order only.
    """
    return card.get("data_seed", 0)


# ---- segmentation


def _segmentation(folder, card, origin):
    """The report of a run on the cases that its card holds out."""
    from course.datasets import brats

    cases = [with_modalities(case, card) for case in _held_out(card, origin)]
    start.load_keras()
    from course import evaluation, inference
    from course.export.model_file import load_model

    model = load_model(folder, card)
    predict = functools.partial(inference.predict_volume, patch=card["patch"])
    volumes = _announced(brats.volumes(cases), len(cases))
    return evaluation.evaluate_segmenter(model, volumes, origin=origin, predict=predict)


def _announced(volumes, n):
    """The volumes; each one's name on stderr when its turn has come, for a case takes a while."""
    for number, volume in enumerate(volumes, 1):
        print(f"{number}/{n} {volume.name}", file=sys.stderr, flush=True)
        yield volume
        del volume  # before the next is read


def _held_out(card, origin):
    """The cases that the card holds out, found again where its data are from."""
    from course.datasets import catalog

    if "edition" not in card or not catalog.get(origin.dataset).edition:
        raise CourseError(
            f"La tarjeta dice segmentation con {origin.dataset!r}. Se esperaba una de BraTS, con "
            "brats2020 o brats2021.\n"
            "Qué hacer: otras redes se evalúan en Python, con las funciones de course.metrics."
        )
    names = card["held_out"]
    if not names:
        raise CourseError(
            "Según la tarjeta la red se entrenó con todos los casos: no queda ninguno para medirla."
            "\nQué hacer: entrena de nuevo y aparta algunos casos, o mira uno: python -m course "
            "predict CORRIDA CARPETA"
        )
    found = {case.name: case for case in _cases(names, card, origin)}
    missing = [name for name in names if name not in found]
    if missing:
        raise CourseError(
            f"De los {len(names)} casos apartados faltan {len(missing)} en {origin.title} "
            f"({origin.source}): {', '.join(missing[:5])}{' …' if missing[5:] else ''}.\n"
            "Qué hacer: pon ahí los datos con los que se entrenó la corrida."
        )
    return [found[name] for name in names]


def _cases(names, card, origin):
    """The cases of the data set that a run was made of, at least those of these names."""
    from course.datasets import brats, fetch

    if origin.source == "kaggle":
        if origin.dataset == "brats2020":
            return brats.fetch_named(names, modalities=card["modalities"])
        return brats.find_cases(fetch(origin.dataset), modalities=card["modalities"])
    n = card.get("cases")
    if n is None and origin.source == "sample":  # whose cases are counted from 1
        n = max((int(digits) for name in names for digits in re.findall(r"\d+$", name)), default=1)
    return brats.open_cases(origin.source, n, card["modalities"], seed=_seed(card))
