"""What is promised everywhere holds everywhere: backends, strategies, Keras, script and notebook.

`configurations.txt` is the plan, in which each pair of values meets: each row runs
`core_lesson.py` in a process of its own.
"""

import importlib.util
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT, jax_alone

HERE = ROOT / "tests" / "promises"
LESSON = HERE / "core_lesson.py"
PROMISES = 12
PYTHONS = {"newest": sys.executable, "lowest": os.environ.get("COURSE_OTHER_PYTHON")}
VALUES = {
    "backend": ("tensorflow", "jax", "torch"),
    "strategy": ("default", "one device", "two devices"),
    "keras": ("newest", "lowest"),
    "form": ("script", "notebook", "%run"),
}
ABSENT = {
    ("jax", "one device"): "a strategy of TensorFlow's",
    ("torch", "one device"): "a strategy of TensorFlow's",
    ("torch", "two devices"): "Keras trains on several devices with TensorFlow or JAX alone",
    ("torch", "lowest"): "PyTorch, up to 3 GB, is brought into one environment",
}


def plan():
    lines = (HERE / "configurations.txt").read_text(encoding="utf-8").splitlines()
    return [tuple(re.split(r"\s{2,}", line)) for line in lines if not line.startswith("#")]


def pairs(row):
    return set(itertools.combinations(row, 2))


def test_each_pair_of_values_meets_in_a_row():
    rows = plan()
    for row in rows:
        assert all(value in known for value, known in zip(row, VALUES.values(), strict=True)), row
        assert not pairs(row) & ABSENT.keys(), row
    wanted = {
        pair for one, two in pairs(VALUES) for pair in itertools.product(VALUES[one], VALUES[two])
    }
    assert wanted - set().union(*map(pairs, rows)) == ABSENT.keys()
    # PyTorch may not be here: no other pair rests on its rows
    others = set().union(*(pairs(row) for row in rows if row[0] != "torch"))
    assert {pair for pair in wanted - others if pair[0] != "torch"} <= ABSENT.keys()
    assert len(set(rows)) == len(rows)


# by a kernel of the interpreter that runs this, as Jupyter does
IN_A_NOTEBOOK = """
import sys
import nbclient, nbformat
cells = sys.argv[1:]
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
nbclient.NotebookClient(book, timeout=240, kernel_name="python3").execute()
for cell in book.cells:
    for output in cell.outputs:
        print(output.get("text", ""), end="")
"""


def command(form):
    if form == "script":
        return [LESSON, "--epochs", "2"]
    cells = [f"%run {LESSON} --epochs 2"]
    if form == "notebook":
        cells = ["%env COURSE_EPOCHS=2", *LESSON.read_text(encoding="utf-8").split("# %%\n")]
    return ["-c", IN_A_NOTEBOOK, *cells]


@pytest.mark.matrix
@pytest.mark.parametrize("row", plan(), ids=", ".join)
def test_the_core_promises_hold(row, tmp_path, record_property):
    backend, strategy, version, form = row
    python = PYTHONS[version]
    if not python:
        pytest.skip("COURSE_OTHER_PYTHON names no interpreter with the lowest versions")
    if backend == "torch" and importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: make test-torch")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "KERAS_BACKEND": backend,
        "STRATEGY": strategy,
    }
    if backend == "jax":
        environment["XLA_FLAGS"] = jax_alone.xla_flags(1 + (strategy == "two devices"))
    done = subprocess.run(
        [Path(python).absolute(), *command(form)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    kept, used, keras = re.search(
        r"kept (\d+) promises with (\w+), Keras (\S+)", done.stdout
    ).groups()
    record_property("promises", f"{kept} with Keras {keras}")
    assert (int(kept), used) == (PROMISES, backend)
