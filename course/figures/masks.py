"""Pictures with what a mask marks in them: one mask, or the truth beside an answer."""

import numpy as np

from course.figures.pictures import from_0_to_1
from course.figures.style import (
    BLUE,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    axes_below,
    canvas,
    picture_in,
    styled,
    text_width,
    words,
)

_COLORS = (ORANGE, SKY, PURPLE, YELLOW, VERMILLION, BLUE)  # of the classes; of more, over again
_SIDE, _GAP, _LINE = 1.7, 0.12, 0.27  # inches
_OPACITY = 0.55


@styled
def marked(images, masks, class_names, names, *, title):
    """A row for each picture: the picture, then the same under each of its masks.

    Args:
        images: Pictures, as `samples` takes them.
        masks: Dict from a panel's name to class numbers, `(n, height, width)`; 0 is the
            background and marks nothing.
        class_names: Names, in the order of the numbers.
        names: A line over each row.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> masks = {"verdad": np.zeros((1, 8, 8), int), "respuesta": np.ones((1, 8, 8), int)}
    >>> names = ["fondo", "lunar"]
    >>> figure = marked(np.ones((1, 8, 8)), masks, names, ["foto 1"], title="Dónde está")
    >>> [text.get_text() for text in figure.axes[0].texts][:4]
    ['foto 1', 'imagen', 'verdad', 'respuesta']
    """
    height = len(images) * (_SIDE + 2 * _LINE + _GAP) + 0.35
    width = max((len(masks) + 1) * (_SIDE + _GAP) + _GAP, 4.5)
    figure = canvas(width, height, title, layout="none")
    axes = axes_below(figure, height)
    for row, (image, name) in enumerate(zip(images, names, strict=True)):
        top = row * (_SIDE + 2 * _LINE + _GAP)
        words(axes, _GAP, top + 0.13, str(name), 10, weight="bold")
        for place, (panel, each) in enumerate({"imagen": None, **masks}.items()):
            left = _GAP + place * (_SIDE + _GAP)
            words(axes, left, top + _LINE + 0.12, panel, 9.5)
            box = (left, top + 2 * _LINE, _SIDE, _SIDE)
            picture_in(axes, from_0_to_1(image), box, cmap="gray", vmin=0, vmax=1)
            if each is not None:
                picture_in(axes, _tint(np.asarray(each[row])), box)
    _legend(axes, class_names[1:], height - 0.17)
    return figure


def _tint(mask):
    """A mask as colours `(height, width, 4)` that let the picture through."""
    from matplotlib.colors import to_rgba

    colors = np.array([to_rgba(color, _OPACITY) for color in _COLORS])
    tint = colors[(mask.astype(int) - 1) % len(_COLORS)]
    tint[mask == 0] = 0
    return tint


def _legend(axes, names, y):
    from matplotlib.patches import Rectangle

    left = _GAP
    for place, name in enumerate(map(str, names)):
        color = _COLORS[place % len(_COLORS)]
        axes.add_patch(Rectangle((left, y - 0.09), 0.25, 0.18, color=color, lw=0))
        words(axes, left + 0.33, y, name, 9.5)
        left += 0.33 + text_width(name, 9.5) + 0.3
