"""What a platform lacks is installed; what it has, never moved."""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from course.kaggle import missing
from tests import ROOT


def test_what_may_be_installed_is_the_light_part_of_the_requirements():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    names = set(re.findall(r"^([A-Za-z][\w-]*)", text, re.MULTILINE))
    found = {re.match(r"[\w-]+", line)[0] for line in missing.requirements()}
    assert names - found == {"tensorflow", "keras", "numpy", "tensorflow-datasets"}
    assert found < names and "nibabel" in found


def test_here_nothing_is_lacking_so_nothing_runs(monkeypatch, capsys):
    monkeypatch.setattr(subprocess, "run", None)
    missing.install()
    assert capsys.readouterr().out == ""


@pytest.fixture
def without_nibabel(monkeypatch):
    usual = importlib.metadata.version

    def version(name):
        if name.lower() == "nibabel":
            raise importlib.metadata.PackageNotFoundError(name)
        return usual(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_what_is_lacking_is_installed_beside_what_is_pinned(without_nibabel, monkeypatch, capsys):
    seen = {}

    def run(command, **_):
        seen["command"] = command
        seen["pinned"] = Path(command[command.index("--constraint") + 1]).read_text().split()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    missing.install()
    assert [word for word in seen["command"] if ">=" in word] == ["nibabel>=5.3.0"]
    for name in ("tensorflow", "keras", "numpy"):
        assert f"{name}=={importlib.metadata.version(name)}" in seen["pinned"]
    assert not [line for line in seen["pinned"] if line.startswith("course==")]
    assert capsys.readouterr().out == "Instalando lo que falta: nibabel>=5.3.0\n"


def test_without_internet_what_is_lacking_is_named(without_nibabel, monkeypatch, capsys):
    proxy = "http://127.0.0.1:9"  # nobody listens there
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.setattr(missing, "lacking", lambda: ["no-such-package-of-ours>=1"])
    missing.install()  # the real pip
    said = capsys.readouterr().out
    assert "No se pudo instalar: no-such-package-of-ours>=1" in said
    assert "Settings → Internet" in said and "Traceback" not in said


def test_pip_takes_the_pins_of_everything_that_is_here(tmp_path):
    pins = tmp_path / "pins.txt"
    pins.write_text("\n".join(missing._as_installed()))
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--dry-run", "--quiet"]
    done = subprocess.run([*pip, "-c", pins, "keras", "scipy"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "there, files, said",
    [
        ({"jax"}, (), "no hay TensorFlow"),
        ({"jax", "tensorflow", "libtpu"}, ("accel0",), "una TPU"),
        ({"jax", "tensorflow", "libtpu"}, (), ""),
        ({"jax", "tensorflow"}, ("accel0",), ""),
        ({"tensorflow"}, (), ""),
    ],
)
def test_keras_computes_with_jax_where_tensorflow_cannot(
    there, files, said, monkeypatch, tmp_path, capsys
):
    for name in files:
        (tmp_path / name).touch()
    monkeypatch.setattr(missing, "_found", there.__contains__)
    monkeypatch.setattr(missing, "_DEVICES", tmp_path)
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setattr(os, "environ", {})
    missing.choose_backend()
    assert os.environ == ({"KERAS_BACKEND": "jax"} if said else {})
    assert said in capsys.readouterr().out
    monkeypatch.setattr(os, "environ", {"KERAS_BACKEND": "torch"})
    missing.choose_backend()
    assert os.environ == {"KERAS_BACKEND": "torch"}
