"""What a finished run sees: in pictures, or in a brain, whose mask it draws.

What is cheap to check comes first: TensorFlow takes seconds to load, a missing folder needs none.
"""

import dataclasses
from pathlib import Path

from course import regions
from course.errors import CourseError
from course.export import card as cards
from course.training import start

_TOP = 3


def predict(folder, paths):
    """The three likeliest classes of each picture.

    Args:
        folder: The run's folder, of a classifier of images.
        paths: Picture files.

    Returns:
        For each picture a list of `(class name, probability)`, the likeliest first.

    Raises:
        CourseError: If the run is no classifier of images, or a picture cannot be read.
    """
    card = cards.read_run(folder)
    if card["task"] == "segmentation":
        raise CourseError(
            f"{folder} is a segmentation run: it takes the folder of one case, not pictures. Type: "
            f"python -m course predict {folder} CASE_FOLDER -o mask.nii.gz"
        )
    if card["task"] == "regression":
        columns = ", ".join(item["name"] for item in card["inputs"])
        raise CourseError(
            f"{folder} is a regression run ({card['data']['dataset']}): it takes columns "
            f"({columns}), not pictures. To ask it, type in Python:\n"
            f"    model, card = course.export.load({str(folder)!r})\n"
            "    model.predict(…)  # a dict with one array per column\n"
            f"To score it again: python -m course evaluate {folder}"
        )
    import numpy as np

    from course.datasets import pictures

    images = [pictures.read_image(path) for path in paths]
    start.load_keras()
    from course import export

    model, card = export.load(folder)
    batch = [_prepared(picture, path, card) for picture, path in zip(images, paths, strict=True)]
    probabilities = np.asarray(model(np.stack(batch).astype("float32"), training=False))
    sums = probabilities.sum(axis=1)
    if not (np.all(probabilities >= 0) and np.allclose(sums, 1, atol=1e-3)):
        raise CourseError(f"{folder} answers with numbers that are no probabilities. Train again.")
    return [_ranking(row, card["class_names"]) for row in probabilities]


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
    case = with_modalities(_one_case(case_folder, card), card)
    path = Path(output or f"{case.name}_mask.nii.gz")
    _new(path)
    image, _ = brats.load_case(dataclasses.replace(case, mask=None))
    image = brats.normalize(image, brats.load_brain(case, image))
    start.load_keras()
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


def with_modalities(case, card):
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


def _prepared(picture, path, card):
    """One picture as the network takes it, `(height, width, channels)`."""
    import numpy as np

    from course.datasets import pictures

    preparation, shape = card["preparation"], card["inputs"][0]["shape"]
    wanted = (28, 28) if preparation == "digit" else tuple(shape[:2])
    image = len(card["inputs"]) == 1 and len(shape) == 3 and None not in shape
    if preparation is None or not image or wanted != tuple(shape[:2]):
        raise CourseError(
            f"The card does not say how {path} is made ready for this model: its preparation is "
            f'{preparation!r}, the model takes {shape}. Expected "digit" for 28×28 pixels, or '
            '"photo" for one image of a fixed size.'
        )
    try:
        if preparation == "digit":
            picture = pictures.prepare_digit(picture)
        else:
            picture = pictures.prepare_photo(picture, size=wanted)
    except CourseError as error:
        raise CourseError(f"{path}: {error}") from error
    return np.repeat(picture[..., None], shape[2], axis=2)


def _ranking(probabilities, class_names):
    best = (-probabilities).argsort(kind="stable")[:_TOP]
    return [(class_names[i], float(probabilities[i])) for i in best]


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
