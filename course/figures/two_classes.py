"""Figures of two classes, one of them looked for: its ROC curve, what a probability is worth."""

import numpy as np

from course.figures.style import BLUE, GREY, INK, ORANGE, SKY, canvas, comma, styled
from course.spanish import number, percent


@styled
def roc(false_alarms, sensitivities, *, chosen, threshold, title):
    """The ROC curve, every threshold's false alarms and cases found, with the chosen one marked.

    Args:
        false_alarms, sensitivities: Shares, `(points,)`, both from 0 to 1, as
            `evaluation.two_classes.roc` returns them.
        chosen: `(false alarm share, sensitivity)` of the threshold that decides.
        threshold: That threshold, 0 to 1.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure` with equal axes.

    Example:

    >>> figure = roc([0, 0, 1], [0, 1, 1], chosen=(0, 1), threshold=0.5, title="Curva ROC")
    >>> figure.axes[0].get_ylabel()
    'Sensibilidad: de los casos, cuántos encuentra'
    """
    figure = canvas(5.6, 5.4, title)
    axes = figure.add_subplot(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.grid()
    axes.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1.3, label="al azar")
    axes.plot(false_alarms, sensitivities, color=BLUE, label="la red, con cada umbral")
    label = (
        f"umbral {percent(threshold, 1)}: sensibilidad {percent(chosen[1], 1)}, "
        f"falsas alarmas {percent(chosen[0], 1)}"
    )
    axes.plot(*chosen, "o", ms=10, color=ORANGE, mec=INK, mew=1.2, ls="", label=label, zorder=3)
    axes.set_xlabel("Falsas alarmas: de los demás, cuántos señala")
    axes.set_ylabel("Sensibilidad: de los casos, cuántos encuentra")
    comma(axes.xaxis, axes.yaxis)
    figure.legend(loc="outside lower left")
    return figure


@styled
def roc_curves(curves, *, title):
    """ROC curves beside one another: one network on several parts, or several networks.

    Args:
        curves: Dict from a name to `(false alarm shares, sensitivities)`, as
            `evaluation.two_classes.roc` returns them.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure` with equal axes; the area under each curve is in the legend.

    Example:

    >>> figure = roc_curves({"prueba": ([0, 0, 1], [0, 0.5, 1])}, title="Curvas ROC")
    >>> figure.axes[0].get_legend().get_texts()[0].get_text()
    'prueba: área 0,750'
    """
    figure = canvas(5.6, 5.2, title)
    axes = figure.add_subplot(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.grid()
    looks = ((BLUE, "-"), (ORANGE, "--"), (INK, ":"))
    for (name, (alarms, found)), (color, line) in zip(curves.items(), looks, strict=False):
        area = number(float(np.trapezoid(found, alarms)), 3)
        axes.plot(alarms, found, line, color=color, label=f"{name}: área {area}")
    axes.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1, label="al azar: área 0,5")
    axes.set_xlabel("Falsas alarmas: de los sanos, a cuántos señala")
    axes.set_ylabel("Sensibilidad: de los enfermos, cuántos encuentra")
    comma(axes.xaxis, axes.yaxis)
    axes.legend(loc="lower right")
    return figure


@styled
def calibration(rows, *, title):
    """What a probability is worth: in each tenth of it, how many really were of its class.

    Args:
        rows: As `evaluation.two_classes.calibration` returns them: dicts with `from`, `to`, `n`,
            `predicted`, `observed` and `interval`.
        title: Text.

    Returns:
        A `matplotlib.figure.Figure`: the shares with their intervals beside the diagonal, and under
        them how many samples each stands for.

    Example:

    >>> row = {"from": 0.9, "to": 1.0, "n": 8, "predicted": 0.95, "observed": 0.75}
    >>> figure = calibration([row | {"interval": (0.4, 0.9)}], title="Calibración")
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['Cuántas lo eran', 'Imágenes']
    """
    predicted, observed, n = (
        np.array([r[key] for r in rows]) for key in ("predicted", "observed", "n")
    )
    ends = np.array([row["interval"] for row in rows])
    figure = canvas(5.6, 6.4, title)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    above.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    above.grid()
    above.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1.3, label="probabilidad que se cumple")
    reach = np.abs(ends.T - observed)
    above.errorbar(
        predicted, observed, reach, fmt="o", color=BLUE, ms=6, lw=1.5, capsize=3,
        label="la red, con 95 % de confianza",
    )  # fmt: skip
    above.set_ylabel("Cuántas lo eran")
    above.legend(loc="upper left")
    bars = below.bar(
        [row["from"] for row in rows],
        n,
        [row["to"] - row["from"] for row in rows],
        align="edge",
        color=SKY,
        edgecolor="white",
    )
    below.bar_label(bars, [number(each, 0) for each in n], fontsize=8.5)
    below.margins(y=0.3)
    below.set_ylabel("Imágenes")
    below.set_xlabel("Probabilidad que le dio la red")
    below.set_yticks([])
    comma(above.xaxis, above.yaxis)
    return figure
