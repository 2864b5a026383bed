"""Is a file on disk the one that the catalogue describes? Asked once, then remembered."""

import contextlib
import functools
import gzip
import hashlib
import os
import pathlib
import warnings
import zlib
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
    # "sha256", "contenido" (other bytes; what `compared` names is the same) or "forma" (no hash is
    # known: it is not empty and its reader takes it)
    how: str
    problem: str = ""

    @property
    def good(self):
        return not self.problem


def examine(path, file, content_of) -> FileState:
    """Compare one file with its entry, reading all of it.

    `content_of` gives what the file's reader finds in it; it raises CourseError for a damaged file.
    """
    path = pathlib.Path(path)
    try:
        size = path.stat().st_size
        if size == 0:
            return FileState(path, "forma", "está vacío")
        sha256 = sha256_of(path, file.size_bytes) if file.sha256 else None
    except OSError as error:
        return FileState(path, "forma", f"no se puede leer ({error.strerror})")
    if sha256 and sha256 == file.sha256:
        return FileState(path, "sha256")
    from_kaggle = (file.seen or "").startswith("kaggle")
    if file.sha256 and (from_kaggle or not file.content):
        problem = "su sha256 es otro"
        if file.size_bytes and size != file.size_bytes and not path.name.endswith(".gz"):
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


def compared(content) -> str:
    """What `disagreement` looks at in a file of this kind, and nothing more, in words."""
    words = {
        "shape": "su forma",
        "rows": "cuántas filas tiene",
        "text_bytes": "cuántos bytes de texto suman",
        "histogram": "cuántas veces está cada categoría",
    }
    return (
        ", ".join(text for name, text in words.items() if getattr(content, name)) or "su cabecera"
    )


def same_as(path, info):
    """Which of a data set's files has the bytes of this one: its `FileInfo`, or None.

    Size and name do not count; None too where the catalogue has no hash. A file that did not
    change is read once in a process.
    """
    known = {file.sha256: file for file in info.files if file.sha256}
    sizes = [file.size_bytes for file in known.values()]
    stamp = _stamp(path)
    if not known or not stamp:
        return None
    most = None if None in sizes else max(sizes)
    return known.get(_once(os.path.abspath(path), most, *stamp.values()))


def same_content(one, other) -> bool:
    """Whether two files hold the same, gzipped or not; False where one is damaged."""
    first, second = (_once(os.path.abspath(p), None, *_stamp(p).values()) for p in (one, other))
    return bool(first) and first == second


@functools.lru_cache(maxsize=64)
def _once(path, most, *stamp):
    with contextlib.suppress(OSError):
        return sha256_of(path, most)


def sha256_of(path, most=None) -> str:
    """A file's sha256, of what it holds if it is gzipped; "" where that is damaged.

    A bar shows after a second. What has more than `most` bytes is not read on, and gets "" too.
    """
    from tqdm import tqdm

    checksum, total, name = hashlib.sha256(), os.path.getsize(path), pathlib.Path(path).name
    bar = tqdm(
        total=total, desc=f"revisando {name}", unit="B", unit_scale=True, delay=1, leave=False
    )
    length = 0
    try:
        with files.opened(path) as file, bar:
            while chunk := file.read(_READ_BYTES):
                checksum.update(chunk)
                bar.update(len(chunk))
                length += len(chunk)
                if most and length > most:
                    return ""
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return ""
    return checksum.hexdigest()


class Memory:
    """What was found good, with size and time of change, in one small JSON file of the cache.

    A file that has changed since then is examined again; so is one whose entry got a new hash.
    """

    def __init__(self, path, content_of=None):
        self.path, self._content_of, self._known = path, content_of, {}
        with contextlib.suppress(CourseError):  # none yet, or damaged: it only costs time
            self._known = files.read_json(path)

    def remembered(self, path, file) -> FileState | None:
        """What was found when this file, unchanged since then, was examined; None if it was not."""
        stamp = _stamp(path)
        record = self._known.get(str(path))
        record = record if isinstance(record, dict) else {}
        if stamp and record.get("file") == stamp and record.get("expected") == file.sha256:
            return FileState(path, str(record.get("how")))
        return None

    def state(self, path, file) -> FileState:
        """The remembered state, or a new one; a good one is kept."""
        if known := self.remembered(path, file):
            return known
        stamp = _stamp(path)
        state = examine(path, file, self._content_of)
        if state.good:
            if state.how == "contenido":
                warnings.warn(
                    f"{path} tiene otros bytes que la copia descrita en datasets.yaml "
                    f"({file.seen}). Solo se comparó, y coincide: {compared(file.content)}. "
                    "Se usa tal como está, y el informe lo dice.",
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
    # a file that was replaced with its time kept has another time of change
    return {
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "ctime_ns": status.st_ctime_ns,
    }
