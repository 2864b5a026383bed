"""Taller 3 as a student runs it."""

import re

from tests.lesson_run import LessonRun


class TestTaller3(LessonRun):
    lesson = "taller3"

    def test_three_architectures_are_compared(self, folder):
        """Their parameters, as the table of the slides' architectures has them."""
        log = (folder / "log").read_text(encoding="utf-8").replace("\u00a0", " ")
        found = re.findall(r"(\w+) +([\d ]+\d) parámetros, validación \d+,\d %", log)
        assert found == [("cnn", "188 776"), ("vgg", "206 088"), ("resnet", "20 608")]
