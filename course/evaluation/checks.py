"""What an evaluation refuses: each letter says what came, what was expected and what to try."""

import numpy as np

from course.errors import CourseError

_WHY_NAN = (
    "Most likely the training diverged (the loss in history.csv is NaN from some epoch on), or an "
    "input holds a missing value. Try a learning rate ten times smaller, e.g. "
    "keras.optimizers.Adam(1e-4), look at the loss of the first epochs, and check the inputs with "
    "np.isnan."
)


def predictions(model, inputs):
    """What the model answers, as one array."""
    return np.asarray(model.predict(inputs, batch_size=256, verbose=0))


def with_channel(model, images):
    """Add the channel axis where the model has one; refuse images of another size."""
    expected = getattr(model, "input_shape", None)
    if not isinstance(expected, tuple):
        return images
    images = images[..., None] if len(expected) == images.ndim + 1 else images
    sizes = zip(expected[1:], images.shape[1:], strict=False)
    if len(expected) != images.ndim or any(e not in (None, size) for e, size in sizes):
        raise CourseError(
            f"The model takes images of shape {expected[1:]}. Received: {images.shape[1:]}.\n"
            "Is this the data set that it was trained on?"
        )
    return images


def class_numbers(labels, classes):
    """Labels as integers `(n,)` from 0 to `classes - 1`."""
    labels = np.asarray(labels)
    whole = labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer)
    if labels.size and not (whole and 0 <= labels.min() <= labels.max() < classes):
        raise CourseError(
            f"Expected one class number per image, from 0 to {classes - 1}. Received: labels of "
            f"shape {labels.shape}, {labels.dtype}, up to {labels.max()}.\n"
            "One-hot labels become class numbers with labels.argmax(axis=1)."
        )
    return labels.astype(int).ravel()


def same_length(n, arrays):
    """Every array has one entry a label, and there is at least one."""
    if n == 0:
        raise CourseError("There is nothing to evaluate: the test set is empty.")
    for name, values in arrays.items():
        if len(values) != n:
            raise CourseError(
                f"Expected {n} entries in {name}, one per test sample. Received: {len(values)}."
            )


def finite_targets(targets):
    """Targets as float64 `(n,)`."""
    targets = np.ravel(np.asarray(targets, "float64"))
    _finite(targets, "targets", "Look for empty or broken cells in the data.")
    return targets


def finite_predictions(values, name, n):
    """Predictions `(n,)` or `(n, 1)` as float64 `(n,)`."""
    values = np.asarray(values, "float64")
    if values.shape not in ((n,), (n, 1)):
        raise CourseError(
            f"Expected {n} predictions, one per test sample. Received from {name}: shape "
            f"{values.shape}."
        )
    _finite(values, f"predictions of {name}", _WHY_NAN)
    return values.ravel()


def probabilities(values, n, classes):
    """Probabilities `(n, classes)` as they are; anything else is refused."""
    if values.shape != (n, classes):
        raise CourseError(
            f"Expected a probability for each of {classes} classes, shape {(n, classes)}. "
            f"Received from the model: shape {values.shape}.\n"
            "Is this the data set that the model was trained on?"
        )
    _finite(values, "probabilities of the model", _WHY_NAN)
    # float16 rounds each of them by up to a thousandth
    if values.min() < -0.01 or np.abs(values.sum(axis=1, dtype="float64") - 1).max() > 0.05:
        raise CourseError(
            "Expected probabilities that sum to 1. Received from the model, for the first image: "
            f"{np.round(values[0], 2).tolist()}.\n"
            'Build the model with output_activation="softmax", or add keras.layers.Softmax() at '
            "its end."
        )
    return values


def _finite(values, name, advice):
    lost = int(values.size - np.isfinite(values).sum())
    if lost:
        raise CourseError(
            f"The {name}: {lost} of {values.size} are not a number (NaN) or infinite. {advice}"
        )
