"""Grad-CAM: which places of a layer's maps speak for a class."""

import contextlib

import keras
import numpy as np
from keras import layers

from course.explain.layers import (
    ask,
    batch_of,
    class_of,
    convolutions,
    find,
    layers_of,
    passing,
    scores,
    watching,
)

_ACTIVATIONS = (layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU)  # others have `activation`


def grad_cam(model, image, target=None, layer=None):
    """Where a network sees what speaks for a class, by the gradient of the class's score.

    With the maps `A_k` of a layer and the score `y` of the class:

        alpha_k = mean over the map of dy/dA_k        how much the class wants what k has found
        map = relu(sum over k of alpha_k * A_k)       where it has found it

    The score is the logit: what the last layer gives before its activation. A softmax would mix in
    the other classes, for a probability also rises where the others' evidence falls; and where the
    network is sure, its gradient is next to nothing.

    Where a network ends in an average of its maps, as `resnet` does, all places of a map have one
    weight and the mean loses nothing. `cnn` and `vgg` flatten their maps: each place has a weight
    of its own, the mean is a rough one, and the map of a class that has won may be empty (Draelos
    and Carin, arXiv 2011.08891). There, ask `occlusion` too.

    Args:
        model: Functional or Sequential `keras.Model`, other models nested in it or not.
        image: `(height, width, channels)`, with the pixels that the model takes.
        target: Integer, the class. Default: the network's own answer. In a segmentation the score
            is the sum over all pixels (Vinogradova, Dibrov and Myers, AAAI 2020).
        layer: Name of a layer with maps. Default: the last maps before the output that an
            activation has passed; in `resnet` those of the last block. An earlier layer has finer
            maps, of simpler things.

    Returns:
        Float array `(rows, columns)`, 0 or more, in the layer's own resolution: an image of 28×28
        of which a layer has 4×4 maps gets 16 numbers, whatever a figure makes of them.

    Source: Selvaraju et al., *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
    Localization*, ICCV 2017, equations 1 and 2.

    Example:

    >>> from course.models import cnn
    >>> model = cnn((28, 28, 1), 10)
    >>> grad_cam(model, np.zeros((28, 28, 1)), target=7).shape
    (4, 4)
    """
    batch = batch_of(model, image)
    layer = _last_maps(model) if layer is None else find(model, layer)
    if layer.output.ndim != batch.ndim:
        raise ValueError(
            "Expected a layer with maps (height, width, filters), such as "
            f"{convolutions(model)[-1].name!r}. Received: {layer.name!r}, which gives "
            f"{layer.output.shape[1:]}"
        )
    with watching([layer]) as seen:
        target = class_of(target, scores(ask(model, batch))[0])

    def score(nudge):
        with passing(layer, lambda maps: maps + nudge):
            return keras.ops.sum(model(batch, training=False)[..., target])

    with _logits(model):
        # how the score changes with what is added to the maps is how it changes with the maps
        slopes = gradient(score, keras.ops.zeros_like(seen[layer.name]))
    maps, slopes = (
        keras.ops.convert_to_numpy(each)[0].astype("float32") for each in (seen[layer.name], slopes)
    )
    alpha = slopes.mean(axis=tuple(range(slopes.ndim - 1)))
    return np.maximum(maps @ alpha, 0)


def gradient(function, x):
    """How `function(x)`, a number, grows with each value of the tensor `x`; with any backend."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x)
    if backend == "jax":
        import jax

        return jax.grad(function)(x)
    import torch

    x = x.detach().requires_grad_()
    return torch.autograd.grad(function(x), x)[0]


def _last_maps(model):
    """The last maps before the output that an activation has passed.

    What a convolution gives before it has no zero that means "not found": a normalization behind it
    would still move that.
    """
    *before, output = layers_of(model)
    before = [layer for layer in before if layer.output.ndim == model.inputs[0].ndim]
    found = [conv for conv in convolutions(model) if conv is not output] or [output]
    *_, last = found + [layer for layer in before if _activates(layer)]
    size = last.output.shape[:-1]
    *_, last = [last] + [layer for layer in before if layer.output.shape[:-1] == size]
    return last


def _activates(layer):
    own = getattr(layer, "activation", None)
    return isinstance(layer, _ACTIVATIONS) or own not in (None, keras.activations.linear)


@contextlib.contextmanager
def _logits(model):
    """While it lasts, the last layer's activation is left out."""
    last = layers_of(model)[-1]
    activation = getattr(last, "activation", None)
    if activation is None:
        yield
        return
    last.activation = keras.activations.linear
    try:
        yield
    finally:
        last.activation = activation
