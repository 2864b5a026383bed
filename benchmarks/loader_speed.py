"""Is loading slower than training? A training step on real batches beside one on a repeated batch.

    TF_ENABLE_ONEDNN_OPTS=1 python benchmarks/loader_speed.py > benchmarks/loader_speed.txt

It writes full-size cases as BraTS 2020 has them (240×240×155, four modalities; a brain-sized
ellipsoid of noise with a tumour in it, since only sizes matter for time), prepares them with the
kit, and trains the default attention U-Net in 2D and 3D. Epochs on one repeated batch, held as
tensors by tf.data, and epochs with the real loader take turns, and take turns in going first, so
that both meet the same machine; the ratio is that of all epochs together, since one pair of
neighbours alone may differ by a tenth where the machine is shared. Beside the time stands the
processor's: what the loader adds to it no other program can blur. Needs about 2 GB of disk while it
runs.
"""

import argparse
import os
import pathlib
import resource
import shutil
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf
from conditions import conditions

from course.datasets import brats
from course.datasets.brats import prepared as store
from course.datasets.brats.batches import Patches, Slices
from course.models.unet import attention_unet

SHAPE = (240, 240, 155)  # as stored: x, y, z
AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])
BRAIN = (68, 88, 70)  # half axes in voxels: a box of 136×176×140


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=36, help="in an epoch")
    options = parser.parse_args()
    print(f"{conditions('tensorflow', 'keras')}, "
          f"TF_ENABLE_ONEDNN_OPTS={os.environ.get('TF_ENABLE_ONEDNN_OPTS')}")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        prepared = prepare(pathlib.Path(folder), options.cases)
        seconds = (time.perf_counter() - begun) / options.cases
        size = sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*.npy"))
        print(
            f"{options.cases} cases, each made and prepared in {seconds:.1f} s, "
            f"{size / 1e6 / options.cases:.0f} MB prepared.\n"
            f"Epochs of {options.steps} steps in turns, {options.rounds} of each after one of each "
            "to warm up. Seconds: median (smallest–largest).\nRatios: of all epochs together (of "
            "single neighbours, smallest–largest).\n"
            "warm: the kernel still holds the files in memory. cold: they were dropped from there "
            "before each epoch,\nwhose first batch has to be waited for; the others are loaded "
            "while the network trains.\n"
        )
        print(f"{'network, batch':18}  {'files':5}  {'repeated, s/step':19}  "
              f"{'loader, s/step':19}  {'time ratio':19}  {'CPU time ratio':19}  "
              f"{'peak memory, GB':>15}", flush=True)  # fmt: skip
        for name, batches in {
            "2D 8×192×160": Slices(prepared, 8, (192, 160), steps=options.steps),
            "2D 16×128×128": Slices(prepared, 16, (128, 128), steps=options.steps),
            "3D 1×64×64×64": Patches(prepared, 1, (64, 64, 64), steps=options.steps),
        }.items():
            for files in ("warm", "cold"):
                measure(name, batches, options.rounds, prepared, files)


def prepare(folder, count):
    """Write raw cases one by one, prepare each, and take the raw files away again."""
    done = []
    for written in write(folder / "raw", count):
        [case] = brats.find_cases(folder / "raw", edition="2020")
        done += store.prepare([case], folder / "prepared")
        shutil.rmtree(written)
    return store.Store(done)


def write(folder, count, ending=".nii"):
    """Write raw cases one by one; yield the folder of each."""
    import nibabel

    grid = np.meshgrid(*(np.arange(n) - n // 2 for n in SHAPE), indexing="ij", sparse=True)
    distance = sum((axis / half) ** 2 for axis, half in zip(grid, BRAIN, strict=True))
    rng = np.random.default_rng(0)
    for number in range(count):
        place = rng.integers(-30, 31, 3)
        from_tumour = sum((axis - at) ** 2 for axis, at in zip(grid, place, strict=True))
        labels = np.zeros(SHAPE, "uint8")
        for label, radius in ((2, 22), (1, 14), (4, 8)):
            labels[from_tumour < radius**2] = label
        name = f"BraTS20_Training_{number + 1:03}"
        for kind in ("flair", "t1", "t1ce", "t2"):
            picture = (rng.integers(200, 900, SHAPE) + 100 * labels) * (distance < 1)
            save(nibabel, picture.astype("int16"), folder / name / f"{name}_{kind}{ending}")
        save(nibabel, labels, folder / name / f"{name}_seg{ending}")
        yield folder / name


def save(nibabel, array, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(array, AFFINE).to_filename(path)


def measure(name, batches, rounds, prepared, files):
    keras.utils.set_random_seed(0)
    rank = len(batches.size)
    model = attention_unet(
        (*[None] * rank, 4), 3, filters=(16, 32, 64, 128), output_activation="sigmoid"
    )
    model.compile(optimizer="adam", loss="binary_crossentropy")
    one = tf.data.Dataset.from_tensors(batches[0]).repeat(len(batches)).prefetch(2)
    options = tf.data.Options()
    options.autotune.enabled = False  # it may delay the end of an epoch: course.training.devices
    one = one.with_options(options)
    taken = {"repeated": [], "loader": []}
    for epoch in range(rounds + 1):
        batches.start_epoch(epoch)
        for kind in taken if epoch % 2 else reversed(taken):
            if kind == "loader" and files == "cold":
                drop_from_cache(prepared)
            taken[kind].append(epoch_of(model, one if kind == "repeated" else batches))
    # (rounds, time and CPU time)
    repeated, loader = (np.array(epochs[1:]) for epochs in taken.values())
    seconds = [
        f"{np.median(s):.3f} ({min(s):.3f}–{max(s):.3f})"
        for s in (repeated[:, 0] / len(batches), loader[:, 0] / len(batches))
    ]
    ratios = [
        f"{b.sum() / a.sum():.3f} ({min(b / a):.3f}–{max(b / a):.3f})"
        for a, b in zip(repeated.T, loader.T, strict=True)
    ]
    columns = "  ".join(seconds + ratios)
    print(f"{name:18}  {files:5}  {columns}  {peak_gb():15.2f}", flush=True)


class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        now = time.perf_counter(), time.process_time()
        self.seconds = [b - a for a, b in zip(self.begun, now, strict=True)]


def epoch_of(model, batches):
    clock = Clock()
    model.fit(batches, epochs=1, verbose=0, callbacks=[clock])
    return clock.seconds


def drop_from_cache(prepared):
    for case in prepared:
        for path in case.folder.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def peak_gb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
