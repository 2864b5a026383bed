"""Keras, loaded without TensorFlow's greetings and set as the lessons need it."""

import contextlib
import json
import os
import pathlib
import sys
import tempfile

from course.errors import CourseError
from course.training.place import how_to_unset, in_notebook


def load_keras():
    """Import Keras and its backend; what they print meanwhile is shown only if that fails.

    No student can tell those greetings from errors. TensorFlow 2.21 writes about oneDNN, CUDA and
    log messages straight to file descriptor 2, whatever TF_CPP_MIN_LOG_LEVEL says; that variable
    quiets the rest.

    oneDNN holds the fast convolutions of a CPU: a training step of a 3D U-Net takes a seventh of
    the time. TensorFlow 2.21 leaves it off on AMD processors unless told before it is imported;
    whoever sets TF_ENABLE_ONEDNN_OPTS=0 keeps it off.

    Raises:
        CourseError: If Keras does not load: a backend that is not there, a damaged keras.json.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" not in sys.modules:
        try:
            with _held_back(2):
                import keras  # noqa: F401
        except Exception as error:  # Keras raises whatever its keras.json makes of it
            raise CourseError(
                f"Keras no se puede cargar ({type(error).__name__}: {error!s:.200}).\n"
                f"Qué hacer: {_how_to_load()}"
            ) from error


def check_keras():
    """Refuse a Keras that is set to build other networks than the lessons'.

    `~/.keras/keras.json`, variables and calls such as `keras.config.set_floatx` hold for the whole
    process. Mixed precision changes what a GPU computes with and stays allowed. Before Keras is
    imported there is nothing to look at.

    Raises:
        CourseError: With the file to change, the variable to drop or the call to make.
    """
    keras = sys.modules.get("keras")
    if keras is None or not hasattr(keras, "config"):
        return
    for name, usual in _KERAS.items():
        found = getattr(keras.config, name)()
        if found == usual or getattr(found, "name", None) in _POLICIES:
            continue
        raise CourseError(
            f"Keras está configurado con {name} = {getattr(found, 'name', found)!r}, y así "
            f"saldría otra red: los talleres son para {usual!r}.\n"
            f"Qué hacer: {_how_to_restore(name, found, usual)}"
        )


# what changes a network, or how long it trains, and how Keras comes
_KERAS = {
    "image_data_format": "channels_last",
    "floatx": "float32",
    "epsilon": 1e-7,
    "dtype_policy": "float32",
    "max_epochs": None,
    "max_steps_per_epoch": None,
}
_POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")


def _how_to_restore(name, found, usual):
    variable = f"KERAS_{name.upper()}"
    if variable in os.environ and not in_notebook():
        return f"{how_to_unset(variable)}, y {_anew()}"
    if _keras_json().get(name) == found:
        return f'en {_keras_path()} escribe "{name}": {json.dumps(usual)}, y {_anew()}'
    value = "None" if usual is None else json.dumps(usual)
    return f"antes de los ajustes, escribe keras.config.set_{name}({value})"


def _how_to_load():
    if os.environ.get("KERAS_BACKEND"):
        return f"{how_to_unset('KERAS_BACKEND')}, y {_anew()}"
    path, usual = _keras_path(), {**_KERAS, "backend": "tensorflow"}
    found = _keras_json()
    if path.is_file() and (not found or any(found.get(k, v) != v for k, v in usual.items())):
        return f"borra el archivo {path} (Keras crea otro), y {_anew()}"
    return "pip install -r requirements.txt, en la carpeta del curso"


def _anew():
    return "reinicia el kernel" if in_notebook() else "repite la misma orden"


def _keras_path():
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    return pathlib.Path(home, "keras.json")


def _keras_json():
    """What keras.json says; `{}` where there is none that Keras could read."""
    try:
        found = json.loads(_keras_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@contextlib.contextmanager
def _held_back(descriptor):
    """Send what is written to a file descriptor to a file, and on from there after an error."""
    sys.stderr.flush()
    usual = os.dup(descriptor)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), descriptor)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(usual, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(usual, descriptor)
            os.close(usual)
