"""Score the attention U-Net on real gliomas it has not seen: train on three, score the fourth.

    python benchmarks/real_cases.py FOLDER --dims 3 > benchmarks/real_cases.txt    an hour, alone

FOLDER holds the four cases of BraTS 2015 that the DeepMedic project redistributes: FLAIR and T1c,
normalised, with a brain mask and labels 0–4 (Menze et al., 2015; CC BY-NC-SA 3.0 CH). In a run
nothing is chosen by the case that is scored: networks have their settings here, and the three
others decide the rest. How to answer is asked inside them: each two train a network, the third is
answered in each of the ways, and the way with the best mean Dice is taken.

A way is who answers and where a region begins. Either one network answers, or the mean of it and of
the smaller teams' networks, which learned from one case less, as nnU-Net's five folds answer
together. A region begins at a probability of 0.5, or at that of `LEVELS` with the best mean Dice in
what each smaller team says of the case it had not seen. So networks learn from one case, from two
and from three; two at a time, a thread each. What they say is the mean of the volume and of its
mirror image, and is kept in `runs/`: a run that was stopped goes on.

Whether an answer keeps only its largest piece is decided by the masks of the training cases. What
was known before: whoever wrote the 95 % below had seen that the largest piece of all four masks
holds 96 % or more, and had looked at their labels before settling how far augmentation goes. The
list of ways is not blind either: with seed 0 the first was "one network, all from a level"; the
others were written after its scores in two of the held-out cases had been seen, and the Dice of
every two cases' network at every level. What networks say together was not known.

A threshold on FLAIR stands beside it: the one that suits the others, and the best there is, chosen
by the scored mask itself.
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
    parser.add_argument("--dims", type=int, choices=SETTINGS, help="only these; else both")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # a file shows at once what is finished
    volumes = list(brats.volumes(cases(options.folder)))
    names = [volume.name.removeprefix("brats_2013_") for volume in volumes]
    print(f"{conditions('tensorflow', 'keras')} · seed {options.seed}\n"
          "Dice of WT/TC/ET in the case held out; * is the way that the other three chose.\n"
          "Smaller teams: networks that learned from one case less. A level: what suits the cases\n"
          "best that these had not seen.\n\n"
          f"{'':51}" + "".join(f"{name:>16}" for name in [*names, "mean"]))  # fmt: skip
    for dims in [options.dims] if options.dims else SETTINGS:
        print(f"{dims}D")
        report(learn_and_answer(options, dims, len(volumes)), volumes)
    rows = [threshold_dice(volumes, held_out) for held_out in range(len(volumes))]
    for title, scores in zip(("of the others", "the best"), zip(*rows, strict=True), strict=True):
        print(row(f"WT by a threshold on FLAIR, {title}", [[score] for score in scores]))


def report(answers, volumes):
    """A row for each way to answer, a column for each case held out; then what was chosen."""
    numbers = range(len(volumes))
    teams = {held_out: without(numbers, held_out) for held_out in numbers}
    found = {held_out: ways(answers, volumes, team, held_out) for held_out, team in teams.items()}
    chosen = {}
    for held_out, team in teams.items():
        inside = [ways(answers, volumes, without(team, number), number) for number in team]
        means = {way: np.mean([one[way] for one in inside]) for way in found[held_out]}
        chosen[held_out] = max(means, key=means.get)
    for way in found[0]:
        marks = ["*" if chosen[held_out] == way else " " for held_out in numbers]
        print(row(way, [found[held_out][way] for held_out in numbers], marks))
    best = [found[held_out][chosen[held_out]] for held_out in numbers]
    print(row("as the other three chose", best))
    minutes = [np.load(answers[team])["minutes"] for team in teams.values()]
    print(f"{'minutes of training on one core':51}{''.join(f'{one:16.1f}' for one in minutes)}\n")


def row(title, scores, marks=()):
    """A cell for each case and for their mean: its Dice, and a mark."""
    cells = ["/".join(f"{one:.2f}" for one in dice) for dice in (*scores, np.mean(scores, axis=0))]
    marked = map("".join, itertools.zip_longest(cells, marks, fillvalue=" "))
    return (f"{title:51}" + "".join(f"{cell:>16}" for cell in marked)).rstrip()


def without(team, number):
    return tuple(other for other in team if other != number)


def cases(folder):
    """The cases of files named by hand, one in each folder of this one."""
    found = []
    for home in sorted(each for each in folder.iterdir() if each.is_dir()):
        images = {name: home / file for name, file in FILES.items()}
        mask, brain = home / "OTMultiClass.nii.gz", home / "brainmask.nii.gz"
        found.append(brats.case(home.name, "2015", images, mask=mask, brain=brain))
    return found


def learn_and_answer(options, dims, count):
    """A file of answers for each one, two and three of the cases: `{numbers of those: path}`."""
    os.environ |= dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    home = runs_of_this_commit("real_cases")
    home.mkdir(parents=True, exist_ok=True)
    teams = [
        team for size in range(1, count) for team in itertools.combinations(range(count), size)
    ]
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
    found = {
        str(number): predict(model, volume.image).astype("float16")
        for number, volume in zip(others, volumes, strict=True)
    }
    half_written = path.with_suffix(".part")
    with half_written.open("wb") as file:
        np.savez_compressed(file, minutes=minutes, **found)
    half_written.rename(path)
    return path


def ways(answers, volumes, team, asked):
    """Dice of WT, TC and ET in a case, for each way to answer with what this team has trained."""
    smaller = {number: answers[without(team, number)] for number in team}
    levels = choose_levels({number: said(smaller[number], number) for number in team}, volumes)
    alone = said(answers[team], asked)
    together = np.mean([alone, *(said(path, asked) for path in smaller.values())], axis=0)
    one_piece = all(in_one_piece(volumes[number]) for number in team)
    return {
        f"{who}, {where}": dice(volumes[asked], written(volumes[asked], answer, begin, one_piece))
        for who, answer in (("one network", alone), ("with the smaller teams'", together))
        for where, begin in (
            ("from 0.5 on", HALF),
            ("TC and ET from a level", (HALF[0], *levels[1:])),
            ("all from a level", levels),
        )
    }


def said(path, number):
    """The probabilities of the regions that a team's network has said of a case."""
    with np.load(path) as file:
        return file[str(number)].astype("float32")


def choose_levels(answers, volumes):
    """At which of `LEVELS` each region has its best mean Dice in these answers, untidied."""
    means = np.mean([dice_by_level(volumes[number], answers[number]) for number in answers], axis=0)
    return [LEVELS[best] for best in means.argmax(axis=0)]


def dice_by_level(volume, probabilities):
    """Dice of each region, `(LEVELS, REGIONS)`, if it begins at this level."""
    true = to_regions(volume.labels, volume.edition)
    regions = range(len(REGIONS))
    return [
        [dice_score(true[..., i], probabilities[..., i] >= level) for i in regions]
        for level in LEVELS
    ]


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
    scores = np.array([flair_dice(volume) for volume in volumes])
    means = np.delete(scores, held_out, axis=0).mean(axis=0)
    return scores[held_out, means.argmax()], scores[held_out].max()


def flair_dice(volume):
    """Dice of WT for each threshold on FLAIR."""
    flair, true = volume.image[..., 0], volume.labels > 0
    return np.array([dice_score(true, flair > level) for level in FLAIR_LEVELS])


if __name__ == "__main__":
    main()
