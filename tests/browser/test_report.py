"""A report on a phone, by day and by night: nothing sticks out, a wide figure scrolls."""

import numpy as np
import pytest

from course import figures
from tests.evaluation import test_masks, test_report, test_two_classes

pytestmark = pytest.mark.browser
LONG = "unaclasedenombremuylargoysinespacios"
REPORTS = {
    "two classes": lambda: test_two_classes.judge(*reversed(test_two_classes.noisy())),
    "many classes": lambda: test_report.classification(names=("gato", LONG, "pez")),
    "regression": test_report.regression,
    "masks": lambda: test_masks.judge(
        test_masks.TRUTHS, test_masks.TRUTHS[::-1], names=("fondo", LONG, "lunar")
    ),
}
# what is wider than its place, where it does not scroll
STICKS_OUT = """return [...document.querySelectorAll("p, h1, h2, .score small, .ends")]
    .filter((part) => part.scrollWidth > part.clientWidth + 1).map((part) => part.textContent)"""


@pytest.mark.parametrize("kind", REPORTS)
def test_nothing_sticks_out_on_a_phone(page, tmp_path, kind):
    wide = figures.side_by_side({f"la {i}": np.eye(8) for i in range(6)}, title="Una fila")
    figures.show(wide, tmp_path / "figures" / "fila.png")
    path = REPORTS[kind]().save(tmp_path)
    for dark in (False, True):
        page.phone()
        page.dark(dark)
        page.driver.get(path.as_uri())
        assert page.wide() <= 0 and page.script(STICKS_OUT) == []
        ground = page.script("return getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(22, 24, 26)" if dark else "rgb(255, 255, 255)")
        row = "document.querySelector('img[alt=\"Una fila\"]')"
        assert page.script(f"return {row}.width > {row}.parentNode.clientWidth")
