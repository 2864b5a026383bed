"""A network drawn from the Keras model itself: its neurons, its maps, or a U-Net's two sides."""

import itertools
from typing import NamedTuple

from course.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RULE,
    SKY,
    VERMILLION,
    axes_below,
    canvas,
    styled,
    text_width,
)
from course.spanish import count, number

_MOST_NEURONS = 7  # of a layer, with dots for the others
_SMALL = 9  # points


@styled
def network(model, *, title):
    """What a model is made of, in the form that suits it.

    - Dense layers only: the neurons of each, with arrows for values and gradients.
    - Convolutions one after another: a box for each map that changes size, to scale.
    - A U-Net: its maps on the way down and up, its skips, and the gates that stand in them.

    Layers that change no shape (activation, normalization, dropout, rescaling) are not drawn.

    Args:
        model: A built `keras.Model`, of one input and one output.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If its layers branch, and not as those of a U-Net do.

    Example:

    >>> from course.models import mlp
    >>> figure = network(mlp((3,), 1, units=(4,)), title="Una red")
    >>> figure.axes[0].texts[-1].get_text()
    'Retroceso: los gradientes'
    """
    kinds = [_kind(layer) for layer in model.layers]
    branches = any(isinstance(layer.input, list) for layer in model.layers)
    if branches and all(kind in kinds for kind in ("pool", "up", "join")):
        return _u_net(model, title)
    if branches or "up" in kinds or not {"conv", "dense"} & set(kinds):
        raise ValueError(
            "Expected dense layers or convolutions one after another, or a U-Net. "
            f"Received: {model.name}, with {', '.join(type(x).__name__ for x in model.layers)}"
        )
    return (_boxes if "conv" in kinds else _neurons)(model, title)


def _kind(layer):
    """What a layer is to a drawing, by the name of its class: Keras need not be loaded here."""
    name = type(layer).__name__
    if name.startswith("Conv"):
        return "up" if name.endswith("Transpose") else "conv"
    pools = name.startswith(("MaxPooling", "AveragePooling", "GlobalAverage", "GlobalMax"))
    others = {"Dense": "dense", "Concatenate": "join", "Multiply": "gate", "Flatten": "flatten"}
    return "pool" if pools else others.get(name)


# ---- dense layers


def _neurons(model, title):
    dense = [layer for layer in model.layers if _kind(layer) == "dense"]
    inputs = dense[0].input.shape[-1]
    columns = [(inputs, count(inputs, "entrada", "entradas"))]
    for layer in dense:
        names = ("salida", "salidas") if layer is dense[-1] else ("neurona", "neuronas")
        function = getattr(layer.activation, "__name__", type(layer.activation).__name__)
        function = function.replace("linear", "lineal")
        learned = count(layer.count_params(), "número", "números")
        columns.append((layer.units, f"{count(layer.units, *names)}\n{function}\n{learned}"))

    step, far, top = 0.34, 1.75, 0.55  # from neuron to neuron, from layer to layer
    below = top + min(max(n for n, _ in columns), _MOST_NEURONS) * step
    height = below + 1.2
    width = max(far * len(columns), 6.4)
    note = "Los números de una capa: un peso por cada línea que le llega, y un sesgo por neurona."
    figure = canvas(width, height, title, note, layout="none")
    axes = axes_below(figure, height)
    xs = [width / 2 + far * (place - len(dense) / 2) for place in range(len(columns))]
    rows = [_rows(n, top + (below - top) / 2, step) for n, _ in columns]
    for (left, above), (right, beyond) in itertools.pairwise(zip(xs, rows, strict=True)):
        for start, end in itertools.product(above, beyond):
            axes.plot([left, right], [start, end], color=RULE, lw=0.7, zorder=1)
        _arrow(axes, (left + 0.2, top - 0.15), (right - 0.2, top - 0.15), BLUE)
        _arrow(axes, (right - 0.2, below + 0.15), (left + 0.2, below + 0.15), VERMILLION)
    for x, ys, (n, text) in zip(xs, rows, columns, strict=True):
        axes.plot([x] * len(ys), ys, "o", ms=13, mfc="white", mec=INK, mew=1.3, zorder=2)
        if n > len(ys):
            middle = (ys[0] + ys[-1]) / 2
            axes.plot([x] * 3, [middle - 0.09, middle, middle + 0.09], "o", ms=3, color=INK)
        axes.text(x, below + 0.5, text, fontsize=_SMALL, ha="center", va="top", linespacing=1.3)
    said = {"fontsize": 9.5, "fontweight": "bold", "va": "center"}
    axes.text(xs[0], top - 0.35, "Avance: los valores", color=BLUE, **said)
    back = {"color": VERMILLION, "ha": "right", **said}
    axes.text(xs[-1], below + 0.33, "Retroceso: los gradientes", **back)
    return figure


def _rows(n, middle, step):
    """The heights of a layer's neurons; of many, those above and below the dots."""
    shown = min(n, _MOST_NEURONS)
    ys = [middle + step * (row - (shown - 1) / 2) for row in range(shown)]
    return ys if n <= _MOST_NEURONS else ys[: shown // 2] + ys[shown // 2 + 1 :]


# ---- convolutions one after another

_LEGEND = {
    "image": ("imagen", GREY),
    "conv": ("convolución", SKY),
    "pool": ("pooling", ORANGE),
    "flatten": ("aplanar", RULE),
    "dense": ("capa densa", GREEN),
    None: ("otra capa", "white"),
}


def _boxes(model, title):
    stages = [("image", model.inputs[0].shape[1:])]
    for layer in model.layers:
        shape = layer.output.shape[1:]
        if _kind(layer) in ("conv", "dense") or shape != stages[-1][1]:
            stages.append((_kind(layer), shape))
    maps = [shape for _, shape in stages if len(shape) > 1]
    side, depth = (max(shape[i] for shape in maps) for i in (0, -1))
    longest = max((shape[0] for _, shape in stages if len(shape) == 1), default=1)

    tallest, thickest, lean, base = 1.5, 0.6, 0.3, 2.2  # inches; `lean` of a side goes backwards
    drawn, x = [], 0.2
    for kind, shape in stages:
        is_map = len(shape) > 1
        text = _by(shape) if is_map else number(shape[0], 0)
        tall = tallest * (shape[0] / side if is_map else 0.15 + 0.85 * shape[0] / longest)
        thick = max(thickest * shape[-1] / depth, 0.05) if is_map else 0.12
        back = lean * tall if is_map else 0
        room = max(thick + back, text_width(text, _SMALL))
        drawn.append((kind, text, x + room / 2, (thick, tall, back)))
        x += room + 0.14
    note = (
        "De cada mapa: el alto es su lado; el ancho, cuántos rasgos tiene. Lo que no cambia la "
        "forma (normalización, activación, dropout) no se dibuja."
    )
    figure = canvas(max(x, 6.4), base + 0.65, title, note, layout="none")
    axes = axes_below(figure, base + 0.65)
    for kind, text, middle, (thick, tall, back) in drawn:
        left = middle - (thick + back) / 2
        _cuboid(axes, left, base, thick, tall, back, _LEGEND[kind][1])
        axes.text(middle, base + 0.14, text, fontsize=_SMALL, ha="center", va="center")
    left = 0.2
    for kind, (text, color) in _LEGEND.items():
        if kind in [kind for kind, *_ in drawn]:
            _cuboid(axes, left, base + 0.5, 0.14, 0.14, 0, color)
            axes.text(left + 0.22, base + 0.44, text, fontsize=9.5, va="center")
            left += 0.22 + text_width(text, 9.5) + 0.3
    return figure


def _cuboid(axes, left, base, thick, tall, back, color):
    """A box that stands on `base`, its side leaning `back` to the right and up."""
    from matplotlib.patches import Polygon

    right, top = left + thick, base - tall
    front = (left, base), (right, base), (right, top), (left, top)
    lid = (left, top), (right, top), (right + back, top - back), (left + back, top - back)
    side = (right, base), (right, top), (right + back, top - back), (right + back, base - back)
    for corners, alpha in (front, 0.95), (lid, 0.45), (side, 0.7):
        axes.add_patch(Polygon(corners, facecolor="white", lw=0))
        axes.add_patch(Polygon(corners, facecolor=(color, alpha), edgecolor=INK, lw=0.7))


# ---- a U-Net


class _Place(NamedTuple):
    """Where a map is drawn, in inches; `x` and `y` are its middle."""

    left: float
    x: float
    right: float
    top: float
    y: float
    bottom: float


def _u_net(model, title):
    """Left the maps before each pooling, the bottom, and right those after each join."""
    pools = [x for x in model.layers if type(x).__name__.startswith("MaxPooling")]
    ups = [layer.input.shape[1:] for layer in model.layers if _kind(layer) == "up"]
    gated = any(_kind(layer) == "gate" for layer in model.layers)
    down = [*(layer.input.shape[1:] for layer in pools), ups[0]]
    up = [model.layers[-1].input.shape[1:], *ups[:0:-1]]
    levels, most = len(up), max(shape[-1] for shape in down)

    far, gap, tallest, thickest = 1.2, 0.55, 1.2, 0.5  # inches
    talls = [max(tallest / 2**level, 0.2) for level in range(levels + 1)]
    tops = [0.2 + sum(talls[:level]) + gap * level for level in range(levels + 1)]
    height, width = tops[-1] + talls[-1] + 1.05, max(far * 2 * levels + 1.8, 7)
    figure = canvas(width, height, title, layout="none")
    axes = axes_below(figure, height)

    def place(level, column, shape):
        thick = max(thickest * shape[-1] / most, 0.06)
        x, top, tall = width / 2 + far * (column - levels), tops[level], talls[level]
        _cuboid(axes, x - thick / 2, top + tall, thick, tall, 0, SKY)
        return _Place(x - thick / 2, x, x + thick / 2, top, top + tall / 2, top + tall)

    def say(x, y, text, **how):
        axes.text(x, y, text, **{"fontsize": _SMALL, "linespacing": 1.3, "va": "center", **how})

    encoder = [place(level, level, shape) for level, shape in enumerate(down)]
    decoder = [place(level, 2 * levels - level, shape) for level, shape in enumerate(up)]
    for level, (shape, here) in enumerate(zip(down, encoder, strict=True)):
        say(here.x, here.bottom + 0.06, _size(shape, level), ha="center", va="top")
    for level, (shape, here) in enumerate(zip(up, decoder, strict=True)):
        say(here.right + 0.06, here.y - 0.14, count(shape[-1], "mapa", "mapas"))
        beside, deeper, below = *encoder[level : level + 2], (*decoder, encoder[-1])[level + 1]
        low = beside.top + 0.85 * talls[level]  # below the skip
        enters = min(deeper.left + 0.08, deeper.x)  # beside the gate's arrow, where there is room
        _arrow(axes, (beside.right, low), (enters, deeper.top), ORANGE, turn=True)
        _arrow(axes, (below.right, below.y), (here.x, here.bottom), GREEN, turn=True)
        _arrow(axes, (beside.right, here.y), (here.left, here.y), BLUE)
        if gated:
            _arrow(axes, (below.x, below.top), (below.x, here.y + 0.1), PURPLE)
            axes.plot(below.x, here.y, "o", ms=15, mfc="white", mec=PURPLE, zorder=5)
            axes.plot(below.x, here.y, "x", ms=6, color=PURPLE, zorder=6)
    first, last = encoder[0], decoder[0]
    inputs, outputs = model.inputs[0].shape[-1], model.outputs[0].shape[-1]
    _arrow(axes, (first.left - 0.4, first.y), (first.left, first.y), INK)
    _arrow(axes, (last.right, last.y), (last.right + 0.4, last.y), INK)
    say(first.left - 0.08, first.y - 0.14, count(inputs, "canal", "canales"), ha="right")
    say(last.right + 0.06, last.y + 0.14, count(outputs, "salida", "salidas"))
    _say_arrows(axes, height, gated)
    return figure


def _size(shape, level):
    """128×128 and its maps; where the sides are left free, which part of the image's side."""
    *sides, maps = shape
    part = f"1/{2**level} del lado" if level else "lado entero"
    return f"{part if None in sides else _by(sides)}\n{count(maps, 'mapa', 'mapas')}"


def _say_arrows(axes, height, gated):
    texts = [
        (ORANGE, "pooling: la mitad del lado"),
        (GREEN, "convolución transpuesta: el doble"),
        (BLUE, "atajo: el detalle del mismo nivel"),
    ]
    if gated:
        texts.append((PURPLE, "compuerta de atención: lo de abajo elige qué pasa"))
    for place, (color, text) in enumerate(texts):
        x, y = 0.2 + 3.2 * (place % 2), height - 0.45 + 0.25 * (place // 2)
        _arrow(axes, (x, y), (x + 0.4, y), color)
        axes.text(x + 0.5, y, text, fontsize=9.5, va="center")


# ---- pieces


def _arrow(axes, start, end, color, turn=False):
    """A straight arrow, or one that goes sideways first and then turns to its end."""
    how = {"arrowstyle": "-|>", "color": color, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    if turn:
        how["connectionstyle"] = "angle,angleA=0,angleB=90,rad=0"
    axes.annotate("", end, start, arrowprops=how)


def _by(sizes):
    """28×28×16."""
    return "×".join(str(size) for size in sizes)
