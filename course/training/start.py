"""Keras, loaded without TensorFlow's greetings and set as the lessons need it."""

import contextlib
import json
import logging
import os
import pathlib
import shlex
import sys
import tempfile

from course import FOLDER
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
        CourseError: If Keras does not load: it is not installed here, a backend that is not there,
            a damaged keras.json.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" not in sys.modules:
        try:
            with held_back(2):
                import keras  # noqa: F401
        except ModuleNotFoundError as error:
            if error.name != "keras":
                raise _not_loaded(error) from error
            raise not_installed("keras") from error
        except Exception as error:  # Keras raises whatever its keras.json makes of it
            raise _not_loaded(error) from error


def _not_loaded(error):
    return CourseError(
        f"Keras no se puede cargar ({type(error).__name__}: {error!s:.200}).\n"
        f"Qué hacer: {_how_to_load()}"
    )


def not_installed(library) -> CourseError:
    """What to say where this Python lacks a library of requirements.txt.

    Nearly always `make` has made `.venv`, and this terminal was opened later.
    """
    home = FOLDER.parent / ".venv"
    way = home / ("Scripts/activate" if os.name == "nt" else "bin/activate")
    if not way.is_file() or pathlib.Path(sys.prefix) == home:
        return CourseError(
            f"Falta instalar {library} en este Python ({sys.executable}).\nQué hacer: {_INSTALL}"
        )
    activate = str(way) if os.name == "nt" else f"source {shlex.quote(str(way))}"
    return CourseError(
        f"Falta activar el entorno del curso: este Python ({sys.executable}) no tiene {library}.\n"
        f"Qué hacer: {activate}\n"
        "y después la misma orden. Hace falta una vez en cada terminal que abras."
    )


_INSTALL = "pip install -r requirements.txt, en la carpeta del curso"


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


def quiet_tensorflow():
    """Leave out TensorFlow's warning that a fifth network was compiled: a lesson may have many."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def set_up_jax():
    """Give the devices of a CPU threads enough to meet in; once JAX has started it is too late.

    JAX takes as many as there are cores, and whatever waits for another device holds one: see
    `course.training.devices.in_step`. NPROC is what XLA, JAX' compiler, asks in place of the cores;
    it is set only where several devices were asked for. What one device computes is left to none.
    """
    import jax

    jax.config.update("jax_cpu_enable_async_dispatch", False)
    if "host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        os.environ.setdefault("NPROC", "32")


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
    return _INSTALL


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
def held_back(descriptor):
    """Send what is written to a file descriptor to a file, and on from there after an error."""
    sys.stdout.flush()
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
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(usual, descriptor)
            os.close(usual)
