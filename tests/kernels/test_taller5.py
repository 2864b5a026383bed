"""Taller 5 as a student runs it."""

import re

from tests.lesson_run import LessonRun


class TestTaller5(LessonRun):
    lesson = "taller5"
    short = ("--chest-epochs", "1", "--transfer-epochs", "1", "--backbone", "MobileNetV2")
    flags = (*LessonRun.flags, *short)

    def test_the_map_has_one_place_for_each_window_that_fits(self, folder):
        """(110 - 30) / 8 + 1 and (158 - 30) / 8 + 1."""
        log = (folder / "log").read_text(encoding="utf-8")
        assert "Lienzo de (110, 158) píxeles, mapa de (11, 17), un paso de (8, 8)" in log

    def test_what_is_transferred_is_measured_beside_the_same_from_nothing(self, folder):
        log = (folder / "log").read_text(encoding="utf-8")
        found = re.findall(r"(\d+) de cada uno: (\S+)\s% .*congelada (\S+)\s% desde cero", log)
        assert [int(n) for n, *_ in found] == [1, 2, 5, 10, 50]
        assert (folder / "run" / "figures" / "transferir.png").stat().st_size > 10_000
