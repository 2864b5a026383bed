"""The first cell of a built lesson and of a notebook: it makes `import course` work."""

import base64
import io
import lzma
import os
import subprocess
import sys
import zipfile

import course
from course.errors import CourseError

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

    def stop(letter):
        end = Exception(letter) if "ipykernel" in sys.modules else SystemExit(letter)
        end._render_traceback_ = lambda: [letter]  # en un cuaderno basta la carta
        raise end

    def kit():  # si course se puede importar, y es este
        found = importlib.util.find_spec("course")
        place = found and found.origin
        ours = place and os.path.join(os.path.dirname(place), "kaggle", "missing.py")
        if place and not os.path.isfile(ours):
            stop(
                f"{{os.path.abspath(place)}} no es el paquete course, y lo tapa: se llama igual.\\n"
                "Qué hacer: dale otro nombre, reinicia el kernel y ejecuta esta celda otra vez."
            )
        return place

    source = os.environ.get("COURSE_SOURCE", "")
    folder = source and os.path.isfile(os.path.join(source, "pyproject.toml"))
    if folder or source.startswith("git+") or source.endswith(".whl"):
        address = os.environ.pop("COURSE_SOURCE")  # else it is where the data come from
    elif kit():
        return
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-color"]
    # --no-deps: TensorFlow, Keras y NumPy quedan como están
    pip += ["--disable-pip-version-check", "--no-deps", "--force-reinstall"]
    done = subprocess.run([*pip, address], capture_output=True, text=True)
    if done.returncode:
        said = re.findall(r"(?im)^ *((?:fatal|error): (?!subprocess).+)", done.stderr)
        stop(
            f"No se pudo instalar course desde {{address}}\\n"
            f"Por qué: {{said[0] if said else 'pip no dijo por qué'}}\\n"
            "Qué hacer: enciende Internet (en Kaggle: Settings → Internet) y ejecuta otra vez; "
            "si esa dirección no existe, escribe otra en COURSE_SOURCE, como dice esta celda."
        )
    importlib.invalidate_caches()
    kit()

    from course.kaggle import missing

    missing.install()


_bring_course("{address}")"""


def packed(stamp) -> str:
    """A cell that carries the whole package."""
    return _PACKED.format(version=course.__version__, stamp=stamp, pack=pack())


def installed(address, stamp) -> str:
    """A cell that installs the package from an address, such as `git+https://…@v0.1.0`."""
    return _INSTALLED.format(address=address, stamp=stamp)


def stamp(command) -> str:
    """What made a file, of which version and commit."""
    commit = course.commit() or "desconocido"
    return f"Hecho con course {course.__version__}, commit {commit}: {command}"


# ---- the package as text

# What a wheel puts into the package from one folder up, and so does the pack.
_BESIDE = ("datasets.yaml", "requirements.txt")
# Outside a checkout there is no list of what belongs; then these kinds of files do.
_KINDS = {".py", ".html", ".css", ".js", ".yaml", ".txt"}
# Stays at home: Kaggle refuses a source of 1 MB, and nobody opens a page of ours there.
_AT_HOME = "demo"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip knows


def pack() -> str:
    """The package `course` in zip, xz and base64, byte for byte the same for the same files.

    In a checkout those are the files that git tracks, so nothing private gets in. `course/COMMIT`
    is added, which a run's card quotes.
    """
    paths = {f"course/{path.relative_to(course.FOLDER).as_posix()}": path for path in _files()}
    paths |= {f"course/{name}": course.beside(name) for name in _BESIDE}
    contents = {name: path.read_bytes() for name, path in paths.items()}
    if commit := course.commit():
        contents["course/COMMIT"] = f"{commit}\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # whatever made it
            archive.writestr(entry, data)
    return base64.b64encode(lzma.compress(packed.getvalue(), preset=9)).decode()


def _files():
    if not (course.FOLDER.parent / ".git").exists():  # installed: another repository may lie above
        found = course.FOLDER.rglob("*")
        kept = (path for path in found if path.suffix in _KINDS and path.is_file())
        return [path for path in kept if not _stays(path)]
    tracked = _listed()
    if not tracked:
        raise CourseError(
            f"git no sigue ningún archivo de {course.FOLDER}; no habría nada que empaquetar.\n"
            "Qué hacer: git add course, y después la misma orden."
        )
    for path in _listed("--others", "--exclude-standard"):
        if not _stays(path):
            print(f"No se empaqueta: git no sigue {path}", file=sys.stderr)
    return [path for path in tracked if not _stays(path)]


def _stays(path):
    return path.is_relative_to(course.FOLDER / _AT_HOME)


def _listed(*options):
    """The files of the package that `git ls-files` lists."""
    command = ["git", "ls-files", "-z", *options, "--", course.FOLDER.name]
    try:
        answer = subprocess.run(command, cwd=course.FOLDER.parent, capture_output=True, check=True)
    except FileNotFoundError:
        why = "git no está instalado"
    except subprocess.CalledProcessError as error:
        why = os.fsdecode(error.stderr).strip()
    else:
        names = [os.fsdecode(name) for name in answer.stdout.split(b"\0") if name]
        return [path for name in names if (path := course.FOLDER.parent / name).is_file()]
    raise CourseError(
        f"{course.FOLDER.parent} es un repositorio de git, pero git no dice qué archivos son "
        f"suyos; sin saberlo se podría empaquetar uno privado.\nPor qué: {why:.300}\n"
        "Qué hacer: consigue que `git status` funcione ahí y repite la misma orden."
    )
