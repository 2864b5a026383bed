"""A delivered run measured again: its network, on the teacher's own copy of the test part."""

import base64
import contextlib
import hashlib
from dataclasses import dataclass, field

from course.classroom import told
from course.datasets import brats, pictures
from course.errors import CourseError
from course.evaluation import run
from course.export import card as cards
from course.figures.style import not_drawn
from course.spanish import number

_HELD_OUT = 0.25  # of the patients, by Taller 4


@dataclass
class Found:
    """What was found out about a run, whatever it says itself.

    Attributes:
        why: Why there is no score, with what to do about it; "" where there is one.
        parameters, weights: Of the network: how many, and a checksum of their values, whatever the
            file is called and when it was written. None where it does not load.
        score: Name of the score that counts, in Spanish; "" without one.
        value, low, high: The score and the ends of its 95 % interval, None without.
        n: On how many test cases.
        shown, interval: The score and its interval, in Spanish.
        data: Title of the data.
        flags: Spanish texts, what a teacher should look at.
        picture: PNG in base64, what is confused with what, or the Dice of each case; "" for none.
    """

    why: str = ""
    parameters: int | None = None
    weights: str | None = None
    score: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    shown: str = ""
    interval: str = ""
    data: str = ""
    flags: list = field(default_factory=list)
    picture: str = ""


def measure(folder, copies) -> Found:
    """Measure the run in a folder; no delivery is an error.

    Args:
        folder: `pathlib.Path`, with the files that `taken` has copied.
        copies: `copies.Copies`.
    """
    from course.export.model_file import read_model

    said, found = told.read(folder), Found()
    card = said.card or {}
    if not (folder / "model.keras").is_file():
        found.why = "la entrega no trae model.keras."
        return found
    try:
        with _without_advice():
            model = read_model(folder / "model.keras", card)
        found.parameters, found.weights = model.count_params(), _checksum(model)
        found.flags += _of_card(said, model, found)
        if said.origin is None:
            why = said.faults[0] if said.faults else "falta card.json"
            raise CourseError(f"no se sabe con qué datos se entrenó: {why}")
        _score(found, said, model, copies)
    except CourseError as error:
        found.why = str(error).replace(f"{folder}/", "")
    except Exception as error:  # a network of someone else's, asked what it was not made for
        what = f"{type(error).__name__}: {told.first_line(error):.200}"
        found.why = f"la red no responde como su tarjeta dice ({what})."
    return found


def _score(found, said, model, copies):
    origin, *data = copies.of(said.card, said.origin)
    with _without_advice(), not_drawn():
        report = run.scored(model, said.card, origin, *data)
    name = next(iter(report.scores))
    found.score, found.value, found.n = run.in_words(name), report.scores[name], report.n
    ends = report.intervals.get(name)
    found.low, found.high = ends or (None, None)
    found.shown = report.score_text(name, found.value)
    found.interval = " a ".join(report.score_text(name, end) for end in ends or ())
    found.data = origin.title
    found.flags += [*_of_split(said.card, origin), *_of_report(said, report)]
    found.picture = _picture(report)


@contextlib.contextmanager
def _without_advice():
    """What a message advises is for who trains; here somebody measures."""
    try:
        yield
    except CourseError as error:
        raise CourseError(told.first_line(error)) from error


def _of_card(said, model, found):
    """What the card says and the network does not."""
    flags, card = [], said.card or {}
    if said.origin and said.origin.made_up:
        flags.append("datos inventados")
    elif said.origin and said.origin.stands_in and not said.lesson.startswith("taller0"):
        flags.append("no son los datos del taller")  # Taller 0 has none but its sample
    problem = cards.disagreement(card, model) if card else None
    if not problem and card and card.get("parameters") not in (None, found.parameters):
        claimed = card["parameters"]
        problem = f"dice {claimed!r:.20} parámetros y son {number(found.parameters, 0)}"
    if problem:
        flags.append(f"la tarjeta no es de este modelo: {problem}")
    return flags


def _of_split(card, origin):
    """Where the card holds out another test part than its lesson does."""
    if seed := card.get("data_seed"):
        return [f"la parte de prueba es otra que la del taller: la apartó con la semilla {seed}"]
    if card["task"] != "segmentation":
        return []
    usual, seed = set(), card.get("seed", 0)
    with contextlib.suppress(CourseError):  # too few to be parted
        cases = brats.open_cases(origin.source, card.get("cases"), card["modalities"])
        usual = {case.name for case in brats.split(cases, _HELD_OUT, seed)[1]}
    if usual == set(card["held_out"]):
        return []
    return [f"los casos de prueba no son los que el taller aparta con la semilla {seed}"]


def _of_report(said, report):
    """What the delivery says of its score and its test part, where that is not what was found."""
    claimed = said.card.get("test_data")
    claimed = claimed if isinstance(claimed, dict) else report.test_data
    if claimed.get("n") != report.test_data["n"]:
        n = f"{claimed.get('n')!r:.12}"
        return [
            f"dice que se midió en {n}, y aquí en {report.counted}: no se comparan los puntajes"
        ]
    flags = []
    if claimed != report.test_data:
        flags.append("se midió con otros datos de prueba que los tuyos")
    for name, scores in said.scores.items():
        for word, then, now in run.parted(scores, report)[:1]:
            flags.append(f"{name} dice {word} {then}, y es {now}")
    return flags


def _checksum(model):
    """Of the values alone: names, optimizer and the file's own bytes do not count."""
    import numpy as np

    checksum = hashlib.sha256()
    for weight in model.weights:
        values = np.asarray(weight)
        checksum.update(f"{values.shape}{values.dtype};".encode())
        checksum.update(np.ascontiguousarray(values))
    return checksum.hexdigest()


# ---- small pictures, whose ground is that of the page


_BLUE, _ORANGE = (0, 114, 178), (213, 94, 0)


def _picture(report):
    import numpy as np

    if report.task == "classification":
        counts = np.array(report.confusion, float)
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        right = np.eye(len(counts), dtype=bool)
        return _png(np.where(right, shares, np.sqrt(shares)), right)
    if report.task == "segmentation":
        names = [row["region"] for row in report.per_class]
        dice = [[case["regions"][name]["dice"] for case in report.per_case] for name in names]
        return _png(np.array(dice, float), np.ones((len(names), report.n), bool))
    return ""


def _png(shares, blue):
    """Shares from 0, which is transparent, to 1, as squares in blue or orange."""
    import numpy as np

    image = np.empty((*shares.shape, 4), "uint8")
    image[..., :3] = np.where(blue[..., None], _BLUE, _ORANGE)
    image[..., 3] = np.rint(255 * np.clip(shares, 0, 1))
    return base64.b64encode(pictures.png(image)).decode()
