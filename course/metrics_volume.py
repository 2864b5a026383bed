"""Two masks of a volume compared as the BraTS challenge does: overlap, distance, volume."""

import math

import numpy as np
from scipy import ndimage


def dice_score(mask_true, mask_pred) -> float:
    """Dice coefficient of two binary masks, `2 |A ∩ B| / (|A| + |B|)`.

    Both empty: 1. Only one empty: 0, so a single voxel of false alarm in a case without the region
    costs the whole point, as in BraTS.

    Args:
        mask_true, mask_pred: Arrays of one shape; what is not 0 belongs to the mask.

    Returns:
        Float, 0 to 1.

    Raises:
        ValueError: If the shapes differ.

    Example:

    >>> dice_score([[1, 1], [0, 0]], [[0, 1], [0, 1]])
    0.5
    """
    true, pred = _masks(mask_true, mask_pred)
    size = int(true.sum()) + int(pred.sum())
    return 2 * int((true & pred).sum()) / size if size else 1.0


def hausdorff95(mask_true, mask_pred, spacing_mm) -> float:
    """How far apart the borders of two masks lie, leaving out the worst 5 %, in millimetres.

    A mask's surface is what its 6-connected erosion takes away (in 2D: 4-connected); outside the
    array counts as outside the mask, so a mask that touches the border has a surface there. From
    each surface voxel the distance to the nearest one of the other surface is taken, centre to
    centre; of each direction the 95th percentile (with linear interpolation); the result is the
    larger of the two. Other programs pool both directions first and get smaller numbers.

    Both empty: 0. Only one empty: the volume's diagonal, `norm(shape × spacing_mm)`, which is
    373.13 mm for 240×240×155 voxels of 1 mm.

    Args:
        mask_true, mask_pred: Arrays of one shape; what is not 0 belongs to the mask.
        spacing_mm: Tuple, the voxel's size along each axis, in the order of the arrays' axes.

    Returns:
        Float, 0 or more.

    Raises:
        ValueError: If the shapes differ, or `spacing_mm` is not a positive number for each axis.

    Example: two single voxels, three apart along an axis of 2 mm.

    >>> hausdorff95([[1, 0, 0, 0]], [[0, 0, 0, 1]], spacing_mm=(1, 2))
    6.0
    """
    true, pred = _masks(mask_true, mask_pred)
    spacing_mm = _spacing(spacing_mm, true)
    if not (true.any() and pred.any()):
        diagonal_mm = math.hypot(
            *(side * mm for side, mm in zip(true.shape, spacing_mm, strict=True))
        )
        return diagonal_mm if true.any() or pred.any() else 0.0
    # nothing changes when empty margins go: beyond the box of both there is no voxel of either
    box = ndimage.find_objects((true | pred).astype("uint8"))[0]
    true, pred = (mask[box] & ~ndimage.binary_erosion(mask[box]) for mask in (true, pred))
    to_pred, to_true = (
        ndimage.distance_transform_edt(~surface, sampling=spacing_mm) for surface in (pred, true)
    )
    return float(max(np.percentile(to_pred[true], 95), np.percentile(to_true[pred], 95)))


def sensitivity(mask_true, mask_pred) -> float:
    """Share of the true voxels that were found; NaN where there is none to be found.

    Args:
        mask_true, mask_pred: Arrays of one shape; what is not 0 belongs to the mask.

    Returns:
        Float, 0 to 1, or NaN.

    Example:

    >>> sensitivity([1, 1, 1, 0], [1, 0, 0, 1])
    0.3333333333333333
    """
    true, pred = _masks(mask_true, mask_pred)
    return int((true & pred).sum()) / int(true.sum()) if true.any() else math.nan


def precision(mask_true, mask_pred) -> float:
    """Share of the answered voxels that are true; NaN where none was answered.

    Args:
        mask_true, mask_pred: Arrays of one shape; what is not 0 belongs to the mask.

    Returns:
        Float, 0 to 1, or NaN.

    Example:

    >>> precision([1, 1, 1, 0], [1, 0, 0, 1])
    0.5
    """
    return sensitivity(mask_pred, mask_true)


def volume_ml(mask, spacing_mm) -> float:
    """Volume of a mask in millilitres (1000 mm³); 0 for an empty one.

    Args:
        mask: Array; what is not 0 belongs to the mask.
        spacing_mm: Tuple, the voxel's size along each axis.

    Returns:
        Float.

    Example:

    >>> volume_ml(np.ones((10, 10, 10)), (1, 1, 2))
    2.0
    """
    mask = np.asarray(mask)
    return int(np.count_nonzero(mask)) * math.prod(_spacing(spacing_mm, mask)) / 1000


def _masks(mask_true, mask_pred):
    true, pred = (np.asarray(mask) != 0 for mask in (mask_true, mask_pred))
    if true.shape != pred.shape:
        raise ValueError(
            f"Expected two masks of one shape. Received: {true.shape} and {pred.shape}"
        )
    return true, pred


def _spacing(spacing_mm, mask):
    spacing_mm = tuple(float(mm) for mm in spacing_mm)
    if len(spacing_mm) != mask.ndim or not all(0 < mm < math.inf for mm in spacing_mm):
        raise ValueError(
            f"Expected spacing_mm to be {mask.ndim} positive numbers, one for each axis of the "
            f"mask. Received: {spacing_mm}"
        )
    return spacing_mm
