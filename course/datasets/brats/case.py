"""One patient's scan: which files belong together, checked by their headers; patients held out."""

import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from course import regions
from course.datasets.brats.nifti import read_header, same_place
from course.errors import CourseError, nearest
from course.spanish import count, number

MODALITIES = ("flair", "t1", "t1ce", "t2")
# the numbers at the end count a patient's scans: BraTS 2023 and 2024, and 2013 to 2015
_TIMEPOINT = re.compile(r"(BraTS-[A-Z]+-\d+)-\d+|(brats_\w+_pat\d+)_\d+")


@dataclass(frozen=True)
class Case:
    """The files of one scan, whose voxels all coincide."""

    name: str  # the case's own, such as "BraTS20_Training_001"
    edition: str  # what the labels mean; a name of `course.regions`
    images: dict  # modality → file, in the order of `MODALITIES`
    mask: Path | None  # the expert's labels
    brain: Path | None  # a brain mask; without one the brain is where any image is not 0
    affine: np.ndarray = field(compare=False, repr=False)  # 4×4, stored voxel indices to mm
    shape: tuple  # as stored in the files
    spacing_mm: tuple  # along D, H and W of the kit's arrays
    grade: str | None = None  # "HGG", "LGG", or None where nobody says

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
    images = {key: _path(images[key]) for key in chosen(list(images), f"{name}, imágenes")}
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


def chosen(modalities, what="modalities"):
    """The modalities asked for, in the usual order; all four for None."""
    if modalities is None:
        return MODALITIES
    unknown = [kind for kind in modalities if kind not in MODALITIES]
    if unknown or not modalities or isinstance(modalities, str):
        raise CourseError(
            f"{what}: se esperaban algunas de {', '.join(MODALITIES)}. Llegó: {modalities!r}."
            f"{nearest(' '.join(map(str, unknown)), MODALITIES)}"
        )
    return tuple(kind for kind in MODALITIES if kind in modalities)


def leave_out(problems, total, verb, where="BraTS", stacklevel=3):
    """Name the cases that cannot be used: in an error if that is all of them, or in a warning."""
    if not problems:
        return
    listed = "\n".join("  " + problem.replace("\n", " ") for problem in problems)
    if len(problems) == total:
        cases = count(total, "caso", "casos")
        raise CourseError(f"{where}: de {cases} no se puede {verb} ninguno.\n{listed}")
    warnings.warn(
        f"{where}: casos que no se pueden {verb} y quedan fuera: {number(len(problems), 0)} de "
        f"{number(total, 0)}.\n{listed}",
        UserWarning,
        stacklevel=stacklevel,
    )


def _path(path):
    return None if path is None else Path(path).expanduser()
