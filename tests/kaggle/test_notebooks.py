"""The committed notebooks are photographs of the lessons; one address is behind all of them."""

import json
import re
import shutil
import sys
import types
import zipfile

import nbformat
import pytest

import course
from course.cli import main
from course.errors import CourseError
from course.kaggle import lessons, notebooks, percent
from tests import ROOT

LESSONS = lessons.names()
READMES = ("README.md", "README.es.md")


def read(lesson):
    return nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4)


def test_the_committed_notebooks_are_what_the_lessons_say(capsys):
    assert main(["notebooks", "build", "--check"]) == 0
    assert {path.stem for path in (ROOT / "notebooks").iterdir()} == set(LESSONS)


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_notebook_opens_in_colab_as_it_should(lesson):
    notebook = read(lesson)
    nbformat.validate(notebook)
    first, title, *body, last = notebook.cells
    assert first.source.startswith("# @title ") and last.source.startswith("# @title ")
    for cell in (first, last):
        assert cell.metadata == {
            "cellView": "form", "_kg_hide-input": True, "jupyter": {"source_hidden": True}
        }  # fmt: skip
    assert [cell.id for cell in notebook.cells] == [
        f"{lesson}-{number:02}" for number in range(len(notebook.cells))
    ]
    assert all(cell.outputs == [] for cell in notebook.cells if cell.cell_type == "code")
    (_, said, _), *rest = percent.cells(lessons.find(lesson))
    assert [(cell.cell_type, cell.source, cell.metadata) for cell in body] == rest
    badges = f"\n\n{notebooks.badges(lesson)}"
    assert badges in title.source and title.source.replace(badges, "") == said
    gpu = lesson.partition("_")[0] in ("taller2", "taller3", "taller4", "taller5")
    assert notebook.metadata.get("accelerator") == ("GPU" if gpu else None)
    assert notebook.metadata.colab.name.startswith(f"Taller {lesson[6]} ")
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("readme", READMES)
def test_every_lesson_has_its_badges_in_the_readmes(readme):
    text = (ROOT / readme).read_text(encoding="utf-8")
    for lesson in LESSONS:
        assert notebooks.badges(lesson) in text


def test_badges_lead_to_the_notebook_at_the_tag_of_this_version():
    found = re.findall(r"\]\((https://[^)]*)\)", notebooks.badges("taller9"))
    at = f"{notebooks.repository()}/blob/v{course.__version__}/notebooks/taller9.ipynb"
    assert found[1] == f"https://colab.research.google.com/github/{at}"
    assert found[3] == f"https://kaggle.com/kernels/welcome?src=https://github.com/{at}"


def test_the_last_cell_downloads_the_run_in_colab(tmp_path, monkeypatch, capsys):
    run, last = tmp_path / "runs" / LESSONS[0], read(LESSONS[0]).cells[-1].source
    run.mkdir(parents=True)
    (run / "report.html").write_text("nota")
    exec(last, {"run": run})
    assert capsys.readouterr().out == f"Tu resultado está en {run}\n"
    given = []
    colab = types.ModuleType("google.colab")
    colab.files = types.SimpleNamespace(download=given.append)
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    exec(last, {"run": run})
    (archive,) = given
    assert zipfile.ZipFile(archive).read(f"{run.name}/report.html") == b"nota"


# ---- a checkout of the test's own


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    for name in ("kernels", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in (*READMES, "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.setattr(lessons, "KERNELS", tmp_path / "kernels")
    return tmp_path


def test_one_address_changes_everything_that_is_made(checkout):
    address, tag = notebooks.repository(), f"v{course.__version__}"
    pyproject = checkout / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    pyproject.write_text(text.replace(f"github.com/{address}", "github.com/ana/kit.git"))
    with pytest.raises(
        CourseError, match=r"(?s)README\.md.*Next: python -m course notebooks build"
    ):
        notebooks.check()
    assert notebooks.build() and notebooks.build() == []
    notebooks.check()
    for lesson in LESSONS:
        made = (checkout / "notebooks" / f"{lesson}.ipynb").read_text(encoding="utf-8")
        assert (
            f'"git+https://github.com/ana/kit@{tag}"' in json.loads(made)["cells"][0]["source"][-1]
        )
        assert address not in made
    for readme in READMES:
        badges = [line for line in (checkout / readme).read_text().splitlines() if "ipynb" in line]
        assert badges and not [line for line in badges if address in line]


@pytest.mark.parametrize(
    "line", ["", 'Repository = "https://example.org/x"', "Repository = 1", "Repository = \"'"]
)
def test_without_an_address_there_is_a_letter(checkout, line):
    pyproject = checkout / "pyproject.toml"
    text = re.sub(r"^Repository = .*$", line, pyproject.read_text(), flags=re.MULTILINE)
    pyproject.write_text(text)
    with pytest.raises(CourseError, match='Repository = "https://github.com/NAME/REPOSITORY"'):
        notebooks.build()


def test_a_change_by_hand_and_a_notebook_without_a_lesson_are_told(checkout, capsys):
    edited = checkout / "notebooks" / f"{LESSONS[0]}.ipynb"
    edited.write_bytes(edited.read_bytes() + b" ")
    (checkout / "notebooks" / "mine.ipynb").write_text("{}")
    assert main(["notebooks", "build", "--check"]) == 2
    said = capsys.readouterr().err
    assert f"notebooks/{LESSONS[0]}.ipynb, notebooks/mine.ipynb" in said
    assert main(["notebooks", "build"]) == 0
    assert capsys.readouterr().out == f"{edited}\n"
    assert (checkout / "notebooks" / "mine.ipynb").read_text() == "{}"
