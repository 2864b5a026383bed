"""The files below a folder, as they lie there; dust, circles and double names are told."""

import os
import pathlib
from dataclasses import dataclass

from course.datasets.folders.record import Fault, told
from course.errors import CourseError
from course.spanish import number

PICTURES = frozenset(".png .jpg .jpeg .jfif .webp .bmp .tif .tiff .gif .heic .heif".split())
TABLES = frozenset((".csv", ".tsv"))
_DUST = frozenset(("thumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "lost+found"))
_MOST = 500_000  # files; who names a whole disk by mistake does not wait for its end


@dataclass(frozen=True)
class Found:
    """Names below `folder`, sorted, with "/" between folders."""

    folder: pathlib.Path
    pictures: list[str]
    tables: list[str]
    folders: list[str]
    faults: list[Fault]


def is_dust(name):
    """Whether a system or a program left it: hidden, of a Mac, of Windows, of a notebook."""
    return name.startswith(".") or name.lower() in _DUST


def find(folder) -> Found:
    """Look through a folder and all below it.

    Links are followed, and each folder is entered once; a run's is not entered. Of names that
    differ only by case, which Windows and Mac take for one file, the first is used.

    Raises:
        CourseError: There are more than 500,000 files.
    """
    seen, files, folders, total = set(), [], [], 0
    left = {kind: [] for kind in _LEFT_OUT}

    def closed(error):
        left["closed"].append(os.path.relpath(error.filename, folder))

    for place, inner, names in os.walk(folder, followlinks=True, onerror=closed):
        home = pathlib.PurePath(os.path.relpath(place, folder))
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:
            left["circle"].append(home.as_posix())
            inner.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        if "settings.json" in names and "checkpoints" in inner:
            left["run"].append(home.as_posix())
            inner.clear()
            continue
        left["accident"] += [(home / name).as_posix() for name in inner if is_dust(name)]
        inner[:] = sorted(name for name in inner if not is_dust(name))
        folders += [(home / name).as_posix() for name in inner]
        taken = set()
        for name in sorted(names):
            kind = _kind(name, taken)
            (left[kind] if kind else files).append((home / name).as_posix())
            taken.add(name.lower())
        total += len(names)
        if total > _MOST:
            raise CourseError(
                f"{folder} tiene más de {number(_MOST, 0)} archivos. Se esperaba una carpeta con "
                "las imágenes de un proyecto.\nQué hacer: nombra la carpeta que las contiene."
            )
    of_runs = {
        parent.as_posix() for run in left["run"] for parent in pathlib.PurePath(run, "*").parents
    }
    folders = [name for name in folders if name not in of_runs]
    faults = [_fault(kind, tuple(sorted(names))) for kind, names in left.items() if names]
    tables = {name for name in files if _suffix(name) in TABLES}
    pictures = sorted(name for name in files if name not in tables)
    return Found(pathlib.Path(folder), pictures, sorted(tables), sorted(folders), faults)


def _kind(name, taken):
    """Why a file is left out, a key of `_LEFT_OUT`; None for a picture or a table."""
    if is_dust(name):
        return "hidden"
    if _suffix(name) not in PICTURES | TABLES:
        return "other"
    return "case" if name.lower() in taken else None


def _suffix(name):
    return pathlib.PurePath(name).suffix.lower()


_NOTHING_TO_DO = "nada; se dejan fuera."
# (one, several, what to do)
_LEFT_OUT = {
    "accident": (
        "carpeta que dejó el sistema o un programa",
        "carpetas que dejó el sistema o un programa",
        "nada; no son clases y se dejan fuera.",
    ),
    "hidden": ("archivo oculto o del sistema", "archivos ocultos o del sistema", _NOTHING_TO_DO),
    "other": (
        "archivo que no es una imagen",
        "archivos que no son imágenes",
        "si alguno debía serlo, guárdalo como PNG o JPG.",
    ),
    "case": (
        "archivo cuyo nombre difiere de otro solo en mayúsculas, y queda fuera",
        "archivos cuyo nombre difiere de otro solo en mayúsculas, y quedan fuera",
        "dales otro nombre: en Windows y Mac uno borraría al otro.",
    ),
    "circle": (
        "carpeta a la que se llega dos veces por un enlace, y se lee una",
        "carpetas a las que se llega dos veces por un enlace, y se leen una",
        "quita el enlace, si no lo pusiste a propósito.",
    ),
    "run": (
        "carpeta de una corrida, con sus figuras",
        "carpetas de corridas, con sus figuras",
        _NOTHING_TO_DO,
    ),
    "closed": (
        "carpeta que no tienes permiso para leer",
        "carpetas que no tienes permiso para leer",
        "cambia sus permisos, o copia las imágenes a una carpeta tuya.",
    ),
}


def _fault(kind, names):
    one, several, todo = _LEFT_OUT[kind]
    return Fault(kind, names, told(names, one, several), todo)
