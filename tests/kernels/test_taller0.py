"""Taller 0 as a student runs it."""

from tests.lesson_run import LessonRun


class TestTaller0(LessonRun):
    lesson = "taller0"

    def test_each_loss_is_shown_with_its_own_output(self, folder):
        """By pencil: 1 / (1 + e^-2) = 0.881 and -ln 0.881 = 0.127; ½ (1 - 2)² = 0.5."""
        log = (folder / "log").read_text(encoding="utf-8")
        for line in (
            "binary_crossentropy       pérdida 0,127   derivada -0,119",
            "categorical_crossentropy  pérdida 0,127   derivada -0,119 0,119",
            "squared_error             pérdida 0,500   derivada 1,000",
        ):
            assert f"{line}\n" in log
