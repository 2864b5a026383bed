"""What the foundations take: arrays of finite numbers."""

import numpy as np


def finite(values, name):
    """`values` as a float64 array; ValueError for text, unequal rows, NaN or infinity."""
    try:
        array = np.asarray(values, dtype="float64")
    except (TypeError, ValueError) as error:
        raise ValueError(f"Expected {name} to be an array of numbers. Received: {error}") from None
    if not np.isfinite(array).all():
        raise ValueError(f"Expected {name} to be finite numbers. Received: NaN or infinity in it")
    return array
