"""Executed lessons as pages: what a cell printed and drew is in them, and nothing from outside."""

import re
import sys

import pytest

from course.cli import main
from course.kaggle import lessons

LESSON = """\
# %% [markdown]
# # Taller 9 · Señas <b>
#
# Una neurona: $y = \\phi(z)$, y

# %%
import os

import matplotlib.pyplot as plt

plt.plot([1, 2])
plt.show()
print(os.environ["COURSE_SOURCE"], 6 * 7)
"""


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    folder = tmp_path / "kernels"
    monkeypatch.setattr(lessons, "KERNELS", folder)

    def write(name, text):
        path = folder / name / f"{name}.py"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")

    return write


def test_a_page_shows_what_was_printed_and_drawn_and_asks_for_nothing(kernels, tmp_path, capsys):
    kernels("taller9_senas", LESSON)
    assert main(["notebooks", "render", "--to", str(tmp_path / "site")]) == 0
    assert capsys.readouterr().out.endswith(f"Ábrela: {tmp_path / 'site' / 'index.html'}\n")
    page = (tmp_path / "site" / "taller9_senas.html").read_text(encoding="utf-8")
    assert "sample 42" in page and "data:image/png;base64," in page
    assert "<title>Taller 9 · Señas &lt;b&gt;</title>" in page
    assert "<mi>ϕ</mi>" in page and "$" not in re.sub("<style>(?s:.*?)</style>", "", page)
    named = set(re.findall(r"""(?:src|href)=["']?([^"'>: ]*)""", page))
    assert named == {"data", "index.html"}
    assert "<script" not in page and "TF_CPP" not in page and "load_keras" not in page
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert '<a href="taller9_senas.html">Taller 9 · Señas &lt;b&gt;</a>' in index


@pytest.mark.forms
def test_a_cell_that_fails_is_named_and_the_pages_before_it_stay(kernels, tmp_path, capsys):
    kernels("taller8_bien", LESSON)
    kernels("taller9_mal", LESSON + "\n# %%\n1 / 0\n")
    assert main(["notebooks", "render", "--to", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "taller9_mal.py se detuvo: ZeroDivisionError: division by zero" in said
    assert "python -m course run taller9_mal --source sample" in said
    assert (tmp_path / "taller8_bien.html").is_file()
    assert not (tmp_path / "taller9_mal.html").exists()


@pytest.mark.parametrize("package", ["nbclient", "nbconvert", "latex2mathml", "ipykernel"])
def test_without_a_package_the_extra_is_named(package, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["notebooks", "render", "taller0"]) == 2
    said = capsys.readouterr().err
    assert package in said and 'pip install -e ".[docs]"' in said
