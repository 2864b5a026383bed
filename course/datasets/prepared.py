"""One prepared case on the disk: whole or not there, and opened piece by piece."""

import contextlib
import functools
import json
import mmap
import os
import pathlib
import shutil
import tempfile
import time
from dataclasses import dataclass

import numpy as np

from course.errors import CourseError

ARRAYS = ("image", "regions", "centers")
UNFINISHED = ".unfinished"
_FILES = {"case.json", *(f"{name}.npy" for name in ARRAYS)}
_ABANDONED_S = 600  # a case takes seconds; another process may be at work on a younger one


@dataclass(frozen=True)
class Prepared:
    """One prepared case. Each look at an array opens its file anew, and reads what is indexed.

    Nothing stays open: a thousand cases would be more files, and in the end more memory, than a
    process may have.

    Attributes:
        name: The case's name.
        edition: What its labels meant.
        modalities: Tuple of strings, the channels of `image`.
        box: The brain in the whole case, `((start, stop), …)` along D, H and W.
        shape: Of the whole case, `(D, H, W)`.
        spacing_mm: Along D, H and W.
        folder: Where its files are.
    """

    name: str
    edition: str
    modalities: tuple
    box: tuple
    shape: tuple
    spacing_mm: tuple
    folder: pathlib.Path

    @property
    def image(self):
        """Memory map `(d, h, w, C)` float16: the brain's box, as `brats.normalize` makes it."""
        return _open(self.folder, "image")

    @property
    def regions(self):
        """Memory map `(d, h, w, 3)` uint8: WT, TC and ET."""
        return _open(self.folder, "regions")

    @property
    def centers(self):
        """Memory map `(4, n, 3)` int16: random voxels of the brain, WT, TC and ET, to look at.

        They are drawn with repetition. Where a region is empty they are those of the next larger
        one, in a case without any tumour those of the brain.
        """
        return _open(self.folder, "centers")


def read_ahead(array, low, high):
    """Ask the disk for just the rows of a block, all at once, before they are looked at.

    On its own the system would fetch what lies around each page that is missed: up to 8 MB for
    every slice, where the disk is set up for long files. Windows takes no such advice.

    Args:
        array: One of a `Prepared` case's; nothing is to be done for one that is in memory.
        low, high: Where the block begins and ends along the first two axes.
    """
    if isinstance(array, np.memmap) and hasattr(mmap, "MADV_WILLNEED"):
        for first, length in _stretches(array, low, high):
            before = first % mmap.PAGESIZE  # advice is taken for whole pages
            array.base.madvise(mmap.MADV_WILLNEED, first - before, before + length)


def fingerprint(case, version):
    """What a case is prepared from, in a form that JSON gives back unchanged.

    Raises:
        CourseError: If one of its files cannot be looked at.
    """
    files = {**case.images, "mask": case.mask, "brain": case.brain}
    try:
        seen = {key: _seen(path) for key, path in files.items() if path is not None}
    except OSError as error:
        raise CourseError(f"{case.name}: {error.filename}: {error.strerror}.") from error
    return {"format": version, "edition": case.edition, "files": seen}


def read(folder, source):
    """The prepared case in a folder; None where there is none, or another or a damaged one.

    Raises:
        CourseError: If the folder holds anything else: nobody's files are to be replaced.
    """
    if folder.exists() and (not folder.is_dir() or set(os.listdir(folder)) - _FILES):
        raise CourseError(
            f"{folder.name}: {folder} holds files that are no prepared case. Expected a folder "
            "for the prepared cases alone, not that of the cases themselves."
        )
    try:
        found = json.loads((folder / "case.json").read_text(encoding="utf-8"))
        if found.pop("source") != source:
            return None
        arrays = found.pop("arrays")
        for name in ARRAYS:  # a file that was cut off is shorter than its header says: ValueError
            array = _open(folder, name)
            if [array.dtype.str, list(array.shape)] != arrays[name]:
                return None
        return Prepared(**{key: _tuples(value) for key, value in found.items()}, folder=folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        return None


def write(record, arrays, source):
    """Write a prepared case under another name, and rename it when it is whole.

    Raises:
        OSError: If it cannot be written. Nothing of it is left then.
    """
    told = {key: value for key, value in vars(record).items() if key != "folder"}
    told["source"] = source
    told["arrays"] = {name: [array.dtype.str, array.shape] for name, array in arrays.items()}
    with _whole_or_not(record.folder) as unfinished:
        for name in ARRAYS:
            np.save(unfinished / f"{name}.npy", arrays[name])
        text = json.dumps(told, indent=1, ensure_ascii=False)
        (unfinished / "case.json").write_text(text + "\n", encoding="utf-8")
    return record


def sweep(folder):
    """Take away what killed processes left unfinished."""
    for unfinished in folder.glob(f"*{UNFINISHED}"):
        with contextlib.suppress(FileNotFoundError):  # its owner may be finishing it
            if time.time() - unfinished.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(unfinished, ignore_errors=True)


@contextlib.contextmanager
def _whole_or_not(folder):
    """A new folder to write into, which takes its name only after everything went well."""
    unfinished = pathlib.Path(tempfile.mkdtemp(UNFINISHED, f"{folder.name}.", folder.parent))
    try:
        yield unfinished
        unfinished.chmod(0o755)  # mkdtemp's own mode is for secrets
        if folder.exists():
            for name in _FILES:
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()
        os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _seen(path):
    status = os.stat(path)
    return [os.path.abspath(path), status.st_size, status.st_mtime_ns]


def _open(folder, name):
    # given a Path, NumPy looks up each folder above it: three times as long
    path = os.path.join(folder, f"{name}.npy")
    return np.memmap(path, mode="r", **_layout(*_seen(path)))


@functools.lru_cache(maxsize=4096)  # three files a case
def _layout(path, size_bytes, modified_ns):
    """What a file's header says: to read it takes three times as long as to open the file.

    A file that was written anew is another one, by its size or its time.
    """
    array = np.load(path, mmap_mode="r")
    order = "C" if array.flags.c_contiguous else "F"
    return {"dtype": array.dtype, "shape": array.shape, "offset": array.offset, "order": order}


def _stretches(array, low, high):
    """Where the rows of a block lie in their file: `(first byte, bytes)` for each plane."""
    plane, row = array.strides[:2]
    for index in range(low[0], high[0]):
        yield int(array.offset + index * plane + low[1] * row), int((high[1] - low[1]) * row)


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
