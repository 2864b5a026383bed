"""What the server's tests share: runs, a server in this process, and a plain client."""

import contextlib
import http.client
import io
import json
import threading

import keras
import numpy as np
from keras import layers
from PIL import Image

from course import models
from course.datasets import california, catalog
from course.export import export

WAIT_S = 60
DIGITS = [str(digit) for digit in range(10)]


def digits_run(folder, **more):
    """A run as Taller 2 leaves one, of a small network that was never trained."""
    keras.utils.set_random_seed(0)
    card = {
        "task": "classification",
        "class_names": DIGITS,
        "data": catalog.origin("mnist", "sample").as_dict(),
        "preparation": "digit",
        **more,
    }
    export(models.cnn((28, 28, 1), len(card["class_names"]), filters=(4, 8)), folder, card=card)
    return folder


def houses_run(folder):
    """A regression of California's columns: `3 * income - latitude`, and 10 more on an island."""
    columns = california.load_data("sample")[0][0]
    inputs = {
        name: keras.Input((1,), name=name, dtype="string" if values.dtype == object else "float32")
        for name, values in columns.items()
    }
    words = layers.StringLookup(vocabulary=["INLAND", "ISLAND"], output_mode="one_hot")
    numbers = [name for name in inputs if name != "ocean_proximity"]
    taken = [*(inputs[name] for name in numbers), words(inputs["ocean_proximity"])]
    price = layers.Dense(1, name="price")
    model = keras.Model(inputs, price(layers.Concatenate(name="joined")(taken)))
    weights = {"median_income": 3, "latitude": -1}
    kernel = [*(weights.get(name, 0) for name in numbers), 0, 0, 10]  # of words: unknown, INLAND
    price.set_weights([np.array(kernel, "float32")[:, None], np.zeros(1, "float32")])
    card = {
        "task": "regression",
        "unit": "pesos",
        "data": catalog.origin("california", "sample").as_dict(),
        "preparation": None,
    }
    export(model, folder, card=card)
    return folder


def brains_run(folder):
    """A run as Taller 4 leaves one, of a small network with gates that was never trained."""
    keras.utils.set_random_seed(0)
    model = models.unet(
        (None, None, 4), 3, filters=(2, 2), attention=True, output_activation="sigmoid"
    )
    card = {
        "task": "segmentation",
        "regions": ["WT", "TC", "ET"],
        "edition": "2020",
        "modalities": ["flair", "t1", "t1ce", "t2"],
        "patch": None,
        "held_out": [],
        "data": catalog.origin("brats2020", "sample").as_dict(),
        "preparation": "brain",
    }
    export(model, folder, card=card)
    return folder


def png(array):
    """Grey levels as the bytes of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


class Client:
    """A kept connection to the server; `ask` returns `(status, content)`."""

    def __init__(self, port):
        self.port = port

    def ask(self, path, body=None, method=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        with contextlib.closing(connection):
            connection.request(method or ("GET" if body is None else "POST"), path, body, named)
            answer = connection.getresponse()
            content = answer.read()
        if answer.headers.get_content_type() == "application/json":
            content = json.loads(content)
        return answer.status, content

    def refused(self, status, *given, **more):
        """The Spanish sentence of a refusal, which has an English one beside it."""
        found, content = self.ask(*given, **more)
        assert found == status, content
        assert set(content) == {"error", "error_en"} and content["error_en"].strip()
        assert "\n" not in content["error"] and "/tmp" not in content["error"]
        return content["error"]


@contextlib.contextmanager
def server(run, cases=None):
    """A server of a run in this process, once its network is awake: a `Client`."""
    from course.demo.server import _listening, app_of, server_of

    app = app_of(run, cases=cases)
    serving = server_of(app)
    with contextlib.closing(app.state.site) as site, _listening("127.0.0.1", 0) as listening:
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            site.worker.ready.result(WAIT_S)
            yield Client(listening.getsockname()[1])
        finally:
            serving.should_exit = True
            thread.join(WAIT_S)
