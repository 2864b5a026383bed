"""Figures of detection: the canvas with its boxes, and the heat map behind them."""

import numpy as np

from course.figures.style import BLUE, ORANGE, axes_below, canvas, picture_in, styled


@styled
def detections(image, heat, found, true, *, title, note=None):
    """A canvas with the boxes found and the true ones, and the heat map below it.

    Args:
        image: `(height, width)`, uint8.
        heat: `(rows, columns)`, 0 to 1: how sure the network is that something is there.
        found: List of `(box, words)`; a box is top, left, bottom, right in pixels.
        true: List of boxes.
        title: Text.
        note: One more sentence under the title.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> figure = detections(
    ...     np.zeros((20, 30), "uint8"), np.zeros((2, 3)), [((0, 0, 9, 9), "7")], [], title="Cajas"
    ... )
    >>> figure.get_label()
    'Cajas'
    """
    from matplotlib.patches import Rectangle

    image, heat = np.asarray(image), np.asarray(heat)
    width, gap, label = 6.4, 0.3, 0.3
    inch = width / image.shape[1]  # of one pixel
    tall, map_tall = image.shape[0] * inch, width * heat.shape[0] / heat.shape[1]
    height = label + tall + gap + map_tall + 0.15
    figure = canvas(width + 0.4, height, title, note, layout="none")
    axes = axes_below(figure, height)
    left, top = 0.2, label
    legend = "Naranja: lo que encontró la red. Azul, a trazos: donde de verdad hay un dígito."
    axes.text(left, top - 0.1, legend, fontsize=9)
    below = top + tall + gap
    smooth = {"interpolation": None, "vmin": 0}
    picture_in(axes, image, (left, top, width, tall), cmap="gray", vmax=255, **smooth)
    picture_in(axes, heat, (left, below, width, map_tall), cmap="cividis", vmax=1, **smooth)
    axes.text(left, below - 0.08, "Mapa de calor: probabilidad de un dígito", fontsize=9)

    def frame(box, **style):
        corner = left + box[1] * inch, top + box[0] * inch
        sides = (box[3] - box[1]) * inch, (box[2] - box[0]) * inch
        axes.add_patch(Rectangle(corner, *sides, fill=False, **style))

    for box in true:
        frame(box, edgecolor=BLUE, linewidth=1.6, linestyle="--")
    for box, words in found:
        frame(box, edgecolor=ORANGE, linewidth=2)
        row = max(top + box[0] * inch, top + 0.2)  # above the box, or just inside the picture
        plate = {"facecolor": ORANGE, "edgecolor": ORANGE, "pad": 1.5}
        axes.text(left + box[1] * inch, row, words, fontsize=8, va="bottom", bbox=plate)
    return figure
