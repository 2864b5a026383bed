"""Figures of brains: what is drawn where, on which side, in which colours."""

import io

import numpy as np
import pytest
from matplotlib import colors
from PIL import Image

from course import figures
from course.figures import volumes


def brain(shape=(6, 40, 30), channels=2):
    """A box of grey in a background of 0."""
    image = np.zeros((*shape, channels), "float32")
    image[1:-1, 4:-4, 4:-4] = np.random.default_rng(0).uniform(1, 2, (4, 32, 22, channels))
    return image


def tumour(shape=(6, 40, 30), start=10):
    regions = np.zeros((*shape, 3), "uint8")
    regions[2:4, start : start + 16, 8:22, 0] = 1
    regions[2:4, start + 3 : start + 12, 10:20, 1] = 1
    regions[2:4, start + 5 : start + 10, 12:18, 2] = 1
    return regions


def pixels(figure):
    return np.asarray(Image.open(io.BytesIO(figures.png(figure))).convert("RGB")).astype(int)


def near(picture, color, tolerance=30):
    """Where a picture has a colour, `(height, width)`."""
    wanted = np.round(255 * np.array(colors.to_rgb(color)))
    return np.abs(picture - wanted).max(axis=-1) < tolerance


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_patients_right_front_is_drawn_at_the_upper_left():
    image = brain(channels=1)
    image[3, 6:10, 5:9] = 50  # in front (low H), on the patient's right (low W)
    figure = figures.modalities(image, names=["FLAIR"], title="t", at=3)
    drawn = figure.axes[0].images[0]
    left, right, bottom, top = drawn.get_extent()
    assert left < right and top < bottom  # the first row above, the first column at the left
    lit = np.argwhere(drawn.get_array() > 10)
    assert lit.mean(axis=0)[0] < drawn.get_array().shape[0] / 2
    assert lit.mean(axis=0)[1] < drawn.get_array().shape[1] / 2
    assert any("la derecha del paciente está a la izquierda" in text for text in texts(figure))


def test_modalities_choose_the_slice_with_most_tumour_and_name_each():
    regions = tumour()
    regions[4, 8:30, 6:24, 0] = 1
    figure = figures.modalities(brain(), regions, names=("flair", "T1ce"), title="t")
    assert texts(figure)[:3] == ["Corte 5 de 6", "FLAIR", "T1ce"]
    for nothing in (None, np.zeros((6, 40, 30, 3))):
        figure = figures.modalities(brain(), nothing, names=("flair", "t1ce"), title="t")
        assert texts(figure)[0] == "Corte 4 de 6"  # the middle one
    with pytest.raises(ValueError, match="C names"):
        figures.modalities(brain(), title="t")


def test_an_outline_lies_on_the_border_of_its_mask():
    regions = tumour()
    regions[..., 1:] = 0
    figure = figures.modalities(brain(channels=1), regions, names=["FLAIR"], title="t", at=3)
    [outline] = [c for c in figure.axes[0].collections if len(c.get_paths())]
    points = np.concatenate([path.vertices for path in outline.get_paths()])
    left, right, bottom, top = figure.axes[0].images[0].get_extent()
    rows = (points[:, 1] - top) / (bottom - top) * 38 + 1  # the frame shows rows 1 to 38
    columns = (points[:, 0] - left) / (right - left) * 28 + 1
    assert (rows.min(), rows.max()) == pytest.approx((10, 26), abs=0.6)
    assert (columns.min(), columns.max()) == pytest.approx((8, 22), abs=0.6)


def test_a_core_that_is_all_enhancing_shows_both_outlines():
    regions = tumour()
    regions[..., 1] = regions[..., 2]
    picture = pixels(figures.modalities(brain(), regions, names="ab", title="t", at=3))
    legend = picture.shape[0] - 90
    for _, color, _ in volumes.OUTLINES.values():
        assert near(picture[:legend], color).sum() > 50, color


def test_the_outlines_stay_apart_for_colour_blind_readers():
    # Viénot, Brettel and Mollon 1999: how a protanope and a deuteranope see linear RGB
    blind = [
        [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    ]
    for matrix in [np.eye(3), *blind]:
        seen = [
            np.clip(matrix @ np.array(colors.to_rgb(color)) ** 2.2, 0, 1) ** (1 / 2.2)
            for _, color, _ in volumes.OUTLINES.values()
        ]
        for first, second in ((0, 1), (0, 2), (1, 2)):
            assert np.abs(seen[first] - seen[second]).max() > 0.15


def test_overlay_has_a_row_for_each_case_truth_left_of_the_answer():
    image, truth, answer = brain()[3, ..., 0], tumour()[3], tumour(start=14)[3]
    figure = figures.overlay([image] * 2, [truth] * 2, [answer] * 2, ["uno", "dos"], title="t")
    assert texts(figure)[:5] == ["uno", "imagen", "verdad", "respuesta de la red", "dos"]
    assert {"tumor completo (WT)", "núcleo (TC)", "realce (ET)"} <= set(texts(figure))
    assert len(figure.axes[0].images) == 6
    blue = near(pixels(figure)[: pixels(figure).shape[0] // 2], volumes.OUTLINES["WT"][1])
    third = blue.shape[1] // 3
    rows = [np.flatnonzero(blue[:, i * third : (i + 1) * third].any(axis=1)) for i in (1, 2)]
    assert not blue[:, :third].any() and rows[1].mean() > rows[0].mean() + 5


def test_a_constant_background_that_is_not_zero_is_left_out():
    image = brain(channels=1)
    image[image == 0] = -6  # as in data that others have normalised
    figure = figures.modalities(image, names=["FLAIR"], title="t", at=3)
    drawn = figure.axes[0].images[0]
    low, high = drawn.get_clim()
    assert 0.8 < low < 1.1 and 1.9 < high < 2.1 and drawn.get_array().shape == (38, 28)


def test_dice_by_case_shows_every_case_its_mean_and_its_median():
    figure = figures.dice_by_case({"WT": [0.9, 0.8, 0.1], "ET": [1.0]}, title="t")
    axes = figure.axes[0]
    offsets = [np.asarray(points.get_offsets())[:, 1] for points in axes.collections]
    assert [sorted(values) for values in offsets] == [[0.1, 0.8, 0.9], [1.0]]
    heights = [line.get_ydata()[0] for line in axes.lines]
    assert heights == pytest.approx([0.6, 0.8, 1, 1])
    assert [text.get_text() for text in axes.texts] == ["0,60", "1,00"]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["WT\ntumor completo", "ET\nrealce"]
    assert [text.get_text() for text in figure.legends[0].texts] == ["un caso", "media", "mediana"]


def test_attention_lies_on_the_part_of_the_slice_that_it_weighs():
    image = brain()[3, ..., 0]
    small = np.zeros((10, 15))  # each value weighs 4 rows, 2 columns
    small[5, 5] = 1
    figure = figures.attention(image, {"up2_attention": small}, title="t")
    assert texts(figure)[:2] == ["imagen", "up2_attention"]
    weights = figure.axes[0].images[2].get_array()
    assert weights.shape == (38, 28)  # rows 1 to 38 of the slice
    rows, columns = np.nonzero(weights > 0.5)
    assert set(rows + 1) == {20, 21, 22, 23} and set(columns + 1) == {10, 11}
    assert figures.attention(image, {}, title="t").get_label() == "t"


def test_an_empty_slice_and_a_slice_of_one_value_are_drawn():
    nothing = np.zeros((8, 8, 3))
    for picture in (np.zeros((8, 8)), np.ones((8, 8)), np.eye(8)):
        figure = figures.overlay([picture], [nothing], [nothing], ["x"], title="t")
        low, high = figure.axes[0].images[0].get_clim()
        assert low < high and figures.png(figure)[1:4] == b"PNG"
