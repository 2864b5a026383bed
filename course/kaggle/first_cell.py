"""The first cell of a built lesson and of a notebook: it makes `import course` work."""

import course
from course.kaggle import pack

# Colab, Kaggle and Jupyter each have a word of their own for a cell that is folded.
FOLDED = {"cellView": "form", "_kg_hide-input": True, "jupyter": {"source_hidden": True}}

_PACKED = """\
# @title El paquete course {version}, comprimido en esta celda: no necesita internet
# {stamp}
def _bring_course(packed):
    import atexit
    import base64
    import io
    import lzma
    import os
    import shutil
    import sys
    import tempfile
    import zipfile

    folder = tempfile.mkdtemp(prefix="course-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    archive = io.BytesIO(lzma.decompress(base64.b64decode(packed)))
    zipfile.ZipFile(archive).extractall(folder)
    sys.path.insert(0, folder)
    others = [path for path in [os.environ.get("PYTHONPATH")] if path]
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, *others])  # for !python -m course

    from course.kaggle import missing

    missing.install()


_bring_course(
    "{pack}"
)"""

_INSTALLED = """\
# @title Prepara el entorno: instala el paquete course (unos segundos)
# {stamp}
# Donde course ya se puede importar, esta celda no hace nada. Para instalarlo desde otro lugar,
# antes de ella: %env COURSE_SOURCE=git+https://… (o un archivo .whl, o la carpeta del repositorio)
def _bring_course(address):
    import importlib.util
    import os
    import re
    import subprocess
    import sys

    source = os.environ.get("COURSE_SOURCE", "")
    folder = source and os.path.isfile(os.path.join(source, "pyproject.toml"))
    if folder or source.startswith("git+") or source.endswith(".whl"):
        address = os.environ.pop("COURSE_SOURCE")  # else it is where the data come from
    else:
        found = importlib.util.find_spec("course")
        if found and found.origin:
            return
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-color"]
    # --no-deps: TensorFlow, Keras y NumPy quedan como están
    pip += ["--disable-pip-version-check", "--no-deps", "--force-reinstall"]
    done = subprocess.run([*pip, address], capture_output=True, text=True)
    if done.returncode:
        said = re.findall(r"(?im)^ *((?:fatal|error): (?!subprocess).+)", done.stderr)
        letter = (
            f"No se pudo instalar course desde {{address}}\\n"
            f"Por qué: {{said[0] if said else 'pip no dijo por qué'}}\\n"
            "Qué hacer: enciende Internet (en Kaggle: Settings → Internet) y ejecuta otra vez; "
            "si esa dirección no existe, escribe otra en COURSE_SOURCE, como dice esta celda."
        )
        end = Exception(letter) if "ipykernel" in sys.modules else SystemExit(letter)
        end._render_traceback_ = lambda: [letter]  # en un cuaderno basta la carta
        raise end
    importlib.invalidate_caches()

    from course.kaggle import missing

    missing.install()


_bring_course("{address}")"""


def packed(stamp) -> str:
    """A cell that carries the whole package."""
    return _PACKED.format(version=course.__version__, stamp=stamp, pack=pack.text())


def installed(address, stamp) -> str:
    """A cell that installs the package from an address, such as `git+https://…@v0.1.0`."""
    return _INSTALLED.format(address=address, stamp=stamp)


def stamp(command) -> str:
    """What made a file, of which version and commit."""
    commit = course.commit() or "desconocido"
    return f"Hecho con course {course.__version__}, commit {commit}: {command}"
