"""The folder of a run: its settings, its history, its checkpoints; found again to go on."""

import atexit
import contextlib
import csv
import json
import os
import pathlib
import re

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
        CourseError: If the folder already holds a run and `s.resume` is not set, or the run to
            resume was started with other settings.
    """
    folder = pathlib.Path(s.run_dir) if s.run_dir else _default_folder(lesson, s.resume)
    if s.resume:
        _check_same_settings(folder, s)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CourseError(
            f"The folder {folder} is not empty, and a run never overwrites another.\n"
            "To go on with the run that is there, add --resume. To start anew, give another "
            "--run-dir."
        )
    wanted = {"lesson": lesson, **vars(s)}
    del wanted["run_dir"], wanted["resume"]
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    _write(folder / "settings.json", json.dumps(wanted, indent=2, ensure_ascii=False) + "\n")
    atexit.register(_take_back, folder.absolute())
    return folder


def read_history(run):
    """Read `history.csv` of a run: one dict an epoch, counted from 1; `[]` where there is none.

    Raises:
        CourseError: If the file is damaged.
    """
    path = pathlib.Path(run) / "history.csv"
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [{k: int(v) if k == "epoch" else float(v) for k, v in row.items()} for row in rows]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise CourseError(
            f"{path} is no history of a training: {error}\n"
            "Expected a header (epoch,loss,…) and a line of numbers per epoch. "
            "Start anew in another --run-dir, without --resume."
        ) from error


def write_history(run, rows):
    lines = [",".join(rows[0]), *(",".join(repr(v) for v in row.values()) for row in rows)]
    _write(run / "history.csv", "\n".join(lines) + "\n")


def _write(path, text):
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


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
        print(f"There is no run in {folder} to go on with: starting anew.")
        return
    try:
        begun = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CourseError(
            f"{path} cannot be read: {error}\nExpected the settings that the run began with. "
            "Start anew in another --run-dir, without --resume."
        ) from error
    for name, value in vars(s).items():
        if name in begun and begun[name] != value:
            raise CourseError(
                f"The run in {folder} was started with {name}={begun[name]}. "
                f"Received: {name}={value}.\n"
                "Give the same settings to resume it, or another --run-dir to start anew."
            )
