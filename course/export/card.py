"""card.json, a trained network's passport: what it takes, what it answers, where it is from."""

import pathlib
import platform
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

import course
from course import files, regions
from course.errors import CourseError
from course.files import Rule

VERSION = 1
# what the numbers of a prepared picture reach from and to
_RANGES = {"digit": [0, 255], "photo": [0, 255], "square": [0, 255]}


def complete(card, model):
    """Add to a run's card what the model and this machine can say themselves.

    A `CourseError` says what the card lacks, or where it contradicts the model.
    """
    import keras
    import numpy as np

    backend = keras.backend.backend()
    facts = {
        "card_version": VERSION,
        "name": card.get("name", model.name),
        "inputs": [_described(tensor) for tensor in model.inputs],
        "outputs": [_described(tensor) for tensor in model.outputs],
        "parameters": model.count_params(),
        "range": card.get("range", _RANGES.get(card.get("preparation"))),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            backend: sys.modules[backend].__version__,
            "numpy": np.__version__,
            "course": course.__version__,
        },
        "commit": course.commit(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    card = files.plain({**card, **facts})
    _check(card, "La tarjeta (card)")
    contradiction = disagreement(card, model)
    if contradiction:
        raise CourseError(f"La tarjeta (card) no corresponde al modelo: {contradiction}.")
    return card


def read_run(folder):
    """Read the card of a run's folder, which must hold a model too; without loading Keras."""
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        what = "es un archivo" if folder.is_file() else "no existe"
        raise CourseError(
            f"{folder} {what}: se esperaba la carpeta de una corrida.\n"
            "Qué hacer: da la de una corrida terminada, como runs/taller2_cnn_mnist."
        )
    for name in ("model.keras", "card.json"):
        if not (folder / name).is_file():
            raise CourseError(
                f"En {folder} no hay {name}: se esperaba la carpeta de una corrida terminada.\n"
                "Qué hacer: si la corrida se detuvo, repite su orden con --resume."
            )
    return read(folder / "card.json")


def read(path):
    """Read a card and check everything that it says of itself."""
    try:
        card = files.read_json(path)
        _check(card, path)
    except CourseError as error:
        raise CourseError(
            f"{error}\nQué hacer: usa la tarjeta que escribió la corrida, o entrena de nuevo."
        ) from error
    return card


def disagreement(card, model):
    """Where card and model contradict each other, in Spanish, or `None`."""
    for key, tensors in (("inputs", model.inputs), ("outputs", model.outputs)):
        # outputs are named by Keras, differently in each session
        fields = ("name", "shape", "dtype") if key == "inputs" else ("shape", "dtype")
        found = [_described(tensor) for tensor in tensors]
        said, found = ([[item[f] for f in fields] for item in side] for side in (card[key], found))
        if said != found:
            return f"según ella, {key} es {said}; en el modelo es {found}"
    outputs = model.outputs[0].shape[-1]
    if card["task"] == "classification" and len(card["class_names"]) != outputs:
        classes = len(card["class_names"])
        return f"nombra {classes} clases y el modelo tiene {outputs} salidas"
    return _other_mask(card, model) if card["task"] == "segmentation" else None


def _other_mask(card, model):
    """Where the card of a segmentation and its model contradict each other, or `None`."""
    sides, channels = model.inputs[0].shape[1:-1], model.inputs[0].shape[-1]
    outputs, modalities = model.outputs[0].shape[-1], card.get("modalities")
    if modalities and channels != len(modalities):
        return f"nombra {len(modalities)} modalidades y el modelo recibe {channels} canales"
    named = {key: len(card[key]) for key in ("regions", "class_names") if card.get(key)}
    if "edition" in card:
        named[f"etiquetas de {card['edition']}"] = len(regions.edition(card["edition"]).labels)
    if outputs not in named.values():
        expected = " o ".join(f"{count} ({name})" for name, count in named.items())
        return f"se esperaban {expected} salidas y el modelo tiene {outputs}"
    patch = card.get("patch") or sides
    if len(patch) != len(sides) or any(
        own not in (None, side) for own, side in zip(sides, patch, strict=True)
    ):
        return f"su patch es {patch} y el modelo recibe {list(sides)}"
    return None


def _described(tensor):
    """An input or output of a model as a card has it."""
    shape = list(tensor.shape[1:])  # of one example
    return {"name": tensor.name, "shape": shape, "dtype": str(tensor.dtype)}


# ---- what a card must say: what else describes the run is allowed


def _check(card, where):
    """Every key that the card's task needs is there and of its form, or a `CourseError`."""
    task = files.build(_Head, card, where, others=True).task
    record = _Brats if task == "segmentation" and "edition" in card else _RECORDS[task]
    files.build(record, card, where, others=True)


def _are_different(names):
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _are_sides(patch):
    return len(patch) in (2, 3) and all(type(side) is int and 0 < side <= 1024 for side in patch)


_VersionNumber = Annotated[
    int,
    Rule(lambda n: n == VERSION, f"{VERSION}: otra la lee la versión del kit que la escribió"),
]
_Names = Annotated[
    tuple, Rule(lambda names: names and _are_different(names), "una lista de nombres distintos")
]
_Cases = Annotated[tuple, Rule(_are_different, "una lista de nombres de casos, distintos")]
_Patch = Annotated[tuple, Rule(_are_sides, "dos o tres lados en vóxeles, o null")]
_Spacing = Annotated[
    tuple[float, ...],
    Rule(lambda mm: len(mm) == 3 and all(0 < side < 1000 for side in mm), "tres lados en mm"),
]
_Volume = Annotated[float, Rule(lambda ml: 0 <= ml < 10_000, "mililitros, desde 0")]
_Seed = Annotated[int, Rule(lambda n: 0 <= n < 2**31, f"de 0 a {2**31 - 1}")]
_CaseCount = Annotated[int, Rule(lambda n: 1 <= n <= 10_000, "de 1 a 10000 casos")]
_Threshold = Annotated[float, Rule(lambda p: 0 < p < 1, "una probabilidad entre 0 y 1")]
_HAS_NAME = Rule(
    lambda data: isinstance(data.get("dataset"), str), "claves con el nombre del conjunto (dataset)"
)
_Data = Annotated[dict, _HAS_NAME]


@dataclass(frozen=True)
class _Head:
    card_version: _VersionNumber
    task: Literal["classification", "regression", "segmentation"]


@dataclass(frozen=True)
class _Tensor:
    name: str
    shape: tuple
    dtype: str


_Tensors = Annotated[tuple[_Tensor, ...], Rule(len, "al menos una")]


@dataclass(frozen=True, kw_only=True)
class _Common:
    """`preparation`: how an example is made ready, by datasets.pictures or brats.normalize."""

    data: _Data
    inputs: _Tensors
    outputs: _Tensors
    preparation: Literal["digit", "photo", "square"] | None
    data_seed: _Seed = 0


@dataclass(frozen=True)
class _Classification(_Common):
    """`positive`: of two classes the one that is looked for, the answer from `threshold` on."""

    class_names: _Names
    positive: str | None = None
    threshold: _Threshold = 0.5

    def __post_init__(self):
        if self.positive is None and self.threshold == 0.5:
            return
        if len(self.class_names) != 2 or self.positive not in self.class_names:
            raise ValueError(
                f"positive es {self.positive!r}. Se esperaba una de dos clases (class_names)."
            )


@dataclass(frozen=True)
class _Regression(_Common):
    unit: str


@dataclass(frozen=True)
class _Segmentation(_Common):
    """Of anything: a mask of cells, other regions of a brain."""

    preparation: Literal["digit", "photo", "square", "brain"] | None
    class_names: _Names | None = None
    regions: _Names | None = None
    modalities: _Names | None = None
    patch: _Patch | None = None
    held_out: _Cases = ()
    spacing_mm: _Spacing | None = None

    def __post_init__(self):
        if not (self.class_names or self.regions):
            raise ValueError("falta la clave 'regions' o 'class_names'.")


@dataclass(frozen=True)
class _Brats(_Common):
    edition: Literal[*regions.EDITIONS]
    modalities: _Names
    regions: Annotated[
        tuple, Rule(lambda names: names == regions.REGIONS, f"{list(regions.REGIONS)}")
    ]
    patch: _Patch | None
    held_out: _Cases
    preparation: Literal["brain"]
    cases: _CaseCount | None = None
    spacing_mm: _Spacing | None = None
    least_et_ml: _Volume = 0.0  # less enhancing tumour than this is written as core


_RECORDS = {
    "classification": _Classification,
    "regression": _Regression,
    "segmentation": _Segmentation,
}
