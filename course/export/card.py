"""card.json, a trained network's passport: what it takes, what it answers, where it is from."""

import json
import math
import pathlib
import platform
import sys
from datetime import UTC, datetime

import course
from course.errors import CourseError
from course.export.card_rules import VERSION, describe, disagreement, problem

# what the numbers of a prepared picture reach from and to
_RANGES = {"digit": [0, 255], "photo": [0, 255]}


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
        "inputs": [describe(tensor) for tensor in model.inputs],
        "outputs": [describe(tensor) for tensor in model.outputs],
        "parameters": model.count_params(),
        "range": card.get("range", _RANGES.get(card.get("preparation"))),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            backend: sys.modules[backend].__version__,
            "numpy": np.__version__,
            "course": course.__version__,
        },
        "commit": course.commit(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    card = _plain({**card, **facts})
    wrong = problem(card) or disagreement(card, model)
    if wrong:
        raise ValueError(f"This card does not describe the model: {wrong}")
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
    wrong = problem(card)
    if wrong:
        raise CourseError(f"{path} is not a card that this kit reads. {wrong}.")
    return card


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
