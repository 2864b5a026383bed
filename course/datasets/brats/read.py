"""The files of a BraTS case to arrays, as training takes them, and a mask back to a file."""

import contextlib
import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from course import regions
from course.datasets.brats import nifti
from course.datasets.brats.case import leave_out
from course.errors import CourseError
from course.spanish import number, percent

_FULLEST = 0.9  # of a volume may be brain: an ellipsoid fills half of the box around it
# Of a tumour may lie outside the brain: of four real cases at most 0.2 %, of the made-up ones none;
# 6 to 76 % where a made-up mask was moved by 15 voxels, but for two of 28
_OUTSIDE = 0.05
_COARSEST = 0.1  # a scale with larger steps tells no label from the next


@dataclass(frozen=True)
class Volume:
    """A whole case as evaluation takes it; the image is normalised, nothing is cropped."""

    name: str
    image: np.ndarray  # float32 (D, H, W, C)
    labels: np.ndarray | None  # uint8 (D, H, W), as `edition` numbers them
    spacing_mm: tuple  # along D, H and W
    edition: str
    modalities: tuple = ()  # of the channels


def load_case(case):
    """Read a case's files.

    Returns:
        `(image, labels)`: float32 `(D, H, W, C)` as the scanner or its makers left the intensities,
        channels in the order of `case.modalities`; uint8 `(D, H, W)` as `case.edition` numbers
        them, or None where the case has no mask.

    Raises:
        CourseError: names the case: a file that is missing or damaged, or no longer the one that
            the case was made of; NaN; an image that is the same everywhere; a label that the
            edition does not know.
    """
    with _naming(case):
        image = None
        for channel, (modality, path) in enumerate(case.images.items()):
            header = _header(case, path)
            if image is None:
                image = np.empty((*header.kit_shape, len(case.images)), "float32")
            picture = nifti.read(header, image[..., channel])
            if not any((plane != picture.flat[0]).any() for plane in picture):
                raise CourseError(
                    f"{path}: se esperaba una imagen. Llegó: {picture.flat[0]:g} en todos sus "
                    f"vóxeles.\nQué hacer: pon en su lugar una copia nueva de {modality}."
                )
        return image, None if case.mask is None else _labels(case)


def load_brain(case, image):
    """Where the brain of a loaded case is: its brain mask, or else where any channel is not 0.

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
                f"{case.name}: se esperaba un fondo de 0 alrededor del cerebro. Llegó: imágenes "
                f"con 0 en el {percent(1 - brain.mean(), 0)} de sus vóxeles.\n"
                "Qué hacer: no se quitó el cráneo, o ya están normalizadas; nombra una máscara del "
                'cerebro: brats.case(…, brain="brain.nii.gz").'
            )
        return brain
    with _naming(case):
        brain = nifti.read(_header(case, case.brain)) > 0.5
        if not brain.any():
            raise CourseError(f"{case.brain}: se esperaba un cerebro. Llegó: una máscara vacía.")
        return brain


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

    Cases that cannot be read are named in one warning after the last; one whose mask does not lie
    on its brain is named when its turn has come.

    Raises:
        CourseError: none of the cases can be read.
    """
    problems, total = [], 0
    for one in cases:
        total += 1
        try:
            image, labels = load_case(one)
            brain = load_brain(one, image)
        except CourseError as error:
            problems.append(str(error))
            continue
        warn_outside({one.name: outside_brain(labels, brain)})
        image = normalize(image, brain)
        yield Volume(one.name, image, labels, one.spacing_mm, one.edition, tuple(one.modalities))
        del image, labels, brain  # before the next is read
    leave_out(problems, total, "leer")


def save_mask(case, labels, path) -> Path:
    """Write a mask that lies exactly over the case's files.

    Args:
        labels: integers `(D, H, W)`, as `case.edition` numbers them (`regions.from_regions`).
        path: ends in .nii or .nii.gz; never a file of the case itself.

    Returns:
        The path. Shape, affine and units are those of the case's first image; uint8.

    Raises:
        CourseError: a label that the edition does not know, a path that is one of the case's own
            files or has another ending, or a disk that is full.
    """
    path = Path(path).expanduser()
    for own in (*case.images.values(), case.mask, case.brain):
        if own and path.exists() and own.exists() and os.path.samefile(own, path):
            raise CourseError(
                f"{path} es un archivo del propio {case.name} y se queda como está.\n"
                "Qué hacer: ponle otro nombre a la máscara."
            )
    regions.check_labels(labels, case.edition)
    header = _header(case, next(iter(case.images.values())))
    return nifti.write_labels(np.asarray(labels).astype("uint8"), header, path)


def outside_brain(labels, brain):
    """The share of a tumour that lies outside the brain; 0 without tumour or mask."""
    if labels is None:
        return 0.0
    tumour = labels > 0
    voxels = np.count_nonzero(tumour)
    return 1 - np.count_nonzero(tumour & brain) / voxels if voxels else 0.0


def warn_outside(shares):
    """One warning about the cases of whose tumour too much is not in the brain: `{name: share}`."""
    far = {name: share for name, share in shares.items() if share > _OUTSIDE}
    if far:
        listed = "\n".join(f"  {name}: {percent(share, 0)} fuera" for name, share in far.items())
        warnings.warn(
            "BraTS: máscaras con buena parte del tumor fuera del cerebro de sus imágenes. Quizá "
            f"son de otro paciente, o les falta un giro; se usan como están.\n{listed}\n"
            "Qué hacer: mira una sobre su imagen (figures.modalities), y si no coincide deja el "
            "caso fuera.",
            UserWarning,
            stacklevel=3,
        )


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


def _labels(case):
    header = _header(case, case.mask)
    values = nifti.read(header)
    labels = np.rint(values)
    values -= labels
    # some tools store 2.9999; others divide the labels into 255 steps, and 2 becomes 1.9922
    rounding = 1e-3 + (header.step / 2 if header.step < _COARSEST else 0)
    if max(values.max(), -values.min()) > rounding:
        at = np.unravel_index(np.abs(values).argmax(), values.shape)
        raise CourseError(
            f"{case.mask}: se esperaban números enteros. Llegó: otros, como "
            f"{number(labels[at] + values[at])}.\n"
            "Qué hacer: busca el original; no es una máscara, o alguien la remuestreó."
        )
    del values
    labels = labels.clip(-1e9, 1e9, out=labels).astype("int32")
    regions.check_labels(labels, case.edition)
    return labels.astype("uint8")


def _header(case, path):
    """The file's header, still that of the file the case was made of."""
    header = nifti.read_header(path)
    if header.shape != case.shape or np.abs(header.affine - case.affine).max() > 0.1:
        raise CourseError(
            f"{path} no es el mismo archivo que antes.\n"
            "Qué hacer: busca los casos otra vez con brats.find_cases."
        )
    return replace(header, affine=case.affine)  # near 45° a rounding would turn one of the files


@contextlib.contextmanager
def _naming(case):
    """Begin the message of a CourseError with the case's name."""
    try:
        yield
    except CourseError as error:
        raise CourseError(f"{case.name}: {error}") from error
