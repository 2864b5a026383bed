"""The slides' losses, each with its derivative by what the network answers.

A loss takes the last layer's sums `z` (the logits, before sigmoid or softmax), shape `(n, k)`, and
the targets `t`, and returns `(loss, ∂loss/∂z)`: the mean over the n samples, and an array like
`z`. Taken from the logits no logarithm ever meets a zero, and both cross-entropies and the squared
error have the same simple derivative: what was answered minus what was right.
"""

import numpy as np

from course.foundations.activations import logistic, softplus
from course.foundations.checks import finite


def softmax(z):
    """Probabilities of the classes, `e^z / Σ e^z` along the last axis.

    Example:

    >>> softmax(np.array([[1000.0, 1000.0]]))
    array([[0.5, 0.5]])
    """
    e = np.exp(z - z.max(axis=-1, keepdims=True))  # the largest exponent becomes 0
    return e / e.sum(axis=-1, keepdims=True)


def binary_crossentropy(z, t):
    """`L = -[t ln y + (1-t) ln(1-y)]` with `y = sigmoid(z)`; `t` is 0 or 1, `(n, k)`.

    Example:

    >>> loss, slope = binary_crossentropy([[0.0]], [[1]])
    >>> round(float(loss), 4), slope
    (0.6931, array([[-0.5]]))
    """
    z, t = _pair(z, t)
    if t.min() < 0 or t.max() > 1:
        raise ValueError(f"Expected targets from 0 to 1. Received: {t.min():g} to {t.max():g}")
    loss = softplus(z) - t * z  # -ln y = softplus(-z), and -ln(1-y) = softplus(z)
    return loss.sum() / len(z), (logistic(z) - t) / len(z)


def categorical_crossentropy(z, t):
    """`L = -Σ tᵢ ln yᵢ` with `y = softmax(z)`; `t` are class numbers, `(n,)`, or ones and zeros.

    Example:

    >>> loss, slope = categorical_crossentropy([[0.0, 0.0]], [1])
    >>> round(float(loss), 4), slope
    (0.6931, array([[ 0.5, -0.5]]))
    """
    z = finite(z, "z")
    z, t = _pair(z, _one_hot(t, z.shape[-1]) if np.ndim(t) == 1 else t)
    top = z.max(axis=1, keepdims=True)
    log_y = z - top - np.log(np.exp(z - top).sum(axis=1, keepdims=True))
    return -(t * log_y).sum() / len(z), (softmax(z) - t) / len(z)


def squared_error(z, t):
    """`L = ½ (t - y)²` with `y = z`, a linear last layer.

    Example:

    >>> loss, slope = squared_error([[3.0]], [[1.0]])
    >>> float(loss), slope
    (2.0, array([[2.]]))
    """
    z, t = _pair(z, t)
    return 0.5 * ((t - z) ** 2).sum() / len(z), (z - t) / len(z)


LOSSES = {
    loss.__name__: loss for loss in (binary_crossentropy, categorical_crossentropy, squared_error)
}
# What turns the last sums into the network's answer y.
OUTPUTS = {
    "binary_crossentropy": logistic,
    "categorical_crossentropy": softmax,
    "squared_error": lambda z: z,
}


def _one_hot(labels, classes):
    labels = finite(labels, "targets")
    if not labels.size:
        raise ValueError("Expected one sample or more. Received: none")
    if (labels != labels.round()).any() or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"Expected class numbers from 0 to {classes - 1}. "
            f"Received: {labels.min():g} to {labels.max():g}"
        )
    return np.eye(classes)[labels.astype(int)]


def _pair(z, t):
    z, t = finite(z, "z"), finite(t, "targets")
    if z.ndim != 2 or z.shape != t.shape or not z.size:
        raise ValueError(
            "Expected answers and targets of one shape, (samples, outputs). "
            f"Received: {z.shape} and {t.shape}"
        )
    return z, t
