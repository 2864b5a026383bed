"""California housing, 1990: the median house value of 20,640 districts, from nine columns."""

import collections
import csv

import numpy as np

from course.datasets import catalog
from course.datasets.catalog import Content
from course.datasets.download.fetch import fetch_files, resolve
from course.datasets.overlap import tell_shared
from course.errors import CourseError, nearest
from course.spanish import number

OCEAN_PROXIMITY = ("<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN")
UNIT = 100_000  # dollars
_MEDIAN = (1_000, 10_000_000)  # dollars: where the middle price of a district can lie
# lowest and highest value that can be true; dollars and counts of a district, degrees, years
_COLUMNS = {
    "longitude": (-180, 180),
    "latitude": (-90, 90),
    "housing_median_age": (0, 1000),
    "total_rooms": (0, 1e7),
    "total_bedrooms": (0, 1e7),  # the one column with missing values
    "population": (0, 1e7),
    "households": (0, 1e7),
    "median_income": (0, 1000),  # tens of thousands of dollars
    "median_house_value": (0, 1e9),
}
_TARGET, _CATEGORY, _MAY_MISS = "median_house_value", "ocean_proximity", "total_bedrooms"
_HEADER = [*_COLUMNS, _CATEGORY]


def load_data(source="kaggle", seed=0):
    """Load house prices as raw columns.

    Args:
        source: "kaggle" (fetched once, then offline), "sample" (a made-up table, no download), or a
            folder that holds `housing.csv`.
        seed: draws which fifth of the rows is the test set.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: `x` is a dict of arrays `(n,)`: eight float32
        columns, `total_bedrooms` with NaN where it is missing, and `ocean_proximity` as text of
        dtype object, the only one that Keras takes; `y` is float32 `(n,)` in 100,000 dollars.

    Raises:
        CourseError: An unknown source, or a file that is missing, damaged or another one.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data(source="sample")
    >>> len(y_train), len(y_test), len(x_train)
    (6400, 1600, 9)
    """
    source = resolve(source, ("kaggle", "sample"))
    if source == "sample":
        from course.datasets.samples import houses

        return _split(*houses.draw(), seed)
    _, paths = fetch_files(catalog.get("california"), source, content_of=content_of)
    path = paths["housing.csv"]
    columns, values = read_csv(path)
    _check_dollars(values, path)
    train, test = _split(columns, values, seed)
    todo = (
        "la tabla tiene filas repetidas; deja una de cada una, en Python:\n"
        "    import pathlib\n"
        f"    table = pathlib.Path({str(path)!r})\n"
        '    rows = dict.fromkeys(table.read_text(encoding="utf-8").splitlines())\n'
        '    table.write_text("\\n".join(rows), encoding="utf-8")'
    )
    tell_shared(*map(_rows_of, (train, test)), ("fila", "filas"), path, todo)
    return train, test


def read_csv(path):
    """`housing.csv` as the dict of nine arrays and the target in 100,000 dollars, unsplit."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = _rows(file, path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _error(path, f"no se puede leer como texto ({error})") from error
    if len(rows) < 5:
        raise _error(path, f"{len(rows)} filas de datos, muy pocas para partirlas en cinco")
    *numbers, category = zip(*rows, strict=True)
    table = dict(zip(_COLUMNS, np.array(numbers, "float32"), strict=True))
    target = np.array(numbers[list(_COLUMNS).index(_TARGET)]) / UNIT
    del table[_TARGET]
    return {**table, _CATEGORY: np.array(category, dtype=object)}, target.astype("float32")


def content_of(path, file) -> Content:
    """What a file holds, to be compared with its `FileInfo` in the catalogue."""
    columns, values = read_csv(path)
    places = collections.Counter(columns[_CATEGORY])
    return Content("housing", rows=len(values), histogram=dict(places))


def _check_dollars(values, path):
    """The target is given in dollars; divided before, every number of the lesson would be wrong."""
    median = float(np.median(values)) * UNIT
    if _MEDIAN[0] <= median <= _MEDIAN[1]:
        return
    low, high = (number(dollars, 0) for dollars in _MEDIAN)
    raise CourseError(
        f"{path}: {_TARGET} va en dólares; se esperaba una mediana de {low} a {high}. Llegó: "
        f"{number(median)}.\n"
        "Qué hacer: escribe los valores en dólares; si están divididos por 100 000, multiplícalos "
        "por 100 000."
    )


def _rows_of(part):
    """The rows of a part, to be compared: tuples of the bytes of each number and of the word."""
    columns, values = part
    numbers = [column for name, column in columns.items() if name != _CATEGORY]
    table = np.column_stack([*numbers, values])
    return zip(map(bytes, table), columns[_CATEGORY], strict=True)


def _split(columns, values, seed):
    """A seeded fifth of the rows is the test set; rows twice in the table may part."""
    order = np.random.default_rng(seed).permutation(len(values))
    test = len(values) // 5
    return tuple(
        ({name: column[rows] for name, column in columns.items()}, values[rows])
        for rows in (order[test:], order[:test])
    )


def _rows(file, path):
    reader = csv.reader(file, strict=True)
    header = next(reader, None)
    if header is None:
        raise _error(path, "un archivo vacío")
    if header != _HEADER:
        missing = [name for name in _HEADER if name not in header]
        reason = f"sin {', '.join(missing)}" if missing else "en otro orden o con otros"
        raise _error(path, f"una primera línea con {len(header)} nombres, {reason}")
    return [_row(cells, reader.line_num, path) for cells in reader if cells]


def _row(cells, line, path):
    if len(cells) != len(_HEADER):
        raise _error(path, f"la línea {line} tiene {len(cells)} valores, no {len(_HEADER)}")
    *numbers, category = cells
    row = [_number(text, name, line, path) for text, name in zip(numbers, _COLUMNS, strict=True)]
    if category not in OCEAN_PROXIMITY:
        what = f"{category[:40]!r} en la línea {line}, columna {_CATEGORY}"
        hint = nearest(category, OCEAN_PROXIMITY)
        raise _error(path, f"{what}, donde va una de {', '.join(OCEAN_PROXIMITY)}", hint)
    return [*row, category]


def _number(text, name, line, path):
    if not text and name == _MAY_MISS:
        return float("nan")
    low, high = _COLUMNS[name]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if low <= value <= high and "_" not in text:  # Python reads 1_000 as a number
        return value
    what = f"{text[:40]!r} en la línea {line}, columna {name}"
    raise _error(path, f"{what}, donde va un número de {low:g} a {high:g}")


def _error(path, received, hint=""):
    return CourseError(
        f"{path}: se esperaban las diez columnas de housing.csv, de longitude a ocean_proximity. "
        f"Llegó: {received}.{hint}\nQué hacer: está dañado o es otro archivo; pon en su lugar una "
        "copia nueva (python -m course data fetch california la trae)."
    )
