"""Scores of a segmentation: `Dice` while a network trains, the others once a volume is whole.

Every one judges a sample and a region by itself. A region that is empty in the truth and in the
answer has Dice 1, one that only one of them has, Dice 0. So a network that answers "background
everywhere" gets 0 for each tumour, not the 0.95 that counting the background would give it.
`Dice` alone needs Keras, which is loaded when it is first asked for.
"""

from course.metrics.volumes import (
    dice_score,
    hausdorff95,
    largest_slice,
    precision,
    sensitivity,
    volume_ml,
)

__all__ = [
    "Dice",
    "dice_score",
    "hausdorff95",
    "largest_slice",
    "precision",
    "sensitivity",
    "volume_ml",
]


def __getattr__(name):
    if name == "Dice":
        from course.metrics.dice import Dice

        return Dice
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), "Dice"])
