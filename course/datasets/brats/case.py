"""One patient's scan: which files belong together, checked by their headers; patients held out."""

import re
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from course import regions
from course.datasets.brats.nifti import lost_place, read_header, same_place
from course.errors import CourseError, nearest
from course.spanish import count, number

MODALITIES = ("flair", "t1", "t1ce", "t2")
# what other programs and editions call them; a likeness of spelling would mislead: t2f is FLAIR
_ALSO = {
    **dict.fromkeys(("t2f", "t2flair", "t2_flair", "flair_t2", "fl"), "flair"),
    **dict.fromkeys(("t1n", "t1w", "t1pre"), "t1"),
    **dict.fromkeys(("t1c", "t1gd", "t1_gd", "t1-gd", "t1post", "t1ca", "t1km"), "t1ce"),
    **dict.fromkeys(("t2w",), "t2"),
}
# Whose scan it is, by name: the group is the patient, what follows counts the patient's scans. No
# other number at an end is taken for a scan's: paciente_1 and paciente_2 are two patients.
_PATIENTS = tuple(
    re.compile(form)
    for form in (
        r"(BraTS-[A-Za-z]+-\d+)(?:-\d+)?",  # 2023 and 2024
        r"(BraTS20_[A-Za-z]+_\d+|BraTS2021_\d+)",  # one scan of each patient
        r"(brats_\w+_pat\d+)_\d+",  # 2013 to 2015
        r"(TCGA-\w{2}-\w{4})(?:[-_.].+)?",
        r"([A-Z]+(?:-[A-Z]+)+-\d+)(?:_(?:FU)?\d+[a-z]?)?",  # UPENN-GBM-00001_11, UCSF-PDGM-0004
        # sub-01_ses-02, PatientID_0003_Timepoint_1, Patient-001_week-044
        r"(?i:((?:sub|patient|patientid)[-_]?\w*?\d+)[-_](?:ses|session|timepoint|tp|week|visit)"
        r"[-_]?\d[-_\w]*)",
    )
)


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
    patient: str | None = None  # whose scan it is; None takes it from the name, see `split`

    def __post_init__(self):
        if self.patient is None:
            object.__setattr__(self, "patient", _patient(self.name) or self.name)

    @property
    def modalities(self):
        """The images' names, in the order of the channels."""
        return tuple(self.images)


def case(name, edition, images, mask=None, brain=None, *, grade=None, patient=None) -> Case:
    """A case of files named by hand, whatever they are called.

    Args:
        name: what reports and figures call it.
        edition: what the labels mean: "2015", "2020", "2021", "2023", "2024" or "msd".
        images: modality → file, any of flair, t1, t1ce (with contrast agent) and t2.
        mask: the expert's labels, or None.
        brain: a brain mask, for images whose background is not 0.
        grade: "HGG", "LGG" or None.
        patient: whose scan it is, for `split`; None takes it from the name, by the rules there.

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
                f"Llegó: {header.path}, que {difference}.{lost_place(headers[0], header)}"
            )
    first = headers[0]
    return Case(
        str(name),
        edition,
        images,
        mask,
        brain,
        first.affine,
        first.shape,
        first.spacing_mm,
        grade,
        None if patient is None else str(patient),
    )


def split(cases, fraction=0.2, seed=0):
    """Hold out a fraction of the patients, of each grade alike.

    All scans of a patient stay on one side, as far as it is known whose they are: from
    `case(…, patient=)`, or from names of these forms, without the number of the scan:
    BraTS20_Training_001 and BraTS2021_00001 (one scan each), BraTS-GLI-00001-000,
    brats_2013_pat0003_1, TCGA-02-0003_…, UPENN-GBM-00001_11, UCSF-PDGM-0004_FU001,
    sub-01_ses-02, PatientID_0003_Timepoint_1. Any other name is a patient of its own, and one line
    on stderr says so. Patients without a grade count as a grade of their own.

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
    _say_whose(cases)
    rng = np.random.default_rng(seed)
    patients = sorted(rng.permutation(sorted(grades)), key=grades.get)  # at random in each grade
    few = min(max(round(fraction * len(patients)), 1), len(patients) - 1)
    # one of every so many along the list, `few` in all, from a random start
    steps = np.arange(len(patients) + 1) * few + rng.integers(len(patients))
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
        near = {_ALSO.get(str(kind).lower(), str(kind).lower()) for kind in unknown}
        hint = nearest(*near, [*MODALITIES], cutoff=1) if len(near) == 1 else ""
        raise CourseError(
            f"{what}: se esperaban algunas de {', '.join(MODALITIES)}. Llegó: {modalities!r}.{hint}"
        )
    return tuple(kind for kind in MODALITIES if kind in modalities)


def leave_out(problems, total, verb, where="BraTS", stacklevel=3):
    """Name the cases that cannot be used: in an error if that is all of them, or in a warning."""
    if not problems:
        return
    listed = "\n".join(map(_listed, problems))
    if len(problems) == total:
        cases = count(total, "caso", "casos")
        raise CourseError(f"{where}: de {cases} no se puede {verb} ninguno.\n{listed}")
    warnings.warn(
        f"{where}: casos que no se pueden {verb} y quedan fuera: {number(len(problems), 0)} de "
        f"{number(total, 0)}.\n{listed}",
        UserWarning,
        stacklevel=stacklevel,
    )


def _listed(problem):
    """A problem in one line of a list; lines that are to be typed, set in by four, stay lines."""
    first, *others = problem.split("\n")
    text, typed = "  " + first, False
    for line in others:
        text += "\n" if typed or line.startswith("    ") else " "
        typed = line.startswith("    ")
        text += line
    return text


def _patient(name):
    """Whose scan a name says that it is, or None."""
    found = next(filter(None, (form.fullmatch(name) for form in _PATIENTS)), None)
    return found and found[1]


def _say_whose(cases):
    """One line on stderr where names do not say whose scans they are, and nobody else did."""
    unknown = [one.name for one in cases if one.patient == one.name and not _patient(one.name)]
    if unknown:
        print(
            f"El nombre de {count(len(unknown), 'caso', 'casos')} no dice de qué paciente es "
            f"({unknown[0]}{', …' if len(unknown) > 1 else ''}): cada caso cuenta como un "
            "paciente. Si no es así, dilo con brats.case(…, patient=…).",
            file=sys.stderr,
        )


def _path(path):
    return None if path is None else Path(path).expanduser()
