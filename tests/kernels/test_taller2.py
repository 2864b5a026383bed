"""Taller 2 as a student runs it, and a picture of her own."""

import re
from pathlib import Path

from tests.lesson_run import LessonRun, course


class TestTaller2(LessonRun):
    lesson = "taller2"

    def test_the_sample_comes_in_small_batches(self, folder):
        """300 images less 5 % in 9 steps of 32; two steps of 256 would be too few to learn from."""
        assert re.search(r"\D9/9\D", (folder / "log").read_text(encoding="utf-8"))

    def test_a_line_names_each_figure_when_it_is_made(self, folder):
        log = (folder / "log").read_text(encoding="utf-8")
        named = re.findall(r"^Figura: (.*)$", log, re.MULTILINE)
        names = "muestras red aumento tasa filtros mapas grad_cam".split()
        assert named == [str(Path("run", "figures", f"{name}.png")) for name in names]

    def test_a_picture_is_read(self, folder):
        """In a process of its own: what trained is gone."""
        from PIL import Image

        picture = Image.new("L", (60, 90), 255)
        picture.paste(0, (27, 15, 33, 75))  # a dark stroke on white paper
        picture.save(folder / "one.png")
        done = course(folder, "predict", "run", "one.png")
        assert done.returncode == 0, done.stderr
        assert len(re.findall(r"\d+[.,]?\d*\s?%", done.stdout)) == 3


def test_no_network_is_a_message(tmp_path):
    proxy = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https")}
    done = course(tmp_path, "run", "taller2", **proxy)
    assert done.returncode == 2
    assert "--source sample" in done.stderr
    assert "Traceback" not in done.stderr
