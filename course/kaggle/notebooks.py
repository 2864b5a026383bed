"""The lessons as notebooks for Colab, and the badges that open them: made, never edited.

The repository's address is written once, in pyproject.toml under [project.urls]; badges and first
cells follow it. Both name the tag of this version: a notebook meets the package it was made with.
"""

import base64
import re
import subprocess
import tomllib
from pathlib import Path

import course
from course import files
from course.errors import CourseError
from course.kaggle import first_cell, lessons

_NO_REPOSITORY = "OWNER/REPO"
_GITHUB = "https://github.com/"
_NAME = r"[\w.-]+/[\w.-]+?"
_ADDRESS = rf"{re.escape(_GITHUB)}({_NAME})(?:\.git)?/?"
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
# Colab, Kaggle and Jupyter each have a word of their own for a cell that is folded.
_FOLDED = {"cellView": "form", "_kg_hide-input": True, "jupyter": {"source_hidden": True}}
_INSTALLER, _DOWNLOAD = "instalador", "descarga"  # the tags of the cells that no lesson has
_COVER = "portada.png"
_MOST_COVER_KB = 40


def build() -> list[Path]:
    """Write every notebook and every README's badges; returns the files that changed."""
    changed = _stale()
    for path, text in changed.items():
        files.write(path, text)
    return list(changed)


def check():
    """Compare bytes, and write nothing; an error names what `build` would change."""
    known = {f"{name}.ipynb" for name in lessons.names()}
    orphans = [path for path in _root().glob("notebooks/*.ipynb") if path.name not in known]
    if wrong := [*_stale(), *orphans]:
        names = ", ".join(path.relative_to(_root()).as_posix() for path in wrong)
        raise CourseError(
            f"Se esperaba lo que dicen hoy los talleres. Llegó otra cosa en: {names}\n"
            "Qué hacer: python -m course notebooks build (y borra el cuaderno que no tenga taller)."
        )


def notebook(taller) -> str:
    """The notebook of one lesson, as text."""
    lesson = lessons.find(taller)
    about = lessons.metadata(lesson)
    stamp = f"Hecho con course {course.__version__}: python -m course notebooks build"
    address = f"git+https://github.com/{repository()}@v{course.__version__}"
    body = cells(lesson)
    above, picture = badges(lesson.stem), lesson.with_name(_COVER)
    if picture.is_file():
        above += f"\n\n![{about.title}](attachment:{_COVER})"
        body[0].attachments = {_COVER: {"image/png": _base64(picture)}}
    body[0].source = body[0].source.replace("\n", f"\n\n{above}\n", 1)
    colab = {"name": about.title, "provenance": [], "toc_visible": True}
    gpu = {}
    if about.enable_gpu:
        colab["gpuType"], gpu = "T4", {"accelerator": "GPU"}
    first = first_cell.installed(address, stamp)
    return text_of(lesson.stem, first, body, _LAST, colab=colab, **gpu)


def badges(taller) -> str:
    """A lesson's links to Colab and Kaggle, at the tag of this version, as Markdown."""
    names = {"page": repository(), "tag": f"v{course.__version__}", "taller": taller}
    return f"{_COLAB.format(**names)} {_KAGGLE.format(**names)}"


def repository() -> str:
    """The repository's "owner/name" at GitHub, from pyproject.toml."""
    path = _root() / "pyproject.toml"
    try:
        address = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
        return re.fullmatch(_ADDRESS, address)[1]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise CourseError(
            f"{path}: se esperaba, bajo [project.urls], Repository = "
            '"https://github.com/NOMBRE/REPOSITORIO": de ahí abren Colab y Kaggle los cuadernos.\n'
            "Qué hacer: escríbelo ahí y después: python -m course notebooks build"
        ) from error


def remote() -> str | None:
    """The "owner/name" that git knows, where pyproject.toml still says `OWNER/REPO`, or None."""
    if repository() != _NO_REPOSITORY:
        return None
    command = ["git", "config", "--get", "remote.origin.url"]
    try:
        answer = subprocess.run(command, cwd=_root(), capture_output=True, text=True)
    except OSError:  # no git here
        return None
    found = re.fullmatch(_ADDRESS, answer.stdout.strip().replace("git@github.com:", _GITHUB))
    return found and found[1]


def move_to(name):
    """Write the repository's "owner/name" into pyproject.toml."""
    if not re.fullmatch(_NAME, name):
        raise CourseError(
            f"--repository: se esperaba NOMBRE/REPOSITORIO, como en su dirección de GitHub. "
            f"Llegó: {name!r:.100}\nQué hacer: corrígelo y repite la misma orden."
        )
    path = _root() / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    files.write(path, text.replace(f"{_GITHUB}{repository()}", f"{_GITHUB}{name}"))


# ---- with jupytext and nbformat


def cells(lesson) -> list:
    """The cells of a lesson's file, as nbformat's nodes: `.cell_type`, `.source`, `.metadata`."""
    jupytext, _ = _packages()
    found = jupytext.reads(lessons.source(lesson), fmt="py:percent").cells
    for cell in found:
        cell.source = cell.source.rstrip("\n")
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's own, for the way back
    return found


def text_of(name, first, cells, last=None, **metadata) -> str:
    """A Jupyter notebook without outputs, the same bytes for the same cells.

    A page begins with its title, the first of `cells`; `first`, the installer, comes behind it. The
    code of `first` and `last` stays folded until it is clicked, and their tags say what they are.
    The cells' fixed ids begin with `name`; `metadata` is the notebook's, beside its kernel and
    language.
    """
    _, nbformat = _packages()
    first, last = (
        [nbformat.v4.new_code_cell(code, metadata={**_FOLDED, "tags": [tag]})] if code else []
        for code, tag in ((first, _INSTALLER), (last, _DOWNLOAD))
    )
    title, *rest = cells
    cells = [title, *first, *rest, *last]
    for number, cell in enumerate(cells):
        cell.id = f"{name}-{number:02}"  # nbformat draws random ones
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata |= {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=metadata)) + "\n"


def _base64(picture):
    size_kb = picture.stat().st_size / 1000
    if size_kb > _MOST_COVER_KB:
        raise CourseError(
            f"{picture}: se esperaba una imagen de hasta {_MOST_COVER_KB} kB, que viaja dentro del "
            f"cuaderno. Llegó: {size_kb:.0f} kB.\nQué hacer: redúcela y repite la misma orden."
        )
    return base64.b64encode(picture.read_bytes()).decode()


def _packages():
    try:
        import jupytext
        import nbformat
    except ImportError as error:
        raise CourseError(
            f"El paquete {error.name} no está instalado; hacer cuadernos lo necesita.\n"
            "Qué hacer: escribe python -m pip install jupytext nbformat"
        ) from None
    return jupytext, nbformat


# ---- what is made, and where


def _stale():
    """`{path: text}` of each file that holds something else than what would be written now."""
    wanted = {_root() / "notebooks" / f"{name}.ipynb": notebook(name) for name in lessons.names()}
    for name in _READMES:
        path = _root() / name
        text = path.read_text(encoding="utf-8")
        wanted[path] = _BADGES.sub(lambda found: badges(found[1]), text)
    return {
        path: text
        for path, text in wanted.items()
        if not path.is_file() or path.read_bytes() != text.encode()
    }


def _root():
    return lessons.KERNELS.parent
