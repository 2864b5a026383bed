"""Figures of detection: boxes on a picture, the heat map behind them, precision against recall."""

import numpy as np

from course.figures.style import (
    BLUE,
    INK,
    ORANGE,
    VERMILLION,
    axes_below,
    canvas,
    comma,
    picture_in,
    styled,
)

_LEGEND = "Naranja: lo que encontró la red. Azul, a trazos: la verdad."
_SMOOTH = {"interpolation": None, "vmin": 0}


@styled
def suppression(image, heat, before, after, true, *, title):
    """A heat map, all the boxes that it gives, and those that are left after suppression.

    Args:
        image: `(height, width)`, uint8.
        heat: `(rows, columns)`, 0 to 1: how sure the network is that something is there.
        before: Boxes, `(n, 4)`: top, left, bottom, right in pixels.
        after: List of `(box, words)`.
        true: Boxes.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> box, black = (0, 0, 9, 9), np.zeros((20, 30), "uint8")
    >>> figure = suppression(black, np.zeros((2, 3)), [box], [(box, "7")], [], title="Cajas")
    >>> [text.get_text() for text in figure.axes[0].texts][1:3]
    ['Antes de suprimir: 1', 'Después: 1']
    """
    image, heat = np.asarray(image), np.asarray(heat)
    tall, half, gap = image.shape[0] / image.shape[1], 3.1, 0.32
    height = 2 * gap + half * tall + gap + (2 * half + gap) * tall + 0.1
    figure = canvas(2 * half + gap + 0.4, height, title, _LEGEND, layout="none")
    axes = axes_below(figure, height)
    panels = (
        ("Mapa de calor: probabilidad de que haya algo", 0.2, gap, half),
        (f"Antes de suprimir: {len(before)}", 0.2 + half + gap, gap, half),
        (f"Después: {len(after)}", 0.2, 2 * gap + half * tall, 2 * half + gap),
    )
    for words, left, top, _ in panels:
        axes.text(left, top - 0.08, words, fontsize=9)
    (_, left, top, wide), *others = panels
    picture_in(axes, heat, (left, top, wide, wide * tall), cmap="cividis", vmax=1, **_SMOOTH)
    found = [(box, "") for box in before], after
    for (_, left, top, wide), boxes in zip(others, found, strict=True):
        _with_boxes(axes, image, boxes, true, (left, top, wide))
    return figure


@styled
def detections(images, found, true, *, title, columns=4):
    """Pictures with the boxes found in them and the true ones.

    Args:
        images: `(n, height, width)`, uint8.
        found: For each image a list of `(box, words)`.
        true: For each image boxes, `(k, 4)`.
        title: Text.
        columns: Pictures in a row at most.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> box = (0, 0, 9, 9)
    >>> figure = detections(np.zeros((1, 20, 30), "uint8"), [[(box, "7")]], [[box]], title="Cajas")
    >>> figure.get_label(), len(figure.axes[0].patches)
    ('Cajas', 2)
    """
    images = np.asarray(images)
    side, gap = 1.9, 0.15
    row = side * images.shape[1] / images.shape[2] + gap
    height = row * -(-len(images) // columns) + 0.1
    wide = min(columns, len(images)) * (side + gap)
    figure = canvas(max(wide + 0.2, 5), height, title, _LEGEND, layout="none")
    axes = axes_below(figure, height)
    for place, (image, boxes, truth) in enumerate(zip(images, found, true, strict=True)):
        left, top = 0.15 + place % columns * (side + gap), place // columns * row + 0.05
        _with_boxes(axes, image, boxes, truth, (left, top, side))
    return figure


@styled
def precision_recall(curves, *, title):
    """Precision against recall, a curve for each detector and a mark where its threshold stands.

    Args:
        curves: Dict from a name to `(precisions, recalls, chosen)`, as
            `detection.precision_recall_curve` returns the first two; `chosen` is the
            `(precision, recall)` of the threshold that decides; where it finds nothing there is no
            precision, None, and no mark.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure` with equal axes.

    Example:

    >>> figure = precision_recall({"dígitos": ([1, 0.5], [0.5, 1], (1, 0.5))}, title="Umbrales")
    >>> figure.axes[0].get_xlabel()
    'Exhaustividad: de lo que hay, cuánto encuentra'
    """
    figure = canvas(5.2, 5, title)
    axes = figure.add_subplot(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.grid()
    looks = ((BLUE, "-"), (VERMILLION, "--"))
    for (name, (precisions, recalls, chosen)), (color, line) in zip(
        curves.items(), looks, strict=False
    ):
        axes.plot(recalls, precisions, line, color=color, label=name)
        if None not in chosen:
            axes.plot(*chosen[::-1], "o", ms=9, color=ORANGE, mec=INK, mew=1.2, zorder=3)
    axes.set_xlabel("Exhaustividad: de lo que hay, cuánto encuentra")
    axes.set_ylabel("Precisión: de lo que encuentra, cuánto es correcto")
    comma(axes.xaxis, axes.yaxis)
    axes.legend(loc="lower left")
    return figure


def _with_boxes(axes, image, found, true, place):
    """A picture at `(left, top, wide)` with its boxes; what was found bears its words."""
    from matplotlib.patches import Rectangle

    left, top, wide = place
    inch = wide / image.shape[1]  # of one pixel
    box = (left, top, wide, inch * image.shape[0])
    picture_in(axes, image, box, cmap="gray", vmax=255, **_SMOOTH)

    def frame(box, **style):
        corner = left + box[1] * inch, top + box[0] * inch
        sides = (box[3] - box[1]) * inch, (box[2] - box[0]) * inch
        axes.add_patch(Rectangle(corner, *sides, fill=False, **style))

    for box in true:
        frame(box, edgecolor=BLUE, linewidth=1.6, linestyle="--")
    for box, words in found:
        frame(box, edgecolor=ORANGE, linewidth=2 if words else 1)
        if words:
            row = max(top + box[0] * inch, top + 0.2)  # above the box, or just inside the picture
            plate = {"facecolor": ORANGE, "edgecolor": ORANGE, "pad": 1.5}
            axes.text(left + box[1] * inch, row, words, fontsize=8, va="bottom", bbox=plate)
