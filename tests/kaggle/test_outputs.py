"""What comes home, file by file: whole, what its name says, and where it belongs."""

import errno
import io
import json
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.errors import CourseError
from course.kaggle import outputs
from tests.kernels_stub import PAGE_SIZE
from tests.typist import refused

HOME = "runs/kaggle/taller2_cnn_mnist"


class FakeClient:
    taller = "taller2"

    def __init__(self, files, log=""):
        self.files, self.log = files, log

    def output(self, kernel):
        return [(name, name) for name in self.files], self.log


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Brings {name: bytes} home to a new folder; returns {path: bytes} of what is there."""

    def fetch(address, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(client.files[address])

    client = FakeClient({})
    monkeypatch.setattr(outputs, "_fetch", fetch)

    def bring(files, log="", folder=tmp_path / "home"):
        client.files, client.log = files, log
        outputs.bring_home(client, "ana/x", folder)
        return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.*")}

    bring.parent = tmp_path
    return bring


def test_one_run_comes_to_the_top(home):
    assert home({"runs/x/card.json": b"c", "runs/x/a/b.csv": b"b", "top.txt": b"t"}, "log") == {
        "card.json": b"c",
        "a/b.csv": b"b",
        "kaggle/top.txt": b"t",
        "kaggle/kernel.log": b"log",
    }


@pytest.mark.parametrize(
    "files",
    [
        {"a.txt": b"a", "b/c.txt": b"c"},  # no run
        {"x/card.json": b"x", "y/card.json": b"y"},  # two
        {"card.json": b"x", "model.keras": b"y"},  # one, at the top already
    ],
)
def test_other_outputs_stay_as_they_are(home, files):
    assert home(files) == files


def test_what_was_there_moves_aside_each_time(home, capsys):
    for n in range(3):
        home({"n.txt": str(n).encode()})
    there = {p.name: (p / "n.txt").read_text() for p in home.parent.iterdir()}
    assert there == {"home": "2", "home-1": "0", "home-2": "1"}
    assert "home ya existía; ahora es " in capsys.readouterr().out


def test_a_file_of_the_folder_s_name_moves_aside_too(home):
    (home.parent / "home").write_text("not a folder")
    assert home({"a.txt": b"a"}) == {"a.txt": b"a"}
    assert (home.parent / "home-1").read_text() == "not a folder"


@pytest.mark.parametrize(
    "name", ["../a.txt", "/a.txt", "b/../../a.txt", "c:\\a.txt", "", "..", "."]
)
def test_a_name_that_leaves_the_folder_is_refused(home, name):
    with pytest.raises(CourseError, match="un nombre que no se puede guardar"):
        home({"first.txt": b"", name: b"x"})
    assert list(home.parent.iterdir()) == []


def test_a_full_disk_is_an_error_message_and_leaves_nothing(home, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(outputs, "_fetch", full)
    with pytest.raises(CourseError, match="(?s)el disco está lleno.*Qué hacer: libera espacio"):
        home({"a.txt": b"a"})
    assert list(home.parent.iterdir()) == []


def test_ctrl_c_leaves_nothing(home, monkeypatch):
    def stopped(address, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(outputs, "_fetch", stopped)
    with pytest.raises(KeyboardInterrupt):
        home({"a.txt": b"a"})
    assert list(home.parent.iterdir()) == []


def test_a_log_may_be_plain_text():
    assert outputs.plain("just text") == "just text"
    assert outputs.plain('{"data": 1}') == '{"data": 1}'
    assert outputs.plain(json.dumps([{"data": "a\n"}, {"data": "b"}])) == "a\nb"


# ---- is it what its name says?


def packed(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def array():
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(2))
    return buffer.getvalue()


GOOD = {
    "model.keras": packed({"config.json": "{}"}),
    "card.json": b'{"code": 1}',
    "history.csv": b"epoch,loss\n0,1\n",
    "a.png": b"\x89PNG\r\n\x1a\n",
    "mask.npy": array(),
    "empty.txt": b"",
    "report.html": b"<!doctype html><title>r</title>",
    "figure.svg": b"<?xml version='1.0'?><svg/>",
    "notebook.ipynb": b'{"cells": []}',
}
PAGES = [
    b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code></Error>",
    b"\n <!DOCTYPE html><html><body>Sign in</body></html>",
    b'{"code": 404, "message": "Not found"}',
]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_left_alone(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(GOOD[name])
    assert outputs._wrong_content(path) == ""


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "name", ["model.keras", "card.json", "a.png", "mask.npy", "notebook.ipynb"]
)
def test_a_page_in_place_of_a_file_is_noticed(tmp_path, name, page):
    path = tmp_path / name
    path.write_bytes(page)
    assert "llegó" in outputs._wrong_content(path)


@pytest.mark.parametrize("page", [PAGES[0], PAGES[2]])
@pytest.mark.parametrize("name", ["history.csv", "report.html", "figure.svg", "notes.txt"])
def test_kaggle_s_own_errors_are_noticed_in_any_file(tmp_path, name, page):
    path = tmp_path / name
    path.write_bytes(page)
    assert "en su lugar llegó" in outputs._wrong_content(path)


@given(cut=st.integers(0, len(GOOD["model.keras"]) - 1))
def test_a_model_that_is_cut_anywhere_is_noticed(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("cut") / "model.keras"
    path.write_bytes(GOOD["model.keras"][:cut])
    assert outputs._wrong_content(path)


def test_no_place_of_ours_is_left_beside(home):
    home({"runs/x/card.json": b"c", "y.txt": b"y"})
    assert os.listdir(home.parent) == ["home"]


# ---- typed, with the real client


@pytest.fixture
def finished(kaggle):
    """A kernel that has ended well, with a run in its output."""
    kaggle.pushes = 1
    kaggle.outputs = {
        "runs/x/card.json": b'{"task": "classification"}',
        "runs/x/figures/a.png": b"\x89PNG and so on",
        "runs/x/report.html": b"<!doctype html><title>report</title>",
    }
    return kaggle


def test_an_output_never_overwrites(course, finished):
    home = course.work / HOME
    home.mkdir(parents=True)
    (home / "thesis.txt").write_text("years of work")
    answer = course("output", "taller2")
    assert answer.code == 0 and f"{HOME} ya existía; ahora es {HOME}-1." in answer.out
    assert (home.with_name(home.name + "-1") / "thesis.txt").read_text() == "years of work"
    assert sorted(os.listdir(home)) == ["card.json", "figures", "report.html"]
    (course.work / "docs").mkdir()
    assert course("output", "taller2", "-o", "docs").code == 0  # empty: it may be used
    before = sorted((course.work / "docs").rglob("*"))
    finished.requests.clear()
    assert refused(
        course("output", "taller2", "-o", "docs"),
        "una carpeta nueva o vacía",
        "docs, que ya existe",
    )
    assert sorted((course.work / "docs").rglob("*")) == before
    assert "ListKernelSessionOutput" not in finished.names()


def test_a_fault_on_the_second_page_loses_no_file(course, finished):
    assert PAGE_SIZE < len(finished.outputs) <= 2 * PAGE_SIZE
    finished.hang(0, on="ListKernelSessionOutput")  # the first page comes as it should
    finished.fail(503, on="ListKernelSessionOutput")
    answer = course("output", "taller2")
    assert answer.code == 0 and "responde 503" in answer.err
    assert sorted(os.listdir(course.work / HOME)) == ["card.json", "figures", "report.html"]
    finished.hang(0, on="ListKernelSessionOutput")
    finished.fail(403, on="ListKernelSessionOutput")
    assert refused(course("output", "taller2", "-o", "new"), "no dijo su salida", "403")
    assert not (course.work / "new").exists()


def test_an_error_page_is_never_saved_as_a_file(course, finished):
    page = b"<?xml version='1.0'?><Error><Code>ExpiredToken</Code></Error>"
    finished.bodies = {"runs/x/card.json": page}  # with code 200
    # with --wait the command would push again: the error message names another one
    for command in (["output", "taller2"], ["push", "taller2", "--wait"]):
        answer = course(*command)
        assert refused(answer, "card.json no llegó", "No se guardó nada", "kernels output")
        assert os.listdir(course.work / "runs/kaggle") == []


def test_a_refused_file_is_named_and_nothing_is_kept(course, finished):
    finished.fail(403, on="storage")
    answer = course("output", "taller2", "-o", "here")
    assert refused(answer, "Kaggle responde 403", "card.json")
    assert os.listdir(course.work) == []


def test_a_cut_download_is_asked_for_again(course, finished):
    finished.cut(5, times=1)
    assert course("output", "taller2").code == 0
    card = course.work / HOME / "card.json"
    assert card.read_bytes() == finished.outputs["runs/x/card.json"]


def test_a_download_that_is_always_cut_leaves_nothing_and_changes_nothing(course, finished):
    assert course("output", "taller2").code == 0
    before = sorted(course.work.rglob("*"))
    finished.cut(5, times=4)
    assert refused(course("output", "taller2"), "la conexión se cortó", "output taller2_cnn_mnist")
    assert sorted(course.work.rglob("*")) == before


def test_output_of_a_running_or_failed_kernel(course, finished):
    finished.states = ["RUNNING"]
    assert refused(
        course("output", "taller2"), "en marcha: su resultado todavía no está completo", "--wait"
    )
    finished.states = ["ERROR"]
    answer = course("output", "taller2")
    assert answer.code == 0 and "terminado con un error: esto es lo que escribió" in answer.out
    finished.outputs = {}
    assert refused(course("output", "taller2"), "no dejó ningún archivo ni registro")
