"""Time a whole volume by sliding window beside MONAI's, with the air around the brain and without.

    pip install -e ".[bench]"
    python benchmarks/whole_volume.py

The volume has BraTS' size: an ellipsoid of noise as large as a brain, and zeros around it.
`predict_volume` covers only the box that is not zero; MONAI's inferers cover what they are given.
So each is asked in both ways: all of the volume (ours by a trick of this file alone: two opposite
corners hold 1e-30), and the brain's box (what MONAI crops is set back into the volume, which counts
too). Equal widths, windows, batches, overlap and Gaussian weights. In 2D a window is a whole slice,
and MONAI's is SliceInferer: sliding_window_inference, one slice deep.

Four processes, one a row, wait for each other: while one works, the others sleep; the networks are
untrained. At the end the same windows go through a network that sees one voxel only: inside the
brain all four must answer alike. A real network need not, since with the air windows lie elsewhere,
and at their borders it sees zeros: ours learns a bright spot, and both answers are compared.
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time

import numpy as np
from conditions import conditions, spread
from unet_speed import THREADS, Worker, peak_mb

FILTERS, REGIONS, CHANNELS, OVERLAP = (16, 32, 64, 128), 3, 4, 0.5
BATCH = 2**18  # voxels at once, as predict_volume has them; at least one window
SIZES = {  # the volume, half axes of the brain, a block, a slice of the volume and one of the brain
    "full": ((155, 240, 240), (70, 88, 68), (96, 96, 96), (240, 240), (192, 160)),
    "quick": ((48, 64, 64), (20, 26, 22), (32, 32, 32), (64, 64), (56, 48)),
}
ROWS = {
    "predict_volume": ("keras", "brain"),
    "predict_volume, with the air": ("keras", "whole"),
    "MONAI, with the air": ("torch", "whole"),
    "MONAI, cropped to the brain": ("torch", "brain"),
}
RATIOS = {
    "as each comes: ours / MONAI's with the air": (0, 2),
    "the brain alone: ours / MONAI's, cropped": (0, 3),
    "both with the air: ours / MONAI's": (1, 2),
    "what the air costs us: with it / without it": (1, 0),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="times that each has its turn")
    parser.add_argument("--quick", action="store_true", help="a small volume, one turn")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(*options.worker)
    size, rounds = ("quick", 1) if options.quick else ("full", options.rounds)
    sys.stdout.reconfigure(line_buffering=True)  # a file shows at once what is finished
    shape, half, block, *slices = SIZES[size]
    print(f"{conditions('tensorflow', 'keras', 'torch', 'monai')}\n"
          f"{by(shape)} voxels, the brain's box {by(2 * n for n in half)}, {CHANNELS} channels; "
          f"{THREADS} threads, float32\nattention U-Nets of widths {by(FILTERS)}, "
          f"overlap {OVERLAP}, Gaussian weights of sigma side/8\n"
          f"seconds: median (least–most) of {rounds} turns after a first call; ratios: of turns\n"
          "memory: the process's peak less what it had before its net was built")  # fmt: skip
    compare(size, "3D", f"blocks of {by(block)}", rounds)
    compare(size, "2D", f"slices of {by(slices[0])}, of the brain {by(slices[1])}", rounds)


def by(sides):
    return "×".join(map(str, sides))


def compare(size, case, windows, rounds):
    with tempfile.TemporaryDirectory() as folder:
        workers = [Worker(*row, size, case, script=__file__) for row in ROWS.values()]
        facts = [worker.ask("predict") for worker in workers]
        turns = [[worker.ask("predict")["time_s"] for worker in workers] for _ in range(rounds)]
        facts = [fact | worker.ask(folder) for fact, worker in zip(facts, workers, strict=True)]
        for worker in workers:
            worker.end()
        brain = inside(*SIZES[size][:2])
        answers = [np.load(f"{folder}/{'-'.join(row)}.npy")[brain] for row in ROWS.values()]
    times = list(zip(*turns, strict=True))
    print(f"\n{f'{case}: {windows}':44}{'10⁶ voxels seen':>16}{'first call, s':>15}{'seconds':>22}"
          f"{'peak memory, MB':>17}")  # fmt: skip
    for title, fact, seconds in zip(ROWS, facts, times, strict=True):
        print(f"{title:44}{fact['seen'] / 1e6:16.1f}{fact['time_s']:15.1f}{spread(seconds, 2):>22}"
              f"{fact['memory_mb']:17,.0f}")  # fmt: skip
    for title, (a, b) in RATIOS.items():
        ratios = [x / y for x, y in zip(times[a], times[b], strict=True)]
        print(f"{title:75}{spread(ratios, 3):>22}")
    apart = [np.ptp(some, axis=0).max() for some in (answers[:2], answers)]
    assert apart[1] < 1e-5, f"not the same answers: {apart}"
    most, mean, other = facts[0]["trained"]
    print("inside the brain, with the air and without it:\n"
          f"  of a network that sees one voxel, ours lie {apart[0]:.0e} apart at most, all four "
          f"{apart[1]:.0e}\n  of the trained one, {most:.2f} at most and {mean:.4f} in the mean; "
          f"{other:.2%} of voxels have another label")  # fmt: skip


def inside(shape, half):
    """Where the brain is."""
    grid = np.meshgrid(*(np.arange(n) - n // 2 + 0.5 for n in shape), indexing="ij", sparse=True)
    return sum((axis / n) ** 2 for axis, n in zip(grid, half, strict=True)) < 1


# ---- the processes


def work(framework, part, size, case):
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    replies, sys.stdout = sys.stdout, sys.stderr  # what a framework prints is no reply
    shape, half, block, *slices = SIZES[size]
    windows = dict.fromkeys(("whole", "brain"), block)
    if case == "2D":
        windows = dict(zip(windows, slices, strict=True))
    seen = []  # voxels in each batch
    build, voxelwise, predict = {"keras": ours, "torch": monais}[framework](windows, seen)
    rng, brain, last = np.random.default_rng(0), inside(shape, half), framework == "keras"
    image = np.empty((*shape, CHANNELS) if last else (CHANNELS, *shape), "float32")
    for channel in np.moveaxis(image, -1, 0) if last else image:
        channel[:] = rng.standard_normal(shape, "float32") * brain  # no peak to hide the network's
    kernel, bias = rng.standard_normal((CHANNELS, REGIONS), "float32"), np.ones(REGIONS, "float32")
    before_mb, net = peak_mb(), build()
    for line in sys.stdin:
        task = line.strip()
        seen.clear()
        if task == "predict":
            begun = time.perf_counter()
            predict(net, image, part)
            reply = {"time_s": time.perf_counter() - begun, "seen": sum(seen)}
        else:  # the folder where answers are left
            reply = {"memory_mb": peak_mb() - before_mb}
            answer = predict(voxelwise(kernel, bias), image, part)
            np.save(f"{task}/{framework}-{part}.npy", answer)
            if (framework, part) == ("keras", "brain"):
                spots = [inside(shape, np.multiply(half, size)) for size in (0.5, 0.35, 0.2)]
                learn(net, image, np.stack(spots, axis=-1).astype("float32"))
                a, b = (predict(net, image, part)[brain] for part in windows)
                other = ((a >= 0.5) != (b >= 0.5)).any(axis=-1)
                values = np.abs(a - b).max(), np.abs(a - b).mean(), other.mean()
                reply["trained"] = [float(value) for value in values]
        print(json.dumps(reply), file=replies, flush=True)


def learn(net, image, spots):
    """Sixty steps on pieces of the image, in which the spots are made brighter."""
    image += spots.sum(axis=-1, keepdims=True)
    rng, flat = np.random.default_rng(1), len(net.input_shape) == 4
    shape = np.array(spots.shape[:3])
    sides = np.minimum((8, 128, 128) if flat else (64, 64, 64), shape // 16 * 8)
    net.compile("adam", "binary_crossentropy")
    for _ in range(60):
        start = rng.integers(0, shape - sides + 1)
        piece = tuple(slice(a, a + n) for a, n in zip(start, sides, strict=True))
        pair = image[piece], spots[piece]
        net.train_on_batch(*(pair if flat else [array[None] for array in pair]))


def ours(windows, seen):
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf

    from course.inference import predict_volume
    from course.models import attention_unet

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    keras.utils.set_random_seed(0)
    rank = len(windows["brain"])
    shape = (*[None] * rank, CHANNELS)

    def build():
        return attention_unet(shape, REGIONS, FILTERS, output_activation="sigmoid")

    def voxelwise(kernel, bias):
        conv = {2: keras.layers.Conv2D, 3: keras.layers.Conv3D}[rank]
        net = keras.Sequential([keras.Input(shape), conv(REGIONS, 1, activation="sigmoid")])
        net.set_weights([kernel.reshape(net.weights[0].shape), bias])
        return net

    def predict(net, image, part):
        image[[0, -1], [0, -1], [0, -1]] = 1e-30 if part == "whole" else 0  # opposite corners
        ask = type(net).predict_on_batch

        def counted(batch):
            seen.append(batch[..., 0].size)
            return ask(net, batch)

        net.predict_on_batch = counted
        return predict_volume(net, image, windows[part], OVERLAP)

    return build, voxelwise, predict


def monais(windows, seen):
    import torch
    from monai.inferers import SliceInferer, SlidingWindowInferer
    from monai.networks.nets import AttentionUnet
    from monai.transforms import generate_spatial_bounding_box

    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    rank = len(windows["brain"])

    def build():
        strides = (2,) * (len(FILTERS) - 1)
        return AttentionUnet(rank, CHANNELS, REGIONS, FILTERS, strides).eval()

    def voxelwise(kernel, bias):
        conv = {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[rank](CHANNELS, REGIONS, 1)
        conv.weight.data = torch.from_numpy(kernel.T.reshape(conv.weight.shape).copy())
        conv.bias.data = torch.from_numpy(bias)
        return conv

    def predict(net, image, part):
        def probabilities(batch):
            seen.append(batch[:, 0].numel())
            return torch.sigmoid(net(batch))

        image, window = torch.from_numpy(image), windows[part]
        slide = {2: SliceInferer, 3: SlidingWindowInferer}[rank](
            roi_size=window, sw_batch_size=max(1, BATCH // math.prod(window)),
            overlap=OVERLAP, mode="gaussian", sigma_scale=0.125,
        )  # fmt: skip
        with torch.inference_mode():
            if part == "whole":
                answer = slide(image[None], probabilities)[0]
            else:
                low, high = generate_spatial_bounding_box(image, lambda image: image != 0)
                box = tuple(map(slice, low, high))
                answer = torch.zeros((REGIONS, *image.shape[1:]))
                answer[:, *box] = slide(image[:, *box][None], probabilities)[0]
        return np.moveaxis(answer.numpy(), 0, -1)

    return build, voxelwise, predict


if __name__ == "__main__":
    main()
