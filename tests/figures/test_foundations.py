"""The figures of the foundations show what the functions say."""

import io

import numpy as np
import pytest
from PIL import Image

from course import figures
from course.figures import foundations
from course.foundations.convolution import SLIDE_IMAGE, SLIDE_KERNEL


def test_each_activation_is_drawn_and_a_jump_is_no_line():
    figure = figures.activations(title="Activaciones")
    step, *_, relu, _ = figure.axes
    value, point = [line for line in step.lines if line.get_color() == figures.style.BLUE]
    x, y = value.get_data()
    assert np.isnan(y[x == 0]).all() and set(y[x != 0]) == {0, 1}
    assert (list(point.get_xdata()), list(point.get_ydata())) == ([0], [0.5])
    assert relu.get_xlabel() == "φ(z) = max(0, z)\nredes multicapa"
    (slope,) = [line for line in relu.lines if line.get_color() == figures.style.VERMILLION]
    assert set(slope.get_ydata()[~np.isnan(slope.get_ydata())]) == {0, 1}


def test_answers_lie_where_they_are_given_and_points_say_what_is_right():
    answer = np.zeros((4, 4))
    answer[0] = 1  # the lowest row
    figure = figures.decisions([[0, 0], [1, 0]], [[0], [1]], {"paso 0": answer}, title="XOR")
    (axes,) = figure.axes
    (picture,) = axes.images
    assert picture.get_extent() == [-0.5, 1.5, -0.5, 1.5] and picture.origin == "lower"
    assert (picture.get_array() == answer).all()
    said = {text.get_text(): text.get_position() for text in axes.texts}
    assert said == {"0": (0, 0), "1": (1, 0)}


def test_errors_are_drawn_where_they_are():
    errors = {"x²": {"a": {1: 0.5, 4: 0.1}, "b": {1: 0.2, 4: 0.001}}, "|x|": {"a": {2: 1, 8: 0.1}}}
    first, second = figures.approximation_errors(errors, title="Error").axes
    drawn = {line.get_label(): dict(zip(*line.get_data(), strict=True)) for line in first.lines}
    assert drawn == errors["x²"]
    assert (first.get_xscale(), first.get_yscale()) == ("log", "log")
    assert second.get_title(loc="left") == "|x|"


@pytest.mark.parametrize("stride, places", [(1, 9), (2, 4)])
def test_the_animation_has_a_frame_for_each_place(stride, places, tmp_path):
    gif = figures.sliding_kernel(SLIDE_IMAGE, SLIDE_KERNEL, title="Paso a paso", stride=stride)
    path = tmp_path / "new" / "convolution.gif"
    figures.show_animation(gif, path)
    assert path.read_bytes() == gif
    picture = Image.open(io.BytesIO(gif))
    assert picture.n_frames == places and picture.info["loop"] == 0
    seen = set()
    for frame in range(places):
        picture.seek(frame)
        seen.add(picture.convert("L").tobytes())
    assert len(seen) == places


def test_a_place_is_written_as_all_its_products():
    """The slide's first place, whose kernel has four zeros: 1·1 + 1·0 + 1·1 + …"""
    answer = np.array([[4, 3, 4], [2, 4, 3], [2, 3, 4]])
    frame = foundations._frame(SLIDE_IMAGE, SLIDE_KERNEL, answer, 0, 1, "Paso a paso")
    written = " ".join(text.get_text() for text in frame.texts[1:])
    assert written == "1·1 + 1·0 + 1·1 + 0·0 + 1·1 + 1·0 + 0·1 + 0·0 + 1·1 = 4"
    weights = [text for text in frame.axes[0].texts if text.get_text().startswith("×")]
    assert [text.get_text() for text in weights] == "×1 ×0 ×1 ×0 ×1 ×0 ×1 ×0 ×1".split()


def test_an_image_with_channels_cannot_be_animated():
    with pytest.raises(ValueError, match="without channels"):
        figures.sliding_kernel(np.ones((4, 4, 1)), np.ones((3, 3, 1, 1)), title="x")


def test_pictures_side_by_side_have_pixels_of_one_size():
    pictures = {"Imagen": np.eye(4), "La mitad": np.eye(2), "Ancha": np.ones((2, 6))}
    (axes,) = figures.side_by_side(pictures, title="Antes y después").axes
    for picture, shown in zip(axes.images, pictures.values(), strict=True):
        left, right, bottom, top = picture.get_extent()
        pixels = (right - left) / shown.shape[1], (bottom - top) / len(shown)
        assert pixels == pytest.approx((2.6 / 6, 2.6 / 6))
        assert picture.get_clim() == (0, 255)
    assert [text.get_text() for text in axes.texts][2] == "Ancha: 2×6"
