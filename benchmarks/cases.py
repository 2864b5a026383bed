"""Do preparing and training grow as the cases do, and memory not? 5, 10, 20, 40 and 80 of them.

    python benchmarks/cases.py > benchmarks/cases.txt

Made-up cases of 96×96×64 voxels, four modalities and a mask: a fourteenth of one of BraTS, for what
is looked at is how things grow. Each number of cases has a process of its own, which prepares them
and trains a small U-Net one epoch after one to warm up, 16 slices of 64×64 of each case. Beside the
time stands the processor's, which other programs of the machine blur less. Memory is the most that
the process has ever held.
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

SHAPE, SIZE = (96, 96, 64), (64, 64)  # as stored: x, y, z; what the network takes
AFFINE = np.array([[-1.0, 0, 0, 0], [0, -1, 0, 95], [0, 0, 1, 0], [0, 0, 0, 1]])
COUNTS = (5, 10, 20, 40, 80)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--one", type=int, help="in this process, so many cases")
    given = parser.parse_args()
    if given.one:
        return measure(given.one)
    print(conditions("tensorflow", "keras"), end="\n\n")
    print(
        "Seconds, in brackets the processor's; then the processor's for a case; the most memory.\n"
    )
    print(f"{'cases':5}   {'preparing':20}{'one epoch':20}{'a case prepared, trained':27}MB")
    for count in given.counts:
        subprocess.run([sys.executable, __file__, "--one", str(count)], check=True)


def measure(count):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from course.datasets import brats
    from course.datasets.brats.batches import Slices
    from course.datasets.brats.prepared import prepare

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write(folder / "raw", count)
        cases = brats.find_cases(folder / "raw", edition="2020")
        clock = Clock()
        store = prepare(cases, folder / "prepared")
        preparing, before_mb = clock.read(), peak_mb()
        batches = Slices(store, 16, SIZE)
        model = network()
        model.fit(batches, epochs=1, verbose=0)
        batches.start_epoch(1)
        clock = Clock()
        model.fit(batches, epochs=1, verbose=0)
        training = clock.read()
    cells = [f"{wall:6.1f} ({cpu:5.1f})".ljust(20) for wall, cpu in (preparing, training)]
    each = ", ".join(f"{cpu / count:.2f}" for _, cpu in (preparing, training))
    print(f"{count:5}   {''.join(cells)}{each:27}{before_mb:.0f}, {peak_mb():.0f}", flush=True)


class Clock:
    """Seconds, of the clock on the wall and of the processor, since it was made."""

    def __init__(self):
        self.begun = time.perf_counter(), time.process_time()

    def read(self):
        return time.perf_counter() - self.begun[0], time.process_time() - self.begun[1]


def network():
    import keras

    from course.models import unet

    keras.utils.set_random_seed(0)
    model = unet((*SIZE, 4), 3, filters=(8, 16, 32), output_activation="sigmoid")
    model.compile("adam", "binary_crossentropy")
    return model


def write(folder, count):
    """Raw cases: a ball of noise in each modality, and in it a tumour with its three labels."""
    import nibabel

    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij", sparse=True)
    distance = sum(axis**2 for axis in grid)
    labels = np.zeros(SHAPE, "uint8")
    for label, radius in ((2, 0.3), (1, 0.2), (4, 0.1)):
        labels[distance < radius] = label
    for number in range(1, count + 1):
        rng, name = np.random.default_rng(number), f"BraTS20_Training_{number:03}"
        (folder / name).mkdir(parents=True)
        for kind in ("flair", "t1", "t1ce", "t2", "seg"):
            picture = (rng.integers(200, 900, SHAPE) + 100 * labels) * (distance < 0.9)
            array = labels if kind == "seg" else picture.astype("int16")
            path = folder / name / f"{name}_{kind}.nii"
            nibabel.Nifti1Image(array, AFFINE).to_filename(path)


def peak_mb():
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
