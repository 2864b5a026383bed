"""No delivery, however it was packed or named, stops the others."""

import io
import json
import os
import struct
import sys
import zipfile

import numpy as np
import pytest

from course.classroom import copies, measured
from course.classroom.copies import Copies
from course.classroom.desk import grade
from course.datasets import catalog
from course.errors import CourseError


class Unmeasured:
    """A worker that finds nothing out, quickly."""

    def measure(self, folder):
        return measured.Found(why="no se midió.")

    def close(self):
        pass


def zipped(name):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "{}")
    return file.getvalue()


def name_that_is_no_utf8():
    return zipped("ñandú/card.json").replace("ñandú".encode(), b"\xff\xfe\xfd\xfcdu\xff")


def newer_than_python():
    content = bytearray(zipped("card.json"))
    at = content.find(b"PK\x01\x02") + 6
    content[at : at + 2] = struct.pack("<H", 90)
    return bytes(content)


def damaged_lzma():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("card.json", "{}" * 500)
    content = bytearray(file.getvalue())
    content[50:60] = bytes(10)  # in what is packed, after the name
    return bytes(content)


@pytest.fixture
def desk(tmp_path):
    """A class in which Bea has delivered a run; a function that grades it."""
    home = tmp_path / "clase"
    (home / "Bea").mkdir(parents=True)
    (home / "Bea" / "card.json").write_text("{}")

    def graded():
        return grade(home, tmp_path / "notas.csv", worker=Unmeasured())[0]

    graded.home = home
    return graded


@pytest.mark.parametrize(
    "content, words",
    [
        (name_that_is_no_utf8(), "Ana.zip: está dañado, tiene contraseña o no es un zip"),
        (newer_than_python(), "Ana.zip: está dañado, tiene contraseña o no es un zip"),
        (b"PK", "Ana.zip: está dañado, tiene contraseña o no es un zip"),
        (damaged_lzma(), "card.json: no se puede leer"),
    ],
)
def test_a_zip_that_python_does_not_open_is_a_fault_of_its_own(desk, content, words):
    (desk.home / "Ana.zip").write_bytes(content)
    ana, bea = desk()
    assert (ana.student, bea.student, bea.faults) == ("Ana", "Bea", [])
    assert ana.faults[0].startswith(words)


@pytest.mark.parametrize(
    "record",
    [{"2.1": {"tries": 10**400}}, {"2.\ud800": {"tries": 1}}, {"2.1": 3}, {"x" * 1000: {}}],
)
def test_a_record_of_exercises_may_hold_anything(desk, record):
    (desk.home / "Bea" / "ejercicios.json").write_text(json.dumps(record))
    [bea] = desk()
    assert bea.told.exercises == {} and any("ejercicios.json" in text for text in bea.told.faults)


def test_half_a_character_is_no_reason_to_lose_the_table(desk, tmp_path, monkeypatch):
    half = measured.Found(why="no se midió.", flags=["la muestra (\ud800)"])
    monkeypatch.setattr(Unmeasured, "measure", lambda self, folder: half)
    desk()
    assert "la muestra (?)" in (tmp_path / "notas.csv").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="names are text there")
def test_a_name_from_an_old_windows_is_read(desk):
    os.mkdir(os.fsencode(desk.home) + b"/Mu\xf1oz Ana_12_assignsubmission_file_")
    assert [row.student for row in desk()] == ["Bea", "Muñoz Ana"]


def test_a_class_may_lie_one_folder_deeper(desk):
    for name in ("Díaz Ana_1_assignsubmission_file_", "Soto Eva_2_assignsubmission_file_"):
        (desk.home / "Tarea 2" / name).mkdir(parents=True)
        (desk.home / "Tarea 2" / name / "card.json").write_text("{}")
    (desk.home / "Tarea 3.zip").write_bytes(zipped("Tarea 3/Paz Inés_3_assignsubmission_file_/a"))
    assert [row.student for row in desk()] == ["Bea", "Díaz Ana", "Paz Inés", "Soto Eva"]


# ---- the teacher's copies


def card(side, classes):
    names = [str(i) for i in range(classes)]
    inputs = [{"shape": [side, side, 1]}]
    return {"task": "classification", "inputs": inputs, "class_names": names}


def test_x_rays_are_read_as_each_network_takes_them_and_once(monkeypatch):
    reads, grouped = [], []

    def parts(card, origin):
        reads.append((card["inputs"][0]["shape"][0], len(card["class_names"])))
        return None, (np.zeros(reads[-1]), None)

    monkeypatch.setattr(copies.run, "parts", parts)
    monkeypatch.setattr(copies.run, "grouped", lambda *given: grouped.append(given) or {})
    mine, origin = Copies(), catalog.origin("chest_xray", "sample")
    for one in (card(64, 2), card(64, 2), card(32, 2), card(32, 3)):
        _, (inputs, _), _ = mine.of(one, origin)
        assert inputs.shape == (one["inputs"][0]["shape"][0], len(one["class_names"]))
    assert reads == [(64, 2), (32, 2), (32, 3)] and len(grouped) == 3


def test_a_copy_that_is_not_there_is_looked_for_once(monkeypatch):
    looked = []

    def parts(card, origin):
        looked.append(origin)
        raise CourseError("no está.")

    monkeypatch.setattr(copies.run, "parts", parts)
    mine, origin = Copies(), catalog.origin("mnist", "sample")
    for _ in range(2):
        with pytest.raises(CourseError, match="no está"):
            mine.of({"task": "classification", "inputs": [], "data_seed": 1}, origin)
    assert len(looked) == 1
