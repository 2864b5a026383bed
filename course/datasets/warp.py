"""Pictures turned, zoomed, slanted and shifted a little, each in its own way."""

import numpy as np
from scipy import ndimage


def warp(images, rng, turn_deg=11.0, zoom=0.13, slant=0.13, shift=2.0, fill_mode="constant"):
    """Deform each picture at random, so that a network hardly ever sees the same one twice.

    Four changes are one affine map: pixels are interpolated once, linearly, and not blurred again
    by each change. It is zoomed along its two axes, slanted as handwriting is, and turned, all
    about its centre, and shifted in the end. Each amount is drawn evenly between its limit and
    minus that.

    Args:
        images: Array `(n, height, width, channels)`.
        rng: `numpy.random.Generator`, the only source of chance.
        turn_deg: Float, in degrees.
        zoom: Float, what a side grows by: at 0.13 it ends up 0.87 to 1.13 times as long.
        slant: Float, the pixels that a row is shifted by beside the row above it.
        shift: Float, in pixels, down and to the right.
        fill_mode: What comes in from outside, as in Keras: "constant", which is 0, for ink on empty
            paper; "nearest", the pixel of the edge, for a photograph.

    Returns:
        float32 array `(n, height, width, channels)`, in the range of `images`.

    Example:

    >>> digits = np.full((2, 28, 28, 1), 255, "uint8")
    >>> deformed = warp(digits, np.random.default_rng(0))
    >>> deformed.shape, deformed.dtype.name, float(deformed.max())
    ((2, 28, 28, 1), 'float32', 255.0)
    """
    n, height, width, channels = images.shape

    def drawn(limit):
        return rng.uniform(-limit, limit, n)

    # in rows and columns, from where a pixel was to where it goes, one matrix a picture
    angle, nothing = np.deg2rad(drawn(turn_deg)), np.zeros(n)
    cos, sin = np.cos(angle), np.sin(angle)
    turned = _matrices([[cos, -sin], [sin, cos]])
    grown = _matrices([[1 + drawn(zoom), nothing], [drawn(slant), 1 + drawn(zoom)]])
    shifted = np.stack([drawn(shift), drawn(shift)], axis=1)

    center = (np.array([height, width]) - 1) / 2
    back = np.linalg.inv(turned @ grown)  # SciPy asks where each pixel comes from
    start = center - (back @ (center + shifted)[..., None])[..., 0]
    deformed = np.empty(images.shape, "float32")
    for i, c in np.ndindex(n, channels):
        ndimage.affine_transform(
            images[i, ..., c],
            back[i],
            start[i],
            output=deformed[i, ..., c],
            order=1,
            mode=fill_mode,
        )
    return deformed


def _matrices(rows):
    """Of a matrix of arrays `(n,)`, the array of matrices `(n, 2, 2)`."""
    return np.moveaxis(np.array(rows), -1, 0)
