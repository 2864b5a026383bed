"""Taller 4 as a student runs it, slice by slice."""

import re

from tests import ROOT
from tests.lesson_run import Taller4Run


def test_it_asks_for_onednn_before_tensorflow_loads():
    """Once TensorFlow is there it is too late, and a step in 3D takes seven times as long."""
    [lesson] = (ROOT / "kernels").glob("taller4*/*.py")
    text = lesson.read_text(encoding="utf-8")
    asked = text.index('os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")')
    assert asked < min(text.index("\nimport keras"), text.index("\nfrom course"))


class TestTaller4(Taller4Run):
    def test_it_shows_how_good_nothing_looks(self, folder):
        """Background counted in, an answer without any tumour looks nearly perfect."""
        log = (folder / "log").read_text(encoding="utf-8")
        shown = re.search(r"todo fondo, con el fondo dentro:\s+0,(\d\d)", log)
        assert 90 <= int(shown[1]) < 100
        assert re.findall(r"todo fondo, región (\w\w):\s+0,00", log) == ["WT", "TC", "ET"]
