"""The package `course` as one text that a lesson can carry: files → zip → xz → base64."""

import base64
import io
import lzma
import os
import subprocess
import sys
import zipfile

import course
from course.errors import CourseError

# What a wheel puts into the package from one folder up, and so does the pack.
_BESIDE = ("datasets.yaml", "requirements.txt")
# Outside a checkout there is no list of what belongs; then these kinds of files do.
_KINDS = {".py", ".html", ".yaml", ".txt"}
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip knows


def text() -> str:
    """The package in base64, byte for byte the same for the same files.

    In a checkout those are the files that git tracks, so nothing private gets in. `course/COMMIT`
    is added, which `course.export.card` reads.

    Raises:
        CourseError: this is a checkout, but git cannot say which files it tracks.
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
    paths = {path: f"course/{path.relative_to(course.FOLDER).as_posix()}" for path in _files()}
    for name in _BESIDE:
        paths[course.beside(name)] = f"course/{name}"
    contents = {name: path.read_bytes() for path, name in paths.items()}
    commit = course.commit()
    return {**contents, "course/COMMIT": f"{commit}\n".encode()} if commit else contents


def _files():
    if not (course.FOLDER.parent / ".git").exists():  # installed: another repository may lie above
        return [
            path for path in course.FOLDER.rglob("*") if path.suffix in _KINDS and path.is_file()
        ]
    tracked = _listed()
    if not tracked:
        raise CourseError(
            f"git tracks nothing of {course.FOLDER}, so nothing would be packed.\n"
            "Next: git add course, then the same command again."
        )
    for path in _listed("--others", "--exclude-standard"):
        print(f"Not packed: git does not track {path}", file=sys.stderr)
    return tracked


def _listed(*options):
    """The files of the package that `git ls-files` lists."""
    command = ["git", "ls-files", "-z", *options, "--", course.FOLDER.name]
    try:
        answer = subprocess.run(command, cwd=course.FOLDER.parent, capture_output=True, check=True)
    except FileNotFoundError:
        why = "git is not installed"
    except subprocess.CalledProcessError as error:
        why = os.fsdecode(error.stderr).strip()
    else:
        names = [os.fsdecode(name) for name in answer.stdout.split(b"\0") if name]
        return [path for name in names if (path := course.FOLDER.parent / name).is_file()]
    raise CourseError(
        f"{course.FOLDER.parent} is a git checkout, but git does not say which files belong to it, "
        f"and without that a private one might be packed.\nWhy: {why:.300}\n"
        "Next: make `git status` work there, then the same command again."
    )
