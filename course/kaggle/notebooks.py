"""The lessons as notebooks for Colab, and the badges that open them: made, never edited.

The repository's address is written once, in pyproject.toml under [project.urls]; badges and first
cells follow it. Both name the tag of this version: a notebook meets the package it was made with.
"""

import re
import tomllib
from pathlib import Path

import course
from course.errors import CourseError
from course.kaggle import first_cell, lessons, metadata, percent

_READMES = ("README.md", "README.es.md")
_BADGE = r"\[!\[[^]]*\]\([^)]*\)\]\([^)]*/notebooks/(\w+)\.ipynb\)"
_BADGES = re.compile(f"{_BADGE}(?: {_BADGE})*")
_COLAB = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{page}/blob/{tag}/notebooks/{taller}.ipynb)"
)
_KAGGLE = (
    "[![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)]"
    "(https://kaggle.com/kernels/welcome?src=https://github.com/{page}/blob/{tag}"
    "/notebooks/{taller}.ipynb)"
)
_LAST = """\
# @title Descarga la carpeta de tu resultado (en Colab; en Kaggle está en la pestaña Output)
import shutil
import sys

if "google.colab" in sys.modules:
    from google.colab import files

    files.download(shutil.make_archive(str(run), "zip", run.parent, run.name))
else:
    print(f"Tu resultado está en {run.resolve()}")"""


def build() -> list[Path]:
    """Write every notebook and every README's badges; returns the files that changed."""
    changed = []
    for path, text in _wanted().items():
        if not _holds(path, text):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode())
            changed.append(path)
    return changed


def check():
    """Compare bytes, and write nothing.

    Raises:
        CourseError: a file is not what `build` would write, or a notebook has no lesson.
    """
    wanted = _wanted()
    stale = [path for path, text in wanted.items() if not _holds(path, text)]
    stale += [path for path in _folder().glob("*.ipynb") if path not in wanted]
    if stale:
        names = ", ".join(path.relative_to(_root()).as_posix() for path in stale)
        raise CourseError(
            f"Expected what the lessons say now. Received something else in: {names}\n"
            "Next: python -m course notebooks build (and delete a notebook that has no lesson)."
        )


def notebook(taller) -> str:
    """The notebook of one lesson, as text.

    Raises:
        CourseError: the lesson or its metadata cannot be read.
    """
    lesson = lessons.find(taller)
    page, tag = repository(), f"v{course.__version__}"
    stamp = f"Hecho con course {course.__version__}: python -m course notebooks build"
    first = first_cell.installed(f"git+https://github.com/{page}@{tag}", stamp)
    (_, title, _), *cells = percent.cells(lesson)
    title = title.replace("\n", f"\n\n{badges(lesson.stem)}\n", 1)
    about = metadata.read(lesson)
    colab = {"name": about["title"], "provenance": [], "toc_visible": True}
    gpu = {"accelerator": "GPU"} if about["enable_gpu"] else {}
    return percent.notebook(
        [
            ("code", first, first_cell.FOLDED),
            ("markdown", title),
            *cells,
            ("code", _LAST, first_cell.FOLDED),
        ],
        lesson.stem,
        {"colab": colab | ({"gpuType": "T4"} if gpu else {}), **gpu},
    )


def badges(taller) -> str:
    """The two badges of a lesson, in Markdown: Colab, Kaggle."""
    names = {"page": repository(), "tag": f"v{course.__version__}", "taller": taller}
    return f"{_COLAB.format(**names)} {_KAGGLE.format(**names)}"


def repository() -> str:
    """The repository's "owner/name" at GitHub, from pyproject.toml.

    Raises:
        CourseError: pyproject.toml does not name one.
    """
    path = _root() / "pyproject.toml"
    try:
        address = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
        return re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(\.git)?/?", address)[1]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise CourseError(
            f"{path}: expected under [project.urls] Repository = "
            '"https://github.com/NAME/REPOSITORY", where Colab and Kaggle open notebooks from.\n'
            "Next: write it there, then: python -m course notebooks build"
        ) from error


def _wanted():
    """`{path: text}` of everything that is made."""
    wanted = {_folder() / f"{name}.ipynb": notebook(name) for name in lessons.names()}
    for name in _READMES:
        path = _root() / name
        text = path.read_text(encoding="utf-8")
        wanted[path] = _BADGES.sub(lambda found: badges(found[1]), text)
    return wanted


def _holds(path, text):
    return path.is_file() and path.read_bytes() == text.encode()


def _folder():
    return _root() / "notebooks"


def _root():
    return lessons.KERNELS.parent
