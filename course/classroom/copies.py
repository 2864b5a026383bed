"""The teacher's own copies of the data on which a class is measured."""

import pathlib
import re

from course.datasets import catalog
from course.datasets.download import inventory
from course.errors import CourseError
from course.evaluation import run
from course.spanish import number

# what a card may ask for: brains are made when asked for, and a report draws class against class
_MADE_UP_CASES = 200
_CLASSES = 100
_SIDE = 256  # of an X-ray: all 5,840 are kept as large as a card asks


class Copies:
    """The teacher's own copies of the test parts, each read once.

    Args:
        source: Folder, with a data set or with one folder for each, called as the catalogue calls
            it; None for those that Kaggle's client has brought to this disk. Nothing is downloaded.
    """

    def __init__(self, source=None):
        self._source = source
        self._known = {}

    def of(self, card, origin):
        """`(origin, data, groups)` for `evaluation.run.scored`; the card's path is never used.

        Raises:
            CourseError: There is no copy, or it is not one.
        """
        _refuse_too_many(card, origin)
        about = origin.dataset, origin.variant, origin.source == "sample"
        if card["task"] == "segmentation":
            mine = self._origin(*about)
            return mine, run.held_out(card, mine), {}
        details = _parted_by(card, origin)
        known, copy = self._known.get(about, (None, None))
        if known != details:
            try:
                mine = self._origin(*about)
                data = run.parts(card, mine)[1]
                copy = mine, data, run.grouped(card, mine, data)
            except CourseError as error:  # a copy that is not there is looked for once
                copy = str(error)
            self._known[about] = details, copy  # the latest of each, whatever cards ask for
        if isinstance(copy, str):
            raise CourseError(copy)
        return copy

    def _origin(self, dataset, variant, sample):
        if dataset == "folders" and sample:
            raise CourseError("la muestra del Taller 6 no se mide aquí.")
        if dataset not in catalog.names():
            raise CourseError("los datos de este taller los pone cada estudiante: aquí no están.")
        return catalog.origin(dataset, "sample" if sample else self._place(dataset), variant)

    def _place(self, dataset):
        info = catalog.get(dataset)
        if self._source is not None:
            inside = pathlib.Path(self._source, dataset)
            return str(inside if inside.is_dir() else self._source)
        folder = inventory.cached(dataset)
        if folder is None:
            raise CourseError(
                f"en este disco no hay una copia de {info.title}.\n"
                f"Qué hacer: python -m course data fetch {info.name}; o repite la orden con "
                "--source y la carpeta de tu copia."
            )
        return "kaggle" if info.files else str(folder)


def _parted_by(card, origin):
    """What of a card decides, beside its data set, which test part it is."""
    if origin.dataset == "chest_xray":
        return card["task"], card["inputs"][0]["shape"], len(card.get("class_names") or ())
    return card["task"], card.get("data_seed", 0)


def _refuse_too_many(card, origin):
    classes = len(card.get("class_names") or ())
    if classes > _CLASSES:
        raise CourseError(
            f"la tarjeta nombra {number(classes, 0)} clases, y aquí se miden a lo más {_CLASSES}."
        )
    names = card.get("held_out") or ()
    numbers = [int(n) for name in names for n in re.findall(r"\d{1,9}$", name)]
    most = max([card.get("cases") or 0, *numbers])
    if origin.source == "sample" and most > _MADE_UP_CASES:
        raise CourseError(
            f"la tarjeta pide {number(most, 0)} cerebros inventados, y aquí se hacen a lo más "
            f"{_MADE_UP_CASES}."
        )
    sides = [n for one in card["inputs"] for n in one["shape"] if type(n) is int]
    if origin.dataset == "chest_xray" and max(sides, default=0) > _SIDE:
        raise CourseError(
            f"la tarjeta pide radiografías de {number(max(sides), 0)} píxeles, y aquí se miden de "
            f"{_SIDE} a lo más."
        )
