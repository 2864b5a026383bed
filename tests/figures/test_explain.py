"""The figures of what a network sees: which maps, in which colours, over which image."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from course import figures
from course.figures import style

DIGIT = np.full((28, 28, 1), 90, "uint8")


def drawn(figure):
    """`(array, extent, limits)` of each picture, in the order in which they were drawn."""
    return [
        (image.get_array(), image.get_extent(), image.get_clim()) for image in figure.axes[0].images
    ]


def test_of_many_maps_those_that_vary_most_are_shown_in_their_order():
    maps = np.zeros((4, 4, 5))
    maps[0, 0] = [1, 9, 0, 4, 2]
    figure = figures.feature_maps(DIGIT, {"a": maps, "b": maps[..., :1]}, title="t", count=2)
    image, *shown, alone = (array for array, _, _ in drawn(figure))
    assert image[0, 0] == pytest.approx(90 / 255)
    assert [array[0, 0] for array in shown] == [9, 4]
    assert alone[0, 0] == 1
    assert [text.get_text() for text in figure.axes[0].texts][1:] == [
        "a: 5 mapas de 4×4",
        "b: 1 mapa de 4×4",
    ]
    assert "los 2 mapas que más varían" in figure.texts[-1].get_text()


def test_a_map_lies_over_the_whole_image_and_has_its_own_scale():
    maps = [np.array([[0, 2], [0, 0]]), np.zeros((3, 3))]
    figure = figures.grad_cam([DIGIT, DIGIT], maps, ["uno", "dos"], title="t")
    above, below, heat, *_, nothing = drawn(figure)
    assert below[1] == heat[1] and above[1][:2] == heat[1][:2] and above[1][2] < heat[1][3]
    assert (heat[2], nothing[2]) == ((0, 2), (0, 1))
    assert heat[0].tolist() == [[0, 2], [0, 0]]
    said = [text.get_text() for text in figure.axes[0].texts]
    assert said == ["uno", "dos", "mapa vacío"]


def test_falls_have_one_scale_blue_where_the_class_loses():
    falls = [np.full((28, 28), 0.5), np.full((28, 28), -0.25)]
    figure = figures.occlusion([DIGIT, DIGIT], falls, ["uno", "dos"], title="t")
    loses, wins = (figure.axes[0].images[place] for place in (2, 5))
    assert loses.get_clim() == wins.get_clim() == (-0.5, 0.5)
    blue, orange = (np.asarray(each.to_rgba(each.get_array()))[0, 0] for each in (loses, wins))
    assert blue[:3] == pytest.approx(to_rgb(style.BLUE), abs=0.01)
    assert orange[0] > orange[2]
    assert figure.texts[-1].get_text().endswith("El color pleno: 0,50.")
