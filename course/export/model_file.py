"""A trained network as two files: model.keras, which any supported Keras loads, and card.json."""

import importlib
import inspect
import json
import math
import pathlib
import re
import zipfile
from copy import deepcopy

import keras
import numpy as np

from course import files
from course.errors import CourseError
from course.export import card as cards
from course.models import without_words, words_to_numbers
from course.training.fingerprint import CODE

# What a saved config is made of, beside models, whose own words are never left out.
_PARTS = (
    keras.layers.Layer,
    keras.initializers.Initializer,
    keras.regularizers.Regularizer,
    keras.constraints.Constraint,
)
# In prediction they change nothing; nor do those that begin with Random.
_AUGMENTATION = ("AugMix", "CutMix", "MixUp", "RandAugment")


def export(model, folder, *, card):
    """Save an uncompiled copy of a model with its card; `course` is not needed to load it.

    The copy is loaded again and must answer a few inputs as the model does before it takes the
    place of an older one. Augmentation, around a model or among its layers, is left behind: in
    prediction it does nothing. Keras from the oldest version that requirements.txt allows loads the
    file, and answers the same, as long as the model holds nothing that came later.

    Args:
        model: A built `Sequential` or functional `keras.Model` of Keras' own layers.
        folder: Where to; made if it is not there.
        card: Dict with `task` ("classification", "regression" or "segmentation"), `class_names` (a
            list) or `unit` (a string), `data` (`origin.as_dict()`), `preparation` ("digit",
            "photo", "square" or `None`: how a picture is made ready), and what else describes the
            run: `scores`, `seed`, `settings`, `data_seed` if `load_data` was given another than its
            own, `positive` and `threshold` as `evaluate_classifier` takes them. `Report.card` gives
            what a report knows. Of a segmentation: `regions` or `class_names` (what the outputs
            are), and if they apply `modalities` (the channels' names), `patch` (the sides of the
            window for `predict_volume`), `held_out` (names of the cases that were not trained on).
            Of BraTS all of these, `regions` ["WT", "TC", "ET"], and also `edition` ("2020"),
            `preparation` "brain" (`brats.normalize`), and `cases` if only so many were fetched or
            made, `spacing_mm`, the size of the voxels that were trained on along D, H and W, so
            that a case with others is told, and `least_et_ml`, what ET must have to be written.
            Shapes, range, versions, commit and date are added.

    Returns:
        The path of `model.keras`.

    Raises:
        ValueError: If the model is not built or carries code: a Lambda, a class of your own.
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
    network = _core(model)
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
            does not fit the other, or carries code; or is of a Keras whose files this one does not
            load: then both versions are named.
    """
    card = cards.read_run(folder)
    return load_model(folder, card), card


def load_model(folder, card):
    """The model of a run whose card has been read already, as `load`."""
    folder = pathlib.Path(folder)
    model = read_model(folder / "model.keras", card)
    problem = cards.disagreement(card, model)
    if problem:
        raise CourseError(
            f"{folder / 'card.json'} y model.keras no son de la misma corrida: {problem}.\n"
            "Qué hacer: copia los dos archivos de una misma corrida."
        )
    return model


# ---- saving


def _core(model):
    """The model inside a model that only augments its inputs first; itself if nothing does."""
    if not hasattr(model, "inputs"):
        raise ValueError("Expected a Sequential or functional model that is built.")
    core = [layer for layer in _without_inputs(model) if not _augments(layer)]
    return _core(core[0]) if len(core) == 1 and isinstance(core[0], keras.Model) else model


def _without_augmentation(model):
    """The model without those of its layers, nested or not, that change nothing in prediction.

    Its other layers are taken over as they are; the old model is of no more use.
    """
    if isinstance(model, keras.Sequential):
        kept = [_as_kept(layer) for layer in model.layers if not _augments(layer)]
        return keras.Sequential([*model.inputs, *kept], name=model.name)

    def call(layer, *args, **kwargs):
        return args[0] if _augments(layer) else layer(*args, **kwargs)

    return keras.models.clone_model(model, clone_function=_as_kept, call_function=call)


def _as_kept(layer):
    inside = isinstance(layer, keras.Model) and any(map(_augments, _all_layers(layer)))
    return _without_augmentation(layer) if inside and not _augments(layer) else layer


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
    saved = keras.saving.load_model(path, compile=False)
    if any(map(_augments, _all_layers(saved))):
        saved = _without_augmentation(saved)
    saved.save(path)
    _leave_out_defaults(path)
    return keras.saving.load_model(path)


def _leave_out_defaults(path):
    """Save a `.keras` again without what its layers would take by default.

    Each Keras writes every argument that it knows, and an older one refuses those that came later,
    even where they say that nothing is to be done: `renorm: false`. What is left out is taken by
    default wherever the file is loaded. From Keras 3.2 to 3.15 no argument of a layer, an
    initializer, a regularizer or a constraint has changed its default.
    """
    with zipfile.ZipFile(path) as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for info, content in members.items():
            if info.filename == "config.json":
                content = json.dumps(_without_defaults(json.loads(content))).encode()
            archive.writestr(info, content)


def _without_defaults(config):
    if isinstance(config, list):
        return [_without_defaults(item) for item in config]
    if not isinstance(config, dict):
        return config
    config = {key: _without_defaults(value) for key, value in config.items()}
    given = config.get("config")
    if not config.get("module") or not isinstance(given, dict):
        return config
    kind = getattr(importlib.import_module(config["module"]), config["class_name"], None)
    defaults = _defaults(kind)
    own = {
        key: value
        for key, value in given.items()
        if key not in defaults or not _same(value, defaults[key])
    }
    shorter = len(own) < len(given) and _rebuilt(kind, own) == _rebuilt(kind, given)
    return {**config, "config": own} if shorter else config


def _rebuilt(kind, config):
    """All that a part of a model says of itself when it is made from this config."""
    try:
        part = kind.from_config(deepcopy(config))
    except KeyError:  # a few look for a key that holds a default: Rescaling's offset
        return None
    return keras.saving.serialize_keras_object(part)["config"]


def _defaults(kind):
    """What a part of a model takes by default: its own arguments, then its base's by `**kwargs`."""
    found = {}
    if not (inspect.isclass(kind) and issubclass(kind, _PARTS)) or issubclass(kind, keras.Model):
        return found
    for base in kind.__mro__:
        if "__init__" in vars(base):
            arguments = inspect.signature(base.__init__).parameters.values()
            given = {one.name: one.default for one in arguments if one.default is not one.empty}
            found = {**given, **found}
            if not any(one.kind is one.VAR_KEYWORD for one in arguments):
                break
    return found


def _same(value, default):
    return type(value) is type(default) and value == default


def _compare(model, copy, ends):
    """Both must answer alike, or the copy is not one."""
    rng, words = np.random.default_rng(0), ["?"]
    for layer in _all_layers(copy):
        if isinstance(layer, keras.layers.StringLookup):
            words = [*layer.get_vocabulary(), *words]
    tensors = copy.inputs[0] if isinstance(copy, keras.Sequential) else copy.input
    inputs = keras.tree.map_structure(lambda one: _examples(one, rng, words, ends), tensors)
    outputs = (
        keras.tree.flatten(without_words(one)(words_to_numbers(one, inputs), training=False))
        for one in (model, copy)
    )
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


def _keras_of(card):
    """The version of Keras that made a run's model, as its card says; "" if it does not."""
    versions = card.get("versions")
    made = versions.get("keras") if isinstance(versions, dict) else None
    return made if isinstance(made, str) and re.fullmatch(r"\d+\.\d+(\.\d+)?", made) else ""


def read_model(path, card):
    """The network in a file, whatever its card says of it; as safe as `load`.

    Args:
        path: Of `model.keras`.
        card: Of the run, which knows the Keras that made the file; `{}` where there is none.

    Raises:
        CourseError: The file is damaged, of another Keras, or carries code.
    """
    made_with = _keras_of(card)
    todo = "Qué hacer: copia otra vez el model.keras que escribió la corrida, o entrena de nuevo."
    whole = False
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
        whole = True
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except CourseError:
        raise
    except Exception as error:  # bytes of someone else's, through zip, JSON, HDF5 and Keras
        reason = str(error).strip().partition("\n")[0][:200]
        if whole and made_with not in ("", keras.__version__):
            raise _other_version(path, made_with, reason) from error
        raise CourseError(
            f"{path} no es un modelo que Keras {keras.__version__} pueda cargar "
            f"({type(error).__name__}: {reason}).\n{todo}"
        ) from error
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        kind = type(model).__name__
        raise CourseError(f"{path}: se esperaba un modelo construido. Llegó: {kind}.\n{todo}")
    return model


def _other_version(path, made, reason):
    """A whole file that this Keras does not load, made by another."""
    numbers = [[int(n) for n in v.split(".")[:2]] for v in (made, keras.__version__)]
    wanted = ">=" if numbers[0] >= numbers[1] else "=="
    return CourseError(
        f"{path} está hecho con Keras {made} (lo dice card.json) y aquí hay Keras "
        f"{keras.__version__}, que no lo puede cargar ({reason}).\n"
        f'Qué hacer: pip install "keras{wanted}{made}" (en un cuaderno, %pip y reiniciar), o '
        "entrena de nuevo aquí."
    )


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
            if name and (foreign or name in CODE or ">" in str(item.get("registered_name"))):
                return item.get("registered_name") or name
        elif isinstance(item, list):
            stack.extend(item)
    return None
