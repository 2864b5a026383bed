"""One network, three places: Keras, the server and the page's own JavaScript answer alike."""

import numpy as np
import pytest

import course
from course.datasets import mnist
from course.export import load

pytestmark = pytest.mark.browser
ASK = """
const [pictures, done] = arguments;
const setup = JSON.parse(document.querySelector("#setup").textContent);
(async () => {
  const network = await (globalThis.remoteNetwork ?? localNetwork)(setup);
  const [answers, times] = [[], []];
  for (const picture of pictures) {
    const began = performance.now();
    answers.push(Array.from(await network.ask(Uint8Array.from(picture))));
    times.push(performance.now() - began);
  }
  done([answers, times]);
})().catch((error) => done([String(error), []]));
"""


def test_a_hundred_pictures_have_one_answer_everywhere(page, build, served_digits):
    _, (digits, _) = mnist.load_data("sample")
    noise = np.random.default_rng(0).integers(0, 256, (50, 28, 28), "uint8")
    pictures = np.concatenate([digits[:50], noise])
    model, _ = load(course.FOLDER / "demo" / "digits")
    keras = model.predict(pictures[..., None].astype("float32"), verbose=0)
    rows = pictures.reshape(100, -1).tolist()

    page.open(build("digits"))
    answers, times = page.driver.execute_async_script(ASK, rows)
    assert np.ndim(answers) == 2, answers
    assert np.abs(np.array(answers) - keras).max() < 1e-5
    assert np.median(times) < 100  # 12 ms on a machine that does nothing else

    page.server = f"http://127.0.0.1:{served_digits}/"
    page.open(page.server)
    answers, _ = page.driver.execute_async_script(ASK, rows)
    assert np.ndim(answers) == 2, answers
    assert np.abs(np.array(answers) - keras).max() < 1e-5
