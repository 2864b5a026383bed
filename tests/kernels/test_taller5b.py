"""Taller 5b as a student runs it."""

import pytest

from tests.lesson_run import LessonRun

# with the slow ones: the detector is trained twice, and tests/inference has each of its steps
pytestmark = pytest.mark.forms


class TestTaller5b(LessonRun):
    lesson = "taller5b"
    flags = (*LessonRun.flags, "--brains", "2")

    def test_the_map_has_one_place_for_each_window_that_fits(self, folder):
        """(110 - 30) / 8 + 1 and (158 - 30) / 8 + 1."""
        log = (folder / "log").read_text(encoding="utf-8")
        assert "Lienzo de (110, 158) píxeles, mapa de (11, 17), un paso de (8, 8)" in log

    def test_it_draws_what_its_text_speaks_of(self, folder):
        drawn = {path.stem for path in (folder / "run" / "figures").glob("*.png")}
        assert {"ventanas", "cajas", "umbrales", "tumores"} <= drawn
