"""The runs in a delivery: a few files of known names are copied, nothing is unpacked as it lies."""

import errno
import hashlib
import json
import pathlib
import re
import tempfile
import zipfile
from dataclasses import dataclass, field

from course import files
from course.classroom.deliveries import DAMAGE, entries_of
from course.datasets.folders.find import is_dust
from course.spanish import number

_MB = 1_000_000
# what is looked at in a run's folder, and how many bytes of it at most
_FILES = {
    "model.keras": 1000 * _MB,
    "card.json": 10 * _MB,
    "settings.json": 1 * _MB,
    "report.json": 50 * _MB,
    "history.csv": 10 * _MB,
    "ejercicios.json": 1 * _MB,
}
_A_RUN = {"model.keras", "card.json"}
_ARCHIVE = 2000 * _MB  # of a zip in a zip
_ALL = 4000 * _MB  # that come out of one delivery
_NOTEBOOK = 50 * _MB
_ENTRIES = 100_000  # looked at in one delivery
_DEPTH = 3  # zips in zips
_OTHER_ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass
class Run:
    """A run that was found: where in the delivery, and the folder that its files were copied to."""

    place: str
    folder: pathlib.Path

    @property
    def digest(self):
        """Of all that was copied: the same run, delivered again, has the same."""
        checksum = hashlib.sha256()
        for path in sorted(self.folder.iterdir()):
            with open(path, "rb") as file:
                checksum.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
        return checksum.hexdigest()


@dataclass
class Taken:
    """What a delivery holds: its runs, the lessons of its notebooks, and what is wrong with it."""

    runs: list[Run] = field(default_factory=list)
    notebooks: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class _TooMuch(Exception):
    pass


def take(delivery, home) -> Taken:
    """Copy the runs of a delivery into an empty folder.

    Only files of the names that a run has are copied, each under its own name into a folder of a
    new name, and each up to a size: what else a delivery holds, wherever it wants to go and however
    large it would be, stays packed. Links are not followed. Zips in zips are opened, three deep.
    A record of exercises that lies in no run goes with all of them that have none.

    Args:
        delivery: `deliveries.Delivery`.
        home: `pathlib.Path`.

    Returns:
        A `Taken`; whatever cannot be read is one of its faults.
    """
    return _Taking(delivery, home).run()


class _Taking:
    def __init__(self, delivery, home):
        self._delivery, self._home = delivery, home
        self._folders, self._taken = {}, Taken()
        self._entries = self._bytes = 0

    def run(self):
        try:
            self._look(self._delivery.entries(), "", 0)
        except _TooMuch as error:
            self._fault(self._delivery.place, f"{error}; lo demás no se miró")
        except DAMAGE as error:
            self._fault(self._delivery.place, f"no se puede leer ({error})")
        self._sort()
        return self._taken

    def _look(self, entries, above, depth):
        for entry in entries:
            self._entries += 1
            if self._entries > _ENTRIES:
                raise _TooMuch(f"tiene más de {number(_ENTRIES, 0)} archivos")
            *folders, name = entry.name.replace("\\", "/").split("/")
            suffix = pathlib.PurePath(name.lower()).suffix
            if any(map(is_dust, folders)) or (is_dust(name) and suffix not in (".zip", ".ipynb")):
                continue
            place = above + entry.name
            if entry.problem:
                self._fault(place, entry.problem)
            elif name.lower().endswith(".zip"):
                self._open(entry, place, depth)
            elif name.lower() in _FILES:
                self._copy(entry, name.lower(), (above + "/".join(folders)).rstrip("/"), place)
            elif suffix == ".ipynb":
                self._read(entry, place)
            elif suffix in _OTHER_ARCHIVES:
                self._fault(place, "se esperaba un zip")

    def _open(self, entry, place, depth):
        if depth == _DEPTH:
            self._fault(place, f"es un zip dentro de {_DEPTH} más, y no se abrió")
            return
        with tempfile.TemporaryFile() as file:
            if self._pour(entry, file, _ARCHIVE, place):
                try:
                    with zipfile.ZipFile(file) as archive:
                        self._look(entries_of(archive), f"{place}/", depth + 1)
                except DAMAGE as error:
                    self._fault(place, f"está dañado, tiene contraseña o no es un zip ({error})")

    def _copy(self, entry, name, folder, place):
        if folder not in self._folders:
            self._folders[folder] = self._home / str(len(self._folders))
            self._folders[folder].mkdir()
        path = self._folders[folder] / name
        if path.exists():
            self._fault(place, "está dos veces, y se mira la primera")
            return
        with open(path, "wb") as file:
            whole = self._pour(entry, file, _FILES[name], place)
        if not whole:
            path.unlink()

    def _read(self, entry, place):
        """The lesson of a notebook."""
        with tempfile.TemporaryFile() as file:
            if self._pour(entry, file, _NOTEBOOK, place):
                file.seek(0)
                self._taken.notebooks.append(_lesson_in(file.read()))

    def _pour(self, entry, file, most, place):
        """Whether a file was copied whole: what its archive promises of its size is not asked."""
        done = 0
        try:
            with entry.open() as source:
                while piece := source.read(_MB):
                    done += len(piece)
                    self._bytes += len(piece)
                    if self._bytes > _ALL:
                        raise _TooMuch(f"daría más de {number(_ALL / 1e9, 0)} GB")
                    if done > most:
                        self._fault(place, f"tiene más de {number(most / 1e6, 0)} MB")
                        return False
                    file.write(piece)
        except DAMAGE as error:
            if getattr(error, "errno", None) == errno.ENOSPC:
                raise files.cannot_write(self._home, error) from error
            self._fault(place, f"no se puede leer ({error})")
            return False
        return True

    def _fault(self, place, words):
        self._taken.faults.append(f"{self._delivery.inside(place)}: {words}")

    def _sort(self):
        """Tell the folders that hold a run from those that hold only some of its names."""
        holds = {
            place: {path.name for path in folder.iterdir()}
            for place, folder in self._folders.items()
        }
        runs = [place for place, names in holds.items() if names & _A_RUN]
        # a whole checkout of the course brings networks that are no run of a lesson
        lessons = [place for place in runs if "settings.json" in holds[place]]
        self._taken.runs = [
            Run(self._delivery.inside(place), self._folders[place])
            for place in sorted(lessons or runs)
        ]
        loose = [
            self._folders[place] / "ejercicios.json"
            for place, names in holds.items()
            if place not in runs and "ejercicios.json" in names
        ]
        for run in self._taken.runs:
            own = run.folder / "ejercicios.json"
            if loose and not own.exists():
                own.write_bytes(loose[0].read_bytes())


def _lesson_in(notebook):
    """The lesson of a notebook, by the run that its code begins; "" where it is none of them."""
    try:
        cells = json.loads(notebook)["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    found = re.search(r"run_dir\(\s*[\"'](taller\d+\w*)[\"']", code)
    return found[1] if found else ""
