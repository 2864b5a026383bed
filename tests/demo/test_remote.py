"""remote.js in node, asked as the page asks it: the same answers as Keras."""

import base64
import json
import shutil
import subprocess

import numpy as np
import pytest

import course
from course import explain
from course.export import load
from tests.demo import served

# Prints what the network of remote.js does with each picture, and the sentences of its refusals.
_HARNESS = """
const fs = require("fs"), vm = require("vm");
const [remote, port, asked] = process.argv.slice(2);
const usual = globalThis.fetch;
globalThis.fetch = (path, options) => usual(`http://127.0.0.1:${port}${path}`, options);
globalThis.t = (key) => key;
globalThis.language = "en";
globalThis.bytesOf = (text) => Uint8Array.from(Buffer.from(text, "base64"));
vm.runInThisContext(fs.readFileSync(remote, "utf8") + "; globalThis.open = remoteNetwork;");
(async () => {
  const { pictures, houses, file } = JSON.parse(fs.readFileSync(asked));
  const setup = {};
  const network = await globalThis.open(setup);
  const answers = [];
  for (const picture of pictures) answers.push([...(await network.ask(bytesOf(picture)))]);
  for (const house of houses) answers.push(await network.ask(house));
  const more = {};
  if (file) {
    more.prepared = await network.prepare(new Blob([bytesOf(file)]));
    more.prepared.pixels = [...more.prepared.pixels];
    more.heat = [...(await network.heat(bytesOf(pictures[0]), "occlusion", 3))];
  }
  const sentence = (action) => action.then(() => "", (error) => error.message);
  more.refused = await sentence(network.ask(new Uint8Array(5)));
  globalThis.fetch = () => Promise.reject(new TypeError("Failed to fetch"));
  more.alone = await sentence(network.ask(new Uint8Array(5)));
  console.log(JSON.stringify({ setup, answers, ...more }));
})();
"""


def asked(client, folder, pictures=(), houses=(), file=b""):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")

    def text(given):
        return base64.b64encode(given).decode()

    question = {"pictures": list(map(text, pictures)), "houses": houses, "file": text(file)}
    (folder / "harness.js").write_text(_HARNESS)
    (folder / "asked.json").write_text(json.dumps(question))
    remote = course.FOLDER / "demo" / "web" / "remote.js"
    command = [node, folder / "harness.js", remote, str(client.port), folder / "asked.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=served.WAIT_S)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_hundred_pictures_as_keras(tmp_path):
    run = served.digits_run(tmp_path / "run")
    model, _ = load(run)
    pictures = np.random.default_rng(0).integers(0, 256, (100, 28, 28, 1), "uint8")
    page = np.full((120, 100), 250, "uint8")
    page[20:100, 45:55] = 10
    with served.server(run) as client:
        said = asked(client, tmp_path, pictures, file=served.png(page))
        prepared = client.ask("/prepare", served.png(page))[1]
    expected = model.predict(pictures.astype("float32"), verbose=0)
    np.testing.assert_allclose(said["answers"], expected, atol=1e-5)
    assert said["setup"] == {"heat": ["grad_cam", "occlusion"]}
    assert bytes(said["prepared"].pop("pixels")) == base64.b64decode(prepared.pop("pixels"))
    assert said["prepared"] == prepared
    heat = explain.occlusion(model, pictures[0], 3)
    np.testing.assert_allclose(said["heat"], (heat / heat.max()).clip(0).ravel(), atol=1e-4)
    assert said["refused"] == "Expected a picture of 784 numbers. Received: 5."
    assert said["alone"] == "no_server"


def test_a_house_is_a_number(tmp_path):
    run = served.houses_run(tmp_path / "run")
    names = [one["name"] for one in load(run)[1]["inputs"]]
    house = {name: "ISLAND" if name == "ocean_proximity" else 2.5 for name in names}
    with served.server(run) as client:
        said = asked(client, tmp_path, houses=[house])
    assert said["answers"] == [pytest.approx(15)]
