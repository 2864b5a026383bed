"""Taller 5 as a student runs it."""

import json
import re

import pytest

from tests.lesson_run import LessonRun

# with the slow ones: twelve networks for what is transferred, a minute
pytestmark = pytest.mark.forms


class TestTaller5(LessonRun):
    lesson = "taller5"
    flags = (*LessonRun.flags, "--transfer-epochs", "1")

    def test_the_threshold_of_the_held_out_decides(self, folder):
        log = (folder / "log").read_text(encoding="utf-8")
        (chosen,) = re.findall(r"^Umbral: ([\d,]+)\s%", log, re.MULTILINE)
        report = json.loads((folder / "run" / "report.json").read_text(encoding="utf-8"))
        assert abs(100 * report["threshold"] - float(chosen.replace(",", "."))) < 0.06
        assert report["positive"] == "con mancha"

    def test_what_is_transferred_is_measured_beside_the_same_from_nothing(self, folder):
        log = (folder / "log").read_text(encoding="utf-8")
        found = re.findall(r"(\d+) de cada uno: (\S+)\s% .*congelada (\S+)\s% desde cero", log)
        assert [int(n) for n, *_ in found] == [1, 2, 5, 10, 20, 50]

    def test_it_draws_what_its_text_speaks_of(self, folder):
        drawn = {path.stem for path in (folder / "run" / "figures").glob("*.png")}
        assert {"torax", "transferir", "grad_cam", "oclusion", "dos_partes"} <= drawn
