"""Figures of learning: metrics over the epochs, and a function that networks approximate."""

import numpy as np

from course.errors import CourseError
from course.figures.style import BLUE, INK, ORANGE, VERMILLION, canvas, comma, styled
from course.spanish import count, number

_METRICS = {
    "loss": "Pérdida",
    "accuracy": "Exactitud",
    "sparse_categorical_accuracy": "Exactitud",
    "r2_score": "R²",
    "mae": "Error absoluto medio",
    "mean_absolute_error": "Error absoluto medio",
    "mse": "Error cuadrático medio",
    "mean_squared_error": "Error cuadrático medio",
    "rmse": "Raíz del error cuadrático medio",
    "root_mean_squared_error": "Raíz del error cuadrático medio",
    "dice": "Dice",
    "dice_slice": "Dice de cada corte",
    "dice_patch": "Dice de cada bloque",
}
_HIGHER_IS_BETTER = ("acc", "r2", "auc", "dice", "precision", "recall", "f1", "iou")
_NOT_A_METRIC = ("epoch", "learning_rate", "lr", "time_s")


@styled
def learning_curves(history, *, title):
    """The loss and each metric over the epochs, in training and in validation.

    Epochs count from 1. Where a value is not finite the curve has a gap on a marked ground. One
    epoch is drawn as a point.

    Args:
        history: `History.history` (dict of lists), the `History` itself, or the rows of a
            history.csv (list of dicts; text is read as numbers, empty cells are gaps).
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`, a panel for each metric.

    Raises:
        ValueError: If there is no epoch or no metric in it.
        CourseError: If a metric was not measured in each epoch, and nothing says in which.

    Example:

    >>> figure = learning_curves({"loss": [2.0, 1.0], "val_loss": [2.1, 1.3]}, title="Curvas")
    >>> len(figure.axes)
    1
    """
    columns = _columns(history)
    names = [n for n in columns if n not in _NOT_A_METRIC and not n.startswith("val_")]
    if not names or not len(columns[names[0]]):
        raise ValueError(f"Expected a history with at least one epoch. Received: {history!r}")
    names.sort(key=lambda name: name != "loss")
    epochs = columns.get("epoch", np.arange(len(columns[names[0]])))
    epochs = epochs + 1 if epochs[0] == 0 else epochs
    wide = min(2, len(names))
    rows = -(-len(names) // wide)
    figure = canvas((6.4, 9.6)[wide - 1], 3.7 * rows, title)
    grid = figure.add_gridspec(rows, wide)
    for place, name in enumerate(names):
        axes = figure.add_subplot(grid[place])
        _curves(axes, epochs, name, columns[name], columns.get(f"val_{name}"))
    return figure


@styled
def curves_1d(x, y, fits, *, title, grid=None, truth=None):
    """A function of one variable and what networks of several sizes make of it, side by side.

    Args:
        x, y: The noisy points that the networks learned from, `(n,)`.
        fits: Dict from a network's number of neurons (or any text) to its predictions at `grid`.
        title: Text.
        grid: Where `fits` and `truth` are given, `(m,)`; default `x`.
        truth: The function without noise at `grid`; under each panel stands the fit's distance
            from it (root mean square).

    Returns:
        A `matplotlib.figure.Figure`, a panel for each network.

    Example:

    >>> figure = curves_1d([0, 1], [0, 1], {2: [0, 1], 8: [0, 1]}, title="Aproximación")
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['2\\xa0neuronas', '8\\xa0neuronas']
    """
    x, y = np.ravel(x), np.ravel(y)
    grid = x if grid is None else np.ravel(grid)
    order = np.argsort(grid)
    figure = canvas(max(3.2 * len(fits), 5), 3.1, title)
    panels = np.ravel(figure.subplots(1, len(fits), sharex=True, sharey=True))
    for axes, (name, fit) in zip(panels, fits.items(), strict=True):
        fit = np.ravel(fit)
        axes.grid()
        axes.scatter(x, y, s=9, color="#9A9A9A", linewidths=0, label="datos con ruido")
        if truth is not None:
            known = np.ravel(truth)
            axes.plot(grid[order], known[order], "--", color=INK, lw=1.3, label="función verdadera")
        axes.plot(grid[order], fit[order], color=VERMILLION, label="respuesta de la red")
        axes.set_title(count(name, "neurona", "neuronas") if isinstance(name, int) else name)
        if truth is not None:
            distance = number(float(np.sqrt(np.mean((fit - known) ** 2))), 3)
            axes.set_xlabel(f"error (RMSE) {distance}")
        comma(axes.xaxis, axes.yaxis)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@styled
def few_examples(curves, *, title):
    """The accuracy of networks that learned from few examples, over how many those were.

    Args:
        curves: Dict from a network's name to a dict from examples of each class to accuracy, 0–1.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`; the examples are on a logarithmic axis.

    Example:

    >>> figure = few_examples({"desde cero": {2: 0.4, 50: 0.9}}, title="Con pocos ejemplos")
    >>> figure.axes[0].get_xlabel()
    'ejemplos de cada clase'
    """
    figure = canvas(6.4, 3.7, title)
    axes = figure.add_subplot()
    looks = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (VERMILLION, "^", ":"))
    for (name, points), (color, marker, line) in zip(curves.items(), looks, strict=False):
        axes.plot(list(points), list(points.values()), line, marker=marker, color=color, label=name)
    examples = sorted({n for points in curves.values() for n in points})
    axes.set_xscale("log")
    axes.set_xticks(examples, [str(n) for n in examples])
    axes.set_xticks([], minor=True)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("ejemplos de cada clase")
    axes.set_ylabel("Exactitud")
    comma(axes.yaxis)
    axes.grid(axis="y")
    axes.legend(loc="lower right")
    return figure


@styled
def learning_rate(schedule, *, steps, epochs, title):
    """The learning rate that a schedule gives at each step of a training.

    Args:
        schedule: Function from a step to a rate, such as `keras.optimizers.schedules.CosineDecay`.
        steps: Integer, steps of an epoch.
        epochs: Integer.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> figure = learning_rate(lambda step: 0.1 / (1 + step), steps=2, epochs=3, title="La tasa")
    >>> figure.axes[0].get_xlabel()
    'épocas'
    """
    # each epoch's first step, where a schedule may turn, and some between
    between = np.linspace(0, steps * epochs - 1, 60).round()
    at = np.union1d(between, steps * np.arange(epochs))
    rates = np.array([float(schedule(int(step))) for step in at])
    figure = canvas(6.4, 2.8, title)
    axes = figure.add_subplot(xlim=(0, epochs), ylim=(0, 1.06 * rates.max()))
    axes.plot(at / steps, rates, color=BLUE)
    axes.set_xlabel("épocas")
    axes.set_ylabel("tasa de aprendizaje")
    comma(axes.xaxis, axes.yaxis)
    axes.grid(axis="y")
    return figure


def _columns(history):
    """`{name: float array (epochs,)}` from a dict of lists, a History, or rows of a CSV."""
    history = getattr(history, "history", history)
    if not isinstance(history, dict):
        rows = list(history)
        names = dict.fromkeys(name for row in rows for name in row)
        history = {name: [row.get(name) for row in rows] for name in names}
    columns = {
        name: np.array([np.nan if v in (None, "") else _finite(v) for v in values], dtype=float)
        for name, values in history.items()
    }
    if len(lengths := {len(column): name for name, column in columns.items()}) > 1:
        listed = ", ".join(f"{name} en {length}" for length, name in lengths.items())
        raise CourseError(
            f"learning_curves: se esperaba un valor por época. Llegó: {listed}, sin decir cuáles.\n"
            "Qué hacer: dale read_history(run), que lo sabe (from course.training import "
            "read_history); o valida en cada época, con validation_freq=1."
        )
    return {name: column for name, column in columns.items() if not np.isnan(column).all()}


def _finite(value):
    """The number, or infinity where it is none: NaN marks an epoch without a measurement.

    A loss beyond 1e30 has left every scale: drawn, it would flatten all the others.
    """
    return value if abs(value := float(value)) < 1e30 else np.inf


def _curves(axes, epochs, name, training, validation):
    """One panel: training, validation and where the better of the two was best."""
    few = len(epochs) <= 30
    curves = [("entrenamiento", training, BLUE, "-", "o")]
    if validation is not None:
        curves.append(("validación", validation, ORANGE, "--", "s"))
    for label, measured, color, line, marker in curves:
        known = ~np.isnan(measured)  # a validation may come every second epoch
        values = np.where(np.isfinite(measured), measured, np.nan)
        if label == curves[-1][0] and np.isfinite(values).any():
            best = np.nanargmax if any(h in name for h in _HIGHER_IS_BETTER) else np.nanargmin
            at = best(values)
            label += f" (mejor: {_short(values[at])}, época {int(epochs[at])})"
            axes.plot(epochs[at], values[at], "o", ms=11, mfc="none", mec=color, mew=1.5)
        marker = marker if few else None
        axes.plot(
            epochs[known], values[known], line, color=color, marker=marker, ms=4.5, label=label
        )
    lost = np.any([np.isinf(values) for _, values, *_ in curves], axis=0)
    if lost.any():
        start = epochs[np.argmax(lost)]
        axes.axvspan(start - 0.5, epochs[-1] + 0.5, color=VERMILLION, alpha=0.16, lw=0)
        axes.plot([], [], color=VERMILLION, alpha=0.3, lw=8, label=f"NaN desde la época {start:g}")
    if not np.isfinite([values for _, values, *_ in curves]).any():
        axes.set_yticks([])
    axes.set_title(_METRICS.get(name, name.replace("_", " ")))
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.set_xlabel("Época")
    comma(axes.yaxis)
    axes.grid(axis="y")
    # under the panel, where it never hides a curve
    axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.18))


def _short(value):
    """Four significant digits with a comma: 0,9952 and 12,35."""
    return f"{value:.4g}".replace(".", ",") if abs(value) < 1e4 else number(value, 0)
