"""Made-up brains with tumours, in the folders and files of BraTS 2020, under names of nobody's.

A phantom: heads without skull whose folds, ventricles, tumour, scanner and noise differ from case
to case. Each is drawn from (seed, number) alone, so case 7 is the same in a set of 8 and of 80.
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from course import files
from course.datasets.download import cache
from course.datasets.samples.brains import anatomy, scanner, tumour
from course.datasets.samples.brains.space import Space
from course.errors import CourseError

SHAPE = (80, 112, 96)  # (D, H, W); voxels of 1.75 mm
CASES = 28
_MAPPING = (
    "Grade,BraTS_2017_subject_ID,BraTS_2018_subject_ID,TCGA_TCIA_subject_ID,"
    "BraTS_2019_subject_ID,BraTS_2020_subject_ID\n"
)


def cases(n=CASES, seed=0) -> Path:
    """The folder with `n` made-up cases; made at the first call, and then kept.

    They lie beside kagglehub's downloads, for `course.datasets.brats.find_cases`; the same seed
    makes the same files. What an interrupted call left whole is kept as well.
    """
    made = cache.root() / "made" / "brats2020"
    return _fill(made / f"{_digest()}-seed{seed}-{n}", n, seed, SHAPE)


def write_cases(folder, n, seed=0, shape=SHAPE) -> Path:
    """Write `n` made-up cases as BraTS 2020 names them, with `name_mapping.csv`.

    Args:
        folder: a new or an empty folder.
        seed: the same seed writes the same bytes.
        shape: voxels `(D, H, W)`. They are cubes, and the whole head always fits: the same heads
            appear in coarser or finer voxels.

    Returns:
        The folder, with
        `BraTS20_Sintetico_001/BraTS20_Sintetico_001_{flair,t1,t1ce,t2,seg}.nii` and so on.

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
    """Make one case of those that `write_cases` writes, counted from 1.

    Returns `(pictures, labels, kind)`: a dict of modality → int16 `(D, H, W)`, uint8 `(D, H, W)`
    with BraTS 2020's labels, and one of `tumour.KINDS`.
    """
    kind = _kind(number, seed)
    rng, space = np.random.default_rng((seed, number)), Space(shape)
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
    """Make and write the cases that the folder lacks, each whole or not at all; the table last."""
    from tqdm import tqdm

    if n < 1:
        raise ValueError(f"n: Expected a whole number from 1. Received: {n!r}")
    folder = folder.absolute()
    names = {number: f"BraTS20_Sintetico_{number:03d}" for number in range(1, n + 1)}
    missing = [number for number, name in names.items() if not (folder / name).is_dir()]
    mapping = folder / "name_mapping.csv"
    if mapping.is_file() and not missing:
        return folder
    rows = (f"{tumour.GRADES[_kind(k, seed)]},NA,NA,NA,NA,{name}\n" for k, name in names.items())

    def write(number):
        pictures, labels, _ = make_case(number, seed, shape)
        with files.whole_folder(folder / names[number]) as part:
            for kind, voxels in {**pictures, "seg": labels.astype("int16")}.items():
                _save(voxels, Space(shape).voxel_mm, part / f"{names[number]}_{kind}.nii")

    try:
        # threads: NumPy and SciPy let go of the lock
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            jobs = pool.map(write, missing)
            list(tqdm(jobs, "creando cerebros", len(missing), unit="caso", delay=1, leave=False))
        files.write(mapping, _MAPPING + "".join(rows))
    except CourseError as error:
        raise CourseError(
            f"{error}\nCada cerebro de muestra ocupa unos 9 MB; la variable KAGGLEHUB_CACHE nombra "
            "otra carpeta para los datos del curso."
        ) from error
    return folder


def _save(voxels, voxel_mm, path):
    """`(D, H, W)` to a NIfTI file whose axes run to the patient's left, back and top, as BraTS'."""
    import nibabel

    affine = np.diag([-voxel_mm, -voxel_mm, voxel_mm, 1.0])
    affine[1, 3] = voxel_mm * (voxels.shape[1] - 1)
    image = nibabel.Nifti1Image(np.ascontiguousarray(voxels.T), affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)


def _digest():
    """Tells apart the sets that different versions of the phantom made."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]
