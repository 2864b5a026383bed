"""Taller 1 as a student runs it."""

import re

from tests.lesson_run import LessonRun


class TestTaller1(LessonRun):
    lesson = "taller1"
    flags = (*LessonRun.flags, "--curve-epochs", "1")

    def test_the_table_of_columns_has_a_header_and_commas(self, folder):
        log = (folder / "log").read_text(encoding="utf-8")
        assert re.search(r"\ncolumna +mínimo +mediana +máximo +faltan\n", log)
        row = re.search(r"\nmedian_income (.*)\n", log)[1]
        assert re.fullmatch(r" *\d+,\d +\d+,\d +\d+,\d +\d+", row)

    def test_the_network_stands_beside_its_baselines(self, folder):
        log = (folder / "log").read_text(encoding="utf-8")
        for name in ("red neuronal", "Regresión lineal", "Gradient boosting"):
            assert re.search(rf"\n +{name} +\S+ +\S+ +\S+\n", log)

    def test_overfitting_is_drawn(self, folder):
        assert (folder / "run" / "figures" / "sobreajuste.png").stat().st_size > 10_000
