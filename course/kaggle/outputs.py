"""Bring home what a kernel has written: every page, every byte, or nothing at all."""

import base64
import hashlib
import json
import re
import zipfile
from pathlib import Path, PurePosixPath

from course import files
from course.datasets.download import answers
from course.errors import CourseError

_ASIDE = "kaggle"  # within a run's folder: the log, and whatever else the kernel wrote
_TIMEOUTS_S = (10, 60)  # to connect; between two bytes


def bring_home(client, kernel, folder) -> Path:
    """Download a kernel's output; a run in it lies in `folder` as a local one would.

    Everything arrives beside `folder` first and is put there when it is whole. A folder that is
    there already is never written into: it is moved aside to a free name, `folder-1`, ….

    Args:
        client: A `course.kaggle.client.Client`.
        kernel: "owner/slug".
        folder: Where to; if the output holds one run (a card.json), its files stand there directly
            and the rest, the log included, in `folder/kaggle/`.

    Returns:
        `folder`.

    Raises:
        CourseError: There is no output, a file could not be had whole, or the disk refuses.
    """
    found, log = client.output(kernel)
    if not found and not log:
        raise CourseError(
            f"{kernel} no dejó ningún archivo ni registro.\n"
            f"Qué hacer: mira si terminó bien en {page(kernel)}"
        )
    places, folder = _places(dict(found), kernel), Path(folder)
    with files.whole_folder(folder) as part:
        for name, address in dict(found).items():
            try:
                _fetch(address, part / places[name])
            except CourseError as error:
                raise CourseError(
                    f"{name} no llegó. No se guardó nada, y lo que había no ha cambiado.\n"
                    f"Por qué: {error}\n"
                    f"Qué hacer: python -m course kernels output {client.taller}; si vuelve a "
                    f"fallar, mira en Output, en {page(kernel)}"
                ) from None
        if log:
            files.write(part / _ASIDE / "kernel.log", plain(log))
        aside = _make_room(folder)
    if aside:
        print(f"{folder} ya existía; ahora es {aside}.")
    return folder


def plain(log) -> str:
    """A kernel's log as text; Kaggle keeps it as a JSON list of pieces.

    Example:

    >>> plain('[{"stream_name": "stdout", "time": 1.5, "data": "epoch 1"}]')
    'epoch 1'
    """
    try:
        return "".join(piece["data"] for piece in json.loads(log))
    except (ValueError, LookupError, TypeError):
        return log


def page(kernel) -> str:
    """The address of a kernel's page."""
    return f"https://www.kaggle.com/code/{kernel}"


# ---- where each file goes


def _places(names, kernel):
    """`{name: path below the folder}`: the one run to the top, all else aside; no run or several:
    all as it is."""
    paths = {name: _path(name, kernel) for name in names}
    runs = [path.parent for path in paths.values() if path.name == "card.json"]
    if len(runs) == 1 and runs[0].name:
        return {name: _beside_the_run(path, runs[0]) for name, path in paths.items()}
    return paths


def _path(name, kernel):
    """The name of a file as a path that stays below the folder it is put in."""
    path = PurePosixPath(name or "")
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise CourseError(
            f"Entre lo que dejó {kernel} hay un nombre que no se puede guardar: {name!r:.80}. No "
            f"ha cambiado nada.\nQué hacer: míralo en {page(kernel)}"
        )
    return path


def _beside_the_run(path, run):
    if not path.is_relative_to(run):
        return _ASIDE / path
    path = path.relative_to(run)
    if path.parts[0] == _ASIDE:  # the name is ours
        return PurePosixPath(_ASIDE, f"{_ASIDE}-of-the-run", *path.parts[1:])
    return path


def _make_room(folder):
    """Move aside what has the folder's name; returns its new path, or None."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()  # Windows puts nothing in the place of a folder, be it empty
    if not folder.exists() and not folder.is_symlink():
        return None
    number = 1
    while (aside := folder.with_name(f"{folder.name}-{number}")).exists():
        number += 1
    return folder.rename(aside)


# ---- one file: all of its bytes, and none of an error page's


def _fetch(address, path):
    """Download one file whole; its folder is made, and its suffix says what it should be.

    requests can be made to ask again by itself, but only until the first byte has come; a download
    that was cut would then be lost.

    Args:
        address: Signed, and therefore never shown.
        path: Where to.

    Raises:
        CourseError: It did not arrive, or something else came in its place.
    """
    import requests

    def ask():
        with requests.get(address, stream=True, timeout=_TIMEOUTS_S) as answer:
            answer.raise_for_status()
            _receive(answer, path)

    def trouble_of(error):
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            raise error  # of the disk
        return answers.trouble_of(error, answers.Asked())

    path.parent.mkdir(parents=True, exist_ok=True)
    answers.retrying(ask, trouble_of, lambda trouble: trouble.why, first_wait_s=0.5)
    if problem := _wrong_content(path):
        raise CourseError(problem)


def _receive(answer, path):
    """Write the body; what has another size or hash than it should is a cut download."""
    from requests.exceptions import ChunkedEncodingError

    md5 = hashlib.md5(usedforsecurity=False)
    with path.open("wb") as file:
        for piece in answer.iter_content(1 << 20):
            file.write(piece)
            md5.update(piece)
    size, wanted = answer.raw.tell(), answer.headers.get("Content-Length")
    if wanted is not None and size != int(wanted):
        raise ChunkedEncodingError(f"{size} of {wanted} bytes")
    right = re.search(r"\bmd5=([^,\s]+)", answer.headers.get("x-goog-hash", ""))
    if right and "Content-Encoding" not in answer.headers:
        if right[1] != base64.b64encode(md5.digest()).decode():
            raise ChunkedEncodingError("another md5")


_MAGIC = {".png": b"\x89PNG", ".jpg": b"\xff\xd8", ".npy": b"\x93NUMPY", ".gz": b"\x1f\x8b"}


def _wrong_content(path):
    """Why a file cannot be what its name says, or "": error pages come with a code 200 too."""
    with path.open("rb") as file:
        head = file.read(1024)
    start, kind = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower(), path.suffix.lower()
    markup = start.startswith((b"<!doctype html", b"<html", b"<?xml"))
    if b"<error>" in start or (markup and kind not in (".html", ".htm", ".xml", ".svg")):
        return "en su lugar llegó una página."
    if start.startswith(b"{") and _is_an_error(head):
        return "en su lugar llegó un mensaje de error."
    good = head.startswith(_MAGIC.get(kind, b""))
    try:
        if kind in (".keras", ".zip", ".npz"):
            good = zipfile.ZipFile(path).testzip() is None
        elif kind in (".json", ".ipynb"):
            json.loads(path.read_bytes())
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, RecursionError):
        good = False
    return "" if good else f"lo que llegó no es un archivo {kind}."


def _is_an_error(head):
    """Whether these bytes are the two words that Kaggle's API says when it says no."""
    try:
        return set(json.loads(head)) == {"code", "message"}
    except (ValueError, RecursionError):  # of a longer file only the beginning is here
        return False
