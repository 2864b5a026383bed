"""Figures of a table's columns, before any network."""

import numpy as np

from course.figures.style import BLUE, canvas, comma, styled


@styled
def places(longitude, latitude, values, *, title, unit):
    """A map of places, each coloured by its value, and how often each value occurs.

    Args:
        longitude, latitude: Where each place is, in degrees, `(n,)`.
        values: What was measured there, `(n,)`.
        title: Text.
        unit: Text, what the values are and in what.

    Returns:
        A `matplotlib.figure.Figure`: the map, its scale, and a histogram of 50 bars.

    Example:

    >>> figure = places([-122.4, -118.2], [37.8, 34.0], [5.0, 2.5], title="Precios", unit="precio")
    >>> [axes.get_title(loc="left") for axes in figure.axes[:2]]
    ['Dónde', 'Cuántos']
    """
    figure = canvas(9.6, 4.2, title)
    where, how_many = figure.subplots(1, 2)
    north = np.cos(np.deg2rad(np.mean(latitude)))  # a degree of longitude is shorter by this
    dots = where.scatter(longitude, latitude, c=values, s=4, cmap="cividis", linewidths=0)
    where.set_aspect(1 / north)
    where.set_title("Dónde")
    where.set_xlabel("longitud (grados)")
    where.set_ylabel("latitud (grados)")
    bar = figure.colorbar(dots, ax=where, label=unit)
    bar.outline.set_visible(False)
    how_many.hist(values, bins=50, color=BLUE)
    how_many.set_title("Cuántos")
    how_many.set_xlabel(unit)
    how_many.set_ylabel("lugares")
    comma(where.xaxis, where.yaxis, how_many.xaxis, bar.ax.yaxis)
    return figure
