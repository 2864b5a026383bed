"""Made-up brains with tumours, in the folders and files of BraTS 2020.

A phantom: heads without skull whose folds, ventricles, tumour, scanner and noise differ from case
to case. Each is drawn from (seed, number) alone, so case 7 is the same in a set of 8 and of 80.
"""

import hashlib
from importlib import resources
from pathlib import Path

import numpy as np

from course.datasets.download import cache
from course.datasets.samples.brains import anatomy, files, scanner, tumour
from course.datasets.samples.brains.space import Space
from course.errors import CourseError

SHAPE = (80, 112, 96)  # (D, H, W); voxels of 1.75 mm
CASES = 28


def cases(n=CASES, seed=0) -> Path:
    """The folder with `n` made-up cases; made at the first call, and then kept.

    They lie beside kagglehub's downloads. What an interrupted call left whole is kept as well.

    Args:
        n: how many.
        seed: the same seed makes the same files.

    Returns:
        A folder for `course.datasets.brats.find_cases`.

    Raises:
        CourseError: the folder cannot be written.
    """
    made = cache.root() / "made" / "brats2020"
    return _fill(made / f"{_digest()}-seed{seed}-{n}", n, seed, SHAPE)


def write_cases(folder, n, seed=0, shape=SHAPE) -> Path:
    """Write `n` made-up cases as BraTS 2020 names them, with `name_mapping.csv`.

    Args:
        folder: a new or an empty folder.
        n: how many.
        seed: the same seed writes the same bytes.
        shape: voxels `(D, H, W)`. They are cubes, and the whole head always fits: the same heads
            appear in coarser or finer voxels.

    Returns:
        The folder, with
        `BraTS20_Training_001/BraTS20_Training_001_{flair,t1,t1ce,t2,seg}.nii` and so on.

    Raises:
        CourseError: the folder holds something already, or cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CourseError(
            f"{folder} no está vacía: se esperaba una carpeta nueva.\n"
            "Qué hacer: elige otra, para que ningún caso se pierda."
        )
    return _fill(folder, n, seed, shape)


def make_case(number, seed=0, shape=SHAPE):
    """Make one case.

    Args:
        number: counted from 1, as the files are.
        seed: the same seed makes the same case.
        shape: voxels `(D, H, W)`, from bottom to top, front to back, the patient's right to left.

    Returns:
        `(pictures, labels, kind)`: a dict of modality → int16 `(D, H, W)`, uint8 `(D, H, W)` with
        BraTS 2020's labels, and one of `tumour.KINDS`.

    Example:

    >>> pictures, labels, kind = make_case(1, shape=(40, 56, 48))
    >>> sorted(pictures), labels.shape, labels.dtype.name
    (['flair', 't1', 't1ce', 't2'], (40, 56, 48), 'uint8')
    """
    kind = _kind(number, seed)
    rng, space = np.random.default_rng((seed, number)), Space(tuple(shape))
    head = anatomy.Head.draw(rng)
    plan = tumour.Plan.draw(kind, rng)
    points = head.points(space)
    brain = anatomy.draw(space, points, head.age, plan.push, rng)
    growth = tumour.draw(space, plan, points, brain, rng)
    spots = scanner.spots(space, brain, head.age, rng)
    return scanner.scan(space, brain, growth, spots, rng), growth.labels(), kind


def _kind(number, seed):
    """Each eight cases in a row have every kind in its share."""
    block, place = divmod(number - 1, len(tumour.KINDS))
    order = np.random.default_rng((seed, block, 0)).permutation(len(tumour.KINDS))
    return tumour.KINDS[order[place]]


def _fill(folder, n, seed, shape):
    if n < 1:
        raise ValueError(f"n: Expected a whole number from 1. Received: {n!r}")
    grades = [tumour.GRADES[_kind(number, seed)] for number in range(1, n + 1)]
    voxel_mm = Space(tuple(shape)).voxel_mm
    return files.fill(folder, grades, voxel_mm, lambda k: make_case(k, seed, shape)[:2])


def _digest():
    """Tells apart the sets that different versions of the phantom made."""
    digest = hashlib.sha256()
    for file in sorted(resources.files(__package__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py"):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:8]
