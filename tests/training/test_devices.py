"""Several devices: half of each batch on either, and the training of one."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import keras
import pytest

from course.training.devices import accelerators, all_devices

# Devices must be made before TensorFlow starts, hence a process of its own.
TRAINING = """
import json, pathlib, sys, tempfile
import keras, numpy as np, tensorflow as tf
from course.datasets.batches import Batches
from course.training.devices import all_devices
from course.training import callbacks, resume, set_seed

names = sys.argv[1:]
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
rng = np.random.default_rng(0)
x = rng.normal(size=(64, 8, 8, 1)).astype("float32")
y = (x.mean((1, 2)) > 0).astype("float32")
sizes, replicas = [], []

def record(size, count):
    sizes.append(int(size))
    replicas.append(int(count))
    return size

def loss(true, answer):
    count = tf.distribute.get_strategy().num_replicas_in_sync
    tf.py_function(record, [tf.shape(answer)[0], count], tf.int32)
    return keras.losses.binary_crossentropy(true, answer)

def build():
    set_seed(0)
    with all_devices(names):
        model = keras.Sequential([
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1, "sigmoid"),
        ])
        model.compile(keras.optimizers.Adam(0.01), loss)
    return model

run = pathlib.Path(tempfile.mkdtemp())
(run / "checkpoints").mkdir()
losses = []
for epochs in (1, 4):  # stopped after one, and started again
    model, batches = build(), Batches(x, y, batch_size=16, seed=0)
    losses += model.fit(
        batches,
        initial_epoch=resume(model, run),
        epochs=epochs,
        verbose=0,
        callbacks=callbacks(run, batches, seed=0),
    ).history["loss"]
print(json.dumps({"loss": losses, "sizes": sizes, "replicas": replicas}))
"""


def train(*devices):
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, *devices], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="MirroredStrategy's job")
def test_two_devices_share_each_batch_and_learn_what_one_does():
    with ThreadPoolExecutor() as pool:  # TensorFlow starts in both at once
        alone, both = pool.map(lambda names: train(*names), [("CPU:0",), ("CPU:0", "CPU:1")])
    assert set(alone["replicas"]) == {1} and set(both["replicas"]) == {2}
    assert alone["sizes"] == [16] * 16  # 64 samples, 4 epochs
    assert both["sizes"] == [8] * 32
    assert alone["loss"][-1] < alone["loss"][0]
    assert both["loss"] == pytest.approx(alone["loss"], rel=1e-5)


def test_without_several_gpus_the_scope_changes_nothing():
    assert all(isinstance(name, str) for name in accelerators())
    with all_devices(("GPU:0",)) as strategy:
        assert strategy is None
    with all_devices(("GPU:0", "GPU:1"), batch_size=1) as strategy:  # one would have nothing to do
        assert strategy is None
