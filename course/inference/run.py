"""What a finished run sees: in pictures, or in a brain, whose mask it draws.

What is cheap to check comes first: TensorFlow takes seconds to load, a missing folder needs none.
"""

import dataclasses
import tempfile
import warnings
from pathlib import Path

import numpy as np

from course import figures, files, inference, metrics, regions
from course.datasets import brats, pictures
from course.datasets.brats.find import is_mask_name
from course.errors import CourseError
from course.export import card as cards
from course.spanish import count, number
from course.training import start

_TOP = 3
_FACTOR = 1.25  # see warn_of_voxel_size


def predict(folder, paths, card=None, keep=None):
    """The three likeliest classes of each picture file, by the classifier in a run's folder.

    Returns for each a list of `(class name, probability)`. `card` is the run's, if it was read.
    What the network saw of each is written into the folder `keep`, as a picture and as a figure
    with its ten likeliest classes, under the two `kept_names`.
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
    kept = _new_names(paths, keep) if keep else []
    seen = [prepared(path, card) for path in paths]
    for (name, _), picture in zip(kept, seen, strict=bool(kept)):
        files.write(name, pictures.png(picture))
    start.load_keras()
    import keras

    from course.export.model_file import load_model

    model = load_model(folder, card)
    probabilities = keras.ops.convert_to_numpy(
        model(np.stack(seen).astype("float32"), training=False)
    )
    check_probabilities(probabilities, folder)
    for (_, name), path, picture, row in zip(kept, paths, seen, probabilities, strict=bool(kept)):
        title = f"Lo que vio la red de {Path(path).name}, y su respuesta"
        figure = figures.answer(picture, row, card["class_names"], title=title)
        files.write(name, figures.png(figure))
    likeliest = (-probabilities).argsort(axis=1, kind="stable")[:, :_TOP]
    return [
        [(card["class_names"][i], float(row[i])) for i in best]
        for row, best in zip(probabilities, likeliest, strict=True)
    ]


def kept_names(path):
    """What is kept of `foto.jpg`: as the network saw it, `foto_red.png`; `foto_respuesta.png`."""
    return f"{Path(path).stem}_red.png", f"{Path(path).stem}_respuesta.png"


def check_probabilities(answers, folder):
    """Raise CourseError unless each row of a run's answers, `(n, classes)`, adds up to 1."""
    if not (np.all(answers >= 0) and np.allclose(answers.sum(axis=1), 1, atol=1e-3)):
        raise CourseError(
            f"{folder} responde con números que no son probabilidades.\n"
            "Qué hacer: entrena de nuevo, con softmax en la salida."
        )


def segment(folder, case_folder, output=None, card=None):
    """Write the mask that a segmentation run sees in a case, exactly over the case's images.

    The folder holds the modalities of one case, named as an edition of BraTS names them; of a mask
    in it only the header is read. `output` must not exist yet; default `<case>_mask.nii.gz` here.
    Whether it can be written is tried before anything slow. Nothing outside the brain is tumour.
    Returns `(path, case, volumes_ml)`: what was written, in the labels of `case.edition`, and each
    region's volume in millilitres, which also an error message of the disk has.
    """
    card = card or cards.read_run(folder)
    if "edition" not in card or card["task"] != "segmentation":
        raise CourseError(
            f"{folder}: para escribir una máscara se esperaba una corrida de segmentación de "
            "BraTS, con la edición de sus etiquetas. "
            f"Llegó: {card['task']}, edition {card.get('edition')!r}."
        )
    case = with_modalities(_one_case(case_folder, card), card)
    path = Path(output or f"{case.name}_mask.nii.gz").expanduser()
    _check_new(path, case)
    _try_place(path)
    warn_of_voxel_size([case], card)
    image, _ = brats.load_case(dataclasses.replace(case, mask=None))
    image = brats.normalize(image, brats.load_brain(case, image))
    start.load_keras()
    from course.export.model_file import load_model

    masks = masks_in(load_model(folder, card), image, card, verbose=True)
    volumes_ml = volumes_of(masks, case.spacing_mm)
    # the network learned from one edition, the case may be of another, which numbers differently
    try:
        path = brats.save_mask(case, regions.from_regions(masks, case.edition), path)
    except CourseError as error:
        seen = f"{case.name}:  {volumes_text(volumes_ml)}"
        raise CourseError(f"{error}\nLo que vio la red, de todos modos, en {seen}") from error
    return path, case, volumes_ml


def masks_in(model, image, card, **options):
    """What a segmentation run sees in a normalised image: the regions' masks, `(D, H, W, 3)`.

    `options` are those of `inference.predict_volume`. Nothing outside the brain is tumour.
    """
    probabilities = inference.predict_volume(model, image, patch=card["patch"], **options)
    labels = inference.in_brain(inference.to_labels(probabilities, card["edition"]), image)
    return regions.to_regions(labels, card["edition"])


def volumes_of(masks, spacing_mm):
    """The volume of each region of `(D, H, W, 3)` masks in millilitres."""
    return {
        name: metrics.volume_ml(masks[..., i], spacing_mm) for i, name in enumerate(regions.REGIONS)
    }


def volumes_text(volumes_ml):
    """The volumes of `segment` in one line."""
    return "   ".join(f"{region} {number(ml, 1)}\u00a0ml" for region, ml in volumes_ml.items())


def warn_of_voxel_size(cases, card):
    """One warning about the cases whose voxels measure other than those of the training.

    The card says those as `spacing_mm`, along D, H and W; one without it is of an earlier version,
    and nothing is said. A network sees voxels, not millimetres: it is told of a factor of more than
    1.25 along any axis, for training zooms by up to 1.2. At 2 the Dice of a whole tumour falls from
    0.93 to 0.69.
    """
    trained = card.get("spacing_mm")
    if not trained:
        return
    other = [case for case in cases if _factor(case.spacing_mm, trained) > _FACTOR]
    if other:
        listed = "\n".join(f"  {case.name}: {_millimetres(case.spacing_mm)}" for case in other)
        warnings.warn(
            f"La red se entrenó con vóxeles de {_millimetres(trained)}, y estos casos tienen "
            "otros: ve sus tumores más grandes o más pequeños de lo que son, y acierta menos.\n"
            f"{listed}\n"
            "Qué hacer: mide o predice casos con vóxeles como los del entrenamiento, o remuestrea "
            "sus imágenes (y su máscara, con el vecino más cercano).",
            UserWarning,
            stacklevel=3,
        )


def _factor(one_mm, other_mm):
    """By how much two voxels' sides differ, along the axis where they differ most; from 1."""
    return max(max(a / b, b / a) for a, b in zip(one_mm, other_mm, strict=True))


def _millimetres(spacing_mm):
    """A voxel's size as it is written: along x, y and z."""
    return " × ".join(number(side) for side in reversed(spacing_mm)) + " mm"


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


def prepared(path, card):
    """One picture file as a run's network takes it, uint8 `(height, width, channels)`."""
    preparation, shape = card["preparation"], card["inputs"][0]["shape"]
    image = len(card["inputs"]) == 1 and len(shape) == 3 and None not in shape
    if preparation == "digit":
        image = image and shape[:2] == [28, 28]
    if preparation is None or not image or shape[2] not in (1, 3):
        raise CourseError(
            f"La tarjeta no dice cómo preparar {path} para este modelo: su preparation es "
            f'{preparation!r} y el modelo recibe {shape}. Se esperaba "digit" para 28×28 píxeles, '
            'o "photo" para una imagen de tamaño fijo, de 1 o 3 canales.'
        )
    color = preparation == "photo" and shape[2] == 3  # a digit is grey, in any network
    picture = pictures.read_image(path, color=color)
    try:
        if preparation == "digit":
            picture = pictures.prepare_digit(picture)
        else:
            picture = pictures.prepare_photo(picture, size=tuple(shape[:2]))
    except CourseError as error:
        raise CourseError(f"{path}: {error}") from error
    return picture if color else np.repeat(picture[..., None], shape[2], axis=2)


def _new_names(paths, keep):
    """The pair of files in which each picture is to be kept; none is there, no two are one."""
    pairs = [[Path(keep, name).expanduser() for name in kept_names(path)] for path in paths]
    names = sum(pairs, [])
    for name in names:
        if name.exists() or names.count(name) > 1:
            what = "ya existe y queda como está" if name.exists() else "sería de dos imágenes"
            raise CourseError(
                f"--keep: {name} {what}.\n"
                "Qué hacer: da otra carpeta con --keep; dos imágenes del mismo nombre, una después "
                "de otra, cada una con la suya."
            )
    return pairs


def _one_case(folder, card):
    cases = brats.find_cases(folder, modalities=card["modalities"])
    if len(cases) > 1:
        first = next(iter(cases[0].images.values())).parent
        raise CourseError(
            f"En {folder} hay {count(len(cases), 'caso', 'casos')}. Se esperaba la carpeta de uno, "
            f"como {first}"
        )
    return cases[0]


def _check_new(path, case):
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
    home = next(iter(case.images.values())).parent
    if is_mask_name(path.name) and path.parent.resolve() == home.resolve():
        raise CourseError(
            f"{path}: junto a las imágenes del caso, ese nombre es el de la máscara de un experto; "
            "después se mediría la red con su propia respuesta.\n"
            f"Qué hacer: da otro nombre con -o, por ejemplo {case.name}_mask.nii.gz."
        )


def _try_place(path):
    """Write something beside a file that is to be written, or raise CourseError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent) as file:
            file.write(bytes(1 << 16))
    except OSError as error:
        raise files.cannot_write(path, error) from error
