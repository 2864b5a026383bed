"""One file of a kernel's output: all of its bytes, and none of an error page's."""

import base64
import hashlib
import json
import random
import time
import zipfile

from course.errors import CourseError

_TRIES = 4
_FIRST_WAIT_S = 0.5
_TIMEOUTS_S = (10, 60)  # to connect; between two bytes
_MAGIC = {".png": b"\x89PNG", ".jpg": b"\xff\xd8", ".npy": b"\x93NUMPY", ".gz": b"\x1f\x8b"}


def fetch(name, address, path):
    """Download one file to `path`; ask again where that can help.

    Args:
        name: what the output calls it; its suffix says what it should be.
        address: signed, and therefore never shown.
        path: where to; its folder is made.

    Raises:
        CourseError: it did not arrive whole, or something else came in its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, _TRIES + 1):
        problem, final = _try_to_fetch(address, path)
        if problem is None:
            return
        if final or attempt == _TRIES:
            break
        time.sleep(_FIRST_WAIT_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))
    raise CourseError(
        f"{name} did not arrive: {problem}. Nothing was kept, and nothing that was there is "
        "changed.\nNext: type the same command again; if it fails again, look at the kernel's "
        "page at Kaggle, under Output."
    )


def _try_to_fetch(address, path):
    """`(problem, final)`: None if all is well; final if asking again cannot help."""
    import requests

    try:
        with requests.get(address, stream=True, timeout=_TIMEOUTS_S) as answer:
            code = answer.status_code
            if code != 200:
                return f"Kaggle's storage answers {code}", code < 500 and code != 429
            problem = _receive(answer, path)
    except requests.RequestException:
        return "the connection was cut", False
    return (problem, False) if problem else (_looks_wrong(path), True)


def _receive(answer, path):
    """Write the body; what is wrong with its size or hash, or None."""
    md5 = hashlib.md5(usedforsecurity=False)
    with path.open("wb") as file:
        for piece in answer.iter_content(1 << 20):
            file.write(piece)
            md5.update(piece)
    size, wanted = answer.raw.tell(), answer.headers.get("Content-Length")
    if wanted is not None and size != int(wanted):
        return f"{size} of {wanted} bytes came"
    hashes = dict(
        part.strip().split("=", 1)
        for part in answer.headers.get("x-goog-hash", "").split(",")
        if part
    )
    told = hashes.get("md5")
    if told and "Content-Encoding" not in answer.headers:
        if base64.b64encode(md5.digest()).decode() != told:
            return "its md5 is not that of the file at Kaggle"
    return None


def _looks_wrong(path):
    """Why a file cannot be what its name says, or None: error pages come with a code 200 too."""
    with path.open("rb") as file:
        head = file.read(1024)
    start, kind = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower(), path.suffix.lower()
    page = start.startswith((b"<!doctype html", b"<html", b"<?xml"))
    if b"<error>" in start or (page and kind not in (".html", ".htm", ".xml", ".svg")):
        return "a page came in its place"
    if not head.startswith(_MAGIC.get(kind, b"")):
        return f"what came is no {kind} file"
    if kind in (".keras", ".zip", ".npz"):
        try:
            damaged = zipfile.ZipFile(path).testzip()
        except (zipfile.BadZipFile, OSError, EOFError):
            damaged = True
        return f"what came is no {kind} file" if damaged else None
    if kind in (".json", ".ipynb"):
        try:
            content = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return f"what came is no {kind} file"
        if isinstance(content, dict) and {"code", "message"} == set(content):
            return "an error message came in its place"
    return None
