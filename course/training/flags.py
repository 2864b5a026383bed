"""The settings of a lesson: flags in a terminal, COURSE_ variables anywhere, plain defaults."""

import argparse
import inspect
import math
import os
import pathlib
import sys
from types import SimpleNamespace

from course.errors import CourseError, letters_instead_of_tracebacks, nearest

# What each setting means: those that every lesson knows, then what some lessons add.
_HELP = {
    "source": "where the data come from: kaggle, sample (embedded, no download), or a folder",
    "epochs": "how many times the network sees every training example",
    "batch_size": "examples in one training step",
    "seed": "the number from which all chance is derived",
    "limit": "use only so many training and test examples; default: all",
    "run_dir": "folder for the results; default: a new one below runs/",
    "resume": "go on from the last finished epoch of the same run",
    "learning_rate": "how far a step of training goes, where it goes farthest",
    "curve_epochs": "epochs of each network that learns the curve",
    "dims": "2 for slices, 3 for blocks; unless --batch-size says otherwise, 16 or 2 in a step",
    "attention": "gates on the skips",
    "modalities": "which images of a case the network sees",
    "filters": "filters of the first level; each level below has twice as many",
    "patch": "sides of what is cut out to train on, in voxels",
    "backbone": "the network that is borrowed",
    "weights": "what it knows already: imagenet (downloaded once), a file, or none",
    "chest_epochs": "epochs on the drawn chests",
}
_COMMON = {"source": "kaggle", "seed": 0, "limit": None, "run_dir": None, "resume": False}
_TYPES_WITHOUT_DEFAULT = {"limit": int, "batch_size": int, "run_dir": str}
# Variables of the same prefix that other parts of the kit read.
_NOT_SETTINGS = {"COURSE_TEST_DATA", "COURSE_MOUNT_LIMIT_S"}


def settings(**defaults):
    """Collect the settings of the lesson that is running.

    A flag wins over a variable, a variable over the default: `--epochs 3`, `COURSE_EPOCHS=3`,
    `epochs=12`. In a notebook there are no flags. Every lesson also has `source`, `seed`,
    `limit`, `run_dir` and `resume`.

    Args:
        **defaults: Names and default values, which also give the types: `epochs=12`.

    Returns:
        A `SimpleNamespace` with one attribute a setting.

    Raises:
        CourseError: For a name that no setting has (with the nearest one that exists) or a value
            that does not fit.

    Example:

    >>> s = settings(epochs=12, batch_size=128)
    >>> s.epochs, s.source, s.limit
    (12, 'kaggle', None)
    """
    defaults = {**_COMMON, **defaults}
    values = {**defaults, **_from_environment(defaults)}
    if _is_script(inspect.currentframe().f_back.f_globals):
        letters_instead_of_tracebacks()
        values.update(_from_flags(defaults, sys.argv[1:]))
    _check(values)
    return SimpleNamespace(**values)


def _is_script(caller):
    """Whether the caller is a lesson's file run as a script, rather than a notebook or a test."""
    in_notebook = "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None
    return caller["__name__"] == "__main__" and "__file__" in caller and not in_notebook


def _from_environment(defaults):
    found = {}
    for variable, text in os.environ.items():
        if not variable.startswith("COURSE_") or variable in _NOT_SETTINGS:
            continue
        name = variable.removeprefix("COURSE_").lower()
        if name not in defaults:
            raise CourseError(
                f"The variable {variable} is no setting of this lesson."
                f"{nearest(name, defaults, lambda n: f'COURSE_{n.upper()}')}"
                f" To remove it, type: unset {variable}"
            )
        found[name] = _convert(name, defaults[name], text, origin=variable)
    return found


def _from_flags(defaults, arguments):
    parser = argparse.ArgumentParser(
        prog=pathlib.Path(sys.argv[0]).name, allow_abbrev=False, exit_on_error=False
    )
    for name, default in defaults.items():
        text = _HELP.get(name, name) + ("" if default is None else f" (default: {default})")
        if isinstance(default, bool):
            on_off = argparse.BooleanOptionalAction  # --resume, --no-resume
            parser.add_argument(_flag(name), action=on_off, default=argparse.SUPPRESS, help=text)
        else:
            parser.add_argument(_flag(name), default=argparse.SUPPRESS, metavar="VALUE", help=text)
    try:
        given, unknown = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise CourseError(f"{error}. To see every setting, add --help.") from error
    if unknown:
        raise CourseError(
            f"{unknown[0]} is no setting of this lesson."
            f"{nearest(unknown[0].lstrip('-').replace('-', '_'), defaults, _flag)}"
            " To see every setting, add --help."
        )
    return {
        name: value
        if isinstance(value, bool)
        else _convert(name, defaults[name], value, origin=_flag(name))
        for name, value in vars(given).items()
    }


def _flag(name):
    return "--" + name.replace("_", "-")


def _convert(name, default, text, origin):
    """Turn the text of a flag or a variable into the type that the default has."""
    kind = _TYPES_WITHOUT_DEFAULT.get(name) or type(default)
    if kind is bool:
        if text.lower() not in ("1", "true", "yes", "0", "false", "no", ""):
            raise CourseError(f"{origin}: expected 1 or 0. Received: {text!r}.")
        return text.lower() in ("1", "true", "yes")
    if kind in (int, float):
        return _number(kind, text, origin)
    return text


def _number(kind, text, origin):
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or kind is float and not math.isfinite(number):
        expected = "a whole number" if kind is int else "a number"
        raise CourseError(f"{origin}: expected {expected}. Received: {text!r}.")
    return number


def _check(values):
    for name in ("epochs", "batch_size", "limit", "filters", "patch"):
        value = values.get(name)
        if value is not None and value < 1:
            raise CourseError(f"{name}: expected 1 or more. Received: {value}.")
    if values.get("dims", 2) not in (2, 3):
        raise CourseError(f"dims: expected 2 (slices) or 3 (blocks). Received: {values['dims']}.")
    if not 0 <= values["seed"] < 2**31:
        raise CourseError(f"seed: expected 0 to {2**31 - 1}. Received: {values['seed']}.")
