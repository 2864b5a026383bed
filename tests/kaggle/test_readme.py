"""The README's section on Kaggle, followed line by line as a newcomer does, against the stub."""

import re
import shlex
import sys

import pytest

from course import cli
from course.datasets import catalog
from course.evaluation.run import evaluate
from tests.kernels_stub import KernelsStub
from tests.typist import ROOT, Typist

PIP = "pip install kaggle six"


@pytest.fixture
def kaggle():
    with KernelsStub() as stub:
        for name in catalog.names():
            info = catalog.get(name)
            stub.serve(info.handle, {"a": b""}, info.version)
        yield stub
    assert stub.egress == []


@pytest.fixture
def local(tmp_path):
    """A run as a lesson leaves it, of a network that has learnt nothing."""
    import keras

    from course.export import export

    shape = [keras.Input((28, 28, 1)), keras.layers.Flatten()]
    model = keras.Sequential([*shape, keras.layers.Dense(10, activation="softmax")])
    card = {
        "task": "classification",
        "class_names": list("0123456789"),
        "data": catalog.origin("mnist", "sample").as_dict(),
        "preparation": "digit",
        "seed": 0,
    }
    return export(model, tmp_path / "local", card=card).parent


def commands():
    """The lines of the section's two blocks, without their comments."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("\n## Kaggle\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    return [shlex.split(line, comments=True) for line in "".join(blocks).splitlines()]


def test_each_line_does_what_it_says(kaggle, local, tmp_path, monkeypatch, capsys):
    course = Typist(kaggle, tmp_path)
    monkeypatch.chdir(course.work)
    kaggle.states, kaggle.log = ["QUEUED", "RUNNING", "COMPLETE"], "epoch 1"
    kaggle.outputs = {
        f"runs/taller2_cnn_mnist/{path.relative_to(local)}": path.read_bytes()
        for path in local.rglob("*")
        if path.is_file()
    }
    typed = commands()
    assert " ".join(typed.pop(0)) == PIP and len(typed) == 8
    for words in typed:
        if words[2:4] == ["course", "evaluate"]:  # here, as TensorFlow is here already
            assert cli.main(words[3:]) == 0
            assert "Informe: runs/kaggle/taller2_cnn_mnist" in capsys.readouterr().out
            continue
        words = ["ana" if word == "NAME" else word for word in words]
        python = words[1:] if words[0] == "python" else ["-m", *words]
        answer = course.finish(course.start(command=[sys.executable, *python]))
        assert answer.code == 0, (words, answer.err)
    assert kaggle.pushes == 2  # by our command, and by Kaggle's own
    home = course.work / "runs" / "kaggle"
    names = [f"taller2_cnn_mnist{number}" for number in ("", "-1", "-2")]
    assert sorted(path.name for path in home.iterdir()) == names
    assert evaluate(home / names[0])[0].scores == evaluate(local)[0].scores
