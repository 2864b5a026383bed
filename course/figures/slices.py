"""How a slice of a brain is drawn: its frame, its greys, the outlines of the tumour's regions."""

import numpy as np

from course.figures.style import GREY, INK, axes_below, canvas, text_width

OUTLINES = {  # as course.regions has them; light colours, they lie on a dark picture
    "WT": ("tumor completo (WT)", "#56B4E9", "solid"),
    "TC": ("núcleo (TC)", "#F0E442", (0, (4, 1.2))),
    "ET": ("realce (ET)", "#FF8C66", "solid"),
}
VIEW = "Vista del radiólogo: la derecha del paciente está a la izquierda de la imagen."
_GROUND = "#111111"
SIDE, GAP, LINE = 2.7, 0.12, 0.27  # inches


def rows_of_slices(rows, title, legend):
    """Rows of panels under a line each: `(line, [(name, picture, masks), …])`."""
    frames = [frame_of(panels[0][1]) for _, panels in rows]
    shapes = [[part.stop - part.start for part in frame] for frame in frames]
    heights = [2 * LINE + SIDE * tall / wide + 0.12 for tall, wide in shapes]
    below = 0.62 if legend else 0.34
    width = max(max(len(panels) for _, panels in rows) * (SIDE + GAP) + GAP, 6.2)
    figure = canvas(width, sum(heights) + below, title, layout="none")
    axes = axes_below(figure, sum(heights) + below)
    top = 0.0
    for (line, panels), frame, height in zip(rows, frames, heights, strict=True):
        words(axes, GAP, top + 0.13, line, 10, weight="bold")
        for place, (name, picture, masks) in enumerate(panels):
            left = GAP + place * (SIDE + GAP)
            words(axes, left, top + LINE + 0.12, name, 9.5)
            box = (left, top + 2 * LINE, SIDE, height - 2 * LINE - 0.12)
            grey(axes, picture, frame, box)
            if masks is not None:
                _outlines(axes, np.asarray(masks)[frame], box)
        top += height
    if legend:
        _legend(axes, top + 0.16)
    words(axes, GAP, top + below - 0.17, VIEW, 9, GREY)
    return figure


def frame_of(picture):
    """The part of a slice that is not background, with a little air: two slices."""
    filled = _filled(picture)
    frame = []
    for axis, side in enumerate(filled.shape):
        places = np.flatnonzero(filled.any(axis=1 - axis))
        if not len(places):
            return tuple(slice(0, side) for side in filled.shape)
        frame.append(slice(max(0, places[0] - 3), min(side, places[-1] + 4)))
    return tuple(frame)


def _filled(picture):
    """What is not background, `(H, W)`: that is 0, or a constant in data normalised by others."""
    picture = np.asarray(picture)
    return picture != picture.flat[0]


def grey(axes, picture, frame, box):
    """Part of a picture in greys, from the 1st to the 99.5th percentile of what it shows."""
    picture, filled = np.asarray(picture, "float32"), _filled(picture)
    low, high = np.percentile(picture[filled], [1, 99.5]) if filled.any() else (0, 1)
    low, high = (low, high) if high > low else (low - 1, low + 1)
    low -= 0.08 * (high - low)  # the brain's darkest stays apart from the ground
    shown = np.where(filled, picture, low)[frame]
    picture_in(axes, shown, box, cmap="gray", vmin=low, vmax=high)


def picture_in(axes, picture, box, interpolation="nearest", **options):
    """Draw a picture into a box `(left, top, wide, tall)` of the axes, in inches."""
    left, top, wide, tall = box
    width, height = axes.figure.get_size_inches()
    drawn = axes.imshow(
        picture,
        extent=(left, left + wide, top + tall, top),
        interpolation=interpolation,
        aspect="auto",
        **options,
    )
    # imshow fits the axes to the picture: put them back to inches
    axes.set(xlim=(0, width), ylim=(axes.get_position().height * height, 0))
    return drawn


def _outlines(axes, masks, box):
    """The outline of each region; the dashed one last, to be seen where two run together."""
    left, top, wide, tall = box
    rows, columns = masks.shape[:2]
    x = left + (np.arange(-1, columns + 1) + 0.5) * wide / columns
    y = top + (np.arange(-1, rows + 1) + 0.5) * tall / rows
    for region in ("WT", "ET", "TC"):
        mask, (_, color, line) = masks[..., list(OUTLINES).index(region)], OUTLINES[region]
        if mask.any():
            closed = np.pad(mask.astype(float), 1)  # a region at the edge is closed there
            axes.contour(x, y, closed, [0.5], colors=[color], linewidths=1.6, linestyles=[line])


def _legend(axes, y):
    from matplotlib.patches import Rectangle

    left = GAP
    for name, color, line in OUTLINES.values():
        axes.add_patch(Rectangle((left, y - 0.09), 0.42, 0.18, color=_GROUND, lw=0))
        axes.plot([left + 0.05, left + 0.37], [y, y], color=color, lw=2, linestyle=line)
        words(axes, left + 0.5, y, name, 9.5)
        left += 0.5 + text_width(name, 9.5) + 0.35


def words(axes, x, y, text, size, color=INK, weight="normal"):
    """Write a line that begins at `x` and whose middle lies at `y`, in inches; `size` in points."""
    axes.text(x, y, text, fontsize=size, color=color, fontweight=weight, va="center")
