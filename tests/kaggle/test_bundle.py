"""A lesson becomes the folder that `kaggle kernels push -p` takes, the same each time."""

import ast
import base64
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
from slugify import slugify  # what the real kaggle client uses

import course
from course.cli import main
from course.datasets import catalog
from course.errors import CourseError
from course.kaggle import bundle, first_cell, lessons, notebooks
from tests import ROOT

LESSONS = lessons.names()
LESSON = "taller2_cnn_mnist"  # where one is enough
# https://github.com/Kaggle/kaggle-cli/blob/main/docs/kernels_metadata.md, November 2026
KEYS = """id id_no title code_file language kernel_type is_private enable_gpu enable_tpu
enable_internet machine_shape dataset_sources competition_sources kernel_sources model_sources
keywords docker_image docker_image_pinning_type""".split()
GPU = {"taller2", "taller3", "taller4", "taller5", "taller5b", "taller6"}


def build(taller="taller2", **options):
    """The metadata and the code of a lesson, built where the test works."""
    folder = bundle.build(taller, owner=options.pop("owner", "ana"), **options)
    about = json.loads((folder / "kernel-metadata.json").read_text(encoding="utf-8"))
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        ["kernel-metadata.json", about["code_file"]]
    )
    return about, (folder / about["code_file"]).read_text(encoding="utf-8")


def packed(code):
    """What a built script carries, `{name: bytes}`."""
    (text,) = re.findall(r'^    "([A-Za-z0-9+/=]{1000,})"$', code, re.MULTILINE)
    archive = zipfile.ZipFile(BytesIO(lzma.decompress(base64.b64decode(text))))
    return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- every lesson


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_metadata_of_a_lesson_hold_what_kaggle_is_silent_about(lesson):
    about, code = build(lesson)
    assert set(about) <= set(KEYS)
    assert 5 <= len(about["title"]) <= 50
    assert about["id"] == f"ana/{slugify(about['title'])}"
    assert (about["code_file"], about["kernel_type"]) == (f"{lesson}.py", "script")
    gpu = lesson.partition("_")[0] in GPU
    assert about["enable_gpu"] is gpu and about["enable_tpu"] is False
    assert about.get("machine_shape") == ("NvidiaTeslaT4" if gpu else None)
    assert type(about["is_private"]) is bool and type(about["enable_internet"]) is bool
    # what the lesson says it trains on, other than what is embedded
    asked_for = set(re.findall(r'\borigin\("(\w+)"(?!, "sample")', code))
    if 'settings(source="sample"' in code:  # it says in plain sight that it fetches nothing
        asked_for = set()
    assert set(about["dataset_sources"]) == {catalog.get(name).handle for name in asked_for}
    assert len(code) < 500_000


def test_what_is_built_never_asks_for_a_tpu():
    assert build(accelerator="TpuV5E8")[0]["enable_tpu"] is False


def parts(path):
    return [(cell.cell_type, cell.source) for cell in notebooks.cells(path)]


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_code_is_one_cell_and_then_the_lesson(lesson):
    path = ROOT / "kernels" / lesson / f"{lesson}.py"
    about, code = build(lesson)
    first, *rest = parts(Path("build/kernels", lesson, about["code_file"]))
    assert rest == parts(path)
    assert first[1].startswith("# @title El paquete course") and len(first[1].splitlines()) < 50
    about, code = build(lesson, form="notebook", folder="as_notebook")
    notebook = nbformat.reads(code, as_version=4)
    nbformat.validate(notebook)
    assert about["kernel_type"] == "notebook"
    assert notebook.metadata.kernelspec.name == "python3"
    title, *body = rest
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [title, first, *body]


@pytest.mark.parametrize("lesson", LESSONS)
@pytest.mark.parametrize("form", bundle.FORMS)
def test_every_kernel_is_far_from_the_size_that_kaggle_refuses(lesson, form):
    _, code = build(lesson, form=form)
    assert len(code.encode()) < 900_000  # of 1 MB


# ---- what is packed


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A git repository of the package and one lesson; and files that it does not know."""
    folder = tmp_path_factory.mktemp("checkout")
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "course", folder / "course", ignore=without)
    shutil.copytree(ROOT / "kernels" / LESSON, folder / "kernels" / LESSON)
    for name in ("datasets.yaml", "requirements.txt"):
        shutil.copy(ROOT / name, folder)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "all")
    (folder / "course" / "kaggle.json").write_text('{"key": "s3cret"}')
    (folder / "course" / "half_done.py").write_text("1 / 0")
    return folder


def git(folder, *words):
    who = ["-c", "user.name=ana", "-c", "user.email=ana@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", "-c", "core.hooksPath=/dev/null", *who, *words]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def build_in(checkout, folder, **environment):
    """What a process of its own builds from a checkout: the folder's bytes, and what it said."""
    words = ["-m", "course", "kernels", "build", LESSON, "--owner", "ana"]
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(checkout), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    built = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return built, done.stderr


def test_only_tracked_files_get_in_twice_the_same_and_stamped(checkout, tmp_path):
    first, said = build_in(checkout, tmp_path / "a", PYTHONHASHSEED="1", TZ="Asia/Tokyo")
    os.utime(checkout / "course" / "errors.py", (0, 0))
    second, _ = build_in(checkout, tmp_path / "b", PYTHONHASHSEED="2", LC_ALL="C")
    assert first == second
    tracked = git(checkout, "ls-files", "course").split()
    contents = packed(first[f"{LESSON}.py"].decode())
    beside = ["course/COMMIT", "course/datasets.yaml", "course/requirements.txt"]
    sent = [name for name in tracked if not name.startswith("course/demo/")]
    assert len(sent) < len(tracked)
    assert sorted(contents) == sorted([*sent, *beside])
    assert all(contents[name] == (checkout / name).read_bytes() for name in sent)
    assert "kaggle.json" in said and "half_done.py" in said and "s3cret" not in said
    commit = git(checkout, "rev-parse", "HEAD").strip()
    assert contents["course/COMMIT"].decode().strip() == commit
    code = first[f"{LESSON}.py"].decode()
    assert f"course {course.__version__}, commit {commit}:" in code


def test_a_change_that_is_not_committed_is_stamped(checkout, tmp_path):
    with (checkout / "course" / "spanish.py").open("a") as file:
        file.write("# changed\n")
    built, _ = build_in(checkout, tmp_path / "a")
    assert packed(built[f"{LESSON}.py"].decode())["course/COMMIT"].endswith(b"-dirty\n")
    git(checkout, "checkout", "--quiet", "course/spanish.py")


def test_outside_a_checkout_the_same_files_get_in(checkout, monkeypatch, tmp_path):
    tracked = set(git(checkout, "ls-files", "course").split())
    copied = shutil.copytree(checkout / "course", tmp_path / "course")
    monkeypatch.setattr(course, "FOLDER", copied)
    found = {path.relative_to(tmp_path).as_posix() for path in first_cell._files()}
    tracked = {name for name in tracked if not name.startswith("course/demo/")}
    assert found == tracked | {"course/half_done.py"}  # it has no way to know better


def test_a_checkout_of_which_git_says_nothing_is_not_packed(monkeypatch, tmp_path):
    (tmp_path / "course").mkdir()
    (tmp_path / ".git").write_text("gitdir: /where/it/was")  # or a folder of somebody else's
    monkeypatch.setattr(course, "FOLDER", tmp_path / "course")
    with pytest.raises(CourseError, match="(?s)uno privado.*Por qué: fatal: .*Qué hacer: .*`git"):
        first_cell.pack()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CourseError, match="Por qué: git no está instalado"):
        first_cell.pack()


def test_a_checkout_of_which_git_tracks_nothing_is_not_packed(monkeypatch, tmp_path):
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "secret.txt").write_text("s3cret")
    git(tmp_path, "init", "--quiet")
    monkeypatch.setattr(course, "FOLDER", tmp_path / "course")
    with pytest.raises(CourseError, match="no sigue ningún archivo de .*\n.*: git add course"):
        first_cell.pack()


def test_the_first_cell_brings_the_package_and_nothing_heavy(tmp_path):
    _, code = build()
    first = code.partition("# %% [markdown]")[0]
    asked = """
import os, sys, course, course.datasets.catalog
print(course.__file__, os.environ["PYTHONPATH"].split(os.pathsep)[0], sep="\\n")
print(course.datasets.catalog.get("mnist").handle)
print({"tensorflow", "keras", "numpy"} & set(sys.modules))
"""
    (tmp_path / "script.py").write_text(first + asked, encoding="utf-8")
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "script.py"],
        env={**variables, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    file, path, handle, heavy = done.stdout.splitlines()
    assert Path(file) == Path(path, "course", "__init__.py") and Path(path).parent == tmp_path
    assert (handle, heavy) == ("hojjatk/mnist-dataset", "set()")
    assert not Path(path).exists()  # it is gone with the process


def test_the_package_can_come_from_an_address_instead():
    about, code = build(install="git+https://example.org/kit.git@v0.1.0")
    assert about["enable_internet"] is True
    assert (
        '_bring_course("git+https://example.org/kit.git@v0.1.0")' in code and "base64" not in code
    )
    ast.parse(code)


# ---- what is refused, and what is never touched


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Lessons of the test's own: one, as good as the real ones."""
    folder = tmp_path / "kernels"
    shutil.copytree(ROOT / "kernels" / LESSON, folder / LESSON)
    monkeypatch.setattr(lessons, "KERNELS", folder)
    return folder / LESSON


def refused(*words, **options):
    with pytest.raises(CourseError) as caught:
        build(**options)
    missing = [word for word in (*words, "Qué hacer: ") if word not in str(caught.value)]
    assert missing == [], str(caught.value)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"machineshape": "x"}, "clave 'machineshape' no se conoce. ¿Querías decir 'machine_s"),
        ({"title": "Taller 2 " + "y" * 42}, "title: se esperaba de 5 a 50 caracteres. Llegó: 'T"),
        ({"title": "Taller 2 señas"}, "title: se esperaba letras sin tilde"),
        ({"id": "another-name"}, "id: se esperaba 'taller-2-una-red-convolucional-que-lee-mnist'"),
        ({"code_file": "lesson.py"}, "code_file: se esperaba 'taller2_cnn_mnist.py'"),
        ({"is_private": "yes"}, "is_private: se esperaba true o false. Llegó: 'yes'"),
        ({"is_private": None}, "is_private: se esperaba true o false. Llegó: None"),
        ({"enable_gpu": False}, "machine_shape: se esperaba que faltara, sin enable_gpu"),
        ({"machine_shape": "NvidiaTeslaP100"}, "machine_shape: se esperaba 'NvidiaTeslaT4'"),
        ({"dataset_sources": ["minst"]}, "no es un nombre de datasets.yaml. ¿Querías decir mnist"),
        ({"dataset_sources": "mnist"}, "dataset_sources: se esperaba una lista"),
        ({"dataset_sources": [1]}, "dataset_sources, n.º 1: se esperaba un texto"),
    ],
)
def test_metadata_that_would_go_wrong_at_kaggle_are_refused(kernels, change, said):
    path = kernels / "kernel-metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change), encoding="utf-8")
    refused(str(path), said)
    assert not Path("build").exists()


@pytest.mark.parametrize("text, said", [("{", "JSON"), ("[]", "se esperaba un objeto")])
def test_metadata_that_are_none_are_refused(kernels, text, said):
    (kernels / "kernel-metadata.json").write_text(text)
    refused("kernel-metadata.json", said)


def test_metadata_without_a_choice_or_without_the_file_are_refused(kernels):
    path = kernels / "kernel-metadata.json"
    about = json.loads(path.read_text())
    del about["enable_internet"]
    path.write_text(json.dumps(about))
    refused("falta la clave 'enable_internet'")
    path.unlink()
    refused(f"Falta {path}")


@pytest.mark.parametrize(
    "text, said",
    [
        (b"# %%\nx = 1\ny = (\n", "taller2_cnn_mnist.py, línea 3: se esperaba Python"),
        (b"# %%\nx = 1\0\n", "null bytes"),
        (b"# %%\nx = '\xff'\n", "línea 2: se esperaba Python en UTF-8"),
        (b"# %% [markdown]\n# text\nx = 1\n", "línea 3: se esperaba texto, tras '# '"),
        (b"# %% [raw]\n# text\n", "línea 1: se esperaba una de # %%, # %% [markdown], "),
    ],
)
def test_a_lesson_that_is_no_lesson_is_refused_at_its_line(kernels, text, said):
    (kernels / "taller2_cnn_mnist.py").write_bytes(text)
    refused(said)
    assert not Path("build").exists()


def test_a_taller_that_does_not_exist_gets_the_nearest(capsys):
    assert main(["kernels", "build", "taler2"]) == 2
    assert "¿Querías decir taller2?" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["kernels", "build"], ["notebooks", "build"]])
def test_where_only_the_package_is_installed_nothing_is_built(words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lessons, "KERNELS", tmp_path / "kernels")
    assert main(words) == 2
    assert "solo trae la biblioteca" in capsys.readouterr().err


@pytest.mark.parametrize(
    "install", ["wheel", "git+https://x.org/kit", "git+https://x.org/k @v1", 'git+x@"v1']
)
def test_an_address_without_a_tag_is_refused(install):
    refused("--install: se esperaba packed, o una dirección con una etiqueta", install=install)


def test_files_of_yours_stay_and_the_kernel_s_own_are_renewed(capsys):
    folder = Path("build/kernels/taller2_cnn_mnist")
    (folder / "notes").mkdir(parents=True)
    (folder / "notes" / "mine.txt").write_text("mine")
    (folder / "taller2_cnn_mnist.py").write_text("old")
    assert main(["kernels", "build", "taller2", "--owner", "ana"]) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    assert (folder / "notes" / "mine.txt").read_text() == "mine"
    assert "compile" in (folder / "taller2_cnn_mnist.py").read_text(encoding="utf-8")
    assert {p.name for p in folder.iterdir()} == {
        "notes", "taller2_cnn_mnist.py", "kernel-metadata.json"
    }  # fmt: skip


def test_a_file_where_the_folder_should_be_stays():
    Path("build").mkdir()
    Path("build/kernels").write_text("mine")
    refused("No se pudo escribir", "no una carpeta", "no ha cambiado")
    assert Path("build/kernels").read_text() == "mine"


# ---- whose kernel it is


@pytest.mark.parametrize("owner", ["Ana María", "", "ana/taller", "-ana"])
def test_an_owner_that_is_no_account_is_refused(owner):
    refused("--owner: se esperaba el nombre de una cuenta de Kaggle", owner=owner)


def test_the_owner_is_the_credential_s(monkeypatch, fresh_home):
    monkeypatch.setenv("KAGGLE_USERNAME", "berta")
    monkeypatch.setenv("KAGGLE_KEY", "k3y-s3cret")
    assert build(owner=None)[0]["id"].startswith("berta/")
    monkeypatch.delenv("KAGGLE_USERNAME")
    monkeypatch.delenv("KAGGLE_KEY")
    refused("--owner NOMBRE", "https://www.kaggle.com/NOMBRE", owner=None)
    place = fresh_home / ".kaggle" / "kaggle.json"
    place.parent.mkdir()
    place.write_text('{"username": "carla", "key": "k3y-s3cret"}')
    about, code = build(owner=None)
    assert about["id"].startswith("carla/") and "k3y-s3cret" not in code
    place.write_text('{"username": "carla"')
    refused(str(place), "no es lo que se esperaba", owner=None)
