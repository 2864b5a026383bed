"""Chest X-rays: what the folders and the names say, and what they do not."""

import os
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from course.datasets import catalog, chest_xray
from course.datasets.splits import near_duplicates
from course.errors import CourseError
from tests.kaggle_stub import KaggleStub

NAMES = {
    "train/NORMAL": ["IM-0115-0001", "IM-0115-0002", "NORMAL2-IM-0272-0001"],
    "train/PNEUMONIA": ["person1_bacteria_1", "person1_virus_6", "person447_virus_921_1"],
    "test/NORMAL": ["IM-0001-0001"],
    "test/PNEUMONIA": ["person1_bacteria_2"],
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    """Kaggle's layout: the whole is repeated one folder deeper, and a Mac left its dust."""
    home, level = tmp_path / "chest", 0
    for root in ("chest_xray", "chest_xray/chest_xray"):
        for place, names in NAMES.items():
            for name in names:
                level += 10
                path = home / root / place / f"{name}.jpeg"
                path.parent.mkdir(parents=True, exist_ok=True)
                mode = "RGB" if level % 20 else "L"
                Image.new("L", (40, 20), level).convert(mode).save(path, quality=95)
    for dust in ("._IM-0115-0001.jpeg", ".DS_Store"):
        (home / "chest_xray/train/NORMAL" / dust).write_bytes(b"dust")
    (home / "chest_xray/val/NORMAL").mkdir(parents=True)
    (home / "__MACOSX/train/NORMAL").mkdir(parents=True)
    return home


def test_labels_and_patients_are_read_from_folders_and_names(folder):
    (x, y, patients), (x_test, y_test, patients_test) = chest_xray.load_data(folder, size=16)
    assert x.shape == (6, 16, 16) and x.dtype == y.dtype == "uint8" and x_test.shape == (2, 16, 16)
    order = x.mean((1, 2)).argsort()  # as they were made: the rows are shuffled, always alike
    assert y[order].tolist() == [0, 0, 0, 1, 1, 1] and sorted(y_test.tolist()) == [0, 1]
    assert patients[order].tolist() == [
        "IM-0115", "IM-0115", "NORMAL2-IM-0272", "person1_bacteria", "person1_virus",
        "person447_virus",
    ]  # fmt: skip
    assert sorted(patients_test.tolist()) == ["IM-0001", "person1_bacteria"]
    # 40×20 becomes 16×8 on black; RGB files are grey ones with three equal channels
    assert np.abs(x[order, 4:12].mean((1, 2)) - [10, 20, 30, 40, 50, 60]).max() < 8
    assert not x[:, :4].any() and not x[:, 12:].any()
    assert order.tolist() != sorted(order.tolist())


def test_a_test_part_copied_from_the_training_part_is_told(folder):
    train, test = (folder / "chest_xray" / part / "NORMAL" for part in ("train", "test"))
    shutil.copy(train / "IM-0115-0001.jpeg", test / "IM-0001-0001.jpeg")
    with pytest.warns(UserWarning, match=r"(?s)de 2.imágenes de prueba, 50,0.% .*Qué hacer: pon"):
        chest_xray.load_data(folder, size=16)
    shutil.rmtree(folder / "chest_xray/test")
    shutil.copytree(folder / "chest_xray/train", folder / "chest_xray/test")
    with pytest.raises(CourseError, match="Medir con ellas no diría nada"):
        chest_xray.load_data(folder, size=16)


def test_three_classes_are_read_from_the_names(folder):
    (_, y, patients), _ = chest_xray.load_data(folder / "chest_xray", size=16, classes=3)
    named = {who: chest_xray.CLASS_NAMES[3][label] for who, label in zip(patients, y, strict=True)}
    assert named == {
        "IM-0115": "normal",
        "NORMAL2-IM-0272": "normal",
        "person1_bacteria": "bacteria",
        "person1_virus": "virus",
        "person447_virus": "virus",
    }


def test_a_copy_of_one_size_says_so_in_its_title(folder):
    """The files of `folder` are all 40×20: of one size, but nobody has made them square."""
    assert catalog.origin("chest_xray", folder).reduced is None
    for path in folder.rglob("[!.]*.jpeg"):
        Image.open(path).resize((24, 24)).save(path)
    origin = catalog.origin("chest_xray", folder)
    assert origin.reduced == "24×24"
    assert origin.title == "copia propia, no verificada, copia reducida a 24×24, aspecto perdido"
    next(folder.rglob("[!.]*.jpeg")).write_bytes(b"dust")
    assert catalog.origin("chest_xray", folder).reduced is None
    assert catalog.origin("chest_xray", "sample").reduced is None


@pytest.mark.realdata
def test_the_real_archive_has_these_patients_and_copies(tmp_path):
    """By the real kagglehub client; 64×64 is where exact copies were counted."""
    if "COURSE_TEST_DATA" not in os.environ:
        pytest.skip("COURSE_TEST_DATA does not name the folder of the real data")
    with KaggleStub() as kaggle, pytest.MonkeyPatch.context() as patch:
        kaggle.serve_folder(pathlib.Path(os.environ["COURSE_TEST_DATA"]) / "kaggle")
        for name, value in kaggle.environment(tmp_path).items():
            patch.setenv(name, value)
        (x, y, patients), (x_test, y_test, patients_test) = chest_xray.load_data()
        assert catalog.origin("chest_xray", "kaggle").reduced == "224×224"
    assert np.bincount(y).tolist() == [1341, 3875] and np.bincount(y_test).tolist() == [234, 390]
    assert not set(patients) & set(patients_test)
    assert (len(set(patients)), len(set(patients_test))) == (3654, 428)
    assert x.shape == (5216, 64, 64) and len({image.tobytes() for image in x}) == 5216 - 26
    # nothing but the exact copies is near, and they are always the same patient's
    groups = near_duplicates(x, y)
    pairs = {(group, who) for group, who in zip(groups.tolist(), patients, strict=True)}
    assert len(np.unique(groups)) == len(pairs) == 5216 - 26


def test_the_sample_is_drawn_and_has_two_classes():
    (x, y, patients), _ = chest_xray.load_data("sample", size=32)
    assert x.shape == (1600, 32, 32) and sorted(set(y.tolist())) == [0, 1]
    assert len(set(patients.tolist())) == 1600
    with pytest.raises(CourseError, match=r'(?s)tienen solo dos clases.*source="kaggle"'):
        chest_xray.load_data("sample", classes=3)
    with pytest.raises(ValueError, match="Expected classes to be 2 or 3. Received: 4"):
        chest_xray.load_data("sample", classes=4)


def test_another_layout_a_strange_name_and_a_broken_file_are_named(folder, tmp_path):
    with pytest.raises(CourseError, match=r"(?s)test/PNEUMONIA. Hay: NORMAL, PNEUMONIA.*https://"):
        chest_xray.load_data(folder / "chest_xray" / "train")
    broken = folder / "chest_xray/test/NORMAL/IM-0002-0001.jpeg"
    broken.write_bytes(b"\xff\xd8\xff nothing")
    with pytest.raises(CourseError, match="IM-0002-0001.jpeg"):
        chest_xray.load_data(folder, size=16)
    broken.rename(broken.with_name("foto.jpeg"))
    with pytest.raises(CourseError, match=r"(?s)foto.jpeg: se esperaba.*como IM-0115-0001.jpeg"):
        chest_xray.load_data(folder, size=16)
