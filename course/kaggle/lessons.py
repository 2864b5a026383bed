"""The lessons: one folder each below kernels/, with the lesson's file and its metadata for Kaggle.

Only a checkout of the course has them.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import course
from course import files
from course.datasets import catalog
from course.errors import CourseError, nearest
from course.files import Rule, Text

KERNELS = course.FOLDER.parent / "kernels"
METADATA = "kernel-metadata.json"
GPU = "NvidiaTeslaT4"
# How a cell of a lesson begins; the last is a student's to fill in.
_MARKERS = ("# %%", "# %% [markdown]", '# %% tags=["ejercicio"]')


def names() -> list[str]:
    """The lessons' names, in order: folders of kernels/ that hold a file of their own name."""
    folders = sorted(path for path in KERNELS.glob("*") if (path / f"{path.name}.py").is_file())
    if not folders:
        raise CourseError(
            f"No hay talleres en {KERNELS}: el paquete instalado solo trae la biblioteca.\n"
            "Qué hacer: los talleres están en la carpeta kernels/ del repositorio del curso; "
            "clónalo y escribe allí la misma orden."
        )
    return [folder.name for folder in folders]


def find(name) -> Path:
    """The file of a lesson, by its name or the beginning of it; taller5 is not taller5b."""
    lessons, wanted = names(), name.lower()
    whole = [n for n in lessons if wanted in (n, n.partition("_")[0])]
    matches = whole or [n for n in lessons if n.startswith(wanted)]
    if len(matches) == 1:
        return KERNELS / matches[0] / f"{matches[0]}.py"
    expected = f"Se esperaba uno de: {', '.join(lessons)}."
    if matches:
        raise CourseError(f"Así, {name!r}, empiezan {len(matches)} talleres. {expected}")
    short = [lesson.partition("_")[0] for lesson in lessons]
    raise CourseError(f"No hay un taller {name!r}.{nearest(name, [*short, *lessons])} {expected}")


def source(path) -> str:
    """A lesson's text: Python, in cells that begin as `_MARKERS` say; an error names the line."""
    try:
        data = path.read_bytes()
        ast.parse(data, str(path))
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except SyntaxError as error:
        where = f"{path}, línea {error.lineno}" if error.lineno else path
        line = f" {(error.text or '').strip()!r:.80}"
        raise CourseError(
            f"{where}: se esperaba Python en UTF-8. Llegó: {error.msg}:{line}\n"
            "Qué hacer: corrige esa línea y repite la misma orden."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} no se puede leer: {error}\nQué hacer: corrígelo.") from error
    in_markdown = False
    for number, line in enumerate(text.splitlines(), 1):
        expected = None
        if line.startswith("# %%"):
            in_markdown = "[markdown]" in line
            if line.rstrip() not in _MARKERS:
                expected = f"una de {', '.join(_MARKERS)}"
        elif in_markdown and line.strip() and not line.startswith("#"):
            expected = "texto, tras '# '; o una línea '# %%' antes"
        if expected:
            raise CourseError(
                f"{path}, línea {number}: se esperaba {expected}. Llegó: {line!r:.80}\n"
                "Qué hacer: corrígela y repite la misma orden."
            )
    return text


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a lesson asks of Kaggle: all the keys that its client reads, but the account's.

    https://github.com/Kaggle/kaggle-cli/blob/main/docs/kernels_metadata.md says what they mean.
    In kernels/ `id` has no owner yet, and `dataset_sources` are names of datasets.yaml.
    """

    id: Text
    title: Annotated[
        str,
        Rule(lambda title: 5 <= len(title) <= 50, "de 5 a 50 caracteres"),
        # what ñ becomes in an address is Kaggle's secret
        Rule(re.compile("[A-Za-z0-9 ]+").fullmatch, "letras sin tilde, cifras y espacios"),
    ]
    code_file: Text
    language: Literal["python"]
    kernel_type: Literal["script"]
    is_private: bool
    enable_gpu: bool
    enable_tpu: bool
    enable_internet: bool
    machine_shape: Text | None = None
    dataset_sources: tuple[str, ...]
    competition_sources: tuple[str, ...] | None = None
    kernel_sources: tuple[str, ...] | None = None
    model_sources: tuple[str, ...] | None = None
    keywords: tuple[str, ...] | None = None
    docker_image: Text | None = None
    docker_image_pinning_type: Text | None = None


def metadata(lesson) -> Metadata:
    """Read the metadata that lie beside a lesson's file, and check what Kaggle is silent about."""
    path = lesson.with_name(METADATA)
    if not path.is_file():
        raise CourseError(
            f"Falta {path}: ahí se dice qué necesita el taller de Kaggle.\n"
            f"Qué hacer: escríbelo como el de {KERNELS / 'taller2_cnn_mnist'}."
        )
    try:
        about = files.build(Metadata, files.read_json(path), path)
        wanted = {
            "id": slug(about.title),  # an id of another spelling becomes a second kernel
            "code_file": lesson.name,
            "machine_shape": GPU if about.enable_gpu else None,
        }
        for key, value in wanted.items():
            if (received := getattr(about, key)) != value:
                expected = repr(value) if value else "que faltara, sin enable_gpu"
                raise CourseError(f"{path}, {key}: se esperaba {expected}. Llegó: {received!r}.")
        for name in about.dataset_sources:
            if name not in catalog.names():
                raise CourseError(
                    f"{path}, dataset_sources: {name!r} no es un nombre de datasets.yaml."
                    f"{nearest(name, catalog.names())}"
                )
    except CourseError as error:
        raise CourseError(
            f"{error}\nQué hacer: corrígelo y repite la misma orden. Kaggle no avisaría: se salta "
            "las claves que no conoce."
        ) from error
    return about


def slug(title) -> str:
    """The last part of a kernel's address, as Kaggle makes it of the title.

    Example:

    >>> slug("Taller 2 Una red convolucional que lee MNIST")
    'taller-2-una-red-convolucional-que-lee-mnist'
    """
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
