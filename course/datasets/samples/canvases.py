"""Pictures with something to find, digits or tumours, and windows for a detector to learn from."""

import numpy as np

_SIDE = 28
# A digit and a pixel around it. Of 30 three levels of `cnn` without padding drop nothing: 30, 28,
# 14, 12, 6, 4, 2. Of 28 they would drop two rows: 28, 26, 13, 11, 5, 3, 1.
WINDOW = 30
_LEAST = 150  # pixels of a tumour that is looked for: a disc of 14 pixels across
_APART = 8  # pixels from the window around the nearest object: one farther away is background


def scatter(images, labels, count, size=(110, 158), most=6, seed=0):
    """Paste digits at random places, apart from one another, on noisy canvases.

    Args:
        images: uint8 array `(n, 28, 28)`, light ink on black.
        labels: Integer array `(n,)`.
        count: Integer, how many canvases.
        size: `(height, width)` of a canvas in pixels, 28 or more each.
        most: Integer; each canvas has from 1 to so many digits, fewer where no room is left.
        seed: The same seed draws the same canvases.

    Returns:
        `(canvases, boxes, classes)`: uint8 `(count, height, width)`; for each canvas an int array
        `(k, 4)` of the digits' frames, top, left, bottom, right; and an array `(k,)` of labels.

    Example:

    >>> ink = np.full((2, 28, 28), 255, "uint8")
    >>> canvases, boxes, classes = scatter(ink, np.array([3, 8]), 1, size=(28, 30), most=1)
    >>> canvases.shape, boxes[0][:, 2:] - boxes[0][:, :2]
    ((1, 28, 30), array([[28, 28]]))
    """
    images, labels = np.asarray(images), np.asarray(labels)
    shapes = images.shape[1:] == (_SIDE, _SIDE) and len(images) == len(labels) > 0
    if not shapes or min(size) < _SIDE or most < 1 or count < 1:
        raise ValueError(
            "Expected one image of 28×28 or more, a label for each, a canvas of 28×28 or more, "
            f"count and most of 1 or more. Received: shapes {images.shape} and {labels.shape}, "
            f"size={size}, count={count}, most={most}"
        )
    rng = np.random.default_rng(seed)
    canvases = rng.integers(0, 40, (count, *size), dtype="uint8")
    boxes, classes = [], []
    for canvas in canvases:
        corners, chosen = [], []
        for which in rng.integers(len(images), size=rng.integers(1, most + 1)):
            for _ in range(50):  # until a free place is found
                corner = rng.integers(0, np.array(size) - _SIDE + 1)
                if all(np.abs(corner - other).max() >= _SIDE for other in corners):
                    frame = _cut(canvas, corner, _SIDE)
                    np.maximum(frame, images[which], out=frame)
                    corners.append(corner)
                    chosen.append(labels[which])
                    break
        corners = np.array(corners)
        boxes.append(np.concatenate([corners, corners + _SIDE], axis=1))
        classes.append(np.array(chosen))
    return canvases, boxes, classes


def brain_slices(cases, each=12):
    """Slices of FLAIR through a tumour, and the box around it, from the mask.

    Args:
        cases: `brats.Case`s with a mask.
        each: Integer, slices of a case at most, evenly from the tumour's lower to its upper end.
            Those where it covers less than `_LEAST` pixels are left out.

    Returns:
        As `scatter`: uint8 `(n, height, width)`, one box in each, and its class, 0.

    Raises:
        CourseError: A case cannot be read.
    """
    from course.datasets import brats

    slices, boxes = [], []
    for case in cases:
        image, labels = brats.load_case(case)
        flair, tumour = image[..., case.modalities.index("flair")], labels > 0
        median = np.median(flair[flair > 0])  # the tumour, light, hardly moves it
        grey = np.clip(100 * flair / median, 0, 255).astype("uint8")
        through = np.flatnonzero(tumour.sum(axis=(1, 2)) >= _LEAST)
        for z in np.unique(through[np.linspace(0, len(through) - 1, each).round().astype(int)]):
            rows, columns = (np.flatnonzero(tumour[z].any(axis=axis)) for axis in (1, 0))
            slices.append(grey[z])
            boxes.append([[rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]])
    return np.stack(slices), [np.array(box) for box in boxes], [np.zeros(1, int) for _ in boxes]


def windows(canvases, boxes, classes, background, shift=4, empty=2.0, seed=0):
    """Cut square windows: objects, a little off the middle, and places where none is.

    A detector looks every so many pixels, so an object is hardly ever in the middle of a window;
    half a step is what it must forgive. What lies between an object and its background is left out.

    Args:
        canvases, boxes, classes: As `scatter` or `brain_slices` return them.
        background: Integer, the label of a window without an object.
        shift: Integer, how far an object may be off the middle, in pixels.
        empty: Float, how many windows of background for each object.
        seed: The same seed cuts the same windows.

    Returns:
        `(images, labels)`: uint8 `(n, WINDOW, WINDOW)` and int `(n,)`, shuffled.
    """
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for canvas, frames, digits in zip(canvases, boxes, classes, strict=True):
        room = np.array(canvas.shape) - WINDOW
        around = (frames[:, :2] + frames[:, 2:]) // 2 - WINDOW // 2  # the windows' corners
        for place, digit in zip(around, digits, strict=True):
            corner = np.clip(place + rng.integers(-shift, shift + 1, 2), 0, room)
            images.append(_cut(canvas, corner, WINDOW))
            labels.append(digit)
        for corner in rng.integers(0, room + 1, (round(empty * len(digits)), 2)):
            if np.abs(around - corner).max(axis=1).min() > _APART:
                images.append(_cut(canvas, corner, WINDOW))
                labels.append(background)
    order = rng.permutation(len(labels))
    return np.stack(images)[order], np.array(labels)[order]


def _cut(canvas, corner, side):
    """The pixels of a square from its corner on, a view."""
    top, left = corner
    return canvas[top : top + side, left : left + side]
