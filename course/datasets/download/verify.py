"""Is a file on disk the one that the catalogue describes? Asked once, then remembered."""

import contextlib
import hashlib
import os
import pathlib
import warnings
from dataclasses import dataclass

from course import files
from course.errors import CourseError
from course.spanish import number

MISSING = "falta"
_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class FileState:
    """How a file is, and how that was settled."""

    path: pathlib.Path
    # "sha256", "md5" (of the original .gz), "contenido" (other bytes, the same data) or "forma" (no
    # hash is known: it is not empty and its reader takes it)
    how: str
    problem: str = ""

    @property
    def good(self):
        return not self.problem


def examine(path, file, content_of) -> FileState:
    """Compare one file with its entry, reading all of it.

    The form with .gz is compared by the md5 of the original .gz. `content_of` gives what the file's
    reader finds in it; it raises CourseError for a damaged file.
    """
    path = pathlib.Path(path)
    try:
        size = path.stat().st_size
        if size == 0:
            return FileState(path, "forma", "está vacío")
        zipped = path.name.endswith(".gz") and path.name != pathlib.Path(file.path).name
        if zipped and digest(path, "md5") == file.gz_md5:
            return FileState(path, "md5")
        sha256 = None if zipped or not file.sha256 else digest(path, "sha256")
    except OSError as error:
        return FileState(path, "forma", f"no se puede leer ({error.strerror})")
    if sha256 and sha256 == file.sha256:
        return FileState(path, "sha256")
    from_kaggle = (file.seen or "").startswith("kaggle")
    if sha256 and (from_kaggle or not file.content):
        problem = "su sha256 es otro"
        if file.size_bytes and size != file.size_bytes:
            problem = f"tiene {number(size, 0)} bytes, no {number(file.size_bytes, 0)}"
        return FileState(path, "sha256", problem)
    how = "contenido" if file.sha256 else "forma"
    return FileState(path, how, disagreement(path, file, content_of) if file.content else "")


def disagreement(path, file, content_of) -> str:
    """The first thing that a file holds otherwise than its entry says, or ""."""
    try:
        found = content_of(path, file)
    except CourseError as error:  # its first line, which begins with the path
        return str(error).partition("\n")[0].removeprefix(f"{path}: ").rstrip(".")
    expected = file.content
    for name, words in {
        "shape": "su forma es {}, no {}",
        "rows": "tiene {} filas, no {}",
        "text_bytes": "sus filas suman {} bytes de texto, no {}",
    }.items():
        here, wanted = getattr(found, name), getattr(expected, name)
        if wanted and here != wanted:
            return words.format(*(n if name == "shape" else number(n, 0) for n in (here, wanted)))
    for key in sorted(found.histogram | expected.histogram) if expected.histogram else ():
        here, wanted = found.histogram.get(key, 0), expected.histogram.get(key, 0)
        if here != wanted:
            return f"{key} está {number(here, 0)} veces, no {number(wanted, 0)}"
    return ""


def digest(path, algorithm) -> str:
    """A file's checksum as hexadecimal digits; a bar shows after a second."""
    from tqdm import tqdm

    checksum, total, name = hashlib.new(algorithm), os.path.getsize(path), pathlib.Path(path).name
    bar = tqdm(
        total=total, desc=f"revisando {name}", unit="B", unit_scale=True, delay=1, leave=False
    )
    with open(path, "rb") as file, bar:
        while chunk := file.read(_READ_BYTES):
            checksum.update(chunk)
            bar.update(len(chunk))
    return checksum.hexdigest()


class Memory:
    """What was found good, with size and time of change, in one small JSON file of the cache.

    A file that has changed since then is examined again; so is one whose entry got a new hash.
    """

    def __init__(self, path, content_of):
        self.path, self._content_of, self._known = path, content_of, {}
        with contextlib.suppress(CourseError):  # none yet, or damaged: it only costs time
            self._known = files.read_json(path)

    def state(self, path, file) -> FileState:
        """The remembered state, or a new one; a good one is kept."""
        stamp = _stamp(path)
        record = self._known.get(str(path))
        record = record if isinstance(record, dict) else {}
        if stamp and record.get("file") == stamp and record.get("expected") == file.sha256:
            return FileState(path, str(record.get("how")))
        state = examine(path, file, self._content_of)
        if state.good:
            if state.how == "contenido":
                warnings.warn(
                    f"{path} tiene otros bytes que la copia descrita en datasets.yaml "
                    f"({file.seen}), pero el mismo contenido: coinciden forma, filas y etiquetas. "
                    "Se usa tal como está.",
                    UserWarning,
                    stacklevel=2,
                )
            self._known[str(path)] = {"file": stamp, "expected": file.sha256, "how": state.how}
            with contextlib.suppress(CourseError):
                files.write(self.path, files.json_text(self._known))
        return state


def _stamp(path):
    try:
        status = os.stat(path)
    except OSError:
        return None
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
