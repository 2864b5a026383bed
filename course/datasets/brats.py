"""BraTS: four pictures of one head, and an expert's mask of its tumour, as arrays.

    cases = brats.open_cases("sample")  # or fetch_cases(10), find_cases(folder), case(…) by hand
    image, labels = brats.load_case(cases[0])      # (D, H, W, C) float32, (D, H, W) uint8
    image = brats.normalize(image, brats.load_brain(cases[0], image))

D runs from inferior to superior, H from anterior to posterior, W from the patient's right to left.
"""

import warnings
from dataclasses import dataclass

import numpy as np

from course import catalog
from course.datasets import mounts, sources
from course.datasets.brats_case import MODALITIES, Case, case
from course.datasets.brats_fetch import fetch_cases, fetch_named
from course.datasets.brats_files import load_brain, load_case, save_mask
from course.datasets.brats_layouts import find_cases, told_of
from course.datasets.brats_tar import unpack
from course.errors import CourseError

__all__ = [
    "MODALITIES",
    "Case",
    "Volume",
    "case",
    "fetch_cases",
    "fetch_named",
    "find_cases",
    "load_brain",
    "load_case",
    "normalize",
    "open_cases",
    "save_mask",
    "split",
    "unpack",
    "volumes",
]

_FEW = 10  # cases, where each has to be downloaded: 0.9 GB


@dataclass(frozen=True)
class Volume:
    """A whole case as evaluation takes it; the image is normalised, nothing is cropped.

    `image` is float32 `(D, H, W, C)`, `labels` uint8 `(D, H, W)` as `edition` numbers them, or
    None; `spacing_mm` is along D, H and W.
    """

    name: str
    image: np.ndarray
    labels: np.ndarray | None
    spacing_mm: tuple
    edition: str


def open_cases(source="kaggle", n=None, modalities=None, *, seed=0) -> list[Case]:
    """Cases as a lesson asks for them: Kaggle's, the made-up ones, or those of a folder.

    Args:
        source: "kaggle", "sample" (made by the kit, no download), or a folder with cases of any
            edition whose files are named as its makers do.
        n: how many, counted from the first. None means all; of Kaggle's, where they are not
            mounted but downloaded, the first 10.
        modalities: which of flair, t1, t1ce and t2 each case is to have; None means all four.
        seed: of the made-up cases.

    Returns:
        Cases with these images, in the usual order.

    Raises:
        CourseError: `source` is none of these, or its cases cannot be had.
    """
    source = sources.resolve(source, ("kaggle", "sample"))
    if source == "sample":
        from course.datasets.samples import brains

        return find_cases(brains.cases(n or brains.CASES, seed=seed), "2020", modalities)
    if source == "kaggle":
        everything = catalog.get("brats2020").case_count
        return fetch_cases(n or (everything if mounts.expected() else _FEW), modalities=modalities)
    return find_cases(source, None, modalities)[:n]


def normalize(image, brain=None):
    """Bring each channel to mean 0 and standard deviation 1 in the brain; outside it is 0.

    Training and prediction both call this function, and nothing else scales a case. A channel that
    is constant in the brain becomes 0 everywhere, and so does an image without any brain.

    Args:
        image: finite numbers `(…, C)`, such as `(D, H, W, C)`.
        brain: bool `(…)`; None means where any channel is not 0.

    Returns:
        float32, of the image's shape.

    Example:

    >>> normalize([[0, 0], [2, 5], [4, 5]]).tolist()
    [[0.0, 0.0], [-1.0, 0.0], [1.0, 0.0]]
    """
    image = np.asarray(image)
    brain = (image != 0).any(-1) if brain is None else np.asarray(brain, bool)
    if brain.shape != image.shape[:-1]:
        raise ValueError(
            f"Expected a brain of shape {image.shape[:-1]}. Received: shape {brain.shape}"
        )
    out = np.zeros(image.shape, "float32")
    for channel in range(image.shape[-1]):
        out[..., channel][brain] = _standardised(image[..., channel][brain])
    return out


def volumes(cases):
    """Yield each case as a `Volume`, one in memory at a time.

    Cases that cannot be read are named in one warning after the last.

    Raises:
        CourseError: none of the cases can be read.
    """
    problems, good = [], 0
    for one in cases:
        try:
            image, labels = load_case(one)
            brain = load_brain(one, image)
        except CourseError as error:
            problems.append(str(error))
            continue
        good += 1
        image = normalize(image, brain)
        yield Volume(one.name, image, labels, one.spacing_mm, one.edition)
        del image, labels, brain  # before the next is read
    if problems and not good:
        raise CourseError(f"None of {len(problems)} cases can be read.\n{told_of(problems)}")
    if problems:
        warnings.warn(
            f"{len(problems)} cases cannot be read and are left out.\n{told_of(problems)}",
            UserWarning,
            stacklevel=2,
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
            f"Expected cases of two patients or more, to hold one out. Received: {len(grades)}."
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


def _standardised(values):
    """`(n,)` numbers to mean 0 and standard deviation 1; 0 where all are the same or none is."""
    if not np.isfinite(values).all():
        raise ValueError("Expected finite numbers. Received: NaN or infinite ones")
    if not len(values) or values.min() == values.max():
        return 0
    values = values.astype("float64")
    values -= values.mean()  # in place: a case is large
    values /= np.sqrt(values @ values / len(values))
    return values
