"""The files of a BraTS case to arrays, and a mask back to a file."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from course import regions
from course.datasets import nifti
from course.datasets.nifti_header import read_header
from course.errors import CourseError

_FULLEST = 0.9  # of a volume may be brain: an ellipsoid fills half of the box around it


def load_case(case):
    """Read a case's files.

    Args:
        case: a `Case`.

    Returns:
        `(image, labels)`: float32 `(D, H, W, C)` as the scanner or its makers left the intensities,
        channels in the order of `case.modalities`; uint8 `(D, H, W)` as `case.edition` numbers
        them, or None where the case has no mask.

    Raises:
        CourseError: names the case: a file that is missing or damaged, or no longer the one that
            the case was made of; NaN; an image that is the same everywhere; a label that the
            edition does not know.
    """
    image = None
    for channel, (modality, path) in enumerate(case.images.items()):
        header = _header(case, path)
        if image is None:
            image = np.empty((*header.kit_shape, len(case.images)), "float32")
        picture = _told(case, nifti.read, header, image[..., channel])
        if picture.min() == picture.max():
            raise CourseError(
                f"{case.name}: {path}: expected a picture. Received: {picture.flat[0]:g} in every "
                f"voxel.\nPut a fresh copy of its {modality} in its place."
            )
    return image, None if case.mask is None else _labels(case)


def load_brain(case, image):
    """Where the brain is: the case's brain mask, or else where any channel is not 0.

    Args:
        case: a `Case`.
        image: `(D, H, W, C)`, what `load_case` returned.

    Returns:
        bool `(D, H, W)`.

    Raises:
        CourseError: there is no brain mask, and hardly a voxel is 0: the skull was not removed, or
            the image is normalised already; or the brain mask is empty.
    """
    if case.brain is None:
        brain = np.zeros(image.shape[:-1], bool)
        for channel in range(image.shape[-1]):
            brain |= image[..., channel] != 0
        if brain.mean() > _FULLEST:
            raise CourseError(
                f"{case.name}: expected a background of 0 around the brain. Received: images that "
                f"are 0 in {1 - brain.mean():.0%} of their voxels.\nTheir skull was not removed, "
                "or they are normalised already: name a brain mask, "
                'brats.case(…, brain="brain.nii.gz").'
            )
        return brain
    brain = _told(case, nifti.read, _header(case, case.brain)) > 0.5
    if not brain.any():
        raise CourseError(f"{case.name}: {case.brain}: expected a brain. Received: an empty mask.")
    return brain


def save_mask(case, labels, path) -> Path:
    """Write a mask that lies exactly over the case's files.

    Args:
        case: a `Case`.
        labels: integers `(D, H, W)`, as `case.edition` numbers them (`regions.from_regions`).
        path: ends in .nii or .nii.gz; never a file of the case itself.

    Returns:
        The path. Shape, affine and units are those of the case's first image; uint8.

    Raises:
        CourseError: a label that the edition does not know, a path that is one of the case's own
            files or has another ending, or a disk that is full.
        ValueError: labels of a dtype that is not an integer's, such as probabilities.
    """
    path = Path(path).expanduser()
    for own in (*case.images.values(), case.mask, case.brain):
        if own and path.exists() and own.exists() and os.path.samefile(own, path):
            raise CourseError(
                f"{path} is a file of {case.name} itself: it stays as it is.\n"
                "Next: name another file for the mask."
            )
    regions.check_labels(labels, case.edition)
    first = next(iter(case.images.values()))
    _header(case, first)
    return nifti.write_labels(np.asarray(labels).astype("uint8"), first, path)


def _labels(case):
    values = _told(case, nifti.read, _header(case, case.mask))
    labels = np.rint(values)
    values -= labels
    if max(values.max(), -values.min()) > 1e-3:  # less is rounding: some tools store 2.9999
        at = np.unravel_index(np.abs(values).argmax(), values.shape)
        raise CourseError(
            f"{case.name}: {case.mask}: expected whole numbers. Received: others, such as "
            f"{labels[at] + values[at]:.4g}.\nIt is no mask, or it was resampled."
        )
    del values
    labels = labels.clip(-1e9, 1e9, out=labels).astype("int32")
    _told(case, regions.check_labels, labels, case.edition)
    return labels.astype("uint8")


def _header(case, path):
    """The file's header, still that of the file the case was made of."""
    header = _told(case, read_header, path)
    if header.shape != case.shape or np.abs(header.affine - case.affine).max() > 0.1:
        raise CourseError(f"{case.name}: {path} is another file than before. Find the cases again.")
    return replace(header, affine=case.affine)  # near 45° a rounding would turn one of the files


def _told(case, function, *arguments):
    """Call it; its letter then begins with the case's name."""
    try:
        return function(*arguments)
    except CourseError as error:
        raise CourseError(f"{case.name}: {error}") from error
