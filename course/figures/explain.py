"""Figures of what a network sees: its feature maps, and heat over the image it looked at."""

import numpy as np

from course.figures.pictures import from_0_to_1
from course.figures.style import (
    BLUE,
    VERMILLION,
    axes_below,
    canvas,
    picture_in,
    styled,
    text_width,
    words,
)
from course.spanish import number

_SIDE, _GAP, _LINE = 1.9, 0.16, 0.26  # inches


@styled
def feature_maps(image, maps, *, title, count=8):
    """An image and what each layer makes of it: a row a layer, the maps that vary most.

    Args:
        image: `(height, width)` or `(height, width, channels)`, as `samples` takes it.
        maps: Dict from a layer's name to its maps `(rows, columns, filters)`, as
            `course.explain.feature_maps` returns it; each map has greys of its own.
        title: Text.
        count: Maps in a row at most.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> figure = feature_maps(np.eye(8), {"level1_relu": np.ones((4, 4, 3))}, title="Mapas")
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['imagen', 'level1_relu: 3 mapas de 4×4']
    """
    cell, line = 1.0, 0.3
    note = "Claro: el filtro encontró ahí lo que busca. "
    if any(each.shape[-1] > count for each in maps.values()):
        note += f"De cada capa, los {count} mapas que más varían."
    height = (len(maps) + 1) * (cell + line) + 0.1
    most = max(min(each.shape[-1], count) for each in maps.values())
    figure = canvas(max(most * cell + 0.3, 6.4), height, title, note, layout="none")
    axes = axes_below(figure, height)
    words(axes, 0.14, line / 2, "imagen", 9.5)
    box = (0.14, line, cell * 0.94, cell * 0.94)
    picture_in(axes, from_0_to_1(image), box, cmap="gray", vmin=0, vmax=1)
    for row, (name, each) in enumerate(maps.items(), start=1):
        rows, columns, filters = each.shape
        top = row * (cell + line)
        above = f"{name}: {filters} {'mapas' if filters > 1 else 'mapa'} de {rows}×{columns}"
        words(axes, 0.14, top + line / 2, above, 9.5)
        # in the layer's order, so that a map is in the same place for another image
        chosen = np.sort(np.argsort(-each.std(axis=(0, 1)), kind="stable")[:count])
        for place, filter_ in enumerate(chosen):
            box = (0.14 + place * cell, top + line, cell * 0.94, cell * 0.94)
            picture_in(axes, each[..., filter_], box, cmap="gray")
    return figure


@styled
def grad_cam(images, maps, names, *, title):
    """Images, and under each its Grad-CAM map laid over it.

    Args:
        images: Pictures as `samples` takes them.
        maps: For each a map `(rows, columns)`, 0 or more, as `course.explain.grad_cam` returns it,
            of any resolution; each has a scale of its own.
        names: A line over each.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> figure = grad_cam([np.eye(8)], [np.eye(2)], ["es 7"], title="Qué mira")
    >>> figure.axes[0].texts[0].get_text()
    'es 7'
    """
    note = "Claro: lo que ahí hay habla a favor de la clase. Cada mapa tiene su propia escala."

    def over(axes, heat, box):
        heat = np.asarray(heat, "float32")
        options = {"cmap": "inferno", "vmin": 0, "vmax": heat.max() or 1, "alpha": 0.65}
        picture_in(axes, heat, box, interpolation="bilinear", **options)
        if not heat.any():
            left, top, wide, tall = box
            words(axes, left + 0.08, top + tall - 0.14, "mapa vacío", 9, color="white")

    return _pairs(images, maps, names, title, note, over)


@styled
def occlusion(images, falls, names, *, title):
    """Images, and under each how much the answer loses where a patch covers it.

    Args:
        images: Pictures as `samples` takes them.
        falls: For each a map `(height, width)`, as `course.explain.occlusion` returns it; all have
            one scale, which stands under the title.
        names: A line over each.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> figure = occlusion([np.eye(8)], [np.eye(8) / 4], ["es 7"], title="Qué pasa si lo tapamos")
    >>> figure.texts[1].get_text().endswith("El color pleno: 0,25.")
    True
    """
    from matplotlib.colors import LinearSegmentedColormap

    most = max(float(np.abs(each).max()) for each in falls) or 1.0
    note = (
        "Azul: taparlo baja la probabilidad de la clase. Naranja: taparlo la sube. "
        f"El color pleno: {number(most, 2)}."
    )
    colors = LinearSegmentedColormap.from_list("falls", [VERMILLION, "white", BLUE])

    def over(axes, each, box):
        # light enough for the image below to be seen, and for blue to show on its black
        picture_in(axes, each, box, cmap=colors, vmin=-most, vmax=most, alpha=0.8)

    return _pairs(images, falls, names, title, note, over)


def _pairs(images, maps, names, title, note, over):
    """A column for each image: its line, the image, and below what `over` draws of its map."""
    tall = _SIDE * max(np.shape(image)[0] / np.shape(image)[1] for image in images)
    height = _LINE + 2 * (tall + _GAP)
    width = len(images) * (_SIDE + _GAP) + _GAP
    figure = canvas(max(width, 6.4), height, title, note, layout="none")
    axes = axes_below(figure, height)
    for place, (image, each, name) in enumerate(zip(images, maps, names, strict=True)):
        left = _GAP + place * (_SIDE + _GAP)
        # a long class name gets smaller
        size = min(9.5, 9.5 * _SIDE / text_width(name, 9.5)) if name else 9.5
        words(axes, left, _LINE / 2, name, size)
        above, below = ((left, _LINE + row * (tall + _GAP), _SIDE, tall) for row in (0, 1))
        for box in (above, below):
            picture_in(axes, from_0_to_1(image), box, cmap="gray", vmin=0, vmax=1)
        over(axes, each, below)
    return figure
