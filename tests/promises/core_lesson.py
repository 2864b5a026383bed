"""What is promised everywhere, in one small lesson: it runs as a script, by `%run`, in cells.

24 pictures, each of a class of its own, so that what is counted tells each of them. At the end it
prints how many promises were kept; one that was not ends it.
"""

# %%
import contextlib
import json
import os

import keras
import numpy as np
from PIL import Image

from course.datasets.batches import Batches
from course.datasets.catalog import Origin
from course.datasets.warp import warp
from course.evaluation import evaluate_classifier
from course.export import export, load
from course.inference.run import predict
from course.models import cnn
from course.training import (
    all_devices,
    callbacks,
    read_history,
    resume,
    run_dir,
    set_seed,
    settings,
)

kept = []
to_numpy = keras.ops.convert_to_numpy


def promise(words, holds):
    assert holds, words
    kept.append(words)


def devices(n):
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * n)
    return [f"CPU:{i}" for i in range(n)]


# %%
s = settings(epochs=9, batch_size=8)
set_seed(s.seed)
promise("a flag, or a variable in a cell, gives a setting its value", s.epochs == 2)
run = run_dir("core", s)
promise("a run has a folder of its own", str(run) == os.path.join("runs", "core"))

# %%
x = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 1), "uint8")
y = np.arange(24)
names = [f"clase {i}" for i in y]

# %%
scope = contextlib.nullcontext
if os.environ["STRATEGY"] == "two devices" and keras.backend.backend() == "jax":
    all_devices()
elif os.environ["STRATEGY"] == "two devices":
    import tensorflow as tf

    scope = tf.distribute.MirroredStrategy(devices(2)).scope
elif os.environ["STRATEGY"] == "one device":
    import tensorflow as tf

    scope = tf.distribute.OneDeviceStrategy("CPU:0").scope


# %%
class Seen(keras.metrics.Metric):
    """The sum of a power of what was seen: with three powers, each example once or not."""

    def __init__(self, power):
        super().__init__(name=f"seen_{power}")
        self.power, self.total = power, self.add_variable((), "zeros", name="total")

    def update_state(self, y_true, y_pred, sample_weight=None):
        seen = keras.ops.cast(keras.ops.reshape(y_true, (-1,)), "float32")
        self.total.assign_add(keras.ops.sum(seen**self.power))

    def result(self):
        return keras.ops.convert_to_tensor(self.total)


def network():
    set_seed(s.seed)
    with scope():
        model = cnn((16, 16, 1), 24, filters=(4, 8), batch_norm=False)
        model.compile(
            keras.optimizers.Adam(0.01),
            "sparse_categorical_crossentropy",
            metrics=["accuracy", *map(Seen, (0, 1, 2))],
        )
    return model


def fit(model, run, epochs):
    batches = Batches(x, y, s.batch_size, s.seed, augment=warp)
    begun = resume(model, run)
    model.fit(
        batches,
        initial_epoch=begun,
        epochs=epochs,
        verbose=0,
        callbacks=callbacks(run, batches, seed=s.seed),
    )
    return begun


# %%
whole = network()
fit(whole, run, s.epochs)
rows = read_history(run)
promise("the history has each epoch once", [row["epoch"] for row in rows] == [1, 2])
sums = [float((y.astype(float) ** power).sum()) for power in (0, 1, 2)]
served = [[row[f"seen_{power}"] for power in (0, 1, 2)] for row in rows]
promise("each epoch serves each example once", served == [sums, sums])

# %%
other = run_dir("core", s)
promise("the same cell again makes a new folder", other != run)
fit(network(), other, 1)
model = network()
promise("a run that was left goes on where it was", fit(model, other, s.epochs) == 1)
pairs = zip(whole.get_weights(), model.get_weights(), strict=True)
promise("and ends as one that never stopped", all(np.allclose(a, b, atol=1e-5) for a, b in pairs))

# %%
where = Origin("core", None, "sample", None, None, "dibujos", True, "CC0", "nadie")
report = evaluate_classifier(model, x, y, class_names=names, origin=where)
likeliest = to_numpy(model(x.astype("float32"), training=False)).argmax(1)
promise("the score is that of the network", report.scores["accuracy"] == np.mean(likeliest == y))
path = export(model, other, card=report.card(preparation="photo", seed=s.seed))
page = report.save(other)
written = json.loads(page.with_name("report.json").read_text(encoding="utf-8"))
promise("there is a page, and beside it the score", written["scores"] == report.scores)

# %%
again, card = load(other)
asked = x.astype("float32")
answers = [to_numpy(each(asked, training=False)) for each in (model, again)]
promise("what was exported answers the same", np.allclose(*answers, atol=1e-5))
plain = to_numpy(keras.saving.load_model(path)(asked, training=False))
promise("with plain Keras as well", np.allclose(answers[0], plain, atol=1e-5))
Image.fromarray(x[5, ..., 0]).save("picture.png")
((best, *_),) = predict(other, ["picture.png"], card)
promise("a picture in a file gets the network's answer", best[0] == names[likeliest[5]])
print(f"kept {len(kept)} promises with {keras.backend.backend()}, Keras {keras.__version__}")
