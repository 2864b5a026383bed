"""Pictures shrunk once: rows in order, aspect kept, faults named, and nothing lost by a kill."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from course.datasets import shrunk
from course.datasets.shrunk import shrink
from course.errors import CourseError
from tests import ROOT


def picture(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(array, "uint8")).save(path, **options)
    return path


def test_a_picture_keeps_its_aspect_and_lies_on_black(tmp_path):
    wide = picture(tmp_path / "wide.png", np.full((10, 20), 200))
    tall = picture(tmp_path / "tall.png", np.full((40, 20), 100))
    images, faults = shrink([wide, tall], 8, folder=tmp_path / "kept")
    assert images.shape == (2, 8, 8) and images.dtype == "uint8" and faults == {}
    assert images[0].tolist() == [[0] * 8] * 2 + [[200] * 8] * 4 + [[0] * 8] * 2
    assert images[1].tolist() == [[0, 0, 100, 100, 100, 100, 0, 0]] * 8


def test_in_colour_there_are_three_channels(tmp_path):
    red = picture(tmp_path / "red.png", [[[250, 10, 20]] * 8] * 8)
    images, _ = shrink([red], 8, color=True, folder=tmp_path / "kept")
    assert images.shape == (1, 8, 8, 3) and images[0, 3, 3].tolist() == [250, 10, 20]


def test_a_file_that_is_no_picture_is_named_and_its_row_is_black(tmp_path):
    good = picture(tmp_path / "good.png", np.full((8, 8), 50))
    bad = tmp_path / "bad.png"
    bad.write_bytes(good.read_bytes()[:40])
    images, faults = shrink([bad, good, tmp_path / "gone.png"], 8, folder=tmp_path / "kept")
    assert list(faults) == [0, 2] and "bad.png" in faults[0] and "gone.png no existe" in faults[2]
    assert images[0].max() == images[2].max() == 0 and images[1].min() == 50


def test_it_is_done_once_until_a_file_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    path = picture(tmp_path / "a.png", np.full((8, 8), 50))
    shrink([path], 8)
    read = []
    monkeypatch.setattr(
        shrunk, "_read", lambda *a, **k: read.append(a) or np.zeros((8, 8), "uint8")
    )
    assert shrink([path], 8)[0].min() == 50 and not read
    picture(path, np.full((9, 9), 60))
    assert shrink([path], 8)[0].max() == 0 and len(read) == 1


KILLED = """
import os, pathlib, signal, sys
from course.datasets import shrunk

shrunk._BLOCK, read, seen = 4, shrunk._read, []
def dying(path, **size):
    seen.append(path)
    if len(seen) == 10:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(path, **size)
shrunk._read = dying
shrunk.shrink(sorted(pathlib.Path(sys.argv[1]).glob("*.png")), 8, folder=sys.argv[2])
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_kill_loses_at_most_a_block(tmp_path, monkeypatch):
    paths = [picture(tmp_path / f"{i:02}.png", np.full((8, 8), 10 + i)) for i in range(12)]
    kept = tmp_path / "kept"
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path, kept], cwd=ROOT)
    assert done.returncode == -9 and not (kept / "images.npy").exists()
    read, again = shrunk._read, []
    monkeypatch.setattr(shrunk, "_BLOCK", 4)
    monkeypatch.setattr(shrunk, "_read", lambda p, **k: again.append(p) or read(p, **k))
    images, faults = shrink(paths, 8, folder=kept)
    assert [path.name for path in again] == [f"{i:02}.png" for i in range(8, 12)]
    assert images[:, 0, 0].tolist() == list(range(10, 22)) and faults == {}
    assert sorted(path.name for path in kept.iterdir()) == ["images.npy", "progress.json"]


def test_another_process_may_be_quicker(tmp_path, monkeypatch):
    path = picture(tmp_path / "a.png", np.full((8, 8), 50))
    fill = shrunk._fill

    def late(home, *rest):
        fill(home, *rest)
        os.replace(home / "unfinished.npy", home / "images.npy")

    monkeypatch.setattr(shrunk, "_fill", late)
    assert shrink([path], 8, folder=tmp_path / "kept")[0].min() == 50


def test_a_folder_that_cannot_be_written_is_an_error_message(tmp_path):
    path = picture(tmp_path / "a.png", np.full((8, 8), 50))
    (tmp_path / "taken").write_text("")
    with pytest.raises(
        CourseError, match=r"(?s)No se pudo escribir .*Qué hacer: elige una carpeta"
    ):
        shrink([path], 8, folder=tmp_path / "taken" / "kept")
