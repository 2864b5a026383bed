"""What a finished run sees: in pictures, or in a brain, whose mask it draws.

What is cheap to check comes first: TensorFlow takes seconds to load, a missing folder needs none.
"""

import contextlib
import dataclasses
import warnings
from pathlib import Path

import numpy as np

from course import figures, files, inference, metrics, regions
from course.datasets import brats, masks, pictures
from course.datasets.brats.find import is_mask_name
from course.errors import CourseError
from course.export import card as cards
from course.inference.classes import decide
from course.spanish import count, number, percent
from course.training import start

_TOP = 3
_FACTOR = 1.25  # see warn_of_voxel_size


def predict(folder, paths, card=None, keep=None):
    """The three likeliest classes of each picture file, by the classifier in a run's folder.

    Returns for each a list of `(class name, probability)`, the answer first: where the card has a
    class that is looked for, its threshold decides. `card` is the run's, if it was read.
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
    names, positive = card["class_names"], card.get("positive")
    target = None if positive is None else names.index(positive)
    decided = decide(probabilities, target, card.get("threshold", 0.5))
    rankings = []
    for row, answer in zip(probabilities, decided, strict=True):
        likeliest = sorted(range(len(names)), key=lambda i: (i != answer, -row[i]))
        rankings.append([(names[i], float(row[i])) for i in likeliest[:_TOP]])
    with _answers_told(
        f"{path}:  {ranking_text(ranking, card)}"
        for path, ranking in zip(paths, rankings, strict=True)
    ):
        for at, (_, name) in enumerate(kept):
            figure = figures.answer(
                seen[at],
                probabilities[at],
                names,
                title=f"Lo que vio la red de {Path(paths[at]).name}, y su respuesta",
                note=threshold_text(rankings[at], card),
                chosen=decided[at],
            )
            files.write(name, figures.png(figure))
    return rankings


def ranking_text(ranking, card):
    """What `predict` answers to one picture, in a line."""
    if by_threshold := threshold_text(ranking, card):
        return f"{ranking[0][0]}. {by_threshold}"
    return "   ".join(f"{name} {percent(share, 1)}" for name, share in ranking)


def threshold_text(ranking, card):
    """A sentence on why a ranking's answer is one of two classes; `None` if it is the likeliest."""
    if card.get("positive") is None:
        return None
    (answer, _), share = ranking[0], dict(ranking)[card["positive"]]
    reaches = "alcanza" if answer == card["positive"] else "no alcanza"
    return (
        f"La probabilidad de {card['positive']}, {percent(share, 1)}, {reaches} el umbral de "
        f"{percent(card.get('threshold', 0.5), 1)}."
    )


def kept_names(path):
    """What is kept of `foto.jpg`: as the network saw it, `foto_red.png`; `foto_respuesta.png`."""
    return f"{Path(path).stem}_red.png", f"{Path(path).stem}_respuesta.png"


def mark(folder, paths, card, keep=None):
    """What a run that segments pictures marks in each picture file.

    Returns for each a list of `(class name, share of the picture's pixels)`, without the
    background. Into the folder `keep` goes, of each, what `predict` keeps, and the mask in the
    picture's own size, under the three `marked_names`; it has the values that the run's masks had.
    """
    kept = _new_names(paths, keep, marked_names) if keep else []
    seen = np.stack([prepared(path, card) for path in paths])
    shapes = [pictures.image_size(path) for path in paths]
    if kept:
        files.try_place(kept[0][0])
    start.load_keras()
    import keras

    from course.export.model_file import load_model

    model, names = load_model(folder, card), card["class_names"]
    answers = keras.ops.convert_to_numpy(model(seen.astype("float32"), training=False)).argmax(-1)
    marks = [masks.from_square(*each) for each in zip(answers, shapes, strict=True)]
    shares = [
        [(name, float((mask == number).mean())) for number, name in enumerate(names) if number]
        for mask in marks
    ]
    with _answers_told(
        f"{path}:  {shares_text(found)}" for path, found in zip(paths, shares, strict=True)
    ):
        for at, files_of in enumerate(kept):
            title = f"Lo que vio la red de {Path(paths[at]).name}, y lo que marca"
            figure = figures.marked(
                seen[at : at + 1], {"respuesta": answers[at : at + 1]}, names, [""], title=title
            )
            mask = _values(names)[marks[at]][..., None]
            contents = pictures.png(seen[at]), figures.png(figure), pictures.png(mask)
            for path, content in zip(files_of, contents, strict=True):
                files.write(path, content)
    return shares


def shares_text(shares):
    """What `mark` finds in one picture, in a line."""
    return "   ".join(f"«{name}» {percent(share, 1)}" for name, share in shares)


def marked_names(path):
    """What is kept of `foto.jpg`: as of `predict`, and `foto_mascara.png`."""
    return *kept_names(path), f"{Path(path).stem}_mascara.png"


def _values(class_names):
    """The grey of each class in a mask's file: as it was, or counted where it was a colour."""
    values = [0, *(int(name) if name.isdecimal() else 256 for name in class_names[1:])]
    return np.array(values if max(values) < 256 else range(len(values)), "uint8")


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
    files.try_place(path)
    warn_of_voxel_size([case], card)
    image, _ = brats.load_case(dataclasses.replace(case, mask=None))
    image = brats.normalize(image, brats.load_brain(case, image))
    start.load_keras()
    from course.export.model_file import load_model

    masks = masks_in(load_model(folder, card), image, card, case.spacing_mm, verbose=True)
    volumes_ml = volumes_of(masks, case.spacing_mm)
    # the network learned from one edition, the case may be of another, which numbers differently
    with _answers_told([f"{case.name}:  {volumes_text(volumes_ml)}"]):
        path = brats.save_mask(case, regions.from_regions(masks, case.edition), path)
    return path, case, volumes_ml


def masks_in(model, image, card, spacing_mm, **options):
    """What a segmentation run sees in a normalised image: the regions' masks, `(D, H, W, 3)`.

    `options` are those of `inference.predict_volume`. Nothing outside the brain is tumour, and less
    ET than the card's `least_et_ml` is none.
    """
    probabilities = inference.predict_volume(model, image, patch=card["patch"], **options)
    edition, least_et_ml = card["edition"], card.get("least_et_ml", 0)
    labels = inference.to_mask(probabilities, image, edition, spacing_mm, least_et_ml)
    return regions.to_regions(labels, edition)


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
            f"modalidades: {', '.join(card['modalities'])}.\n"
            "Qué hacer: pon esas imágenes junto a las otras, o da un caso que las tenga."
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
    if preparation == "square":
        image = image and shape[0] == shape[1]
    if preparation is None or not image or shape[2] not in (1, 3):
        raise CourseError(
            f"La tarjeta no dice cómo preparar {path} para este modelo: su preparation es "
            f'{preparation!r} y el modelo recibe {shape}. Se esperaba "digit" para 28×28 píxeles, '
            'o "photo" o "square" para una imagen de tamaño fijo, de 1 o 3 canales.'
        )
    color = preparation != "digit" and shape[2] == 3  # a digit is grey, in any network
    if preparation == "square":  # read as when it was prepared for the training
        picture = pictures.read_for_square(path, shape[0], color)
    else:
        picture = pictures.read_image(path, color)
    try:
        if preparation == "digit":
            picture = pictures.prepare_digit(picture)
        elif preparation == "square":
            picture = pictures.prepare_square(picture, shape[0])
        else:
            picture = pictures.prepare_photo(picture, size=tuple(shape[:2]))
    except CourseError as error:
        raise CourseError(f"{path}: {error}") from error
    return picture if color else np.repeat(picture[..., None], shape[2], axis=2)


def _new_names(paths, keep, names_of=kept_names):
    """The files in which each picture is to be kept; none is there, no two are one."""
    pairs = [[Path(keep, name).expanduser() for name in names_of(path)] for path in paths]
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


@contextlib.contextmanager
def _answers_told(answers):
    """What the network has answered is not lost where the disk refuses what is written of it."""
    try:
        yield
    except CourseError as error:
        seen = "\n".join(answers)
        raise CourseError(f"{error}\nLo que vio la red, de todos modos, en {seen}") from error
