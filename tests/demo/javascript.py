"""The page's JavaScript in node, where a machine has it."""

import base64
import json
import shutil
import subprocess

import numpy as np
import pytest

import course

_NETWORK = course.FOLDER / "demo" / "web" / "network.js"
# Prints what `ask` answers to each input of each setup, as JSON.
_HARNESS = """
const fs = require("fs"), vm = require("vm");
const [network, asked] = process.argv.slice(2).map((path) => fs.readFileSync(path, "utf8"));
vm.runInThisContext(network + "; globalThis.open = localNetwork;");
(async () => {
  const answers = [];
  for (const { setup, inputs } of JSON.parse(asked)) {
    const { ask } = globalThis.open(setup);
    const each = [];
    for (const input of inputs) each.push(await ask(input));
    answers.push(each.map((numbers) => (numbers.length ? [...numbers] : [numbers])));
  }
  console.log(JSON.stringify(answers));
})();
"""


def answers(asked, folder):
    """What the page's network answers: one array `(n, outputs)` for each `(setup, inputs)`."""
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    harness, question = folder / "harness.js", folder / "asked.json"
    harness.write_text(_HARNESS)
    question.write_text(json.dumps([{"setup": setup, "inputs": rows} for setup, rows in asked]))
    done = subprocess.run(
        [node, harness, _NETWORK, question], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return [np.array(each) for each in json.loads(done.stdout)]


def setup_of(model, steps, weights):
    """What the page's network needs of a setup."""
    inputs = [{"name": one.name, "shape": list(one.shape[1:])} for one in model.inputs]
    text = base64.b64encode(weights.astype("<f4").tobytes()).decode()
    return {"network": {"steps": steps, "weights": text}, "card": {"inputs": inputs}}
