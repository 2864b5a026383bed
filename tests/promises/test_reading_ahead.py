"""An epoch serves each example exactly once, in an order of (seed, epoch), wherever `fit` runs.

How Keras reads ahead depends on backend and strategy, so each is tried in a process of its own: it
trains four epochs, then the last two of them again as a resumed run would, and prints what the loss
has seen.
"""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests import jax_alone

TRAINING = """
import contextlib, json, os, sys
import keras, numpy as np
from types import SimpleNamespace
from course.datasets.batches import Batches
from course.datasets.brats.batches import Patches, Slices
from course.training import EpochSeeds, all_devices, set_seed
from course.training.devices import in_step

where, *whats = sys.argv[1:]
backend, seen = keras.backend.backend(), []

def devices(n):
    import tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * n)
    return [f"CPU:{i}" for i in range(n)]

def scope():
    if where in ("default", "jax", "torch"):
        return contextlib.nullcontext
    if where == "jax-2":
        all_devices()
        return contextlib.nullcontext
    import tensorflow as tf
    if where == "one device":
        return tf.distribute.OneDeviceStrategy("CPU:0").scope
    names = devices(2 if where == "mirrored-2" else 1)
    return tf.distribute.MirroredStrategy(names).scope

def record(values):
    seen[-1].extend(np.asarray(values, "float64").ravel().round(3).tolist())

def loss(true, answer):
    marks = keras.ops.mean(keras.ops.reshape(answer, (keras.ops.shape(answer)[0], -1)), -1)
    if backend == "tensorflow":
        import tensorflow as tf
        tf.numpy_function(lambda v: (record(v), np.float32(0))[1], [marks], tf.float32)
    elif backend == "jax":
        import jax
        jax.debug.callback(record, marks)
    elif marks.device.type != "meta":
        record(marks.detach().cpu())
    return 0 * marks

def store():
    rng, shape = np.random.default_rng(0), (6, 20, 16)
    case = lambda i: SimpleNamespace(
        image=rng.normal(100 * i, 1, (*shape, 1)).astype("float16"),
        regions=np.zeros((*shape, 3), "uint8"),
        centers=np.stack([rng.integers(0, n, (4, 50)) for n in shape], -1),
    )
    cases = [case(i) for i in range(1, 4)]
    class Store(list):
        modalities = ("flair",)
    return Store(cases)

def data(what):
    if what == "batches":
        x = np.arange(1.0, 97).astype("float32").reshape(96, 1, 1)
        return Batches(x, x, 8, seed=3)
    if what == "slices":
        return Slices(store(), batch_size=2, size=(12, 12), seed=3, augment=False, steps=8)
    return Patches(store(), batch_size=2, size=(4, 8, 8), seed=3, augment=False, steps=8)

def expected(what, epoch):
    batches = data(what)
    batches.start_epoch(epoch)
    return [
        np.asarray(batches[i][0], "float64").reshape(len(batches[i][0]), -1).mean(-1).round(3)
        for i in range(len(batches))
    ]

class Mark(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        seen.append([])

set_seed(0)
strategy, answers = scope(), {}
for what in whats:
    served = []
    for first in (0, 2):
        batches = data(what)
        with strategy():
            shape = batches[0][0].shape[1:]
            model = keras.Sequential([keras.Input(shape), keras.layers.Rescaling(1.0)])
            model.compile("sgd", loss)
        seen.clear()
        begun = [EpochSeeds(3, batches), Mark(), *in_step()]
        model.fit(batches, initial_epoch=first, epochs=4, verbose=0, callbacks=begun)
        served.append([list(epoch) for epoch in seen])
    whole = [np.concatenate(expected(what, epoch)).tolist() for epoch in range(4)]
    answers[what] = {"served": served, "expected": whole, "batch": len(batches[0][0])}
print(json.dumps(answers))
"""

OTHERS = ("jax", "jax-2", "torch")
WHATS = ("batches", "slices", "patches")


def train(where):
    backend = where.partition("-")[0] if where in OTHERS else "tensorflow"
    if backend != "tensorflow" and importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: make test-matrix")
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if backend == "jax":
        environment["XLA_FLAGS"] = jax_alone.xla_flags(2 if where == "jax-2" else 1)
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, where, *WHATS],
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def near(one, other):
    return np.allclose(np.sort(one), np.sort(other), atol=0.01)


@pytest.mark.parametrize(
    "where",
    [
        "default",
        *(
            pytest.param(name, marks=pytest.mark.matrix)
            for name in ("one device", "mirrored-1", "mirrored-2", "jax", "jax-2", "torch")
        ),
    ],
)
def test_each_example_once_an_epoch_resumed_or_not(where):
    for what, answer in train(where).items():
        whole, resumed = answer["served"]
        assert len(whole) == 4 and len(resumed) == 2
        for epoch, served in enumerate(whole):
            assert near(served, answer["expected"][epoch]), f"{what}, {epoch}: lost or doubled"
        for served, again in zip(whole[2:], resumed, strict=True):
            # two devices each report their half of a batch, in either order
            size = answer["batch"] if where in ("mirrored-2", "jax-2") else 1
            rows = [np.sort(np.reshape(one, (-1, size)), axis=1) for one in (served, again)]
            assert np.allclose(*rows, atol=0.01), f"{what}: another order when it is resumed"
