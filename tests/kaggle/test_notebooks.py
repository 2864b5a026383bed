"""The committed notebooks are photographs of the lessons; one address is behind all of them."""

import base64
import re
import shutil
import subprocess
import sys
import types
import zipfile

import nbformat
import pytest

import course
from course.cli import main
from course.errors import CourseError
from course.kaggle import bundle, lessons, notebooks
from tests import ROOT

LESSONS = lessons.names()
READMES = ("README.md", "README.es.md")


def read(lesson):
    return nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4)


def tagged(notebook, tag):
    (cell,) = (cell for cell in notebook.cells if tag in cell.metadata.get("tags", ()))
    return cell


def test_the_committed_notebooks_are_what_the_lessons_say(capsys):
    assert main(["notebooks", "build", "--check"]) == 0
    assert {path.stem for path in (ROOT / "notebooks").iterdir()} == set(LESSONS)


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_notebook_opens_in_colab_as_it_should(lesson):
    notebook = read(lesson)
    nbformat.validate(notebook)
    title, first, *body, last = notebook.cells
    for cell, tag in ((first, "instalador"), (last, "descarga")):
        assert cell.source.startswith("# @title ") and cell == tagged(notebook, tag)
        assert cell.metadata == {
            "cellView": "form", "_kg_hide-input": True, "jupyter": {"source_hidden": True},
            "tags": [tag],
        }  # fmt: skip
    assert [cell.id for cell in notebook.cells] == [
        f"{lesson}-{number:02}" for number in range(len(notebook.cells))
    ]
    assert all(cell.outputs == [] for cell in notebook.cells if cell.cell_type == "code")
    said, *rest = notebooks.cells(lessons.find(lesson))
    assert [(cell.cell_type, cell.source, cell.metadata) for cell in body] == [
        (cell.cell_type, cell.source, cell.metadata) for cell in rest
    ]
    above = f"\n\n{notebooks.badges(lesson)}"
    if lessons.find(lesson).with_name("portada.png").is_file():
        above += f"\n\n![{notebook.metadata.colab.name}](attachment:portada.png)"
    assert title.source == said.source.replace("\n", f"{above}\n", 1)
    gpu = lesson.partition("_")[0] not in ("taller0", "taller1")
    assert notebook.metadata.get("accelerator") == ("GPU" if gpu else None)
    number = lesson.partition("_")[0].removeprefix("taller")
    assert notebook.metadata.colab.name.startswith(f"Taller {number} ")
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


# ---- how a lesson is read and a notebook written


def test_what_jupytext_notes_for_itself_is_not_in_a_cell(tmp_path):
    path = tmp_path / "lesson.py"
    path.write_text(
        "# ---\n# jupyter:\n#   x: 1\n# ---\n\n# %% [markdown]\n# # Señas\n#\n# text\n\n\n\n\n"
        '# %% tags=["ejercicio"]\nx = "# %% no marker"\n\n\n\n# %%\n# a comment\n',
        encoding="utf-8",
    )
    assert [(c.cell_type, c.source, c.metadata) for c in notebooks.cells(path)] == [
        ("markdown", "# Señas\n\ntext", {}),
        ("code", 'x = "# %% no marker"', {"tags": ["ejercicio"]}),
        ("code", "# a comment", {}),
    ]


def test_a_notebook_is_valid_and_says_what_it_was_given(tmp_path):
    path = tmp_path / "lesson.py"
    path.write_text("# %% [markdown]\n# # Señas\n\n# %%\nx = 1\n", encoding="utf-8")
    text = notebooks.text_of("taller9", "y", notebooks.cells(path), "z", accelerator="GPU")
    found = nbformat.reads(text, as_version=4)
    nbformat.validate(found)
    assert [(c.id, c.cell_type, c.source) for c in found.cells] == [
        ("taller9-00", "markdown", "# Señas"),
        ("taller9-01", "code", "y"),
        ("taller9-02", "code", "x = 1"),
        ("taller9-03", "code", "z"),
    ]
    assert [c.metadata.get("cellView") for c in found.cells] == [None, "form", None, "form"]
    assert found.cells[2].outputs == [] and found.cells[2].execution_count is None
    assert found.metadata.accelerator == "GPU" and text.endswith("}\n")


@pytest.mark.parametrize("package", ["jupytext", "nbformat"])
def test_without_jupytext_only_notebooks_cannot_be_made(package, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    for words in (["notebooks", "build"], ["kernels", "build", "taller1", "--as", "notebook"]):
        assert main(words + ["--owner", "ana"] * (words[0] == "kernels")) == 2
        said = capsys.readouterr().err
        assert f"El paquete {package} no está instalado" in said
        assert "python -m pip install jupytext nbformat" in said
    assert list(tmp_path.iterdir()) == []
    assert bundle.build("taller1", owner="ana").is_dir()


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
        CourseError, match=r"(?s)README\.md.*Qué hacer: python -m course notebooks build"
    ):
        notebooks.check()
    assert notebooks.build() and notebooks.build() == []
    notebooks.check()
    for lesson in LESSONS:
        made = (checkout / "notebooks" / f"{lesson}.ipynb").read_text(encoding="utf-8")
        installer = tagged(nbformat.reads(made, as_version=4), "instalador").source
        assert f'"git+https://github.com/ana/kit@{tag}"' in installer.splitlines()[-1]
        assert address not in made
    for readme in READMES:
        badges = [line for line in (checkout / readme).read_text().splitlines() if "ipynb" in line]
        assert badges and not [line for line in badges if address in line]


@pytest.mark.parametrize(
    "line", ["", 'Repository = "https://example.org/x"', "Repository = 1", "Repository = \"'"]
)
def test_without_an_address_there_is_an_error_message(checkout, line):
    pyproject = checkout / "pyproject.toml"
    text = re.sub(r"^Repository = .*$", line, pyproject.read_text(), flags=re.MULTILINE)
    pyproject.write_text(text)
    with pytest.raises(CourseError, match='Repository = "https://github.com/NOMBRE/REPOSITORIO"'):
        notebooks.build()


def test_a_change_by_hand_and_a_notebook_without_a_lesson_are_named(checkout, capsys):
    edited = checkout / "notebooks" / f"{LESSONS[0]}.ipynb"
    edited.write_bytes(edited.read_bytes() + b" ")
    (checkout / "notebooks" / "mine.ipynb").write_text("{}")
    assert main(["notebooks", "build", "--check"]) == 2
    said = capsys.readouterr().err
    assert f"notebooks/{LESSONS[0]}.ipynb, notebooks/mine.ipynb" in said
    assert main(["notebooks", "build"]) == 0
    assert capsys.readouterr().out == f"{edited}\n"
    assert (checkout / "notebooks" / "mine.ipynb").read_text() == "{}"


def test_a_picture_beside_the_lesson_is_in_the_notebook_and_never_in_the_script(checkout):
    picture, name = checkout / "kernels" / LESSONS[0] / "portada.png", LESSONS[0]
    picture.write_bytes(b"\x89PNG portada")
    title = nbformat.reads(notebooks.notebook(name), as_version=4).cells[0]
    assert base64.b64decode(title.attachments["portada.png"]["image/png"]) == picture.read_bytes()
    head, badges, shown, text = title.source.split("\n\n", 3)
    assert shown.startswith("![Taller") and shown.endswith("](attachment:portada.png)")
    built = bundle.build(name, owner="ana", folder=checkout / "sent")
    assert {path.name for path in built.iterdir()} == {f"{name}.py", "kernel-metadata.json"}
    assert "portada" not in (built / f"{name}.py").read_text(encoding="utf-8")
    picture.write_bytes(bytes(40_001))
    with pytest.raises(CourseError, match=r"hasta 40 kB.*Llegó: 40 kB(?s:.*)redúcela"):
        notebooks.notebook(name)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/ana/kit",
        "https://github.com/ana/kit.git",
        "git@github.com:ana/kit.git",
    ],
)
def test_the_address_that_git_knows_is_offered_and_then_written(checkout, capsys, url):
    pyproject = checkout / "pyproject.toml"
    known = f"https://github.com/{notebooks.repository()}"
    text = pyproject.read_text(encoding="utf-8").replace(known, "https://github.com/OWNER/REPO")
    pyproject.write_text(text, encoding="utf-8")
    assert main(["notebooks", "build"]) == 0
    assert "--repository" not in capsys.readouterr().out  # no git, no remote
    subprocess.run(["git", "init", "-q"], cwd=checkout, check=True)
    subprocess.run(["git", "remote", "add", "origin", url], cwd=checkout, check=True)
    assert main(["notebooks", "build"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line == "Qué hacer: python -m course notebooks build --repository ana/kit"
    assert main(line.partition("course ")[2].split()) == 0
    assert notebooks.repository() == "ana/kit" and "--repository" not in capsys.readouterr().out
    assert "github.com/ana/kit/blob" in (checkout / "README.md").read_text(encoding="utf-8")


def test_a_repository_is_named_as_github_names_it(checkout, capsys):
    before = (checkout / "pyproject.toml").read_bytes()
    assert main(["notebooks", "build", "--repository", "kit"]) == 2
    assert "se esperaba NOMBRE/REPOSITORIO" in capsys.readouterr().err
    assert (checkout / "pyproject.toml").read_bytes() == before
