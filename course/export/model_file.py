"""A trained network as two files: model.keras, which any Keras loads, and card.json."""

import json
import math
import pathlib
import zipfile

import keras
import numpy as np

from course import files
from course.errors import CourseError
from course.export import card as cards

# Layers that bring code or another program along, which a file must never do.
_CODE = ("Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
_AUGMENTATION = ("AugMix", "CutMix", "MixUp", "RandAugment")  # and all that begin with Random


def export(model, folder, *, card):
    """Save an uncompiled copy of a model with its card; `course` is not needed to load it.

    The copy is loaded again and must answer a few inputs as the model does before it takes the
    place of an older one. Augmentation wrapped around a model is left behind.

    Args:
        model: A built `Sequential` or functional `keras.Model` of Keras' own layers.
        folder: Where to; made if it is not there.
        card: Dict with `task` ("classification", "regression" or "segmentation"), `class_names` (a
            list) or `unit` (a string), `data` (`origin.as_dict()`), `preparation` ("digit", "photo"
            or `None`: how a picture is made ready), and what else describes the run: `scores`,
            `seed`, `settings`, `data_seed` if `load_data` was given another than its own.
            `Report.card` gives what a report knows. Of a segmentation: `regions` or `class_names`
            (what the outputs are), and if they apply `modalities` (the channels' names), `patch`
            (the sides of the window for `predict_volume`), `held_out` (names of the cases that
            were not trained on). Of BraTS all of these, `regions` ["WT", "TC", "ET"], and also
            `edition` ("2020"), `preparation` "brain" (`brats.normalize`), and `cases` if only so
            many were fetched or made.
            Shapes, range, versions, commit and date are added.

    Returns:
        The path of `model.keras`.

    Raises:
        ValueError: If the model carries code or augmentation inside.
        CourseError: If the card lacks something or contradicts the model, or the folder cannot be
            written.

    Example:

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> card = dict(task="regression", unit="m", data={"dataset": "demo"}, preparation=None)
    >>> import os, tempfile
    >>> path = export(model, tempfile.mkdtemp(), card=card)
    >>> sorted(os.listdir(path.parent))
    ['card.json', 'model.keras']
    >>> load(path.parent)[1]["parameters"]
    5
    """
    path = pathlib.Path(folder, "model.keras")
    beside = path.with_name("card.json")
    network = _without_augmentation(model)
    with files.whole(beside) as card_part, files.whole(path) as model_part:
        copy = _uncompiled(network, model_part)
        _compare(model, copy, (-3, 3) if card.get("preparation") == "brain" else (0, 255))
        card_part.write_bytes(files.json_text(cards.complete(card, copy)).encode())
        # a new model never stands beside an old card, whenever this is stopped
        beside.unlink(missing_ok=True)
    return path


def load(folder):
    """Load what `export` saved, without running any code that the file may carry.

    Args:
        folder: A run's folder, with `model.keras` and `card.json`.

    Returns:
        `(model, card)`: an uncompiled `keras.Model` and a dict.

    Raises:
        CourseError: If the folder, the card or the model is missing, damaged, of another version,
            does not fit the other, or carries code.
    """
    card = cards.read_run(folder)
    return load_model(folder, card), card


def load_model(folder, card):
    """The model of a run whose card has been read already, as `load`."""
    folder = pathlib.Path(folder)
    model = _read(folder / "model.keras")
    problem = cards.disagreement(card, model)
    if problem:
        raise CourseError(
            f"{folder / 'card.json'} y model.keras no son de la misma corrida: {problem}.\n"
            "Qué hacer: copia los dos archivos de una misma corrida."
        )
    return model


# ---- saving


def _without_augmentation(model):
    """The model inside a model that only augments its inputs first; itself if nothing does."""
    if not hasattr(model, "inputs"):
        raise ValueError("Expected a Sequential or functional model that is built.")
    core = [layer for layer in _without_inputs(model) if not _augments(layer)]
    if len(core) == 1 and isinstance(core[0], keras.Model):
        return _without_augmentation(core[0])
    inside = [layer.name for layer in _all_layers(model) if _augments(layer)]
    if inside:
        raise ValueError(
            f"Expected augmentation around the model, not among its layers. Received: {inside}. "
            "Build the model without it, and train keras.Sequential([augmentation, model])."
        )
    return model


def _without_inputs(model):
    return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


def _augments(layer):
    if isinstance(layer, keras.Model):
        layers = _without_inputs(layer)
        return bool(layers) and all(map(_augments, layers))
    kind = type(layer).__name__
    return kind.startswith("Random") or kind in _AUGMENTATION


def _all_layers(model):
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _all_layers(layer)


def _uncompiled(model, path):
    """Save the model at `path` without optimizer, loss and metrics; return it as read from there.

    Saved and loaded rather than cloned from its config: that alone keeps the words that a
    StringLookup has learned, which are neither config nor weights.
    """
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        code = _foreign_layer(json.loads(archive.read("config.json")))
    if code:
        raise ValueError(f"Expected a model of Keras' own layers. Received: {code}")
    keras.saving.load_model(path, compile=False).save(path)
    return keras.saving.load_model(path)


def _compare(model, copy, ends):
    """Both must answer alike, or the copy is not one."""
    rng, words = np.random.default_rng(0), ["?"]
    for layer in _all_layers(copy):
        if isinstance(layer, keras.layers.StringLookup):
            words = [*layer.get_vocabulary(), *words]
    tensors = copy.inputs[0] if isinstance(copy, keras.Sequential) else copy.input
    inputs = keras.tree.map_structure(lambda one: _examples(one, rng, words, ends), tensors)
    outputs = (keras.tree.flatten(network(inputs, training=False)) for network in (model, copy))
    answers = (map(keras.ops.convert_to_numpy, each) for each in outputs)
    for expected, received in zip(*answers, strict=True):
        largest = np.abs(expected).max(initial=1e-6)
        if expected.shape != received.shape or not np.allclose(
            expected, received, rtol=1e-4, atol=1e-5 * largest, equal_nan=True
        ):
            raise RuntimeError(
                "The saved copy answers differently from the model, so nothing was exported. "
                f"Expected {expected.ravel()[:3]}, received {received.ravel()[:3]}"
            )


def _examples(tensor, rng, words, ends):
    shape = [side or 32 for side in tensor.shape[1:]]  # a free side may be halved five times
    shape = (1 if math.prod(shape) > 2**20 else 4, *shape)  # one block of a volume is enough
    if tensor.dtype == "string":
        return rng.choice(words, shape)
    low, high = (0, 2) if "int" in tensor.dtype else ends
    return rng.uniform(low, high, shape).astype(tensor.dtype)


# ---- loading


def _read(path):
    todo = "Qué hacer: copia otra vez el model.keras que escribió la corrida, o entrena de nuevo."
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > 100 * path.stat().st_size:
                raise CourseError(
                    f"{path}: descomprimido ocupa más de cien veces su tamaño.\n{todo}"
                )
            damaged = archive.testzip()  # Keras reads without comparing the checksums
            if damaged:
                raise CourseError(f"{path} está dañado, en {damaged}.\n{todo}")
            code = _foreign_layer(json.loads(archive.read("config.json")))
        if code:
            raise CourseError(
                f"{path} trae código ({code}), que podría hacer cualquier cosa en tu computador; "
                "por eso no se cargó.\nQué hacer: usa un modelo hecho solo de capas de Keras."
            )
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except CourseError:
        raise
    except Exception as error:  # bytes of someone else's, through zip, JSON, HDF5 and Keras
        reason = str(error).strip().partition("\n")[0][:200]
        raise CourseError(
            f"{path} no es un modelo que Keras {keras.__version__} pueda cargar "
            f"({type(error).__name__}: {reason}).\n{todo}"
        ) from error
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        kind = type(model).__name__
        raise CourseError(f"{path}: se esperaba un modelo construido. Llegó: {kind}.\n{todo}")
    return model


def _foreign_layer(config):
    """The first thing in a model's config that is not Keras' own, or `None`.

    Safe mode refuses lambdas; this also refuses classes of other modules and layers that open a
    further file, and can say what it found.
    """
    stack = [{key: config[key] for key in config if key != "compile_config"}]  # never read
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
            name, module = item.get("class_name"), item.get("module") or "keras"
            foreign = str(module).partition(".")[0] not in ("keras", "builtins")
            if name and (foreign or name in _CODE or ">" in str(item.get("registered_name"))):
                return item.get("registered_name") or name
        elif isinstance(item, list):
            stack.extend(item)
    return None
