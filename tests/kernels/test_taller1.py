"""Taller 1 as a student runs it."""

import re

import numpy as np
import pytest

from tests.fakes import write_housing
from tests.lesson_run import LessonRun, course


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


@pytest.mark.forms
def test_a_word_that_only_the_test_has_is_no_traceback(tmp_path):
    """As ISLAND, of which the real table has five rows, may be."""
    held_out = np.random.default_rng(0).permutation(50)[:10]  # as load_data draws them
    row = "{},34.0,52.0,3104.0,687.0,1388.0,658.0,3.5,350000.0,{}".format
    words = ["ISLAND" if i in held_out else "INLAND" for i in range(50)]
    write_housing(tmp_path / "own", [row(-118 - i / 100, word) for i, word in enumerate(words)])
    flags = ("--source", "own", "--epochs", "1", "--curve-epochs", "1", "--run-dir", "run")
    done = course(tmp_path, "run", "taller1", *flags)
    assert done.returncode == 0, done.stderr
    assert "ISLAND" not in done.stdout.partition("ocean_proximity")[2].partition("\n")[0]
