"""The cases of BraTS 2020 from wherever a lesson is told to take them."""

from course import catalog
from course.datasets import mounts, sources
from course.datasets.brats_case import Case
from course.datasets.brats_fetch import fetch_cases
from course.datasets.brats_layouts import find_cases

_FEW = 10  # cases, where each has to be downloaded: 0.9 GB


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
