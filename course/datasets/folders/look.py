"""What may deceive in pictures that can all be read: twins, few of them, unequal classes."""

import numpy as np

from course.datasets.folders.record import PICTURES, Fault, named, told
from course.datasets.folders.table import plain
from course.datasets.splits import near_duplicates
from course.spanish import count, number, percent

FEW = 50  # pictures of a class; with fewer a network made from nothing learns little
_UNEQUAL = 3  # times as many of the largest class as of the smallest
_SIDE = 28  # pixels; the threshold for twins was measured at that size


def twins(images, sizes):
    """Number what is the same picture or nearly so, whatever its class: int64 `(n,)`.

    Args:
        images: uint8 `(n, size, size)` or `(n, size, size, 3)`, as `shrunk.shrink` makes them.
        sizes: Integers `(n, 2)`, height and width of the files: what is around a picture that is
            not square is no part of it.
    """
    from PIL import Image

    side, small = images.shape[1], np.empty((len(images), _SIDE, _SIDE), "uint8")
    for row, (height, width) in enumerate(sizes):
        high, wide = (max(1, round(s * side / max(height, width))) for s in (height, width))
        top, left = (side - high) // 2, (side - wide) // 2
        inside = Image.fromarray(images[row, top : top + high, left : left + wide]).convert("L")
        small[row] = inside.resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return near_duplicates(small, np.zeros(len(images), "int64"))


def faults(record):
    """The faults of a record as a whole."""
    return [*_twins(record), *_names(record), *_amounts(record), *_sizes(record)]


def _twins(record):
    counts = np.bincount(record.twins)
    shared = counts[record.twins] > 1
    if not shared.any():
        return
    where = np.flatnonzero(shared)
    order = where[np.argsort(record.twins[where], kind="stable")]
    for kind, owners, what, todo in (
        ("torn twins", record.labels, "con distinta clase", _ONE_CLASS),
        ("shared twins", record.patients, "de distintos pacientes, que así van juntos", _WHOSE),
    ):
        torn = set() if owners is None else _shared(record.twins, owners)
        files = tuple(record.files[i] for i in order if record.twins[i] in torn)
        if files:
            alike = f"imágenes iguales, o casi, {what}"
            yield Fault(kind, files, told(files, alike, alike), todo)
    groups = count(int((counts > 1).sum()), "grupo", "grupos")
    what = f"{percent(shared.mean(), 0)} de las imágenes tienen gemelas, iguales o casi: {groups}."
    todo = "nada; cada grupo queda entero en una parte, para que la prueba no sea de memoria."
    yield Fault("twins", tuple(record.files[i] for i in order), what, todo)


_ONE_CLASS = "míralas y deja cada una solo en la clase que le toca."
_WHOSE = "si son de una misma persona, dale un solo nombre; si no muestran nada, quítalas."


def _shared(twins, owners):
    """The numbers of twins that belong to several owners; one called "" is not known."""
    whose = {}
    for twin, owner in zip(twins, owners, strict=True):
        if owner != "":
            whose.setdefault(twin, set()).add(owner)
    return {twin for twin, them in whose.items() if len(them) > 1}


def _names(record):
    """Classes that may be one, written in two ways."""
    if record.labels is None:
        return
    alike = {}
    for name in record.class_names:
        alike.setdefault(" ".join(plain(name).split()), []).append(name)
    same = [name for names in alike.values() if len(names) > 1 for name in names]
    if same:
        what = f"Clases con casi el mismo nombre: {named(same)}."
        yield Fault("alike", (), what, "si son la misma, dales un solo nombre.")


def _amounts(record):
    if record.labels is None:
        independent = len(np.unique(record.groups))
        if independent < FEW:
            nouns = ("imagen distinta", "imágenes distintas")
            if record.patients:
                nouns = ("grupo independiente", "grupos independientes (pacientes, gemelas)")
            what = f"Solo {count(independent, *nouns)}."
            yield Fault("few", (), what, "agrega imágenes de otras personas o cosas.")
        return
    pairs = np.unique(np.stack([record.groups, record.labels]), axis=1)
    independent = np.bincount(pairs[1], minlength=len(record.class_names))
    few = [name for name, n in zip(record.class_names, independent, strict=True) if n < FEW]
    if few:
        what = f"Con menos de {FEW} imágenes distintas: {named(few)}."
        todo = "agrega imágenes, o parte de una red prestada (network: transfer)."
        yield Fault("few", (), what, todo)
    per_class = np.bincount(record.labels, minlength=len(record.class_names))
    if per_class.max() > _UNEQUAL * per_class.min():
        most, least = (record.class_names[at] for at in (per_class.argmax(), per_class.argmin()))
        what = (
            f"Clases desiguales: «{most}» tiene {number(per_class.max(), 0)} imágenes y «{least}» "
            f"{number(per_class.min(), 0)}."
        )
        todo = "da a fit un class_weight, y mira la sensibilidad de cada clase, no la exactitud."
        yield Fault("unequal", (), what, todo)


def _sizes(record):
    kinds = np.unique(record.sizes, axis=0)
    if len(kinds) > 1:
        areas = kinds.prod(1)
        low, high = ("×".join(map(str, kinds[at][::-1])) for at in (areas.argmin(), areas.argmax()))
        what = f"{number(len(kinds), 0)} tamaños distintos, de {low} a {high} píxeles."
        yield Fault(
            "sizes", (), what, "nada; todas se llevan a un mismo cuadrado, sin deformarlas."
        )
    side = record.images.shape[1]
    small = int((record.sizes.max(1) < side).sum())
    if small:
        what = f"{count(small, *PICTURES)} de menos píxeles que los {side} a los que se llevan."
        yield Fault("small", (), what, "usa un size menor: agrandarlas no les agrega nada.")
