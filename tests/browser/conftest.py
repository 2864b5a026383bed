"""Chromium, driven as a person would: a page from a file, a mouse, a finger, keys.

`make test-browser` runs these tests; without `-m browser` they are skipped.
"""

import base64
import functools
import json
import re
import shutil
import socketserver
import threading
import time

import pytest

import course

_FLAGS = (  # none about graphics: the page must work where there is no GPU
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
)
# what Chromium asks for itself, whatever page is open
_OWN = re.compile(r"[.](google|googleapis|gvt1|gstatic)[.]com[:/]")
_DIGITS = course.FOLDER / "demo" / "digits"  # the network that the package brings
_PHONE, _DESK = (390, 844), (1280, 800)


def pytest_collection_modifyitems(config, items):
    if config.option.markexpr != "browser":
        for item in items:
            if "browser" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="needs a browser: make test-browser"))


@pytest.fixture(scope="session")
def outside():
    """A proxy that refuses everything, and the list of what it was asked for."""
    asked = []

    class Refuse(socketserver.StreamRequestHandler):
        def handle(self):
            asked.append(self.rfile.readline().decode("latin-1").strip())
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refuse) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


@pytest.fixture(scope="session")
def chromium(outside, tmp_path_factory):
    from selenium import webdriver

    found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    assert all(found.values()), f"apt-get install chromium chromium-driver; found {found}"
    options = webdriver.ChromeOptions()
    options.binary_location = found["chromium"]
    home = tmp_path_factory.mktemp("chromium")
    for flag in (*_FLAGS, f"--user-data-dir={home}", f"--proxy-server={outside[0]}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(found["chromedriver"]))
    yield driver
    driver.quit()


@pytest.fixture
def page(chromium, outside):
    """One tab of the browser; afterwards nothing was asked from outside, nothing went wrong."""
    chromium.get("about:blank")
    for kind in ("browser", "performance"):
        chromium.get_log(kind)
    outside[1].clear()
    page = Page(chromium)
    page.size(*_DESK)
    page.dark(False)
    yield page
    assert [line for line in outside[1] if not _OWN.search(line)] == []
    asked = [url for url in _asked_for(chromium) if url.startswith(("http", "ws"))]
    assert [url for url in asked if not url.startswith(page.server)] == []
    logged = [
        entry["message"] for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"
    ]
    assert [text for text in logged if page.expected_error not in text] == []


def _asked_for(chromium):
    """The addresses that pages asked for."""
    for entry in chromium.get_log("performance"):
        event = json.loads(entry["message"])["message"]
        if event["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
            yield event["params"].get("url") or event["params"]["request"]["url"]


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """The page that `export --web` writes for a run of a view, as text."""
    return functools.cache(lambda view: _RUNS[view](tmp_path_factory.mktemp(view)))


@pytest.fixture
def served_digits():
    """The port at which Keras answers with the network of the digits' page."""
    from tests.demo import served

    with served.server(_DIGITS) as client:
        yield client.port


@pytest.fixture
def build(exported, tmp_path):
    """Writes a page and returns its path.

    `setup` changes what the page is told, `card` and `data` what its card says; `script` runs
    before the page starts.
    """

    def built(view, script="", card=(), data=(), **setup):
        begin, told, end = re.split(
            r"(?<=id=\"setup\">)(.*?)(?=</script>)", exported(view), maxsplit=1
        )
        told = json.loads(told)
        told["card"]["data"].update({"made_up": False, **dict(data)})
        told["card"].update(card)
        told.update(setup)
        if script:
            head, mark, main = end.rpartition("<script>")
            end = f"{head}<script>{script}</script>{mark}{main}"
        path = tmp_path / f"{view}.html"
        path.write_text(begin + json.dumps(told).replace("<", "\\u003c") + end, encoding="utf-8")
        return path

    return built


def _digits(home):
    from course.demo.page import export_web

    return export_web(_DIGITS, home / "web").path.read_text("utf-8")


def _signs(home):
    from course.datasets import sign_mnist

    return _photos(home, "sign_mnist", list(sign_mnist.CLASS_NAMES))


def _pictures(home):
    return _photos(home, "mnist", ["NORMAL", "PNEUMONIA"])


def _photos(home, dataset, class_names):
    """The page of a network that was never trained; without Keras' answers, which need the data."""
    import keras

    from course import models
    from course.datasets import catalog
    from course.demo.page import page
    from course.export import export, load
    from course.export.steps import steps_of

    keras.utils.set_random_seed(0)
    card = {
        "task": "classification",
        "class_names": class_names,
        "preparation": "photo",
        "data": catalog.origin(dataset, "sample").as_dict(),
    }
    export(models.cnn((28, 28, 1), len(class_names), filters=(4, 8)), home, card=card)
    model, card = load(home)
    steps, weights = steps_of(model)
    return page(card, {"steps": steps, "weights": base64.b64encode(weights).decode()})


def _houses(home):
    """The page of a network whose price is half the income, and 1 more near the ocean."""
    import keras
    import numpy as np

    from course.datasets import california, catalog
    from course.demo.page import export_web
    from course.export import export

    (table, _), _ = california.load_data("sample")
    names = [name for name, column in table.items() if column.dtype != object]
    inputs = [keras.Input((1,), name=name) for name in names]
    sea = keras.Input((1,), name="ocean_proximity", dtype="string")
    words = keras.layers.StringLookup(
        vocabulary=list(california.OCEAN_PROXIMITY), output_mode="one_hot", name="words"
    )
    joined = keras.layers.Concatenate(name="joined")([*inputs, words(sea)])
    price = keras.layers.Dense(1, name="price")
    model = keras.Model([*inputs, sea], price(joined))
    weights = np.full((len(names) + 6, 1), 1e-5, "float32")
    weights[names.index("median_income")] = 0.5
    weights[-1] = 1
    price.set_weights([weights, np.zeros(1, "float32")])
    card = {
        "task": "regression",
        "unit": "cientos de miles de dólares",
        "preparation": None,
        "data": catalog.origin("california", "sample").as_dict(),
        "scores": {"mae": 0.337},
    }
    export(model, home / "run", card=card)
    return export_web(home / "run", home / "web").path.read_text("utf-8")


_RUNS = {"digits": _digits, "signs": _signs, "pictures": _pictures, "houses": _houses}


class Page:
    """What a person does with a page and sees of it; parts are found by their CSS selector."""

    def __init__(self, driver):
        self.driver = driver
        self.expected_error = "\0"
        self.server = "\0"  # the address that the page may ask

    # ---- the device

    def order(self, name, **given):
        return self.driver.execute_cdp_cmd(name, given)

    def size(self, width, height, touch=False):
        self.order(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if touch else 1,
            mobile=touch,
        )
        self.order("Emulation.setTouchEmulationEnabled", enabled=touch)

    def phone(self):
        self.size(*_PHONE, touch=True)

    def dark(self, dark=True):
        value = "dark" if dark else "light"
        self.order(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": value}],
        )

    def speaks(self, language):
        self.order(
            "Network.setUserAgentOverride",
            userAgent=self.script("return navigator.userAgent"),
            acceptLanguage=language,
        )

    # ---- a person's hands

    def open(self, path, language="es-CL"):
        self.speaks(language)
        self.driver.get(path.as_uri() if hasattr(path, "as_uri") else path)
        self.wait("return document.querySelector('#status').textContent === ''")

    def click(self, css):
        self.one(css).click()

    def press(self, css, *keys):
        """Keys by their names in Selenium (ARROW_UP) or as they are, with a part in focus."""
        from selenium.webdriver.common.keys import Keys

        self.one(css).send_keys(*(getattr(Keys, key, key) for key in keys))

    def upload(self, path):
        self.one(".upload").send_keys(str(path))

    def draw(self, *points):
        """One stroke of the mouse through points of the canvas' own 400×400 units."""
        for kind, (x, y) in self._stroke(points):
            self.order(
                "Input.dispatchMouseEvent",
                type={"start": "mousePressed", "move": "mouseMoved", "end": "mouseReleased"}[kind],
                x=x,
                y=y,
                button="left",
                buttons=0 if kind == "end" else 1,
                clickCount=1,
            )
        self.settle()

    def touch(self, *points):
        """The same with a finger."""
        for kind, (x, y) in self._stroke(points):
            self.order(
                "Input.dispatchTouchEvent",
                type={"start": "touchStart", "move": "touchMove", "end": "touchEnd"}[kind],
                touchPoints=[] if kind == "end" else [{"x": x, "y": y}],
            )
        self.settle()

    def _stroke(self, points):
        left, top, side = self.script(
            "const c = document.querySelector('.drawing'); c.scrollIntoView({block: 'center'});"
            "const r = c.getBoundingClientRect(); return [r.left, r.top, r.width];"
        )
        places = [(left + x * side / 400, top + y * side / 400) for x, y in points]
        return [
            ("start", places[0]),
            *(("move", place) for place in places[1:]),
            ("end", places[-1]),
        ]

    # ---- a person's eyes

    def script(self, code, *given):
        return self.driver.execute_script(code, *given)

    def one(self, css):
        return self.driver.find_element("css selector", css)

    def text(self, css):
        return self.one(css).text.replace("\u00a0", " ")

    def sees(self, css):
        return self.one(css).is_displayed()

    def seen(self):
        """The picture that the network was given, as a list of rows of grey levels."""
        return self.script(
            "const c = document.querySelector('.seen');"
            "const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
            "return Array.from({length: c.height}, (_, y) =>"
            "  Array.from({length: c.width}, (_, x) => data[4 * (y * c.width + x)]));"
        )

    def bars(self):
        """What the table says: {class: share}."""
        cells = self.script(
            "return Array.from(document.querySelectorAll('.bars tbody tr'),"
            "  (row) => [row.cells[0].textContent, row.cells[2].textContent]);"
        )
        return {name: float(share.replace(",", ".")) for name, share in cells}

    def wait(self, code, seconds=10):
        end = time.monotonic() + seconds
        while not self.script(code):
            assert time.monotonic() < end, f"waited {seconds} s for: {code}"
            time.sleep(0.02)

    def settle(self):
        """Wait until two frames passed: what was done has been drawn and asked."""
        self.driver.execute_async_script(
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60)));"
        )

    def wide(self):
        """By how many pixels the page is wider than the screen."""
        return self.script("return document.documentElement.scrollWidth - innerWidth")

    def photograph(self, path):
        self.driver.save_screenshot(str(path))
