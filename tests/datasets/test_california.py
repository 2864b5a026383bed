"""California housing: what is read, how it is split, and every way a line can be wrong."""

import collections
import os
import pathlib
import zipfile

import numpy as np
import pytest

from course.datasets import california
from course.errors import CourseError
from tests.fakes import HOUSING_HEADER, HOUSING_ROWS, housing_csv, write_housing


def written(tmp_path, data):
    path = tmp_path / "housing.csv"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_table_by_hand(tmp_path, newline):
    columns, values = california.read_csv(written(tmp_path, housing_csv(newline=newline)))
    assert list(columns) == [
        *("longitude", "latitude", "housing_median_age", "total_rooms", "total_bedrooms"),
        *("population", "households", "median_income", "ocean_proximity"),
    ]
    assert values.tolist() == [4.5, 3.5, 0.75, 2.25, 3.0, 1.25] and values.dtype == "float32"
    assert columns["median_income"].tolist() == [8.25, 3.5, 2.0, 4.125, 2.5, 3.0]
    assert columns["median_income"].dtype == "float32"
    assert np.isnan(columns["total_bedrooms"]).tolist() == [False, False, True] + [False] * 3
    assert columns["ocean_proximity"][1] == "<1H OCEAN"
    assert columns["ocean_proximity"].dtype == object


def _templates():
    """The rows with {} for the age of their houses."""
    cells = [row.split(",") for row in HOUSING_ROWS]
    return [",".join([*row[:2], "{}", *row[3:]]) for row in cells]


def test_the_split_is_seeded_and_keeps_rows_whole(tmp_path):
    rows = [row.format(age) for row in _templates() for age in range(1, 6)]
    write_housing(tmp_path, rows)
    (x_train, y_train), (x_test, y_test) = california.load_data(tmp_path, seed=3)
    assert (len(y_train), len(y_test)) == (24, 6)
    value_of = {880: 4.5, 3104: 3.5, 1500: 0.75, 2000: 2.25, 700: 3.0, 2600: 1.25}
    for x, y in ((x_train, y_train), (x_test, y_test)):
        assert [value_of[rooms] for rooms in x["total_rooms"]] == y.tolist()
    rooms = np.concatenate([x_train["total_rooms"], x_test["total_rooms"]])
    assert set(collections.Counter(rooms.tolist()).values()) == {5}  # nobody lost, nobody twice
    again = california.load_data(tmp_path, seed=3)
    assert again[1][1].tolist() == y_test.tolist()
    others = [california.load_data(tmp_path, seed=seed)[1][1].tolist() for seed in range(5)]
    assert len({tuple(other) for other in others}) > 1


@pytest.mark.parametrize("name", ["sample", "kaggle"])
def test_a_folder_of_one_s_own_may_have_the_name_of_a_source(tmp_path, monkeypatch, name):
    write_housing(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for source in (f"./{name}", pathlib.Path(name), str(tmp_path / name)):
        (_, y_train), (_, y_test) = california.load_data(source)
        assert len(y_train) + len(y_test) == len(HOUSING_ROWS)


def test_quotes_and_a_byte_order_mark(tmp_path):
    data = housing_csv().replace(b"NEAR BAY", b'"NEAR BAY"')
    columns, _ = california.read_csv(written(tmp_path, b"\xef\xbb\xbf" + data))
    assert columns["ocean_proximity"][0] == "NEAR BAY"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"total_rooms,", b"", "9 nombres, sin total_rooms"),
        (b"longitude,", b"Unnamed: 0,longitude,", "11 nombres, en otro orden o con otros"),
        (b",ocean_proximity", b"", "sin ocean_proximity"),
        (b"3104.0", b"many", "'many' en la línea 3, columna total_rooms"),
        (b"3104.0", b"", "'' en la línea 3, columna total_rooms"),
        (b"3104.0", b"nan", "'nan' en la línea 3, columna total_rooms"),
        (b"3104.0", b"inf", "'inf' en la línea 3, columna total_rooms"),
        (b"3104.0", b"-3104.0", "'-3104.0' en la línea 3, columna total_rooms"),
        (b"3104.0", b"3_104.0", "'3_104.0' en la línea 3"),
        (b"3104.0", b"1e300", "'1e300' en la línea 3"),
        (b"687.0", b"NA", "'NA' en la línea 3, columna total_bedrooms"),
        (b"-118.3", b"-418.3", "un número de -180 a 180"),
        (
            b"INLAND",
            b"INLAMD",
            "'INLAMD' en la línea 4, columna ocean_proximity.*¿Querías decir INLAND",
        ),
        (b",658.0", b"", "la línea 3 tiene 9 valores, no 10"),
        (b",658.0", b",658.0,1", "la línea 3 tiene 11 valores, no 10"),
        (b"3104.0", b'"3104.0', "no se puede leer como texto"),
        (b"3104.0", b"\xff", "no se puede leer como texto"),
    ],
)
def test_wrong_files_are_one_message(tmp_path, old, new, says):
    assert old in housing_csv()
    path = written(tmp_path, housing_csv().replace(old, new, 1))
    with pytest.raises(CourseError, match=says) as error:
        california.read_csv(path)
    assert str(path) in str(error.value)
    assert "course data fetch california" in str(error.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "un archivo vacío"),
        (HOUSING_HEADER.encode(), "0 filas"),
        (housing_csv(HOUSING_ROWS[:4]), "4 filas de datos, muy pocas"),
    ],
)
def test_empty_files(tmp_path, data, says):
    with pytest.raises(CourseError, match=says):
        california.read_csv(written(tmp_path, data))


def test_an_unknown_source():
    with pytest.raises(CourseError, match="¿Querías decir sample"):
        california.load_data("smaple")


@pytest.mark.realdata
def test_the_real_housing(tmp_path):
    if not os.environ.get("COURSE_TEST_DATA"):
        pytest.skip("COURSE_TEST_DATA is not set")
    archive = "kaggle/camnugent/california-housing-prices.zip"
    with zipfile.ZipFile(os.path.join(os.environ["COURSE_TEST_DATA"], archive)) as file:
        file.extractall(tmp_path)
    (x_train, y_train), (x_test, y_test) = california.load_data(tmp_path)
    assert (len(y_train), len(y_test)) == (16512, 4128)
    bedrooms = np.concatenate([x_train["total_bedrooms"], x_test["total_bedrooms"]])
    assert np.isnan(bedrooms).sum() == 207
    places = np.concatenate([x_train["ocean_proximity"], x_test["ocean_proximity"]])
    assert collections.Counter(places.tolist()) == {
        "<1H OCEAN": 9136,
        "INLAND": 6551,
        "NEAR OCEAN": 2658,
        "NEAR BAY": 2290,
        "ISLAND": 5,
    }
    values = np.concatenate([y_train, y_test])
    assert (values.min(), values.max()) == (np.float32(0.14999), np.float32(5.00001))
