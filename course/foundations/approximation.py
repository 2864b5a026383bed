"""The universal approximation theorem, in one dimension, where it can be built by hand.

A network with one hidden layer, `Σⱼ wⱼ γ(aⱼ x + bⱼ) + w₀`, comes as close as one likes to any
continuous function on a compact set, if it has enough neurons and γ is not a polynomial. It says
that such weights exist; neither how many neurons it takes nor that training finds them.

- G. Cybenko, "Approximation by superpositions of a sigmoidal function", Mathematics of Control,
  Signals, and Systems 2, 303–314, 1989: continuous sigmoidal γ.
- K. Hornik, M. Stinchcombe and H. White, "Multilayer feedforward networks are universal
  approximators", Neural Networks 2, 359–366, 1989.
- K. Hornik, "Approximation capabilities of multilayer feedforward networks", Neural Networks 4,
  251–257, 1991: continuous, bounded, non-constant γ.
- M. Leshno, V. Ya. Lin, A. Pinkus and S. Schocken, "Multilayer feedforward networks with a
  nonpolynomial activation function can approximate any function", Neural Networks 6, 861–867,
  1993: γ must not be a polynomial, and then that is enough.
"""

import numpy as np

from course.foundations.activations import logistic

# Three continuous functions on [0, 1], by what is difficult about them.
FUNCTIONS = {
    "Onda: sen 4πx": lambda x: np.sin(4 * np.pi * x),
    "Esquina: |2x − 1|": lambda x: np.abs(2 * x - 1),
    "Punta estrecha": lambda x: np.exp(-(((x - 0.3) / 0.05) ** 2)),
}


def staircase(function, neurons):
    """The proof as a network: each hidden neuron is one smooth step up or down.

    The interval [0, 1] is cut into as many pieces as there are neurons. In the middle of a piece
    a logistic neuron rises from 0 to 1, and its output weight is what the function gains there.

    Args:
        function: Continuous, of an array of numbers in [0, 1].
        neurons: Integer, 1 or more.

    Returns:
        A function of an array, the network's answer.

    Example:

    >>> network = staircase(np.sqrt, 1000)
    >>> bool(abs(network(np.array([0.25])) - 0.5) < 0.01)
    True
    """
    _check(neurons)
    edges = np.linspace(0, 1, neurons + 1)
    heights = np.diff(function(edges))  #             output weights wⱼ
    centres = (edges[:-1] + edges[1:]) / 2
    slope = 4 * neurons  #                            steep enough to be a step, not a wall

    def network(x):
        return function(edges[0]) + logistic(slope * (np.ravel(x)[:, None] - centres)) @ heights

    return network


def best_output(function, neurons, seed=0, points=256):
    """A network whose hidden neurons are drawn at random and whose output weights are the best.

    With the hidden layer fixed the squared error is a parabola in the output weights, and least
    squares finds its bottom: no training. The first k neurons are the same for every size, so the
    error on the fitted points can only fall as neurons are added.

    Args:
        function, neurons: As for `staircase`, and so is what is returned.
        seed: Integer, of the hidden weights.
        points: How many places of [0, 1] the output weights are fitted at.
    """
    _check(neurons)
    draws = np.random.default_rng(seed).uniform(size=(neurons, 3))
    slopes = np.where(draws[:, 2] < 0.5, -1, 1) * (5 + 55 * draws[:, 1])
    centres = 1.2 * draws[:, 0] - 0.1

    def hidden(x):
        z = slopes * (np.ravel(x)[:, None] - centres)
        return np.column_stack([logistic(z), np.ones(len(z))])

    x = np.linspace(0, 1, points)
    weights = np.linalg.lstsq(hidden(x), function(x), rcond=None)[0]
    return lambda x: hidden(x) @ weights


def largest_error(function, network, points=2001):
    """The distance of the theorem: the largest |function - network| on [0, 1].

    >>> largest_error(np.square, lambda x: 0 * x)
    1.0
    """
    x = np.linspace(0, 1, points)
    return float(np.max(np.abs(function(x) - network(x))))


def _check(neurons):
    if not isinstance(neurons, int | np.integer) or neurons < 1:
        raise ValueError(f"Expected a whole number of neurons, 1 or more. Received: {neurons!r}")
