"""What an evaluation takes: labels, images and predictions that fit together, or an error."""

import numpy as np

from course.errors import CourseError

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


def class_numbers(labels, classes):
    """Labels as integers `(n,)` from 0 to `classes - 1`."""
    labels = np.asarray(labels)
    whole = labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer)
    if labels.size and not (whole and 0 <= labels.min() <= labels.max() < classes):
        raise CourseError(
            f"Etiquetas: se esperaba un número de clase por imagen, de 0 a {classes - 1}. Llegó: "
            f"forma {labels.shape}, {labels.dtype}, de {labels.min()} a {labels.max()}.\n"
            "Qué hacer: las que son vectores (one-hot) se vuelven números con "
            "labels.argmax(axis=1)."
        )
    return labels.astype(int).ravel()


def same_length(n, arrays):
    """Every array has one entry a label, and there is at least one."""
    if n == 0:
        raise CourseError("No hay nada que evaluar: el conjunto de prueba está vacío.")
    for name, values in arrays.items():
        if len(values) != n:
            raise CourseError(
                f"{name}: se esperaban {n} elementos, uno por ejemplo de prueba. "
                f"Llegó: {len(values)}."
            )


def finite_targets(targets):
    """Targets as float64 `(n,)`."""
    todo = "Qué hacer: busca celdas vacías o rotas en los datos."
    return _all_finite(np.asarray(targets, "float64"), "Los valores verdaderos", todo).ravel()


def finite_predictions(values, name, n):
    """Predictions `(n,)` or `(n, 1)` as float64 `(n,)`."""
    values = np.asarray(values, "float64")
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
            'Qué hacer: construye el modelo con output_activation="softmax", o agrégale al final '
            "keras.layers.Softmax()."
        )
    return values


def _all_finite(values, name, advice):
    lost = int(values.size - np.isfinite(values).sum())
    if lost:
        raise CourseError(f"{name}: {lost} de {values.size} son NaN o infinitos.\n{advice}")
    return values
