"""The result of an evaluation, and the folder it is saved in: report.json, figures, report.html."""

import csv
import io
import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from course import figures as drawn
from course.errors import CourseError
from course.evaluation.page import TASKS, page
from course.spanish import count

WORST = 20  # mistakes that a report tells of
_REPORT_VERSION = 1


@dataclass
class Report:
    """What `course.evaluation` found out about a model. Printed, it is a short summary.

    Attributes:
        task: "classification", "regression" or "segmentation".
        origin: `catalog.Origin` of the test data.
        n: Test samples.
        scores: Name → value: accuracy, balanced_accuracy, log_loss; or r2, rmse, mae; or dice_WT …,
            hd95_mm_WT …
        intervals: Name → (low, high), 95 %, or None where there is none.
        per_class: One dict a class, the weakest first, those without samples last; or a region.
        per_case: One dict for each of the worst mistakes, the worst first; or for every volume.
        figures: Name → `matplotlib.figure.Figure`.
        alt: Name of a figure → what it shows, in words.
        class_names, confusion: Of a classifier; confusion counts true classes down, answers across.
        independent: Of a classifier: how many of the images show something of their own.
        unit, baselines: Of a regressor; baselines: name → dict of scores, intervals, behind (what
            it lacks of the network's R²), behind_interval.
        tables: Name → list of dicts, written as CSV beside the report.
    """

    task: str
    origin: object
    n: int
    scores: dict
    intervals: dict
    per_class: list = field(default_factory=list)
    per_case: list = field(default_factory=list)
    figures: dict = field(default_factory=dict, repr=False)
    alt: dict = field(default_factory=dict, repr=False)
    class_names: list = field(default_factory=list)
    confusion: list = field(default_factory=list)
    independent: int | None = None
    unit: str | None = None
    baselines: dict = field(default_factory=dict)
    tables: dict = field(default_factory=dict, repr=False)

    @property
    def headline(self):
        """One Spanish line: the score, how sure it is, and what the data are if a stand-in."""
        score = TASKS[self.task].headline(self)
        return f"{score} — {self.origin.title}" if self.origin.stands_in else score

    @property
    def counted(self):
        """How many test samples, with their noun."""
        return count(self.n, *TASKS[self.task].NOUN)

    def in_words(self, name, value):
        """A score in Spanish, with as many digits as it deserves."""
        return TASKS[self.task].in_words(self, name, value)

    def interval_in_words(self, name):
        """A score's interval, in brackets after a space; nothing where there is none."""
        if not self.intervals.get(name):
            return ""
        low, high = (self.in_words(name, bound) for bound in self.intervals[name])
        return f" (con 95\u00a0% de confianza entre {low} y {high})"

    def __str__(self):
        return "\n".join([self.headline, *TASKS[self.task].summary(self)])

    def as_dict(self):
        """Everything but the pictures, JSON-ready: what is not a finite number is None."""
        names = ("task", "n", "headline", "scores", "intervals", "per_class", "per_case")
        values = {name: getattr(self, name) for name in (*names, *TASKS[self.task].FIELDS)}
        return _plain(
            {"report_version": _REPORT_VERSION, **values, "origin": self.origin.as_dict()}
        )

    def save(self, folder):
        """Write report.json, figures/*.png, tables as CSV and the self-contained report.html.

        Where the folder holds a run's history.csv, settings.json and card.json, the page shows them
        too. Each file is written whole under another name first, then renamed.

        Args:
            folder: Made if it is not there.

        Returns:
            `pathlib.Path` of report.html.

        Raises:
            CourseError: If a file of the run cannot be read, or the folder not be written. In the
                first case nothing is written.
        """
        folder = Path(folder)
        run = {
            "history": _read(folder / "history.csv", _csv_rows),
            "settings": _read(folder / "settings.json", _json_object),
            "card": _read(folder / "card.json", _json_object),
        }
        figures = dict(self.figures)
        if run["history"]:
            title = f"Curvas de aprendizaje — {self.origin.title}"
            figures["learning_curves"] = _curves(folder / "history.csv", run["history"], title)
        pictures = {name: drawn.png(figure) for name, figure in figures.items()}
        html = page(self, run, pictures, folder)
        text = json.dumps(self.as_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        try:
            (folder / "figures").mkdir(parents=True, exist_ok=True)
            for name, picture in pictures.items():
                _write(folder / "figures" / f"{name}.png", picture)
            for name, rows in self.tables.items():
                _write(folder / f"{name}.csv", _csv_text(rows).encode())
            _write(folder / "report.json", text.encode())
            _write(folder / "report.html", html.encode(errors="replace"))
        except OSError as error:
            raise CourseError(
                f"The report cannot be written into {folder}: {error}.\n"
                "Expected a folder that can be written, on a disk with room."
            ) from error
        return folder / "report.html"


def _curves(path, rows, title):
    try:
        return drawn.learning_curves(rows, title=title)
    except (ValueError, TypeError, OverflowError) as error:
        raise CourseError(
            f"{path} is no history of a training: {error}\n"
            "Expected a header (epoch,loss,…) and a line of numbers per epoch."
        ) from error


def _read(path, parse):
    """What a file of the run holds, or None where there is none."""
    if not path.is_file():
        return None
    try:
        with path.open(newline="", encoding="utf-8-sig") as text:
            return parse(text)
    except (OSError, ValueError, csv.Error) as error:
        raise CourseError(
            f"{path} cannot be read: {error}\nTrain the run again, or move that file away."
        ) from error


def _csv_rows(text):
    reader = csv.DictReader(text)
    names = reader.fieldnames or ()
    if "loss" not in names or not all(name.isprintable() for name in names):
        raise ValueError(f"expected a header epoch,loss,…; received {names!r:.60}")
    return list(reader)


def _csv_text(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _json_object(text):
    values = json.load(text)
    if not isinstance(values, dict):
        raise ValueError(f"expected an object {{…}}, received {values!r:.60}")
    return values


def _write(path, data):
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(data)
    unfinished.replace(path)


def _plain(value):
    """JSON has no NaN, no tuples and no NumPy numbers."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
