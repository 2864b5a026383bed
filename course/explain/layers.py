"""The layers inside a model, whatever models are nested in it, and what passes through them."""

import contextlib

import keras
import numpy as np
from keras import layers

from course.errors import nearest
from course.foundations.checks import finite


def batch_of(model, image):
    """An image as a batch of one, float32; ValueError if it is none that the model takes."""
    if not _has_graph(model) or len(model.inputs) != 1 or model.inputs[0].ndim not in (4, 5):
        raise ValueError(
            "Expected a functional or built Sequential keras.Model that takes images, such as "
            f"course.models.cnn. Received: {_named(model)}"
        )
    image = finite(image, "image")
    shape = model.inputs[0].shape[1:]
    fits = image.ndim == len(shape) and all(
        theirs in (None, ours) for theirs, ours in zip(shape, image.shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"Expected one image of shape {shape}, as {model.name!r} takes it. "
            f"Received: shape {image.shape}"
        )
    return image[None].astype("float32")


def ask(model, batch):
    """The model's answer to a batch, as in prediction."""
    try:
        return model(batch, training=False)
    except Exception as error:  # each backend has a class of its own for shapes that do not fit
        if None not in model.inputs[0].shape[1:]:
            raise
        raise ValueError(
            f"Expected an image whose sizes {model.name!r} can work with; a U-Net of four levels "
            f"halves them three times, without a rest. Received: shape {batch.shape[1:]}"
        ) from error


def layers_of(model):
    """Every layer of a model in order; a nested model's own layers stand in its place."""
    if not _has_graph(model):
        raise ValueError(
            "Expected a functional or built Sequential keras.Model, such as course.models.cnn. "
            f"Received: {_named(model)}"
        )
    found = []
    for layer in model.layers:
        if _has_graph(layer):
            found += layers_of(layer)
        elif not isinstance(layer, layers.InputLayer):
            found.append(layer)
    return found


def find(model, name):
    """The layer of that name, nested or not."""
    known = {layer.name: layer for layer in layers_of(model)}
    if name not in known:
        raise ValueError(
            f"Expected the name of a layer of {model.name!r}. "
            f"Received: {name!r}.{nearest(name, known, repr, cutoff=0)}"
        )
    return known[name]


def convolutions(model):
    """The convolutions in order, without the transposed ones; ValueError if there is none."""
    kinds = (layers.Conv2D, layers.Conv3D)
    found = [layer for layer in layers_of(model) if isinstance(layer, kinds)]
    if not found:
        raise ValueError(
            f"Expected a model with convolutions, such as course.models.cnn. Received: "
            f"{_named(model)}, which has none"
        )
    return found


@contextlib.contextmanager
def passing(layer, change):
    """While it lasts, what the layer gives goes through `change`, in whichever model it stands.

    Keras has no hooks as PyTorch has, and a second model built up to a layer (`keras.Model(inputs,
    layer.output)`) does not reach into a nested one.
    """
    call = layer.call
    layer.call = lambda *args, **kwargs: change(call(*args, **kwargs))
    try:
        yield
    finally:
        del layer.call  # the class's own comes to light again


@contextlib.contextmanager
def watching(chosen):
    """While it lasts, a dict fills with what each of these layers gives, by the layer's name."""
    seen = {}

    def keep(name):
        def kept(maps):
            seen[name] = maps
            return maps

        return kept

    with contextlib.ExitStack() as stack:
        for layer in chosen:
            stack.enter_context(passing(layer, keep(layer.name)))
        yield seen


def scores(answers):
    """The score of each class, `(batch, classes)`: where pixels have one each, their sum."""
    answers = keras.ops.convert_to_numpy(answers).astype("float32")
    return answers.reshape(len(answers), -1, answers.shape[-1]).sum(axis=1)


def class_of(target, answer):
    """The class asked for: `target`, or the one with the highest score for None."""
    if target is None:
        return int(np.argmax(answer))
    if not isinstance(target, int | np.integer) or not 0 <= target < len(answer):
        raise ValueError(
            f"Expected target to be a class from 0 to {len(answer) - 1}. Received: {target!r}"
        )
    return int(target)


def _has_graph(model):
    return isinstance(model, keras.Model) and bool(getattr(model, "inputs", None))


def _named(model):
    return f"{type(model).__name__} {getattr(model, 'name', model)!r}"
