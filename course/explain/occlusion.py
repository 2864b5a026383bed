"""Occlusion: cover a part of the image and see how much of the answer is lost."""

import itertools

import numpy as np

from course.explain.layers import ask, batch_of, class_of, scores

_AT_ONCE = 64  # covered images in a batch


def occlusion(model, image, target=None, patch=7, stride=2, fill=None):
    """How much a class's score falls when a patch of the image is covered.

    It needs no gradient and asks the network itself, once for each place of the patch: slower than
    Grad-CAM, finer, and it also shows what speaks against the class.

    Args:
        model: `keras.Model`, `(batch, height, width, channels)` in, `(batch, classes)` out; or a
            segmentation, whose score is the sum over all pixels.
        image: `(height, width, channels)`, with the pixels that the model takes.
        target: Integer, the class. Default: the network's own answer.
        patch: Integer, the side of the patch in pixels.
        stride: Integer, pixels from one place of the patch to the next; the last one ends where
            the image does.
        fill: Number, or one for each channel, that the patch is filled with. Default: the image's
            mean, the grey of the paper.

    Returns:
        Float array `(height, width)`: the fall of the score, mean over all patches that cover the
        pixel. Positive where the class needs the pixel, negative where it is better off without.
        With softmax the score is a probability and the fall at most 1.

    Source: Zeiler and Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014,
    figure 6 (d), where the patch's middle carries its score.

    Example: a network that adds up its pixels loses those that are covered.

    >>> import keras
    >>> model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten()])
    >>> model.add(keras.layers.Dense(1, kernel_initializer="ones"))
    >>> occlusion(model, [[[1], [2]], [[3], [4]]], patch=1, stride=1, fill=0).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    batch = batch_of(model, image)
    if batch.ndim != 4:
        raise ValueError(
            f"Expected an image (height, width, channels). Received: {batch.shape[1:]}"
        )
    _, height, width, channels = batch.shape
    for name, value, most in (("patch", patch, min(height, width)), ("stride", stride, patch)):
        if not isinstance(value, int | np.integer) or not 1 <= value <= most:
            raise ValueError(
                f"Expected {name} to be a whole number from 1 to {most}. Received: {value!r}"
            )
    fill = batch.mean(axis=(0, 1, 2)) if fill is None else np.asarray(fill, "float32")
    if fill.shape not in ((), (channels,)) or not np.isfinite(fill).all():
        raise ValueError(
            f"Expected fill to be a number, or {channels}, one for each channel. Received: {fill}"
        )

    whole = scores(ask(model, batch))[0]
    target = class_of(target, whole)
    corners = itertools.product(*(_starts(side, patch, stride) for side in (height, width)))
    places = [np.s_[top : top + patch, left : left + patch] for top, left in corners]
    falls, times = np.zeros((height, width)), np.zeros((height, width))
    for first in range(0, len(places), _AT_ONCE):
        chosen = places[first : first + _AT_ONCE]
        covered = np.repeat(batch, len(chosen), axis=0)
        for one, place in zip(covered, chosen, strict=True):
            one[place] = fill
        answers = scores(ask(model, covered))[:, target]
        for score, place in zip(answers, chosen, strict=True):
            falls[place] += whole[target] - score
            times[place] += 1
    return (falls / times).astype("float32")


def _starts(side, patch, stride):
    """Where patches begin along a side; the last one ends where the side does."""
    return [*range(0, side - patch, stride), side - patch]
