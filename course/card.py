"""card.json, a trained network's passport: what it takes, what it answers, where it is from."""

import json
import math
import pathlib
import platform
import subprocess
import sys
from datetime import UTC, datetime

import course
from course.errors import CourseError

VERSION = 1
_TASKS = ("classification", "regression")
_PREPARATIONS = ("digit", "photo", None)


def complete(card, model):
    """Add to a run's card what the model and this machine can say themselves.

    Args:
        card: dict, see `course.export.export`.
        model: the built model that the card describes.

    Returns:
        A new dict, ready for JSON.

    Raises:
        ValueError: the card lacks something or contradicts the model.
    """
    import keras
    import numpy as np

    backend = keras.backend.backend()
    facts = {
        "card_version": VERSION,
        "name": card.get("name", model.name),
        "inputs": [_describe(tensor) for tensor in model.inputs],
        "outputs": [_describe(tensor) for tensor in model.outputs],
        "parameters": model.count_params(),
        "range": card.get("range", [0, 255] if card.get("preparation") else None),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            backend: sys.modules[backend].__version__,
            "numpy": np.__version__,
            "course": course.__version__,
        },
        "commit": commit(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    card = _plain({**card, **facts})
    problem = _problem(card) or disagreement(card, model)
    if problem:
        raise ValueError(f"This card does not describe the model: {problem}")
    return card


def write(card, path):
    """Write a card as indented JSON."""
    text = json.dumps(card, ensure_ascii=False, indent=2, allow_nan=False)
    pathlib.Path(path).write_text(text + "\n", encoding="utf-8")


def read_run(folder):
    """Read the card of a run's folder, which must hold a model too; without loading Keras.

    Raises:
        CourseError: the folder, the model or the card is missing, or the card is none.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        what = "is a file" if folder.is_file() else "does not exist"
        raise CourseError(
            f"{folder} {what}. Expected a run's folder, as `python -m course run` makes it."
        )
    for name in ("model.keras", "card.json"):
        if not (folder / name).is_file():
            raise CourseError(
                f"{folder} holds no {name}. Expected the folder of a finished run; "
                "one that was stopped goes on with --resume."
            )
    return read(folder / "card.json")


def read(path):
    """Read a card and check everything that it says of itself.

    Raises:
        CourseError: it is not JSON, of another version, or lacks something.
    """
    try:
        # utf-8-sig: Windows' Notepad puts a mark before the text
        card = json.loads(pathlib.Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise CourseError(
            f"{path} is not readable JSON ({error}). Expected the card that the run wrote."
        ) from error
    problem = _problem(card)
    if problem:
        raise CourseError(f"{path} is not a card that this kit reads. {problem}.")
    return card


def disagreement(card, model):
    """Where card and model contradict each other, or `None`."""
    for key, tensors in (("inputs", model.inputs), ("outputs", model.outputs)):
        # outputs are named by Keras, differently in each session
        fields = ("name", "shape", "dtype") if key == "inputs" else ("shape", "dtype")
        found = [_describe(tensor) for tensor in tensors]
        said, found = ([[item[f] for f in fields] for item in side] for side in (card[key], found))
        if said != found:
            return f"the card's {key} are {said}, the model's {found}"
    names, outputs = card.get("class_names"), model.outputs[0].shape[-1]
    if card["task"] == "classification" and len(names) != outputs:
        return f"the card names {len(names)} classes, the model has {outputs} outputs"
    return None


def _problem(card):
    """What is wrong with a card taken alone, or `None`."""
    if not isinstance(card, dict):
        return f"Expected an object, received {type(card).__name__}"
    task, data = card.get("task"), card.get("data")
    checks = {
        # not True, which equals 1
        "card_version": (type(card.get("card_version")) is int, "an integer"),
        "task": (task in _TASKS, f"one of {_TASKS}"),
        "class_names": (task != "classification" or _are_names(card), "a list of different names"),
        "unit": (task != "regression" or isinstance(card.get("unit"), str), "a string"),
        "data": (
            isinstance(data, dict) and isinstance(data.get("dataset"), str),
            "an object with the name of a dataset",
        ),
        "preparation": (
            "preparation" in card and card["preparation"] in _PREPARATIONS,
            f"one of {_PREPARATIONS}",
        ),
        "inputs": (_are_tensors(card.get("inputs")), "a list of name, shape and dtype"),
        "outputs": (_are_tensors(card.get("outputs")), "a list of name, shape and dtype"),
    }
    if checks["card_version"][0] and card["card_version"] != VERSION:
        return (
            f"card_version: expected {VERSION}, received {card['card_version']}; "
            "use the version of the kit that wrote it, or train again"
        )
    for key, (right, expected) in checks.items():
        if not right:
            return f"{key}: expected {expected}, received {repr(card.get(key))[:80]}"
    return None


def _are_names(card):
    names = card.get("class_names")
    return (
        isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and len(set(names)) == len(names) > 0
    )


def _are_tensors(items):
    kinds = {"name": str, "shape": list, "dtype": str}
    return (
        isinstance(items, list)
        and len(items) > 0
        and all(isinstance(item, dict) for item in items)
        and all(isinstance(item.get(key), kind) for item in items for key, kind in kinds.items())
        and all(side is None or type(side) is int for item in items for side in item["shape"])
    )


def _describe(tensor):
    shape = list(tensor.shape[1:])  # of one example
    return {"name": tensor.name, "shape": shape, "dtype": str(tensor.dtype)}


def _plain(value):
    """The same with NumPy's numbers as Python's; what is not finite, which JSON lacks, as None."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, pathlib.PurePath) else value


def commit():
    """The commit of this checkout (`-dirty` with changes), a kernel's stamp, or `None`."""
    package = pathlib.Path(__file__).parent
    stamp = package / "COMMIT"
    if stamp.is_file():
        return stamp.read_text(encoding="utf-8").strip()
    if not (package.parent / ".git").exists():  # installed: another repository may lie above
        return None
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(
            command, cwd=package.parent, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None
