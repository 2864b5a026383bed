"""Which files a data set has, and where each one lies in a folder, under any of its names."""

import re
from pathlib import Path

from course.datasets import catalog
from course.datasets.catalog import Content, DatasetInfo, FileInfo
from course.errors import CourseError


def locate(folder, name, path) -> Path:
    """Where a file of a data set lies in a folder: as named, dashed, nested or with .gz.

    Args:
        folder: what `fetch` returned, or a copy of your own.
        name: a name of the catalogue.
        path: the file's path in the catalogue, such as "train-images.idx3-ubyte".

    Raises:
        CourseError: it is not there; the text lists what was expected and what was found.
    """
    info, folder = catalog.get(name), Path(folder).expanduser()
    (file,) = wanted(info, [path])
    found = place(folder, file)
    if found:
        return found
    raise CourseError(
        f"{folder} does not hold {file.path} of {info.title}.\n"
        f"Expected one of: {', '.join(file.places)}.\n"
        f"Found: {_listing(folder)}.\n"
        f"Next: name the folder that holds it, or download it from {info.homepage} and unzip it."
    )


def own_folder(info: DatasetInfo, source, files) -> Path:
    """A student's folder that holds these files; what is in them, its reader checks."""
    if str(source) in ("sample", "tfds"):
        raise CourseError(f'source "{source}" has no files to fetch. Expected: kaggle or a folder.')
    folder = Path(source).expanduser()
    if not folder.is_dir():
        raise CourseError(
            f"source: expected kaggle, or a folder that holds {info.title}. Received: {source}\n"
            "There is no such folder."
        )
    for file in files:
        locate(folder, info.name, file.path)
    return folder


def wanted(info: DatasetInfo, files) -> tuple[FileInfo, ...]:
    """The records of the files asked for by any of their names; None asks for all."""
    if files is None:
        return info.files
    if isinstance(files, str) or not files:
        raise CourseError(f"files: expected a list of file names. Received: {files!r}")
    return tuple(_record(info, str(path)) for path in files)


def place(folder, file) -> Path | None:
    """The first of a file's places that is there."""
    return next((folder / p for p in file.places if (folder / p).is_file()), None)


def holds(folder, info, files) -> bool:
    """Are all these files there? Where none are listed (BraTS), is there any case?"""
    if files:
        return all(place(folder, file) for file in files)
    return any(folder.glob(info.cases))


def _record(info, path):
    for file in info.files:
        if path in file.places:
            return file
    leaves = re.search(r"^/|\\|(^|/)\.\.(/|$)", path)
    if info.cases and not leaves:  # the cases of BraTS are too many to list
        nifti = path.endswith((".nii", ".nii.gz"))
        return FileInfo(path, content=Content("nifti") if nifti else None)
    known = ", ".join(file.path for file in info.files)
    raise CourseError(f"{info.title} has no file {path!r}.\nExpected: {known or info.cases}.")


def _listing(folder, most=12):
    if not folder.is_dir():
        return "no such folder"
    paths = [*folder.glob("*"), *folder.glob("*/*")]
    names = [str(path.relative_to(folder)) for path in paths[:most]]
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(sorted(names)) + more if names else "nothing, it is empty"
