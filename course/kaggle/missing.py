"""Install what a platform lacks of the course's light requirements, and replace nothing.

The first cell of a built lesson or of a notebook calls `install()`. Its words are for students.
"""

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import course

# The platform's own: a second copy would need gigabytes, a restart or another GPU driver.
# tensorflow-datasets only serves source="tfds".
_NEVER = ("tensorflow", "keras", "numpy", "tensorflow-datasets")
_DEVICES, _TPU = Path("/dev"), ("accel[0-9]*", "vfio/[0-9]*")  # a TPU's cores are files there
# Versions that pip takes in a constraint; a platform's own build may be called anything.
_VERSION = r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[\w.]+)?"


def install():
    """Bring what is missing by pip; where that fails, say what is missing and what to do."""
    choose_backend()
    absent = lacking()
    if not absent:
        return
    print(f"Instalando lo que falta: {', '.join(absent)}")
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        constraints.write_text("\n".join(_as_installed()), encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-color"]
        pip += ["--disable-pip-version-check", "--retries", "1", "--timeout", "10"]
        pip += ["--constraint", str(constraints)]
        done = subprocess.run([*pip, *absent], capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip() or "pip no dijo por qué").splitlines()[-1]
        print(
            f"No se pudo instalar: {', '.join(absent)}\n"
            f"Por qué: {reason:.300}\n"
            "Qué hacer: si más abajo aparece ModuleNotFoundError, enciende Internet (en Kaggle: "
            "Settings → Internet; pide una cuenta verificada) y ejecuta todo otra vez."
        )


def choose_backend():
    """Let Keras compute with JAX where TensorFlow is not there, or cannot reach the TPU that is.

    Colab's TPU runtime has no TensorFlow; Kaggle's has one for the CPU only. Whoever has set
    KERAS_BACKEND, or imported Keras before, has chosen.
    """
    if "KERAS_BACKEND" in os.environ or "keras" in sys.modules or not _found("jax"):
        return
    if not _found("tensorflow"):
        why = "aquí no hay TensorFlow"
    elif _found("libtpu") and any(next(_DEVICES.glob(one), None) for one in _TPU):
        why = "aquí hay una TPU, que TensorFlow no alcanza"
    else:
        return
    os.environ["KERAS_BACKEND"] = "jax"
    print(f"Keras calcula con JAX (KERAS_BACKEND=jax): {why}.")


def lacking() -> list[str]:
    """The lines of requirements.txt whose package is not here at all."""
    return [line for line in requirements() if not _here(_name(line))]


def requirements() -> list[str]:
    """The lines of requirements.txt that may be installed beside what a platform ships."""
    lines = course.beside("requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and line[0] != "#" and _name(line) not in _NEVER]


def _as_installed():
    """`name==version` of all that is here: pip then never moves one of them."""
    for found in importlib.metadata.distributions():
        name, version = found.metadata["Name"], found.version
        if name and name != "course" and re.fullmatch(_VERSION, version or ""):
            yield f"{name}=={version}"


def _name(requirement):
    return re.match(r"[\w.-]+", requirement)[0].lower()


def _found(module):
    return importlib.util.find_spec(module) is not None


def _here(name):
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
