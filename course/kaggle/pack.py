"""The package `course` as one text that a lesson can carry: files → zip → xz → base64."""

import base64
import io
import lzma
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from course import card

_PACKAGE = Path(__file__).parents[1]
# What a wheel puts into the package from one folder up, and so does the pack.
_BESIDE = ("datasets.yaml", "requirements.txt")
# Without git there is no list of what belongs; then these kinds of files do.
_KINDS = {".py", ".html", ".yaml", ".txt"}
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip knows


def text() -> str:
    """The package in base64, byte for byte the same for the same files.

    In a checkout those are the files that git tracks, so nothing private gets in. `course/COMMIT`
    is added, which `course.card` reads.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(_contents().items()):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # whatever made it
            archive.writestr(entry, data)
    return base64.b64encode(lzma.compress(packed.getvalue(), preset=9)).decode()


def _contents():
    """`{name below the unpacked folder: bytes}`."""
    paths = {path: f"course/{path.relative_to(_PACKAGE).as_posix()}" for path in _files()}
    for name in _BESIDE:
        home = _PACKAGE if (_PACKAGE / name).is_file() else _PACKAGE.parent
        paths[home / name] = f"course/{name}"
    contents = {name: path.read_bytes() for path, name in paths.items()}
    commit = card.commit()
    return {**contents, "course/COMMIT": f"{commit}\n".encode()} if commit else contents


def _files():
    tracked = _git("ls-files", "-z")
    if tracked:
        for path in _git("ls-files", "-z", "--others", "--exclude-standard"):
            print(f"Not packed: git does not track {path}", file=sys.stderr)
        return tracked
    return [path for path in _PACKAGE.rglob("*") if path.suffix in _KINDS and path.is_file()]


def _git(*command):
    """The files of the package that git names; none where it is not a part of a checkout."""
    if not (_PACKAGE.parent / ".git").exists():  # installed: another repository may lie above
        return []
    command = ["git", *command, "--", _PACKAGE.name]
    try:
        answer = subprocess.run(command, cwd=_PACKAGE.parent, capture_output=True, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    names = [os.fsdecode(name) for name in answer.stdout.split(b"\0") if name]
    return [path for name in names if (path := _PACKAGE.parent / name).is_file()]
