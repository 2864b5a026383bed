"""Chest X-rays of children, healthy or with pneumonia: Kermany et al. 2018, as on Kaggle."""

import re
from hashlib import sha256

import numpy as np

from course.datasets import catalog
from course.datasets.download.fetch import fetch_files, resolve
from course.datasets.overlap import tell_shared
from course.errors import CourseError

CLASS_NAMES = {2: ("normal", "neumonía"), 3: ("normal", "bacteria", "virus")}

_PARTS = ("train", "test")
_FOLDERS = ("NORMAL", "PNEUMONIA")
_DRAWN = 1600  # drawings to train on: of 400, deformed as Taller 5 deforms them, nothing is learned
_ILL = re.compile(r"(person\d+_(bacteria|virus))_\d+(_\d+)?")
_HEALTHY = re.compile(r"((NORMAL2-)?IM-\d+)-\d+(-\d+)?")


def load_data(source="kaggle", size=64, classes=2):
    """Load X-rays in grey, with the patient of each: split them with `splits.grouped`.

    A picture is shrunk until it fits into `size`×`size`, its aspect kept, and centred on black;
    that is done once and kept on the disk. The rows are shuffled, always alike, so that the first
    few are like all of them. Training and test part are the data set's own, and differ in more than
    their patients: a validation on held-out patients stays rosier than the test. The 16 pictures of
    its part `val` are left out: too few to say anything.

    Args:
        source: "kaggle" (fetched once, 1.2 GB, then offline), "sample" (drawn chests, which are no
            X-rays, no download), or a folder that holds `train` and `test`, each with `NORMAL` and
            `PNEUMONIA`.
        size: Integer, the side in pixels.
        classes: 2 (normal, pneumonia) or 3, which tells bacteria from virus by the files' names.

    Returns:
        `(x_train, y_train, patient_train), (x_test, y_test, patient_test)`: uint8
        `(n, size, size)`, a memory map; uint8 `(n,)`, counting `CLASS_NAMES[classes]`; text `(n,)`,
        equal for the pictures of one patient within a part.

    Raises:
        CourseError: An unknown source, a folder of another layout, a picture that cannot be read,
            a file whose name does not say whose it is, or a test part that was copied from the
            training part.

    Example:

    >>> (x_train, y_train, patient_train), _ = load_data("sample", size=32)
    >>> x_train.shape, sorted(set(y_train.tolist())), len(set(patient_train))
    ((1600, 32, 32), [0, 1], 1600)
    """
    if classes not in CLASS_NAMES:
        raise ValueError(f"Expected classes to be 2 or 3. Received: {classes!r}")
    source = resolve(source, ("kaggle", "sample"))
    if source == "sample":
        return _drawn(size, classes)
    folder, _ = fetch_files(catalog.get("chest_xray"), source, content_of=None)
    root = _root(folder)
    train, test = (_part(root / part, size, classes) for part in _PARTS)
    # their checksums: the pictures themselves may be more than the memory holds
    pictures = ([sha256(image).digest() for image in images] for images, _, _ in (train, test))
    todo = "pon una parte de prueba que no esté en la de entrenamiento."
    tell_shared(*pictures, ("imagen", "imágenes"), root, todo)
    return train, test


def _drawn(size, classes):
    from course.datasets.samples import chests

    if classes != 2:
        raise CourseError(
            "Los tórax dibujados de la muestra tienen solo dos clases. Se pidieron: 3.\n"
            'Qué hacer: quita classes=3, o usa source="kaggle".'
        )
    drawn = zip(_PARTS, chests.load_data(_DRAWN, size=size), strict=True)
    return tuple((x, y, np.array([f"{part} {i}" for i in range(len(y))])) for part, (x, y) in drawn)


def _root(folder):
    """Where `train` and `test` lie: in Kaggle's archive everything is there twice."""
    for root in (folder, folder / "chest_xray", folder / "chest_xray" / "chest_xray"):
        if all((root / part / name).is_dir() for part in _PARTS for name in _FOLDERS):
            return root
    wanted = ", ".join(f"{part}/{name}" for part in _PARTS for name in _FOLDERS)
    found = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nada, está vacía"
    info = catalog.get("chest_xray")
    raise CourseError(
        f"{folder}: se esperaban las carpetas {wanted}. Hay: {found}.\n"
        f"Qué hacer: nombra la carpeta que las contiene, o descárgalas de {info.homepage} y "
        "descomprímelas."
    )


def _part(folder, size, classes):
    from course.datasets.shrunk import shrink  # Pillow

    paths = sorted(
        path
        for name in _FOLDERS
        for path in (folder / name).iterdir()
        if path.suffix.lower() in (".jpeg", ".jpg", ".png") and not path.name.startswith(".")
    )
    paths = [paths[row] for row in np.random.default_rng(0).permutation(len(paths))]
    labels, patients = zip(*(_who(path, classes) for path in paths), strict=True)
    images, faults = shrink(paths, size)
    if faults:
        first = next(iter(faults.values()))
        more = f"\nTampoco se pueden leer otras {len(faults) - 1}." if faults.keys() - {0} else ""
        raise CourseError(f"{first}{more}")
    return images, np.array(labels, "uint8"), np.array(patients)


def _who(path, classes):
    """The label of a file and its patient.

    Numbers repeat between bacteria and virus, and between the parts, for other children; a number
    and a kind together name one.
    """
    ill = path.parent.name == "PNEUMONIA"
    found = (_ILL if ill else _HEALTHY).fullmatch(path.stem)
    if not found:
        like = "person1_virus_6.jpeg" if ill else "IM-0115-0001.jpeg"
        raise CourseError(
            f"{path}: se esperaba un nombre que diga de qué paciente es, como {like}.\n"
            "Qué hacer: deja en esa carpeta solo las radiografías del conjunto, con sus nombres."
        )
    kinds = {"bacteria": 1, "virus": 2}
    label = kinds[found[2]] if ill and classes == 3 else int(ill)
    return label, found[1]
