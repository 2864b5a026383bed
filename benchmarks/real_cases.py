"""Score the attention U-Net on real gliomas it has not seen: train on three, score the fourth.

    python benchmarks/real_cases.py FOLDER             2D, each case held out in turn
    python benchmarks/real_cases.py FOLDER --dims 3    the same in 3D

FOLDER holds the four cases of BraTS 2015 that the DeepMedic project redistributes: FLAIR and T1c,
normalised, with a brain mask and labels 0–4 (Menze et al., 2015; CC BY-NC-SA 3.0 CH). In a run
nothing is chosen by the case that is scored: the network has its settings here, and the three
training cases decide the rest, the threshold on FLAIR by its mean Dice of WT, and whether an answer
keeps only its largest piece by whether one piece holds nearly all of each mask. Beside it stands
the best that any threshold could do, chosen by the scored mask itself. Whoever wrote the 95 % below
had seen that the largest piece of all four masks holds 96 % or more, and had looked at their labels
before settling how far augmentation goes. The network's answer is the mean of what it says of the
volume and of its mirror image.
"""

import argparse
import datetime
import os
import pathlib
import platform
import tempfile
import time

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
from scipy import ndimage

from course.datasets import brats
from course.datasets.brats.batches import Patches, Slices
from course.datasets.brats.prepared import prepare
from course.inference import in_brain, predict_volume, to_labels
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
    parser.add_argument("--dims", type=int, choices=SETTINGS, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    everyone = cases(options.folder)
    print(f"{datetime.date.today()} · {platform.machine()}, {os.cpu_count()} cores · Keras "
          f"{keras.__version__} on {keras.backend.backend()} · {options.dims}D · seed "
          f"{options.seed}\n\n{'held out':22}  "
          + "  ".join(f"{name:>5}" for name in REGIONS)
          + "  WT by a threshold on FLAIR: of the others  the best  training, minutes")  # fmt: skip
    rows = []
    for held_out in everyone:
        others = [case for case in everyone if case is not held_out]
        begun = time.monotonic()
        model = train(others, options.dims, options.seed)
        minutes = (time.monotonic() - begun) / 60
        (volume,) = brats.volumes([held_out])
        regions = predict(model, volume.image)
        if all(in_one_piece(other) for other in brats.volumes(others)):
            regions = largest_piece(regions)
        answer = in_brain(to_labels(regions, volume.edition), volume.image)
        row = [*dice(volume, answer), *threshold_dice(others, volume)]
        rows.append(row)
        print(line(held_out.name, row) + f"  {minutes:17.1f}", flush=True)
    print(line("mean", np.mean(rows, axis=0)))


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


def line(name, values):
    scores = "  ".join(f"{value:5.2f}" for value in values[:3])
    return f"{name:22}  {scores}  {values[3]:41.2f}  {values[4]:8.2f}"


if __name__ == "__main__":
    main()
