"""Small cnn, vgg and resnet on Sign MNIST: parameters, seconds per epoch, accuracy.

    python benchmarks/architectures.py                      data fetched from Kaggle
    python benchmarks/architectures.py --source FOLDER      a folder that holds a copy

All three are trained alike, for a few epochs, without augmentation: a comparison at the same cost,
not the best that each can do. Nothing was tuned and nothing is chosen by the test set, which is
scored once, after the last epoch. The optimizer and its step are the same for all three. Seconds
of the CPU, over all its cores, depend less than those of the wall on what else the machine does.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
import keras  # noqa: E402 (the variable must be there first)
from conditions import conditions  # noqa: E402

from course.datasets import sign_mnist  # noqa: E402
from course.datasets.batches import Batches  # noqa: E402
from course.models import cnn, resnet, vgg  # noqa: E402

MODELS = {
    "cnn": lambda: cnn((28, 28, 1), 24, filters=(16, 64, 96, 128)),
    "vgg": lambda: vgg((28, 28, 1), 24, filters=(16, 32, 64), repeats=(2, 2, 2), units=(128,)),
    "resnet": lambda: resnet((28, 28, 1), 24, filters=(8, 16, 32), repeats=(1, 1, 1)),
}


class Clock(keras.callbacks.Callback):
    """Seconds of each epoch, `(wall, CPU)`; the first also prepares the network."""

    def __init__(self, batches):
        super().__init__()
        self.batches, self.seconds = batches, []

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.start_epoch(epoch)
        self.begun = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        now = time.perf_counter(), time.process_time()
        self.seconds.append([end - begin for begin, end in zip(self.begun, now, strict=True)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--source", default="kaggle")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--limit", type=int, help="use only so many examples")
    options = parser.parse_args()
    train, test = sign_mnist.load_data(options.source)
    train, test = ([part[: options.limit] for part in pair] for pair in (train, test))
    print(conditions("tensorflow", "keras"))
    print(f"Sign MNIST, {len(train[1]):,} images, {options.epochs} epochs, seeds {options.seeds}, "
          "Adam 1e-3, batch 128, no augmentation; official test, once\n")  # fmt: skip
    print(f"{'':8}  {'':>10}  {'seconds per epoch (median)':>26}")
    print(f"{'network':8}  {'parameters':>10}  {'wall':>12}  {'CPU':>12}  accuracy")
    for name, build in MODELS.items():
        seconds, scores = [], []
        for seed in options.seeds:
            model, times, score = run(build, train, test, options.epochs, seed)
            seconds += times[1:] or times  # the first epoch also prepares the network
            scores.append(f"{100 * score:.2f} %")
        wall, cpu = (statistics.median(kind) for kind in zip(*seconds, strict=True))
        print(f"{name:8}  {model.count_params():10,}  {wall:12.1f}  {cpu:12.1f}  "
              f"{', '.join(scores)}", flush=True)  # fmt: skip


def run(build, train, test, epochs, seed):
    """One training: `(model, (wall, CPU) seconds of each epoch, accuracy on the test set)`."""
    keras.utils.set_random_seed(seed)
    model = build()
    batches = Batches(train[0][..., None], train[1], 128, seed)
    clock = Clock(batches)
    model.compile(
        keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(batches, epochs=epochs, callbacks=[clock], verbose=0)
    _, accuracy = model.evaluate(test[0][..., None], test[1], batch_size=512, verbose=0)
    return model, clock.seconds, accuracy


if __name__ == "__main__":
    main()
