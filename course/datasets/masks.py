"""Masks as files: each pixel's value says of what it is, so nothing may be averaged."""

import numpy as np

from course.datasets.pictures import opened
from course.errors import CourseError

MOST_VALUES = 32  # a mask with more is a photograph, or was saved as JPEG


def read_mask(path):
    """Read a mask's values as they stand in the file: a palette's places, greys of 8 or 16 bits.

    A coloured mask whose three channels are equal is a grey one. Other colours are numbered by
    their red, green and blue: 65,536 r + 256 g + b.

    Args:
        path: A PNG, BMP, TIFF or other picture file, as `pictures.read_image` takes.

    Returns:
        int32 array, `(height, width)`, turned upright as its EXIF note says.

    Raises:
        CourseError: It cannot be read, or has more than 32 values and is no mask.
    """
    from PIL import ImageOps

    with opened(path) as picture:
        picture = ImageOps.exif_transpose(picture)
        if picture.mode in ("1", "LA"):
            picture = picture.convert("L")
        if picture.mode not in ("L", "P") and not picture.mode.startswith("I"):
            picture = picture.convert("RGB")
        mask = np.asarray(picture).astype("int32")
    if mask.ndim == 3:
        red, green, blue = np.moveaxis(mask, 2, 0)
        same = (red == green).all() and (green == blue).all()
        mask = red if same else 65536 * red + 256 * green + blue
    values = np.unique(mask)
    if len(values) > MOST_VALUES:
        raise CourseError(
            f"{path} tiene {len(values)} valores distintos. Se esperaba una máscara, con un valor "
            f"por clase y a lo más {MOST_VALUES}.\n"
            "Qué hacer: si era una máscara, se guardó como JPG, que cambia los valores; expórtala "
            "otra vez como PNG."
        )
    return mask


def fit_mask(mask, size, values):
    """Bring a mask into a square as `pictures.fit_square` does a picture, by the nearest pixel.

    Args:
        mask: Integer array `(height, width)`.
        size: Integer, the side in pixels.
        values: Sorted integers; each is numbered by its place, and what surrounds the mask is 0.

    Returns:
        uint8 `(size, size)`.

    Example:

    >>> fit_mask(np.array([[0, 255], [0, 255]]), 4, (0, 255)).tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]]
    """
    square = np.zeros((size, size), "uint8")
    inside = _inside(mask.shape, size)
    square[inside] = np.searchsorted(values, _nearest(mask, square[inside].shape))
    return square


def from_square(square, shape):
    """Bring what lies in a square, as `fit_mask` makes it, back to a picture's own size.

    Args:
        square: Array `(size, size)`.
        shape: `(height, width)` of the picture.

    Returns:
        Array `(height, width)`, each pixel the nearest of the square.

    Example:

    >>> from_square(np.array([[9, 1, 2, 9]] * 4), (4, 2)).tolist()
    [[1, 2], [1, 2], [1, 2], [1, 2]]
    """
    return _nearest(square[_inside(shape, len(square))], shape)


def _inside(shape, size):
    """Where a picture of this shape lies in its square."""
    height, width = (max(1, round(side * size / max(shape))) for side in shape)
    top, left = (size - height) // 2, (size - width) // 2
    return slice(top, top + height), slice(left, left + width)


def _nearest(mask, shape):
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip(shape, mask.shape, strict=True)
    )
    return mask[rows[:, None], columns]
