"""Picture files shrunk once into one array on the disk, from which training reads its rows."""

import functools
import hashlib
import os
import pathlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from course import files
from course.datasets.download import cache
from course.datasets.masks import fit_mask, read_mask
from course.datasets.pictures import fit_square, read_for_square
from course.errors import CourseError

_FORMAT = 2  # to be raised whenever a picture comes out otherwise: all are then shrunk again
_BLOCK = 256  # pictures; whoever stops this loses at most so many


def shrink(paths, size, *, color=False, mask_values=None, folder=None):
    """Bring each picture to `size`×`size` pixels and keep them all on the disk as one array.

    A picture is shrunk until it fits, with its aspect kept, and centred on black. The work is done
    once for the same files (place, size and time of change); what was stopped goes on where it was.

    Args:
        paths: Of picture files, in the order of the rows.
        size: Integer, the side in pixels.
        color: Three channels in place of one grey.
        mask_values: Sorted integers: the files are masks with these values, each of which is
            numbered by its place, by the nearest pixel.
        folder: Where to keep the array; None means a folder beside kagglehub's downloads.

    Returns:
        `(images, faults)`: a memory map, uint8 `(n, size, size)` or `(n, size, size, 3)`, and a
        dict of the error messages of those that cannot be read, by their row, which is black.

    Raises:
        CourseError: The folder cannot be written: a full disk, say. What is done stays.
    """
    paths = [pathlib.Path(path).absolute() for path in paths]
    how = (size, color, mask_values)
    home = pathlib.Path(folder or cache.root() / "prepared" / _digest(paths, *how))
    array, progress = home / "images.npy", home / "progress.json"
    if not array.is_file():
        try:
            _fill(home, paths, *how, progress)
            os.replace(home / "unfinished.npy", array)
        except OSError as error:
            if not array.is_file():  # unless another process was quicker
                raise files.cannot_write(array, error) from error
    faults = files.read_json(progress)["faults"]
    return np.load(array, mmap_mode="r"), {int(row): why for row, why in faults.items()}


def _digest(paths, size, color, mask_values):
    """A name for these files at this size; one that is not there has no time."""
    seen = [_FORMAT, size, color, mask_values]
    for path in paths:
        status = path.stat() if path.exists() else None
        seen.append([str(path), status and (status.st_size, status.st_mtime_ns)])
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:12]


def _fill(home, paths, size, color, mask_values, progress):
    """Append the rows that are lacking to unfinished.npy; after each block say how many it has.

    Written as a file: where a disk is full, a memory map would end the process without a word.
    """
    from tqdm import tqdm

    home.mkdir(parents=True, exist_ok=True)
    picture = (size, size, 3) if color else (size, size)
    read = functools.partial(_read, size=size, color=color, mask_values=mask_values)
    known = files.read_json(progress) if progress.is_file() else {"rows": 0, "faults": {}}
    rows, faults = known["rows"], known["faults"]
    bar = tqdm(
        total=len(paths), initial=rows, desc="preparando", unit="imagen", delay=1, leave=False
    )
    with (
        open(home / "unfinished.npy", "r+b" if rows else "w+b") as file,
        ThreadPoolExecutor(os.cpu_count()) as pool,  # Pillow decodes outside Python's lock
        bar,
    ):
        about = {"descr": "|u1", "fortran_order": False, "shape": (len(paths), *picture)}
        np.lib.format.write_array_header_1_0(file, about)
        file.seek(rows * int(np.prod(picture)), os.SEEK_CUR)
        for start in range(rows, len(paths), _BLOCK):
            block = list(pool.map(read, paths[start : start + _BLOCK]))
            for row, found in enumerate(block, start):
                if isinstance(found, CourseError):
                    faults[str(row)] = str(found)
                    found = np.zeros(picture, "uint8")
                file.write(found.tobytes())
            file.flush()
            rows = start + len(block)
            files.write(progress, files.json_text({"rows": rows, "faults": faults}))
            bar.update(len(block))


def _read(path, size, color, mask_values):
    """The picture or mask, or the error that says why there is none."""
    try:
        if mask_values is not None:
            return fit_mask(read_mask(path), size, mask_values)
        return fit_square(read_for_square(path, size, color), size)
    except CourseError as error:
        return error
