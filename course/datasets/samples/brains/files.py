"""A set of brains as BraTS 2020's files: whole or not there, whatever interrupts the writing."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from course import files
from course.errors import CourseError

_MAPPING = (
    "Grade,BraTS_2017_subject_ID,BraTS_2018_subject_ID,TCGA_TCIA_subject_ID,"
    "BraTS_2019_subject_ID,BraTS_2020_subject_ID\n"
)


def fill(folder, grades, voxel_mm, make) -> Path:
    """Make and write the cases that the folder lacks, each whole or not at all.

    `name_mapping.csv` comes last.

    Args:
        folder: where the cases go.
        grades: HGG or LGG of each case, in order.
        voxel_mm: the edge of a voxel.
        make: takes a case's number, counted from 1; returns a dict of modality → int16
            `(D, H, W)`, and uint8 labels `(D, H, W)`.

    Raises:
        CourseError: the folder cannot be written.
    """
    folder = Path(folder).absolute()
    names = [f"BraTS20_Training_{number:03d}" for number in range(1, len(grades) + 1)]
    mapping = folder / "name_mapping.csv"
    if mapping.is_file() and all((folder / name).is_dir() for name in names):
        return folder
    rows = (f"{grade},NA,NA,NA,NA,{name}\n" for grade, name in zip(grades, names, strict=True))
    try:
        _write_missing(folder, names, voxel_mm, make)
        files.write(mapping, _MAPPING + "".join(rows))
    except CourseError as error:
        raise CourseError(
            f"{error}\nCada cerebro de muestra ocupa unos 9 MB; la variable KAGGLEHUB_CACHE nombra "
            "otra carpeta para los datos del curso."
        ) from error
    return folder


def _write_missing(folder, names, voxel_mm, make):
    from tqdm import tqdm

    def write(number):
        name = names[number - 1]
        pictures, labels = make(number)
        with files.whole_folder(folder / name) as part:
            for kind, voxels in {**pictures, "seg": labels.astype("int16")}.items():
                _save(voxels, voxel_mm, part / f"{name}_{kind}.nii")

    missing = [k for k, name in enumerate(names, 1) if not (folder / name).is_dir()]
    workers = min(4, os.cpu_count() or 1)  # threads: NumPy and SciPy let go of the lock
    with ThreadPoolExecutor(workers) as pool:
        jobs = pool.map(write, missing)
        try:
            bar = tqdm(jobs, "creando cerebros", len(missing), unit="caso", delay=1, leave=False)
            for _ in bar:
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _save(voxels, voxel_mm, path):
    """`(D, H, W)` to a NIfTI file whose axes run to the patient's left, back and top, as BraTS'."""
    import nibabel

    affine = np.diag([-voxel_mm, -voxel_mm, voxel_mm, 1.0])
    affine[1, 3] = voxel_mm * (voxels.shape[1] - 1)
    image = nibabel.Nifti1Image(np.ascontiguousarray(voxels.T), affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)
