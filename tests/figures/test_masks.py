"""Marked pictures: which pixels are tinted, and in which colour."""

import io

import numpy as np
from PIL import Image

from course import figures


def test_each_class_has_its_colour_over_the_picture():
    pictures = np.full((1, 4, 4, 1), 255, "uint8")
    mask = np.zeros((1, 4, 4), int)
    mask[0, :2, :2], mask[0, 2:, 2:] = 1, 2
    names = ["fondo", "piel", "lunar"]
    figure = figures.marked(pictures, {"verdad": mask}, names, ["a.png"], title="t")
    plain, _, tint = (drawn.get_array() for drawn in figure.axes[0].images)
    assert plain.shape == (4, 4) and (plain == 1).all()
    assert (tint[..., 3] > 0).tolist() == (mask[0] > 0).tolist()
    assert (tint[0, 0] != tint[3, 3]).any() and (tint[0, 0] == tint[1, 1]).all()
    assert [text.get_text() for text in figure.axes[0].texts] == [
        *("a.png", "imagen", "verdad"),
        *names[1:],
    ]


def test_a_name_that_the_font_lacks_warns_nobody():
    figure = figures.samples(np.zeros((2, 8, 8)), [0, 1], ["níscalo 🍄", "b"], title="Setas 🍄")
    assert Image.open(io.BytesIO(figures.png(figure))).format == "PNG"
