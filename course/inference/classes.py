"""What a classifier answers: the likeliest class or, of two, one from its threshold on."""

import numpy as np


def decide(probabilities, positive=None, threshold=0.5):
    """The class that a classifier answers for each sample.

    Args:
        probabilities: `(n, classes)`.
        positive: Of two classes the number of the one that is looked for, or `None`.
        threshold: The probability from which on that one is the answer; without it, the likeliest.

    Returns:
        Class numbers, `(n,)`.

    Example:

    >>> decide([[0.4, 0.6]]).tolist(), decide([[0.4, 0.6]], positive=1, threshold=0.9).tolist()
    ([1], [0])
    """
    probabilities = np.asarray(probabilities)
    if positive is None:
        return probabilities.argmax(axis=1)
    # in float64, for a threshold rounded to float32 may fall upon a probability
    reached = probabilities[:, positive].astype("float64") >= threshold
    return np.where(reached, positive, 1 - positive)
