"""The Makefile's choice of a Python, its letter when there is none, and what a second call does."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests import ROOT

MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(not MAKE, reason="there is no make on this machine")


@pytest.fixture
def make(tmp_path):
    """Run make in a copy of the checkout's top, with nothing on the PATH but what a test puts."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "sed", "touch"):
        (tools / name).symlink_to(shutil.which(name))

    def run(*arguments, **pythons):
        for name, body in pythons.items():
            script = tools / name.replace("_", ".")
            script.write_text(f"#!{shutil.which('sh')}\n{body}\n")
            script.chmod(0o755)
        return subprocess.run(
            [MAKE, *arguments],
            cwd=tmp_path,
            env={"PATH": str(tools)},
            capture_output=True,
            text=True,
        )

    return run


def test_without_a_python_there_is_a_letter(make, tmp_path):
    # a version manager's stub: there is a file of that name, and it does not start
    done = make("train", python3="exit 127", python3_13="exit 127")
    assert done.returncode == 2
    assert "No Python from 3.11 to 3.13 was found" in done.stdout
    assert "sudo apt install python3" in done.stdout
    assert not (tmp_path / ".venv").exists()


def test_a_python_that_does_not_start_is_passed_over(make):
    this = f'exec {sys.executable} "$@"'
    done = make("-n", "train", python3="exit 127", python3_12=this)
    assert "python3.12 -m venv .venv" in done.stdout


def test_a_python_that_is_too_old_is_passed_over(make):
    # the program that asks for the version is run with another version in its place
    old = f"exec {sys.executable} -c 'import sys; sys.exit(not (3, 11) <= (3, 10) <= (3, 13))'"
    done = make("-n", "train", python3=old, python=f'exec {sys.executable} "$@"')
    assert "\npython -m venv .venv" in "\n" + done.stdout


def test_a_second_call_installs_nothing(make, tmp_path):
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name in ("bin/pip", "runtime"):
        (tmp_path / ".venv" / name).touch()
    os.utime(tmp_path / "requirements.txt", (0, 0))
    done = make("-n", "train", python3="exit 127")
    assert done.stdout.splitlines() == [
        ".venv/bin/python -m course run taller2 --source sample",
    ]


def test_an_environment_that_was_interrupted_is_made_again(make, tmp_path):
    (tmp_path / ".venv/bin").mkdir(parents=True)
    done = make("-n", "train", python3=f'exec {sys.executable} "$@"')
    assert done.stdout.splitlines()[:2] == [
        "python3 -m venv .venv",
        ".venv/bin/python -m pip install -r requirements.txt",
    ]


def test_the_lowest_versions_are_those_declared(make, tmp_path):
    done = make("-n", "test-lowest", python3=f'exec {sys.executable} "$@"')
    assert "sed 's/>=/==/' requirements.txt > .venv-lowest/lowest.txt" in done.stdout
    assert ".venv-lowest/bin/python -m pytest" in done.stdout


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_runs_the_tests_that_are_there(make, backend):
    done = make("-n", f"test-{backend}", python3=f'exec {sys.executable} "$@"')
    assert f'pip install -e ".[test,{backend}]"' in done.stdout
    command = done.stdout[done.stdout.index(f"KERAS_BACKEND={backend} ") :]
    named = [word for word in command.split() if word.startswith(("tests/", "course/"))]
    assert "tests/test_losses.py" in named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("target", ["bench", "bench-quick"])
def test_a_benchmark_that_is_run_is_there(make, target):
    done = make("-n", target, python3=f'exec {sys.executable} "$@"')
    assert 'pip install -e ".[bench]"' in done.stdout
    named = re.findall(r"for name in ([^;]*);|benchmarks/(\w+)\.py", done.stdout)
    scripts = [name for several, one in named for name in (several.split() or [one])]
    assert "mnist" in scripts
    assert [name for name in scripts if not (ROOT / "benchmarks" / f"{name}.py").exists()] == []
