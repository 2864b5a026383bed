"""What may deceive in pictures that can all be read: twins, few of them, unequal classes."""

import numpy as np

from course.datasets.folders.record import PICTURES, Fault, named, told
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
    return [*_twins(record), *_amounts(record), *_sizes(record)]


def _twins(record):
    counts = np.bincount(record.twins)
    shared = counts[record.twins] > 1
    if not shared.any():
        return
    where = np.flatnonzero(shared)
    order = where[np.argsort(record.twins[where], kind="stable")]
    if record.labels is not None:
        pairs = np.unique(np.stack([record.twins, record.labels]), axis=1)
        torn = np.flatnonzero(np.bincount(pairs[0]) > 1)
        files = tuple(record.files[i] for i in order if record.twins[i] in torn)
        if files:
            alike = "imágenes iguales, o casi, con distinta clase"
            what = told(files, alike, alike)
            todo = "míralas y deja cada una solo en la clase que le toca."
            yield Fault("torn twins", files, what, todo)
    groups = count(int((counts > 1).sum()), "grupo", "grupos")
    what = f"{percent(shared.mean(), 0)} de las imágenes tienen gemelas, iguales o casi: {groups}."
    todo = "nada; cada grupo queda entero en una parte, para que la prueba no sea de memoria."
    yield Fault("twins", tuple(record.files[i] for i in order), what, todo)


def _amounts(record):
    if record.labels is None:
        independent = len(np.unique(record.groups))
        if independent < FEW:
            what = f"Solo {count(independent, 'imagen distinta', 'imágenes distintas')}."
            yield Fault("few", (), what, _MORE)
        return
    pairs = np.unique(np.stack([record.groups, record.labels]), axis=1)
    independent = np.bincount(pairs[1], minlength=len(record.class_names))
    few = [name for name, n in zip(record.class_names, independent, strict=True) if n < FEW]
    if few:
        what = f"Con menos de {FEW} imágenes distintas: {named(few)}."
        yield Fault("few", (), what, _MORE)
    per_class = np.bincount(record.labels, minlength=len(record.class_names))
    if per_class.max() > _UNEQUAL * per_class.min():
        most, least = (record.class_names[at] for at in (per_class.argmax(), per_class.argmin()))
        what = (
            f"Clases desiguales: «{most}» tiene {number(per_class.max(), 0)} imágenes y «{least}» "
            f"{number(per_class.min(), 0)}."
        )
        todo = "da a fit un class_weight, y mira la sensibilidad de cada clase, no la exactitud."
        yield Fault("unequal", (), what, todo)


_MORE = "agrega imágenes, o parte de una red ya entrenada (transfer_classifier)."


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
