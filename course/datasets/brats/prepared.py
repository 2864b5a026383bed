"""Each BraTS case prepared once, as arrays that training reads piece by piece from the disk.

store = prepare(cases)
batches = Slices(store, batch_size=8)            # course.datasets.brats.batches
"""

import collections
import collections.abc
import contextlib
import errno
import functools
import hashlib
import json
import mmap
import os
import pathlib
import shutil
import tempfile
import time
import warnings
from dataclasses import dataclass

import numpy as np

from course import regions
from course.datasets import catalog
from course.datasets.brats.case import told_of
from course.datasets.brats.read import load_brain, load_case, normalize
from course.datasets.download.cache import Shelf
from course.errors import CourseError

_FORMAT = 1  # to be raised whenever what is written changes: older cases are then prepared again
_CENTERS = 1024  # voxels remembered of the brain and of each region
ARRAYS = ("image", "regions", "centers")
UNFINISHED = ".unfinished"
_FILES = {"case.json", *(f"{name}.npy" for name in ARRAYS)}
_ABANDONED_S = 600  # a case takes seconds; another process may be at work on a younger one


def prepare(cases, folder=None):
    """Crop each case to its brain, normalise it, and write it so that parts of it can be read.

    A case that is prepared already costs only a look at its files. It is prepared again when one
    of them has changed, when what was written is damaged, or after the kit changed its format.
    A case is whole on the disk or not there: whoever kills this loses at most the case in hand.

    Args:
        cases: Iterable of `brats.Case` with masks and the same modalities.
        folder: Where to; a case takes about 40 MB. Cases that are there and were not asked for
            stay. None means a folder for these modalities beside kagglehub's downloads.

    Returns:
        `Store` of the cases in their order, without those that cannot be used: one warning names
        them all, and so does `store.problems`.

    Raises:
        CourseError: If no case can be used, or the folder cannot be written: a full disk, say.
    """
    from tqdm import tqdm

    cases = list(cases)
    folder = pathlib.Path(folder or _beside_downloads(cases)).expanduser()
    _ready(folder)
    usual = collections.Counter(case.modalities for case in cases).most_common(1)
    prepared, problems = {}, []
    for case in tqdm(cases, desc="preparing", unit="case", delay=1, leave=False):
        try:
            _check(case, usual[0][0], prepared)
            source = fingerprint(case, _FORMAT)
            record = read(folder / case.name, source) or _prepare(case, folder / case.name, source)
        except CourseError as error:
            problems.append(str(error))
        except OSError as error:
            raise _letter(error, folder, f"{len(prepared)} of {len(cases)} cases") from error
        else:
            prepared[case.name] = record
    if not prepared:
        told = f"\n{told_of(problems)}" if problems else " The list of cases is empty."
        raise CourseError(f"No case can be prepared for training.{told}")
    if problems:
        warnings.warn(
            f"{len(problems)} of {len(cases)} cases are left out.\n{told_of(problems)}",
            UserWarning,
            stacklevel=2,
        )
    return Store(prepared.values(), problems)


class Store(collections.abc.Sequence):
    """Prepared cases, and the letters about those that are not (`problems`, strings)."""

    def __init__(self, cases, problems=()):
        self.cases, self.problems = list(cases), list(problems)

    def __len__(self):
        return len(self.cases)

    def __getitem__(self, index):
        return Store(self.cases[index]) if isinstance(index, slice) else self.cases[index]

    @property
    def modalities(self):
        """Tuple of strings, the channels of every case."""
        return self.cases[0].modalities


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


def _beside_downloads(cases):
    """A folder of its own for each place of cases: the made-up ones are named as the real ones."""
    places = {str(path.parent.parent) for case in cases for path in case.images.values()}
    told = sorted(places), sorted({case.modalities for case in cases})
    digest = hashlib.sha256(repr(told).encode()).hexdigest()[:12]
    return Shelf(catalog.get("brats2020")).cache / "prepared" / digest


def _check(case, modalities, prepared):
    if case.mask is None:
        raise CourseError(f"{case.name}: it has no mask, so there is nothing to learn from it.")
    if case.modalities != modalities:
        raise CourseError(
            f"{case.name}: expected {', '.join(modalities)}, as most cases have. "
            f"Received: {', '.join(case.modalities)}. Find the cases again with modalities=… to "
            "use those that all of them have."
        )
    if case.name in prepared:
        raise CourseError(f"{case.name}: another case has this name, and it was prepared first.")
    if case.name in ("", "..") or pathlib.PurePath(case.name).name != case.name:
        raise CourseError(f"{case.name}: expected a name that can be a folder's.")


def _prepare(case, folder, source):
    """Prepare one case; an OSError means that it could not be written."""
    image, labels = load_case(case)
    brain = load_brain(case, image)
    if not brain.any():
        raise CourseError(f"{case.name}: expected a brain. Received: images that are 0 everywhere.")
    box = tuple(_extent(brain, axis) for axis in range(3))
    cut = tuple(slice(*ends) for ends in box)
    image = normalize(image, brain)[cut].astype("float16")
    masks = regions.to_regions(labels[cut], case.edition)
    arrays = {"image": image, "regions": masks, "centers": _centers(brain[cut], masks)}
    spacing_mm = tuple(map(float, case.spacing_mm))
    record = Prepared(
        case.name, case.edition, case.modalities, box, brain.shape, spacing_mm, folder
    )
    return write(record, arrays, source)


def _extent(brain, axis):
    occupied = np.flatnonzero(brain.any(tuple({0, 1, 2} - {axis})))
    return int(occupied[0]), int(occupied[-1]) + 1


def _centers(brain, masks):
    rng, rows = np.random.default_rng(0), []
    for mask in (brain, *np.moveaxis(masks, -1, 0)):
        voxels = np.flatnonzero(mask)
        if len(voxels):
            chosen = voxels[rng.integers(len(voxels), size=_CENTERS)]
            rows.append(np.stack(np.unravel_index(chosen, brain.shape), axis=1))
        else:
            rows.append(rows[-1])
    return np.array(rows, "int16")


def _ready(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
    except OSError as error:
        raise _letter(error, folder, "No case") from error


def _letter(error, folder, ready):
    # array.tofile names no errno: only how much of the array found no room
    if error.errno in (errno.ENOSPC, errno.EDQUOT, None):
        free_mb = shutil.disk_usage(folder).free / 1e6
        reason = f"the disk is full. Its last {free_mb:.0f} MB were too few for the next case"
        ways = "make room, or use fewer cases"
    else:
        reason, ways = error.strerror, "name a folder that you may write to"
    return CourseError(
        f"The prepared cases cannot be written to {folder}: {reason}.\n"
        f"{ready} are ready. Next: {ways}, and start again: what is ready stays."
    )


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
