"""Bring home what a kernel has written: every page, every byte, or nothing at all."""

import json
import os
import shutil
from pathlib import Path, PurePosixPath

from course.errors import CourseError
from course.kaggle import transfer
from course.kaggle.verdict import page

_ASIDE = "kaggle"  # within a run's folder: the log, and whatever else the kernel wrote


def bring_home(client, kernel, folder) -> Path:
    """Download a kernel's output; a run in it lies in `folder` as a local one would.

    Everything arrives beside `folder` first and is put there when it is whole. A folder that is
    there already is never written into: it is moved aside to a free name, `folder-1`, ….

    Args:
        client: a `course.kaggle.client.Client`.
        kernel: "owner/slug".
        folder: where to; if the output holds one run (a card.json), its files stand there directly
            and the rest, the log included, in `folder/kaggle/`.

    Returns:
        `folder`.

    Raises:
        CourseError: there is no output, a file could not be had whole, or the disk refuses.
    """
    shown, folder = folder, Path(folder).absolute()
    files, log = client.output(kernel)
    if not files and not log:
        raise CourseError(
            f"{kernel} has left no file and no log.\nNext: look whether it has ended well: "
            f"{page(kernel)}"
        )
    part = folder.parent / f".{folder.name}.part-{os.getpid()}"
    try:
        shutil.rmtree(part, ignore_errors=True)  # of a process with our number that was killed
        part.mkdir(parents=True)
        for name, address in dict(files).items():
            problem = transfer.fetch(address, part / _safe(name, kernel))
            if problem:
                raise CourseError(
                    f"{name} did not arrive: {problem}. Nothing was kept, and nothing that was "
                    f"there is changed.\nNext: python -m course kernels output {client.taller}; "
                    f"if that fails again, look under Output at {page(kernel)}"
                )
        if log:
            (part / _ASIDE).mkdir(exist_ok=True)
            (part / _ASIDE / "kernel.log").write_text(plain(log), encoding="utf-8")
        _run_to_the_top(part)
        aside = _put(part, folder)
    except OSError as error:
        raise CourseError(
            f"The output of {kernel} cannot be written to {shown} ({error.strerror or error}). "
            "Nothing there was changed.\nNext: free space or rights there, then: "
            f"python -m course kernels output {client.taller}; or another folder with -o DIR"
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(_beside(part), ignore_errors=True)
    if aside:
        print(f"{shown} was there already; it is now {Path(shown).with_name(aside.name)}.")
    return Path(shown)


def plain(log) -> str:
    """A kernel's log as text; Kaggle keeps it as a JSON list of pieces.

    >>> plain('[{"stream_name": "stdout", "time": 1.5, "data": "epoch 1"}]')
    'epoch 1'
    """
    try:
        return "".join(piece["data"] for piece in json.loads(log))
    except (ValueError, LookupError, TypeError):
        return log


def _safe(name, kernel):
    """The name of a file as a path that stays below the folder it is put in."""
    path = PurePosixPath(name or "")
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise CourseError(
            f"The output of {kernel} names a file that cannot be kept: {name!r:.80}. Nothing was "
            f"changed.\nNext: look at it at {page(kernel)}"
        )
    return path


def _run_to_the_top(part):
    """The one run in the output to the top, all else aside; no run or several: all as it is."""
    cards = sorted(part.rglob("card.json"))
    if len(cards) != 1 or cards[0].parent == part:
        return
    run = _beside(part)
    cards[0].parent.rename(run)
    if (run / _ASIDE).exists():  # the name is ours; the run's own goes with the rest
        (run / _ASIDE).rename(part / f"{_ASIDE}-of-the-run")
    rest = [child for child in part.iterdir() if child.name != _ASIDE and _has_files(child)]
    for child in rest:
        (part / _ASIDE).mkdir(exist_ok=True)
        child.rename(part / _ASIDE / child.name)
    if (part / _ASIDE).exists():
        (part / _ASIDE).rename(run / _ASIDE)
    shutil.rmtree(part)
    run.rename(part)


def _beside(part):
    return part.with_name(part.name + "-run")


def _has_files(path):
    return path.is_file() or any(child.is_file() for child in path.rglob("*"))


def _put(part, folder):
    """Give the finished folder its name; returns where what had that name has moved, or None."""
    if folder.is_dir() and not any(folder.iterdir()):
        for child in part.iterdir():
            child.rename(folder / child.name)
        return None
    aside = None
    if folder.exists() or folder.is_symlink():
        number = 1
        while (aside := folder.with_name(f"{folder.name}-{number}")).exists():
            number += 1
        folder.rename(aside)
    part.rename(folder)
    return aside
