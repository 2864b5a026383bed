"""What students answer in Taller 0."""

import math

import keras
import numpy as np

from tests.answers import Answers


def softplus_piece_by_piece(z):
    return [x if x > 30 else math.log1p(math.exp(x)) for x in z]


def softplus_of_keras(z):
    return keras.ops.softplus(keras.ops.convert_to_tensor(z, "float32"))


def softplus_naive(z):
    e = np.exp(z)
    return np.log(e + 1)


def softplus_slope(z):
    e = np.exp(-z)
    return 1 / (1 + e)


ANSWERS = {
    "0.1": Answers(
        right=[softplus_piece_by_piece, softplus_of_keras],
        wrong=[
            (softplus_naive, "se desborda"),
            (softplus_slope, "sigmoide"),
            (lambda z: z * (z > 0), "Eso es ReLU"),
        ],
    ),
}
