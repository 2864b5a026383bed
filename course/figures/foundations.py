"""Figures of the slides' own pictures: activations, approximation errors, a kernel that slides."""

import io

import numpy as np

from course.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    RULE,
    SKY,
    VERMILLION,
    YELLOW,
    axes_below,
    canvas,
    picture_in,
    styled,
    words,
)
from course.foundations.activations import ACTIVATIONS
from course.foundations.convolution import convolve

_CELL = 0.55  # inches, a number of the animation
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@styled
def activations(*, title):
    """The slides' table of activation functions: curve, derivative, formula and use of each.

    Args:
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`, a panel for each.

    Example:

    >>> len(activations(title="Funciones de activación").axes)
    8
    """
    z = np.linspace(-4, 4, 801)
    figure = canvas(11, 6, title, note="Línea llena: φ(z). Línea de trazos: su derivada φ′(z).")
    grid = figure.add_gridspec(2, 4)
    for place, row in enumerate(ACTIVATIONS.values()):
        axes = figure.add_subplot(grid[place])
        values, slopes = row(z), row.slope(z)
        jumps = row.name in ("heaviside", "sign")
        axes.axhline(0, color=RULE, lw=0.8, zorder=0)
        axes.axvline(0, color=RULE, lw=0.8, zorder=0)
        # a jump is no line: φ ends, φ begins, and at zero there is the one point between
        axes.plot(z, np.where(z == 0, np.nan, values) if jumps else values, color=BLUE)
        if jumps:
            axes.plot(0, row(0), "o", color=BLUE, ms=5)
        bends = np.abs(np.diff(slopes, append=slopes[-1])) > 0.5
        axes.plot(z, np.where(bends, np.nan, slopes), color=VERMILLION, ls=(0, (3, 1.6)), lw=1.8)
        axes.set_title(row.title)
        axes.set_xlabel(f"φ(z) = {row.formula}\n{row.use}", fontsize=9)
        axes.set(xlim=(z[0], z[-1]), ylim=(-1.35, 2.35))
        axes.set_xticks(range(-4, 5, 2))
        axes.set_yticks(range(-1, 3))
    return figure


@styled
def decisions(x, t, answers, *, title):
    """What a network of two inputs answers everywhere, at several moments of its training.

    Args:
        x: Points, `(n, 2)`, between -½ and 1½.
        t: What is right at each, 0 or 1, `(n,)` or `(n, 1)`.
        answers: Dict from a panel's name to the answers from 0 to 1, `(side, side)`, on a grid over
            the square from -½ to 1½; the first row is the lowest.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`, a panel for each; the line is where the answer is ½.

    Example:

    >>> figure = decisions([[0, 0], [1, 1]], [0, 1], {"paso 0": np.full((9, 9), 0.4)}, title="XOR")
    >>> figure.axes[0].get_title(loc="left")
    'paso 0'
    """
    from matplotlib.colors import LinearSegmentedColormap

    x, t = np.asarray(x), np.ravel(t)
    colors = LinearSegmentedColormap.from_list("answers", [SKY, "white", ORANGE])
    note = "Naranja: la red responde 1. Celeste: 0. Cada punto lleva la respuesta correcta."
    figure = canvas(max(3.1 * len(answers), 6.4), 3.2, title, note)
    for axes, (name, answer) in zip(
        np.ravel(figure.subplots(1, len(answers))), answers.items(), strict=True
    ):
        where = {"extent": (-0.5, 1.5, -0.5, 1.5), "origin": "lower"}
        axes.imshow(answer, cmap=colors, vmin=0, vmax=1, **where)
        if np.min(answer) < 0.5 < np.max(answer):
            axes.contour(answer, [0.5], colors=[GREY], **where)
        for (across, up), right in zip(x, t, strict=True):
            axes.plot(across, up, "o", ms=17, mfc="white", mec=GREY)
            axes.text(across, up, f"{right:g}", ha="center", va="center", fontweight="bold")
        axes.set_title(name)
        axes.set_xticks([0, 1])
        axes.set_yticks([0, 1])
        axes.set_xlabel("primera entrada")
        axes.set_ylabel("segunda entrada")
    return figure


@styled
def approximation_errors(errors, *, title):
    """The largest error of networks with more and more hidden units, a panel a function.

    Args:
        errors: Dict from a function's name to a dict from a method's name to a dict from the
            number of hidden units to the error.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`; both axes are logarithmic.

    Example:

    >>> figure = approximation_errors({"x²": {"escalera": {1: 0.5, 2: 0.25}}}, title="Error")
    >>> figure.axes[0].get_title(loc="left")
    'x²'
    """
    figure = canvas(1 + 3.4 * len(errors), 3.5, title)
    grid, first = figure.add_gridspec(1, len(errors)), None
    for place, (name, methods) in enumerate(errors.items()):
        axes = first = figure.add_subplot(grid[place], sharey=first)
        styles = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (SKY, "^", ":"))
        for (method, points), (color, marker, line) in zip(methods.items(), styles, strict=False):
            xs, ys = list(points), list(points.values())
            axes.plot(xs, ys, line, marker=marker, ms=5, color=color, label=method)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        axes.yaxis.set_major_formatter(_power)
        axes.grid(True)
        axes.set_title(name)
        axes.set_xlabel("neuronas ocultas")
        axes.set_ylabel("" if place else "error máximo")
        axes.tick_params(labelleft=not place)
        if place == len(errors) // 2:
            axes.legend(loc="lower left")
    return figure


@styled
def sliding_kernel(image, kernel, *, title, stride=1, seconds=0.9):
    """An animation: the kernel slides over the image and its map of features fills up.

    Args:
        image: `(height, width)`, small: each number is written in its cell.
        kernel: `(rows, columns)`.
        title: Text.
        stride: Pixels from one place to the next.
        seconds: How long each place is shown.

    Returns:
        The bytes of a GIF, a frame for each place, that starts again.

    Example:

    >>> sliding_kernel(np.eye(3), np.eye(2), title="Convolución")[:3]
    b'GIF'
    """
    from PIL import Image

    image, kernel = np.asarray(image, float), np.asarray(kernel, float)
    answer = convolve(image, kernel, stride=stride)
    if answer.ndim != 2:
        raise ValueError(f"Expected (height, width) without channels. Received: {image.shape}")
    frames = []
    for place in range(answer.size):
        stream = io.BytesIO()
        figure = _frame(image, kernel, answer, place, stride, title)
        figure.savefig(stream, format="png", dpi=100, facecolor="white")
        frames.append(Image.open(stream).convert("P", palette=Image.Palette.ADAPTIVE, colors=64))
    stream, pause = io.BytesIO(), round(1000 * seconds)
    durations = [pause] * (len(frames) - 1) + [3 * pause]  # the finished map stays a while
    options = {"append_images": frames[1:], "duration": durations, "loop": 0, "disposal": 1}
    frames[0].save(stream, format="GIF", save_all=True, comment=title.encode(), **options)
    return stream.getvalue()


@styled
def side_by_side(pictures, *, title):
    """Grey pictures in a row, all with pixels of one size, so that a smaller one is smaller.

    Args:
        pictures: Dict from a picture's name to its numbers `(height, width)`: 0 is black and 255
            white; what lies beyond is cut there, as a screen does.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`; over each picture its name and how many pixels it has.

    Example:

    >>> figure = side_by_side({"imagen": np.eye(8), "la mitad": np.eye(4)}, title="Antes y después")
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['imagen: 8×8', 'la mitad: 4×4']
    """
    pictures = {name: np.asarray(picture) for name, picture in pictures.items()}
    side, gap, line = 2.6, 0.3, 0.3  # inches
    pixel = side / max(max(picture.shape) for picture in pictures.values())
    tall = max(len(picture) for picture in pictures.values()) * pixel
    figure = canvas(len(pictures) * (side + gap) + gap, line + tall + 0.15, title, layout="none")
    axes = axes_below(figure, line + tall + 0.15)
    for place, (name, picture) in enumerate(pictures.items()):
        left, (height, width) = gap + place * (side + gap), picture.shape
        words(axes, left, line / 2, f"{name}: {height}×{width}", 9.5)
        box = (left, line, width * pixel, height * pixel)
        picture_in(axes, picture, box, cmap="gray", vmin=0, vmax=255)
    return figure


def _power(value, _):
    """10⁻³, where a tick stands at a power of ten."""
    return "10" + f"{np.log10(value):.0f}".translate(_SUPERSCRIPTS)


def _frame(image, kernel, answer, place, stride, title):
    """One place of the animation: image with the window on it, kernel, and what is known so far."""
    i, j = divmod(place, answer.shape[1])
    top, left = i * stride, j * stride
    rows, columns = kernel.shape
    under = image[top : top + rows, left : left + columns]
    products = list(zip(under.ravel(), kernel.ravel(), strict=True))
    text = " + ".join(f"{_short(a)}·{_short(b)}" for a, b in products[:9])
    text = f"{text}{' + …' if len(products) > 9 else ''} = {_short(answer[i, j])}"
    tall = max(rows, image.shape[0], answer.shape[0])
    wide = image.shape[1] + columns + answer.shape[1]
    height = _CELL * (tall + 1)
    figure = canvas(max(_CELL * (wide + 4), 5), height, title, note=text, layout="none")
    axes = axes_below(figure, height)
    x = 0.5 * _CELL
    for name, numbers, known, window in (
        ("Imagen", image, image.size, (top, left, rows, columns)),
        ("Kernel", kernel, kernel.size, None),
        ("Mapa de características", answer, place + 1, (i, j, 1, 1)),
    ):
        _cells(axes, x, numbers, known, window, name)
        x += _CELL * (numbers.shape[1] + 1)
    for (row, column), weight in np.ndenumerate(kernel):  # small, in the corner of its cell
        corner = (_CELL * (0.5 + at) for at in (left + column + 0.94, top + row + 0.92))
        axes.text(*corner, f"×{_short(weight)}", fontsize=8, ha="right", color=VERMILLION)
    return figure


def _cells(axes, x, numbers, known, window, title):
    """Numbers in cells, the first `known` of them shown, their left edge at `x` inches."""
    y = 0.5 * _CELL
    axes.text(x, y - 0.1, title, fontweight="bold", fontsize=11)
    if window:
        _box(axes, x, y, window, color=YELLOW, fill=True, alpha=0.45, lw=0)
    for n, place in enumerate(np.ndindex(numbers.shape)):
        _box(axes, x, y, (*place, 1, 1), color=GREY, lw=0.8)
        if n < known:
            i, j = (_CELL * (k + 0.5) for k in place)
            text = _short(numbers[place])
            axes.text(x + j, y + i, text, ha="center", va="center", fontsize=12)
    if window:
        _box(axes, x, y, window, color=VERMILLION, lw=2.5)


def _box(axes, x, y, window, *, fill=False, **how):
    from matplotlib.patches import Rectangle

    top, left, rows, columns = (_CELL * side for side in window)
    axes.add_patch(Rectangle((x + left, y + top), columns, rows, fill=fill, **how))


def _short(value):
    return f"{value:g}".replace(".", ",").replace("-", "−")
