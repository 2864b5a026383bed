"""A lesson as one folder that `kaggle kernels push -p` takes: its metadata and one file of code."""

import json
import os
import re
from pathlib import Path

from course.errors import CourseError
from course.kaggle import credentials, first_cell, lessons, metadata, percent

FORMS = ("script", "notebook")
_FOLDER = Path("build") / "kernels"
_SUFFIX = {"script": ".py", "notebook": ".ipynb"}


def build(taller, *, owner=None, form="script", install="packed", folder=None) -> Path:
    """Write a lesson as Kaggle takes it, byte for byte the same for the same commit.

    Files of yours in the folder stay; only the kernel's own two are replaced.

    Args:
        taller: the lesson's name or the beginning of it.
        owner: the Kaggle account; None takes the one that this computer's credential names.
        form: "script" or "notebook".
        install: "packed", the package inside the code; or the address that pip installs it from,
            such as "git+https://github.com/someone/course@v0.1.0".
        folder: where to write; None means build/kernels/<taller>.

    Returns:
        The folder.

    Raises:
        CourseError: the lesson, its metadata, the owner or the address cannot be used.
    """
    lesson = lessons.find(taller)
    _check(form, install)
    about = metadata.read(lesson)
    owner = _default_owner() if owner is None else credentials.check_owner(owner, "--owner")
    folder = _FOLDER / lesson.stem if folder is None else Path(folder)
    code_file = lesson.stem + _SUFFIX[form]
    about |= {"id": f"{owner}/{about['id']}", "code_file": code_file, "kernel_type": form}
    if install != "packed":
        about["enable_internet"] = True  # pip needs it
    code = _code(lesson, form, install)
    _write(folder, metadata.NAME, json.dumps(about, indent=2, ensure_ascii=False) + "\n")
    _write(folder, code_file, code)
    return folder


def _code(lesson, form, install):
    cells = percent.cells(lesson)  # refuses what is no Python, or no lesson
    stamp = first_cell.stamp(f"python -m course kernels build {lesson.stem}")
    if install == "packed":
        first = first_cell.packed(stamp)
    else:
        first = first_cell.installed(install, stamp)
    if form == "notebook":
        folded = ("code", first, first_cell.FOLDED)
        return percent.notebook([folded, *cells], lesson.stem, {})
    return f"# %%\n{first}\n\n{percent.body(lesson)}"


def _default_owner():
    found = credentials.find()
    for credential in found:
        if credential.owner and not credential.problem:
            return credentials.check_owner(credential.owner, credential.where)
    if found and all(credential.problem for credential in found):
        credentials.choose(found)  # says what is wrong with them
    raise CourseError(
        "Whose kernel will it be? No credential of this computer tells the name of its Kaggle "
        "account (a token never does).\nNext: add --owner NAME, as in the address of your page, "
        "https://www.kaggle.com/NAME"
    )


def _check(form, install):
    if form not in FORMS:
        raise ValueError(f"Expected form to be one of {FORMS}. Received: {form!r}")
    if install != "packed" and not re.fullmatch(r"git\+[^\s\"'\\]+@[^\s@/\"'\\]+", install):
        raise CourseError(
            "--install: expected packed, or an address with a tag, such as "
            f"git+https://github.com/NAME/REPOSITORY@v1.0. Received: {install!r:.200}\n"
            "Next: correct it, then the same command again."
        )


def _write(folder, name, text):
    """Write under another name first, so that whoever pushes meanwhile reads a whole file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{name}.{os.getpid()}"
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(folder / name)
    except OSError as error:
        raise CourseError(
            f"{folder / name} cannot be written ({error.strerror}). Expected a folder of its own.\n"
            f"Next: look at what lies there; nothing was deleted."
        ) from error
