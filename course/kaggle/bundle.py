"""A lesson as one folder that `kaggle kernels push -p` takes: its metadata and one file of code."""

import dataclasses
import re
from pathlib import Path

from course import files
from course.datasets import catalog
from course.errors import CourseError
from course.kaggle import credentials, first_cell, lessons, notebooks

FORMS = ("script", "notebook")
_FOLDER = Path("build") / "kernels"


def build(
    taller, *, owner=None, form="script", install="packed", accelerator=None, folder=None
) -> Path:
    """Write a lesson's folder as Kaggle takes it, byte for byte the same for the same commit.

    Files of yours in the folder stay; only the kernel's own two are replaced.

    Args:
        taller: The lesson's name or the beginning of it.
        owner: The Kaggle account; None takes the one that this computer's credential names.
        form: "script" or "notebook".
        install: "packed", or the address that pip installs from: git+https://github.com/…@v0.1.0.
        accelerator: Kaggle's name of a GPU, "none" for a CPU; None leaves what the lesson asks for.
        folder: Where to write; None means build/kernels/<taller>.
    """
    if form not in FORMS:
        raise ValueError(f"Expected form to be one of {FORMS}. Received: {form!r}")
    if install != "packed" and not re.fullmatch(r"git\+[^\s\"'\\]+@[^\s@/\"'\\]+", install):
        raise CourseError(
            "--install: se esperaba packed, o una dirección con una etiqueta, como "
            f"git+https://github.com/NOMBRE/REPOSITORIO@v1.0. Llegó: {install!r:.200}\n"
            "Qué hacer: corrígela y repite la misma orden."
        )
    lesson = lessons.find(taller)
    about = lessons.metadata(lesson)
    owner = _default_owner() if owner is None else credentials.check_owner(owner, "--owner")
    code_file = lesson.stem + (".py" if form == "script" else ".ipynb")
    sent = dataclasses.asdict(about) | {
        "id": f"{owner}/{about.id}",
        "code_file": code_file,
        "kernel_type": form,
        "enable_internet": about.enable_internet or install != "packed",  # pip needs it
        "dataset_sources": [catalog.get(name).handle for name in about.dataset_sources],
    }
    if accelerator is not None:
        # enable_gpu and enable_tpu are the old way of saying it; Kaggle reads both
        sent["machine_shape"] = None if accelerator == "none" else accelerator
        sent["enable_gpu"] = accelerator.startswith("Nvidia")
        sent["enable_tpu"] = False  # what is sent does not reach one: see `push`
    code = _code(lesson, form, install)
    folder = _FOLDER / lesson.stem if folder is None else Path(folder)
    sent = {key: value for key, value in sent.items() if value is not None}
    files.write(folder / lessons.METADATA, files.json_text(sent))
    files.write(folder / code_file, code)
    return folder


def _code(lesson, form, install):
    text = lessons.source(lesson)
    stamp = first_cell.stamp(f"python -m course kernels build {lesson.stem}")
    if install == "packed":
        first = first_cell.packed(stamp)
    else:
        first = first_cell.installed(install, stamp)
    if form == "notebook":
        return notebooks.text_of(lesson.stem, first, notebooks.cells(lesson))
    body = re.sub(r"\A# ---\n(.*\n)*?# ---\n", "", text).lstrip("\n")  # without its header
    return f"# %%\n{first}\n\n{body}"


def _default_owner():
    found = credentials.find()
    for credential in found:
        if credential.owner and not credential.problem:
            return credentials.check_owner(credential.owner, credential.where)
    if found and all(credential.problem for credential in found):
        credentials.choose(found)  # says what is wrong with them
    raise CourseError(
        "No se sabe de quién será el kernel: ninguna credencial de este computador dice el nombre "
        "de su cuenta de Kaggle (un token nunca lo dice).\nQué hacer: añade --owner NOMBRE, como "
        "en la dirección de tu página, https://www.kaggle.com/NOMBRE"
    )
