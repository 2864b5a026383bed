"""A Keras 3 course kit for deep learning on images.

The map of the house. Imports only go down, and on one floor only to the left:

    4  cli
    3  kaggle  demo  classroom
    2  export  inference  evaluation  exercises
    1  datasets | figures
    0  errors  spanish  files  losses  metrics  regions  foundations  models  explain  training

Rooms with `|` between them do not know each other. On floor 2 arrays go in and arrays come out:
only `inference.run` and `evaluation.run` open data sets. `import course` loads none of the rooms:
`course.models` and the others come when they are first touched.
"""

import importlib
import pathlib

__version__ = "0.1.0"

FOLDER = pathlib.Path(__file__).parent
_ROOMS = (
    "classroom",
    "cli",
    "datasets",
    "demo",
    "errors",
    "evaluation",
    "exercises",
    "explain",
    "export",
    "figures",
    "files",
    "foundations",
    "inference",
    "kaggle",
    "losses",
    "metrics",
    "models",
    "regions",
    "spanish",
    "training",
)
__all__ = ["FOLDER", "__version__", "beside", "commit", *_ROOMS]


def commit():
    """The commit of this checkout (`-dirty` with changes), a kernel's stamp, or `None`."""
    import subprocess  # twice as long as all else here

    stamp = FOLDER / "COMMIT"
    if stamp.is_file():
        return stamp.read_text(encoding="utf-8").strip()
    if not (FOLDER.parent / ".git").exists():  # installed: another repository may lie above
        return None
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(
            command, cwd=FOLDER.parent, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None


def beside(name):
    """Where a file lies that a wheel puts into the package, and a checkout keeps one folder up."""
    return next(
        (home / name for home in (FOLDER, FOLDER.parent) if (home / name).is_file()), FOLDER / name
    )


def __getattr__(name):
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
