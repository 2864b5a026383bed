"""What the foundations take: arrays of finite numbers."""

import numpy as np


def finite(values, name):
    """`values` as a float64 array.

    Raises:
        ValueError: For text, rows of unequal length, NaN or infinity.

    Example:

    >>> finite([1, 2], "image")
    array([1., 2.])
    """
    try:
        array = np.asarray(values, dtype="float64")
    except (TypeError, ValueError) as error:
        raise ValueError(f"Expected {name} to be an array of numbers. Received: {error}") from None
    if not np.isfinite(array).all():
        raise ValueError(f"Expected {name} to be finite numbers. Received: NaN or infinity in it")
    return array
