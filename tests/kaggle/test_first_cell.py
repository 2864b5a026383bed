"""The first cell installs `course` and nothing else, from one address, and only if need be."""

import importlib.machinery
import subprocess
import sys

import pytest

from course.kaggle import first_cell, missing

ADDRESS = "git+https://example.org/kit@v9"
SAID = """\
WARNING: Retrying
  error: subprocess-exited-with-error
  × git clone --quiet https://example.org/kit did not run successfully.
      fatal: unable to access 'https://example.org/kit': Could not resolve host
      [end of output]
  note: This error originates from a subprocess, and is likely not a problem with pip.
error: subprocess-exited-with-error
note: This error originates from a subprocess, and is likely not a problem with pip.
"""  # pip 25


@pytest.fixture
def pip(monkeypatch):
    """What the cell would run; `.fails` makes it fail."""

    class Pip(list):
        fails = False

    asked = Pip()

    def run(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, asked.fails, "", SAID if asked.fails else "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(missing, "lacking", list)
    return asked


@pytest.fixture
def no_course(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def execute():
    exec(first_cell.installed(ADDRESS, "hecho"), {})


def test_where_course_is_here_nothing_happens(pip):
    execute()
    assert pip == []


def test_course_alone_is_installed_from_its_address(pip, no_course):
    execute()
    ((*_, last),) = pip
    assert last == ADDRESS and "--no-deps" in pip[0] and "pip" in pip[0]


def test_a_folder_called_course_is_not_course(pip, tmp_path, monkeypatch):
    (tmp_path / "course").mkdir()
    found = importlib.machinery.PathFinder.find_spec("course", [str(tmp_path)])
    assert found is not None  # Python would import it
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
    execute()
    assert pip[0][-1] == ADDRESS


def test_course_source_names_another_place(pip, monkeypatch, tmp_path):
    (tmp_path / "pyproject.toml").touch()
    for source in ("dist/course-0.1.0-py3-none-any.whl", "git+ssh://x/y@z", str(tmp_path)):
        monkeypatch.setenv("COURSE_SOURCE", source)
        execute()  # although course is here
        assert pip.pop()[-1] == source
        with pytest.raises(KeyError):
            monkeypatch.delenv("COURSE_SOURCE")  # settings must not take it for the data's source


@pytest.mark.parametrize("source", ["sample", "my/data", "", "kaggle"])
def test_a_course_source_that_names_data_stays(pip, monkeypatch, source):
    monkeypatch.setenv("COURSE_SOURCE", source)
    execute()
    assert pip == []
    monkeypatch.delenv("COURSE_SOURCE")


def test_a_place_that_is_not_there_is_an_error_message(pip, no_course):
    pip.fails = True
    with pytest.raises(SystemExit) as end:
        execute()
    said = str(end.value)
    assert f"desde {ADDRESS}\nPor qué: fatal: unable to access" in said
    assert "subprocess" not in said and "Internet" in said and "COURSE_SOURCE" in said


def test_in_a_notebook_the_error_message_stands_alone(pip, no_course, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", None)
    pip.fails = True
    with pytest.raises(Exception) as end:
        execute()
    assert not isinstance(end.value, SystemExit)  # which IPython explains at length
    assert end.value._render_traceback_() == [str(end.value)]
