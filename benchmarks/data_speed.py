"""BraTS cases prepared a minute, and patches and slices read a second, beside MONAI's.

    pip install -e ".[bench]"
    python benchmarks/data_speed.py > benchmarks/data_speed.txt    twenty minutes, 4 GB of disk
    python benchmarks/data_speed.py --quick                        two cases: only that it runs

`brats.prepared.prepare` and MONAI's `PersistentDataset` prepare the same files, full-size cases as
loader_speed.py makes them up: both turn them to (D, H, W), cut out the brain, normalise each
channel and make regions of the mask; the run stops if what they made of a case differs. Batches are
read from the page cache, and nothing trains: by our `Patches` and `Slices`, and by MONAI's
DataLoader with its random crops, flips, gains and shifts of each channel, without metadata. MONAI
has less to do: ours lie around the tumour half of the time, 30 % are turned and zoomed as well, and
15 % get noise. "At once" cuts all of a case's samples when the case is read, so that they follow
one another in the network. Its workers are processes; our threads are what `fit` reads with. Each
row is a process of its own, and they take turns. cases.txt tells how memory grows with cases.
"""

import argparse
import concurrent.futures
import gc
import importlib.util
import itertools
import json
import os
import pathlib
import resource
import shutil
import sys
import tempfile
import time

from conditions import conditions, spread
from unet_speed import Worker, peak_mb

WAYS = {  # threads or workers beside it, whether all samples of a case are cut at once
    "ours": (0, False),
    "ours, 2 threads": (2, False),
    "MONAI": (0, False),
    "MONAI, 2 workers": (2, False),
    "MONAI at once": (0, True),
    "MONAI at once, 2 workers": (2, True),
}
PREPARING = ("ours", "MONAI", "MONAI, 2 workers")
READING = {  # size, how many in a batch, how many of each case
    "patches": ((64, 64, 64), 1, 4),
    "slices": ((192, 160), 8, 8),
}
KEYS = ("image", "mask")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(*options.worker)
    if not importlib.util.find_spec("monai"):
        sys.exit('MONAI is not here to be compared with: pip install -e ".[bench]"')
    count, turns = (2, 1) if options.quick else (options.cases, options.turns)
    endings, preparing, ways = (".nii.gz", ".nii"), PREPARING, WAYS
    if options.quick:
        endings, preparing, ways = (".nii",), ("ours", "MONAI"), ("ours", "MONAI")
    sys.stdout.reconfigure(line_buffering=True)  # a file shows at once what is finished
    print(conditions("tensorflow", "keras", "torch", "monai", "nibabel"))
    print(f"{count} cases of 240×240×155; median (least–most) of {turns} turns after one to warm "
          "up, ratios of each turn.\nMemory: the process's peak, and how much of it came after its "
          "libraries; then the peak of its largest worker,\nwhich shares them.")  # fmt: skip
    with tempfile.TemporaryDirectory() as home:
        for ending in endings:
            ask(Worker("write", ending, home, script=__file__), str(count))
            compare(f"prepare {ending}: cases a minute", "prepare", preparing, home, turns)
            print(ask(Worker("check", "", home, script=__file__), "")["same"])
        for task, (size, batch, _) in READING.items():
            title = f"{task} of {'×'.join(map(str, size))} in batches of {batch}: samples a second"
            compare(title, task, ways, home, turns)


def compare(title, task, ways, home, turns):
    workers = {way: Worker(task, way, home, script=__file__) for way in ways}
    for worker in workers.values():
        worker.ask("turn")
    rates = [{way: worker.ask("turn")["rate"] for way, worker in workers.items()}
             for _ in range(turns)]  # fmt: skip
    print(f"\n{title:62}{'ours / this':>20}{'MB a case':>11}{'memory, MB':>22}")
    for way, worker in workers.items():
        facts = ask(worker, "facts")
        rate = spread([turn[way] for turn in rates], 1)
        ratio = spread([turn["ours"] / turn[way] for turn in rates], 2)
        print(f"{way:38}{rate:>24}{ratio:>20}{facts['case_mb']:11.1f}{facts['memory']:>22}")


def ask(worker, last):
    answer = worker.ask(last)
    worker.end()
    return answer


# ---- the processes


def work(task, way, home):
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    home = pathlib.Path(home)
    if task in ("write", "check"):
        word = sys.stdin.readline().strip()
        reply = {"same": same(home)} if task == "check" else write(home / "raw", int(word), way)
        return print(json.dumps(reply), file=answers)
    once, count, folder = (ours if way.startswith("ours") else monai)(task, home, *WAYS[way])
    before_mb = peak_mb()
    for line in sys.stdin:
        if line.strip() == "turn":
            seconds = done = 0
            while seconds < 1:
                if task == "prepare":
                    shutil.rmtree(folder, ignore_errors=True)
                    folder.mkdir()  # MONAI made it when it began
                begun = time.perf_counter()
                once()
                seconds, done = seconds + time.perf_counter() - begun, done + count
            reply = {"rate": done / seconds * (60 if task == "prepare" else 1)}
        else:
            once, memory = None, f"{peak_mb():,.0f} (+{peak_mb() - before_mb:,.0f})"
            gc.collect()  # ends the workers
            if "workers" in way:
                memory += f", {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10:,.0f}"
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            reply = {"memory": memory, "case_mb": size / 1e6 / len(found(home))}
        print(json.dumps(reply), file=answers, flush=True)


def write(folder, count, ending):
    import loader_speed

    shutil.rmtree(folder, ignore_errors=True)
    return {"written": len(list(loader_speed.write(folder, count, ending)))}


def found(home):
    from course.datasets import brats

    return brats.find_cases(home / "raw", edition="2020")


def ours(task, home, threads, at_once):
    """What does all once, how many that is, and the folder of what is prepared."""
    from course.datasets.brats import batches, prepared

    cases, folder = found(home), home / "ours"
    if task == "prepare":
        return lambda: prepared.prepare(cases, folder), len(cases), folder
    size, batch, each = READING[task]
    kind = batches.Patches if task == "patches" else batches.Slices
    steps = len(cases) * each // batch
    data, threads = kind(prepared.prepare(cases, folder), batch, size, steps=steps), threads or 1
    pool, epochs = concurrent.futures.ThreadPoolExecutor(threads), itertools.count()

    def part(first):
        return sum(len(data[index][0]) for index in range(first, steps, threads))

    def read():
        data.start_epoch(next(epochs))
        return sum(pool.map(part, range(threads)))

    return read, steps * batch, folder


def monai(task, home, workers, at_once):
    """The same of MONAI."""
    import torch
    from monai import data
    from monai import transforms as t

    cases, folder = found(home), home / f"MONAI{workers if task == 'prepare' else 0}"
    if task == "prepare":
        cached = persistent(cases, folder)
        loader = torch.utils.data.DataLoader(cached, num_workers=workers, collate_fn=len)
        return lambda: list(loader), len(cases), folder
    size, batch, each = READING[task]
    data.set_track_meta(False)
    block = (1,) * (3 - len(size)) + size
    several = t.RandSpatialCropSamplesd(KEYS, block, each)
    random = [
        several if at_once else t.RandSpatialCropd(KEYS, block),
        t.SpatialPadd(KEYS, block),
        *[t.SqueezeDimd(KEYS, 1)] * (3 - len(size)),
        *(t.RandFlipd(KEYS, 0.5, axis) for axis in range(len(size))),
        t.RandScaleIntensityd("image", 0.35, prob=1, channel_wise=True),
        t.RandShiftIntensityd("image", 0.35, prob=1, channel_wise=True),
    ]
    loader = data.DataLoader(
        persistent(cases if at_once else cases * each, folder, random),
        batch_size=1 if at_once else batch,
        num_workers=workers,
        persistent_workers=workers > 0,
        shuffle=True,
    )
    return lambda: sum(len(batch["image"]) for batch in loader), len(cases) * each, folder


def persistent(cases, folder, random=()):
    """MONAI's dataset, which keeps in a file what a case is before the first random transform."""
    import torch
    from monai import data
    from monai import transforms as t

    files = [{"image": [str(path) for path in case.images.values()], "mask": str(case.mask)}
             for case in cases]  # fmt: skip
    fixed = [
        t.LoadImaged(KEYS),
        t.EnsureChannelFirstd(KEYS),
        t.CropForegroundd(KEYS, source_key="image"),  # early: what follows has less to do
        t.Orientationd(KEYS, axcodes="SPL"),
        t.ConvertToMultiChannelBasedOnBratsClassesd("mask"),
        t.NormalizeIntensityd("image", nonzero=True, channel_wise=True),
        t.Lambdad("image", torch.Tensor.contiguous),  # a view is kept with the volume behind it
    ]
    return data.PersistentDataset(files, [*fixed, *random], folder)


def same(home):
    """In words, that both made the same of every case; an error if not."""
    import numpy as np

    from course.datasets.brats.prepared import prepare

    cases, apart = found(home), 0
    pairs = zip(prepare(cases, home / "ours"), persistent(cases, home / "MONAI0"), strict=True)
    for one, other in pairs:
        image, regions = (np.moveaxis(other[key].numpy(), 0, -1) for key in KEYS)
        assert image.shape == one.image.shape, f"{one.name}: not the same box"
        assert (regions[..., [1, 0, 2]] == one.regions).all(), f"{one.name}: not the same regions"
        assert ((image == 0) == (one.image == 0)).all(), f"{one.name}: not the same brain"
        apart = max(apart, float(abs(image - one.image.astype("float32")).max()))
    assert apart < 2e-3, f"not the same values: {apart} apart"
    return (
        f"Both made the same: boxes, regions, and values at most {apart:.4f} apart, as ours are "
        "float16. MONAI takes the\nmean and the deviation of a channel's voxels that are not 0, we "
        "those of the brain: here no voxel of it is 0."
    )


if __name__ == "__main__":
    main()
