"""Figures of a table's columns."""

import numpy as np

from course import figures


def test_each_place_has_its_value_and_the_highest_bar_is_the_cap():
    prices = np.array([1.0, 2.0, 5.0, 5.0, 5.0])
    places = np.arange(5.0) - 122, np.arange(5.0) + 33
    where, how_many, bar = figures.places(*places, prices, title="Precios", unit="precio").axes
    (dots,) = where.collections
    assert np.allclose(dots.get_offsets(), np.transpose(places))
    assert (dots.get_array() == prices).all()
    heights = [patch.get_height() for patch in how_many.patches]
    assert sum(heights) == 5 and heights[0] == 1 and heights[-1] == 3
    assert bar.get_ylabel() == how_many.get_xlabel() == "precio"
