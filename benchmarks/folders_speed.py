"""One's own pictures: how quickly a folder of photographs is read, and in how much memory.

    python benchmarks/folders_speed.py > benchmarks/folders_speed.txt

Photographs of 12 megapixels, in two classes, are read by `course.datasets.folders` with `Batches`,
and by `keras.utils.image_dataset_from_directory`: the same files, size, channels and batches, black
around what is not square. Each runs in a process of its own that does nothing else; an epoch asks
for every batch and trains nothing. Our first epoch includes all that `read` does, looking for twins
and damaged files among it. Forty photographs are made; the others are links to them, with names of
their own, since decoding is what takes the time. Peak memory counts the array on the disk as far as
it was read, 12 kB a photograph, which the system may take back.

It ends with how long `splits.near_duplicates` takes, and what 50,000 photographs need, computed.
All this is for classes; of masks Taller 6 holds besides one channel for each class, in memory.
"""

import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
from conditions import conditions
from PIL import Image

MADE = 40
SIDES = (4000, 3000)
BATCH = 32
MANY = 50_000


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, nargs="+", default=[500, 2000])
    parser.add_argument("--twins", type=int, nargs="+", default=[5_000, 10_000, MANY])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(*options.child, options)
    # this process imports neither: one that it starts begins with its peak memory
    print(conditions("tensorflow", "keras"))
    print(f"size {options.size}, three channels, batches of {BATCH}\n")
    print(f"{'':32} {'pictures':>9} {'first epoch':>14} {'later epochs':>14} {'peak memory':>12}")
    print(f"{'':32} {'':9} {'pictures / s':>14} {'pictures / s':>14} {'MB':>12}")
    with tempfile.TemporaryDirectory() as home:
        for count in options.pictures:
            folder = photographs(pathlib.Path(home), count)
            for way in ("folders", "image_dataset_from_directory"):
                first, later, peak = measured(way, folder, options)
                print(
                    f"{way:32} {count:9} {count / first:14.0f} {count / later:14.0f} {peak:12.0f}"
                )
                if way == "folders":
                    seconds = first / count
    for count in options.twins:
        taken, _, peak = measured("twins", count, options)
        print(f"\nnear_duplicates of {count}: {taken:.1f} s, peak memory {peak:.0f} MB", end="")
    disk = MANY * options.size**2 * 3 / 1e9
    print(
        f"\n\n{MANY} photographs, computed from the last row of folders: {MANY * seconds / 60:.0f} "
        f"min once, {disk:.1f} GB on the disk.\n"
        "All this is for classes. Of masks of k classes Taller 6 holds besides one channel for "
        f"each, in memory: k times {MANY * options.size**2 / 1e9:.1f} GB."
    )


def photographs(home, count):
    """A folder with `count` photographs in two classes."""
    made, rng = home / "made", np.random.default_rng(0)
    if not made.is_dir():
        made.mkdir()
        for number in range(MADE):
            noise = Image.fromarray(rng.integers(0, 256, (60, 80, 3), "uint8"))
            noise.resize(SIDES, Image.Resampling.BICUBIC).save(made / f"{number}.jpg", quality=90)
    folder = home / f"photographs {count}"
    for number in range(count):
        path = folder / "ab"[number % 2] / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(made / f"{number % MADE}.jpg", path)
    return folder


def measured(way, what, options):
    """Seconds of the first epoch and of the median later one, and MB, of a process of its own."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, __file__, "--size", str(options.size)]
        command += ["--epochs", str(options.epochs), "--child", way, str(what)]
        environment = {**os.environ, "KAGGLEHUB_CACHE": cache, "TF_CPP_MIN_LOG_LEVEL": "3"}
        answer = subprocess.run(
            command, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
    return map(float, answer.stdout.split()[-3:])


def child(way, what, options):
    """Print seconds and MB for `measured`; libraries are loaded before the clock starts."""
    opening = {"folders": ours, "image_dataset_from_directory": keras_own, "twins": twins}[way]
    open_it = opening(what, options.size)
    start = time.perf_counter()
    epoch = open_it()
    epoch()
    first, later = time.perf_counter() - start, []
    for _ in range(options.epochs):
        start = time.perf_counter()
        epoch()
        later.append(time.perf_counter() - start)
    print(first, np.median(later), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def ours(folder, size):
    from course.datasets import folders
    from course.datasets.batches import Batches

    def open_it():
        record = folders.read(folder, size=size, color=True)
        batches = Batches(record.images, record.labels, BATCH, seed=0)
        return lambda: [len(batches[i]) for i in range(len(batches))]

    return open_it


def keras_own(folder, size):
    import keras

    def open_it():
        data = keras.utils.image_dataset_from_directory(
            folder,
            batch_size=BATCH,
            image_size=(size, size),
            pad_to_aspect_ratio=True,
            seed=0,
            verbose=False,
        )
        return lambda: [len(batch) for batch in data]

    return open_it


def twins(count, size):
    from course.datasets import splits

    def open_it():
        images = np.random.default_rng(0).integers(0, 256, (int(count), 28, 28), "uint8")
        splits.near_duplicates(images, np.zeros(len(images)))
        return lambda: None

    return open_it


if __name__ == "__main__":
    main()
