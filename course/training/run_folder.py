"""The folder of a run: its settings, its history, its checkpoints; found again to go on."""

import atexit
import contextlib
import csv
import pathlib
import re

from course import files
from course.errors import CourseError

CHECKPOINT = "checkpoints/epoch_{:04d}.weights.h5"


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
    folder = pathlib.Path(s.run_dir) if s.run_dir else _default_folder(lesson, s.resume)
    if s.resume:
        _check_same_settings(folder, s)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CourseError(
            f"La carpeta {folder} no está vacía, y una corrida nunca escribe sobre otra.\n"
            "Qué hacer: para seguir con la corrida que hay en ella, agrega --resume; para empezar "
            "de nuevo, da otra --run-dir."
        )
    wanted = {"lesson": lesson, **vars(s)}
    del wanted["run_dir"], wanted["resume"]
    files.write(folder / "settings.json", files.json_text(wanted))
    (folder / "checkpoints").mkdir(exist_ok=True)
    atexit.register(_take_back, folder.absolute())
    return folder


def read_history(run):
    """Read `history.csv` of a run: one dict an epoch, counted from 1; `[]` where there is none.

    A metric that an epoch lacks (an empty cell) is NaN.

    Raises:
        CourseError: If the file is damaged.
    """
    path = pathlib.Path(run) / "history.csv"
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = reader.fieldnames or ()
            if "loss" not in names or not all(name.isprintable() for name in names):
                raise ValueError(f"su encabezado es {names!r:.60}")
            return [_epoch(row) for row in reader]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise CourseError(
            f"{path} no es la historia de un entrenamiento ({error}). Se esperaba un encabezado "
            "epoch,loss,… y una línea de números por época.\n"
            "Qué hacer: mueve ese archivo a otra parte, o entrena de nuevo con otra --run-dir, sin "
            "--resume."
        ) from error


def _epoch(row):
    """A line of the table in numbers; a cell too few or too many is a TypeError."""
    return {
        name: int(cell) if name == "epoch" else float("nan" if cell == "" else cell)
        for name, cell in row.items()
    }


def write_history(run, rows):
    """Write `history.csv`, one line an epoch."""
    lines = [",".join(rows[0]), *(",".join(repr(v) for v in row.values()) for row in rows)]
    files.write(run / "history.csv", "\n".join(lines) + "\n")


def checkpoints(run):
    """The run's whole checkpoints, `[(finished epochs, path), …]`."""
    paths = pathlib.Path(run).glob("checkpoints/epoch_*.weights.h5")
    return [(int(re.search(r"epoch_(\d+)", path.name)[1]), path) for path in paths]


def _default_folder(lesson, again):
    """`runs/<lesson>`, or the next free of its numbered successors.

    `again`: the newest of them in which an epoch is finished, else the newest.
    """
    root, taken = pathlib.Path("runs"), []
    while (folder := root / (f"{lesson}-{len(taken) + 1}" if taken else lesson)).exists():
        taken.append(folder)
    if again and taken:
        return next((run for run in reversed(taken) if checkpoints(run)), taken[-1])
    return folder


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
        raise CourseError(
            f"{error}\nQué hacer: empieza de nuevo con otra --run-dir, sin --resume."
        ) from error
    for name, value in vars(s).items():
        if name in begun and begun[name] != value:
            raise CourseError(
                f"La corrida en {folder} empezó con {name}={begun[name]}. "
                f"Llegó: {name}={value}.\n"
                "Qué hacer: para seguirla, da los mismos ajustes; para empezar de nuevo, da otra "
                "--run-dir."
            )
