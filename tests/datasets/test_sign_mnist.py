"""Sign Language MNIST: both layouts, both line endings, and every way a line can be wrong."""

import os
import pathlib
import zipfile

import numpy as np
import pytest

from course.datasets import sign_mnist
from course.errors import CourseError
from tests.fakes import SIGN_LABELS, pictures, sign_csv, write_sign_mnist


def broken(tmp_path, old, new):
    """A good file with the first occurrence of some bytes replaced."""
    images = np.full((3, 28, 28), 7, "uint8")
    data = sign_csv(images, (0, 10, 24), "\n")
    assert old in data
    path = tmp_path / "sign_mnist_train.csv"
    path.write_bytes(data.replace(old, new, 1))
    return path


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_folder_in_every_form(tmp_path, nested, newline):
    expected = write_sign_mnist(tmp_path, nested, newline)
    found = sign_mnist.load_data(str(tmp_path))
    for (images, labels), images_expected in zip(found, expected, strict=True):
        np.testing.assert_array_equal(images, images_expected)
        assert images.dtype == labels.dtype == np.uint8
        assert "".join(sign_mnist.CLASS_NAMES[i] for i in labels) == "AIKYD"


@pytest.mark.parametrize("name", ["sample", "kaggle"])
def test_a_folder_of_one_s_own_may_have_the_name_of_a_source(tmp_path, monkeypatch, name):
    expected = write_sign_mnist(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for source in (f"./{name}", pathlib.Path(name), str(tmp_path / name)):
        np.testing.assert_array_equal(sign_mnist.load_data(source)[1][0], expected[1])


def test_labels_skip_j():
    names = sign_mnist.CLASS_NAMES
    assert len(names) == 24 and "J" not in names and "Z" not in names
    in_files = [*range(9), *range(10, 25)]
    assert [chr(ord("A") + i) for i in in_files] == list(names)


def test_no_newline_at_the_end_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + sign_csv(pictures(5), SIGN_LABELS).rstrip())
    images, labels = sign_mnist.read_csv(path)
    np.testing.assert_array_equal(images, pictures(5))
    images[0, 0, 0] = 1  # the student may write into it


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"label,", b"", "784 nombres; falta 'label'"),
        (b",pixel784", b"", "784 nombres; falta 'pixel784'"),
        (b"label", b"letter", "785 nombres; falta 'label'"),
        (b"label,pixel1,", b"label,pixel2,pixel1,", "786 nombres, en otro orden"),
        (b"label,", b"index,label,", "786 nombres, en otro orden o con otros"),
        (b"pixel1,pixel2,", b"pixel2,pixel1,", "en otro orden o con otros"),
        (b"label,pixel1,pixel2", b"<html>", "falta 'label' y 2 más"),
        (b"\n10,", b"\n9,", "la etiqueta 9 en la línea 3"),
        (b"\n10,", b"\n25,", "la etiqueta 25 en la línea 3"),
        (b"\n24,7,7", b"\n24,7,x", "'x' en la línea 4, columna pixel2"),
        (b"\n24,7,7", b"\n24,7,", "'' en la línea 4, columna pixel2"),
        (b"\n24,7,7", b"\n24,256,7", "'256' en la línea 4, columna pixel1"),
        (b"\n24,7,7", b"\n24,-1,7", "'-1' en la línea 4, columna pixel1"),
        (b"\n24,7,7", b"\n24,7.0,7", "'7.0' en la línea 4, columna pixel1"),
        (b"\n24,7,7", b"\n24,7", "la línea 4 tiene 784 valores, no 785"),
        (b"\n24,", b"\n24,24,", "la línea 4 tiene 786 valores, no 785"),
        (b"\n24,7,7", b"\n24,7,\xff", "línea 4, columna pixel2"),
        (b"\n24,7,7", b"\n24,7,\x00", "línea 4, columna pixel2"),
        (b"\n24,7,7", b"\n24," + b"7" * 5000 + b",7", "línea 4, columna pixel1"),
    ],
)
def test_wrong_files_are_one_message(tmp_path, old, new, says):
    path = broken(tmp_path, old, new)
    with pytest.raises(CourseError) as error:
        sign_mnist.read_csv(path)
    text = str(error.value)
    assert says in text and str(path) in text
    assert "course data fetch sign_mnist" in text and len(text) < 500


def test_j_and_z_are_explained(tmp_path):
    with pytest.raises(CourseError, match="J, y Z .25., son movimientos"):
        sign_mnist.read_csv(broken(tmp_path, b"\n10,", b"\n9,"))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "un archivo vacío"),
        (b"\n\n", "una primera línea vacía"),
        (sign_csv([], []), "ninguna imagen debajo"),
        (sign_csv([], []) + b"\n\n", "ninguna imagen debajo|no se pueden leer"),
    ],
)
def test_empty_files(tmp_path, data, says):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with pytest.raises(CourseError, match=says):
        sign_mnist.read_csv(path)


def test_an_unknown_source():
    with pytest.raises(CourseError, match="kaggle, sample, o una carpeta"):
        sign_mnist.load_data("tfds")


@pytest.mark.realdata
def test_the_real_sign_mnist(tmp_path):
    if not os.environ.get("COURSE_TEST_DATA"):
        pytest.skip("COURSE_TEST_DATA is not set")
    archive = "kaggle/datamunge/sign-language-mnist.zip"
    with zipfile.ZipFile(os.path.join(os.environ["COURSE_TEST_DATA"], archive)) as file:
        file.extractall(tmp_path)
    (x_train, y_train), (x_test, y_test) = sign_mnist.load_data(tmp_path)
    assert x_train.shape == (27455, 28, 28) and x_test.shape == (7172, 28, 28)
    assert x_train.dtype == y_train.dtype == np.uint8
    assert np.bincount(y_train).tolist() == [
        *(1126, 1010, 1144, 1196, 957, 1204, 1090, 1013, 1162, 1114, 1241, 1055),
        *(1151, 1196, 1088, 1279, 1294, 1199, 1186, 1161, 1082, 1225, 1164, 1118),
    ]
    assert np.bincount(y_test).tolist() == [
        *(331, 432, 310, 245, 498, 247, 348, 436, 288, 331, 209, 394),
        *(291, 246, 347, 164, 144, 246, 248, 266, 346, 206, 267, 332),
    ]
    # two values read off the file with head and cut
    assert x_train[0, 0, :5].tolist() == [107, 118, 127, 134, 139]
    assert sign_mnist.CLASS_NAMES[y_train[0]] == "D"
