"""What an evaluation takes: labels, images and predictions that fit together, or an error."""

import warnings

import numpy as np

from course.errors import CourseError
from course.training.arrays import as_arrays

_OTHER_DATA = "Qué hacer: revisa que sean los datos con los que se entrenó el modelo."
_NOT_FINITE = (
    "Lo más probable es que el entrenamiento se haya descontrolado (en history.csv la pérdida es "
    "NaN desde alguna época), o que a una entrada le falte un valor.\n"
    "Qué hacer: prueba una tasa de aprendizaje diez veces menor, por ejemplo "
    "keras.optimizers.Adam(1e-4), mira la pérdida de las primeras épocas y revisa las entradas con "
    "np.isnan."
)


def images_for(model, images):
    """The images with the channel axis that the model expects; refused if of another size."""
    expected = getattr(model, "input_shape", None)
    if not isinstance(expected, tuple):
        return images
    images = images[..., None] if len(expected) == images.ndim + 1 else images
    sizes = zip(expected[1:], images.shape[1:], strict=False)
    if len(expected) != images.ndim or any(e not in (None, size) for e, size in sizes):
        raise CourseError(
            f"El modelo espera imágenes de forma {expected[1:]}. Llegó: {images.shape[1:]}.\n"
            f"{_OTHER_DATA}"
        )
    return images


def rows(values, name):
    """An array, or a dict of them, of what an evaluation is given; see `training.arrays`."""
    return as_arrays(values, name)


def class_numbers(labels, class_names):
    """Labels as integers `(n,)` from 0; whole decimals, booleans and a column `(n, 1)` are such.

    Whatever else it is, the message has the line that makes class numbers of it.
    """
    labels, classes = rows(labels, "labels"), len(class_names)
    labels = labels.astype(object) if labels.dtype.kind == "S" else labels
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels.ravel()
    if not labels.size:
        return labels.astype(int).ravel()
    todo = _what_to_do(labels, class_names)
    if todo:
        values = labels[:1] if labels.dtype == object else [labels.min(), labels.max()]
        ends = " a ".join(str(value) for value in values)
        raise CourseError(
            f"Etiquetas: se esperaba un número de clase por imagen, de 0 a {classes - 1}. Llegó: "
            f"forma {labels.shape}, {labels.dtype}, de {ends}.\nQué hacer: {todo}"
        )
    return labels.astype(int)


def _what_to_do(labels, class_names):
    """The next step where labels are no class numbers, Spanish; "" where they are."""
    classes = len(class_names)
    if labels.ndim == 2 and labels.shape[1] == classes and labels.dtype != object:
        if np.allclose(labels.sum(axis=1), 1):
            return "vuelve números los vectores (one-hot): labels = np.argmax(labels, axis=1)"
        return "aquí cada imagen tiene una sola clase; esos vectores no suman 1."
    if labels.ndim != 1:
        return f"da una etiqueta por imagen, forma (n,); class_names nombra {classes} clases."
    if labels.dtype == object:
        return _of_text(labels, class_names)
    if not np.isfinite(labels).all():
        return (
            "quita las imágenes sin etiqueta (NaN): con = np.isfinite(labels); "
            "images, labels = images[con], labels[con]"
        )
    if (labels != np.floor(labels)).any():
        return "revisa de dónde vienen: un número de clase no tiene decimales."
    if 0 <= labels.min() and labels.max() < classes:
        return ""
    if labels.min() >= 1 and labels.max() == classes:
        return "empieza a contar en 0: labels = np.asarray(labels) - 1"
    found = np.unique(labels)
    if len(found) == classes:
        return (
            f"si class_names nombra, en este orden, las clases {found[:30].tolist()}: "
            "labels = np.unique(labels, return_inverse=True)[1]"
        )
    return f"mira np.unique(labels); class_names nombra {classes} clases."


def _of_text(labels, class_names):
    words = {text.decode() if isinstance(text, bytes) else str(text) for text in labels}
    names = {str(name) for name in class_names}
    if words <= names:
        plain = "str(name)" if not any(isinstance(t, bytes) for t in labels) else "name.decode()"
        return (
            "da el lugar de cada nombre: "
            f"labels = [list(map(str, class_names)).index({plain}) for name in labels]"
        )
    if all(word.strip().isdecimal() for word in words):
        return "vuelve números los textos: labels = np.asarray(labels).astype(int)"
    strange = sorted(words - names)[:3]
    return f"corrige los que class_names no nombra: {', '.join(map(repr, strange))}."


def warn_of_small_pixels(model, images):
    """A `UserWarning` where pixels were divided by 255 and the model divides them again."""
    shares = images.dtype.kind == "f" and images.size and 0 <= images.min() < images.max() <= 1
    if not shares:
        return
    layer = next(filter(_takes_whole_pixels, _layers_of(model)), None)
    if layer is not None:
        warnings.warn(
            "Las imágenes son decimales que no pasan de 1, y esta red recibe píxeles de 0 a 255: "
            f"los reduce ella misma, en la capa {layer.name!r}.\n"
            "Qué hacer: entrena y evalúa con los píxeles como vienen, sin dividir por 255.",
            stacklevel=3,
        )


def _layers_of(model):
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers_of(layer)


def _takes_whole_pixels(layer):
    scale = getattr(layer, "scale", None)
    divides = type(layer).__name__ == "Rescaling" and np.ndim(scale) == 0 and abs(scale) < 0.05
    return divides or layer.name == "preprocess"  # of `transfer_classifier`


def same_length(n, arrays):
    """Every array has one entry a label, and there is at least one."""
    if n == 0:
        raise CourseError(
            "No hay nada que evaluar: el conjunto de prueba está vacío.\n"
            "Qué hacer: mira cómo se separó, y deja en él al menos un ejemplo."
        )
    for name, values in arrays.items():
        if len(values) != n:
            raise CourseError(
                f"{name}: se esperaban {n} elementos, uno por ejemplo de prueba. "
                f"Llegó: {len(values)}."
            )


def looked_for(positive, threshold, class_names):
    """The number of the class that is looked for, or None; there must be two of them."""
    if len(class_names) != 2 and (positive is not None or threshold != 0.5):
        raise CourseError(
            "positive y threshold: se esperaban dos clases, la que se busca y la otra. Llegó: "
            f"{len(class_names)} clases.\n"
            "Qué hacer: quítalos; en el informe cada clase tiene su sensibilidad."
        )
    if positive is None and threshold == 0.5:
        return None
    positive = None if positive is None else str(positive)
    if positive not in class_names:
        raise CourseError(
            f"positive: se esperaba la clase que se busca, {' o '.join(map(repr, class_names))}. "
            f"Llegó: {positive!r}.\n"
            f"Qué hacer: nómbrala, por ejemplo positive={class_names[1]!r}"
        )
    if not isinstance(threshold, int | float | np.number) or not 0 < threshold < 1:
        raise CourseError(
            "threshold: se esperaba una probabilidad mayor que 0 y menor que 1. Llegó: "
            f"{threshold!r}.\n"
            "Qué hacer: elígelo con course.evaluation.choose_threshold, o quítalo: es 0.5."
        )
    return class_names.index(positive)


def finite_targets(targets):
    """Targets `(n,)` or `(n, 1)` as float64 `(n,)`."""
    todo = "Qué hacer: busca celdas vacías o rotas en los datos."
    targets = rows(targets, "targets")
    if targets.dtype == object or targets.shape not in ((len(targets),), (len(targets), 1)):
        raise CourseError(
            "Valores verdaderos: se esperaba un número por caso, forma (n,). Llegó: forma "
            f"{targets.shape}, {targets.dtype}.\nQué hacer: da una sola columna de números."
        )
    return _all_finite(targets.astype("float64"), "Los valores verdaderos", todo).ravel()


def finite_predictions(values, name, n):
    """Predictions `(n,)` or `(n, 1)` as float64 `(n,)`."""
    values = rows(values, f"Predicciones de {name}").astype("float64")
    if values.shape not in ((n,), (n, 1)):
        raise CourseError(
            f"Predicciones de {name}: se esperaban {n}, una por ejemplo de prueba. "
            f"Llegó: forma {values.shape}."
        )
    return _all_finite(values, f"Las predicciones de {name}", _NOT_FINITE).ravel()


def class_probabilities(values, n, classes):
    """Probabilities `(n, classes)` as they are; anything else is refused."""
    if values.shape != (n, classes):
        raise CourseError(
            f"Se esperaba una probabilidad para cada una de {classes} clases, forma {(n, classes)}."
            f" El modelo respondió con forma {values.shape}.\n{_OTHER_DATA}"
        )
    _all_finite(values, "Las probabilidades del modelo", _NOT_FINITE)
    # float16 rounds each of them by up to a thousandth
    if values.min() < -0.01 or np.abs(values.sum(axis=1, dtype="float64") - 1).max() > 0.05:
        raise CourseError(
            "Se esperaban probabilidades que sumen 1. El modelo respondió, para la primera imagen: "
            f"{np.round(values[0], 2).tolist()}.\n"
            'Qué hacer: construye el modelo con output_activation="softmax", o agrégaselo: '
            "model = keras.Sequential([model, keras.layers.Softmax()])"
        )
    return values


def _all_finite(values, name, advice):
    lost = int(values.size - np.isfinite(values).sum())
    if lost:
        raise CourseError(f"{name}: {lost} de {values.size} son NaN o infinitos.\n{advice}")
    return values
