"""One file of a kernel's output: all of its bytes, and none of an error page's."""

import base64
import hashlib
import json
import random
import time
import zipfile

_TRIES = 4
_FIRST_WAIT_S = 0.5
_TIMEOUTS_S = (10, 60)  # to connect; between two bytes
_MAGIC = {".png": b"\x89PNG", ".jpg": b"\xff\xd8", ".npy": b"\x93NUMPY", ".gz": b"\x1f\x8b"}


def fetch(address, path) -> str | None:
    """Download one file to `path`; ask again where that can help.

    Args:
        address: signed, and therefore never shown.
        path: where to; its folder is made, and its suffix says what the file should be.

    Returns:
        None, or why it did not arrive whole, or what came in its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, _TRIES + 1):
        problem, final = _try_to_fetch(address, path)
        if problem is None or final or attempt == _TRIES:
            return problem
        time.sleep(_FIRST_WAIT_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))


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
    if start.startswith(b"{") and _is_an_error(head):
        return "an error message came in its place"
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
            json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return f"what came is no {kind} file"
    return None


def _is_an_error(head):
    """Whether these bytes are the two words that Kaggle's API says when it says no."""
    try:
        return set(json.loads(head)) == {"code", "message"}
    except (ValueError, RecursionError):  # of a longer file only the beginning is here
        return False
