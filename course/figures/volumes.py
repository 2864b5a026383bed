"""Figures of brains: the modalities of a slice, truth beside answer, Dice by case, attention.

A slice is `(H, W)` of a volume `(D, H, W)` whose rows run from front to back and whose columns run
from the patient's right to the left: drawn as it is, it is the radiologist's view.
"""

import numpy as np

from course.figures.style import (
    BLUE,
    GREY,
    INK,
    VERMILLION,
    axes_below,
    canvas,
    comma,
    picture_in,
    styled,
    text_width,
    words,
)
from course.spanish import number

OUTLINES = {  # as course.regions has them; light colours, they lie on a dark picture
    "WT": ("tumor completo (WT)", "#56B4E9", "solid"),
    "TC": ("núcleo (TC)", "#F0E442", (0, (4, 1.2))),
    "ET": ("realce (ET)", "#FF8C66", "solid"),
}
_VIEW = "Vista del radiólogo: la derecha del paciente está a la izquierda de la imagen."
_GROUND = "#111111"
_SIDE, _GAP, _LINE = 2.7, 0.12, 0.27  # inches
_USUAL = {"flair": "FLAIR", "t1": "T1", "t1ce": "T1ce", "t2": "T2"}


@styled
def modalities(image, regions=None, names=("flair", "t1", "t1ce", "t2"), *, title, at=None):
    """One slice in each modality, side by side, with the outlines of the tumour's regions.

    Args:
        image: `(D, H, W, C)`, any intensities; each modality has greys of its own.
        regions: `(D, H, W, 3)`, 0 or 1, in the order WT, TC, ET; None draws no outlines.
        names: Of the modalities, C of them; flair, t1, t1ce and t2 are set as is usual.
        title: Text.
        at: Which slice; default the one with most tumour, or the middle one without regions.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> figure = modalities(np.ones((4, 8, 8, 2)), names=("flair", "t1ce"), title="Un caso")
    >>> figure.get_label()
    'Un caso'
    """
    from course.metrics import largest_slice  # here: loading SciPy takes longer than the figures

    image = np.asarray(image)
    if image.ndim != 4 or image.shape[-1] != len(names):
        raise ValueError(
            f"Expected an image (D, H, W, C) and C names. Received: {image.shape}, {names}"
        )
    if at is None:
        at = len(image) // 2 if regions is None else largest_slice(np.asarray(regions)[..., 0])
    masks = None if regions is None else np.asarray(regions)[at]
    panels = [(_USUAL.get(name, name), image[at, ..., i], masks) for i, name in enumerate(names)]
    row = f"Corte {at + 1} de {len(image)}", panels
    return _rows_of_slices([row], title, legend=masks is not None)


@styled
def dice(truth, answer, *, title):
    """Two small masks and what they share, each pixel a square, with the count that Dice takes.

    Args:
        truth, answer: Masks `(H, W)` of a few pixels, 0 or 1, not both empty.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`: truth in blue, answer in orange, what they share in black.

    Example:

    >>> figure = dice([[1, 1, 0]], [[0, 1, 0]], title="Dice de dos máscaras")
    >>> figure.axes[0].texts[-1].get_text()
    'Dice = 2·1 / (2 + 1) = 0,67'
    """
    from matplotlib.patches import Rectangle

    truth, answer = np.asarray(truth, bool), np.asarray(answer, bool)
    both, side = truth & answer, 0.42
    (rows, columns), step = truth.shape, side * truth.shape[1] + 0.5
    height = rows * side + 0.8
    figure = canvas(3 * step + 0.2, height, title, layout="none")
    axes = axes_below(figure, height)
    panels = ("verdad", truth, BLUE), ("respuesta", answer, VERMILLION), ("en las dos", both, INK)
    for place, (name, mask, color) in enumerate(panels):
        left = 0.2 + place * step
        words(axes, left, 0.12, f"{name}: {mask.sum()}", 10)
        for row, column in np.ndindex(rows, columns):
            corner = left + column * side, 0.28 + row * side
            face = color if mask[row, column] else "white"
            axes.add_patch(Rectangle(corner, side, side, facecolor=face, edgecolor=GREY, lw=0.8))
    shared, of_truth, of_answer = both.sum(), truth.sum(), answer.sum()
    score = number(2 * shared / (of_truth + of_answer), 2)
    words(axes, 0.2, height - 0.2, f"Dice = 2·{shared} / ({of_truth} + {of_answer}) = {score}", 11)
    return figure


@styled
def overlay(slices, truths, answers, names, *, title):
    """A row for each slice: the picture, the true regions, and the network's.

    Args:
        slices: Pictures `(H, W)`, any intensities.
        truths, answers: Regions `(H, W, 3)` of each, 0 or 1, in the order WT, TC, ET.
        names: A line over each row.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> nothing = np.zeros((8, 8, 3))
    >>> figure = overlay([np.ones((8, 8))], [nothing], [nothing], ["Caso 1"], title="Un caso")
    >>> [text.get_text() for text in figure.axes[0].texts][1:4]
    ['imagen', 'verdad', 'respuesta de la red']
    """
    rows = []
    for picture, truth, answer, name in zip(slices, truths, answers, names, strict=True):
        panels = [("imagen", None), ("verdad", truth), ("respuesta de la red", answer)]
        rows.append((name, [(text, picture, masks) for text, masks in panels]))
    return _rows_of_slices(rows, title, legend=True)


@styled
def attention(image, maps, *, title):
    """Where attention gates let the picture through: each map over the slice that it weighs.

    Args:
        image: A slice `(H, W)`, any intensities.
        maps: Dict from a gate's name to its map `(h, w)`, 0 to 1, of whatever resolution.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`, the slice first.

    Example:

    >>> figure = attention(np.ones((8, 8)), {"up1_attention": np.ones((4, 4))}, title="Atención")
    >>> figure.get_label()
    'Atención'
    """
    image = np.asarray(image)
    frame = _frame_of(image)
    width = (len(maps) + 1) * (_SIDE + _GAP) + 0.9
    tall = _SIDE * image[frame].shape[0] / image[frame].shape[1]
    figure = canvas(max(width, 6), tall + _LINE + 0.45, title, layout="none")
    axes = axes_below(figure, tall + _LINE + 0.45)
    for place, (name, weights) in enumerate({"imagen": None, **maps}.items()):
        left = _GAP + place * (_SIDE + _GAP)
        words(axes, left, 0.12, name, 9.5)
        box = (left, _LINE, _SIDE, tall)
        _grey(axes, image, frame, box)
        if weights is not None:
            weights = np.asarray(weights, "float32")
            # the map reaches over the whole slice: only what lies in the frame is shown
            shown = weights[np.ix_(*map(_nearest, image.shape, weights.shape))][frame]
            drawn = picture_in(axes, shown, box, cmap="inferno", vmin=0, vmax=1, alpha=0.6)
    if maps:
        width, height = figure.get_size_inches()
        place = ((left + _SIDE + 0.15) / width, 0.45 / height, 0.14 / width, tall / height)
        bar = figure.colorbar(drawn, cax=figure.add_axes(place))
        bar.set_ticks([0, 0.5, 1], labels=["0", "0,5", "1"], fontsize=9.5)
        bar.outline.set_visible(False)
    words(axes, _GAP, tall + _LINE + 0.2, _VIEW, 9, GREY)
    return figure


@styled
def dice_by_case(scores, *, title):
    """The Dice of each case as a point, for each region; the bar is the mean, the ring the median.

    Args:
        scores: Dict from a region's name to the Dice of each case, `(n,)`, 0 to 1.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> figure = dice_by_case({"WT": [0.9, 0.8], "TC": [0.7, 0.9]}, title="Dice")
    >>> figure.axes[0].get_ylabel()
    'Dice'
    """
    figure = canvas(6.4, 3.9, title)
    axes = figure.add_subplot(ylim=(-0.03, 1.03), xlim=(-0.55, len(scores) - 0.45))
    axes.grid(axis="y")
    labels = ("un caso", "media", "mediana")  # of the first region, for the legend
    for place, values in enumerate(scores.values()):
        one, mean_of, middle_of = labels if not place else (None,) * 3
        values = np.sort(np.ravel(values))
        # side by side where they are alike, in the same places every time
        spread = np.linspace(-1, 1, 7)[np.arange(len(values)) * 3 % 7] * 0.2
        few = len(values) < 40
        axes.scatter(
            place + (spread if len(values) > 1 else 0),
            values,
            s=34 if few else 12,
            color=BLUE,
            alpha=0.75 if few else 0.5,
            linewidths=0,
            label=one,
            zorder=2,
        )
        mean, reach = values.mean(), [place - 0.3, place + 0.3]
        axes.plot(reach, [mean] * 2, color=INK, lw=2, label=mean_of, zorder=3)
        ring = {"ms": 11, "mfc": "none", "mec": VERMILLION, "mew": 1.8, "zorder": 4}
        axes.plot(place, np.median(values), "o", label=middle_of, **ring)
        axes.annotate(number(mean, 2), (place + 0.33, mean), va="center", fontsize=10)
    axes.set_xticks(range(len(scores)), [_long(name) for name in scores])
    axes.tick_params(axis="x", length=0)
    comma(axes.yaxis)
    axes.set_ylabel("Dice")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _rows_of_slices(rows, title, legend):
    """Rows of panels under a line each: `(line, [(name, picture, masks), …])`."""
    frames = [_frame_of(panels[0][1]) for _, panels in rows]
    shapes = [[part.stop - part.start for part in frame] for frame in frames]
    heights = [2 * _LINE + _SIDE * tall / wide + 0.12 for tall, wide in shapes]
    below = 0.62 if legend else 0.34
    width = max(max(len(panels) for _, panels in rows) * (_SIDE + _GAP) + _GAP, 6.2)
    figure = canvas(width, sum(heights) + below, title, layout="none")
    axes = axes_below(figure, sum(heights) + below)
    top = 0.0
    for (line, panels), frame, height in zip(rows, frames, heights, strict=True):
        words(axes, _GAP, top + 0.13, line, 10, weight="bold")
        for place, (name, picture, masks) in enumerate(panels):
            left = _GAP + place * (_SIDE + _GAP)
            words(axes, left, top + _LINE + 0.12, name, 9.5)
            box = (left, top + 2 * _LINE, _SIDE, height - 2 * _LINE - 0.12)
            _grey(axes, picture, frame, box)
            if masks is not None:
                _outlines(axes, np.asarray(masks)[frame], box)
        top += height
    if legend:
        _legend(axes, top + 0.16)
    words(axes, _GAP, top + below - 0.17, _VIEW, 9, GREY)
    return figure


def _frame_of(picture):
    """The part of a slice that is not background, with a little air: two slices."""
    filled = _filled(picture)
    frame = []
    for axis, side in enumerate(filled.shape):
        places = np.flatnonzero(filled.any(axis=1 - axis))
        if not len(places):
            return tuple(slice(0, side) for side in filled.shape)
        frame.append(slice(max(0, places[0] - 3), min(side, places[-1] + 4)))
    return tuple(frame)


def _nearest(pixels, places):
    """For each pixel along an axis, which of the places that fill the same length lies there."""
    at = (np.arange(pixels) + 0.5) / pixels * places - 0.5
    return np.clip(np.rint(at), 0, places - 1).astype(int)


def _filled(picture):
    """What is not background, `(H, W)`: that is 0, or a constant in data normalised by others."""
    picture = np.asarray(picture)
    return picture != picture.flat[0]


def _grey(axes, picture, frame, box):
    """Part of a picture in greys, from the 1st to the 99.5th percentile of what it shows."""
    picture, filled = np.asarray(picture, "float32"), _filled(picture)
    low, high = np.percentile(picture[filled], [1, 99.5]) if filled.any() else (0, 1)
    low, high = (low, high) if high > low else (low - 1, low + 1)
    low -= 0.08 * (high - low)  # the brain's darkest stays apart from the ground
    shown = np.where(filled, picture, low)[frame]
    picture_in(axes, shown, box, cmap="gray", vmin=low, vmax=high)


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

    left = _GAP
    for name, color, line in OUTLINES.values():
        axes.add_patch(Rectangle((left, y - 0.09), 0.42, 0.18, color=_GROUND, lw=0))
        axes.plot([left + 0.05, left + 0.37], [y, y], color=color, lw=2, linestyle=line)
        words(axes, left + 0.5, y, name, 9.5)
        left += 0.5 + text_width(name, 9.5) + 0.35


def _long(name):
    """WT over its Spanish name, for an axis."""
    return f"{name}\n{OUTLINES[name][0].rpartition(' (')[0]}" if name in OUTLINES else str(name)
