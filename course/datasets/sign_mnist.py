"""Sign Language MNIST: photographs of hands that show the letters of American Sign Language."""

import warnings

import numpy as np

from course.datasets.download import sources
from course.datasets.download.fetch import fetch, locate
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
        CourseError: an unknown source, or a file that is missing, damaged or another one.

    Example:

    >>> CLASS_NAMES[0], CLASS_NAMES[8], CLASS_NAMES[9], CLASS_NAMES[23]
    ('A', 'I', 'K', 'Y')
    """
    source = sources.resolve(source, ("kaggle", "sample"))
    if source == "sample":
        from course.datasets.samples import hands

        return hands.load_data()
    folder = fetch("sign_mnist", source=source if source == "kaggle" else str(source))
    return tuple(
        read_csv(locate(folder, "sign_mnist", f"sign_mnist_{part}.csv"))
        for part in ("train", "test")
    )


def read_csv(path):
    """Read one of the two files; lines may end in LF or CRLF.

    Returns:
        `(images, labels)`: uint8 `(n, 28, 28)` and uint8 `(n,)` from 0 to 23.

    Raises:
        CourseError: names the file, and the line and column of the first bad value.
    """
    try:
        with open(path, "rb") as file:
            _check_header(file.readline(), path)
            table = _fast(file)
    except OSError as error:
        raise _error(path, f"it cannot be read ({error})") from error
    if table is None or not _known(table[:, 0]).all():
        raise _first_fault(path)
    labels = table[:, 0]
    return table[:, 1:].reshape(-1, 28, 28).copy(), labels - (labels > _J)


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
        raise _error(path, "an empty file" if not line else "an empty first line")
    names = line.removeprefix(b"\xef\xbb\xbf").decode("latin-1").replace('"', "").strip().split(",")
    if names == _HEADER:
        return
    missing = [name for name in _HEADER if name not in names]
    if missing:
        count = f"{len(missing)} columns are missing, the first" if missing[1:] else "it lacks"
        raise _error(path, f"a first line with {len(names)} names; {count} {missing[0]!r}")
    raise _error(path, f"a first line with {len(names)} names, in another order or with others")


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
                return _error(path, f"line {number} has {len(cells)} values, not {len(_HEADER)}")
            for name, cell in zip(_HEADER, cells, strict=True):
                if not (cell.strip().isdecimal() and int(cell.strip()[:9]) <= 255):
                    what = f"{cell[:40]!r} in line {number}, column {name}"
                    return _error(path, f"{what}, where a whole number from 0 to 255 belongs")
            if not _known(int(cells[0])):
                return _error(path, f"label {cells[0]} in line {number}", _LABELS)
    if number == 1:
        return _error(path, "a first line and no pictures below it")
    return _error(path, "values that cannot be read as whole numbers from 0 to 255")


_LABELS = (
    "\nLabels go from 0 (A) to 24 (Y) without 9: J, and Z (25), are movements and have no picture."
)


def _error(path, received, more=""):
    return CourseError(
        f"{path}: expected the columns label, pixel1 … pixel784, then one picture a line. "
        f"Received: {received}.{more}\nThe file is damaged or another one: put a fresh copy in its "
        "place (python -m course data fetch sign_mnist brings one)."
    )
