"""The result of an evaluation, and the folder it is saved in: report.json, figures, report.html."""

import csv
import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from course import figures as drawn
from course.errors import CourseError
from course.page import page
from course.spanish import count, number, percent

_REPORT_VERSION = 1


@dataclass
class Report:
    """What `course.evaluation` found out about a model. Printed, it is a short summary.

    Attributes:
        task: "classification" or "regression".
        origin: `catalog.Origin` of the test data.
        n: Test samples.
        scores: Name → value: accuracy, balanced_accuracy, log_loss; or r2, rmse, mae.
        intervals: Name → (low, high), 95 %, or None where there is none.
        per_class: One dict a class, the weakest first, those without samples last.
        per_case: One dict for each of the worst mistakes, the worst first.
        figures: Name → `matplotlib.figure.Figure`.
        alt: Name of a figure → what it shows, in words.
        class_names, confusion: Of a classifier; confusion counts true classes down, answers across.
        unit, baselines: Of a regressor; baselines: name → dict of scores, intervals, behind (what
            it lacks of the network's R²), behind_interval.
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
    unit: str | None = None
    baselines: dict = field(default_factory=dict)

    @property
    def headline(self):
        """One Spanish line: the score, how sure it is, and what the data are if a stand-in."""
        main = "accuracy" if self.task == "classification" else "r2"
        score = f"{self.main_score} en {self.counted}"
        if self.intervals.get(main):
            low, high = (self.in_words(main, bound) for bound in self.intervals[main])
            score += f" (con 95\u00a0% de confianza entre {low} y {high})"
        return f"{score} — {self.origin.title}" if self.origin.stands_in else score

    @property
    def main_score(self):
        """The score and its name; a constant target has no R², there it is the RMSE."""
        if self.task == "classification":
            return f"Exactitud {self.in_words('accuracy', self.scores['accuracy'])}"
        if math.isnan(self.scores["r2"]):
            return f"R² sin definir, RMSE {self.in_words('rmse', self.scores['rmse'])} {self.unit},"
        return f"R² {self.in_words('r2', self.scores['r2'])}"

    @property
    def counted(self):
        """How many test samples, with their noun."""
        if self.task == "classification":
            return count(self.n, "imagen", "imágenes")
        return count(self.n, "caso", "casos")

    def in_words(self, name, value):
        """A score in Spanish, with as many digits as this many samples can carry."""
        if name in ("accuracy", "balanced_accuracy"):
            return percent(value, 2 if self.n >= 1000 else 1)
        if name in ("recall", "precision"):  # of one class, which has fewer
            return percent(value, 1)
        return number(value, 3)

    def __str__(self):
        lines = [self.headline]
        if self.task == "classification":
            weakest = [row for row in self.per_class if row["confused_with"]][:3]
            lines += [
                f"  {row['class']}: {self.in_words('recall', row['recall'])} de "
                f"{number(row['n'], 0)}, se confunde con {row['confused_with']}"
                for row in weakest
            ]
        else:
            models = {"red neuronal": vars(self), **{k: v for k, v in self.baselines.items()}}
            width = max(map(len, models))
            lines.append(f"  {'':{width}}" + "".join(f"{h:>10}" for h in ("R²", "RMSE", "MAE")))
            for name, model in models.items():
                cells = (self.in_words(k, model["scores"][k]) for k in ("r2", "rmse", "mae"))
                lines.append(f"  {name:{width}}" + "".join(f"{cell:>10}" for cell in cells))
        return "\n".join(lines)

    def as_dict(self):
        """Everything but the pictures, JSON-ready: what is not a finite number is None."""
        names = ("task", "n", "headline", "scores", "intervals", "per_class", "per_case")
        names += ("class_names", "confusion") if self.task == "classification" else ()
        names += ("unit", "baselines") if self.task == "regression" else ()
        values = {name: getattr(self, name) for name in names}
        return _plain(
            {"report_version": _REPORT_VERSION, **values, "origin": self.origin.as_dict()}
        )

    def save(self, folder):
        """Write report.json, figures/*.png and the self-contained report.html.

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
