"""Pictures as a network sees them: reading a file, and MNIST's own centring recipe."""

import numpy as np
from scipy import ndimage


def center_digit(ink):
    """Bring a drawn digit to 28×28 as MNIST's makers did.

    The ink's bounding box is scaled, keeping its proportions, into 20×20 pixels, and placed in
    28×28 so that its centre of mass lies in the middle. Source: LeCun, Cortes and Burges, "The
    MNIST database of handwritten digits".

    Args:
        ink: 2D array, `(height, width)`, any numeric dtype, 0 is paper and the maximum is full ink.

    Returns:
        uint8 array, `(28, 28)`, 0–255. All zeros when there is no ink.

    Example:

    >>> ink = np.zeros((100, 60)); ink[10:90, 20:28] = 1
    >>> center_digit(ink).shape
    (28, 28)
    """
    ink = np.asarray(ink, dtype="float32")
    if ink.ndim != 2:
        raise ValueError(f"Expected ink of shape (height, width). Received: shape {ink.shape}")
    peak = ink.max(initial=0)
    if peak <= 0:
        return np.zeros((28, 28), "uint8")
    rows, columns = np.nonzero(ink > 0.1 * peak)
    box = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] / peak
    return _place(_resize_longest(box, 20))


def _resize_longest(box, longest):
    """Resize `(h, w)` in 0–1 so that the longer side is `longest`; area-averaging on the way."""
    from PIL import Image

    scale = longest / max(box.shape)
    size = tuple(max(1, round(side * scale)) for side in box.shape)
    picture = Image.fromarray((box * 255).astype("uint8"))
    return np.asarray(
        picture.resize(size[::-1], Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC)
    )


def _place(digit):
    """Put a digit of at most 20×20 into 28×28 with its centre of mass in the middle."""
    canvas = np.zeros((28, 28), "uint8")
    center = ndimage.center_of_mass(digit)
    corner = [
        int(np.clip(round(13.5 - c), 0, 28 - side))
        for c, side in zip(center, digit.shape, strict=True)
    ]
    canvas[corner[0] : corner[0] + digit.shape[0], corner[1] : corner[1] + digit.shape[1]] = digit
    return canvas
