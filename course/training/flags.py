"""The settings of a lesson: flags in a terminal, COURSE_ variables anywhere, plain defaults."""

import argparse
import inspect
import math
import os
import pathlib
import sys
from dataclasses import dataclass, replace
from types import SimpleNamespace

from course.errors import CourseError, nearest, without_tracebacks
from course.training import processes
from course.training.arguments import Parser
from course.training.place import console_as_it_is, how_to_unset, in_ipython, is_script
from course.training.start import check_keras, quiet_tensorflow


@dataclass(frozen=True)
class Setting:
    """A setting that only one lesson has, said beside the lesson: its default and what it means.

    Attributes:
        default: The value where nothing else is said; it also gives the type.
        help: What it means, for `--help`, Spanish.
        choices: The values that there are; empty for any.
        least, most: The smallest and the largest number; None for any.
        kind: The type, where the default is None.

    Example:

    >>> settings(dims=Setting(2, "2: cortes; 3: bloques", choices=(2, 3))).dims
    2
    """

    default: object
    help: str = ""
    choices: tuple = ()
    least: float | None = None
    most: float | None = None
    kind: type | None = None


# What means the same in every lesson. All lessons have these …
_COMMON = {
    "source": Setting(
        "kaggle",
        "de dónde vienen los datos: kaggle, sample (incluidos, sin descarga) o una carpeta",
    ),
    "seed": Setting(0, "el número del que sale todo el azar", least=0, most=2**31 - 1),
    "limit": Setting(
        None, "usar solo tantos ejemplos para entrenar y para probar", kind=int, least=1
    ),
    "run_dir": Setting(None, "carpeta de los resultados; si falta, una nueva en runs", kind=str),
    "resume": Setting(False, "seguir desde la última época terminada de la misma corrida"),
}
# … and of these a lesson gives the default.
_USUAL = {
    "epochs": Setting(None, "cuántas veces ve la red cada ejemplo de entrenamiento", least=1),
    "batch_size": Setting(None, "ejemplos en cada paso del entrenamiento", kind=int, least=1),
    "learning_rate": Setting(None, "la tasa de aprendizaje, donde es más alta"),
}
# Variables of the same prefix that other parts of the kit read.
_NOT_SETTINGS = {"COURSE_TEST_DATA", "COURSE_MOUNT_LIMIT_S", "COURSE_OTHER_PYTHON"}


def settings(**defaults):
    """Collect the settings of the lesson that is running.

    A flag wins over a variable, a variable over the default: `--epochs 3`, `COURSE_EPOCHS=3`,
    `epochs=12`. In a notebook's cell there are no flags; `%run lesson.py --epochs 3` has them.
    Every lesson also has `source`, `seed`, `limit`, `run_dir` and `resume`. A variable COURSE_…
    that is like no setting's name is somebody else's: it is named and not used.

    Args:
        **defaults: Names and default values, which also give the types: `epochs=12`; a setting
            that only this lesson has with what it means: `dims=Setting(2, "…")`.

    Returns:
        A `SimpleNamespace` with one attribute a setting.

    Raises:
        CourseError: For a flag that no setting has, a variable that nearly has a setting's name, a
            value that does not fit, or a Keras that is set to build other networks.

    Example:

    >>> s = settings(epochs=12, batch_size=128)
    >>> s.epochs, s.source, s.limit
    (12, 'kaggle', None)
    """
    known = _COMMON | {name: _setting(name, default) for name, default in defaults.items()}
    values = {name: setting.default for name, setting in known.items()}
    script = is_script(inspect.currentframe().f_back.f_globals)
    if script and not in_ipython():
        console_as_it_is()
        without_tracebacks()
    values |= _from_environment(known)
    if script:
        values |= _from_flags(known, sys.argv[1:])
    for name, value in values.items():
        expected = _expected(known[name], value)
        if expected:
            raise CourseError(f"{name}: se esperaba {expected}. Llegó: {value}.")
    check_keras()
    quiet_tensorflow()
    processes.join()
    return SimpleNamespace(**values)


def _setting(name, default):
    """A lesson's default as a `Setting`; what is common to the lessons keeps its meaning."""
    if isinstance(default, Setting):
        return default
    return replace((_COMMON | _USUAL).get(name, Setting(None)), default=default)


def _type(setting):
    return setting.kind or type(setting.default)


def _expected(setting, value):
    """What is expected in place of a value; None where it fits."""
    least, most = setting.least, setting.most
    if value is None:
        return None
    if setting.choices and value not in setting.choices:
        return " o ".join(map(str, setting.choices))
    if least is not None and value < least or most is not None and value > most:
        return f"{least} o más" if most is None else f"de {least} a {most}"
    return None


def _from_environment(known):
    found, others = {}, []
    for variable, text in os.environ.items():
        if not variable.startswith("COURSE_") or variable in _NOT_SETTINGS:
            continue
        name = variable.removeprefix("COURSE_").lower()
        if name in known:
            found[name] = _convert(_type(known[name]), text, origin=variable)
        # "batch", "epocas" are near; "dir", "user", "year" and what else a hub may say are not
        elif near := nearest(name, known, lambda n: f"COURSE_{n.upper()}", cutoff=0.65):
            raise CourseError(
                f"La variable {variable} no es un ajuste de este taller.{near}\n"
                f"Qué hacer: para quitarla, escribe {how_to_unset(variable)}"
            )
        else:
            others.append(variable)
    if others:
        print(f"No son ajustes de este taller y no se usan: {', '.join(others)}.")
    return found


def _from_flags(known, arguments):
    parser = Parser(prog=pathlib.Path(sys.argv[0]).name, allow_abbrev=False, exit_on_error=False)
    for name, setting in known.items():
        form = {"metavar": "VALOR"}
        if _type(setting) is bool:
            form = {"action": argparse.BooleanOptionalAction}  # --resume, --no-resume
        parser.add_argument(_flag(name), default=argparse.SUPPRESS, help=_help(setting), **form)
    try:
        given, unknown = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        switch = "/" in error.argument_name  # --resume/--no-resume
        raise CourseError(
            f"{error.argument_name} {'no lleva un valor' if switch else 'necesita un valor'}. "
            "Para ver todos los ajustes, agrega --help."
        ) from error
    if unknown:
        raise CourseError(
            f"{unknown[0]} no es un ajuste de este taller."
            f"{nearest(unknown[0].lstrip('-').replace('-', '_'), known, _flag)}"
            " Para ver todos los ajustes, agrega --help."
        )
    return {
        name: value
        if isinstance(value, bool)
        else _convert(_type(known[name]), value, origin=_flag(name))
        for name, value in vars(given).items()
    }


def _flag(name):
    return "--" + name.replace("_", "-")


def _help(setting):
    text, default = setting.help, setting.default
    if isinstance(default, bool):
        default = "sí" if default else "no"
    if default is not None:
        text += f" (por defecto: {default})"
    return text.strip().replace("%", "%%")  # argparse would take % for a place to fill in


def _convert(kind, text, origin):
    """Turn the text of a flag or a variable into the type of its setting."""
    if kind is bool:
        if text.lower() not in ("1", "true", "yes", "0", "false", "no", ""):
            raise CourseError(f"{origin}: se esperaba 1 o 0. Llegó: {text!r}.")
        return text.lower() in ("1", "true", "yes")
    if kind not in (int, float):
        return text
    try:
        number = kind(text)
        if math.isfinite(number):
            return number
    except ValueError:
        pass
    expected = "un número entero" if kind is int else "un número"
    raise CourseError(f"{origin}: se esperaba {expected}. Llegó: {text!r}.")
