"""Each BraTS case prepared once, as arrays that training reads piece by piece from the disk.

store = prepare(cases)
batches = Slices(store, batch_size=8)            # course.datasets.patches
"""

import collections
import collections.abc
import errno
import hashlib
import pathlib
import shutil
import warnings

import numpy as np

from course import catalog, regions
from course.datasets import brats
from course.datasets.brats_layouts import told_of
from course.datasets.prepared import Prepared, fingerprint, read, sweep, write
from course.datasets.shelf import Shelf
from course.errors import CourseError

_FORMAT = 1  # to be raised whenever what is written changes: older cases are then prepared again
_CENTERS = 1024  # voxels remembered of the brain and of each region


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
    image, labels = brats.load_case(case)
    brain = brats.load_brain(case, image)
    if not brain.any():
        raise CourseError(f"{case.name}: expected a brain. Received: images that are 0 everywhere.")
    box = tuple(_extent(brain, axis) for axis in range(3))
    cut = tuple(slice(*ends) for ends in box)
    image = brats.normalize(image, brain)[cut].astype("float16")
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
