"""The folder of a run: its settings, its history, its checkpoints; found again to go on."""

import atexit
import contextlib
import csv
import dataclasses
import io
import os
import pathlib
import re
import shutil
import tempfile
import zipfile
from typing import Annotated

from course import files
from course.errors import CourseError
from course.files import Rule, Text
from course.training import place, processes

CHECKPOINT = "checkpoints/epoch_{:04d}.weights.h5"
FINAL = "checkpoints/final.weights.h5"  # of a fit that ended with others than the last epoch's
_current = None


def run_dir(lesson, s):
    """Make, or find again, the folder of this run and write its `settings.json`.

    Args:
        lesson: String, the lesson's name: runs live in `runs/<lesson>`, `runs/<lesson>-2`, ….
        s: The settings, with `run_dir`, `resume` and the rest. `s.resume` finds the newest run of
            the lesson again; without it the folder must be new, so that no run is overwritten.

    Returns:
        `pathlib.Path` of an existing folder.

    Raises:
        CourseError: If the folder already holds a run and `s.resume` is not set, the run to resume
            was started with other settings, or the folder cannot be written.
    """
    wanted = {"lesson": lesson, **vars(s)}
    del wanted["run_dir"]
    processes.agree("sus ajustes o versiones", **wanted, **processes.versions())
    del wanted["resume"]
    folder = _to_throw_away() if processes.which() else _chosen(lesson, s)
    _make(folder, exist_ok=True)
    if s.resume and processes.how_many() > 1:
        _share(folder)
    files.write(folder / "settings.json", files.json_text(wanted))
    _make(folder / "checkpoints", exist_ok=True)
    atexit.register(_take_back, folder.absolute())
    global _current
    _current = folder.absolute()
    return folder


def _chosen(lesson, s):
    """The folder that the settings name, or the default one; refused where it holds a run."""
    folder = pathlib.Path(s.run_dir) if s.run_dir else _default_folder(lesson, s.resume)
    if s.resume:
        _check_same_settings(folder, s)
    elif s.run_dir and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CourseError(
            f"La carpeta {folder} no está vacía, y una corrida nunca escribe sobre otra.\n"
            "Qué hacer: para seguir con la corrida que hay en ella, "
            f"{place.how_to_choose('resume')}; {anew()}."
        )
    return folder


def current():
    """The folder of the run that this process has begun last; None before any, or if it is gone."""
    return _current if _current and _current.is_dir() else None


def _to_throw_away():
    """Of several processes only the first writes the run; what the others write goes at the end."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="course-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _share(folder):
    """Bring what process 0 has trained to the other processes, which may see no disk of its own."""
    _, weights = finished(folder)
    content = {}
    if weights and not processes.which():
        paths = [folder / "training.json", folder / "history.csv", weights]
        content = {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths if p.exists()}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for name, data in content.items():
            packed.writestr(name, data)
    received = processes.from_first(archive.getvalue())
    if processes.which():
        zipfile.ZipFile(io.BytesIO(received)).extractall(folder)


def read_history(run):
    """Read `history.csv` of a run: one dict an epoch, counted from 1; `[]` where there is none.

    A metric that an epoch lacks (an empty cell) is None; NaN is what a training came to.

    Raises:
        CourseError: If the file is damaged.
    """
    rows = read_rows(run)
    names = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in names} for row in rows]


def read_rows(run):
    """As `read_history`, but a row holds only what its epoch has."""
    path = pathlib.Path(run) / "history.csv"
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            names = reader.fieldnames or ()
            if "epoch" not in names or not all(name.isprintable() for name in names):
                raise ValueError(f"su encabezado es {names!r:.60}")
            return [_epoch(row) for row in reader]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise CourseError(
            f"{path} no es la historia de un entrenamiento ({error}). Se esperaba un encabezado "
            "epoch,loss,… y una línea de números por época.\n"
            f"Qué hacer: mueve ese archivo a otra parte, o entrena de nuevo: {anew()}."
        ) from error


def _epoch(row):
    """A line of the table in numbers; a cell too few or too many is a TypeError."""
    if None in row or None in row.values():
        raise TypeError("una línea no tiene tantas celdas como el encabezado")
    return {
        name: int(cell) if name == "epoch" else float(cell)
        for name, cell in row.items()
        if cell != ""
    }


def write_history(run, rows):
    """Write `history.csv`, one line an epoch: cells by name, empty where a row has none."""
    names = dict.fromkeys(name for row in rows for name in row)
    names.pop("time_s", None)
    text = io.StringIO()
    writer = csv.DictWriter(text, [*names, "time_s"], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: repr(value) for name, value in row.items()} for row in rows)
    files.write(run / "history.csv", text.getvalue())


def read_training(run):
    """What `Checkpoint` has written of a run's training, or None where it has written nothing.

    Dict with `epochs`, how many are finished; `weights`, the file of the last of them or of what
    `fit` ended with; `wanted`, how many `fit` was asked for; `ended`, whether it came to its end;
    `trained`, how many epochs the last `fit` has trained; `network` and `batches`, fingerprints;
    `data`, a checksum of some of the examples.

    Raises:
        CourseError: If the file is damaged.
    """
    path = pathlib.Path(run) / "training.json"
    if not path.exists():
        return None
    try:
        found = files.read_json(path)
        files.build(_Training, found, path, others=True)
    except CourseError as error:
        raise CourseError(f"{error}\nQué hacer: {anew()}.") from error
    return found


@dataclasses.dataclass(frozen=True)
class _Training:
    """What the keys of training.json hold; those with a default came with later versions."""

    epochs: Annotated[int, Rule(lambda n: n >= 0, "un número entero desde 0")]
    weights: Text
    wanted: int = 0
    ended: bool = False
    trained: int = 0
    network: dict = dataclasses.field(default_factory=dict)
    batches: dict = dataclasses.field(default_factory=dict)


def write_training(run, training):
    """Write training.json, whole or not at all: a dict with what `_Training` names."""
    files.write(run / "training.json", files.json_text(training))


def finished(run):
    """`(finished epochs, file of the weights)` of a run; `(0, None)` before the first."""
    run = pathlib.Path(run)
    training = read_training(run)
    if training and (run / training["weights"]).is_file():
        return training["epochs"], run / training["weights"]
    return max(checkpoints(run), default=(0, None))  # of a version without training.json


def checkpoints(run):
    """The checkpoints that the kit has written, `[(finished epochs, path), …]`.

    Files of others beside them do not count, such as a ModelCheckpoint's epoch_03.weights.h5.
    """
    paths = pathlib.Path(run).glob("checkpoints/epoch_*.weights.h5")
    names = [(re.fullmatch(r"epoch_(\d{4,})\.weights\.h5", path.name), path) for path in paths]
    return [(int(name[1]), path) for name, path in names if name]


def anew():
    """What to do for a new run, in words for where this is read: a notebook or a terminal."""
    if not place.in_notebook():
        return "para una corrida nueva, repite lo mismo sin --resume y con una --run-dir nueva"
    given = [name for name in ("COURSE_RESUME", "COURSE_RUN_DIR") if name in os.environ]
    before = "".join(f"en una celda escribe {place.how_to_unset(name)}, " for name in given)
    return f"para una corrida nueva, {before}ejecuta otra vez la celda «Ajustes» y las que siguen"


def _default_folder(lesson, again):
    """`runs/<lesson>`, or the next free of its numbered successors, which is made.

    `again`: the newest of them in which an epoch is finished, else the newest.
    """
    root, taken = pathlib.Path("runs"), []
    while True:
        folder = root / (f"{lesson}-{len(taken) + 1}" if taken else lesson)
        if again and taken and not folder.exists():
            return next((run for run in reversed(taken) if finished(run)[0]), taken[-1])
        if not folder.exists():
            with contextlib.suppress(FileExistsError):  # another process was quicker
                _make(folder)
                return folder
        taken.append(folder)


def _make(folder, exist_ok=False):
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(exist_ok=exist_ok)
    except OSError as error:
        if isinstance(error, FileExistsError) and folder.is_dir():
            raise
        why = str(files.cannot_write(folder, error)).partition("\n")[0]
        raise CourseError(
            f"{why}\nQué hacer: {place.how_to_choose('run_dir', 'CARPETA')}, una en la que puedas "
            "escribir."
        ) from error


def _take_back(folder):
    """Remove a run in which nothing came about, say for a typo in the name of the source.

    Otherwise the same command, corrected, would meet a folder that is not empty, and `--resume`
    would find a run without an epoch before the one that has some.
    """
    made = [folder / "checkpoints", folder / "settings.json"]
    with contextlib.suppress(OSError):
        if sorted(folder.iterdir()) == made and not any(made[0].iterdir()):
            made[0].rmdir()
            made[1].unlink()
            folder.rmdir()


def _check_same_settings(folder, s):
    path = folder / "settings.json"
    if not path.exists():
        print(f"En {folder} no hay una corrida con la que seguir: se empieza de nuevo.")
        return
    try:
        begun = files.read_json(path)
    except CourseError as error:
        raise CourseError(f"{error}\nQué hacer: {anew()}.") from error
    for name, value in vars(s).items():
        if name in begun and begun[name] != value:
            raise CourseError(
                f"La corrida en {folder} empezó con {name}={begun[name]}. "
                f"Llegó: {name}={value}.\n"
                f"Qué hacer: para seguirla, da los mismos ajustes; {anew()}."
            )
