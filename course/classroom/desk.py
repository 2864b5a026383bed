"""A class goes over the desk: each delivery is opened, measured once, and put into the table."""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import tempfile

import course
from course import files
from course.classroom import deliveries, told
from course.classroom.measured import Found
from course.classroom.page import page
from course.classroom.rows import Row, compare
from course.classroom.table import csv_text
from course.classroom.taken import take
from course.classroom.worker import Worker
from course.errors import CourseError

_WRITTEN = "escrito.json"


def grade(folder, table="notas.csv", *, source=None, minutes=10, comma=False, worker=None):
    """Measure what a class has delivered, and write the table and its page.

    What was measured stays beside the table, in a folder `.medidas`: a second run measures only
    what is new, has changed, or could not be measured. A delivery never stops the others.

    Args:
        folder: Of the deliveries, or the zip of a whole class; see `deliveries.find`.
        table: Where the CSV is written; the page lies beside it.
        source: Folder with the teacher's copies of the data; None for those that were fetched.
        minutes: How long the measuring of one run may take.
        comma: Whether the CSV has decimal commas, and semicolons between the cells.
        worker: What measures, a `Worker` by default.

    Returns:
        `(rows, path of the page)`.

    Raises:
        CourseError: There are no deliveries, the source is no folder, or what is to be written
            cannot be, or would replace what somebody has edited.
    """
    table = pathlib.Path(table).expanduser()
    shown, kept = table.with_suffix(".html"), table.with_suffix(".medidas")
    _check(table, source, minutes)
    written = _Written(kept / _WRITTEN)
    for path in (table, shown):
        written.refuse_edited(path)
    found = deliveries.find(folder, without=(table, shown, kept))
    written.save()  # a place that cannot be written to is told before the work
    with contextlib.closing(worker or Worker(source, minutes)) as worker:
        rows = _all_rows(found, kept, _looks(source), worker)
    compare(rows)
    written.write(table, csv_text(rows, comma))
    written.write(shown, page(rows, pathlib.Path(folder).absolute().name))
    return rows, shown


def _check(table, source, minutes):
    if table.suffix.lower() != ".csv":
        raise CourseError(
            f"-o: se esperaba un archivo que termine en .csv. Llegó: {table}.\n"
            "Qué hacer: repite la orden con -o notas.csv"
        )
    if source is not None and not pathlib.Path(source).is_dir():
        raise CourseError(
            f"--source: se esperaba una carpeta con tus copias de los datos. Llegó: {source}.\n"
            "Qué hacer: revisa su nombre; sin --source se usan los que ya trajiste de Kaggle."
        )
    if minutes < 1:
        raise CourseError(
            f"--minutos: se esperaba un número desde 1. Llegó: {minutes}.\n"
            "Qué hacer: repite la orden con --minutos 10"
        )


def _all_rows(found, kept, looks, worker):
    from tqdm import tqdm

    rows = []
    for delivery in tqdm(found, "entregas", unit="entrega", delay=1, leave=False):
        try:
            with tempfile.TemporaryDirectory() as home:
                rows += _rows(delivery, pathlib.Path(home), kept, looks, worker)
        except CourseError:  # the disk of this desk
            raise
        except Exception as error:  # a mistake of the kit costs one delivery, not the class
            what = f"{type(error).__name__}: {told.first_line(error):.200}"
            why = f"el programa se equivocó con esta entrega ({what})."
            rows.append(Row(delivery.student, delivery.place, found=Found(why=why)))
    return rows


def _rows(delivery, home, kept, looks, worker):
    """The rows of one delivery; its faults stand in the first."""
    taken = take(delivery, home)
    rows = [
        Row(
            delivery.student,
            delivery.place,
            run.place,
            told.read(run.folder),
            _measured(run, kept, looks, worker),
        )
        for run in taken.runs
    ]
    if not rows:
        only = "solo trae un cuaderno" if taken.notebooks else "no trae ninguna corrida"
        why = f"{only}: se esperaban model.keras y card.json, de la carpeta de una corrida."
        said = told.Told(lesson=next(filter(None, taken.notebooks), ""))
        rows = [Row(delivery.student, delivery.place, told=said, found=Found(why=why))]
    rows[0].faults = taken.faults
    return rows


def _measured(run, kept, looks, worker):
    """What was found out about a run: once, if it came to a score."""
    name = hashlib.sha256(f"{run.digest} {looks}".encode()).hexdigest()[:32]
    path = kept / f"{name}.json"
    if path.is_file():
        with contextlib.suppress(CourseError, TypeError):
            return Found(**files.read_json(path))
    found = files.plain(dataclasses.asdict(worker.measure(run.folder)))
    if not found["why"]:
        files.write(path, files.json_text(found))
    return Found(**found)


def _looks(source):
    """What a score depends on beside the run: this kit, and the files of the teacher's copy."""
    seen = [course.__version__]
    if source is not None:
        for place, _, names in os.walk(source):
            for path in (pathlib.Path(place, name) for name in names):
                with contextlib.suppress(OSError):
                    seen.append((str(path), path.stat().st_size, path.stat().st_mtime_ns))
    return hashlib.sha256(repr(sorted(map(str, seen))).encode()).hexdigest()


class _Written:
    """What this command has written last, so that nothing else is ever replaced."""

    def __init__(self, path):
        self._path, self._sums = path, {}
        with contextlib.suppress(CourseError):
            self._sums = files.read_json(path)

    def refuse_edited(self, path):
        if path.exists() and self._sums.get(path.name) != _sum(path.read_bytes()):
            raise CourseError(
                f"{path} ya existe, y no es como lo dejó esta orden: queda como está.\n"
                "Qué hacer: dale otro nombre a ese archivo, y repite la orden."
            )

    def save(self):
        files.write(self._path, files.json_text(self._sums))

    def write(self, path, text):
        content = text.encode("utf-8", "replace")  # a delivery may hold half a character
        files.write(path, content)
        self._sums[path.name] = _sum(content)
        self.save()


def _sum(content):
    return hashlib.sha256(content).hexdigest()
