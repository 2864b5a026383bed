"""A Keras 3 course kit for deep learning on images.

The map of the house, floor by floor; imports only go down:

    3  cli · runs · kaggle · exercises                       the command `python -m course`
    2  training · inference · evaluation · report · export   arrays in, arrays out
       explain · detection                                   looking into networks; finding objects
    1  datasets · figures                                    files to arrays; arrays to pictures
    0  models · losses · metrics · regions · foundations     keras and numbers only
       catalog · settings · images · errors                  what everything else stands on

`import course` loads none of them: `course.models` and the others come when they are first touched.
"""

import importlib

__version__ = "0.1.0"

_ROOMS = (
    "catalog",
    "datasets",
    "detection",
    "errors",
    "evaluation",
    "exercises",
    "explain",
    "export",
    "figures",
    "foundations",
    "images",
    "inference",
    "losses",
    "metrics",
    "models",
    "regions",
    "report",
    "runs",
    "settings",
    "training",
)
__all__ = ["__version__", *_ROOMS]


def __getattr__(name):
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
