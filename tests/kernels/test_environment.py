"""A lesson asked of a Python without the course's libraries, as in a terminal opened later."""

import subprocess
import sys

import pytest

import course
from course.training import start
from tests import ROOT


@pytest.mark.parametrize(
    "words, library", [("run taller0", "keras"), ("predict runs/x one.png", "numpy")]
)
def test_a_command_says_what_this_python_lacks(words, library, tmp_path):
    bare = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from course.cli import main; "
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"{bare}raise SystemExit(main({words.split()}))"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.startswith("Falta ") and library in done.stderr
    assert "\nQué hacer: " in done.stderr


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A folder with the package, where `make` may have made `.venv`."""
    monkeypatch.setattr(start, "FOLDER", tmp_path / "mi curso" / "course")
    return tmp_path / "mi curso"


def test_where_make_was_run_its_environment_is_what_lacks(kit, monkeypatch):
    monkeypatch.setattr(start.os, "name", "posix")
    script = kit / ".venv" / "bin" / "activate"
    script.parent.mkdir(parents=True)
    script.write_text("ACTIVE=yes\n")
    said = str(start.not_installed("keras"))
    assert said.startswith("Falta activar el entorno del curso")
    line = said.partition("Qué hacer: ")[2].splitlines()[0]
    typed = subprocess.run(
        ["bash", "-c", f"{line} && echo $ACTIVE"], capture_output=True, text=True
    )
    assert typed.stdout == "yes\n"
    monkeypatch.setattr(sys, "prefix", str(kit / ".venv"))  # it is active, and lacks the library
    assert "pip install -r requirements.txt" in str(start.not_installed("keras"))


def test_elsewhere_it_is_to_be_installed(kit):
    assert str(start.not_installed("numpy")).startswith("Falta instalar numpy en este Python")
    assert (course.FOLDER.parent / "requirements.txt").is_file()
