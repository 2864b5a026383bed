"""Score a finished run again, on the test part of the data that its card names.

What is cheap to check comes first: TensorFlow takes seconds to load, a missing folder needs none.
"""

import functools
import math
import re
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from course import files
from course.errors import CourseError
from course.evaluation import fingerprint
from course.export import card as cards
from course.inference.run import warn_of_voxel_size, with_modalities
from course.training import start


def evaluate(folder, show=None):
    """Score a run on the test part of the data that its card names, and save the report again.

    Args:
        folder: Of the run.
        show: Function of the report, called before it is saved: a disk that refuses costs the page,
            never the score.

    Returns:
        `(report, path)`: a `course.evaluation.report.Report` and where its page was saved.

    Raises:
        CourseError: If the run or its data cannot be read, or do not belong together: then nothing
            is written. Or if the folder cannot be written, which is tried before the work and said
            after `show`.
    """
    from course.datasets import catalog

    card = cards.read_run(folder)
    origin = catalog.Origin.from_dict(card["data"])
    refusal = _refusal(folder)
    if card["task"] == "segmentation":
        report = _segmentation(folder, card, origin)
    else:
        report = _one_answer_each(folder, card, origin)
    report.note = "\n".join(filter(None, (_parted(card, report), _not_compared(card))))
    if show:
        show(report)
    if refusal:
        raise refusal
    return report, report.save(folder)


def _refusal(folder):
    """Why nothing can be written into a folder, as the `CourseError` to raise; None if it can."""
    trial = Path(folder, f".{uuid.uuid4().hex[:8]}{files.UNFINISHED}")
    try:
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        why = str(files.cannot_write(Path(folder, "report.html"), error)).partition("\n")[0]
        return CourseError(
            f"{why}\n"
            f"Qué hacer: copia {folder} a una carpeta en la que puedas escribir, y mide la copia: "
            "python -m course evaluate COPIA"
        )
    return None


# ---- the data, known again


@dataclass(frozen=True)
class _TestData:
    """What a card says of the test part, as `fingerprint` makes it."""

    n: files.Count
    sha256: files.Text


def _recorded(card):
    """The card's fingerprint of its test part; None in cards written before there was one."""
    if card.get("test_data") is None:
        return None
    return files.build(_TestData, card["test_data"], "card.json, test_data")


def _same_data(inputs, targets, card, origin):
    """The test part, as long as the run's; refused if it is not the one that the run was scored on.

    A run of `--limit` was scored on the first cases.
    """
    recorded = _recorded(card)
    if not recorded:
        return inputs, targets
    part = fingerprint.first(inputs, targets, recorded.n)
    found = fingerprint.of_arrays(*part)
    if found != {"n": recorded.n, "sha256": recorded.sha256}:
        raise _other_data(recorded, len(targets), found["sha256"], origin)
    return part


def _other_data(recorded, n, sha256, origin):
    return CourseError(
        f"Los datos de prueba no son los de esta corrida. La corrida se midió en {recorded.n} "
        f"(sha256 {recorded.sha256[:8]}…); en {origin.source} hay {n} (sha256 {sha256[:8]}…). No "
        "se escribió nada.\n"
        "Qué hacer: pon en su lugar los datos con los que se entrenó la corrida; para los de "
        "ahora, entrena otra."
    )


_NAMES = {
    "accuracy": "exactitud",
    "balanced_accuracy": "exactitud media de las clases",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "MAE",
}


def _parted(card, report):
    """One line where the scores in the card are not those measured now; "" where they are.

    Half a point of a share, or a hundredth of another number, is what machines and versions may
    make of the same network.
    """
    before, parted = _scores(card), []
    for name, now in report.scores.items():
        then = before.get(name)
        if type(then) not in (int, float) or now is None or not math.isfinite(now):
            continue
        if abs(now - then) > max(0.005, 0.01 * abs(then)):
            word = _NAMES.get(name) or name.replace("_", " ")
            parted.append(
                f"{word} {report.score_text(name, then)} y ahora {report.score_text(name, now)}"
            )
    if not parted:
        return ""
    data = ", con los mismos datos" if _recorded(card) else ""
    return (
        f"Atención: según la tarjeta de la corrida{data}, {'; '.join(parted)}. Revisa si la red se "
        "entrenó con las entradas preparadas de otra manera, por ejemplo divididas por 255."
    )


def _not_compared(card):
    """One line of what a card does not say, such as one of an earlier version; "" otherwise."""
    lacking = {
        "con qué datos se midió": not _recorded(card),
        "qué puntaje obtuvo": not _scores(card),
        "cuánto medían los vóxeles": card["task"] == "segmentation" and not card.get("spacing_mm"),
    }
    named = [words for words, lacks in lacking.items() if lacks]
    return f"Sin comparar: la tarjeta de la corrida no dice {', ni '.join(named)}." if named else ""


def _scores(card):
    return card["scores"] if isinstance(card.get("scores"), dict) else {}


# ---- classification and regression


def _one_answer_each(folder, card, origin):
    """The report of a run that answers each test sample with a class or a number."""
    inputs, targets = _same_data(*parts(card, origin)[1], card, origin)
    origin = _as_it_is_now(origin)
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


def parts(card, origin):
    """The data of a classification or regression run: `(inputs, targets)` of training and of test.

    Raises:
        CourseError: They cannot be had, or no reader knows them.
    """
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
    return readers[origin.dataset]()


def _as_it_is_now(origin):
    """Where the data are from, by a look at the files: an old card may say too much of a copy."""
    from course.datasets import catalog

    return catalog.origin(origin.dataset, origin.source, origin.variant)


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
    warn_of_voxel_size(cases, card)
    origin = _as_it_is_now(origin)
    start.load_keras()
    from course import evaluation, inference
    from course.export.model_file import load_model

    model = load_model(folder, card)
    predict = functools.partial(inference.predict_volume, patch=card["patch"])
    volumes = _announced(brats.volumes(cases), len(cases))
    report = evaluation.evaluate_segmenter(model, volumes, origin=origin, predict=predict)
    recorded, found = _recorded(card), report.test_data
    if recorded and found != {"n": recorded.n, "sha256": recorded.sha256}:
        raise _other_data(recorded, found["n"], found["sha256"], origin)
    return report


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
