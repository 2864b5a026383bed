"""Pictures of one's own: looked at, made ready and divided before a network sees them.

    record = folders.read("mis fotos", size=64)  # or a zip, or "usuario/nombre" of Kaggle
    folders.report(record, "datos.html")         # what is wrong with them, with pictures
    train, validation, test = folders.split(record, seed=0)

`record` holds the pictures as an array on the disk, their labels or masks, and what must stay on
one side of a split.
"""

from course.datasets.folders.page import report
from course.datasets.folders.reading import read
from course.datasets.folders.record import Fault, Pictures
from course.datasets.folders.sample import sample
from course.datasets.folders.sides import Split, load_split, save_split, split

__all__ = [
    "Fault",
    "Pictures",
    "Split",
    "load_split",
    "read",
    "report",
    "sample",
    "save_split",
    "split",
]
