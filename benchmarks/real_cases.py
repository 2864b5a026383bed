"""Score the attention U-Net on real gliomas it has not seen: train on three, score the fourth.

    python benchmarks/real_cases.py FOLDER > benchmarks/real_cases.txt    78 minutes, alone

Two networks learn from the three, one in 2D and one in 3D; beside each stands the mean of what both
say. FOLDER holds the four cases of BraTS 2015 that the DeepMedic project redistributes: FLAIR and
T1c, normalised, with a brain mask and labels 0–4 (Menze et al., 2015; CC BY-NC-SA 3.0 CH). In a run
nothing is chosen by the case that is scored: the networks have their settings here, and the three
training cases decide the rest, the threshold on FLAIR by its mean Dice of WT, how little ET is
none, and whether an answer keeps only its largest piece by whether one piece holds nearly all of
each mask. Beside it stands the best that any threshold could do, chosen by the scored mask itself.
Whoever wrote the 95 % below had seen that the largest piece of all four masks holds 96 % or more,
and had looked at their labels before settling how far augmentation goes. A network's answer is the
mean of what it says of the volume and of its mirror image.
"""

import argparse
import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
from conditions import conditions
from scipy import ndimage

from course.datasets import brats
from course.datasets.brats.batches import Patches, Slices
from course.datasets.brats.prepared import prepare
from course.inference import choose_least_et_ml, predict_volume, to_mask
from course.losses import DiceCrossentropy
from course.metrics import dice_score
from course.models import attention_unet
from course.regions import REGIONS, to_regions
from course.training import EpochSeeds, set_seed

FILES = {"flair": "Flair_subtrMeanDivStd.nii.gz", "t1ce": "T1c_subtrMeanDivStd.nii.gz"}
LEVELS = np.arange(0, 4, 0.1)
SETTINGS = {  # size of a sample, samples in a batch, steps in an epoch, epochs, widths
    2: ((192, 160), 8, 40, 20, (16, 32, 64, 128)),
    3: ((64, 64, 64), 1, 40, 12, (16, 32, 64, 128)),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    everyone = cases(options.folder)
    print(f"{conditions('tensorflow', 'keras')} · seed {options.seed}\n\n{'held out':22}"
          f"{'network':10}{'WT':>6}{'TC':>6}{'ET':>6}{'training, minutes':>19}")  # fmt: skip
    scores, thresholds = {"2D": [], "3D": [], "both": []}, []
    for held_out in everyone:
        others = [case for case in everyone if case is not held_out]
        (volume,) = brats.volumes([held_out])
        models, minutes = [], []
        for dims in SETTINGS:
            begun = time.monotonic()
            models.append(train(others, dims, options.seed))
            minutes.append((time.monotonic() - begun) / 60)
        asked = {"2D": models[:1], "3D": models[1:], "both": models}
        for (name, some), spent in zip(asked.items(), [*minutes, sum(minutes)], strict=True):
            scores[name].append(dice(volume, answer(some, others, volume)))
            print(line(held_out.name, name, scores[name][-1]) + f"{spent:19.1f}", flush=True)
        thresholds.append(threshold_dice(others, volume))
    for name, rows in scores.items():
        print(line("mean", name, np.mean(rows, axis=0)))
    print("\nWT by a threshold on FLAIR, the one that suits the others and the best there is:")
    for case, levels in zip(everyone, thresholds, strict=True):
        print(line(case.name, "", levels))
    print(line("mean", "", np.mean(thresholds, axis=0)))


def cases(folder):
    """The cases of files named by hand, one in each folder of this one."""
    found = []
    for home in sorted(each for each in folder.iterdir() if each.is_dir()):
        images = {name: home / file for name, file in FILES.items()}
        mask, brain = home / "OTMultiClass.nii.gz", home / "brainmask.nii.gz"
        found.append(brats.case(home.name, "2015", images, mask=mask, brain=brain))
    return found


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


def answer(models, others, volume):
    """The labels that these networks see, tidied as the cases that they learned from say."""

    def said(models, image):
        return np.mean([predict(model, image) for model in models], axis=0)

    regions = said(models, volume.image)
    if all(map(in_one_piece, brats.volumes(others))):
        regions = largest_piece(regions)
    least_et_ml = choose_least_et_ml(models, brats.volumes(others), said)
    return to_mask(regions, volume.image, volume.edition, volume.spacing_mm, least_et_ml)


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


def threshold_dice(cases, volume):
    """Dice of WT for the threshold on FLAIR that suits these cases best, and for the best one."""
    means = np.mean([dice_by_level(one) for one in brats.volumes(cases)], axis=0)
    scores = dice_by_level(volume)
    return scores[means.argmax()], scores.max()


def dice_by_level(volume):
    """Dice of WT for each threshold on FLAIR."""
    flair, true = volume.image[..., 0], volume.labels > 0
    return np.array([dice_score(true, flair > level) for level in LEVELS])


def line(case, network, dice):
    return f"{case:22}{network:10}" + "".join(f"{value:6.2f}" for value in dice)


if __name__ == "__main__":
    main()
