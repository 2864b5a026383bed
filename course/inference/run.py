"""What a finished run sees: in pictures, or in a brain, whose mask it draws.

What is cheap to check comes first: TensorFlow takes seconds to load, a missing folder needs none.
"""

import dataclasses
from pathlib import Path

import numpy as np

from course import regions
from course.datasets import brats, pictures
from course.errors import CourseError
from course.export import card as cards
from course.spanish import count
from course.training import start

_TOP = 3


def predict(folder, paths, card=None):
    """The three likeliest classes of each picture file, by the classifier in a run's folder.

    Returns for each a list of `(class name, probability)`. `card` is the run's, if it was read.
    """
    card = card or cards.read_run(folder)
    if card["task"] == "segmentation":
        raise CourseError(
            f"{folder} es una corrida de segmentación: recibe la carpeta de un caso, no imágenes.\n"
            f"Qué hacer: python -m course predict {folder} CARPETA -o mascara.nii.gz"
        )
    if card["task"] == "regression":
        columns = ", ".join(item["name"] for item in card["inputs"])
        raise CourseError(
            f"{folder} es una corrida de regresión ({card['data']['dataset']}): recibe columnas "
            f"({columns}), no imágenes.\n"
            "Qué hacer: para preguntarle algo, escribe en Python:\n"
            f"    model, card = course.export.load({str(folder)!r})\n"
            "    model.predict(…)  # un diccionario con un arreglo por columna\n"
            f"Para medirla otra vez: python -m course evaluate {folder}"
        )
    images = [pictures.read_image(path) for path in paths]
    start.load_keras()
    from course.export.model_file import load_model

    model = load_model(folder, card)
    batch = [_prepared(picture, path, card) for picture, path in zip(images, paths, strict=True)]
    probabilities = np.asarray(model(np.stack(batch).astype("float32"), training=False))
    sums = probabilities.sum(axis=1)
    if not (np.all(probabilities >= 0) and np.allclose(sums, 1, atol=1e-3)):
        raise CourseError(
            f"{folder} responde con números que no son probabilidades.\n"
            "Qué hacer: entrena de nuevo, con softmax en la salida."
        )
    likeliest = (-probabilities).argsort(axis=1, kind="stable")[:, :_TOP]
    return [
        [(card["class_names"][i], float(row[i])) for i in best]
        for row, best in zip(probabilities, likeliest, strict=True)
    ]


def segment(folder, case_folder, output=None, card=None):
    """Write the mask that a segmentation run sees in a case, exactly over the case's images.

    The folder holds the modalities of one case, named as an edition of BraTS names them; of a mask
    in it only the header is read. `output` must not exist yet; default `<case>_mask.nii.gz` here.
    Returns `(path, case, volumes_ml)`: what was written, in the labels of `case.edition`, and each
    region's volume in millilitres.
    """
    card = card or cards.read_run(folder)
    if "edition" not in card or card["task"] != "segmentation":
        raise CourseError(
            f"{folder}: para escribir una máscara se esperaba una corrida de segmentación de "
            "BraTS, con la edición de sus etiquetas. "
            f"Llegó: {card['task']}, edition {card.get('edition')!r}."
        )
    case = with_modalities(_one_case(case_folder, card), card)
    path = Path(output or f"{case.name}_mask.nii.gz")
    _check_new(path)
    image, _ = brats.load_case(dataclasses.replace(case, mask=None))
    image = brats.normalize(image, brats.load_brain(case, image))
    start.load_keras()
    from course import inference, metrics
    from course.export.model_file import load_model

    model = load_model(folder, card)
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
            f"A {case.name} le falta {', '.join(lacking)}. Esta red necesita todas estas "
            f"modalidades: {', '.join(card['modalities'])}."
        )
    return dataclasses.replace(
        case, images={name: case.images[name] for name in card["modalities"]}
    )


def _prepared(picture, path, card):
    """One picture as the network takes it, `(height, width, channels)`."""
    preparation, shape = card["preparation"], card["inputs"][0]["shape"]
    wanted = (28, 28) if preparation == "digit" else tuple(shape[:2])
    image = len(card["inputs"]) == 1 and len(shape) == 3 and None not in shape
    if preparation is None or not image or wanted != tuple(shape[:2]):
        raise CourseError(
            f"La tarjeta no dice cómo preparar {path} para este modelo: su preparation es "
            f'{preparation!r} y el modelo recibe {shape}. Se esperaba "digit" para 28×28 píxeles, '
            'o "photo" para una imagen de tamaño fijo.'
        )
    try:
        if preparation == "digit":
            picture = pictures.prepare_digit(picture)
        else:
            picture = pictures.prepare_photo(picture, size=wanted)
    except CourseError as error:
        raise CourseError(f"{path}: {error}") from error
    return np.repeat(picture[..., None], shape[2], axis=2)


def _one_case(folder, card):
    cases = brats.find_cases(folder, modalities=card["modalities"])
    if len(cases) > 1:
        first = next(iter(cases[0].images.values())).parent
        raise CourseError(
            f"En {folder} hay {count(len(cases), 'caso', 'casos')}. Se esperaba la carpeta de uno, "
            f"como {first}"
        )
    return cases[0]


def _check_new(path):
    """Refuse a name that is taken or that no mask can have, before anything slow is done."""
    if not path.name.endswith((".nii", ".nii.gz")):
        raise CourseError(
            f"-o: se esperaba un archivo que termine en .nii o .nii.gz. Llegó: {path}."
        )
    if path.exists():
        raise CourseError(
            f"{path} ya existe y queda como está.\n"
            "Qué hacer: da otro nombre con -o, o borra antes ese archivo."
        )
