"""A trained network as a list of plain steps, which NumPy and a page's JavaScript take alike.

A step is a dict: `kind`, `of` (the names of the values that it takes; a number stands for itself),
`name` (of the value that it gives), its settings, and its weights as `{"offset": n, "shape": […]}`
into one float32 array. `answer` takes them one after another, as the page's own `network.js` does:

    scale       x * factor + offset
    normalize   (x - mean) * factor + offset, per channel; the factor may be negative
    convolution, max_pool, average_pool     a window `size` moved by `strides`, "same" or "valid"
    pad         zeros around a picture, [[above, below], [left, right]]
    flatten, dense, concatenate, softmax    over one example's numbers
    one_hot     a word as zeros and a one; the first place is for a word that is not known
    relu, tanh, log1p, subtract, …          number by number: see `_EACH`
"""

import math

import keras
import numpy as np
from scipy import special

from course.errors import CourseError

# ---- from a model to its steps


def steps_of(model):
    """Write a model down as steps.

    Args:
        model: A `Sequential` or functional `keras.Model` with one output: `mlp`, `cnn` or `vgg` of
            `course.models`, or one of Keras' own layers that has steps for all of them.

    Returns:
        `(steps, weights)`: a list of dicts, as the module says, and a float32 array `(n,)`.

    Raises:
        CourseError: A layer has no step; it is named.

    Example:

    >>> model = keras.Sequential([keras.Input((2,), name="x"), keras.layers.Dense(1, name="sum")])
    >>> model.set_weights([np.array([[1.0], [10.0]]), np.array([0.5])])
    >>> steps, weights = steps_of(model)
    >>> steps[0]["kind"], steps[0]["of"], weights.tolist()
    ('dense', ['x'], [1.0, 10.0, 0.5])
    >>> answer(steps, weights, np.array([[2, 3]])).tolist()
    [[32.5]]
    """
    if len(model.outputs) != 1:
        raise CourseError(f"La red {model.name} tiene {len(model.outputs)} salidas: se esperaba 1.")
    written = _Written()
    output = written.model(model, {}, "")
    if not written.steps or written.steps[-1]["name"] != output:
        raise CourseError(f"La red {model.name} no termina en su última capa.")
    return written.steps, np.concatenate([np.zeros(0, "float32"), *written.arrays])


class _Written:
    """The steps that are written down so far, and their weights."""

    def __init__(self):
        self.steps, self.arrays, self.length = [], [], 0

    def weights(self, array):
        """Keep an array; returns where it lies."""
        array = np.asarray(array, "float32")
        place = {"offset": self.length, "shape": list(array.shape)}
        self.arrays.append(array.ravel())
        self.length += array.size
        return place

    def step(self, kind, of, name, **settings):
        self.steps.append({"kind": kind, "of": of, "name": name, **settings})
        return name

    def model(self, model, given, prefix):
        """Write down a model; returns the name of its output.

        `given` are the names of what its inputs take from a model around it, whose name and a
        slash are the `prefix` of its layers' names.
        """
        if isinstance(model, keras.Sequential):
            value = given.get(model.inputs[0].name, model.inputs[0].name)
            for layer in model.layers:
                value = self.layer(layer, [value], prefix + layer.name)
            return value
        config = model.get_config()  # the public form of the graph, which a .keras file has too
        operations = {operation.name: operation for operation in model.operations}
        names = {}
        for item in config["layers"]:
            name, nodes = item["name"], item["inbound_nodes"]
            if item["class_name"] == "InputLayer":
                names[name] = given.get(name, name)
                continue
            if len(nodes) != 1:
                raise _no_step(prefix + name, "usada más de una vez")
            of = list(_taken(nodes[0]["args"], names))
            names[name] = self._node(operations[name], of, nodes[0]["kwargs"], prefix + name)
        return names[keras.tree.flatten(config["output_layers"])[0]]

    def _node(self, operation, of, named, name):
        if isinstance(operation, keras.layers.Layer):
            return self.layer(operation, of, name)
        kind = type(operation).__name__
        plain = all(isinstance(one, str | float | int) for one in of) and not any(named.values())
        shapes = {tensor.shape for tensor in keras.tree.flatten(operation.input)}
        if kind not in _OPERATIONS or not plain or shapes != {operation.output.shape}:
            raise _no_step(name, kind)
        return self.step(_OPERATIONS[kind], of, name)

    def layer(self, layer, of, name):
        """Write down a layer; returns the name of its output."""
        if isinstance(layer, keras.Model):
            inputs = [tensor.name for tensor in layer.inputs]
            return self.model(layer, dict(zip(inputs, of, strict=True)), f"{name}/")
        write = _LAYERS.get(layer.__class__)
        if write is None or not (settings := write(layer, self)):
            raise _no_step(name, type(layer).__name__)
        kind = settings.pop("kind")
        if kind is None:  # it does something in training only
            return of[0]
        activation = settings.pop("activation", "linear")
        value = self.step(kind, of, name, **settings)
        if activation == "linear":
            return value
        if not _is_known(activation, layer):
            raise _no_step(name, f"activation {activation}")
        return self.step(activation, [value], f"{name}.{activation}")


def _taken(arguments, names):
    """What a node takes, from its arguments as JSON has them: names of values, and numbers."""
    if isinstance(arguments, list | tuple):
        for item in arguments:
            yield from _taken(item, names)
    elif isinstance(arguments, dict) and arguments.get("class_name") == "__keras_tensor__":
        yield names[arguments["config"]["keras_history"][0]]
    else:
        yield arguments


def _no_step(name, what):
    return CourseError(f"La capa {name} ({what}) no se puede escribir como un paso de la página.")


# ---- each layer as the settings of a step; None if these settings have no step


def _convolution(layer, written):
    if layer.groups != 1 or set(layer.dilation_rate) != {1} or not _is_last(layer):
        return None
    return _window("convolution", layer, layer.kernel_size) | _product(layer, written)


def _dense(layer, written):
    return {"kind": "dense", **_product(layer, written)} if _is_flat(layer) else None


def _product(layer, written):
    """What a convolution and a dense layer have in common: kernel, bias and activation."""
    bias = layer.bias if layer.use_bias else np.zeros(layer.kernel.shape[-1])
    activation = keras.activations.serialize(layer.activation)
    return {
        "kernel": written.weights(layer.kernel),
        "bias": written.weights(bias),
        "activation": activation if isinstance(activation, str) else "?",
    }


def _pool(kind):
    def write(layer, written):
        return _window(kind, layer, layer.pool_size) if _is_last(layer) else None

    return write


def _window(kind, layer, size):
    settings = {"size": list(size), "strides": list(layer.strides), "padding": layer.padding}
    return {"kind": kind, **settings}


def _batch_normalization(layer, written):
    if layer.axis not in (-1, len(layer.input.shape) - 1):
        return None
    mean, variance = map(np.asarray, (layer.moving_mean, layer.moving_variance))
    gamma = np.asarray(layer.gamma) if layer.scale else np.ones_like(mean)
    beta = np.asarray(layer.beta) if layer.center else np.zeros_like(mean)
    return _normalize(mean, gamma / np.sqrt(variance + layer.epsilon), beta, written)


def _normalization(layer, written):
    if layer.invert or not _is_flat(layer):
        return None
    width = layer.input.shape[-1]
    mean, variance = (np.resize(np.asarray(part), width) for part in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(variance), keras.backend.epsilon())
    return _normalize(mean, 1 / deviation, np.zeros(width), written)


def _normalize(mean, factor, offset, written):
    parts = {"mean": mean, "factor": factor, "offset": offset}
    return {"kind": "normalize", **{key: written.weights(part) for key, part in parts.items()}}


def _rescaling(layer, written):
    if np.size(layer.scale) != 1 or np.size(layer.offset) != 1:
        return None
    return {"kind": "scale", "factor": float(layer.scale), "offset": float(layer.offset)}


def _activation(layer, written):
    kind = keras.activations.serialize(layer.activation)
    if kind == "linear":
        return _nothing(layer, written)
    return {"kind": kind} if _is_known(kind, layer) else None


def _relu(layer, written):
    plain = layer.max_value is None and layer.negative_slope == 0 and layer.threshold == 0
    return {"kind": "relu"} if plain else None


def _softmax(layer, written):
    return {"kind": "softmax"} if layer.axis == -1 and _is_flat(layer) else None


def _zero_padding(layer, written):
    padding = [list(side) for side in layer.padding]
    return {"kind": "pad", "padding": padding} if _is_last(layer) else None


def _flatten(layer, written):
    return {"kind": "flatten"} if _is_last(layer) else None


def _concatenate(layer, written):
    flat = all(len(tensor.shape) == 2 for tensor in layer.input)
    return {"kind": "concatenate"} if flat else None


def _string_lookup(layer, written):
    plain = layer.output_mode == "one_hot" and layer.num_oov_indices == 1 and not layer.invert
    plain = plain and layer.mask_token is None and layer.vocabulary_dtype == "string"
    return {"kind": "one_hot", "words": layer.get_vocabulary()[1:]} if plain else None


def _nothing(layer, written):
    return {"kind": None}


def _is_flat(layer):
    return len(layer.input.shape) == 2


def _is_last(layer):
    return layer.data_format == "channels_last"


def _is_known(activation, layer):
    return activation in _ACTIVATIONS or (activation == "softmax" and _is_flat(layer))


_LAYERS = {
    keras.layers.Activation: _activation,
    keras.layers.AveragePooling2D: _pool("average_pool"),
    keras.layers.BatchNormalization: _batch_normalization,
    keras.layers.Concatenate: _concatenate,
    keras.layers.Conv2D: _convolution,
    keras.layers.Dense: _dense,
    keras.layers.Dropout: _nothing,
    keras.layers.Flatten: _flatten,
    keras.layers.GaussianNoise: _nothing,
    keras.layers.Identity: _nothing,
    keras.layers.MaxPooling2D: _pool("max_pool"),
    keras.layers.Normalization: _normalization,
    keras.layers.ReLU: _relu,
    keras.layers.Rescaling: _rescaling,
    keras.layers.Softmax: _softmax,
    keras.layers.SpatialDropout2D: _nothing,
    keras.layers.StringLookup: _string_lookup,
    keras.layers.ZeroPadding2D: _zero_padding,
}
# Arithmetic between layers, by the names of Keras' operations.
_OPERATIONS = {
    "Add": "add",
    "Cos": "cos",
    "Divide": "divide",
    "Isnan": "is_missing",
    "Log1p": "log1p",
    "Multiply": "multiply",
    "Sin": "sin",
    "Subtract": "subtract",
    "TrueDivide": "divide",
    "Where": "where",
}


# ---- the steps in NumPy


def answer(steps, weights, inputs):
    """Take the steps one after another, as Keras would, without it.

    Args:
        steps, weights: What `steps_of` returns.
        inputs: Array `(batch, …)`, or a dict of one by the name of each input.

    Returns:
        float32 array, `(batch, outputs)`.
    """
    if not isinstance(inputs, dict):
        name = next(of for of in steps[0]["of"] if isinstance(of, str))
        inputs = {name: np.asarray(inputs, "float32")}
    values = dict(inputs)
    with np.errstate(all="ignore"):  # as Keras, which says nothing of a number without logarithm
        for step in steps:
            values[step["name"]] = _result(step, weights, values)
    return np.asarray(values[steps[-1]["name"]], "float32")


def _result(step, weights, values):
    """What one step gives."""
    settings = {
        key: _read(weights, value) if isinstance(value, dict) else value
        for key, value in step.items()
        if key not in ("kind", "of", "name")
    }
    taken = [values[of] if isinstance(of, str) else np.float32(of) for of in step["of"]]
    function = _EACH.get(step["kind"]) or _WHOLE[step["kind"]]
    return function(*taken, **settings)


def _read(weights, place):
    start, shape = place["offset"], place["shape"]
    return weights[start : start + math.prod(shape)].reshape(shape)


def _scale(x, factor, offset):
    return x * np.float32(factor) + np.float32(offset)


def _convolve(x, kernel, bias, size, strides, padding):
    # for each pixel of the kernel, all pictures at once: (batch, rows, columns, channels)
    return bias + sum(
        part @ kernel[row, column]
        for row, column, part in _parts(x, size, strides, padding, fill=0)
    )


def _max_pool(x, size, strides, padding):
    parts = _parts(x, size, strides, padding, fill=-np.inf)
    return np.max([part for _, _, part in parts], axis=0)


def _average_pool(x, size, strides, padding):
    total = sum(part for _, _, part in _parts(x, size, strides, padding, fill=0))
    inside = np.ones_like(x[:1, :, :, :1])  # what lies beyond the border is not counted
    return total / sum(part for _, _, part in _parts(inside, size, strides, padding, fill=0))


def _parts(x, size, strides, padding, fill):
    """For each pixel of a window: what it sees when the window is moved over `x`."""
    rows, top = _places(x.shape[1], size[0], strides[0], padding)
    columns, left = _places(x.shape[2], size[1], strides[1], padding)
    bottom = max(0, (rows - 1) * strides[0] + size[0] - top - x.shape[1])
    right = max(0, (columns - 1) * strides[1] + size[1] - left - x.shape[2])
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    for row in range(size[0]):
        for column in range(size[1]):
            down = slice(row, row + (rows - 1) * strides[0] + 1, strides[0])
            along = slice(column, column + (columns - 1) * strides[1] + 1, strides[1])
            yield row, column, x[:, down, along]


def _places(length, size, stride, padding):
    """How many places a window has along one side, and how far the first begins outside."""
    if padding == "valid":
        return (length - size) // stride + 1, 0
    count = math.ceil(length / stride)
    return count, max(0, (count - 1) * stride + size - length) // 2


def _softmax_of(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _one_hot(x, words):
    places = [x == word for word in words]
    return np.concatenate([~np.any(places, axis=0), *places], axis=-1, dtype="float32")


_WHOLE = {
    "average_pool": _average_pool,
    "concatenate": lambda *parts: np.concatenate(parts, axis=-1),
    "convolution": _convolve,
    "dense": lambda x, kernel, bias: x @ kernel + bias,
    "flatten": lambda x: x.reshape(len(x), -1),
    "max_pool": _max_pool,
    "normalize": lambda x, mean, factor, offset: (x - mean) * factor + offset,
    "one_hot": _one_hot,
    "pad": lambda x, padding: np.pad(x, ((0, 0), *padding, (0, 0))),
    "scale": _scale,
    "softmax": _softmax_of,
}
# Functions of single numbers; the constants of selu are its paper's.
_ACTIVATIONS = {
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "exponential": np.exp,
    "gelu": lambda x: x * (1 + special.erf(x / np.float32(math.sqrt(2)))) / 2,
    "leaky_relu": lambda x: np.where(x > 0, x, np.float32(0.2) * x),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": lambda x: (
        np.float32(1.0507009873554805)
        * np.where(x > 0, x, np.float32(1.6732632423543772) * np.expm1(np.minimum(x, 0)))
    ),
    "sigmoid": special.expit,
    "silu": lambda x: x * special.expit(x),
    "softplus": lambda x: np.logaddexp(x, np.float32(0)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanh": np.tanh,
}
_EACH = _ACTIVATIONS | {
    "add": np.add,
    "cos": np.cos,
    "divide": np.divide,
    "is_missing": np.isnan,
    "log1p": np.log1p,
    "multiply": np.multiply,
    "sin": np.sin,
    "subtract": np.subtract,
    "where": np.where,
}
