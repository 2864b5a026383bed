"""A copy of the kit whose catalogue describes small data sets, byte-faithful ones, and no others.

The lessons, `source="kaggle"`, the verification of what arrives: all is as it is, only faster.
"""

import hashlib
import shutil
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
import yaml

from tests import ROOT, brats_fakes, fakes

_COPIED = ("course", "kernels", "notebooks")
_TOP = ("pyproject.toml", "requirements.txt", "README.md", "LICENSE")


def copy(folder) -> Path:
    """Copy the kit to a new folder; its datasets.yaml says what `files()` holds."""
    without = shutil.ignore_patterns("__pycache__")
    for name in _COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=without)
    for name in _TOP:
        shutil.copy(ROOT / name, folder / name)
    catalogue = yaml.safe_load((ROOT / "datasets.yaml").read_text(encoding="utf-8"))
    for name, small in files().items():
        for entry in catalogue[name]["files"]:
            data = small[entry["path"]]
            for key in ("content", "gz_md5"):
                entry.pop(key, None)
            digest = hashlib.sha256(data).hexdigest()
            entry.update(size_bytes=len(data), sha256=digest, seen="kaggle, 2026-11-24")
    text = yaml.safe_dump(catalogue, allow_unicode=True, sort_keys=False)
    (folder / "datasets.yaml").write_text(text, encoding="utf-8")
    return folder


def files() -> dict:
    """`{data set: {path: bytes}}`; a lesson with another data set needs an entry here."""
    makers = (_mnist, _sign_mnist, _california, _brats2020, _chest_xray)
    return {maker.__name__[1:]: maker() for maker in makers}


def _mnist():
    from course.datasets.samples import digits

    train, test = digits.load_data()
    found = {}
    for prefix, (images, labels) in (("train", train), ("t10k", test)):
        found[f"{prefix}-images.idx3-ubyte"] = fakes.idx(images)
        found[f"{prefix}-labels.idx1-ubyte"] = fakes.idx(labels)
    return found


def _sign_mnist():
    from course.datasets.samples import hands

    found = {}
    for part, shape in {"train": (6, 3), "test": (4, 1)}.items():
        images, labels, _ = hands.draw(*shape, np.random.default_rng(0))
        in_files = labels + (labels >= 9)  # there is no J
        found[f"sign_mnist_{part}.csv"] = fakes.sign_csv(images, in_files)
    return found


def _california():
    from course.datasets.samples import houses

    columns, values = houses.draw(rows=600)
    columns["median_house_value"] = values * 100_000
    names = fakes.HOUSING_HEADER.split(",")
    cells = zip(*(columns[name] for name in names), strict=True)
    rows = [",".join("" if cell != cell else str(cell) for cell in row) for row in cells]
    return {"housing.csv": fakes.housing_csv(rows)}


def _brats2020(cases=4, shape=(48, 56, 40)):
    from course.datasets import catalog

    info = catalog.get("brats2020")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, info.grades).parent
        names = [Path(info.cases.replace("*", f"{number + 1:03}")).name for number in range(cases)]
        for seed, name in enumerate(names):
            brats_fakes.write_case(home, name, shape=shape, seed=seed)
        brats_fakes.write_mapping(home, dict.fromkeys(names, "HGG"))
        paths = [path for path in Path(folder).rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _chest_xray():
    """The drawn chests under names and in folders as the X-rays have them."""
    from PIL import Image

    from course.datasets.samples import chests

    found = {}
    for part, (images, labels) in zip(("train", "test"), chests.load_data(40, 12), strict=True):
        for number, (image, ill) in enumerate(zip(images, labels, strict=True)):
            name = f"person{number}_virus_1" if ill else f"IM-{number:04}-0001"
            file = BytesIO()
            # of more than one shape, as from a scanner
            Image.fromarray(image[number % 3 :]).save(file, "JPEG", quality=95)
            kind = "PNEUMONIA" if ill else "NORMAL"
            found[f"chest_xray/{part}/{kind}/{name}.jpeg"] = file.getvalue()
    return found
