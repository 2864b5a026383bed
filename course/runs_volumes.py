"""What is done with a finished run of a segmentation: score it again, have it draw a mask.

What is cheap to check comes first: the cases' headers are read before TensorFlow is loaded.
"""

import dataclasses
import functools
import re
import sys
from pathlib import Path

from course import card as cards
from course import quiet, regions
from course.errors import CourseError


def evaluate(folder, card, origin, seed):
    """Score a run on the cases that its card holds out.

    Args:
        folder: The run's folder.
        card: Its card, of a segmentation.
        origin: `catalog.Origin` of its data.
        seed: Of made-up cases.

    Returns:
        A `course.report.Report`.

    Raises:
        CourseError: If the card holds out no case, or one cannot be found again.
    """
    from course.datasets import brats

    cases = [_channels(case, card) for case in _held_out(card, origin, seed)]
    quiet.load_keras()
    from course import evaluation, export, inference

    model, card = export.load(folder)
    predict = functools.partial(inference.predict_volume, patch=card["patch"])
    volumes = _told(brats.volumes(cases), len(cases))
    return evaluation.evaluate_segmenter(model, volumes, origin=origin, predict=predict)


def segment(folder, case_folder, output=None):
    """Write the mask that a run sees in a case, exactly over the case's images.

    Args:
        folder: The run's folder, of a segmentation.
        case_folder: Holds the modalities of one case, named as an edition of BraTS names them; of
            a mask in it only the header is read.
        output: The file to write, .nii or .nii.gz; default `<case>_mask.nii.gz` here. It must not
            exist yet.

    Returns:
        `(path, case, volumes_ml)`: what was written, in the labels of `case.edition`, and each
        region's volume in millilitres.

    Raises:
        CourseError: If the run is no segmentation, the folder does not hold one whole case, or the
            file exists or cannot be written.
    """
    from course.datasets import brats

    card = cards.read_run(folder)
    if card["task"] != "segmentation":
        raise CourseError(
            f"{folder} is a {card['task']} run. Expected a segmentation's, to draw a mask."
        )
    case = _channels(_one_case(case_folder, card), card)
    path = Path(output or f"{case.name}_mask.nii.gz")
    _new(path)
    image, _ = brats.load_case(dataclasses.replace(case, mask=None))
    image = brats.normalize(image, brats.load_brain(case, image))
    quiet.load_keras()
    from course import export, inference, metrics

    model, card = export.load(folder)
    probabilities = inference.predict_volume(model, image, patch=card["patch"], verbose=True)
    labels = inference.to_labels(probabilities, card["edition"])
    # the network learned from one edition, the case may be of another, which numbers differently
    masks = regions.to_regions(labels, card["edition"])
    path = brats.save_mask(case, regions.from_regions(masks, case.edition), path)
    volumes_ml = {
        name: metrics.volume_ml(masks[..., i], case.spacing_mm)
        for i, name in enumerate(regions.REGIONS)
    }
    return path, case, volumes_ml


def _told(volumes, n):
    """The volumes; each one's name on stderr when its turn has come, for a case takes a while."""
    for number, volume in enumerate(volumes, 1):
        print(f"{number}/{n} {volume.name}", file=sys.stderr, flush=True)
        yield volume
        del volume  # before the next is read


def _held_out(card, origin, seed):
    """The cases that the card holds out, found again where its data are from."""
    names = card["held_out"]
    if not names:
        raise CourseError(
            "The card holds out no case, so there is nothing to score this run on fairly. Train "
            "again with some cases held out, or look at one: python -m course predict RUN FOLDER"
        )
    found = {case.name: case for case in _cases(names, card, origin, seed)}
    missing = [name for name in names if name not in found]
    if missing:
        raise CourseError(
            f"{len(missing)} of {len(names)} held-out cases are not in {origin.title} "
            f"({origin.source}): {', '.join(missing[:5])}{' …' if missing[5:] else ''}. Expected "
            "the data that the run was trained on."
        )
    return [found[name] for name in names]


def _cases(names, card, origin, seed):
    """The cases of the data set that a run was made of, at least those of these names."""
    from course import catalog
    from course.datasets import brats, fetch

    if not catalog.get(origin.dataset).edition:
        raise CourseError(
            f"The card says segmentation on {origin.dataset!r}. Expected brats2020 or brats2021."
        )
    if origin.source == "kaggle":
        if origin.dataset == "brats2020":
            return brats.fetch_named(names, modalities=card["modalities"])
        return brats.find_cases(fetch(origin.dataset), modalities=card["modalities"])
    n = card.get("cases")
    if n is None and origin.source == "sample":  # whose cases are counted from 1
        n = max((int(digits) for name in names for digits in re.findall(r"\d+$", name)), default=1)
    if n is not None and (type(n) is not int or not 1 <= n <= 10_000):
        raise CourseError(f"The card's cases: expected how many. Received: {n!r:.80}.")
    return brats.open_cases(origin.source, n, card["modalities"], seed=seed)


def _channels(case, card):
    """The case with the images that the network takes, in the card's order."""
    lacking = [name for name in card["modalities"] if name not in case.images]
    if lacking:
        raise CourseError(
            f"{case.name} lacks {', '.join(lacking)}. This network takes "
            f"{', '.join(card['modalities'])}, all of them."
        )
    return dataclasses.replace(
        case, images={name: case.images[name] for name in card["modalities"]}
    )


def _one_case(folder, card):
    from course.datasets import brats

    cases = brats.find_cases(folder, modalities=card["modalities"])
    if len(cases) > 1:
        first = next(iter(cases[0].images.values())).parent
        raise CourseError(
            f"{folder} holds {len(cases):,} cases. Expected the folder of one, such as {first}"
        )
    return cases[0]


def _new(path):
    """Refuse a name that is taken or that no mask can have, before anything slow is done."""
    if not path.name.endswith((".nii", ".nii.gz")):
        raise CourseError(f"-o: expected a file that ends in .nii or .nii.gz. Received: {path}")
    if path.exists():
        raise CourseError(
            f"{path} exists already and stays as it is. "
            "To write the mask elsewhere, type -o and another name; or delete that file first."
        )
