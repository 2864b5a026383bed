"""A trained network as two files: model.keras, which any Keras loads, and card.json."""

import json
import math
import os
import pathlib
import tempfile
import zipfile

import keras
import numpy as np

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
            Of a segmentation: `edition` ("2020"), `modalities` (the channels' names), `regions`
            (["WT", "TC", "ET"]), `patch` (the sides of the window for `predict_volume`, or `None`),
            `held_out` (names of the cases that were not trained on), `preparation` "brain"
            (`brats.normalize`), and `cases` if only so many were fetched or made.
            Shapes, range, versions, commit and date are added.

    Returns:
        The path of `model.keras`.

    Raises:
        ValueError: If the card lacks something, or the model carries code or augmentation inside.
        CourseError: If the folder cannot be written.

    Example:

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> card = dict(task="regression", unit="m", data={"dataset": "demo"}, preparation=None)
    >>> path = export(model, tempfile.mkdtemp(), card=card)
    >>> sorted(os.listdir(path.parent))
    ['card.json', 'model.keras']
    >>> load(path.parent)[1]["parameters"]
    5
    """
    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as temporary:
            path = pathlib.Path(temporary, "model.keras")
            copy = _uncompiled(_without_augmentation(model), path)
            _compare(model, copy, (-3, 3) if card.get("preparation") == "brain" else (0, 255))
            cards.write(cards.complete(card, copy), path.with_name("card.json"))
            # a new model never stands beside an old card, whenever this is stopped
            (folder / "card.json").unlink(missing_ok=True)
            for name in ("model.keras", "card.json"):
                os.replace(path.with_name(name), folder / name)
    except OSError as error:
        raise CourseError(
            f"The model cannot be saved in {folder}: {error.strerror or error}. "
            "Expected a folder that can be written, with room on its disk."
        ) from error
    return folder / "model.keras"


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
    folder = pathlib.Path(folder)
    card = cards.read_run(folder)
    model = _load(folder / "model.keras")
    problem = cards.disagreement(card, model)
    if problem:
        raise CourseError(
            f"{folder / 'card.json'} and model.keras do not belong together: {problem}. "
            "Expected the two files of one run."
        )
    return model, card


# ---- saving


def _without_augmentation(model):
    """The model inside a model that only augments its inputs first; itself if nothing does."""
    if not hasattr(model, "inputs"):
        raise ValueError("Expected a Sequential or functional model that is built.")
    core = [layer for layer in model.layers if not _augments(layer)]
    core = [layer for layer in core if not isinstance(layer, keras.layers.InputLayer)]
    if len(core) == 1 and isinstance(core[0], keras.Model):
        return _without_augmentation(core[0])
    inside = [layer.name for layer in _all_layers(model) if _augments(layer)]
    if inside:
        raise ValueError(
            f"Expected augmentation around the model, not among its layers. Received: {inside}. "
            "Build the model without it, and train keras.Sequential([augmentation, model])."
        )
    return model


def _augments(layer):
    if isinstance(layer, keras.Model):
        layers = [item for item in layer.layers if not isinstance(item, keras.layers.InputLayer)]
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
    draft = path.with_name("draft.keras")
    model.save(draft)
    code = _code_inside(json.loads(zipfile.ZipFile(draft).read("config.json")))
    if code:
        raise ValueError(f"Expected a model of Keras' own layers. Received: {code}")
    keras.saving.load_model(draft, compile=False).save(path)
    return keras.saving.load_model(path)


def _compare(model, copy, ends):
    """Both must answer alike, or the copy is not one."""
    rng = np.random.default_rng(0)
    words = [
        word
        for layer in _all_layers(copy)
        if isinstance(layer, keras.layers.StringLookup)
        for word in layer.get_vocabulary()
    ]
    inputs = keras.tree.map_structure(
        lambda tensor: _examples(tensor, rng, words, ends), _inputs(copy)
    )
    answers = (_flat(network(inputs, training=False)) for network in (model, copy))
    for expected, received in zip(*answers, strict=True):
        largest = np.abs(expected).max(initial=1e-6)
        if expected.shape != received.shape or not np.allclose(
            expected, received, rtol=1e-4, atol=1e-5 * largest, equal_nan=True
        ):
            raise RuntimeError(
                "The saved copy answers differently from the model, so nothing was exported. "
                f"Expected {expected.ravel()[:3]}, received {received.ravel()[:3]}"
            )


def _inputs(model):
    return model.inputs[0] if isinstance(model, keras.Sequential) else model.input


def _examples(tensor, rng, words, ends):
    shape = [side or 32 for side in tensor.shape[1:]]  # a free side may be halved five times
    shape = (1 if math.prod(shape) > 2**20 else 4, *shape)  # one block of a volume is enough
    if tensor.dtype == "string":
        return rng.choice([*words, "?"], shape)
    low, high = (0, 2) if "int" in tensor.dtype else ends
    return rng.uniform(low, high, shape).astype(tensor.dtype)


def _flat(outputs):
    return [keras.ops.convert_to_numpy(output) for output in keras.tree.flatten(outputs)]


# ---- loading


def _load(path):
    expected = "Expected the model.keras that the run wrote; copy it again, or train again"
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > 100 * path.stat().st_size:
                raise CourseError(f"{path} unpacks to over a hundred times its size. {expected}.")
            damaged = archive.testzip()  # Keras reads without comparing the checksums
            if damaged:
                raise CourseError(f"{path} is damaged: {damaged} inside it. {expected}.")
            code = _code_inside(json.loads(archive.read("config.json")))
        if code:
            raise CourseError(
                f"{path} carries code ({code}), which could do anything on your machine, so it "
                "was not loaded. Expected a model of Keras' own layers."
            )
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except CourseError:
        raise
    except Exception as error:  # bytes of someone else's, through zip, JSON, HDF5 and Keras
        reason = str(error).strip().partition("\n")[0][:200]
        raise CourseError(
            f"{path} is not a model that Keras {keras.__version__} can load "
            f"({type(error).__name__}: {reason}). {expected}."
        ) from error
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise CourseError(f"{path} holds a {type(model).__name__}, not a built model. {expected}.")
    return model


def _code_inside(config):
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
