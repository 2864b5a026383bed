"""Each BraTS case prepared once, as arrays that training reads piece by piece from the disk.

store = prepare(cases)
batches = Slices(store, batch_size=8)            # course.datasets.brats.batches
"""

import collections
import collections.abc
import contextlib
import functools
import hashlib
import mmap
import os
import pathlib
import shutil
import time
from dataclasses import dataclass

import numpy as np

from course import files, regions
from course.datasets.brats import nifti
from course.datasets.brats.case import leave_out
from course.datasets.brats.read import (
    load_brain,
    load_case,
    normalize,
    outside_brain,
    warn_outside,
)
from course.datasets.download import cache
from course.errors import CourseError
from course.metrics.volumes import bounding_box
from course.spanish import count

_FORMAT = 1  # to be raised whenever what is written changes: older cases are then prepared again
_CENTERS = 1024  # voxels remembered of the brain and of each region
_ARRAYS = ("image", "regions", "centers")
_FILES = {"case.json", *(f"{name}.npy" for name in _ARRAYS)}
_ABANDONED_S = 600  # a case takes seconds; another process may be at work on a younger one


def prepare(cases, folder=None):
    """Crop each case to its brain, normalise it, and write it so that parts of it can be read.

    A case that is prepared already costs only a glance at its files. It is prepared again when what
    one of them holds has changed, when what was written is damaged, or after the kit changed its
    format. A file whose place, size, times and inode are the same is not read for that: one that
    was replaced and given the old time is noticed.
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
    if not cases:
        raise CourseError(
            "No hay nada que preparar: la lista de casos está vacía.\n"
            "Qué hacer: revisa la carpeta en que los buscaste, y cuántos apartaste para la prueba."
        )
    folder = pathlib.Path(folder or _beside_downloads(cases)).expanduser()
    _sweep(folder)
    usual = collections.Counter(case.modalities for case in cases).most_common(1)[0][0]
    prepared, problems, outside = {}, [], {}
    for case in tqdm(cases, desc="preparando", unit="caso", delay=1, leave=False):
        try:
            _check_usable(case, usual, prepared)
            source = _fingerprint(case)
            record, arrays = read(folder / case.name, source), None
            if record is None:
                source["content"] = _content(case, source)
                record, arrays = _prepared(case, folder / case.name)
        except CourseError as error:
            problems.append(str(error))
            continue
        if arrays:
            try:
                write(record, arrays, source)
            except CourseError as error:
                ready = f"{len(prepared)} de {count(len(cases), 'caso', 'casos')}"
                raise CourseError(f"{error}\nPreparados, y se quedan: {ready}.") from error
            del arrays  # before the next case is read
        prepared[case.name] = record
        outside[case.name] = record.mask_outside
    warn_outside(outside)
    leave_out(problems, len(cases), "preparar")
    return Store(prepared.values(), problems)


class Store(collections.abc.Sequence):
    """Prepared cases; `problems` holds an error message for each case that is not among them."""

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
    """One prepared case. Each access to an array opens its file anew, and reads what is indexed.

    Nothing stays open: a thousand cases would be more files, and in the end more memory, than a
    process may have.
    """

    name: str
    edition: str  # what its labels meant
    modalities: tuple  # the channels of `image`
    box: tuple  # the brain in the whole case, ((start, stop), …) along D, H and W
    shape: tuple  # of the whole case, (D, H, W)
    spacing_mm: tuple  # along D, H and W
    folder: pathlib.Path
    mask_outside: float = 0.0  # share of the tumour that is not in the brain, 0 to 1

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
        """Memory map `(4, n, 3)` int16: random voxels of the brain, WT, TC and ET, to cut around.

        They are drawn with repetition. Where a region is empty they are those of the next larger
        one, in a case without any tumour those of the brain.
        """
        return _open(self.folder, "centers")


def read_ahead(array, low, high):
    """Ask the disk for just the rows of a block, all at once, before they are read.

    On its own the system would fetch what lies around each page that is missed: up to 8 MB for
    every slice, where the disk is set up for long files. Windows takes no such advice. `low` and
    `high` say where the block begins and ends along the first two axes.
    """
    if isinstance(array, np.memmap) and hasattr(mmap, "MADV_WILLNEED"):
        for first, length in _stretches(array, low, high):
            before = first % mmap.PAGESIZE  # advice is taken for whole pages
            array.base.madvise(mmap.MADV_WILLNEED, first - before, before + length)


def read(folder, source):
    """The case in a folder if it was prepared from `source` and is whole; otherwise None.

    `source` is a `_fingerprint`. Files that were moved or touched, but hold what they held, are
    noted anew.

    A folder that holds anything else is a CourseError: nobody's files are to be replaced.
    """
    if folder.exists() and (not folder.is_dir() or set(os.listdir(folder)) - _FILES):
        raise CourseError(
            f"{folder.name}: {folder} tiene archivos que no son de un caso preparado.\n"
            "Qué hacer: elige una carpeta solo para los casos preparados, no la de los propios "
            "casos."
        )
    try:
        found = files.read_json(folder / "case.json")
        facts = {**found}
        before = found.pop("source")
        if not _is_same(before, source, folder):
            return None
        arrays = found.pop("arrays")
        for name in _ARRAYS:  # a file that was cut off is shorter than its header says: ValueError
            array = _open(folder, name)
            if [array.dtype.str, list(array.shape)] != arrays[name]:
                return None
        record = Prepared(**{key: _tuples(value) for key, value in found.items()}, folder=folder)
        if "content" in before and before["files"] != source["files"]:
            facts["source"] = {**source, "content": before["content"]}
            with contextlib.suppress(CourseError):  # a folder that is only to be read
                files.write(folder / "case.json", files.json_text(facts))
        return record
    except (CourseError, OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def write(record, arrays, source):
    """Write a prepared case whole or not at all, in the place of an older one."""
    facts = {key: value for key, value in vars(record).items() if key != "folder"}
    facts["source"] = source
    facts["arrays"] = {name: [array.dtype.str, array.shape] for name, array in arrays.items()}
    with files.whole_folder(record.folder) as part:
        for name in _ARRAYS:
            np.save(part / f"{name}.npy", arrays[name])
        (part / "case.json").write_text(files.json_text(facts), encoding="utf-8")
        # another process may have prepared it meanwhile: then what it wrote stays
        if record.folder.exists() and read(record.folder, source) is None:
            for name in _FILES:
                (record.folder / name).unlink(missing_ok=True)
            record.folder.rmdir()


def _sweep(folder):
    """Take away what killed processes left unfinished."""
    for unfinished in folder.glob(f"*{files.UNFINISHED}"):
        with contextlib.suppress(OSError):  # its owner may be finishing it
            if time.time() - unfinished.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(unfinished, ignore_errors=True)


def _beside_downloads(cases):
    """A folder of its own for each place of cases: the made-up ones are named as the real ones."""
    places = {str(path.parent.parent) for case in cases for path in case.images.values()}
    key = sorted(places), sorted({case.modalities for case in cases})
    digest = hashlib.sha256(repr(key).encode()).hexdigest()[:12]
    return cache.root() / "prepared" / digest


def _check_usable(case, modalities, prepared):
    if case.mask is None:
        raise CourseError(
            f"{case.name}: no tiene máscara, así que no hay nada que aprender de él.\n"
            "Qué hacer: pon su máscara junto a sus imágenes, o deja fuera ese caso."
        )
    if case.modalities != modalities:
        raise CourseError(
            f"{case.name}: se esperaba {', '.join(modalities)}, como en la mayoría de los casos. "
            f"Llegó: {', '.join(case.modalities)}.\nQué hacer: busca los casos otra vez, con "
            "modalities=… y solo las que tienen todos."
        )
    if case.name in prepared:
        raise CourseError(
            f"{case.name}: otro caso con ese nombre se preparó antes.\n"
            "Qué hacer: deja uno solo, o cambia el nombre de una de las dos carpetas."
        )
    if case.name in ("", "..") or pathlib.PurePath(case.name).name != case.name:
        raise CourseError(f"{case.name}: se esperaba un nombre que pueda ser el de una carpeta.")


def _fingerprint(case):
    """What a case is prepared from, at a glance, in a form that JSON gives back unchanged."""
    sources = {**case.images, "mask": case.mask, "brain": case.brain}
    try:
        seen = {key: _seen_closely(path) for key, path in sources.items() if path is not None}
    except OSError as error:
        raise CourseError(
            f"{case.name}: {error.filename} ya no existe o no se puede leer.\n"
            "Qué hacer: devuélvelo a su carpeta, o busca los casos otra vez."
        ) from error
    return {"format": _FORMAT, "edition": case.edition, "files": seen}


def _content(case, source):
    """What each file of a case's `_fingerprint` holds: `{key: [bytes, checksum]}`."""
    try:
        return {key: nifti.content(path) for key, (path, *_) in source["files"].items()}
    except CourseError as error:
        raise CourseError(f"{case.name}: {error}") from error


def _is_same(before, source, folder):
    """Whether a case was prepared from what its files hold now; reads only those that look new."""
    keys = "format", "edition"
    now, then = source["files"], before["files"]
    if [before[key] for key in keys] != [source[key] for key in keys] or now.keys() != then.keys():
        return False
    if now == then:
        return True
    if "content" in before:
        return all(
            then[key] == now[key] or before["content"][key] == nifti.content(now[key][0])
            for key in now
        )
    # what an earlier version noted: path, size and time; nothing may have been put there since
    prepared_ns = os.stat(folder / "case.json").st_mtime_ns
    return all(then[key] == now[key][:3] and now[key][3] <= prepared_ns for key in now)


def _prepared(case, folder):
    """The record of a case and the arrays that are to be written."""
    image, labels = load_case(case)
    brain = load_brain(case, image)
    if not brain.any():
        raise CourseError(
            f"{case.name}: se esperaba un cerebro. Llegó: imágenes con 0 en todos sus vóxeles."
        )
    cut = bounding_box(brain)
    image = normalize(image[cut], brain[cut]).astype("float16")
    masks = regions.to_regions(labels[cut], case.edition)
    arrays = {"image": image, "regions": masks, "centers": _centers(brain[cut], masks)}
    spacing_mm = tuple(map(float, case.spacing_mm))
    record = Prepared(
        case.name,
        case.edition,
        case.modalities,
        tuple((side.start, side.stop) for side in cut),
        brain.shape,
        spacing_mm,
        folder,
        outside_brain(labels, brain),
    )
    return record, arrays


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


def _seen(path, status=None):
    status = status or os.stat(path)
    return [os.path.abspath(path), status.st_size, status.st_mtime_ns]


def _seen_closely(path):
    status = os.stat(path)
    return [*_seen(path, status), status.st_ctime_ns, status.st_ino]


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
