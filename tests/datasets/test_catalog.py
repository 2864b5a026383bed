"""The catalogue: what datasets.yaml says, and what a typo in it says."""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys

import pytest

import course
from course.datasets import catalog
from course.errors import CourseError

ENTRY = """
shapes:
  title: Shapes
  handle: owner/shapes
  version: 2
  version_seen: mirror, 2026-11-23
  homepage: https://www.kaggle.com/datasets/owner/shapes
  licence: CC0 1.0
  citation: nobody, Shapes, 2026
  image_shape: [28, 28]
  labels: {0: circle, 1: square}
  sample: {title: "muestra: formas", made_up: true, licence: CC0 1.0, citation: nobody}
  files:
    - path: shapes.csv
      size_bytes: 100
      sha256: 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
      seen: kaggle, 2026-11-23
      content: {kind: sign, rows: 3}
"""


def load(folder, text):
    path = folder / "datasets.yaml"
    path.write_text(text, encoding="utf-8")
    return catalog.load(path)


def test_an_entry_becomes_a_frozen_record(tmp_path):
    info = load(tmp_path, ENTRY)["shapes"]
    assert info.pinned == "owner/shapes/versions/2"
    assert info.image_shape == (28, 28)
    assert info.labels == {0: "circle", 1: "square"}
    assert info.sample.made_up is True
    assert info.files[0].places == ("shapes.csv",)
    assert info.files[0].content.rows == 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.version = 3


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("  licence:", "  license:", "la clave 'license' no se conoce. ¿Querías decir 'licence'?"),
        ("  citation: nobody, Shapes, 2026\n", "", "falta la clave 'citation'"),
        ("  version: 2", "  version: 2\n  version: 3", "shapes: la clave 'version' está dos veces"),
        (
            "{0: circle, 1: square}",
            "{1: a, 1: b}",
            "labels: la clave '1' está dos veces, en las líneas 11",
        ),
        (
            "content: {kind: sign,",
            "content: {kind: idx, kind: sign,",
            "files, content: la clave 'kind' está dos veces",
        ),
        ("- path: shapes.csv", "- pfad: shapes.csv", "files, n.º 1: la clave 'pfad' no se conoce"),
        ("path: shapes.csv", "path: ../shapes.csv", "n.º 1, path: se esperaba una ruta debajo"),
        ("path: shapes.csv", "path: /shapes.csv", "n.º 1, path: se esperaba una ruta debajo"),
        ("owner/shapes\n  version", "shapes\n  version", "handle: se esperaba dueño/nombre"),
        ("version: 2", "version: two", "version: se esperaba un número entero"),
        ("version: 2", "version: 0", "version: se esperaba un número entero desde 1"),
        ("version: 2", "version: true", "version: se esperaba un número entero"),
        ("version: 2", "version:", "version: se esperaba un número entero"),
        ("title: Shapes", 'title: ""', "title: se esperaba un texto que no esté vacío"),
        ("00112233", "0011223", "n.º 1, sha256: se esperaba una suma de 64 cifras"),
        ("      seen: kaggle, 2026-11-23\n", "", "suma de comprobación que nadie vio"),
        (
            "seen: kaggle, 2026",
            "seen: somewhere, 2026",
            "n.º 1, seen: se esperaba dónde se vio y cuándo",
        ),
        ("homepage: https", "homepage: ftp", "homepage: se esperaba una dirección https"),
        ("kind: sign", "kind: xls", "content, kind: se esperaba 'idx' o 'sign' o 'housing' o"),
        ("rows: 3", "rowz: 3", "content: la clave 'rowz' no se conoce. ¿Querías decir 'rows'?"),
        ("made_up: true", "made_up: maybe", "sample, made_up: se esperaba true o false"),
        (
            "labels: {0: circle, 1: square}",
            "labels: [circle]",
            "labels: se esperaba claves con valores",
        ),
        (
            "  title: Shapes",
            '  title: Shapes\n  edition: "2012"',
            "edition: se esperaba una edición de BraTS: 2015,",
        ),
        ("  title: Shapes", "  title: Shapes\n  edition: 2020", "edition: se esperaba un texto"),
        ("image_shape: [28, 28]", "image_shape: 28", "image_shape: se esperaba una lista"),
        ("  title: Shapes", "  title: Shapes\n  name: x", "la clave 'name' sobra"),
    ],
)
def test_a_wrong_key_names_the_file_and_the_entry(tmp_path, old, new, words):
    assert old in ENTRY
    with pytest.raises(CourseError) as caught:
        load(tmp_path, ENTRY.replace(old, new, 1))
    assert str(tmp_path / "datasets.yaml") in str(caught.value)
    assert "datasets.yaml, shapes" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["", "[1, 2]", "shapes: {title: [", "shapes: 3", "shapes:\n"])
def test_what_is_no_catalogue(tmp_path, text):
    with pytest.raises(CourseError, match=re.escape(str(tmp_path / "datasets.yaml"))):
        load(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CourseError, match="nothing.yaml no se puede leer"):
        catalog.load(tmp_path / "nothing.yaml")


def test_names_and_an_unknown_one():
    assert catalog.names()[:4] == ["mnist", "sign_mnist", "california", "brats2020"]
    with pytest.raises(
        CourseError, match="'minst'. ¿Querías decir mnist.\nSe esperaba uno de: mnist,"
    ):
        catalog.get("minst")
    with pytest.raises(CourseError, match="llamado 3"):
        catalog.get(3)


def test_the_wheel_s_catalogue_comes_before_the_checkout_s(tmp_path, monkeypatch):
    package = tmp_path / "course"
    package.mkdir()
    monkeypatch.setattr(course, "FOLDER", package)
    (tmp_path / "datasets.yaml").write_text("")
    assert course.beside("datasets.yaml") == tmp_path / "datasets.yaml"
    (package / "datasets.yaml").write_text("")
    assert course.beside("datasets.yaml") == package / "datasets.yaml"


# ---- the course's own entries


def test_every_version_and_hash_says_where_it_was_seen():
    for name in catalog.names():
        info = catalog.get(name)
        assert re.fullmatch(r"(mirror|kaggle), 20\d\d-\d\d-\d\d", info.version_seen)
        for file in info.files:
            assert (file.seen is None) == (file.sha256 is None and file.size_bytes is None)


def test_what_nobody_could_see_has_no_hash():
    for name in ("brats2020", "brats2021"):
        for file in catalog.get(name).files:
            assert file.sha256 is None and file.size_bytes is None and file.gz_md5 is None


def test_mnist_is_known_by_the_md5_of_its_four_original_files():
    assert {f.path: f.gz_md5 for f in catalog.get("mnist").files} == {
        "train-images.idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels.idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images.idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels.idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    }
    assert catalog.get("mnist").files[2].places == (
        "t10k-images.idx3-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-images-idx3-ubyte/t10k-images-idx3-ubyte",
        "t10k-images.idx3-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-images-idx3-ubyte/t10k-images-idx3-ubyte.gz",
    )


def test_sizes_and_histograms_add_up():
    for file in catalog.get("mnist").files:
        values = 1
        for side in file.content.shape:
            values *= side
        assert file.size_bytes == 4 + 4 * len(file.content.shape) + values
        assert sum(file.content.histogram.values()) in (0, file.content.shape[0])
    for name, rows in (("sign_mnist", [27455, 7172]), ("california", [20640])):
        files = catalog.get(name).files
        assert [sum(f.content.histogram.values()) for f in files] == rows
        assert [f.content.rows for f in files] == rows


def test_sign_mnist_has_24_letters_without_j_and_z():
    labels = catalog.get("sign_mnist").labels
    assert "".join(labels.values()) == "ABCDEFGHIKLMNOPQRSTUVWXY"
    assert all(ord(letter) - ord("A") == label for label, letter in labels.items())
    for file in catalog.get("sign_mnist").files:
        assert file.content.histogram.keys() == labels.keys()


def test_brats_entries_name_their_edition():
    assert catalog.get("brats2020").edition == "2020"
    assert catalog.get("brats2021").edition == "2021"
    assert catalog.get("mnist").edition == ""


# ---- origin


@pytest.mark.parametrize(
    "name, source, variant, title, made_up",
    [
        ("mnist", "sample", None, "muestra: dígitos de scikit-learn, no es MNIST", False),
        ("sign_mnist", "sample", None, "muestra: manos dibujadas, no son fotografías", True),
        ("california", "sample", None, "muestra: tabla inventada, no son casas reales", True),
        (
            "brats2020",
            "sample",
            None,
            "muestra: cerebros sintéticos, hechos por el programa",
            True,
        ),
        ("mnist", "kaggle", "mnist", "MNIST", False),
        ("sign_mnist", "kaggle", None, "Sign Language MNIST", False),
        ("california", "kaggle", None, "California Housing", False),
        ("mnist", "tfds", "fashion_mnist", "Fashion-MNIST", False),
        ("mnist", "tfds", "emnist/letters", "EMNIST", False),
        ("mnist", "tfds", "my_mnist", "my_mnist", False),
        ("mnist", "/home/ana/mnist", None, "copia propia, no verificada", False),
    ],
)
def test_origin_names_what_the_data_are(name, source, variant, title, made_up):
    origin = catalog.origin(name, source, variant)
    assert (origin.title, origin.made_up) == (title, made_up)
    assert origin.stands_in == (source == "sample")
    assert origin.source == source
    assert catalog.Origin.from_dict(json.loads(json.dumps(origin.as_dict()))) == origin


@pytest.mark.parametrize("name", ["sample", "kaggle", "tfds"])
def test_a_folder_is_kept_as_its_absolute_path(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in (f"./{name}", pathlib.Path(name), tmp_path / name, f"~/{name}"):
        origin = catalog.origin("mnist", source)
        assert origin.source == str(tmp_path / name)
        assert origin.title == "copia propia, no verificada"
        assert not origin.stands_in and origin.handle is None


def test_a_card_with_a_relative_folder_still_loads():
    values = catalog.origin("mnist", "/home/ana/datos").as_dict() | {"source": "datos"}
    assert catalog.Origin.from_dict(values).source == "datos"


def test_only_data_from_kaggle_carry_its_handle_and_version():
    kaggle, sample = catalog.origin("california", "kaggle"), catalog.origin("california", "sample")
    assert (kaggle.handle, kaggle.version) == ("camnugent/california-housing-prices", 1)
    assert (sample.handle, sample.version) == (None, None)
    assert kaggle.licence == "CC0 1.0" and sample.licence == "Apache-2.0"
    assert catalog.origin("mnist", "tfds", "kmnist").licence == "CC BY-SA 4.0"


def test_an_origin_that_is_no_origin():
    values = catalog.origin("mnist", "kaggle").as_dict()
    with pytest.raises(CourseError, match="el origen de los datos: la clave 'titel' no se conoce"):
        catalog.Origin.from_dict({**values, "titel": "x"})
    del values["title"]
    with pytest.raises(CourseError, match="falta la clave 'title'"):
        catalog.Origin.from_dict(values)
    with pytest.raises(CourseError, match="brats2021 no trae una muestra"):
        catalog.origin("brats2021", "sample")


def test_the_catalogue_loads_neither_numpy_nor_keras():
    program = (
        "import sys; from course.datasets import catalog; catalog.get('mnist');"
        "print([m for m in ('numpy', 'keras', 'tensorflow', 'kagglehub') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stderr
