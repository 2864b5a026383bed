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
    """Download a kernel's output to `folder`, which is returned; an error keeps nothing of it.

    Everything arrives beside `folder` first and is put there when it is whole. If it holds one run
    (a card.json), its files stand there directly, as a local one's would, and the rest, the log
    included, in `folder/kaggle/`. A folder that is there already is moved aside: `folder-1`, ….
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
    """A kernel's log as text; Kaggle keeps it as a JSON list of pieces."""
    try:
        return "".join(piece["data"] for piece in json.loads(log))
    except (ValueError, LookupError, TypeError):
        return log


def page(kernel) -> str:
    """Where Kaggle shows a kernel, `owner/slug`."""
    return f"https://www.kaggle.com/code/{kernel}"


# ---- where each file goes


def _places(names, kernel):
    """`{name: path below the folder}`: one run to the top, the rest aside; else all as it is."""
    paths = {name: _path(name, kernel) for name in names}
    runs = [path.parent for path in paths.values() if path.name == "card.json"]
    if len(runs) != 1 or not runs[0].name:
        return paths
    (run,) = runs
    return {
        name: path.relative_to(run) if path.is_relative_to(run) else _ASIDE / path
        for name, path in paths.items()
    }


def _path(name, kernel):
    """The name of a file as a path that stays below the folder it is put in."""
    path = PurePosixPath(name or "")
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise CourseError(
            f"Entre lo que dejó {kernel} hay un nombre que no se puede guardar: {name!r:.80}. No "
            f"ha cambiado nada.\nQué hacer: míralo en {page(kernel)}"
        )
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
    """Download one file whole from its signed address, which is never shown.

    requests can be made to ask again by itself, but only until the first byte has come; a download
    that was cut would then be lost.
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
    try:
        if kind in (".keras", ".zip", ".npz"):
            zipfile.ZipFile(path).close()
        elif kind in (".json", ".ipynb"):
            json.loads(path.read_bytes())
    except (zipfile.BadZipFile, ValueError):
        return f"lo que llegó no es un archivo {kind}."
    return ""


def _is_an_error(head):
    """Whether these bytes are the two words that Kaggle's API says when it says no."""
    try:
        return set(json.loads(head)) == {"code", "message"}
    except ValueError:  # of a longer file only the beginning is here
        return False
