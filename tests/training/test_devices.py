"""Several devices: half of each batch on either, and the training of one."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import keras
import pytest

from course.training import devices
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

def aligned(array):  # memory that TensorFlow would use, and change, as it stands
    room = np.empty(array.nbytes + 64, "uint8")
    start = -room.ctypes.data % 64
    there = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    there[...] = array
    return there

x = aligned(rng.normal(size=(64, 8, 8, 1)).astype("float32"))
y = aligned((x.mean((1, 2)) > 0).astype("float32"))
before = x.copy(), y.copy()
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
    devices = all_devices(names)
    with devices:
        model = keras.Sequential([
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1, "sigmoid"),
        ])
    with devices:  # entered again, as a lesson does to compile
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
kept = bool((x == before[0]).all() and (y == before[1]).all())
print(json.dumps({"loss": losses, "sizes": sizes, "replicas": replicas, "kept": kept}))
"""


def train(*devices):
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, *devices], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.matrix
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="MirroredStrategy's job")
def test_two_devices_share_each_batch_and_learn_what_one_does():
    with ThreadPoolExecutor() as pool:  # TensorFlow starts in both at once
        alone, both = pool.map(lambda names: train(*names), [("CPU:0",), ("CPU:0", "CPU:1")])
    assert set(alone["replicas"]) == {1} and set(both["replicas"]) == {2}
    assert alone["kept"] and both["kept"]
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


def test_a_tpu_computes_in_bfloat16_and_nothing_else_does(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    before = keras.config.dtype_policy()
    policies = []
    try:
        for name in ("cuda:0", "tpu:0"):
            all_devices((name,))
            policies.append(keras.config.dtype_policy().name)
    finally:
        keras.config.set_dtype_policy(before)
    assert policies == ["float32", "mixed_bfloat16"]


def test_how_many_devices_train_is_said_and_of_how_many(monkeypatch):
    """Two T4 of Kaggle; a batch of 2 on eight GPUs; a model outside of the scope; no GPU."""
    said = []
    for there, replicas in ((2, 2), (8, 2), (2, 1), (0, 1)):
        names = tuple(f"GPU:{i}" for i in range(there))
        monkeypatch.setattr(devices, "accelerators", lambda names=names: names)
        monkeypatch.setattr("keras.backend.backend", lambda: "tensorflow")
        strategy = SimpleNamespace(num_replicas_in_sync=replicas) if replicas > 1 else None
        said.append(devices.used_for(SimpleNamespace(_distribute_strategy=strategy)))
    assert said == [
        f"Se entrena con TensorFlow en {where}."
        for where in (
            "2\xa0réplicas",
            "2\xa0réplicas de 8",
            "un solo dispositivo de 2",
            "la CPU",
        )
    ]


# Batch normalisation is each replica's own, of half a batch: another network, but not a worse one.
SEEDS = """
import json
import keras, numpy as np, tensorflow as tf
from course.datasets.batches import Batches
from course.models import cnn
from course.training import EpochSeeds, all_devices, set_seed

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
rng = np.random.default_rng(0)
y = np.arange(512) % 4
x = (rng.integers(0, 200, (512, 8, 8, 1)) + 12 * y[:, None, None, None]).astype("uint8")

def loss(seed, names=("CPU:0",), policy="float32"):
    keras.config.set_dtype_policy(policy)
    set_seed(seed)
    with all_devices(names):
        model = cnn((8, 8, 1), 4, filters=(4, 8))
        model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    batches = Batches(x, y, batch_size=128, seed=seed)
    history = model.fit(batches, epochs=8, verbose=0, callbacks=[EpochSeeds(seed, batches)])
    return history.history["loss"][-1]

both = ("CPU:0", "CPU:1")
found = {"seeds": [loss(seed) for seed in range(3)], "two": loss(0, both)}
found["two, mixed"] = loss(0, both, "mixed_float16")  # as on a T4
print(json.dumps(found))
"""


@pytest.mark.matrix
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="MirroredStrategy's job")
def test_with_batch_normalisation_two_devices_lie_within_three_seeds():
    done = subprocess.run([sys.executable, "-c", SEEDS], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    seeds = found.pop("seeds")
    spread = max(seeds) - min(seeds)
    print(f"three seeds {min(seeds):.4f} to {max(seeds):.4f}; {found}")
    for name, loss in found.items():
        assert min(seeds) - spread / 2 <= loss <= max(seeds) + spread / 2, (name, found, seeds)
