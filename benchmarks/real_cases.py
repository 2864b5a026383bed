"""Score the attention U-Net on real gliomas it has not seen: train on three, score the fourth.

    python benchmarks/real_cases.py FOLDER > benchmarks/real_cases.txt    110 minutes, alone

FOLDER holds the four cases of BraTS 2015 that the DeepMedic project redistributes: FLAIR and T1c,
normalised, with a brain mask and labels 0–4 (Menze et al., 2015; CC BY-NC-SA 3.0 CH). In a run
nothing is chosen by the case that is scored: the networks have their settings here, and the three
training cases decide the rest. A network that has seen so few says too little of what it has not
met: so from which probability a region is written is asked inside the three, where each two of them
train a network and the third says at which of `LEVELS` the mean Dice is best. The masks of all
three say whether an answer keeps only its largest piece, and the three a threshold on FLAIR by its
mean Dice of WT; beside it stands the best that any threshold could do, chosen by the scored mask
itself. Whoever wrote the 95 % below had seen that the largest piece of all four masks holds 96 % or
more, and had looked at their labels before settling how far augmentation goes. A network's answer
is the mean of what it says of the volume and of its mirror image.

Two networks train at a time, a thread each. What they say is kept in `runs/`: a run that was
stopped goes on.
"""

import argparse
import concurrent.futures
import functools
import itertools
import multiprocessing
import os
import pathlib
import sys
import tempfile
import time

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
from conditions import conditions, runs_of_this_commit
from scipy import ndimage

from course.datasets import brats
from course.datasets.brats.batches import Patches, Slices
from course.datasets.brats.prepared import prepare
from course.inference import predict_volume, to_mask
from course.losses import DiceCrossentropy
from course.metrics import dice_score
from course.models import attention_unet
from course.regions import REGIONS, to_regions
from course.training import EpochSeeds, set_seed

FILES = {"flair": "Flair_subtrMeanDivStd.nii.gz", "t1ce": "T1c_subtrMeanDivStd.nii.gz"}
FLAIR_LEVELS = np.arange(0, 4, 0.1)
LEVELS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # probabilities
HALF = (0.5,) * len(REGIONS)
SETTINGS = {  # size of a sample, samples in a batch, steps in an epoch, epochs, widths
    3: ((64, 64, 64), 1, 40, 12, (16, 32, 64, 128)),
    2: ((192, 160), 8, 40, 20, (16, 32, 64, 128)),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # a file shows at once what is finished
    volumes = list(brats.volumes(cases(options.folder)))
    numbers = range(len(volumes))
    print(f"{conditions('tensorflow', 'keras')} · seed {options.seed}\n\n"
          f"{'':28}{'from 0.5 on':>18}{'from where the other three say':>36}{'training':>12}\n"
          f"{'held out':28}{'WT    TC    ET':>18}{'WT    TC    ET':>18}{'WT/TC/ET':>18}"
          f"{'minutes':>12}")  # fmt: skip
    for dims in SETTINGS:
        answers = learn_and_answer(options, dims, len(volumes))
        rows = [score(answers, volumes, held_out) for held_out in numbers]
        for volume, (half, chosen, levels, minutes) in zip(volumes, rows, strict=True):
            print(f"{volume.name:24}{dims}D  {cells(half)}{cells(chosen)}"
                  f"{'/'.join(map(str, levels)):>18}{minutes:12.1f}")  # fmt: skip
        half, chosen = (np.mean([row[n] for row in rows], axis=0) for n in range(2))
        print(f"{'mean':24}{dims}D  {cells(half)}{cells(chosen)}\n")
    print("WT by a threshold on FLAIR, the one that suits the others and the best there is:")
    rows = [threshold_dice(volumes, held_out) for held_out in numbers]
    for volume, scores in zip(volumes, rows, strict=True):
        print(f"{volume.name:28}{cells(scores)}")
    print(f"{'mean':28}{cells(np.mean(rows, axis=0))}")


def cases(folder):
    """The cases of files named by hand, one in each folder of this one."""
    found = []
    for home in sorted(each for each in folder.iterdir() if each.is_dir()):
        images = {name: home / file for name, file in FILES.items()}
        mask, brain = home / "OTMultiClass.nii.gz", home / "brainmask.nii.gz"
        found.append(brats.case(home.name, "2015", images, mask=mask, brain=brain))
    return found


def learn_and_answer(options, dims, count):
    """A file of answers for each two and three of the cases: `{numbers of those: path}`."""
    os.environ |= dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    home = runs_of_this_commit("real_cases")
    home.mkdir(parents=True, exist_ok=True)
    teams = [team for size in (2, 3) for team in itertools.combinations(range(count), size)]
    one = functools.partial(learn_and_answer_once, options.folder, home, dims, options.seed)
    fresh = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    with concurrent.futures.ProcessPoolExecutor(2, fresh, max_tasks_per_child=1) as pool:
        return dict(zip(teams, pool.map(one, teams), strict=True))


def learn_and_answer_once(folder, home, dims, seed, team):
    """Train on these cases, and write what is said of the others and how long that took."""
    path = home / f"{dims}d-{'-'.join(map(str, team))}-seed{seed}.npz"
    if path.exists():
        return path
    everyone = cases(folder)
    begun = time.monotonic()
    model = train([everyone[number] for number in team], dims, seed)
    minutes = (time.monotonic() - begun) / 60
    others = sorted(set(range(len(everyone))) - set(team))
    volumes = brats.volumes([everyone[number] for number in others])
    said = {
        str(number): predict(model, volume.image).astype("float16")
        for number, volume in zip(others, volumes, strict=True)
    }
    half_written = path.with_suffix(".part")
    with half_written.open("wb") as file:
        np.savez_compressed(file, minutes=minutes, **said)
    half_written.rename(path)
    return path


def score(answers, volumes, held_out):
    """Dice from 0.5 on and from the chosen levels on, these levels, the minutes of training."""
    team = tuple(number for number in range(len(volumes)) if number != held_out)
    others = [volumes[number] for number in team]
    asked = [
        np.load(answers[tuple(other for other in team if other != number)])[str(number)]
        for number in team
    ]
    levels = choose_levels(others, asked)
    answer = np.load(answers[team])
    one_piece = all(map(in_one_piece, others))
    half, chosen = (
        dice(volumes[held_out], written(volumes[held_out], answer[str(held_out)], some, one_piece))
        for some in (HALF, levels)
    )
    return half, chosen, levels, answer["minutes"]


def choose_levels(volumes, asked):
    """From which of `LEVELS` on each region has its best mean Dice in these answers."""
    true = [to_regions(volume.labels, volume.edition) for volume in volumes]
    means = np.mean(
        [
            [[dice_score(t[..., i], p[..., i] >= level) for i in range(len(REGIONS))]
             for level in LEVELS]
            for t, p in zip(true, asked, strict=True)
        ],
        axis=0,
    )  # fmt: skip
    return [LEVELS[best] for best in means.argmax(axis=0)]


def written(volume, probabilities, levels, one_piece):
    """The labels that are written where each region begins at its level."""
    regions = (probabilities >= np.float32(levels)).astype("float32")
    if one_piece:
        regions = largest_piece(regions)
    return to_mask(regions, volume.image, volume.edition, volume.spacing_mm)


def train(cases, dims, seed):
    """An attention U-Net trained on these cases alone."""
    size, batch_size, steps, epochs, filters = SETTINGS[dims]
    set_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        batches = (Slices if dims == 2 else Patches)(
            prepare(cases, folder), batch_size, size, seed, steps=steps
        )
        model = attention_unet(
            (*(None,) * dims, len(FILES)),
            len(REGIONS),
            filters=filters,
            output_activation="sigmoid",
        )
        schedule = keras.optimizers.schedules.CosineDecay(
            3e-4, steps * epochs, warmup_target=3e-3, warmup_steps=steps
        )
        model.compile(keras.optimizers.Adam(schedule), DiceCrossentropy(multilabel=True))
        model.fit(batches, epochs=epochs, verbose=0, callbacks=[EpochSeeds(seed, batches)])
    return model


def predict(model, image):
    """Probabilities of the regions, `(D, H, W, 3)`: the mean of both mirror images' answers."""
    there = predict_volume(model, image)
    mirrored = predict_volume(model, image[:, :, ::-1])[:, :, ::-1]
    return (there + mirrored) / 2


def in_one_piece(volume):
    """Whether the largest piece of the tumour holds 95 % of it."""
    tumour = volume.labels > 0
    return largest(tumour).sum() >= 0.95 * tumour.sum()


def largest_piece(regions):
    """The same probabilities, 0 outside the largest piece of whole tumour."""
    return regions * largest(regions[..., 0] > 0.5)[..., None]


def largest(mask):
    """The largest of the pieces that touch face to face."""
    pieces, _ = ndimage.label(mask)
    sizes = np.bincount(pieces.ravel())[1:]
    return pieces == 1 + sizes.argmax() if len(sizes) else mask


def dice(volume, labels):
    """Dice of WT, TC and ET."""
    true, answer = (to_regions(array, volume.edition) for array in (volume.labels, labels))
    return [dice_score(true[..., i], answer[..., i]) for i in range(len(REGIONS))]


def threshold_dice(volumes, held_out):
    """Dice of WT for the threshold on FLAIR that suits the others best, and for the best one."""
    scores = np.array([dice_by_level(volume) for volume in volumes])
    means = np.delete(scores, held_out, axis=0).mean(axis=0)
    return scores[held_out, means.argmax()], scores[held_out].max()


def dice_by_level(volume):
    """Dice of WT for each threshold on FLAIR."""
    flair, true = volume.image[..., 0], volume.labels > 0
    return np.array([dice_score(true, flair > level) for level in FLAIR_LEVELS])


def cells(dice):
    return "".join(f"{value:6.2f}" for value in dice)


if __name__ == "__main__":
    main()
