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
from course.kaggle import outputs, transfer


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
    monkeypatch.setattr(transfer, "fetch", fetch)

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


def test_a_run_that_has_a_folder_of_our_name_keeps_it(home):
    files = {"runs/x/card.json": b"c", "runs/x/kaggle/mine.txt": b"m"}
    assert home(files, "log") == {
        "card.json": b"c",
        "kaggle/kernel.log": b"log",
        "kaggle/kaggle-of-the-run/mine.txt": b"m",
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
    assert "is now" in capsys.readouterr().out


def test_a_file_of_the_folder_s_name_moves_aside_too(home):
    (home.parent / "home").write_text("not a folder")
    assert home({"a.txt": b"a"}) == {"a.txt": b"a"}
    assert (home.parent / "home-1").read_text() == "not a folder"


@pytest.mark.parametrize(
    "name", ["../a.txt", "/a.txt", "b/../../a.txt", "c:\\a.txt", "", "..", "."]
)
def test_a_name_that_leaves_the_folder_is_refused(home, name):
    with pytest.raises(CourseError, match="names a file that cannot be kept"):
        home({"first.txt": b"", name: b"x"})
    assert list(home.parent.iterdir()) == []


def test_a_full_disk_is_a_letter_and_leaves_nothing(home, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(transfer, "fetch", full)
    with pytest.raises(CourseError, match="(?s)No space left on device.*Next: free space"):
        home({"a.txt": b"a"})
    assert list(home.parent.iterdir()) == []


def test_ctrl_c_leaves_nothing(home, monkeypatch):
    def stopped(address, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(transfer, "fetch", stopped)
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
    assert transfer._looks_wrong(path) is None


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "name", ["model.keras", "card.json", "a.png", "mask.npy", "notebook.ipynb"]
)
def test_a_page_in_place_of_a_file_is_noticed(tmp_path, name, page):
    path = tmp_path / name
    path.write_bytes(page)
    assert "came" in transfer._looks_wrong(path)


@pytest.mark.parametrize("page", [PAGES[0], PAGES[2]])
@pytest.mark.parametrize("name", ["history.csv", "report.html", "figure.svg", "notes.txt"])
def test_kaggle_s_own_errors_are_noticed_in_any_file(tmp_path, name, page):
    path = tmp_path / name
    path.write_bytes(page)
    assert "came in its place" in transfer._looks_wrong(path)


@given(cut=st.integers(0, len(GOOD["model.keras"]) - 1))
def test_a_model_that_is_cut_anywhere_is_noticed(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("cut") / "model.keras"
    path.write_bytes(GOOD["model.keras"][:cut])
    assert transfer._looks_wrong(path)


def test_no_place_of_ours_is_left_beside(home):
    home({"runs/x/card.json": b"c", "y.txt": b"y"})
    assert os.listdir(home.parent) == ["home"]
