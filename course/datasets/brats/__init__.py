"""BraTS: four pictures of one head, and an expert's mask of its tumour, as arrays.

    cases = brats.open_cases("sample")  # or fetch_cases(10), find_cases(folder), case(…) by hand
    image, labels = brats.load_case(cases[0])      # (D, H, W, C) float32, (D, H, W) uint8
    image = brats.normalize(image, brats.load_brain(cases[0], image))

D runs from inferior to superior, H from anterior to posterior, W from the patient's right to left.
"""

from course.datasets.brats.case import MODALITIES, Case, case, split
from course.datasets.brats.fetch import fetch_cases, fetch_named, open_cases
from course.datasets.brats.find import find_cases, unpack
from course.datasets.brats.read import (
    Volume,
    load_brain,
    load_case,
    normalize,
    save_mask,
    volumes,
)

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
