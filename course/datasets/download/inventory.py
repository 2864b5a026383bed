"""What is on this disk, whether it is whole, and the lines that say so in datasets.yaml."""

import dataclasses
import datetime
import pathlib
import textwrap

from course.datasets import catalog
from course.datasets.catalog import Content, FileInfo
from course.datasets.download import cache
from course.datasets.download.cache import holds, place
from course.datasets.download.fetch import locate
from course.datasets.download.verify import MISSING, FileState, disagreement, examine, sha256_of
from course.errors import CourseError


def cached(name, *, data_dir=None) -> pathlib.Path | None:
    """The folder that already holds all files of a data set, or None; nobody is asked."""
    return _whole(catalog.get(name), data_dir)


def check(name, *, data_dir=None) -> list[FileState]:
    """Read every file of a data set on this disk again, and say how each one is.

    Raises:
        CourseError: Nothing of the data set is here.
    """
    info = catalog.get(name)
    folder = _folder(info, data_dir)
    places = [(file, place(folder, file)) for file in info.files or _scans(info, folder)]
    return [
        examine(path, file, content_of) if path else FileState(folder / file.path, "forma", MISSING)
        for file, path in places
    ]


def record(name, *, data_dir=None) -> str:
    """The block of datasets.yaml that describes the files on this disk, as Kaggle sent them.

    It replaces the keys of the same name; everything else of the entry stays as it is.

    Raises:
        CourseError: A file is not here (a hash that nobody saw is no hash), or the data set's cases
            are too many to list.
    """
    import yaml

    info = catalog.get(name)
    folder = _folder(info, data_dir)
    if not info.files:
        raise CourseError(
            f"datasets.yaml no enumera los archivos de {info.title}: sus casos son demasiados, y "
            "cada uno se comprueba por su cabecera.\n"
            f"Qué hacer: python -m course data verify {name}"
        )
    seen = f"kaggle, {datetime.date.today().isoformat()}"
    entries, notes = [], []
    for file in info.files:
        path = place(folder, file) or locate(folder, info, file)
        seen_now = {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
        entry = dataclasses.replace(file, **seen_now, seen=seen)
        entries.append(dataclasses.asdict(entry, dict_factory=_without_empty))
        if file.content and (problem := disagreement(path, file, content_of)):
            notes.append(f"# revisa content de {file.path}: {problem}\n")
    block = {"version": info.version, "version_seen": seen, "files": entries}
    text = yaml.safe_dump(block, sort_keys=False, default_flow_style=None, width=96)
    return textwrap.indent("".join(notes) + text, "  ").rstrip()


def content_of(path, file) -> Content:
    """What a file holds, by the reader of its kind, which is imported only now."""
    from course.datasets import california, mnist, sign_mnist
    from course.datasets.brats import fetch as brats

    readers = {"idx": mnist, "sign": sign_mnist, "housing": california}
    return readers.get(file.content.kind, brats).content_of(path, file)


def _scans(info, folder):
    """The NIfTI files of the cases that are here, where the catalogue lists none (BraTS)."""
    paths = sorted(folder.glob(f"{info.cases}/*.nii*"))
    return [FileInfo(p.relative_to(folder).as_posix(), content=Content("nifti")) for p in paths]


def _without_empty(pairs):
    return {key: value for key, value in pairs if value}


def _whole(info, data_dir):
    mounted = next(cache.mounted_copies(info, info.files), None)
    kept = cache.Cache(info, data_dir).folder
    return mounted or (kept if holds(kept, info, info.files) else None)


def _folder(info, data_dir):
    folder = _whole(info, data_dir) or cache.Cache(info, data_dir).folder
    if folder.is_dir() and (info.files or holds(folder, info, info.files)):
        return folder
    raise CourseError(
        f"No hay nada de {info.title} en {folder}\n"
        f"Qué hacer: python -m course data fetch {info.name}"
    )
