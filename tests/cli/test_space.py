"""`course space` as it is typed: a real run, the real client, a stub in Hugging Face's place."""

import os
import subprocess
import sys

import numpy as np
import pytest

from course import cli
from tests import ROOT
from tests.demo.hub_stub import TOKEN, HubStub


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run as Taller 2 leaves one: a small network and its card, whose data are the sample."""
    import keras

    from course import models
    from course.datasets import catalog
    from course.export import export

    keras.utils.set_random_seed(0)
    model = models.cnn((28, 28, 1), 10, filters=(4, 8))
    card = {
        "task": "classification",
        "class_names": [str(digit) for digit in range(10)],
        "data": catalog.origin("mnist", "sample").as_dict(),
        "preparation": "digit",
        "scores": {"accuracy": float(np.float32(0.1))},
    }
    folder = tmp_path_factory.mktemp("runs") / "taller2"
    export(model, folder, card=card)
    return folder


def typed(arguments, folder, **environment):
    """A command in a process of its own, in a folder: `(exit code, what it showed)`."""
    done = subprocess.run(
        [sys.executable, "-m", "course", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        encoding="utf-8",
    )
    assert TOKEN not in done.stdout + done.stderr and "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_from_a_run_to_its_address(run, tmp_path):
    with HubStub() as hub:
        there = {"HF_ENDPOINT": hub.address, "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": TOKEN}
        there["HF_HOME"] = str(tmp_path / "hf")
        push = ["space", "push", run, "--to", "ana/digitos"]
        code, shown = typed(push, tmp_path, **there)
        assert code == 0
        assert shown.splitlines()[-1] == f"Publicado: {hub.address}/spaces/ana/digitos"
        sent = hub.spaces["ana/digitos"].files
        assert sorted(sent) == ["README.md", "index.html"]
        assert b'"where": "file"' in sent["index.html"] and b"\nsdk: static\n" in sent["README.md"]
        code, shown = typed([*push, "--gradio"], tmp_path, **there)  # an update, no new Space
        assert code == 0
        sent = hub.spaces["ana/digitos"].files
        assert sent["run/model.keras"] == (run / "model.keras").read_bytes()
        assert b"\nsdk: gradio\n" in sent["README.md"] and "index.html" not in sent
    assert not (tmp_path / "build").exists()  # what was sent lay in a folder of its own


def test_what_a_gradio_space_costs_is_said(run, tmp_path, capsys):
    assert cli.main(["space", "build", str(run), "--gradio", "--to", str(tmp_path / "hoja")]) == 0
    shown = capsys.readouterr().out
    assert "pide un plan de pago" in shown
    assert shown.splitlines()[-1].endswith(f"push {run} --to DUEÑO/NOMBRE --gradio")


def test_what_is_missing_is_said_before_the_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert cli.main(["space", "push", "nada", "--to", "ana"]) == 2
    assert "se esperaba DUEÑO/NOMBRE" in capsys.readouterr().err
    assert cli.main(["space", "build", "nada"]) == 2
    assert "nada no existe" in capsys.readouterr().err
