"""What is on this disk, whether it is whole, and the lines that say so in datasets.yaml."""

import dataclasses
import datetime
import textwrap
from pathlib import Path

from course import catalog
from course.datasets import contents, find, mounts
from course.datasets.shelf import Shelf
from course.datasets.verify import MISSING, Verdict, digest, examine
from course.errors import CourseError


def cached(name, *, data_dir=None) -> Path | None:
    """The folder that already holds all files of a data set, or None; nobody is asked."""
    info = catalog.get(name)
    folders = [*mounts.candidates(info), Shelf(info, data_dir).folder]
    return next((folder for folder in folders if find.holds(folder, info, info.files)), None)


def check(name, *, data_dir=None) -> list[Verdict]:
    """Read every file of a data set on this disk again, and say how each one is.

    Args:
        name: a name of the catalogue.
        data_dir: as in `fetch`.

    Returns:
        One `Verdict` a file: `path`, `good`, `how` it was settled, `problem`.

    Raises:
        CourseError: nothing of the data set is here.
    """
    info = catalog.get(name)
    folder = _folder(info, data_dir)
    places = [(file, find.place(folder, file)) for file in info.files]
    return [
        examine(place, file) if place else Verdict(folder / file.path, "form", MISSING)
        for file, place in places
    ]


def record(name, *, data_dir=None) -> str:
    """The block of datasets.yaml that describes the files on this disk, as Kaggle sent them.

    It replaces the keys of the same name; everything else of the entry stays as it is.

    Args:
        name: a name of the catalogue.
        data_dir: as in `fetch`.

    Raises:
        CourseError: the data set, or a file of it, is not here. A hash that nobody saw is no hash.
    """
    import yaml

    info = catalog.get(name)
    folder = _folder(info, data_dir)
    seen = f"kaggle, {datetime.date.today().isoformat()}"
    files, notes = [], []
    for file in info.files:
        path = find.locate(folder, name, file.path)
        seen_now = {"size_bytes": path.stat().st_size, "sha256": digest(path, "sha256")}
        files.append(_plain(dataclasses.replace(file, **seen_now, seen=seen)))
        if file.content and (problem := contents.disagreement(path, file.content)):
            notes.append(f"# look at the content of {file.path}: {problem}\n")
    block = {"version": info.version, "version_seen": seen, "files": files}
    text = yaml.safe_dump(block, sort_keys=False, default_flow_style=None, width=96)
    return textwrap.indent("".join(notes) + text, "  ").rstrip()


def _plain(record):
    """A dataclass as YAML knows it: empty keys left out, lists for tuples."""
    values = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
    return {
        key: _plain(value)
        if dataclasses.is_dataclass(value)
        else list(value)
        if isinstance(value, tuple)
        else value
        for key, value in values.items()
        if value
    }


def _folder(info, data_dir):
    folder = cached(info.name, data_dir=data_dir) or Shelf(info, data_dir).folder
    if info.files and folder.is_dir():
        return folder
    raise CourseError(
        f"There is nothing of {info.title} to look at in {folder}\n"
        f"Next: python -m course data fetch {info.name}"
    )
