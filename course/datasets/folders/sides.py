"""Train, validation and test: groups whole, classes everywhere, and written down."""

import csv
import io
import pathlib
from typing import NamedTuple

import numpy as np

from course import files
from course.datasets import splits
from course.datasets.folders.record import named, spread
from course.errors import CourseError
from course.training.run_folder import anew

_NAMES = {"train": "entrenamiento", "validation": "validación", "test": "prueba"}
_UNUSED = "sin usar"
_HEADER = ("archivo", "parte", "clase", "grupo")


class Split(NamedTuple):
    """The rows of a record on each side: three sorted int arrays, without a limit all rows."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(record, test=0.2, validation=0.1, seed=0, limit=None) -> Split:
    """Divide a record's pictures: twins and patients stay together, each class is on every side.

    Pictures with masks have no class; those with something marked and those without are divided
    alike.

    Args:
        record: `Pictures`.
        test, validation: Fractions of all pictures, above 0 and together below 1; whole groups
            make them approximate.
        seed: The same seed draws the same split.
        limit: The most rows of each side, evenly from the first to the last, for a quick try.

    Raises:
        CourseError: A class has fewer than three groups, or its groups share other classes so
            that none is left for a side.
    """
    if not (test > 0 and validation > 0 and test + validation < 1):
        raise ValueError(
            "Expected test and validation above 0 and together below 1. "
            f"Received: test={test}, validation={validation}"
        )
    labels = _labels(record)
    for label in np.unique(labels):
        independent = len(np.unique(record.groups[labels == label]))
        if independent < len(_NAMES):
            raise CourseError(
                f"La clase «{label}» tiene imágenes distintas para {independent} de 3 partes: las "
                "demás son gemelas, o del mismo paciente.\n"
                "Qué hacer: agrégale imágenes de otras personas o cosas, o quita su carpeta."
            )
    rest, held_out = splits.grouped(labels, record.groups, test, seed)
    share = validation / (1 - test)
    train, middle = splits.grouped(labels[rest], record.groups[rest], share, seed)
    return Split(*(spread(rows, limit) for rows in (rest[train], rest[middle], held_out)))


def _labels(record):
    """The class's name of each picture, as messages call it."""
    if record.labels is not None:
        return np.array(record.class_names)[record.labels]
    marked = np.array([mask.any() for mask in record.masks])
    groups = [len(np.unique(record.groups[marked == side])) for side in (False, True)]
    return np.where(marked & (min(groups) >= len(_NAMES)), "con algo marcado", "imágenes")


def save_split(sides, record, path):
    """Write which picture is on which side, as a CSV that a spreadsheet opens.

    It is written once: a run that is resumed must not train on what it began by holding out.

    Raises:
        CourseError: The file cannot be written, or holds another split.
    """
    if pathlib.Path(path).exists():
        if not all(map(np.array_equal, load_split(record, path), sides)):
            raise CourseError(
                f"{path}: se esperaba el reparto con el que empezó la corrida. Llegó: otro.\n"
                f"Qué hacer: {anew()}."
            )
        return
    text = io.StringIO(newline="")
    table = csv.writer(text, delimiter=";", lineterminator="\n")
    table.writerow(_HEADER)
    part = np.full(len(record), _UNUSED, object)
    for name, rows in sides._asdict().items():
        part[rows] = _NAMES[name]
    for row, file in enumerate(record.files):
        label = "" if record.labels is None else record.class_names[record.labels[row]]
        table.writerow([file, part[row], label, int(record.groups[row])])
    files.write(path, "\ufeff" + text.getvalue())  # without the mark Excel breaks the accents


def load_split(record, path) -> Split:
    """The split that `save_split` wrote, as rows of this record, whatever their order.

    Raises:
        CourseError: The file cannot be read, or the pictures are not those of then.
    """
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";", strict=True))
        part = {row["archivo"]: row["parte"] for row in rows}
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise CourseError(
            f"{path} no se puede leer como reparto de imágenes: {error}.\n"
            "Qué hacer: pon en su lugar una copia entera, o entrena de nuevo."
        ) from error
    lost, new = sorted(part.keys() - set(record.files)), sorted(set(record.files) - part.keys())
    if lost or new or not set(part.values()) <= {*_NAMES.values(), _UNUSED}:
        changes = [f"faltan {named(lost, 3)}"] * bool(lost) + [f"sobran {named(new, 3)}"] * bool(
            new
        )
        raise CourseError(
            f"{path}: se esperaban las imágenes del día en que se repartieron. Llegó: "
            f"{'; '.join(changes) or 'una parte desconocida'}.\n"
            f"Qué hacer: deja {record.folder} como estaba, o entrena de nuevo."
        )
    sides = np.array([part[file] for file in record.files])
    return Split(*(np.flatnonzero(sides == name) for name in _NAMES.values()))
