"""Who segments better after the same ten minutes of a processor, ours or MONAI's AttentionUnet?

    pip install -e ".[bench]"
    python benchmarks/equal_time.py                40 brains to learn, 10 unseen; three seeds
    python benchmarks/equal_time.py real FOLDER    four gliomas, each held out in turn
    python benchmarks/equal_time.py gives --minutes 5       what other recipes would give, on others
    python benchmarks/equal_time.py --quick        seconds in place of minutes

Two processes at once, each on a core of its own with one thread, learn from the same prepared cases
and the same patches until they have used so many minutes of their processor; tracing counts. Each
has its own network, equal widths, and its own loss: ours three sigmoids and `DiceCrossentropy`, the
peer four classes, a softmax and MONAI's DiceCELoss; Adam and one learning rate, which rises and
falls with the time. Then both are asked in the same windows and answer in the same ways, so that
what an answer gains by being tidied is not taken for what the network gains. FOLDER is that of
real_cases.py. What tidies an answer is decided by the cases that were learned from.
"""

import argparse
import dataclasses
import itertools
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from conditions import conditions, runs_of_this_commit

FILTERS = (16, 32, 64, 128)
PEAK, WARM_UP = 3e-3, 0.05  # learning rate, and the share of the time until it is reached
STEPS = 40  # in an epoch, after which the cases are shuffled anew
SIZES = {  # sides of the patches, and how many are in a batch
    ("made-up", 2): ((112, 96), 16),
    ("made-up", 3): ((64, 64, 64), 2),
    ("real", 2): ((192, 160), 8),
    ("real", 3): ((64, 64, 64), 1),
}
SEEDS = {"made-up": [6, 7, 8], "real": [0], "gives": [100]}
LEARN, UNSEEN, DECIDE = 40, 10, 20  # made-up brains; those that decide how answers are tidied
NETS = {"ours": "attention_unet", "monai": "MONAI AttentionUnet"}
OURS = {  # our recipe, and others of which the table says what they would give
    "ours": "our recipe",
    "anywhere": "patches anywhere in the brain, not half of them through WT, TC or ET",
    "same-light": "pictures turned, zoomed and flipped, their light as it is",
    "as-they-lie": "pictures in another light and with noise, not turned or flipped",
    "unchanged": "pictures as they are",
    "over-batch": "Dice over the batch, not in each sample by itself",
    "averaged": "weights averaged over the steps (0.99)",
    "blocks": "blocks of 64³ in 3D, not slices",
}
LEFT_OUT = {  # of an `Augmentation`
    "same-light": {"gain": 1.0, "shift": 0.0, "noise": 0.0},
    "as-they-lie": {"flips": (False, False, False), "angle_deg": 0.0, "zoom": 1.0},
}
WAYS = {  # of answering: mirrored too, too little ET as core, only the largest piece
    "as it is": (False, False, False),
    "too little ET as core": (False, True, False),
    "and only the largest piece": (False, True, True),
    "and the mean with the mirror image's": (True, True, True),
}
CHOSEN = "too little ET as core"  # what the kit does


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["made-up", "real", "gives"], nargs="?", default="made-up")
    parser.add_argument("folder", type=pathlib.Path, nargs="?")
    parser.add_argument("--dims", type=int, choices=[2, 3], default=2)
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(json.loads(options.worker))
    options.seeds = options.seeds or SEEDS[options.what]
    if options.quick:
        options.seeds, options.minutes = [0], 0.1
    sys.stdout.reconfigure(line_buffering=True)  # a file shows at once what is finished
    print(f"{conditions('tensorflow', 'keras', 'torch', 'monai')}\n"
          f"{options.what}, {options.dims}D, widths {FILTERS}, seeds {options.seeds}: "
          f"{options.minutes:g} minutes of one\n"
          "core and one thread for each network; two at once\n")  # fmt: skip
    with tempfile.TemporaryDirectory() as passing:
        runs = pathlib.Path(passing) if options.quick else runs_of_this_commit("equal_time")
        if options.what == "gives":
            return gives(options, runs)
        plans = [plan(options, seed) for seed in options.seeds]
        if options.what == "real":
            folds = sum(folder.is_dir() for folder in options.folder.iterdir())
            plans = [plans[0] | {"held_out": number} for number in range(folds)]
        compare([pair([one | {"net": net} for net in NETS], runs) for one in plans])


def plan(options, seed):
    """What a worker is told."""
    told = {key: getattr(options, key) for key in ("what", "dims", "minutes", "quick")}
    return told | {"seed": seed, "held_out": 0, "folder": str(options.folder)}


def gives(options, runs):
    """Our recipe beside others, on brains of which nothing else is reported."""
    print(f"{'':74}{'WT':>4}{'TC':>6}{'ET':>6}{'mean':>6}{CHOSEN:>30}")
    names = list(OURS)
    for two in zip(names[::2], names[1::2], strict=True):
        nets = [{"net": net, "dims": 3 if net == "blocks" else 2} for net in two]
        pairs = [pair([plan(options, seed) | net for net in nets], runs) for seed in options.seeds]
        for n, net in enumerate(two):
            means = [mean_dice(pairs, n, way) for way in ("as it is", CHOSEN)]
            print(f"{OURS[net]:68}" + "      ".join(map(cells, means)))


def compare(pairs):
    """Each case of both, then the means, answered in each way."""
    print(f"{'':34}" + "".join(f"{title:>28}" for title in NETS.values()))
    print(f"{f'case ({CHOSEN})':34}" + f"{'WT':>10}{'TC':>6}{'ET':>6}{'mean':>6}" * 2)
    for two in pairs:
        for name, *dice in zip(two[0]["cases"], *(one["dice"][CHOSEN] for one in two), strict=True):
            print(f"{name:34}" + "".join(map(cells, dice)))
    for way in WAYS:
        means = [mean_dice(pairs, n, way) for n in range(2)]
        print(f"{way:34}" + "".join(map(cells, means)))
    for n, title in enumerate(NETS.values()):
        steps = ", ".join(f"{two[n]['steps']:,}" for two in pairs)
        least = ", ".join(f"{two[n]['least_et_ml']:.2f}" for two in pairs)
        print(f"{title}: {steps} steps; ET from {least} ml on")


def mean_dice(pairs, n, way):
    """Of WT, TC and ET over all cases, by the first or the second of each pair."""
    return np.concatenate([two[n]["dice"][way] for two in pairs]).mean(axis=0)


def cells(dice):
    return f"{dice[0]:10.2f}{dice[1]:6.2f}{dice[2]:6.2f}{np.mean(dice):6.3f}"


# ---- two at once


def pair(plans, runs):
    """What two networks answer that learn at the same time, or what they have left before."""
    name = "{what}-{dims}d-{minutes:g}min-{net}-seed{seed}-{held_out}.json"
    paths = [runs / name.format(**one) for one in plans]
    if not all(path.exists() for path in paths):
        runs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            working = [
                start(one | {"core": core, "store": f"{folder}/{core}", "path": str(path)})
                for core, (one, path) in enumerate(zip(plans, paths, strict=True))
            ]
            if any([worker.wait() for worker in working]):
                raise SystemExit("A worker failed; what it said stands above.")
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def start(one):
    threads = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    settings = {
        "KERAS_BACKEND": "tensorflow" if one["net"] in OURS else "torch",
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **dict.fromkeys(threads, "1"),
    }
    command = [sys.executable, __file__, one["what"], "--worker", json.dumps(one)]
    return subprocess.Popen(command, env=os.environ | settings, stdout=sys.stderr)


def work(one):
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, [cores[one["core"] % len(cores)]])
    from course.datasets.brats.augment import Augmentation
    from course.datasets.brats.batches import Patches, Slices
    from course.datasets.brats.prepared import prepare
    from course.training import set_seed

    learn, unseen = cases(one)
    set_seed(one["seed"])
    draw, left_out = Augmentation.draw, LEFT_OUT.get(one["net"], {})
    Augmentation.draw = lambda *args: dataclasses.replace(draw(*args), **left_out)
    size, batch_size = SIZES["real" if one["what"] == "real" else "made-up", one["dims"]]
    batches = (Slices if one["dims"] == 2 else Patches)(
        prepare(learn, one["store"]),
        batch_size,
        size,
        one["seed"],
        steps=STEPS,
        augment=one["net"] != "unchanged",
        tumour_share=0.0 if one["net"] == "anywhere" else 0.5,
    )
    begun = time.process_time()
    model, step = (ours if one["net"] in OURS else monais)(one, channels=len(learn[0].modalities))
    for number in itertools.count():
        epoch, at = divmod(number, STEPS)
        if at == 0:
            batches.start_epoch(epoch)
        share = (time.process_time() - begun) / (60 * one["minutes"])
        if share >= 1:
            break
        step(*batches[at], rate(share))
    if one["net"] == "averaged":
        model.optimizer.finalize_variable_values(model.trainable_variables)
    answers = judge(model, learn, unseen)
    path = pathlib.Path(one["path"])
    path.write_text(json.dumps({"steps": number, **answers}), encoding="utf-8")


def cases(one):
    """Those to learn from, and those that are not seen."""
    import real_cases

    from course.datasets import brats
    from course.datasets.samples import brains

    if one["what"] == "real":
        found = real_cases.cases(pathlib.Path(one["folder"]))
        unseen = found.pop(one["held_out"])
        return found, [unseen]
    learn, unseen, shape = (LEARN, UNSEEN, brains.SHAPE)
    if one["quick"]:
        learn, unseen, shape = 3, 2, (40, 56, 48)
    folder = brains.write_cases(f"{one['store']}-made", learn + unseen, one["seed"], shape)
    found = brats.find_cases(folder, edition="2020")
    return found[:learn], found[learn:]


def rate(share):
    """The learning rate after a share of the time: up in a line, then down along a cosine."""
    return PEAK * min(0.1 + share / WARM_UP, 1) * 0.5 * (1 + math.cos(math.pi * share))


def ours(one, channels):
    import keras

    from course.losses import DiceCrossentropy
    from course.models import attention_unet

    class OverBatch(DiceCrossentropy):
        def call(self, *both):
            return super().call(*(keras.ops.reshape(y, (1, -1, y.shape[-1])) for y in both))

    shape = (*(None,) * one["dims"], channels)
    model = attention_unet(shape, 3, filters=FILTERS, output_activation="sigmoid")
    loss = OverBatch if one["net"] == "over-batch" else DiceCrossentropy
    average = {"use_ema": True, "ema_momentum": 0.99} if one["net"] == "averaged" else {}
    model.compile(keras.optimizers.Adam(PEAK, **average), loss(multilabel=True))

    def step(x, y, learning_rate):
        model.optimizer.learning_rate = learning_rate
        model.train_on_batch(x, y)

    return model, step


def monais(one, channels):
    import torch
    from monai.losses import DiceCELoss
    from monai.networks.nets import AttentionUnet

    torch.set_num_threads(1)
    torch.manual_seed(one["seed"])
    net = AttentionUnet(one["dims"], channels, 4, FILTERS, strides=(2,) * (len(FILTERS) - 1))
    optimizer = torch.optim.Adam(net.parameters(), PEAK)
    loss = DiceCELoss(to_onehot_y=True, softmax=True)
    net.train()

    def step(x, y, learning_rate):
        y = y.sum(axis=-1, keepdims=True)  # 0 nothing, 1 oedema, 2 core, 3 what enhances
        x, y = (torch.from_numpy(array).movedim(-1, 1).contiguous() for array in (x, y))
        optimizer.param_groups[0]["lr"] = learning_rate
        optimizer.zero_grad()
        loss(net(x), y).backward()
        optimizer.step()

    return Asked(net, (None,) * (one["dims"] + 1) + (channels,)), step


class Asked:
    """MONAI's network as `predict_volume` asks one: channels last, probabilities of the regions."""

    def __init__(self, net, input_shape):
        self.net, self.input_shape = net, input_shape

    def predict_on_batch(self, images):
        import torch

        self.net.eval()
        with torch.inference_mode():
            logits = self.net(torch.from_numpy(images).movedim(-1, 1).contiguous())
            classes = torch.softmax(logits, dim=1).movedim(1, -1).numpy()
        # of a region, the sum of the classes that it joins
        return classes[..., :0:-1].cumsum(axis=-1)[..., ::-1]


def judge(model, learn, unseen):
    """Dice of WT, TC and ET in each case that was not seen, answered in each of `WAYS`."""
    import real_cases

    from course.datasets import brats
    from course.inference import choose_least_et_ml, predict_volume, to_mask

    one_piece = all(map(real_cases.in_one_piece, brats.volumes(learn)))
    predict = {False: predict_volume, True: real_cases.predict}
    least_et_ml = {
        mirrored: choose_least_et_ml(model, brats.volumes(learn[:DECIDE]), how)
        for mirrored, how in predict.items()
    }
    dice = {way: [] for way in WAYS}
    for volume in brats.volumes(unseen):
        found = {mirrored: how(model, volume.image) for mirrored, how in predict.items()}
        for way, (mirrored, least, piece) in WAYS.items():
            answer = found[mirrored]
            if piece and one_piece:
                answer = real_cases.largest_piece(answer)
            least_ml = least_et_ml[mirrored] if least else 0.0
            labels = to_mask(answer, volume.image, volume.edition, volume.spacing_mm, least_ml)
            dice[way].append(real_cases.dice(volume, labels))
    names = [volume.name for volume in unseen]
    return {"cases": names, "dice": dice, "least_et_ml": least_et_ml[False]}


if __name__ == "__main__":
    main()
