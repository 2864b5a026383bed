"""The lessons as a student runs them: order, length, settings, and what a run leaves."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from course import cli
from course.kaggle import percent
from tests import ROOT
from tests.kaggle_stub import KaggleStub

LESSONS = sorted((ROOT / "kernels").glob("*/*.py"))
SHORT = {  # of each run, named by its lesson and what is particular about it
    "taller0": ("--epochs", "1", "--limit", "300"),
    "taller1": ("--epochs", "1", "--limit", "300", "--curve-epochs", "1"),
    "taller2": ("--epochs", "1", "--limit", "300"),
    "taller3": ("--epochs", "1", "--limit", "300"),
    "taller4": ("--epochs", "1", "--limit", "4"),
    "taller4-3d": (
        *("--epochs", "1", "--limit", "4", "--dims", "3", "--patch", "30", "--filters", "4"),
    ),
    "taller5": (
        *("--epochs", "1", "--limit", "300", "--chest-epochs", "1", "--backbone", "MobileNetV2"),
    ),
}
# What one short seed on the real data must reach; a run of the full length does far better.
REAL = {
    "taller1": (("--epochs", "5", "--curve-epochs", "1"), "r2", 0.70),
    "taller2": (("--epochs", "2"), "accuracy", 0.98),
    "taller3": (("--epochs", "4"), "accuracy", 0.95),
}


def course(folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "course", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_keeps_the_fixed_order_and_is_short(lesson):
    assert lesson.stem == lesson.parent.name
    text = lesson.read_text(encoding="utf-8")
    heads = re.findall(r"^# ## \d+\. (.*)$", text, re.MULTILINE)
    assert heads[:2] == ["Lo que importamos", "Ajustes"]
    assert (
        heads[-3:] == ["Qué aprendió", "Cuánto acierta y dónde falla", "Para probar"]
        or (
            lesson.stem.startswith("taller1")  # what it learned is the first figure, the curves
            and heads[-2:] == ["Cuánto acierta y dónde falla", "Para probar"]
        )
    )
    for wanted in ("**Meta.**", "**Qué esperar.**", ".compile(", ".fit("):
        assert wanted in text
    code = [  # what a student reads; exercises are hers to fill in
        line
        for kind, cell, about in percent.cells(lesson)
        if kind == "code" and "ejercicio" not in about.get("tags", ())
        for line in cell.splitlines()
        if line.strip() and not line.startswith("#")
    ]
    assert 0 < len(code) <= 150


def test_taller4_asks_for_onednn_before_tensorflow_loads():
    """Once TensorFlow is there it is too late, and a step in 3D takes seven times as long."""
    [lesson] = (path for path in LESSONS if path.stem.startswith("taller4"))
    text = lesson.read_text(encoding="utf-8")
    asked = text.index('os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")')
    assert asked < min(text.index("\nimport keras"), text.index("\nfrom course"))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_the_default_of_a_lesson_is_kaggle(lesson, monkeypatch, capsys):
    """Unless its metadata say that it needs no data set: then it is what is embedded."""
    metadata = json.loads(lesson.with_name("kernel-metadata.json").read_text(encoding="utf-8"))
    default = "kaggle" if metadata["dataset_sources"] else "sample"
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # the lesson's own goes with the test
    with pytest.raises(SystemExit) as end:
        cli.main(["run", lesson.stem, "--help"])
    assert not end.value.code
    printed = capsys.readouterr().out
    assert re.search(rf"--source VALUE[^)]*\)[^)]*\(default:\s+{default}\)", printed)
    for name in ("epochs", "batch-size", "seed", "limit", "run-dir", "resume"):
        assert f"--{name}" in printed


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Every lesson in a process of its own, as a student starts it; two at a time."""
    folder = tmp_path_factory.mktemp("lessons")

    def run(name):
        common = ("--source", "sample", "--run-dir", name)
        return course(folder, "run", name.partition("-")[0], *common, *SHORT[name])

    with ThreadPoolExecutor(2) as pool:
        for name, done in zip(SHORT, pool.map(run, SHORT), strict=True):
            assert done.returncode == 0, done.stderr
            (folder / f"{name}.log").write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", SHORT)
def test_a_run_leaves_everything(runs, name):
    run = runs / name
    for file in ("model.keras", "card.json", "history.csv", "settings.json", "report.json"):
        assert (run / file).stat().st_size > 0
    card = json.loads((run / "card.json").read_text(encoding="utf-8"))
    assert card["data"]["source"] == "sample"
    assert "muestra" in card["data"]["title"]
    assert "muestra" in (run / "report.html").read_text(encoding="utf-8")
    assert list((run / "figures").glob("*.png"))
    limit = SHORT[name][SHORT[name].index("--limit") + 1]
    assert json.loads((run / "settings.json").read_text())["limit"] == int(limit)
    log = (runs / f"{name}.log").read_text(encoding="utf-8")
    assert log.rstrip().endswith(f"Informe: {Path(name, 'report.html')}")


def test_taller4_shows_how_good_nothing_looks(runs):
    """Background counted in, an answer without any tumour looks nearly perfect."""
    log = (runs / "taller4.log").read_text(encoding="utf-8")
    shown = re.search(r"todo fondo, con el fondo dentro:\s+0,(\d\d)", log)
    assert 90 <= int(shown[1]) < 100
    assert re.findall(r"todo fondo, región (\w\w):\s+0,00", log) == ["WT", "TC", "ET"]


@pytest.mark.parametrize("name", ["taller4", "taller4-3d"])
def test_taller4_shows_where_it_looks(runs, name):
    assert (runs / name / "figures" / "atencion.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", SHORT)
def test_a_run_is_evaluated_again(runs, name, monkeypatch, capsys):
    monkeypatch.chdir(runs)
    assert cli.main(["evaluate", name]) == 0
    assert "report.html" in capsys.readouterr().out


def test_a_picture_is_read(runs):
    """In a process of its own: what trained is gone."""
    from PIL import Image

    picture = Image.new("L", (60, 90), 255)
    picture.paste(0, (27, 15, 33, 75))  # a dark stroke on white paper
    picture.save(runs / "one.png")
    done = course(runs, "predict", "taller2", "one.png")
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"\d+[.,]\d+\s?%", done.stdout)) == 3


def test_no_network_is_a_letter(tmp_path):
    proxy = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https")}
    done = course(tmp_path, "run", "taller2", **proxy)
    assert done.returncode == 2
    assert "--source sample" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.realdata
@pytest.mark.parametrize("lesson", REAL)
def test_a_short_seed_on_the_real_data(lesson, tmp_path):
    """The lesson, the real kagglehub client, and Kaggle's protocol on 127.0.0.1."""
    if "COURSE_TEST_DATA" not in os.environ:
        pytest.skip("COURSE_TEST_DATA does not name the folder of the real data")
    flags, score, bound = REAL[lesson]
    with KaggleStub() as kaggle:
        kaggle.serve_folder(Path(os.environ["COURSE_TEST_DATA"]) / "kaggle")
        done = course(
            tmp_path, "run", lesson, "--run-dir", "run", *flags, **kaggle.environment(tmp_path)
        )
        assert done.returncode == 0, done.stderr
        assert kaggle.names() == ["DownloadDataset", "storage"]
        assert kaggle.egress == []
    card = json.loads((tmp_path / "run" / "card.json").read_text(encoding="utf-8"))
    assert card["data"]["source"] == "kaggle"
    assert card["scores"][score] >= bound
