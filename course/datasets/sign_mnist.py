"""Sign Language MNIST: photographs of hands that show the letters of American Sign Language."""

import warnings

import numpy as np

from course.datasets import catalog
from course.datasets.catalog import Content
from course.datasets.download.fetch import fetch_files, resolve
from course.datasets.overlap import tell_shared
from course.errors import CourseError

# J and Z are movements and have no picture: the files skip 9 and end at 24, the arrays count 0–23
CLASS_NAMES = tuple("ABCDEFGHIKLMNOPQRSTUVWXY")

_HEADER = ["label", *(f"pixel{i}" for i in range(1, 785))]
_J, _Z = 9, 25


def load_data(source="kaggle"):
    """Load pictures of hands; `CLASS_NAMES[label]` is the letter.

    The training pictures are about 1,300 photographs, each 21 times with other light, contrast,
    sharpness and up to 3° of rotation: split them with `splits.grouped`.

    Args:
        source: "kaggle" (fetched once, then offline), "sample" (drawn hands, no download), or a
            folder that holds `sign_mnist_train.csv` and `sign_mnist_test.csv`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 `(n, 28, 28)` and uint8 `(n,)` from 0 to 23.

    Raises:
        CourseError: An unknown source, or a file that is missing, damaged or another one.

    Example:

    >>> CLASS_NAMES[0], CLASS_NAMES[8], CLASS_NAMES[9], CLASS_NAMES[23]
    ('A', 'I', 'K', 'Y')
    """
    source = resolve(source, ("kaggle", "sample"))
    if source == "sample":
        from course.datasets.samples import hands

        return hands.load_data()
    folder, paths = fetch_files(catalog.get("sign_mnist"), source, content_of=content_of)
    train, test = (read_csv(paths[f"sign_mnist_{part}.csv"]) for part in ("train", "test"))
    pictures = (map(np.ndarray.tobytes, images) for images, _ in (train, test))
    todo = "pon una parte de prueba que no esté en la de entrenamiento."
    tell_shared(*pictures, ("imagen", "imágenes"), folder, todo)
    return train, test


def read_csv(path):
    """One of the two files as uint8 `(n, 28, 28)` and labels, uint8 `(n,)` from 0 to 23."""
    table = _read(path)
    labels = table[:, 0]
    return table[:, 1:].reshape(-1, 28, 28).copy(), labels - (labels > _J)


def content_of(path, file) -> Content:
    """What a file holds, to be compared with its `FileInfo` in the catalogue."""
    table = _read(path)
    values, counts = np.unique(table[:, 0], return_counts=True)
    digits = table.size + np.count_nonzero(table >= 10) + np.count_nonzero(table >= 100)
    commas = len(table) * (len(_HEADER) - 1)
    return Content(
        "sign",
        rows=len(table),
        text_bytes=len(",".join(_HEADER)) + int(digits) + commas,
        histogram=dict(zip(values.tolist(), counts.tolist(), strict=True)),
    )


def _read(path):
    """Both columns of the file as they stand, uint8 `(n, 785)`: the label, then the pixels."""
    try:
        with open(path, "rb") as file:
            _check_header(file.readline(), path)
            table = _fast(file)
    except OSError as error:
        raise _error(path, f"no se puede leer ({error})") from error
    if table is None or not _known(table[:, 0]).all():
        raise _first_fault(path)
    return table


def _fast(file):
    """Every value as uint8, `(n, 785)`; None when anything is wrong, whatever it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # an empty table and 3.0 for 3 are only warned of
        try:
            table = np.loadtxt(
                file, "uint8", comments=None, delimiter=",", ndmin=2, encoding="latin-1"
            )
        except (ValueError, UserWarning, DeprecationWarning):
            return None
    return table if table.shape[1] == len(_HEADER) else None


def _known(labels):
    return (labels < _Z) & (labels != _J)


def _check_header(line, path):
    if not line.strip():
        raise _error(path, "un archivo vacío" if not line else "una primera línea vacía")
    names = line.removeprefix(b"\xef\xbb\xbf").decode("latin-1").replace('"', "").strip().split(",")
    if names == _HEADER:
        return
    missing = [name for name in _HEADER if name not in names]
    why = ", en otro orden o con otros"
    if missing:
        why = f"; falta {missing[0]!r}" + (f" y {len(missing) - 1} más" if missing[1:] else "")
    raise _error(path, f"una primera línea con {len(names)} nombres{why}")


def _first_fault(path):
    """Read the file again, slowly, to say where the trouble is."""
    number = 1
    with open(path, "rb") as file:
        next(file)
        for number, line in enumerate(file, 2):
            cells = line.decode("latin-1").strip("\r\n").split(",")
            if cells == [""]:
                continue
            if len(cells) != len(_HEADER):
                return _error(
                    path, f"la línea {number} tiene {len(cells)} valores, no {len(_HEADER)}"
                )
            for name, cell in zip(_HEADER, cells, strict=True):
                if not (cell.strip().isdecimal() and int(cell.strip()[:9]) <= 255):
                    what = f"{cell[:40]!r} en la línea {number}, columna {name}"
                    return _error(path, f"{what}, donde va un número entero de 0 a 255")
            if not _known(int(cells[0])):
                return _error(path, f"la etiqueta {cells[0]} en la línea {number}", _LABELS)
    if number == 1:
        return _error(path, "una primera línea y ninguna imagen debajo")
    return _error(path, "valores que no se pueden leer como números enteros de 0 a 255")


_LABELS = (
    "\nLas etiquetas van de 0 (A) a 24 (Y) sin el 9: J, y Z (25), son movimientos y no tienen "
    "imagen."
)


def _error(path, received, more=""):
    return CourseError(
        f"{path}: se esperaban las columnas label, pixel1 … pixel784, y una imagen por línea. "
        f"Llegó: {received}.{more}\nQué hacer: está dañado o es otro archivo; pon en su lugar una "
        "copia nueva (python -m course data fetch sign_mnist la trae)."
    )
