"""One process on one core beside two on a core each: seconds of an epoch of a small CNN, on JAX.

    python benchmarks/processes.py                 three epochs of each, the first left out

Each process is pinned to its core (Linux), so that the one process does not use both. The batch is
the same, 128 made-up pictures of 28×28: of two processes each computes on 64. Run it where nothing
else runs.

The losses are printed too. Those of the tests agree to 1e-5; here, with labels that cannot be
learnt, rounding grows with each step. How far it goes by itself a third run says: one process
again, the first kernel larger by one part in ten million.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from conditions import conditions

from course.training import processes

TRAINING = """
import json, os, sys
os.sched_setaffinity(0, {int(sys.argv.pop(1))})
larger = float(sys.argv.pop(1))
import keras, numpy as np
from course.datasets.batches import Batches
from course.models import cnn
from course.training import all_devices, alone, callbacks, read_history, resume, run_dir, set_seed
from course.training import settings

s = settings(epochs=3, batch_size=128)
set_seed(s.seed)
run = run_dir("processes", s)
x = np.random.default_rng(0).integers(0, 256, (6400, 28, 28, 1), "uint8")
batches = Batches(x, np.arange(6400) % 10, s.batch_size, s.seed)
with all_devices(batch_size=s.batch_size):
    model = cnn((28, 28, 1), 10, filters=(16, 64, 96, 128))
    model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy")
kernel = next(weight for weight in model.trainable_variables if len(weight.shape) == 4)
kernel.assign(kernel * (1 + larger))
model.fit(
    batches,
    initial_epoch=resume(model, run),
    epochs=s.epochs,
    verbose=0,
    callbacks=callbacks(run, batches, seed=s.seed),
)
model = alone(model)
rows = read_history(run)
print(json.dumps({"loss": [r["loss"] for r in rows], "time_s": [r["time_s"] for r in rows]}))
"""


def train(count, larger, epochs, folder):
    """What process 0 of so many has measured; the first kernel is larger by that part."""
    address = f"127.0.0.1:{processes.free_port()}"
    running = []
    for number, core in zip(range(count), sorted(os.sched_getaffinity(0)), strict=False):
        environment = {**os.environ, "KERAS_BACKEND": "jax"}
        if count > 1:
            names = processes.ADDRESSES, processes.COUNT, processes.ID
            environment.update(zip(names, (address, str(count), str(number)), strict=True))
        flags = ["--epochs", str(epochs), "--run-dir", str(folder / f"run-{count}-{larger}")]
        script = folder / "training.py"
        script.write_text(TRAINING, encoding="utf-8")
        command = [sys.executable, str(script), str(core), str(larger), *flags]
        running.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        )
    said = [one.communicate()[0] for one in running]
    if any(one.returncode for one in running):
        raise SystemExit("a process did not come to its end")
    return json.loads(said[0].splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    given = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        raise SystemExit("two cores are needed")
    print(f"{conditions('jax', 'keras')} · on {cores} of them")
    with tempfile.TemporaryDirectory() as folder:
        for count, larger in ((1, 0), (2, 0), (1, 1.2e-7)):
            found = train(count, larger, given.epochs, pathlib.Path(folder))
            seconds = min(found["time_s"][1:] or found["time_s"])
            losses = ", ".join(f"{loss:.6f}" for loss in found["loss"])
            print(
                f"{count} process{'es' if count > 1 else ''}"
                f"{', first kernel larger by 1.2e-7' if larger else ''}: {seconds:.1f} s an epoch, "
                f"{6400 / seconds:.0f} pictures a second; losses {losses}"
            )


if __name__ == "__main__":
    main()
