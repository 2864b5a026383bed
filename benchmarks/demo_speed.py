"""How fast the page and `course demo` answer: one user, fifty at once, and whether memory is flat.

    python benchmarks/demo_speed.py [RUN] > benchmarks/demo_speed.txt

The server is the command as it is typed, in a process of its own; this process asks over kept
connections and knows Keras' own answer to every picture. Both share the machine, so the times with
fifty askers are those of fifty askers too. The page's own row is the exported file in Chromium; it
needs chromium, chromedriver and `pip install -e ".[browser]"`.
"""

import argparse
import datetime
import http.client
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

import course

PICTURES = 200
ASK = """
const [count, done] = arguments;
const setup = JSON.parse(document.getElementById("setup").textContent);
const [height, width, channels] = setup.card.inputs[0].shape;
(async () => {
  const network = await localNetwork(setup), each = [];
  for (let i = 0; i < count + 10; i++) {
    const picture = Uint8Array.from({length: height * width * channels}, () => 256 * Math.random());
    const began = performance.now();
    await network.ask(picture);
    if (i >= 10) each.push(performance.now() - began);  // the first ones compile
  }
  done(each);
})();
"""
ASKERS = 50


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", nargs="?", default=course.FOLDER / "demo" / "digits")
    run = pathlib.Path(parser.parse_args().run)
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    print(
        f"{datetime.date.today()} · {os.cpu_count()} cores · Python {platform.python_version()}, "
        f"{platform.system()} · load before: {load}\nrun: {run.name}\n"
    )
    began = time.perf_counter()
    command = [sys.executable, "-m", "course", "demo", str(run), "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = int(server.stdout.readline().rpartition(":")[2].partition("/")[0])
            ask_all(server.pid, port, began, run)
        finally:
            server.terminate()
    row("the page itself, in Chromium", page_itself(run))


def ask_all(pid, port, began, run):
    user = User(port)
    user.get("/")
    row("from the command to the page", f"{time.perf_counter() - began:.2f} s")
    shape = json.loads((run / "card.json").read_text())["inputs"][0]["shape"]
    pictures = np.random.default_rng(0).integers(0, 256, (PICTURES, *shape), "uint8")
    user.ask(pictures[0])
    row("from the command to the first answer", f"{time.perf_counter() - began:.2f} s")

    alone = [user.ask(pictures[i % PICTURES])[1] for i in range(200)]
    before = resident_mb(pid)
    expected, own = keras_itself(run, pictures)
    user = User(port)  # a kept connection is closed after five seconds of silence
    alone = [user.ask(pictures[i % PICTURES])[1] for i in range(400)]
    row("the network itself, one picture", times(own))
    row(
        "one user", f"{times(alone)}; {np.median(alone) - np.median(own):.1f} ms beyond the network"
    )

    found, each = fifty(port, pictures)
    wrong = sum(np.abs(answer - expected[i]).max() > 1e-5 for i, answer in found)
    row(f"{ASKERS} at once", f"{times(each)}; {len(found)} answers, {wrong} wrong")
    while len(alone) + len(each) < 2000:
        alone.append(user.ask(pictures[len(alone) % PICTURES])[1])
    after = resident_mb(pid)
    row("memory", f"{before:.0f} MB after 200 requests, {after:.0f} MB after 2,200")


class User:
    """A kept connection to the server."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def get(self, path):
        self.connection.request("GET", path)
        return self.connection.getresponse().read()

    def ask(self, picture):
        """The probabilities and how many milliseconds they took."""
        began = time.perf_counter()
        self.connection.request("POST", "/ask", picture.tobytes())
        answer = json.loads(self.connection.getresponse().read())["answer"]
        return np.array(answer), 1000 * (time.perf_counter() - began)


def keras_itself(run, pictures):
    """What Keras answers in this process, and the milliseconds of each picture alone."""
    from course.export import load

    model, _ = load(run)
    batch = pictures.astype("float32")
    model.predict_on_batch(batch[:1])
    own = []
    for i in range(PICTURES):
        began = time.perf_counter()
        model.predict_on_batch(batch[i : i + 1])
        own.append(1000 * (time.perf_counter() - began))
    return model.predict(batch, verbose=0), own


def page_itself(run):
    """The milliseconds of `network.ask` in the exported page, opened from a file."""
    browser, driver = map(shutil.which, ("chromium", "chromedriver"))
    if not (browser and driver):
        return "not run: chromium and chromedriver are not here"
    from selenium import webdriver

    from course.demo.page import export_web

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in ("--headless", "--no-sandbox", "--disable-gpu"):
        options.add_argument(flag)
    with tempfile.TemporaryDirectory() as folder:
        export_web(run, folder)
        with webdriver.Chrome(options, webdriver.ChromeService(driver)) as chromium:
            chromium.get(pathlib.Path(folder, "index.html").as_uri())
            return times(chromium.execute_async_script(ASK, PICTURES))


def fifty(port, pictures, rounds=24):
    """Fifty users who ask again as soon as they have an answer: `[(picture, answer)]`, times."""
    found, each, start = [], [], threading.Barrier(ASKERS)

    def ask(number):
        user = User(port)
        start.wait()
        for turn in range(rounds):
            i = (number + turn * ASKERS) % PICTURES
            answer, ms = user.ask(pictures[i])
            found.append((i, answer))
            each.append(ms)

    askers = [threading.Thread(target=ask, args=[number]) for number in range(ASKERS)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    return found, each


def resident_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def times(each):
    return f"median {np.median(each):.1f} ms, 95th percentile {np.percentile(each, 95):.1f} ms"


def row(name, text):
    print(f"{name:38} {text}", flush=True)


if __name__ == "__main__":
    main()
