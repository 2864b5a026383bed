"""What a training was made of, so that another one is not taken for its continuation."""

import hashlib
import json

import numpy as np

from course import files

# Layers that bring code or another program along, which a file must never do.
CODE = ("Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
# a counter or an address of this process, or a draw that each epoch makes anew
_LEFT_OUT = {"name", "seed", "module", "registered_name", "build_config"}


def fingerprint(model):
    """The architecture, optimizer and loss of a compiled model, in JSON's types.

    It does not depend on what was built before in the same process: the counters that Keras puts
    into names are left out. An optimizer that has already trained says nothing of its learning
    rate, which a callback may have lowered since.

    Example:

    >>> import keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> sorted(fingerprint(model)), fingerprint(model)["loss"]
    (['layers', 'learning', 'loss', 'optimizer', 'parameters'], 'mse')
    """
    optimizer = _plain(model.optimizer)
    if int(np.asarray(model.optimizer.iterations)):
        optimizer.pop("learning_rate", None)
    layers = json.dumps(_architecture(model), sort_keys=True)
    known = {
        "parameters": _numbers(model.weights),
        "learning": _numbers(model.trainable_variables),
        "layers": hashlib.sha256(layers.encode()).hexdigest()[:16],
        "optimizer": optimizer,
        "loss": _plain(model.loss),
    }
    return files.plain(known)  # as it is read again


def code_in(model):
    """The first part of a model that is not Keras' own, so that `export` refuses it; or None."""
    for part in (model, *_layers(model)):
        kind = part.__class__  # what a file will say; type() may know of a subclass
        if kind.__module__.partition(".")[0] != "keras" or kind.__name__ in CODE:
            return part
    return None


def differences(begun, now):
    """What differs between two fingerprints, Spanish texts; what one lacks is passed over.

    Example:

    >>> differences({"loss": "mse", "optimizer": {"epsilon": 1}}, {"loss": "mae", "optimizer": {}})
    ['loss: antes mse, ahora mae']
    """
    texts = []
    for name in begun.keys() & now.keys():
        if isinstance(begun[name], dict) and isinstance(now[name], dict):
            texts += differences(begun[name], now[name])
        elif begun[name] != now[name]:
            text = f"antes {_short(begun[name])}, ahora {_short(now[name])}"
            texts.append(_WORDS.get(name, f"{name}: {{}}").format(text))
    return sorted(texts)


def _short(value):
    """A schedule or a loss by its class alone."""
    if isinstance(value, dict):
        value = value.get("class_name") or value.get("class") or value
    return f"{value:.4g}" if isinstance(value, float) else f"{value}"


_WORDS = {
    "layers": "las capas: no son las mismas, sus opciones o cuáles aprenden",
    "parameters": "los parámetros: {}",
    "learning": "los parámetros que aprenden: {}",
    "class": "la clase: {}",
}


def _architecture(model):
    """The layers' configurations; of a layer that has none, its class and its weights' shapes."""
    names = {layer.name: place for place, layer in enumerate(_layers(model))}
    try:
        return _plain(model.get_config(), names)
    except (NotImplementedError, TypeError, ValueError):
        return [
            [type(layer).__name__, layer.trainable, *(list(w.shape) for w in layer.weights)]
            for layer in _layers(model)
        ]


def _layers(model):
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers(layer)


def _plain(value, names=()):
    """A configuration in JSON's types; a layer's name becomes its place."""
    if isinstance(value, dict):
        if value.get("class_name") == "__lambda__":  # its bytes hold the file that it stands in
            return "lambda"
        return {str(k): _plain(v, names) for k, v in value.items() if k not in _LEFT_OUT}
    if isinstance(value, list | tuple | set):
        return [_plain(item, names) for item in value]
    if isinstance(value, str):
        return names[value] if value in names else value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if hasattr(value, "get_config"):
        return {"class": type(value).__name__, **_plain(value.get_config(), names)}
    return getattr(value, "__name__", type(value).__name__)


def _numbers(variables):
    return sum(int(np.prod(v.shape)) for v in variables)
