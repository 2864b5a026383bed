"""The one style of all figures, how they are laid out, and what is done with a finished one."""

import contextlib
import contextvars
import functools
import io
import os
import sys
import warnings

from course import files

# Okabe and Ito, "Color universal design", 2008: eight colours that stay apart for everyone
BLUE, SKY, ORANGE, VERMILLION = "#0072B2", "#56B4E9", "#E69F00", "#D55E00"
GREEN, YELLOW, PURPLE, BLACK = "#009E73", "#F0E442", "#CC79A7", "#000000"
INK, GREY, RULE = "#1A1A1A", "#5A5A5A", "#DADADA"

_SETTINGS = {
    # ships with matplotlib, so a figure looks the same on every machine
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a class name is a dollar
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
}
_DPI = 120
_MARGIN = 0.14  # inches
_wanted = contextvars.ContextVar("wanted", default=True)


def styled(function):
    """Decorator: the function runs with our settings, whatever style the caller has chosen.

    Where nothing is drawn it does not run, and returns None.
    """

    @functools.wraps(function)
    def with_settings(*args, **kwargs):
        if not _wanted.get():
            return None
        _load_matplotlib()
        from matplotlib import style

        with style.context(["default", _SETTINGS]), warnings.catch_warnings():
            # a class's emoji is drawn as a box, and is whole wherever text is text
            warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
            return function(*args, **kwargs)

    return with_settings


@contextlib.contextmanager
def not_drawn():
    """All that draws returns None: for who wants the scores alone of what also draws."""
    before = _wanted.set(False)
    try:
        yield
    finally:
        _wanted.reset(before)


@styled
def show(figure, path=None):
    """Save a figure where there is a path, show it in a notebook, and let go of it.

    Args:
        figure: A `matplotlib.figure.Figure`.
        path: Where to write a PNG; folders on the way are made. Outside a notebook a line says
            where it lies.
    """
    _present(png(figure), path)
    if "matplotlib.pyplot" in sys.modules:  # it may be the caller's own pyplot figure
        sys.modules["matplotlib.pyplot"].close(figure)


def show_animation(gif, path=None):
    """Save an animation where there is a path, and show it in a notebook, as `show` does.

    Args:
        gif: The bytes of a GIF, such as `sliding_kernel` returns.
        path: Where to write the .gif; folders on the way are made.
    """
    _present(gif, path)


@styled
def png(figure):
    """A figure as the bytes of a PNG, its whole title in the file's metadata.

    Example:

    >>> from course import figures
    >>> figures.png(figures.learning_curves({"loss": [2.0, 1.0]}, title="Curvas"))[1:4]
    b'PNG'
    """
    stream = io.BytesIO()
    figure.savefig(
        stream,
        format="png",
        dpi=_DPI,
        facecolor="white",
        metadata={"Title": figure.get_label(), "Software": None},
    )
    return stream.getvalue()


def canvas(width, height, title, note=None, layout="constrained"):
    """An empty figure with its title above and room for axes of `width` × `height` inches below.

    The part of the title behind the last " — " is set on a line of its own, the note below it.
    `layout`: "constrained", or "none" for axes placed by hand with `axes_below`.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    main, _, origin = title.rpartition(" — ") if " — " in title else (title, "", "")
    styles = (main, 13.5, "bold", INK), (origin, 10.5, "normal", INK), (note, 9.5, "normal", GREY)
    lines = [
        (line, size, weight, color)
        for text, size, weight, color in styles
        for line in _wrap(text, width, size, weight)
    ]
    header = 1.4 * _MARGIN + sum(size * 1.4 / 72 for _, size, _, _ in lines)
    total = height + header
    engine = ConstrainedLayoutEngine(rect=(0, 0, 1, height / total), w_pad=0.1, h_pad=0.1)
    engine = engine if layout == "constrained" else "none"
    figure = Figure(figsize=(width, total), dpi=_DPI, layout=engine)
    figure.set_label(title)
    y = total - 0.4 * _MARGIN
    for line, size, weight, color in lines:
        y -= size * 1.4 / 72
        figure.text(_MARGIN / width, y / total, line, fontsize=size, fontweight=weight, color=color)
    return figure


def axes_below(figure, height):
    """Bare axes that fill the `height` inches under the title, one unit an inch, y downwards."""
    width, total = figure.get_size_inches()
    axes = figure.add_axes((0, 0, 1, height / total), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def picture_in(axes, picture, box, interpolation="nearest", **options):
    """Draw a picture into a box `(left, top, wide, tall)` of `axes_below`, in inches."""
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


def words(axes, x, y, text, size, color=INK, weight="normal"):
    """Write a line that begins at `x` and whose middle lies at `y`, in inches; `size` in points."""
    axes.text(x, y, text, fontsize=size, color=color, fontweight=weight, va="center")


def _load_matplotlib():
    """Import matplotlib, though MPLBACKEND may name a backend that is not installed here.

    A notebook hands its own down to what it starts, also into an environment without IPython. Our
    figures need none.
    """
    try:
        import matplotlib  # noqa: F401
    except ValueError:
        if os.environ.pop("MPLBACKEND", None) is None:
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
            del sys.modules[name]  # half loaded
        import matplotlib  # noqa: F401


def comma(*axes):
    """Ticks with a decimal comma and without offsets; powers of ten for very large numbers only."""
    from matplotlib.ticker import ScalarFormatter

    class Comma(ScalarFormatter):
        def __call__(self, x, pos=None):
            return super().__call__(x, pos).replace(".", ",")

    for axis in axes:
        formatter = Comma(useOffset=False)
        formatter.set_powerlimits((-5, 7))
        axis.set_major_formatter(formatter)


def text_width(text, size, weight="normal"):
    """Inches that a line of text takes."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def _wrap(text, width, size, weight):
    """Lines of `text` that fit into `width` inches; one word too long for it stays whole."""
    lines = []
    for word in text.split(" ") if text else []:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, weight) <= width - 2 * _MARGIN:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _present(content, path):
    """Write the bytes of a picture; a notebook shows them, elsewhere a line says where they lie."""
    if path is not None:
        files.write(path, content)
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if getattr(shell, "kernel", None) is not None:  # IPython's terminal shows no pictures
        from IPython.display import Image, display

        display(Image(data=content))
    elif path is not None:
        print(f"Figura: {path}")
