"""MNIST: the four files in all their forms, its sisters, and every way a file can be wrong."""

import gzip
import hashlib
import os
import pathlib
import shutil
import struct
import subprocess
import tracemalloc
import zipfile

import numpy as np
import pytest

from course.datasets import catalog, mnist
from course.errors import CourseError
from course.spanish import number
from tests.fakes import idx as idx_bytes
from tests.fakes import pictures, write_mnist

LABELS = np.arange(4, dtype="uint8")


def written(tmp_path, data, name="train-images.idx3-ubyte"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def same(found, expected):
    for (x, y), (x_expected, y_expected) in zip(found, expected, strict=True):
        assert x.dtype == y.dtype == np.uint8
        np.testing.assert_array_equal(x, x_expected)
        np.testing.assert_array_equal(y, y_expected)


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize("form", ["dotted", "dashed", "nested"])
def test_a_folder_in_every_form(tmp_path, form, gz):
    expected = write_mnist(tmp_path, form, gz)
    same(mnist.load_data(str(tmp_path)), expected)
    same(mnist.load_data(tmp_path), expected)  # a pathlib.Path too


def test_idx_by_hand(tmp_path):
    data = bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 9])
    assert mnist.read_labels(written(tmp_path, data), 10).tolist() == [7, 0, 9]
    image = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(783) + b"\x05"
    found = mnist.read_images(written(tmp_path, image))
    assert found.shape == (1, 28, 28) and found[0, 27, 27] == 5 and found.sum() == 5
    found[0, 0, 0] = 1  # the student may write into it


def test_gzip_is_seen_by_its_bytes_not_its_name(tmp_path):
    path = written(tmp_path, gzip.compress(idx_bytes(LABELS)), "train-labels.idx1-ubyte")
    assert mnist.read_labels(path, 10).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "un archivo vacío"),
        (b"\x00\x00", "2 bytes en total"),
        (b"<html><body>404 not found", "2051"),
        (idx_bytes(np.zeros(9, "uint8")), "2051. Llegó: 2049"),
        (idx_bytes(pictures(2))[:14], "14 bytes en total"),
        (idx_bytes(pictures(2))[:-1], "promete 1568 bytes de"),
        (idx_bytes(pictures(2)) + b"\n", "promete 1568"),
        (idx_bytes(pictures(2)[:, :14]), "28×28 píxeles. Llegó: 14×28"),
        (idx_bytes(pictures(0)), "una cabecera que dice 0"),
        (struct.pack(">4I", 2051, 2**32 - 1, 28, 28) + bytes(100), number(4_294_967_295, 0)),
        (struct.pack(">4I", 2051, 1, 2**32 - 1, 2**32 - 1) + bytes(100), "4294967295×4294967295"),
    ],
)
def test_wrong_images_are_one_message(tmp_path, data, says, gz):
    path = written(tmp_path, gzip.compress(data) if gz else data)
    with pytest.raises(CourseError) as error:
        mnist.read_images(path)
    assert says in str(error.value)
    assert str(path) in str(error.value) and "course data fetch mnist" in str(error.value)


@pytest.mark.parametrize("cut", [1, 5, 12, 20, -9, -5, -1])
def test_a_gzip_cut_short(tmp_path, cut):
    path = written(tmp_path, gzip.compress(idx_bytes(pictures(2)))[:cut])
    with pytest.raises(CourseError, match="train-images"):
        mnist.read_images(path)


def test_a_gzip_whose_checksum_differs(tmp_path):
    data = bytearray(gzip.compress(idx_bytes(LABELS)))
    data[-8] ^= 1
    with pytest.raises(CourseError, match="CRC"):
        mnist.read_labels(written(tmp_path, bytes(data)), 10)


def test_promises_of_gigabytes_take_no_memory(tmp_path):
    bomb = gzip.compress(struct.pack(">4I", 2051, 4_000_000, 28, 28) + bytes(50_000_000))
    path = written(tmp_path, bomb)
    tracemalloc.start()
    try:
        with pytest.raises(CourseError):
            mnist.read_images(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_label_that_is_no_digit(tmp_path):
    data = idx_bytes(np.array([3, 10, 4], "uint8"))
    with pytest.raises(CourseError, match="de 0 a 9. Llegó: la etiqueta 10 en la posición 1"):
        mnist.read_labels(written(tmp_path, data), 10)


def test_images_and_labels_of_different_counts(tmp_path):
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels.idx1-ubyte").write_bytes(idx_bytes(LABELS))
    with pytest.raises(CourseError) as error:
        mnist.load_data(tmp_path)
    for part in (
        "t10k-images.idx3-ubyte tiene 3\xa0imágenes",
        "t10k-labels.idx1-ubyte 4\xa0etiquetas",
    ):
        assert part in str(error.value)


@pytest.mark.parametrize("name", ["sample", "kaggle", "tfds"])
def test_a_folder_of_one_s_own_may_have_the_name_of_a_source(tmp_path, monkeypatch, name):
    expected = write_mnist(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for source in (f"./{name}", pathlib.Path(name), tmp_path / name, str(tmp_path / name)):
        same(mnist.load_data(source), expected)


def test_a_card_finds_the_folder_again_from_anywhere(tmp_path, monkeypatch):
    expected = write_mnist(tmp_path / "sample")
    monkeypatch.chdir(tmp_path)
    written_down = catalog.origin("mnist", "./sample").as_dict()
    monkeypatch.chdir("/")
    same(mnist.load_data(catalog.Origin.from_dict(written_down).source), expected)


def test_the_catalogue_is_asked_once(tmp_path, monkeypatch):
    write_mnist(tmp_path)
    get, asked = catalog.get, []
    monkeypatch.setattr(catalog, "get", lambda name: asked.append(name) or get(name))
    mnist.load_data(tmp_path)
    assert asked == ["mnist"]


def test_a_missing_file_is_named(tmp_path):
    write_mnist(tmp_path)
    (tmp_path / "t10k-images.idx3-ubyte").unlink()
    with pytest.raises(CourseError, match="t10k-images.idx3-ubyte"):
        mnist.load_data(tmp_path)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("kagle", "¿Querías decir kaggle"),
        ("TFDS", "¿Querías decir tfds"),
        ("my/mnist", "no hay una carpeta"),
        ("", "Llegó: ''"),
        (None, "Llegó: None"),
        (3, "Llegó: 3"),
        ("~nobody-here/mnist", "Llegó"),
        ("a\0b", "Llegó"),
    ],
)
def test_an_unknown_source(source, says):
    with pytest.raises(CourseError) as error:
        mnist.load_data(source)
    assert says in str(error.value)
    assert "se esperaba kaggle, tfds, sample, o una carpeta" in str(error.value)


def test_a_file_is_not_a_folder(tmp_path):
    path = written(tmp_path, b"PK", "archive.zip")
    with pytest.raises(CourseError, match="es un archivo.*\n.*descomprímelo"):
        mnist.load_data(path)


def test_variants_come_through_tfds_only(tmp_path):
    for source in ("kaggle", "sample", str(tmp_path)):
        with pytest.raises(CourseError, match="Qué hacer: .*source=.tfds., variant=.fashion_mnist"):
            mnist.load_data(source, variant="fashion_mnist")


@pytest.mark.parametrize(
    ("variant", "near"),
    [
        ("fashion-mnist", "fashion_mnist"),
        ("emnist", "emnist/balanced"),
        ("emnist/leters", "emnist/letters"),
    ],
)
def test_an_unknown_variant(variant, near):
    with pytest.raises(CourseError, match=f"¿Querías decir {near}"):
        mnist.load_data("tfds", variant=variant)


def test_class_names():
    counts = {v: len(mnist.class_names(v)) for v in mnist._CLASS_NAMES}
    assert counts == {
        "mnist": 10,
        "fashion_mnist": 10,
        "kmnist": 10,
        "emnist/balanced": 47,
        "emnist/bymerge": 47,
        "emnist/byclass": 62,
        "emnist/letters": 26,
        "emnist/digits": 10,
        "emnist/mnist": 10,
    }


def fake_tfds(monkeypatch, load):
    """A tensorflow_datasets whose `load` is ours and whose tensors are arrays already."""
    import sys
    import types

    module = types.SimpleNamespace(load=load, as_numpy=lambda part: part)
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", module)


def test_emnist_is_turned_upright_and_counted_from_0(monkeypatch):
    stored = pictures(2)[..., None]  # column by column
    part = {"image": stored, "label": np.array([1, 26])}
    fake_tfds(monkeypatch, lambda *args, **kwargs: [[part], [part, part]])
    (x, y), (x_test, y_test) = mnist.load_data("tfds", "emnist/letters")
    assert len(x) == 2 and len(x_test) == len(y_test) == 4  # batches are joined
    assert x[0, 3, 7] == stored[0, 7, 3, 0]
    assert [mnist.class_names("emnist/letters")[i] for i in y] == ["A", "Z"]
    assert x.dtype == y.dtype == np.uint8
    (x, y), _ = mnist.load_data("tfds", "kmnist")
    assert x[0, 3, 7] == stored[0, 3, 7, 0] and y.tolist() == [1, 26]


def test_a_tfds_that_fails_is_one_message(monkeypatch):
    def load(*args, **kwargs):
        raise ConnectionError("no route to host\nand a page of details")

    fake_tfds(monkeypatch, load)
    with pytest.raises(CourseError, match="ConnectionError: no route to host") as error:
        mnist.load_data("tfds")
    assert "details" not in str(error.value) and "--source sample" in str(error.value)


@pytest.mark.parametrize("variant", ["mnist", "fashion_mnist", "kmnist", "emnist/balanced"])
def test_tfds_with_its_own_mock(variant, tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    with tfds.testing.mock_data(num_examples=3, data_dir=str(tmp_path)):
        (x_train, y_train), (x_test, y_test) = mnist.load_data("tfds", variant)
    assert x_train.shape == x_test.shape == (3, 28, 28)
    assert y_train.shape == y_test.shape == (3,)
    assert x_train.dtype == y_train.dtype == np.uint8


# The md5s of the four original downloads, and the content's. The originals can be made again, byte
# for byte: GNU gzip -6, the dotted name inside, and these times of 1996 and 1998 (found by trial,
# 2026-11-23). So these md5s prove
# the content, not only a copy of it.
ORIGINALS = {
    "train-images.idx3-ubyte": (848331386, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    "train-labels.idx1-ubyte": (848331398, "d53e105ee54ea40749a09fcbcd1e9432"),
    "t10k-images.idx3-ubyte": (885827245, "9fb629c4189551a2d022fa330f9573f3"),
    "t10k-labels.idx1-ubyte": (885827268, "ec29112dd5afa0611ce80d1b7f02629c"),
}
CONTENTS = {
    "train-images.idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels.idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images.idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels.idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


@pytest.mark.realdata
def test_the_real_mnist(tmp_path):
    if not os.environ.get("COURSE_TEST_DATA"):
        pytest.skip("COURSE_TEST_DATA is not set")
    archive = os.path.join(os.environ["COURSE_TEST_DATA"], "kaggle/hojjatk/mnist-dataset.zip")
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path)
    (x_train, y_train), (x_test, y_test) = mnist.load_data(tmp_path)
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28)
    assert np.bincount(y_train).tolist() == [
        *(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
    ]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    arrays = dict(zip(ORIGINALS, (x_train, y_train, x_test, y_test), strict=True))
    for name, array in arrays.items():
        assert hashlib.md5(idx_bytes(array)).hexdigest() == CONTENTS[name]
    gzip_program = shutil.which("gzip")
    for name, array in arrays.items() if gzip_program else ():
        assert original_md5(gzip_program, name, idx_bytes(array)) == ORIGINALS[name][1]


def original_md5(gzip_program, name, data):
    packed = subprocess.run([gzip_program, "-6nc"], input=data, capture_output=True, check=True)
    time = struct.pack("<I", ORIGINALS[name][0])
    header = b"\x1f\x8b\x08\x08" + time + b"\x00\x03" + name.encode() + b"\0"
    return hashlib.md5(header + packed.stdout[10:]).hexdigest()
