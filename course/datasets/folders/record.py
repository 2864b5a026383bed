"""What a folder of pictures holds, as one record; and what is wrong with it, as a list."""

import pathlib
from dataclasses import dataclass

import numpy as np

from course.datasets.catalog import Origin
from course.spanish import count, number

PICTURES = ("imagen", "imágenes")


@dataclass(frozen=True)
class Fault:
    """Something to know before training: of which files, and what to do about it, in Spanish."""

    kind: str
    files: tuple[str, ...]  # below the record's folder
    what: str
    todo: str


@dataclass(frozen=True, eq=False)
class Pictures:
    """`n` pictures with their labels or masks.

    `kind` is "classes" (a folder for each), "table" (a CSV says it) or "masks". `images` is uint8
    `(n, size, size, channels)` and `masks` uint8 `(n, size, size, 1)`, both memory maps; `labels`
    counts `class_names`, and so do a mask's pixels.

    `twins` bear one number where pictures are the same or nearly the same; `groups` one where they
    must stay on one side of a split, as twins or as pictures of one of `patients`.
    """

    kind: str
    folder: pathlib.Path
    files: tuple[str, ...]  # below the folder, with "/"
    images: np.ndarray
    labels: np.ndarray | None  # int64 (n,)
    class_names: tuple[str, ...]
    masks: np.ndarray | None
    patients: tuple[str, ...] | None  # as the table has them
    twins: np.ndarray  # int64 (n,)
    groups: np.ndarray  # int64 (n,)
    sizes: np.ndarray  # int64 (n, 2): height and width of the files, in pixels
    faults: tuple[Fault, ...]
    origin: Origin

    def __len__(self):
        return len(self.files)

    @property
    def group_noun(self):
        """What a group is, for `evaluate_classifier`; None where a table names no patients."""
        return ("paciente", "pacientes") if self.patients else None

    def __str__(self):
        """What there is, in a few Spanish lines."""
        classes = count(len(self.class_names), "clase", "clases")
        what = f"{count(len(self), *PICTURES)}, {classes}"
        if self.labels is not None:
            per_class = np.bincount(self.labels, minlength=len(self.class_names))
            ends = [number(n, 0) for n in np.unique([per_class.min(), per_class.max()])]
            what += f", {f'de {ends[0]} a {ends[1]}' if len(ends) > 1 else ends[0]} de cada una"
        return "\n".join([f"{what} — {self.origin.title}"] + [f"  {f.what}" for f in self.faults])


def named(names, most=5):
    """Names in a sentence: the first few, and how many more.

    Example:

    >>> named(["a", "b"]), named(["a", "b", "c", "d"], most=2)
    ('«a» y «b»', '«a», «b» y 2 más')
    """
    shown = [f"«{name}»" for name in names[:most]]
    if len(names) > most:
        shown.append(f"{number(len(names) - most, 0)} más")
    return " y ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def spread(rows, most):
    """At most so many of the rows, evenly from the first to the last; None takes all.

    Example:

    >>> spread(np.array([10, 11, 12, 13, 14]), 3).tolist()
    [10, 12, 14]
    """
    if most is None or most >= len(rows):
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(int)]


def told(names, one, several):
    """How many there are of what, and which, as a sentence.

    Example:

    >>> told(["a.txt"], "archivo oculto", "archivos ocultos").split()
    ['1', 'archivo', 'oculto:', '«a.txt».']
    """
    return f"{count(len(names), one, several)}: {named(names)}."
