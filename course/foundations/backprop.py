"""The multilayer perceptron of the slides, and backpropagation by the chain rule.

    g(x) = γ₂( Σⱼ wⱼ[2] γ₁( Σᵢ wᵢⱼ[1] xᵢ + b[1]ⱼ ) + b[2] )

and as many hidden layers as one likes. Rows of an array are samples, so a layer's sums for all of
them at once are `z = a @ W + b`; the slides' w with the last index, m+1, is the bias b.
"""

import numpy as np

from course.errors import nearest
from course.foundations.activations import activation as activation_named
from course.foundations.checks import finite
from course.foundations.losses import LOSSES, OUTPUTS


class MLP:
    """A multilayer perceptron with one activation in its hidden layers.

    Args:
        sizes: Neurons of each layer, inputs and outputs included: `(2, 8, 1)`.
        activation: Name of a row of `activations.ACTIVATIONS`, for the hidden layers (γ₁).
        loss: "binary_crossentropy", "categorical_crossentropy" or "squared_error"; it decides the
            output's activation too (γ₂: sigmoid, softmax, linear).
        seed: Integer; weights are drawn from it, uniform in ±√(6 / (in + out)) (Glorot and
            Bengio, 2010), biases are 0, as a Dense layer of Keras begins.

    Attributes:
        weights: List of arrays `(in, out)`, a layer each.
        biases: List of arrays `(out,)`.

    Example:

    >>> x, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    >>> network = MLP((2, 8, 1), "tanh", "binary_crossentropy")
    >>> for _ in range(500):
    ...     loss = network.step(x, t, learning_rate=1.0)
    >>> network.predict(x).round().ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """

    def __init__(self, sizes, activation="tanh", loss="categorical_crossentropy", seed=0):
        _check(sizes, loss)
        self.gamma = activation_named(activation)
        self.loss, self.output = LOSSES[loss], OUTPUTS[loss]
        random = np.random.default_rng(seed)
        pairs = list(zip(sizes[:-1], sizes[1:], strict=True))
        limits = [np.sqrt(6 / (m + n)) for m, n in pairs]
        self.weights = [random.uniform(-r, r, p) for p, r in zip(pairs, limits, strict=True)]
        self.biases = [np.zeros(n) for _, n in pairs]

    def forward(self, x):
        """The forward phase: every layer's inputs and sums, all kept for the way back.

        Returns `(inputs, sums)`: lists with an array a layer, `a` of shape `(n, in)` and `z` of
        shape `(n, out)`; the first `a` is `x`, the last `z` are the logits.
        """
        a, inputs, sums = self._inputs(x), [], []
        for W, b in zip(self.weights, self.biases, strict=True):
            inputs.append(a)
            z = a @ W + b  #           zⱼ = Σᵢ wᵢⱼ aᵢ + bⱼ
            sums.append(z)
            a = self.gamma(z)  #       aⱼ = γ₁(zⱼ)
        return inputs, sums

    def predict(self, x, **_):
        """The network's answer `y = γ₂(z)`: probabilities, or numbers for the squared error."""
        _, sums = self.forward(x)
        return self.output(sums[-1])

    def gradients(self, x, t):
        """The backward phase: the derivative of the loss by every weight, from the output back.

        Returns `(loss, dW, db)`: a number, and lists shaped like `weights` and `biases`.
        """
        inputs, sums = self.forward(x)
        loss, delta = self.loss(sums[-1], t)  #                   δ = ∂L/∂z, in the output layer
        dW, db = [None] * len(sums), [None] * len(sums)
        for k in reversed(range(len(sums))):
            dW[k] = inputs[k].T @ delta  #                 ∂L/∂wᵢⱼ = aᵢ δⱼ
            db[k] = delta.sum(axis=0)  #                        ∂L/∂bⱼ  = δⱼ
            if k:  # there is a layer before: each of its neurons reaches L through all of this one
                back = delta @ self.weights[k].T  #             ∂L/∂aᵢ  = Σⱼ wᵢⱼ δⱼ
                delta = back * self.gamma.slope(sums[k - 1])  #   δᵢ      = ∂L/∂aᵢ γ₁'(zᵢ)
        return loss, dW, db

    def step(self, x, t, learning_rate):
        """One step of gradient descent, `w(t+1) = w(t) - α ∇L`; returns the loss before it."""
        loss, dW, db = self.gradients(x, t)
        for k in range(len(dW)):
            self.weights[k] -= learning_rate * dW[k]
            self.biases[k] -= learning_rate * db[k]
        return float(loss)

    def _inputs(self, x):
        x, inputs = finite(x, "x"), self.weights[0].shape[0]
        if x.ndim != 2 or x.shape[1] != inputs:
            raise ValueError(f"Expected x of shape (samples, {inputs}). Received: shape {x.shape}")
        return x


def numerical_gradients(network, x, t, step=1e-5):
    """The same derivatives without the chain rule: every weight moved a little, both ways.

    Slow, two forward phases for each weight; what backpropagation is checked against. Returns
    `(dW, db)` as `MLP.gradients` orders them.
    """

    def loss():
        return network.loss(network.forward(x)[1][-1], t)[0]

    def slope(array):
        result = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            kept = array[place]
            array[place] = kept + step
            above = loss()
            array[place] = kept - step
            result[place] = (above - loss()) / (2 * step)
            array[place] = kept
        return result

    return [slope(W) for W in network.weights], [slope(b) for b in network.biases]


def _check(sizes, loss):
    whole = all(isinstance(n, int | np.integer) and n > 0 for n in sizes)
    if len(sizes) < 2 or not whole:
        raise ValueError(f"Expected sizes of two layers or more, each 1 or more. Received: {sizes}")
    if loss not in LOSSES:
        raise ValueError(
            f"Expected one of {', '.join(LOSSES)}. Received: {loss!r}.{nearest(str(loss), LOSSES)}"
        )
