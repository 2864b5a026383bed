"""Two masks of a volume compared as the BraTS challenge does: overlap, distance, volume.

What happens with nothing: with both masks empty Dice is 1 and HD95 0; with only one of them empty
Dice is 0 and HD95 the volume's diagonal. Without truth there is no sensitivity and without an
answer no precision: both are NaN, to be left out of a mean (`numpy.nanmean`). A mask holds 0 and 1
or False and True, in two dimensions or three; anything else, such as a label map or probabilities,
is refused. Each case is scored whole, in its own geometry and region by region.
"""

import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy import ndimage

_REACH = 3  # voxels in each direction that are looked at one by one
_LOOKS = 3  # for each voxel of the volume; more would take longer than a distance transform


def dice_score(mask_true, mask_pred) -> float:
    """Dice coefficient of two binary masks, `2 |A ∩ B| / (|A| + |B|)`.

    Both empty: 1. Only one empty: 0, so a single voxel of false alarm in a case without the region
    costs the whole point, as in BraTS.

    Args:
        mask_true, mask_pred: Arrays of one shape, 0 and 1.

    Returns:
        Float, 0 to 1.

    Raises:
        ValueError: If the shapes differ or a mask is not binary.

    Example:

    >>> dice_score([[1, 1], [0, 0]], [[0, 1], [0, 1]])
    0.5
    """
    true, pred = _masks(mask_true, mask_pred)
    size = _count(true) + _count(pred)
    return 2 * _count(true & pred) / size if size else 1.0


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
        mask_true, mask_pred: Arrays of one shape, 0 and 1.
        spacing_mm: Tuple, the voxel's size along each axis, in the order of the arrays' axes.

    Returns:
        Float, 0 or more.

    Raises:
        ValueError: If the shapes differ, a mask is not binary, or `spacing_mm` is not a positive
            number for each axis.

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
    box = bounding_box(true | pred)
    true, pred = (_surface(np.pad(mask[box], _REACH)) for mask in (true, pred))
    with ThreadPoolExecutor(2) as pool:  # SciPy's long work lets the other direction go on
        return max(pool.map(_p95_mm, (true, pred), (pred, true), 2 * (spacing_mm,)))


def sensitivity(mask_true, mask_pred) -> float:
    """Share of the true voxels that were found; NaN where there is none to be found.

    Args:
        mask_true, mask_pred: Arrays of one shape, 0 and 1.

    Returns:
        Float, 0 to 1, or NaN.

    Example:

    >>> sensitivity([1, 1, 1, 0], [1, 0, 0, 1])
    0.3333333333333333
    """
    true, pred = _masks(mask_true, mask_pred)
    return _count(true & pred) / _count(true) if true.any() else math.nan


def precision(mask_true, mask_pred) -> float:
    """Share of the answered voxels that are true; NaN where none was answered.

    Args:
        mask_true, mask_pred: Arrays of one shape, 0 and 1.

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
        mask: Array of 0 and 1.
        spacing_mm: Tuple, the voxel's size along each axis.

    Returns:
        Float.

    Example:

    >>> volume_ml(np.ones((10, 10, 10)), (1, 1, 2))
    2.0
    """
    (mask,) = _masks(mask)
    return _count(mask) * math.prod(_spacing(spacing_mm, mask)) / 1000


def largest_slice(*masks) -> int:
    """The slice along the first axis in which a mask is largest, to show one of a whole volume.

    Where the first mask is empty the next one decides; where all are, it is the middle slice.

    Args:
        masks: Arrays of one shape, `(D, H, W)`, 0 and 1.

    Returns:
        Integer, 0 to D - 1.

    Example:

    >>> largest_slice([[[0, 0]], [[1, 0]], [[1, 1]]]), largest_slice(np.zeros((5, 2, 2)))
    (2, 2)
    """
    for mask in masks:
        sizes = np.asarray(mask).sum(axis=(1, 2))
        if sizes.any():
            return int(sizes.argmax())
    return len(masks[0]) // 2


def bounding_box(mask) -> tuple:
    """The smallest box that holds all of a mask, as a slice along each axis.

    Args:
        mask: Boolean array, not empty of True.

    Returns:
        Tuple of slices, one for each axis.

    Example:

    >>> bounding_box(np.array([[0, 0, 0, 0], [0, 1, 0, 1]], bool))
    (slice(1, 2, None), slice(1, 4, None))
    """
    box = []
    for axis in range(mask.ndim):  # scipy.ndimage.find_objects takes ten times as long
        others = tuple(other for other in range(mask.ndim) if other != axis)
        places = np.flatnonzero(mask.any(axis=others))
        box.append(slice(int(places[0]), int(places[-1]) + 1))
    return tuple(box)


def _count(mask):
    return int(np.count_nonzero(mask))  # a number of NumPy's is none for JSON


def _surface(mask):
    """What 6-connected erosion takes away from a mask with empty margins, ten times as quick."""
    flat = mask.ravel()
    inside = flat.copy()
    for axis in range(mask.ndim):
        step = math.prod(mask.shape[axis + 1 :])
        inside[step:] &= flat[:-step]
        inside[:-step] &= flat[step:]
    return (flat & ~inside).reshape(mask.shape)


def _p95_mm(surface, other, spacing_mm):
    """95th percentile of the distances from a surface's voxels to the nearest of the other's.

    Around each voxel the nearest places are looked at first. Of two alike, and where a mask is
    noise, nearly all have found a neighbour after a few, and where the others have theirs does not
    matter. If it does, or there is too much to look at, it is found out for those that are left.
    """
    there, left = other.ravel(), np.flatnonzero(surface)
    n, looks, found_mm = len(left), _LOOKS * other.size, []
    needed = min(n, math.floor(0.95 * (n - 1)) + 2)
    for mm, step in _steps(other.shape, spacing_mm):
        looks -= len(left)
        if n - len(left) >= needed or looks < 0:
            break
        missed = left[~there[left + step]]
        found_mm += [np.full(len(left) - len(missed), mm)]
        left = missed
    if n - len(left) >= needed:
        found_mm += [np.full(len(left), np.inf)]
    else:
        found_mm += [_far_mm(left, other, spacing_mm)]
    return float(np.percentile(np.concatenate(found_mm), 95))


def _steps(shape, spacing_mm):
    """From a voxel to those around it, the nearest first: `(mm, difference of flat indices)`."""
    steps = np.array(list(itertools.product(range(-_REACH, _REACH + 1), repeat=len(shape))))
    lengths_mm = np.linalg.norm(steps * np.array(spacing_mm), axis=1)
    flat = steps @ [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    # beyond this length a voxel outside the reach could be nearer
    order = np.argsort(lengths_mm)[: np.sum(lengths_mm < (_REACH + 1) * min(spacing_mm))]
    return zip(lengths_mm[order].tolist(), flat[order].tolist(), strict=True)


def _far_mm(flat, other, spacing_mm):
    """From each voxel, by its flat index, to the nearest of a surface, `(n,)`.

    A distance transform takes about the same time wherever they lie. A k-d tree looks at all that
    is hardly farther than the nearest: of a tumour little, of a ball around the voxel everything.
    A hundred of the voxels tell how much; where it is too much, and of many voxels, the transform.
    """
    from scipy.spatial import KDTree  # not for who only imports: as long as all of the rest

    voxels = np.unravel_index(flat, other.shape)
    if 20 * max(len(flat), _count(other)) < other.size:
        others = np.nonzero(other)
        tree = KDTree(np.transpose(others) * spacing_mm, leafsize=32)
        places_mm = np.transpose(voxels) * spacing_mm
        some = places_mm[:: 1 + len(flat) // 100]
        reach_mm = 1.5 * tree.query(some)[0] + 4 * max(spacing_mm)
        looks = 300 + tree.query_ball_point(some, reach_mm, return_length=True).mean()
        if len(flat) * looks < 25 * other.size:
            nearest = tree.query(places_mm)[1]
            return _lengths_mm((axis[nearest] for axis in others), voxels, spacing_mm)
    nearest = ndimage.distance_transform_edt(
        ~other, sampling=spacing_mm, return_distances=False, return_indices=True
    )
    return _lengths_mm((axis.ravel()[flat] for axis in nearest), voxels, spacing_mm)


def _lengths_mm(ends, starts, spacing_mm):
    steps = zip(ends, starts, spacing_mm, strict=True)
    return np.sqrt(sum(((end - start) * mm) ** 2 for end, start, mm in steps))


def _masks(*masks):
    masks = [np.asarray(mask) for mask in masks]
    if len({mask.shape for mask in masks}) > 1:
        shapes = " and ".join(str(mask.shape) for mask in masks)
        raise ValueError(f"Expected two masks of one shape. Received: {shapes}")
    for mask in masks:
        if mask.dtype != bool and not ((mask == 0) | (mask == 1)).all():
            raise ValueError(
                "Expected a mask of 0 and 1; labels become masks with course.regions.to_regions, "
                f"probabilities with >= 0.5. Received: values from {mask.min()} to {mask.max()}"
            )
    return [mask.astype(bool, copy=False) for mask in masks]


def _spacing(spacing_mm, mask):
    spacing_mm = tuple(float(mm) for mm in spacing_mm)
    if len(spacing_mm) != mask.ndim or not all(0 < mm < math.inf for mm in spacing_mm):
        raise ValueError(
            f"Expected spacing_mm to be {mask.ndim} positive numbers, one for each axis of the "
            f"mask. Received: {spacing_mm}"
        )
    return spacing_mm
