"""The result of an evaluation, and the folder it is saved in: report.json, figures, report.html."""

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

from course import figures as drawn
from course import files
from course.errors import CourseError
from course.evaluation.page import TASKS, page
from course.evaluation.page.lesson import read_figures
from course.spanish import count
from course.training import exercise_record
from course.training.run_folder import read_rows, read_training

WORST = 20  # mistakes that a report holds
_REPORT_VERSION = 1


@dataclass
class Report:
    """What an evaluation found out about a model. Printed, it is a short summary.

    Attributes:
        task: "classification", "regression", "segmentation" of volumes, or "masks": of pictures.
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
        group_noun: What those are if no photographs, in singular and plural.
        positive, threshold, calibration: Of a classifier of two classes: the one that is looked
            for, the probability from which on it is the answer, the rows of
            `two_classes.calibration`.
        unit, baselines: Of a regressor; baselines: name → dict of scores, intervals, behind (what
            it lacks of the network's R²), behind_interval.
        tables: Name → list of dicts, written as CSV beside the report.
        test_data: How many cases were scored and a checksum of them, of `evaluation.fingerprint`;
            goes into the card, so that `course evaluate` knows the data again.
        note: A line that must not be overlooked, under the headline and on top of the page.
        case: Of a segmentation, the case of median Dice as `page.volume.packed` packs it for the
            page's viewer; "" where it has no room.
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
    group_noun: tuple | None = None
    positive: str | None = None
    threshold: float | None = None
    calibration: list = field(default_factory=list)
    unit: str | None = None
    baselines: dict = field(default_factory=dict)
    tables: dict = field(default_factory=dict, repr=False)
    test_data: dict | None = None
    note: str = ""
    case: str = field(default="", repr=False)

    @property
    def headline(self):
        """One Spanish line: the score, how sure it is, and the data where they are not the real."""
        score = TASKS[self.task].headline(self)
        named = self.origin.stands_in or self.origin.reduced
        return f"{score} — {self.origin.title}" if named else score

    @property
    def counted(self):
        """How many test samples, with their noun."""
        return count(self.n, *TASKS[self.task].NOUN)

    def score_text(self, name, value):
        """A score in Spanish, with as many digits as it deserves."""
        return TASKS[self.task].score_text(self, name, value)

    def interval_text(self, name):
        """A score's interval, in brackets after a space; nothing where there is none."""
        if not self.intervals.get(name):
            return ""
        low, high = (self.score_text(name, bound) for bound in self.intervals[name])
        return f" (con 95\u00a0% de confianza entre {low} y {high})"

    def __str__(self):
        lines = [self.headline, self.note, *TASKS[self.task].summary(self)]
        return "\n".join(filter(None, lines))

    def as_dict(self):
        """Everything but the pictures, JSON-ready: what is not a finite number is None."""
        names = ("task", "n", "headline", "scores", "intervals", "per_class", "per_case")
        values = {name: getattr(self, name) for name in (*names, *TASKS[self.task].FIELDS)}
        return files.plain(
            {"report_version": _REPORT_VERSION, **values, "origin": self.origin.as_dict()}
        )

    def card(self, **others):
        """The card of the model for `course.export.export`: what the report knows, and the rest.

        Args:
            **others: What only the lesson knows: `preparation`, `seed`, …; `export` lists it. A key
                that the report knows too is taken from here.

        Returns:
            Dict with task, class_names (of a classifier; where one is looked for, positive and
            threshold too), unit (of a regressor), regions (of a segmenter), data, test_data, scores
            and the others.
        """
        known = {"task": self.task, "data": self.origin.as_dict(), "scores": self.scores}
        if self.test_data:
            known["test_data"] = self.test_data
        if self.task == "classification":
            known["class_names"] = self.class_names
            if self.positive:
                known |= {"positive": self.positive, "threshold": self.threshold}
        elif self.task == "regression":
            known["unit"] = self.unit
        elif self.task == "masks":
            known |= {"task": "segmentation", "class_names": self.class_names}
        else:
            known["regions"] = [row["region"] for row in self.per_class]
        return {**known, **others}

    def save(self, folder, viewer=True):
        """Write report.json, figures/*.png, tables as CSV and the self-contained report.html.

        Where the folder holds a run's history.csv, settings.json, card.json and the lesson's own
        figures, the page shows them too. Each file is written whole or not at all.

        Args:
            folder: Made if it is not there.
            viewer: Whether a segmentation's page carries one case to walk through, up to 2 MB.

        Returns:
            `pathlib.Path` of report.html.

        Raises:
            CourseError: If a file of the run cannot be read, or the folder not be written. In the
                first case nothing is written.
        """
        folder = Path(folder)
        run = {
            "history": read_rows(folder),
            "training": read_training(folder),
            "settings": _json_of(folder / "settings.json"),
            "card": _json_of(folder / "card.json"),
            "figures": read_figures(folder / "figures"),
            "exercises": _exercises(folder),
        }
        figures = dict(self.figures)
        if run["history"]:
            title = f"Curvas de aprendizaje — {self.origin.title}"
            figures["learning_curves"] = drawn.learning_curves(run["history"], title=title)
        pictures = {name: drawn.png(figure) for name, figure in figures.items()}
        html = page(self, run, pictures, folder, viewer)
        for name, picture in pictures.items():
            files.write(folder / "figures" / f"{name}.png", picture)
        for name, rows in self.tables.items():
            files.write(folder / f"{name}.csv", _csv_text(rows))
        files.write(folder / "report.json", files.json_text(self.as_dict()))
        files.write(folder / "report.html", html.encode(errors="replace"))
        return folder / "report.html"


def _json_of(path):
    """What a file of the run holds, or None where there is none."""
    return files.read_json(path) if path.is_file() else None


def _exercises(folder):
    """The record of exercises, or as text what is wrong with it, which costs no report."""
    try:
        return exercise_record.read(folder)
    except CourseError as error:
        return str(error)


def _csv_text(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
