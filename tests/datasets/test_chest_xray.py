"""Chest X-rays: what the folders and the names say, and what they do not."""

import numpy as np
import pytest
from PIL import Image

from course.datasets import chest_xray
from course.errors import CourseError

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
    assert y.tolist() == [0, 0, 0, 1, 1, 1] and y_test.tolist() == [0, 1]
    assert patients.tolist() == [
        "IM-0115", "IM-0115", "NORMAL2-IM-0272", "person1_bacteria", "person1_virus",
        "person447_virus",
    ]  # fmt: skip
    assert patients_test.tolist() == ["IM-0001", "person1_bacteria"]
    # 40×20 becomes 16×8 on black; RGB files are grey ones with three equal channels
    assert np.abs(x[:, 4:12].mean((1, 2)) - [10, 20, 30, 40, 50, 60]).max() < 8
    assert not x[:, :4].any() and not x[:, 12:].any()


def test_three_classes_are_read_from_the_names(folder):
    (_, y, _), (_, y_test, _) = chest_xray.load_data(folder / "chest_xray", size=16, classes=3)
    assert [chest_xray.CLASS_NAMES[3][label] for label in y[3:]] == ["bacteria", "virus", "virus"]
    assert y_test.tolist() == [0, 1]


def test_the_sample_is_drawn_and_has_two_classes():
    (x, y, patients), _ = chest_xray.load_data("sample", size=32)
    assert x.shape == (400, 32, 32) and sorted(set(y.tolist())) == [0, 1]
    assert len(set(patients.tolist())) == 400
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
