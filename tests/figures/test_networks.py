"""A network's drawing says what the Keras model is."""

from collections import Counter

import keras
import pytest
from keras import layers
from matplotlib.text import Annotation

from course import figures
from course.figures.style import BLUE, GREEN, ORANGE, PURPLE, RULE, VERMILLION
from course.models import cnn, mlp, unet


def drawn(model):
    """The axes, their words, and the arrows of each colour as `(start, end)`."""
    (axes,) = figures.network(model, title="La red").axes
    arrows = {}
    for each in axes.texts:
        if isinstance(each, Annotation):
            arrows.setdefault(each.arrowprops["color"], []).append((each.xyann, each.xy))
    words = [text.get_text().replace("\xa0", " ") for text in axes.texts if text.get_text()]
    return axes, words, arrows


def test_neurons_are_joined_and_values_go_forward_gradients_back():
    """3·4 + 4·2 weights are 20 lines; 3·4 + 4 and 4·2 + 2 numbers."""
    axes, words, arrows = drawn(mlp((3,), 2, units=(4,), dropout=0.5))
    assert sum(line.get_color() == RULE for line in axes.lines) == 20
    assert {"3 entradas", "4 neuronas\nrelu\n16 números", "2 salidas\nlineal\n10 números"} < {
        *words
    }
    assert [start[0] < end[0] for start, end in arrows[BLUE]] == [True, True]
    assert [start[0] < end[0] for start, end in arrows[VERMILLION]] == [False, False]


def test_of_many_neurons_three_above_and_three_below_the_dots_are_drawn():
    axes, words, _ = drawn(mlp((20,), 1, units=(9,)))
    assert sum(line.get_color() == RULE for line in axes.lines) == 6 * 6 + 6 * 1
    assert "9 neuronas\nrelu\n189 números" in words


def test_maps_are_to_scale():
    axes, words, _ = drawn(cnn((8, 8, 1), 2, filters=(4,)))
    sizes = ["8×8×1", "8×8×4", "4×4×4", "64", "2"]
    assert words == [*sizes, "imagen", "convolución", "pooling", "aplanar", "capa densa"]
    fronts = [patch.get_xy() for patch in axes.patches[1 : 6 * len(sizes) : 6]]
    talls = [corners[:, 1].max() - corners[:, 1].min() for corners in fronts]
    assert talls[0] == pytest.approx(talls[1]) == pytest.approx(2 * talls[2])


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("gated", [True, False])
def test_a_skip_stays_on_its_level_and_a_gate_stands_in_it(rank, gated):
    sides = (16,) * rank
    filters = (2, 6, 8, 9)
    model = unet((*sides, 4), 3, filters=filters, attention=gated, output_activation="sigmoid")
    axes, words, arrows = drawn(model)
    down = [f"{'×'.join([side] * rank)}\n" for side in ("16", "8", "4", "2")]
    up = [f"{n} mapas" for n in filters]
    wanted = [side + maps for side, maps in zip(down, up, strict=True)]
    assert [text for text in words if "mapas" in text] == [*wanted, *up[:-1]]
    assert {"4 canales", "3 salidas"} < {*words}
    lengths = {color: len(each) - 1 for color, each in arrows.items()}  # one is the legend's
    assert (lengths[ORANGE], lengths[GREEN], lengths[BLUE]) == (3, 3, 3)
    skips = [(start[1], end[1]) for start, end in arrows[BLUE][:-1]]
    assert all(start == end for start, end in skips)
    crosses = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "x"]
    assert crosses == ([start for start, _ in skips] if gated else [])
    assert (PURPLE in arrows) == gated == any("compuerta" in text for text in words)


def test_sides_left_free_are_said_in_parts():
    _, words, _ = drawn(unet((None, None, 1), 2, filters=(2, 4)))
    assert Counter(words) >= Counter(["lado entero\n2 mapas", "1/2 del lado\n4 mapas"])


def test_what_it_cannot_draw_is_refused():
    inputs = keras.Input((8, 8, 2))
    shortcut = keras.Model(inputs, layers.Add()([inputs, layers.Conv2D(2, 1)(inputs)]))
    with pytest.raises(ValueError, match="Expected dense layers or convolutions"):
        figures.network(shortcut, title="x")
