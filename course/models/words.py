"""Words become numbers before the network: no backend but TensorFlow computes with text."""

import keras
import numpy as np

from course.errors import CourseError


def one_hot_words(vocabulary, name=None):
    """A column of words as ones and zeros: Keras' `StringLookup`, where it can be had.

    Args:
        vocabulary: List of strings. Each has a place of its own, after one for all other words.
        name: String, the layer's name.

    Returns:
        `keras.layers.StringLookup`: text `(batch, 1)` to float `(batch, 1 + len(vocabulary))`.

    Raises:
        CourseError: TensorFlow is not installed, which reads the text for every backend.

    Example:

    >>> one_hot_words(["near", "far"])(keras.Input((1,), dtype="string")).shape
    (None, 3)
    """
    try:
        return keras.layers.StringLookup(vocabulary=vocabulary, output_mode="one_hot", name=name)
    except ImportError as error:
        raise CourseError(
            "Leer una columna de palabras: se esperaba TensorFlow, que lo hace también cuando "
            "calcula otro. Aquí no está instalado.\n"
            "Qué hacer: en Colab elige CPU en Entorno de ejecución → Cambiar tipo de entorno de "
            "ejecución, y ejecuta todo otra vez; en otra parte, pip install tensorflow"
        ) from error


def without_words(model):
    """The same network, from where its `StringLookup` layers have turned words into numbers.

    Every backend compiles it, and it shares all weights with `model`: train this one, save that
    one, which takes the words themselves. `words_to_numbers` makes its inputs.

    Args:
        model: A functional `keras.Model` whose inputs are a dict.

    Returns:
        Functional `keras.Model` with inputs of the same names; `model` itself if no input is text.

    Example:

    >>> size = keras.Input((1,), name="size")
    >>> sea = keras.Input((1,), name="sea", dtype="string")
    >>> ones = keras.layers.StringLookup(vocabulary=["near", "far"], output_mode="one_hot")(sea)
    >>> answer = keras.layers.Dense(1)(keras.layers.Concatenate()([size, ones]))
    >>> model = keras.Model({"size": size, "sea": sea}, answer)
    >>> without_words(model).input["sea"].shape
    (None, 3)
    """
    lookups = _lookups(model)
    if not lookups:
        return model
    inputs = {
        name: _like(lookups[name].output if name in lookups else tensor, name)
        for name, tensor in model.input.items()
    }

    def call(layer, *args, **kwargs):
        return args[0] if layer in lookups.values() else layer(*args, **kwargs)

    return keras.models.clone_model(
        model, input_tensors=inputs, clone_function=lambda layer: layer, call_function=call
    )


def words_to_numbers(model, inputs):
    """Turn columns of words into what `without_words(model)` takes for them.

    Args:
        model: The functional `keras.Model` that takes words.
        inputs: Dict of arrays `(n,)` or `(n, 1)`, one for each input of `model`.

    Returns:
        Dict of arrays: each column of words as `(n, places)`, the others as they are.
    """
    found = {}
    for name, lookup in _lookups(model).items():
        words = np.reshape(np.asarray(inputs[name], dtype=object), (-1, 1))
        found[name] = keras.ops.convert_to_numpy(lookup(words))
    return {**inputs, **found} if found else inputs


def _lookups(model):
    """By the input's name, the `StringLookup` that takes it."""
    if not isinstance(getattr(model, "input", None), dict):
        return {}
    names = {id(tensor): name for name, tensor in model.input.items()}
    layers = (one for one in model.layers if isinstance(one, keras.layers.StringLookup))
    return {names[id(one.input)]: one for one in layers if id(one.input) in names}


def _like(tensor, name):
    return keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
