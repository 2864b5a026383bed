"""Is a file on disk the one that the catalogue describes? Asked once, then remembered."""

import dataclasses
import hashlib
import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

from course.datasets.download import contents

MISSING = "it is missing"
_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Verdict:
    """How a file is, and how that was settled.

    `how` is "sha256", "md5" (of the original .gz), "content" (other bytes, the same data) or "form"
    (no hash is known: it is not empty and its header is right). `problem` is "" for a good file.
    """

    path: Path
    how: str
    problem: str = ""

    @property
    def good(self):
        return not self.problem


def examine(path, file) -> Verdict:
    """Compare one file with its entry, reading all of it; a bar shows after a second.

    Args:
        path: where the file lies; the form with .gz is compared by the md5 of the original .gz.
        file: its `course.datasets.catalog.FileInfo`.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size == 0:
            return Verdict(path, "form", "it is empty")
        zipped = path.name.endswith(".gz") and path.name != Path(file.path).name
        if zipped and digest(path, "md5") == file.gz_md5:
            return Verdict(path, "md5")
        sha256 = None if zipped or not file.sha256 else digest(path, "sha256")
    except OSError as error:
        return Verdict(path, "form", f"it cannot be read ({error.strerror})")
    if sha256 and sha256 == file.sha256:
        return Verdict(path, "sha256")
    from_kaggle = (file.seen or "").startswith("kaggle")
    if sha256 and (from_kaggle or not file.content):
        return Verdict(path, "sha256", _difference(size, file))
    how = "content" if file.sha256 else "form"
    problem = contents.disagreement(path, file.content) if file.content else ""
    return Verdict(path, how, problem)


def _difference(size, file):
    if file.size_bytes and size != file.size_bytes:
        return f"it has {size:,} bytes, not {file.size_bytes:,}"
    return "its sha256 is another one"


def digest(path, algorithm) -> str:
    """A file's checksum as hexadecimal digits; a bar shows after a second."""
    from tqdm import tqdm

    checksum, total = hashlib.new(algorithm), os.path.getsize(path)
    with (
        open(path, "rb") as file,
        tqdm(total=total, desc=f"checking {Path(path).name}", unit="B", unit_scale=True, delay=1,
             leave=False) as bar,
    ):  # fmt: skip
        while chunk := file.read(_READ_BYTES):
            checksum.update(chunk)
            bar.update(len(chunk))
    return checksum.hexdigest()


class Memory:
    """What was found good, with size and time of change, in one small JSON file of the cache.

    A file that was truncated, replaced or deleted since then is examined again; so is one whose
    entry got a new hash. A folder that cannot be written just remembers nothing.
    """

    def __init__(self, path):
        self.path = Path(path)
        try:
            known = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        self._known = known if isinstance(known, dict) else {}

    def verdict(self, path, file) -> Verdict:
        """The remembered verdict, or a new one; a good one is kept."""
        stamp = _stamp(path)
        record = self._known.get(str(path))
        if isinstance(record, dict) and stamp and record.get("file") == stamp:
            if record.get("expected") == file.sha256:
                return Verdict(Path(path), str(record.get("how")))
        verdict = examine(path, file)
        if verdict.good and verdict.how == "form" and self._shrunk(record, stamp):
            verdict = dataclasses.replace(verdict, problem="it is shorter than it was")
        if verdict.good:
            if verdict.how == "content":
                warnings.warn(_difference_told(verdict, file), UserWarning, stacklevel=2)
            self._known[str(path)] = {"file": stamp, "expected": file.sha256, "how": verdict.how}
            self._save()
        return verdict

    @staticmethod
    def _shrunk(record, stamp):
        try:
            return stamp["size"] < record["file"]["size"]
        except (TypeError, KeyError):
            return False

    def _save(self):
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self._known, indent=1), encoding="utf-8")
            temporary.replace(self.path)
        except OSError:
            pass


def _difference_told(verdict, file):
    return (
        f"{verdict.path} has other bytes than the copy described in datasets.yaml ({file.seen}), "
        "but the same content: shape, rows and labels agree. It is used as it is."
    )


def _stamp(path):
    try:
        status = os.stat(path)
    except OSError:
        return None
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
