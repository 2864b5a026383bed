"""A whole volume through a network that sees slices or patches of it, and its answer as labels."""

import itertools
import math

import numpy as np

from course import regions as brats_regions
from course.errors import CourseError
from course.metrics.volumes import bounding_box

_WINDOW = {2: 256, 3: 96}  # longest side of a window where the model leaves it free
_MULTIPLE = 32  # such sides can be halved five times, and few different ones are ever traced
_ROUNDING = 1e-3  # by which averages of probabilities in half precision may leave 0 to 1
_VOXELS = 2**18  # in a batch, unless one window has more; of more, a part-full last one wastes more


def predict_volume(
    model, image, patch=None, overlap=0.5, batch_size=None, verbose=False, progress=None
):
    """Probabilities for every voxel of a volume of any size.

    The box that is not zero is covered with windows: whole slices for a 2D model, blocks for a 3D
    one. Where windows overlap, answers are averaged with Gaussian weights (sigma an eighth of the
    window's side), because a network knows least about a window's border: Isensee et al., nnU-Net,
    Nature Methods 18, 2021. What is outside the box is background: probability 0 for regions, 1 in
    channel 0 for classes that sum to 1. Beside the image and the result it holds one batch and
    the sums over the box, in float32.

    At the border of a window the network sees zeros, as at the border of the volume. A window that
    holds the whole box answers as the network does on its own; several answer nearly so, since a
    window's outermost voxels count a thousandth of its middle where another window sees them too.

    Args:
        model: `keras.Model`, `(batch, H, W, C)` or `(batch, D, H, W, C)`, sizes fixed or None; it
            answers for every voxel, `(batch, …, K)`.
        image: `(D, H, W, C)`, float, as `brats.normalize` makes it: background is 0.
        patch: Sides of the window, `(H, W)` or `(D, H, W)`. Default: the model's own; where it
            leaves them free, the box rounded up to a multiple of 32, at most 256 in a slice and
            96 in a block. A smaller box is filled up with zeros.
        overlap: Share of a window's side that the next one covers again, 0 to 0.9.
        batch_size: Windows at once. Default: as many as make a quarter of a million voxels.
        verbose: True shows a progress bar.
        progress: Function of the share that is done, 0 to 1, called after each batch.

    Returns:
        `(D, H, W, K)` float32, 0 to 1.

    Raises:
        ValueError: If model, image and patch do not belong together.
        CourseError: If the image holds nothing, or image or answer is not finite.

    Example:

    >>> import keras
    >>> model = keras.Sequential([keras.Input((None, None, 2)), keras.layers.Conv2D(3, 1)])
    >>> predict_volume(model, np.ones((5, 20, 30, 2))).shape
    (5, 20, 30, 3)
    """
    import keras  # here: an evaluation of numbers imports this module and needs none

    image = np.asarray(image)
    _check_inputs(model, image, overlap)
    box = _box(image)
    sides = [part.stop - part.start for part in box]
    window = _window(model, patch, sides)
    windows = [
        tuple(slice(start, start + side) for start, side in zip(corner, window, strict=True))
        for corner in itertools.product(*map(_starts, sides, window, itertools.repeat(overlap)))
    ]
    batch_size = batch_size or max(1, _VOXELS // math.prod(window))
    batch = np.zeros((min(batch_size, len(windows)), *window, image.shape[-1]), "float32")
    weight, inside = _gaussian(window), image[box]
    total, weights = None, np.zeros((*sides, 1), "float32")
    bar = keras.utils.Progbar(len(windows), unit_name="ventana", verbose=int(verbose))
    for first in range(0, len(windows), len(batch)):
        chosen = windows[first : first + len(batch)]
        for place, where in enumerate(chosen):
            part = inside[where]  # smaller than the window where the box is
            batch[place] = 0
            batch[place][tuple(map(slice, part.shape[:3]))] = part
        answers = _answers(model, batch)
        if total is None:
            total = np.zeros((*sides, answers.shape[-1]), "float32")
        for answer, where in zip(answers, chosen, strict=False):  # the last batch may be part full
            size = tuple(map(slice, weights[where].shape[:3]))
            total[where] += weight[size] * answer[size]
            weights[where] += weight[size]
        bar.update(first + len(chosen))
        if progress:
            progress((first + len(chosen)) / len(windows))
    total /= weights
    return _whole(total, box, image.shape[:3])


def to_labels(probabilities, edition):
    """The labels that a mask file of this edition would hold.

    Regions count from 0.5 on and are then made one inside the other, as `regions.from_regions`
    writes them. Classes give the label of the likeliest.

    Args:
        probabilities: `(D, H, W, 3)` for the regions WT, TC, ET; or a class for each label of the
            edition, background first and then in ascending order.
        edition: Name, such as "2020".

    Returns:
        `(D, H, W)` uint8.

    Raises:
        CourseError: If there is no such edition, or they are no probabilities but logits.
        ValueError: If the number of channels is neither.

    Example:

    >>> to_labels(np.array([[[[0.9, 0.2, 0.1], [0.9, 0.8, 0.5]]]]), "2020").tolist()
    [[[2, 4]]]
    """
    probabilities = np.asarray(probabilities)
    labels = sorted(brats_regions.edition(edition).labels)  # 0 is one of them
    low, high = probabilities.min(initial=0), probabilities.max(initial=0)
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise CourseError(
            "Lo que responde la red no son probabilidades: se esperaban números de 0 a 1. "
            f"Llegó: de {low:.3g} a {high:.3g}.\n"
            'Qué hacer: construye la red con output_activation="sigmoid" para regiones, o '
            '"softmax" para clases, y entrénala otra vez.'
        )
    if probabilities.shape[-1] == len(brats_regions.REGIONS):
        return brats_regions.from_regions(probabilities >= 0.5, edition)
    if probabilities.shape[-1] != len(labels):
        raise ValueError(
            f"Expected {len(brats_regions.REGIONS)} regions or {len(labels)} classes in the last "
            f"axis. Received: shape {probabilities.shape}"
        )
    return np.array(labels, "uint8")[probabilities.argmax(axis=-1)]


def in_brain(labels, image):
    """Labels without what lies outside the brain: 0, background, where the image is 0 throughout.

    `predict_volume` answers for every voxel of the box around the brain, and near its border a
    network sees tumours in the air. Nobody's tumour is there, and one voxel of a region that the
    truth does not have costs a Dice of 1.

    Args:
        labels: integers `(D, H, W)`, as `to_labels` writes them.
        image: `(D, H, W, C)` as `brats.normalize` makes it: 0 outside the brain.

    Returns:
        `(D, H, W)` of the labels' dtype.

    Example:

    >>> in_brain(np.array([[[2, 4]]], "uint8"), np.array([[[[0.0, 0.0], [0.0, 1.5]]]])).tolist()
    [[[0, 4]]]
    """
    return labels * np.any(image, axis=-1)


def _check_inputs(model, image, overlap):
    """Raise for what does not belong together, and for an image that holds nothing to segment."""
    expected = getattr(model, "input_shape", None)
    if (
        not isinstance(expected, tuple)
        or len(expected) not in (4, 5)
        or image.ndim != 4
        or expected[-1] not in (None, image.shape[-1])
    ):
        raise ValueError(
            "Expected a model of (batch, H, W, C) or (batch, D, H, W, C) and an image (D, H, W, C) "
            f"with as many channels. Received: {expected} and {image.shape}"
        )
    if not 0 <= overlap <= 0.9:
        raise ValueError(f"Expected an overlap from 0 to 0.9. Received: {overlap}")
    if not np.isfinite(image).all():
        raise CourseError(
            "La imagen tiene valores que no son números finitos (NaN o infinito). Se esperaban "
            "las intensidades que da brats.normalize.\n"
            "Qué hacer: pásala por brats.normalize; si ya lo hiciste, descarga el caso otra vez."
        )
    if not image.any():
        raise CourseError(
            "La imagen vale 0 en todas partes: no hay ningún cerebro que segmentar.\n"
            "Qué hacer: revisa que los archivos del caso sean los correctos y estén completos."
        )


def _box(image):
    """The smallest box around all that is not 0: three slices."""
    # channel by channel: image.any(axis=-1) needs three times as long
    return bounding_box(
        np.logical_or.reduce([channel != 0 for channel in np.moveaxis(image, -1, 0)])
    )


def _window(model, patch, sides):
    """Sides of the window `(D, H, W)` for a box of `sides`; a slice has depth 1."""
    own = model.input_shape[1:-1]
    given = own if patch is None else tuple(patch)
    if len(given) != len(own) or any(
        side not in (None, asked) for side, asked in zip(own, given, strict=True)
    ):
        raise ValueError(f"Expected a patch that the model takes, {own}. Received: {patch}")
    most = _WINDOW[len(own)]
    window = [
        asked or min(most, -(-side // _MULTIPLE) * _MULTIPLE)
        for asked, side in zip(given, sides[-len(own) :], strict=True)
    ]
    return window if len(own) == 3 else [1, *window]


def _starts(side, window, overlap):
    """Where windows begin along one side: evenly spread, the last one ends where the side does."""
    last = max(0, side - window)
    steps = math.ceil(last / max(1, window * (1 - overlap)))
    return [round(last * step / steps) for step in range(steps + 1)] if steps else [0]


def _gaussian(window):
    """How much each voxel of a window counts, `(D, H, W, 1)`: 1 in the middle."""
    weight = np.ones((1, 1, 1, 1))
    for axis, side in enumerate(window):
        distance = (np.arange(side) - (side - 1) / 2) / (side / 8)
        shape = [side if other == axis else 1 for other in range(4)]
        weight = weight * np.exp(-(distance**2) / 2).reshape(shape)
    return weight.astype("float32")


def _answers(model, batch):
    """The network's answers to a batch of windows, `(n, D, H, W, K)`, always asked in one shape."""
    asked = batch if len(model.input_shape) == 5 else batch[:, 0]
    # a model on several devices answers the whole batch on each: the first answers are all
    answers = np.asarray(model.predict_on_batch(asked))[: len(batch)]
    if answers.shape[:-1] != asked.shape[:-1]:
        raise ValueError(
            f"Expected an answer for each voxel of {asked.shape}. Received: {answers.shape}"
        )
    return answers.reshape(*batch.shape[:-1], -1)


def _whole(inside, box, shape):
    """The answers in the box set into a volume of background."""
    if not np.isfinite(inside).all():
        raise CourseError(
            "La red responde con valores que no son números finitos (NaN o infinito). Lo más "
            "probable es que el entrenamiento haya divergido.\n"
            "Qué hacer: mira la pérdida (loss) en history.csv y entrena otra vez con una tasa de "
            "aprendizaje menor."
        )
    result = np.zeros((*shape, inside.shape[-1]), "float32")
    if inside.shape[-1] > 1 and np.abs(inside.sum(axis=-1) - 1).max() < 0.02:
        result[..., 0] = 1  # classes that sum to 1, not regions
    result[box] = inside
    return result
