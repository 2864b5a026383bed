"""MNIST, five seeds of each in turns: Taller 2, the same in two epochs, and keras.io's example.

    python benchmarks/mnist.py > benchmarks/mnist.txt    an hour; MNIST fetched from Kaggle
    python benchmarks/mnist.py --source FOLDER           a folder that holds a copy of MNIST
    python benchmarks/mnist.py --quick                   one epoch on the sample: only that it runs

Each training is a process of its own, with the machine to itself; Taller 2 is the lesson as a
student starts it. Minutes are those of the epochs, validation included: on 5 % of train in Taller
2, on 10 % in the example. What the lesson fixes was settled before, with other seeds (RESULTS.md);
each network is scored once on the official test. The example is "Simple MNIST convnet" of keras.io
(F. Chollet, 2015), as it stands there but for the seed.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from conditions import conditions, mean_of_seeds, runs_of_this_commit
from scores import train

SEEDS = [10, 11, 12, 13, 14]
FAST = "2"
EXAMPLE = "keras.io's example"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--source", default="kaggle")
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--example", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.example:
        return example(*options.example)
    ways = {"Taller 2": [], f"Taller 2, {FAST} epochs": ["--epochs", FAST]}
    epochs = 15
    if options.quick:
        options.source, options.seeds = "sample", [0]
        ways, epochs = {"Taller 2, 1 epoch": ["--epochs", "1"]}, 1
    print(f"{conditions('tensorflow', 'keras')}\nseeds {options.seeds}, in turns\n")
    with tempfile.TemporaryDirectory() as passing:
        runs = pathlib.Path(passing) if options.quick else runs_of_this_commit("mnist")
        done = {EXAMPLE: [], **{name: [] for name in ways}}
        for seed in options.seeds:
            done[EXAMPLE].append(example_run(seed, options.source, epochs, runs))
            for name, flags in ways.items():
                done[name].append(train("taller2", seed, options.source, *flags, runs=runs))
    show(done)


def show(done):
    print(f"{'':20}  {'parameters':>10}  {'accuracy, %: mean ± 95 % (least–most)':>37}  "
          f"{'training, minutes':>17}  {'of the example':>14}")  # fmt: skip
    usual = statistics.mean(one["training_s"] for one in done[EXAMPLE])
    for name, runs in done.items():
        accuracy = mean_of_seeds([100 * one["scores"]["accuracy"] for one in runs], 3)
        minutes = [one["training_s"] / 60 for one in runs]
        print(f"{name:20}  {runs[0]['parameters']:10,}  {accuracy:>37}  "
              f"{f'{min(minutes):.1f}–{max(minutes):.1f}':>17}  "
              f"{60 * statistics.mean(minutes) / usual:14.2f}")  # fmt: skip


def example_run(seed, source, epochs, runs):
    """keras.io's example with one seed in a process of its own, or what it has left."""
    answer = runs / f"example-seed{seed}.json"
    if not answer.exists():
        command = [sys.executable, __file__, "--example", str(seed), source, str(epochs)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        answer.parent.mkdir(parents=True, exist_ok=True)
        answer.write_text(done.stdout.splitlines()[-1])
    return json.loads(answer.read_text())


def example(seed, source, epochs):
    import keras
    from keras import layers

    from course.datasets import mnist

    keras.utils.set_random_seed(int(seed))
    (x_train, y_train), (x_test, y_test) = mnist.load_data(source)
    x_train, x_test = (x.astype("float32")[..., None] / 255 for x in (x_train, x_test))
    y_train, y_test = (keras.utils.to_categorical(y, 10) for y in (y_train, y_test))
    model = keras.Sequential(
        [
            keras.Input(shape=(28, 28, 1)),
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    begun = time.perf_counter()
    model.fit(x_train, y_train, batch_size=128, epochs=int(epochs), validation_split=0.1, verbose=0)
    taken = time.perf_counter() - begun
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    answer = {"scores": {"accuracy": accuracy}, "training_s": taken}
    print(json.dumps(answer | {"parameters": model.count_params()}))


if __name__ == "__main__":
    main()
