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
    if origin.dataset == "folders":
        report = _own_pictures(folder, card, origin)
    elif card["task"] == "segmentation":
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
    "sensitivity": "sensibilidad",
    "specificity": "especificidad",
    "auc": "AUC",
    "brier": "puntaje de Brier",
    "balanced_accuracy": "exactitud media de las clases",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "MAE",
}


def in_words(name):
    """What a score is called in Spanish."""
    return _NAMES.get(name) or name.replace("dice_", "Dice ").replace("_", " ")


def parted(before, report):
    """Scores written before that are not those measured now, `(word, before, now)` in Spanish.

    Half a point of a share, or a hundredth of a larger number, is what machines and versions may
    make of the same network.
    """
    found = []
    for name, now in report.scores.items():
        then = before.get(name)
        if type(then) not in (int, float) or now is None or not math.isfinite(now):
            continue
        if abs(now - then) > (0.005 if abs(then) <= 1 else 0.01 * abs(then)):
            texts = [report.score_text(name, value) for value in (then, now)]
            found.append((in_words(name), *texts))
    return found


def _parted(card, report):
    """One line where the scores in the card are not those measured now; "" where they are."""
    words = [f"{word} {then} y ahora {now}" for word, then, now in parted(_scores(card), report)]
    if not words:
        return ""
    data = ", con los mismos datos" if _recorded(card) else ""
    return (
        f"Atención: según la tarjeta de la corrida{data}, {'; '.join(words)}. Revisa si la red se "
        "entrenó con las entradas preparadas de otra manera, por ejemplo divididas por 255."
    )


def _not_compared(card):
    """One line of what a card does not say, such as one of an earlier version; "" otherwise."""
    lacking = {
        "con qué datos se midió": not _recorded(card),
        "qué puntaje obtuvo": not _scores(card),
        "cuánto medían los vóxeles": "edition" in card and not card.get("spacing_mm"),
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
    from course.export.model_file import load_model

    report = scored(load_model(folder, card), card, origin, (inputs, targets))
    if card["task"] == "regression":
        report.baselines = _baselines(folder, report.n)
    return report


def scored(model, card, origin, data, groups=None):
    """The report of a run's network on what it was never trained on.

    Args:
        model: `keras.Model`.
        card: Of the run.
        origin: `catalog.Origin` of the data.
        data: `(inputs, targets)`, the test part that `parts` gives; of a segmentation the cases
            that `held_out` gives.
        groups: What `grouped` says of the test part, asked here if it is None.

    Returns:
        A `course.evaluation.report.Report`.
    """
    from course import evaluation, inference
    from course.datasets import brats

    if card["task"] == "segmentation":
        predict = functools.partial(inference.predict_volume, patch=card["patch"])
        volumes = _announced(brats.volumes(data), len(data))
        return evaluation.evaluate_segmenter(
            model,
            volumes,
            origin=origin,
            predict=predict,
            least_et_ml=card.get("least_et_ml", 0),
        )
    if card["task"] == "regression":
        return evaluation.evaluate_regressor(model, *data, unit=card["unit"], origin=origin)
    groups = grouped(card, origin, data) if groups is None else groups
    return _classified(model, card, origin, data, **groups)


def _classified(model, card, origin, data, **groups):
    from course import evaluation

    return evaluation.evaluate_classifier(
        model,
        *data,
        class_names=card["class_names"],
        origin=origin,
        positive=card.get("positive"),
        threshold=card.get("threshold", 0.5),
        **groups,
    )


def grouped(card, origin, data):
    """Which of the test cases belong together, and what such a group is.

    It takes seconds where the groups are looked for; keywords of `evaluate_classifier`.
    """
    from course.datasets import splits

    if origin.dataset == "sign_mnist":  # several images show one photograph
        return {"groups": splits.near_duplicates(*data)}
    if origin.dataset == "chest_xray":
        patients = _xrays(card, origin)[1][2][: len(data[1])]
        return {"groups": patients, "group_noun": ("paciente", "pacientes")}
    return {}


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
        "chest_xray": lambda: tuple(part[:2] for part in _xrays(card, origin)),
    }
    task = "regression" if origin.dataset == "california" else "classification"
    if origin.dataset not in readers or card["task"] != task:
        raise CourseError(
            f"La tarjeta dice {card['task']} con {origin.dataset!r}. Se esperaba classification "
            "con mnist, sign_mnist o chest_xray, o regression con california.\n"
            "Qué hacer: otras redes se evalúan en Python, con las funciones de course.evaluation."
        )
    return readers[origin.dataset]()


def _xrays(card, origin):
    """`(images, labels, patients)` of training and of test, as large as the run's network takes."""
    from course.datasets import chest_xray

    shape, classes = card["inputs"][0]["shape"], len(card["class_names"])
    side = shape[0] if len(shape) == 3 and shape[0] == shape[1] else None
    if type(side) is not int or not 32 <= side <= 1024 or classes not in chest_xray.CLASS_NAMES:
        raise CourseError(
            f"La tarjeta dice chest_xray con {classes} clases y entradas de forma {shape}. Se "
            "esperaban dos o tres clases y radiografías cuadradas de 32 a 1024 píxeles.\n"
            "Qué hacer: otras redes se evalúan en Python, con las funciones de course.evaluation."
        )
    return chest_xray.load_data(origin.source, size=side, classes=classes)


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


# ---- pictures of one's own


def _own_pictures(folder, card, origin):
    """The report of a run on the test part that its split.csv has written down."""
    record, rows = _own_test_part(folder, card, origin)
    targets = record.labels if record.masks is None else record.masks
    data = _same_data(record.images[rows], targets[rows], card, origin)
    start.load_keras()
    from course import evaluation
    from course.export.model_file import load_model

    model, groups = load_model(folder, card), record.groups[rows]
    if record.masks is None:
        noun = record.group_noun
        return _classified(model, card, record.origin, data, groups=groups, group_noun=noun)
    return evaluation.evaluate_masks(
        model,
        *data,
        class_names=card["class_names"],
        files=[record.files[row] for row in rows],
        origin=record.origin,
        groups=groups,
    )


def _own_test_part(folder, card, origin):
    """The pictures that a run was made of, read again, and which of them are its test part."""
    from course.datasets import folders

    height, _, channels = card["inputs"][0]["shape"]
    source = origin.handle or origin.source
    record = folders.read(source, size=height, color=channels == 3, variant=origin.variant)
    return record, folders.load_split(record, Path(folder, "split.csv")).test


def test_inputs(folder, card, origin):
    """What a run that answers each sample is scored on, without the answers.

    Raises:
        CourseError: The data cannot be had, or no reader knows them.
    """
    if origin.dataset == "folders":
        record, rows = _own_test_part(folder, card, origin)
        return record.images[rows]
    return parts(card, origin)[1][0]


# ---- segmentation


def _segmentation(folder, card, origin):
    """The report of a run on the cases that its card holds out."""
    cases = held_out(card, origin)
    warn_of_voxel_size(cases, card)
    origin = _as_it_is_now(origin)
    start.load_keras()
    from course.export.model_file import load_model

    report = scored(load_model(folder, card), card, origin, cases)
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


def held_out(card, origin):
    """The cases that the card holds out, found again where the data are from.

    Raises:
        CourseError: They cannot be had, or the card is of no known segmentation.
    """
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
    return [with_modalities(found[name], card) for name in names]


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
