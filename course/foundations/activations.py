"""The eight activation functions of the slides' table, each with its derivative.

Every function takes numbers of any shape and answers in that shape, float64; none overflows, not
even at ±1000. Where a function jumps or bends it has no derivative: a convention stands there.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from course.errors import nearest
from course.foundations.checks import finite


def heaviside(z):
    """Unit step: 0 below zero, 0.5 at zero, 1 above."""
    return np.heaviside(z, 0.5)


def sign(z):
    """Signum: -1 below zero, 0 at zero, 1 above."""
    return np.sign(z)


def linear(z):
    """φ(z) = z."""
    return z


def piecewise_linear(z):
    """z + ½ between -½ and ½; 0 before and 1 after."""
    return np.clip(z + 0.5, 0, 1)


def logistic(z):
    """φ(z) = 1 / (1 + e^-z), the sigmoid."""
    return np.exp(-softplus(-z))  # the same number; e^1000 itself would overflow


def tanh(z):
    """Hyperbolic tangent, (e^z - e^-z) / (e^z + e^-z)."""
    return np.tanh(z)


def relu(z):
    """φ(z) = max(0, z)."""
    return np.maximum(0, z)


def softplus(z):
    """φ(z) = ln(1 + e^z), a ReLU without its corner."""
    return np.logaddexp(0, z)  # ln(e^0 + e^z), computed without e^z


@dataclasses.dataclass(frozen=True)
class Activation:
    """A row of the table.

    By convention the derivative is 0 where the step, the sign and the piecewise linear function
    jump or bend, and at the corner of ReLU, as in Keras.
    """

    name: str  # as Keras spells it where Keras has it
    title: str  # Spanish, for figures, as are the next two
    formula: str  # of φ(z)
    use: str  # where it is at home
    function: Callable  # φ(z)
    derivative: Callable  # φ'(z)

    def __call__(self, z):
        return self.function(finite(z, "z"))

    def slope(self, z):
        """φ'(z)."""
        return self.derivative(finite(z, "z"))


ACTIVATIONS = {
    row.name: row
    for row in (
        Activation(
            "heaviside",
            "Escalón (Heaviside)",
            "0 si z < 0; ½ en 0; 1 si z > 0",
            "perceptrón",
            heaviside,
            np.zeros_like,
        ),
        Activation(
            "sign",
            "Signo",
            "−1 si z < 0; 0 en 0; 1 si z > 0",
            "perceptrón",
            sign,
            np.zeros_like,
        ),
        Activation("linear", "Lineal", "z", "Adaline, regresión lineal", linear, np.ones_like),
        Activation(
            "piecewise_linear",
            "Lineal por tramos",
            "z + ½, entre 0 y 1",
            "máquinas de soporte (SVM)",
            piecewise_linear,
            lambda z: (np.abs(z) < 0.5).astype("float64"),
        ),
        Activation(
            "sigmoid",
            "Logística (sigmoide)",
            "1 / (1 + e⁻ᶻ)",
            "regresión logística, redes multicapa",
            logistic,
            lambda z: logistic(z) * logistic(-z),
        ),
        Activation(
            "tanh",
            "Tangente hiperbólica",
            "(eᶻ − e⁻ᶻ) / (eᶻ + e⁻ᶻ)",
            "redes multicapa",
            tanh,
            lambda z: 1 - np.tanh(z) ** 2,
        ),
        Activation(
            "relu",
            "ReLU",
            "max(0, z)",
            "redes multicapa",
            relu,
            lambda z: (z > 0).astype("float64"),
        ),
        Activation("softplus", "Softplus", "ln(1 + eᶻ)", "redes multicapa", softplus, logistic),
    )
}


def activation(name) -> Activation:
    """A row of the table by its name.

    Example:

    >>> step = activation("heaviside")
    >>> step([-2, 0, 2])
    array([0. , 0.5, 1. ])
    >>> activation("relu").slope([-2, 0, 2])
    array([0., 0., 1.])
    """
    if name not in ACTIVATIONS:
        raise ValueError(
            f"Expected one of {', '.join(ACTIVATIONS)}. Received: {name!r}."
            f"{nearest(str(name), ACTIVATIONS)}"
        )
    return ACTIVATIONS[name]
