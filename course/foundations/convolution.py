"""The slides' convolution, padding and max-pooling.

What deep learning calls a convolution is a **cross-correlation**: the kernel is laid on the image
as it is. A mathematician's convolution turns it by 180° first. For learned kernels that is no
difference, the network would learn the turned one; for the slides' worked numbers it is.
"""

import numpy as np

from course.foundations.checks import finite

# The image and the kernel of the slide "Operaciones convolucionales".
SLIDE_IMAGE = np.array(
    [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
)
SLIDE_KERNEL = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])


def convolve(image, kernel, stride=1, padding="valid"):
    """Slide a kernel over an image; multiply and add up at each place.

    Args:
        image: `(height, width)`, or `(height, width, channels)`.
        kernel: `(rows, columns)`, or `(rows, columns, channels, filters)` as in Keras.
        stride: Pixels from one place to the next.
        padding: "valid", the kernel stays inside; or "same", zeros around the image so that with
            stride 1 the result has its size (the kernel's sides must then be odd: it has a middle).

    Returns:
        `(new_height, new_width)`, with a last axis of filters where the kernel has them.

    Example: the first place of the slide, 4, and all others.

    >>> convolve(SLIDE_IMAGE, SLIDE_KERNEL)
    array([[4., 3., 4.],
           [2., 4., 3.],
           [2., 3., 4.]])
    """
    image, kernel = finite(image, "image"), finite(kernel, "kernel")
    _check_shapes(image, kernel)
    if padding == "same" and not all(side % 2 for side in kernel.shape[:2]):
        raise ValueError(
            'Expected odd sides of the kernel for padding="same": an even one has no middle. '
            f"Received: {kernel.shape[0]}×{kernel.shape[1]}"
        )
    places, image = _places(image, kernel.shape[:2], stride, padding)
    return _each(
        places, image, kernel.shape[:2], lambda patch: np.tensordot(patch, kernel, image.ndim)
    )


def max_pool(image, size=2, stride=None):
    """Keep the largest value of each window; what does not fill a window is left out.

    Args:
        image: `(height, width)`, or `(height, width, channels)`: each channel by itself.
        size: Side of the window.
        stride: Pixels from one window to the next; default `size`, windows side by side.

    Example: the slide's.

    >>> max_pool([[7, 3, 5, 2], [8, 7, 1, 6], [4, 9, 3, 9], [0, 8, 4, 5]])
    array([[8., 6.],
           [9., 9.]])
    """
    image = finite(image, "image")
    if image.ndim not in (2, 3):
        raise ValueError(f"Expected (height, width[, channels]). Received: shape {image.shape}")
    _positive("size", size)
    stride = size if stride is None else stride
    places, image = _places(image, (size, size), stride, "valid")
    return _each(places, image, (size, size), lambda patch: patch.max(axis=(0, 1)))


def pad(image, amount=1):
    """Put `amount` zeros around an image, on each side.

    >>> pad([[5]])
    array([[0., 0., 0.],
           [0., 5., 0.],
           [0., 0., 0.]])
    """
    image = finite(image, "image")
    if image.ndim not in (2, 3) or not isinstance(amount, int | np.integer) or amount < 0:
        raise ValueError(
            "Expected (height, width[, channels]) and an amount of 0 or more. "
            f"Received: shape {image.shape} and {amount!r}"
        )
    return _padded(image, [(amount, amount)] * 2)


def _each(places, image, window, function):
    """`function` of the window at each place, in the places' own arrangement."""
    rows, columns = places
    height, width = window
    return np.array(
        [[function(image[i : i + height, j : j + width]) for j in columns] for i in rows]
    )


def _places(image, window, stride, padding):
    """Upper left corners, `(rows, columns)`, and the image, padded if that is wanted."""
    _positive("stride", stride)
    if padding not in ("valid", "same"):
        raise ValueError(f'Expected padding "valid" or "same". Received: {padding!r}')
    if padding == "same":  # ⌈side / stride⌉ places, and as many zeros as these need
        wanted = [-(-side // stride) for side in image.shape[:2]]
        needed = [
            max(0, (n - 1) * stride + size - side)
            for n, size, side in zip(wanted, window, image.shape[:2], strict=True)
        ]
        image = _padded(image, [(n // 2, n - n // 2) for n in needed])
    if any(size > side for size, side in zip(window, image.shape[:2], strict=True)):
        raise ValueError(
            f"Expected a window that fits into the image, {image.shape[0]}×{image.shape[1]}. "
            f"Received: {window[0]}×{window[1]}"
        )
    return [
        range(0, side - size + 1, stride)
        for side, size in zip(image.shape[:2], window, strict=True)
    ], image


def _padded(image, widths):
    return np.pad(image, [*widths, *[(0, 0)] * (image.ndim - 2)])


def _positive(name, value):
    if not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"Expected {name} to be a whole number, 1 or more. Received: {value!r}")


def _check_shapes(image, kernel):
    flat = image.ndim == kernel.ndim == 2
    deep = image.ndim == 3 and kernel.ndim == 4 and image.shape[2] == kernel.shape[2]
    if not (flat or deep) or 0 in (*image.shape, *kernel.shape):
        raise ValueError(
            "Expected (height, width) and (rows, columns), or (height, width, channels) and "
            "(rows, columns, channels, filters) with the same channels. "
            f"Received: shapes {image.shape} and {kernel.shape}"
        )
