"""What a platform gives back, cut into deliveries; and the runs in them, safely taken out."""

import io
import json
import os
import zipfile

import pytest

from course.classroom import deliveries, taken
from course.classroom.deliveries import find
from course.errors import CourseError

CARD, MODEL = b'{"card": 1}', b"a model"


def zipped(**members):
    """The bytes of a zip; `/` is written as `__` and `.` as `_`."""
    return packed(
        {name.replace("__", "/").replace("_", "."): data for name, data in members.items()}
    )


def packed(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


RUN = zipped(model_keras=MODEL, card_json=CARD)


def write(folder, named):
    for name, data in named.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def take(folder, tmp_path):
    """`{student: (runs as {place: names}, faults)}` of a folder of deliveries."""
    found = {}
    for number, delivery in enumerate(find(folder)):
        home = tmp_path / f"home{number}"
        home.mkdir()
        it = taken.take(delivery, home)
        runs = {run.place: sorted(path.name for path in run.folder.iterdir()) for run in it.runs}
        found[delivery.student] = runs, it.faults
    return found


BOTH = ["card.json", "model.keras"]
CLASS = {
    "Zoé Ñuñez_12_assignsubmission_file_/mi tarea.zip": RUN,
    "Álvaro Díaz_13_assignsubmission_file_run.zip": RUN,
    "Álvaro Díaz_13_assignsubmission_file_informe.ipynb": b"{}",
    "_14_assignsubmission_file_/run.zip": RUN,
    "Tarea 1_ana.rios_attempt_2026-05-01-10-00-00_run.zip": RUN,
    "perezluis_LATE_12345_67890_run.zip": RUN,
    "M. Soto.zip": RUN,
    "Sin zip/runs/taller2/model.keras": MODEL,
    "Sin zip/runs/taller2/card.json": CARD,
    "__MACOSX/._x": b"",
    ".DS_Store": b"",
}
STUDENTS = ["", "Álvaro Díaz", "ana.rios", "M. Soto", "perezluis", "Sin zip", "Zoé Ñuñez"]


@pytest.mark.parametrize("form", ["folder", "zip", "zip in a folder"])
def test_the_names_of_platforms_say_whose_it_is(tmp_path, form):
    folder = write(tmp_path / "class", CLASS)
    if form != "folder":
        folder = tmp_path / "given"
        folder.mkdir()
        (folder / "Curso 1-Tarea.zip").write_bytes(packed(CLASS))
        folder = folder / "Curso 1-Tarea.zip" if form == "zip" else folder
    found = take(folder, tmp_path)
    assert list(found) == STUDENTS
    assert all(faults == [] for _, faults in found.values())
    assert [runs for runs, _ in found.values()] == [
        {"run.zip": BOTH},
        {"run.zip": BOTH},
        {"run.zip": BOTH},
        {"M. Soto.zip": BOTH},
        {"run.zip": BOTH},
        {"runs/taller2": BOTH},
        {"mi tarea.zip": BOTH},
    ]


def test_pictures_of_a_phone_are_a_student_s_and_no_class(tmp_path):
    photo = {"IMG_20240115_103045_HDR.jpg": b"", "foto.jpg": b""}
    class_ = {f"Ana/{name}": data for name, data in photo.items()}
    class_ |= {"M. Soto.zip": packed(photo)}
    found = find(write(tmp_path / "class", class_))
    assert [delivery.student for delivery in found] == ["Ana", "M. Soto"]


def test_one_run_is_one_delivery(tmp_path):
    folder = write(tmp_path / "taller2_cnn_mnist", {"model.keras": MODEL, "card.json": CARD})
    [delivery] = find(folder)
    assert delivery.student == "taller2_cnn_mnist"
    assert len(list(delivery.entries())) == 2
    (tmp_path / "run.zip").write_bytes(RUN)
    [delivery] = find(tmp_path / "run.zip")
    assert delivery.student == "run" and len(list(delivery.entries())) == 2


@pytest.mark.parametrize(
    "name, words",
    [("nowhere", "no existe"), ("empty", "ninguna entrega"), ("a.zip", "no se puede")],
)
def test_no_deliveries_are_a_message(tmp_path, name, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(CourseError, match=f"(?s){words}.*Qué hacer: "):
        find(tmp_path / name)


# ---- what is in them


def test_zips_in_zips_are_opened_and_what_is_not_a_run_stays_packed(tmp_path):
    three = packed({"a/b.zip": packed({"c.zip": RUN})})
    four = packed({"d.zip": three})
    checkout = {"course/demo/digits/model.keras": MODEL, "course/demo/digits/card.json": CARD}
    checkout |= {f"runs/t{n}/{name}": b"{}" for n in "12" for name in (*BOTH, "settings.json")}
    checkout |= {"runs/t1/ejercicios.json": b"own", "ejercicios.json": b"loose"}
    lesson = {"cells": [{"cell_type": "code", "source": ['run_dir("taller3_x", s)']}]}
    class_ = write(
        tmp_path / "class",
        {
            "three.zip": three,
            "four.zip": four,
            "whole.zip": packed(checkout),
            "notes.zip": packed(
                {"a.ipynb": json.dumps(lesson).encode(), "b.txt": b"", "c.rar": b""}
            ),
        },
    )
    found = take(class_, tmp_path)
    assert found["three"] == ({"a/b.zip/c.zip": BOTH}, [])
    assert found["four"][0] == {} and "es un zip dentro de 3 más" in found["four"][1][0]
    own = [*BOTH, "ejercicios.json", "settings.json"]
    runs = {"runs/t1": sorted(own), "runs/t2": sorted(own)}
    assert found["whole"] == (runs, [])  # the network that the kit brings is nobody's run
    records = {p.read_bytes() for p in tmp_path.glob("home3/*/ejercicios.json")}
    assert records == {b"own", b"loose"}
    assert found["notes"] == ({}, ["c.rar: se esperaba un zip"])
    [notes] = [one for one in find(class_) if one.student == "notes"]
    (tmp_path / "again").mkdir()
    assert taken.take(notes, tmp_path / "again").notebooks == ["taller3_x"]


def test_nothing_leaves_its_folder_and_nothing_explodes(tmp_path, monkeypatch):
    monkeypatch.setitem(taken._FILES, "model.keras", 1_000_000)
    monkeypatch.setattr(taken, "_ENTRIES", 50)
    monkeypatch.setattr(taken, "_ALL", 9_000_000)
    link = zipfile.ZipInfo("card.json")
    link.external_attr = 0o120777 << 16
    many = {f"{n}.txt": b"" for n in range(60)}
    bombs = {f"{n}.zip": packed({"model.keras": bytes(900_000)}) for n in range(20)}
    slip = {"../../card.json": CARD, "/tmp/model.keras": MODEL, "C:\\x\\card.json": CARD}
    named = {
        "slip.zip": packed(slip),
        "large.zip": packed({"model.keras": bytes(1_000_001), "card.json": CARD}),
        "link.zip": packed({link: b"/etc/passwd", "model.keras": MODEL}),
        "many.zip": packed(many | {"model.keras": MODEL}),
        "bombs.zip": packed(bombs),
        "twice.zip": packed({"model.keras": MODEL, "card.json": CARD, "CARD.JSON": b"{}"}),
        "cut.zip": RUN[:-30],
        "no.zip": b"",
    }
    before = set(tmp_path.parent.iterdir())
    found = take(write(tmp_path / "class", named), tmp_path)
    assert set(tmp_path.parent.iterdir()) == before
    inside = {path for path in tmp_path.rglob("*.keras") if "home" not in path.parts[-3]}
    assert not inside and found["slip"][0] == {"tmp": BOTH[1:], "C:/x": BOTH[:1]}
    assert found["large"] == (
        {"large.zip": ["card.json"]},
        ["model.keras: tiene más de 1 MB"],
    )
    assert found["link"] == ({"link.zip": ["model.keras"]}, ["card.json: es un enlace"])
    assert found["many"] == ({}, ["many.zip: tiene más de 50 archivos; lo demás no se miró"])
    assert len(found["bombs"][0]) == 10 and "lo demás no se miró" in found["bombs"][1][0]
    assert found["twice"][0] == {"twice.zip": BOTH} and "dos veces" in found["twice"][1][0]
    for name in ("cut", "no"):
        assert found[name][0] == {} and "está dañado" in found[name][1][0], name


@pytest.mark.skipif(os.name == "nt", reason="links and pipes as Unix has them")
def test_links_and_pipes_are_told_and_never_opened(tmp_path):
    folder = tmp_path / "class" / "ana"
    folder.mkdir(parents=True)
    (folder / "circle").symlink_to(folder)
    (folder / "card.json").symlink_to("/etc/hostname")
    os.mkfifo(folder / "model.keras")
    (tmp_path / "class" / "luis.zip").symlink_to(tmp_path)
    found = take(tmp_path / "class", tmp_path)
    words = "es un enlace, o no es un archivo"
    expected = [f"{name}: {words}" for name in ("card.json", "model.keras", "circle")]
    assert found == {"ana": ({}, expected), "luis": ({}, [f"luis.zip: {words}"])}


def test_the_same_run_is_known_again_wherever_it_lies(tmp_path):
    digests = []
    for name, change in (("a", b""), ("b", b""), ("c", b"!")):
        folder = write(tmp_path / name, {"model.keras": MODEL + change, "card.json": CARD})
        digests.append(taken.Run("", folder).digest)
    assert digests[0] == digests[1] != digests[2]
    assert deliveries.Delivery("", "x", None).inside("x_run.zip") == "run.zip"
