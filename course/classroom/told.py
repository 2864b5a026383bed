"""What a delivery says of itself, none of which is believed: its card, its report, its history."""

import math
import re
from dataclasses import dataclass, field

from course import files
from course.datasets.catalog import Origin
from course.errors import CourseError
from course.export import card as cards
from course.training import exercise_record
from course.training.run_folder import read_history


@dataclass
class Told:
    """What the files of a run say.

    Attributes:
        card: Dict; None where there is none that can be read.
        origin: `catalog.Origin` that the card names, or None.
        lesson: "taller2_cnn_mnist"; "" where it is not said.
        scores: Dict from a file's name, the card's and the report's, to the scores that it claims.
        seed: None where it is not said.
        minutes: Of all epochs together; None where no epoch says how long it took.
        exercises: Dict from a number to a `Tried`.
        faults: Spanish texts, what could not be read.
    """

    card: dict | None = None
    origin: Origin | None = None
    lesson: str = ""
    scores: dict = field(default_factory=dict)
    seed: int | None = None
    minutes: float | None = None
    exercises: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)


def read(folder) -> Told:
    """Read the files of a run that `taken` has copied; what cannot be read is a fault."""
    faults = []

    def tried(reader, nothing=None):
        try:
            return reader()
        except CourseError as error:  # a delivery's path says nothing to a teacher
            faults.append(first_line(error).replace(f"{folder}/", ""))
            return nothing

    def json_of(name):
        path = folder / name
        return tried(lambda: files.read_json(path), {}) if path.is_file() else {}

    card = None
    if (folder / "card.json").is_file():
        card = tried(lambda: cards.read(folder / "card.json"))
    origin = tried(lambda: Origin.from_dict(card["data"])) if card else None
    rows = tried(lambda: read_history(folder), [])
    lesson = json_of("settings.json").get("lesson")
    lesson = lesson if isinstance(lesson, str) and re.fullmatch(r"taller\d+\w*", lesson) else ""
    exercises = tried(lambda: exercise_record.read(folder), {})
    said = {"card.json": card or {}, "report.json": json_of("report.json")}
    return Told(
        card=card,
        origin=origin,
        lesson=lesson,
        scores={
            name: one["scores"] for name, one in said.items() if isinstance(one.get("scores"), dict)
        },
        seed=card["seed"] if card and type(card.get("seed")) is int else None,
        minutes=_minutes(rows),
        exercises=_of_lesson(exercises, lesson),
        faults=faults,
    )


def first_line(message):
    """What happened, of a text or an error that goes on with what to do."""
    return str(message).partition("\n")[0]


def _minutes(rows):
    seconds = [row.get("time_s") for row in rows]
    known = [s for s in seconds if s is not None and math.isfinite(s)]
    return sum(known) / 60 if known else None


def _of_lesson(exercises, lesson):
    """Those of a lesson, whose numbers begin with its own; all where it is not known."""
    own = re.match(r"taller(\d+[a-z]?)", lesson)
    return {n: one for n, one in exercises.items() if not own or n.startswith(f"{own[1]}.")}
