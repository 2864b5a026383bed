"""What is on this disk, whether it is whole, and the lines that say so in datasets.yaml."""

import dataclasses
import datetime
import textwrap
from pathlib import Path

from course.datasets import catalog
from course.datasets.catalog import Content, FileInfo
from course.datasets.download import contents, find, mounts
from course.datasets.download.cache import Shelf
from course.datasets.download.verify import MISSING, Verdict, digest, examine
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
    places = [(file, find.place(folder, file)) for file in info.files or _scans(info, folder)]
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
            Or it is one whose cases are too many to list.
    """
    import yaml

    info = catalog.get(name)
    folder = _folder(info, data_dir)
    if not info.files:
        raise CourseError(
            f"datasets.yaml lists no files of {info.title}: its cases are too many, and each is "
            f"checked by its header.\nNext: python -m course data verify {name}"
        )
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


def _scans(info, folder):
    """The NIfTI files of the cases that are here, where the catalogue lists none (BraTS)."""
    paths = sorted(folder.glob(f"{info.cases}/*.nii*"))
    return [FileInfo(p.relative_to(folder).as_posix(), content=Content("nifti")) for p in paths]


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
    if folder.is_dir() and (info.files or find.holds(folder, info, info.files)):
        return folder
    raise CourseError(
        f"There is nothing of {info.title} to look at in {folder}\n"
        f"Next: python -m course data fetch {info.name}"
    )
