"""A lesson in a process of its own, as a student starts it, and what its run must leave."""

import json
import os
import subprocess
import sys
from pathlib import Path

from course import cli
from tests import ROOT


def course(folder, *arguments, **environment):
    """`python -m course …` typed in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "course", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


class LessonRun:
    """What holds for the run of every lesson; a subclass names the lesson and makes it short.

    A file for each lesson, so that two processes share them. `folder` is the fixture of
    tests/kernels/conftest.py.
    """

    lesson = None
    flags = ("--epochs", "1", "--limit", "300")

    def test_it_leaves_everything(self, folder):
        run = folder / "run"
        for file in ("model.keras", "card.json", "history.csv", "settings.json", "report.json"):
            assert (run / file).stat().st_size > 0
        card = json.loads((run / "card.json").read_text(encoding="utf-8"))
        assert card["data"]["source"] == "sample"
        assert "muestra" in card["data"]["title"]
        assert "muestra" in (run / "report.html").read_text(encoding="utf-8")
        assert list((run / "figures").glob("*.png"))
        limit = int(self.flags[self.flags.index("--limit") + 1])
        assert json.loads((run / "settings.json").read_text())["limit"] == limit
        log = (folder / "log").read_text(encoding="utf-8")
        assert log.rstrip().endswith(f"Informe: {Path('run', 'report.html')}")

    def test_it_is_evaluated_again(self, folder, monkeypatch, capsys):
        monkeypatch.chdir(folder)
        assert cli.main(["evaluate", "run"]) == 0
        assert "report.html" in capsys.readouterr().out


class Taller4Run(LessonRun):
    """Taller 4, in two dimensions or in three."""

    lesson = "taller4"
    flags = ("--epochs", "1", "--limit", "4")

    def test_it_shows_where_it_looks(self, folder):
        assert (folder / "run" / "figures" / "atencion.png").stat().st_size > 10_000
