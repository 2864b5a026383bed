"""Figures of predictions: which class was taken for which, and how far off a number is."""

import numpy as np

from course.figures.style import BLUE, INK, RULE, SKY, VERMILLION, canvas, comma, styled, text_width

_LONGEST = 2.5  # inches of a class's name beside the matrix; what is longer gets smaller


@styled
def confusion(matrix, class_names, *, title):
    """Which class was taken for which: correct answers on a blue diagonal, mistakes in orange.

    A row is a true class, its colours are shares of that row; few mistakes among thousands of
    correct answers stay visible. A class without samples has a grey row.

    Args:
        matrix: Counts, `(classes, classes)`, true classes down, answers across.
        class_names: Names, in the order of the labels.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> figure = confusion([[8, 2], [0, 5]], ["gato", "perro"], title="Confusión")
    >>> figure.axes[0].get_ylabel()
    'Clase verdadera'
    """
    matrix, classes = np.asarray(matrix), len(class_names)
    if matrix.shape != (classes, classes):
        raise ValueError(f"Expected a ({classes}, {classes}) matrix. Received: {matrix.shape}")
    cell = float(np.clip(7.6 / classes, 0.38, 0.7))
    names_width = min(max(text_width(str(name), 9.5) for name in class_names), _LONGEST)
    upright = names_width > 0.9 * cell
    side = cell * classes
    below = names_width if upright else 0.15
    figure = canvas(max(side + names_width + 0.9, 5), side + below + 0.7, title)
    axes = figure.add_subplot()
    axes.imshow(_cell_colors(matrix), aspect="equal", interpolation="nearest")
    size = float(np.clip(cell * 18, 7.5, 11))
    for row, column in np.argwhere(matrix > 0):
        share = matrix[row, column] / matrix[row].sum()
        axes.text(
            column,
            row,
            str(matrix[row, column]),
            ha="center",
            va="center",
            fontsize=min(size, 85 * cell / len(str(matrix[row, column]))),
            color="white" if row == column and share > 0.8 else INK,
        )
    for row in np.flatnonzero(matrix.sum(axis=1) == 0):
        axes.text((classes - 1) / 2, row, "sin ejemplos", ha="center", va="center", color=INK)
    axes.set_xticks(range(classes), class_names, rotation=90 if upright else 0)
    axes.set_yticks(range(classes), class_names)
    axes.tick_params(length=0)
    for name in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        name.set_fontsize(9.5 * _LONGEST / max(text_width(name.get_text(), 9.5), _LONGEST))
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(1, classes) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, classes) - 0.5, minor=True)
    axes.tick_params(which="minor", length=0)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.set_axisbelow(False)
    axes.set_xlabel("Respuesta de la red")
    axes.set_ylabel("Clase verdadera")
    return figure


@styled
def predicted_against_true(targets, predictions, *, unit, title):
    """Each case as a point; a perfect answer lies on the diagonal.

    Args:
        targets, predictions: Numbers, `(n,)`.
        unit: What they are measured in, for the axes.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure` with equal axes, also for one case or a constant target.

    Example:

    >>> figure = predicted_against_true([1, 2], [1.5, 2], unit="m", title="Predicho y verdadero")
    >>> figure.axes[0].get_xlabel()
    'Valor verdadero (m)'
    """
    targets, predictions = np.ravel(targets), np.ravel(predictions)
    low, high = _limits(np.concatenate([targets, predictions]))
    figure = canvas(6.4, 5.9, title)
    axes = figure.add_subplot(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.grid()
    axes.plot([low, high], [low, high], color=INK, linewidth=1.3, linestyle="--", zorder=3)
    axes.scatter(targets, predictions, **_points(len(targets)))
    end = high - 0.02 * (high - low)
    text = {"ha": "right", "rotation": 45, "rotation_mode": "anchor", "fontsize": 9.5}
    axes.annotate("respuesta perfecta", (end, end), (-5, 5), textcoords="offset points", **text)
    axes.locator_params(nbins=6)
    comma(axes.xaxis, axes.yaxis)
    axes.set_xlabel(f"Valor verdadero ({unit})")
    axes.set_ylabel(f"Predicción de la red ({unit})")
    return figure


@styled
def residuals(targets, predictions, *, unit, title):
    """How far off each prediction is, and how often how far.

    Args:
        targets, predictions: Numbers, `(n,)`.
        unit: What they are measured in, for the axes.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`: prediction minus truth over the prediction, and its histogram.

    Example:

    >>> figure = residuals([1, 2], [1.5, 2], unit="m", title="Errores")
    >>> len(figure.axes)
    2
    """
    targets, predictions = np.ravel(targets), np.ravel(predictions)
    errors = predictions - targets
    low, high = _limits(errors)
    reach = max(-low, high)
    figure = canvas(9.6, 3.7, title)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2.4, 1))
    left.set(xlim=_limits(predictions), ylim=(-reach, reach))
    left.grid()
    left.scatter(predictions, errors, **_points(len(errors)))
    right.hist(errors, bins=np.linspace(-reach, reach, 42), orientation="horizontal", color=SKY)
    for axes in (left, right):
        axes.axhline(0, color=INK, linewidth=1.3, linestyle="--")
        comma(axes.xaxis, axes.yaxis)
    left.set_xlabel(f"Predicción de la red ({unit})")
    left.set_ylabel("Predicción menos verdad")
    right.set_xlabel("Casos")
    right.xaxis.get_major_locator().set_params(integer=True, nbins=4)
    return figure


def _cell_colors(matrix):
    """`(classes, classes, 3)`: blue by share on the diagonal, orange by its root elsewhere."""
    from matplotlib.colors import to_rgb

    totals = matrix.sum(axis=1, keepdims=True)
    share = matrix / np.maximum(totals, 1)
    on_diagonal = np.eye(len(matrix), dtype=bool)[..., None]
    full = np.where(on_diagonal, to_rgb(BLUE), to_rgb(VERMILLION))
    # a single mistake in a thousand still gets a tint
    strength = np.where(on_diagonal, share[..., None], share[..., None] ** 0.4)
    pale = np.where(on_diagonal, to_rgb("#E3EFF7"), to_rgb("#FDEFE4"))
    empty = np.where(totals[..., None] > 0, to_rgb("#F6F6F6"), to_rgb(RULE))
    return np.where(strength > 0, pale + strength * (full - pale), empty)


def _limits(values):
    """Lowest and highest with some air; one repeated value gets air of its own size."""
    low, high = float(np.min(values)), float(np.max(values))
    air = 0.04 * (high - low) or max(abs(high), 1.0) * 0.5
    return low - air, high + air


def _points(n):
    """How `n` points are drawn: the more there are, the fainter and smaller."""
    return {
        "s": float(np.clip(6000 / n, 9, 40)),
        "alpha": float(np.clip(600 / n, 0.2, 0.9)),
        "color": BLUE,
        "linewidths": 0,
        "zorder": 2,
    }
