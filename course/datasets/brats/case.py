"""One patient's scan: which files belong together, checked by their headers; patients held out."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from course import regions
from course.datasets.brats.nifti import read_header, same_place
from course.errors import CourseError, nearest
from course.spanish import number

MODALITIES = ("flair", "t1", "t1ce", "t2")
# the numbers at the end count a patient's scans: BraTS 2023 and 2024, and 2013 to 2015
_TIMEPOINT = re.compile(r"(BraTS-[A-Z]+-\d+)-\d+|(brats_\w+_pat\d+)_\d+")


@dataclass(frozen=True)
class Case:
    """The files of one scan, whose voxels all coincide.

    Attributes:
        name: the case's own name, such as "BraTS20_Training_001".
        edition: what the labels mean; a name of `course.regions`.
        images: modality → file, in the order of `MODALITIES`.
        mask: the expert's labels, or None.
        brain: a brain mask, or None: then the brain is where any image is not 0.
        affine: 4×4, the files' own: stored voxel indices to millimetres.
        shape: as stored in the files.
        spacing_mm: the voxel's size along D, H and W of the kit's arrays.
        grade: "HGG", "LGG", or None where nobody says.
    """

    name: str
    edition: str
    images: dict
    mask: Path | None
    brain: Path | None
    affine: np.ndarray = field(compare=False, repr=False)
    shape: tuple
    spacing_mm: tuple
    grade: str | None = None

    @property
    def modalities(self):
        """The images' names, in the order of the channels."""
        return tuple(self.images)

    @property
    def patient(self):
        """Whose scan it is: the name without the number of the scan."""
        found = _TIMEPOINT.fullmatch(self.name)
        return found[1] or found[2] if found else self.name


def case(name, edition, images, mask=None, brain=None, *, grade=None) -> Case:
    """A case of files named by hand, whatever they are called.

    Args:
        name: what reports and figures call it.
        edition: what the labels mean: "2015", "2020", "2021", "2023", "2024" or "msd".
        images: modality → file, any of flair, t1, t1ce (with contrast agent) and t2.
        mask: the expert's labels, or None.
        brain: a brain mask, for images whose background is not 0.
        grade: "HGG", "LGG" or None.

    Returns:
        The `Case`; its files' headers have been read, their voxels not yet.

    Raises:
        CourseError: an unknown edition or modality, a file that is missing or no NIfTI, shapes or
            affines that disagree.
    """
    edition = regions.edition(edition).name
    known = ", ".join(MODALITIES)
    if not images:
        raise CourseError(f"{name}: se esperaba al menos una imagen de {known}. Llegó: ninguna.")
    for key in images:
        if key not in MODALITIES:
            raise CourseError(
                f"{name}: se esperaban imágenes con nombre de {known}. Llegó: {key!r}."
                f"{nearest(key, MODALITIES)}"
            )
    images = {key: _path(images[key]) for key in MODALITIES if key in images}
    mask, brain = _path(mask), _path(brain)
    headers = [read_header(path) for path in (*images.values(), mask, brain) if path]
    for header in headers[1:]:
        if difference := same_place(headers[0], header):
            raise CourseError(
                f"{name}: se esperaban archivos con los mismos vóxeles que {headers[0].path}.\n"
                f"Llegó: {header.path}, que {difference}."
            )
    first = headers[0]
    return Case(
        str(name), edition, images, mask, brain, first.affine, first.shape, first.spacing_mm, grade
    )


def split(cases, fraction=0.2, seed=0):
    """Hold out a fraction of the patients, of each grade alike.

    All scans of a patient stay on one side. Patients without a grade count as a grade of their own.

    Args:
        cases: of at least two patients; their order does not matter.
        fraction: of the patients, between 0 and 1; at least one stays on each side.
        seed: the same seed draws the same patients.

    Returns:
        `(train, held_out)`, lists of cases in their given order.

    Raises:
        CourseError: there are fewer than two patients.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"Expected a fraction between 0 and 1. Received: {fraction}")
    grades = {}
    for one in sorted(cases, key=lambda one: one.name):
        grades[one.patient] = grades.get(one.patient) or one.grade or ""
    if len(grades) < 2:
        raise CourseError(
            "Se esperaban casos de dos pacientes o más, para apartar uno. "
            f"Llegó: {number(len(grades), 0)}."
        )
    rng = np.random.default_rng(seed)
    patients = sorted(rng.permutation(sorted(grades)), key=grades.get)  # at random in each grade
    count = min(max(round(fraction * len(patients)), 1), len(patients) - 1)
    # one of every so many along the list, `count` in all, from a random start
    steps = np.arange(len(patients) + 1) * count + rng.integers(len(patients))
    chosen = np.diff(steps // len(patients))
    held_out = {name for name, taken in zip(patients, chosen, strict=True) if taken}
    train = [one for one in cases if one.patient not in held_out]
    return train, [one for one in cases if one.patient in held_out]


def one_a_line(problems):
    """The error messages of several cases as one list, a line for each."""
    return "\n".join("  " + problem.replace("\n", " ") for problem in problems)


def _path(path):
    return None if path is None else Path(path).expanduser()
