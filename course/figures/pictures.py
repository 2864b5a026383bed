"""Figures made of pictures: what the classes look like, where a network fails, its filters."""

import numpy as np

from course.figures.style import (
    BLUE,
    GREY,
    RULE,
    VERMILLION,
    axes_below,
    canvas,
    picture_in,
    styled,
    text_width,
    words,
)
from course.spanish import count, percent
from course.training.arrays import as_array


@styled
def samples(images, labels, class_names, *, title, columns=10):
    """A row of pictures for each class, spread evenly over the class's samples.

    Args:
        images: `(n, height, width)`, `(n, height, width, 1)` grey or `(n, height, width, 3)`
            colour; uint8 or floats, 0 to 255 if any value is above 1.
        labels: Class numbers, `(n,)`.
        class_names: Names, in the order of the labels.
        title: Text.
        columns: Pictures per class at most. The row of a class without samples says so.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> figure = samples(np.zeros((2, 8, 8)), [0, 1], ["gato", "perro"], title="Clases")
    >>> figure.get_label()
    'Clases'
    """
    images, labels, classes = as_array(images, "images"), np.ravel(labels), len(class_names)
    _check_lengths(images, labels)
    blocks = 1 if classes <= 12 else 2 if classes <= 30 else 3  # side by side, to fit on a screen
    rows = -(-classes // blocks)
    cell = (0.62, 0.44, 0.36)[blocks - 1]
    name_width = max(text_width(str(name), 11, "bold") for name in class_names) + 0.3
    block_width = name_width + columns * cell + 0.1
    height = rows * cell + 0.1
    figure = canvas(max(blocks * block_width + 0.1, 4), height, title, layout="none")
    axes = axes_below(figure, height)
    bold = {"ha": "right", "va": "center", "fontsize": 11, "fontweight": "bold"}
    for label, name in enumerate(class_names):
        left = (label // rows) * block_width + name_width
        top = (label % rows) * cell
        axes.text(left - 0.12, top + cell / 2, name, **bold)
        members = np.flatnonzero(labels == label)
        if not len(members):
            words(axes, left + 0.04, top + cell / 2, "sin ejemplos", 9, GREY)
            continue
        chosen = np.unique(np.linspace(0, len(members) - 1, columns).round().astype(int))
        for column, member in enumerate(members[chosen]):
            _picture(axes, images[member], left + column * cell, top, cell * 0.94)
    return figure


@styled
def mistakes(images, labels, probabilities, class_names, *, title, count=20, answers=None):
    """The gallery of the worst mistakes: the samples whose true class got the least probability.

    Under each picture, what the network answered and how much it believed in it (orange), and the
    truth (blue). Where there is no mistake it says so and shows the least sure correct answers.

    Args:
        images: As for `samples`.
        labels: Class numbers, `(n,)`.
        probabilities: `(n, classes)`, rows sum to 1.
        class_names: Names, in the order of the labels.
        title: Text.
        count: Pictures at most.
        answers: Class numbers, `(n,)`, where a threshold decided; default the likeliest.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> images, names = np.zeros((1, 8, 8)), ["gato", "perro"]
    >>> figure = mistakes(images, [0], [[0.9, 0.1]], names, title="Errores")
    >>> figure.texts[1].get_text()[:12]
    'Ningún error'
    """
    images, labels = as_array(images, "images"), np.ravel(labels)
    probabilities = np.asarray(probabilities)
    _check_lengths(images, labels)
    answers = probabilities.argmax(axis=1) if answers is None else np.asarray(answers)
    wrong = np.flatnonzero(answers != labels)
    truths = probabilities[np.arange(len(labels)), labels]
    shown = wrong if len(wrong) else np.arange(len(labels))
    shown = shown[np.argsort(truths[shown], kind="stable")][:count]
    columns = min(5, max(len(shown), 1))
    side, gap, row_height = 1.48, 0.26, 2.34 if len(wrong) else 2.05
    height = row_height * -(-len(shown) // columns)
    note = _gallery_note(len(wrong), len(shown), len(labels))
    figure = canvas(max(columns * (side + gap), 5.3), height, title, note, layout="none")
    axes = axes_below(figure, height)
    for place, sample in enumerate(shown):
        left, top = 0.14 + (place % columns) * (side + gap), (place // columns) * row_height
        _picture(axes, images[sample], left, top, side)
        answer, label = answers[sample], labels[sample]
        lines = [("era" if answer != label else "es", label, BLUE)]
        if answer != label:
            lines.insert(0, ("dijo", answer, VERMILLION))
        for line, (verb, which, color) in enumerate(lines):
            text, share = f"{verb} {class_names[which]}", probabilities[sample, which]
            _bar(axes, left, top + side + 0.18 + 0.29 * line, side, text, share, color)
    return figure


@styled
def answer(image, probabilities, class_names, *, title, note=None, chosen=None, count=10):
    """One picture as the network saw it, beside its likeliest classes as bars.

    The answer is blue; up to ten classes keep their own order, of more the likeliest come first.

    Args:
        image: As one of `samples`.
        probabilities: `(n,)`, their sum is 1.
        class_names: Names, in the order of the labels.
        title: Text.
        note: A line under it, such as why another class than the likeliest is the answer.
        chosen: The number of the answer where a threshold decided; default the likeliest.
        count: Bars at most.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> figure = answer(np.zeros((8, 8)), [0.1, 0.9], ["gato", "perro"], title="Lo que vio")
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['gato', '10\xa0%', 'perro', '90\xa0%']
    """
    (image,), probabilities = as_array([image], "image"), np.asarray(probabilities)
    shown = np.argsort(-probabilities, kind="stable")[:count]
    if len(probabilities) <= count:
        shown = np.arange(len(probabilities))
    height = max(0.34 * len(shown) + 0.1, 2.6)
    chosen = probabilities.argmax() if chosen is None else chosen
    figure = canvas(height + 3, height, title, note, layout="none")
    axes = axes_below(figure, height)
    _picture(axes, image, 0.1, 0.05, height - 0.1)
    for place, which in enumerate(shown):
        color = BLUE if which == chosen else GREY
        middle, share = 0.14 + 0.34 * place, probabilities[which]
        _bar(axes, height + 0.3, middle, 2.6, str(class_names[which]), share, color)
    return figure


@styled
def filters(kernels, title):
    """What the filters of a convolution look for: white adds nothing, blue adds, orange takes away.

    Args:
        kernels: A layer's first weight, `(height, width, channels, filters)`; several input
            channels are averaged, and the figure says so.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> figure = filters(np.ones((3, 3, 1, 32)), "Filtros de la primera capa")
    >>> figure.get_label()
    'Filtros de la primera capa'
    """
    from matplotlib.colors import LinearSegmentedColormap

    kernels = np.asarray(kernels, dtype="float32")
    if kernels.ndim != 4:
        raise ValueError(
            f"Expected kernels (height, width, channels, filters). Received: shape {kernels.shape}"
        )
    channels, amount = kernels.shape[2:]
    columns = min(8, amount)
    cell = 0.92
    height = cell * -(-amount // columns) + 0.05
    scale = float(np.abs(kernels.mean(axis=2)).max()) or 1.0
    note = "Azul: la luz ahí suma. Naranja: resta. Blanco: da igual."
    if channels > 1:
        note += f" Promedio de {channels} canales de entrada."
    figure = canvas(max(columns * cell + 0.2, 5), height, title, note, layout="none")
    axes = axes_below(figure, height)
    colors = LinearSegmentedColormap.from_list("filters", [VERMILLION, "white", BLUE])
    for number in range(amount):
        left = 0.12 + (number % columns) * cell
        top = (number // columns) * cell
        shades = colors(0.5 + 0.5 * kernels[..., number].mean(axis=2) / scale)
        right, bottom = left + cell * 0.9, top + cell * 0.9
        _picture(axes, shades[..., :3], left, top, cell * 0.9)
        frame = [left, right, right, left, left], [top, top, bottom, bottom, top]
        axes.plot(*frame, color=RULE, linewidth=1)
    return figure


def from_0_to_1(image):
    """A picture's pixels from 0 to 1, `(height, width)` if it has one channel."""
    image = np.asarray(image)
    image = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    top = 255 if image.dtype == np.uint8 or image.max(initial=0) > 1 else 1
    return np.clip(image / top, 0, 1)


def _check_lengths(images, labels):
    if images.shape[:1] != labels.shape:
        raise ValueError(
            f"Expected one label for each image. Received: shapes {images.shape}, {labels.shape}"
        )


def _gallery_note(wrong, shown, images):
    total = count(images, "imagen", "imágenes")
    if not wrong:
        return f"Ningún error en {total}. Se muestran las respuestas correctas menos seguras."
    some = f"; aquí, los {shown} peores" if shown < wrong else ""
    return (
        f"{count(wrong, 'error', 'errores')} en {total}{some}. "
        "Naranja: lo que respondió la red. Azul: la verdad."
    )


def _picture(axes, image, left, top, side):
    """A picture as it is, greys for one channel, in a square of `side` inches."""
    box = (left, top, side, side)
    picture_in(axes, from_0_to_1(image), box, cmap="gray", vmin=0, vmax=1)


def _bar(axes, left, middle, width, text, share, color):
    """Words on the left, a probability on the right, and a bar of it below both."""
    from matplotlib.patches import Rectangle

    size = min(10, 10 * 0.72 * width / text_width(text, 10, "bold"))  # a long name gets smaller
    words(axes, left, middle, text, size, weight="bold")
    at_right = {"ha": "right", "va": "center", "fontsize": 9.5}
    axes.text(left + width, middle, _about(share), **at_right)
    axes.add_patch(Rectangle((left, middle + 0.1), width, 0.05, color=RULE, lw=0))
    axes.add_patch(Rectangle((left, middle + 0.1), width * share, 0.05, color=color, lw=0))


def _about(share):
    """A probability in whole per cent: never a 0 or a 100 that it is not quite."""
    if 0 < share < 0.01:
        return f"<{percent(0.01, 0)}"
    if 0.99 < share < 1:
        return f">{percent(0.99, 0)}"
    return percent(share, 0)
