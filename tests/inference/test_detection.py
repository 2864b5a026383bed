"""Detection: the map equals windows cut out, boxes and suppression by pencil, precision, recall."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.inference import detection
from course.models import cnn

RNG = np.random.default_rng(0)


def shaken(model):
    """Weights and averages that are no special case: zero biases would hide a mistake."""
    rng = np.random.default_rng(1)
    for layer in model.layers:
        layer.set_weights([w + rng.uniform(0, 0.3, w.shape) for w in layer.get_weights()])
    return model


# ---- the map


@pytest.mark.parametrize("units", [(), (6,)])
def test_the_map_equals_the_classifier_on_each_window(units):
    # logits: a softmax would hide small differences
    options = {"units": units, "output_activation": None, "padding": "valid"}
    model = shaken(cnn((14, 18, 1), 3, filters=(4, 5), **options))
    heat, window, stride = detection.fully_convolutional(model)
    assert (window, stride) == ((14, 18), (4, 4))
    canvas = RNG.integers(0, 256, (33, 47, 1)).astype("float32")
    answers = np.asarray(heat(canvas[None]))[0]
    assert answers.shape == ((33 - 14) // 4 + 1, (47 - 18) // 4 + 1, 3)
    cut = [
        canvas[4 * row : 4 * row + 14, 4 * column : 4 * column + 18]
        for row in range(answers.shape[0])
        for column in range(answers.shape[1])
    ]
    expected = np.asarray(model(np.stack(cut))).reshape(answers.shape)
    assert np.ptp(expected, axis=(0, 1)).min() > 0.1  # windows that differ
    np.testing.assert_allclose(answers, expected, rtol=1e-4, atol=1e-4)


def test_every_pixel_of_a_window_counts():
    """30, 28, 14, 12, 6, 4, 2: no pooling leaves a row over."""
    model = cnn((30, 30, 1), 3, filters=(4, 5, 6), padding="valid", output_activation=None)
    # all positive: a brighter pixel is seen through every ReLU and every maximum
    model.set_weights([np.abs(weight) for weight in model.get_weights()])
    heat, window, _ = detection.fully_convolutional(model)
    gray = np.full((1, 30, 30, 1), 128.0, "float32")
    for place in [(0, 0), (29, 29), (0, 29), (29, 15)]:
        lit = gray.copy()
        lit[(0, *place, 0)] = 255
        assert np.abs(np.asarray(heat(lit) - heat(gray))).max() > 1e-4, place


@pytest.mark.parametrize(
    "side, filters, said",
    [
        ((28, 28), (4, 5, 6), "'level2_pool' is given 11×11 and would drop 1 rows and 1 columns"),
        ((14, 16), (4, 5), "'level2_pool' is given 4×5 and would drop 0 rows and 1 columns"),
    ],
)
def test_a_window_that_would_lose_pixels_is_refused(side, filters, said):
    with pytest.raises(ValueError, match=said):
        detection.fully_convolutional(cnn((*side, 1), 3, filters=filters, padding="valid"))


@pytest.mark.parametrize("side, padding", [(28, "same"), (30, "valid")])
def test_on_an_image_of_the_windows_size_the_map_is_the_classifier(side, padding):
    options = {"units": (7,), "output_activation": None, "padding": padding}
    model = shaken(cnn((side, side, 1), 10, filters=(4, 6, 8), **options))
    heat, _, _ = detection.fully_convolutional(model)
    pixels = RNG.integers(0, 256, (2, side, side, 1)).astype("float32")
    np.testing.assert_allclose(np.asarray(heat(pixels))[:, 0, 0], model(pixels), rtol=1e-4)


@pytest.mark.parametrize(
    "model, said",
    [
        (keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)]), "takes images"),
        (keras.Sequential([keras.layers.Dense(2)]), "takes images"),
        (
            keras.Sequential([keras.Input((8, 8, 1)), keras.layers.GlobalAveragePooling2D()]),
            "GlobalAveragePooling2D",
        ),
        (keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3)]), "has none"),
    ],
)
def test_a_model_that_cannot_be_moved_is_refused(model, said):
    with pytest.raises(ValueError, match=said):
        detection.fully_convolutional(model)


# ---- boxes


def test_boxes_come_from_the_map_best_first():
    heat = np.zeros((2, 3, 3))
    heat[..., 2] = 1  # background
    heat[0, 1] = 0.7, 0.2, 0.1
    heat[1, 2] = 0.1, 0.9, 0.0
    heat[1, 0] = 0.4, 0.3, 0.3  # too unsure
    boxes, scores, classes = detection.boxes_of_map(heat, (28, 20), (8, 4), background=2)
    assert boxes.tolist() == [[8, 8, 36, 28], [0, 4, 28, 24]]
    assert (scores.tolist(), classes.tolist()) == ([0.9, 0.7], [1, 0])


def test_below_a_half_an_object_is_found_beneath_a_more_probable_background():
    heat = np.array([[[0.6, 0.1, 0.3], [0.9, 0.05, 0.05]]])
    boxes, scores, classes = detection.boxes_of_map(heat, (8, 8), (2, 2), 0, threshold=0.3)
    assert (boxes.tolist(), scores.tolist(), classes.tolist()) == ([[0, 0, 8, 8]], [0.3], [2])


def test_an_empty_map_has_no_boxes():
    boxes, scores, classes = detection.boxes_of_map(np.eye(2)[[[1, 1]]], (8, 8), (2, 2), 1)
    assert boxes.shape == (0, 4) and len(scores) == len(classes) == 0


@pytest.mark.parametrize("shape, background", [((2, 3), 0), ((2, 3, 4), 4), ((2, 3, 4), -1)])
def test_a_map_that_is_none_is_refused(shape, background):
    with pytest.raises(ValueError, match=rf"background={background}"):
        detection.boxes_of_map(np.zeros(shape), (8, 8), (2, 2), background)


@pytest.mark.parametrize(
    "other, value",
    [
        ((0, 0, 4, 4), 1),  # the same
        ((0, 2, 4, 6), 8 / 24),  # half beside
        ((1, 1, 3, 3), 4 / 16),  # inside
        ((2, 2, 6, 6), 4 / 28),  # a corner
        ((0, 4, 4, 8), 0),  # touching is not sharing
        ((9, 9, 9, 9), 0),  # without area
    ],
)
def test_iou_by_pencil(other, value):
    assert detection.iou([(0, 0, 4, 4)], [other])[0, 0] == pytest.approx(value)


def test_iou_without_boxes():
    assert detection.iou([], [(0, 0, 1, 1)]).shape == (0, 1)
    assert detection.iou([(1, 1, 1, 1)], [(1, 1, 1, 1)]).tolist() == [[0]]


BOX = st.tuples(*[st.integers(0, 12)] * 2, *[st.integers(1, 6)] * 2).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(BOX, BOX)
def test_iou_counts_pixels(a, b):
    masks = np.zeros((2, 20, 20), bool)
    for mask, (top, left, bottom, right) in zip(masks, (a, b), strict=True):
        mask[top:bottom, left:right] = True
    counted = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
    assert detection.iou([a], [b])[0, 0] == pytest.approx(counted)


@pytest.mark.parametrize("boxes", [[[0, 0, 1]], [0, 0, 1, 1], [[3, 0, 1, 1]], [[0, 0, np.nan, 1]]])
def test_what_is_no_box_is_refused(boxes):
    with pytest.raises(ValueError, match="top, left, bottom, right"):
        detection.iou(boxes, [[0, 0, 1, 1]])


# ---- suppression


def test_a_dropped_box_drops_no_other():
    # 1 overlaps both, 0 and 2 do not touch: with 0 the best, 1 falls and 2 stays
    boxes = [(0, 0, 4, 4), (0, 2, 4, 6), (0, 4, 4, 8)]
    assert detection.non_maximum_suppression(boxes, [0.9, 0.8, 0.7], 0.3).tolist() == [0, 2]
    assert detection.non_maximum_suppression(boxes, [0.8, 0.9, 0.7], 0.3).tolist() == [1]
    assert detection.non_maximum_suppression(boxes, [0.8, 0.9, 0.7], 0.4).tolist() == [1, 0, 2]


def test_of_equals_the_first_stays():
    assert detection.non_maximum_suppression([(0, 0, 2, 2)] * 3, [0.5] * 3).tolist() == [0]


def test_suppression_of_nothing():
    assert detection.non_maximum_suppression([], []).tolist() == []


@pytest.mark.parametrize("scores", [[0.5], [0.5, np.nan]])
def test_suppression_needs_a_score_for_each_box(scores):
    with pytest.raises(ValueError, match="one score for each of 2 boxes"):
        detection.non_maximum_suppression([(0, 0, 1, 1)] * 2, scores)


@given(st.lists(st.tuples(BOX, st.floats(0, 1)), max_size=12), st.sampled_from([0.1, 0.3, 0.6]))
def test_what_is_kept_is_apart_and_what_is_dropped_has_a_better_neighbour(found, threshold):
    boxes = [box for box, _ in found]
    scores = [score for _, score in found]
    kept = detection.non_maximum_suppression(boxes, scores, threshold)
    overlaps = detection.iou(boxes, boxes)
    for i in range(len(boxes)):
        others = [k for k in kept if k != i]
        if i in kept:
            assert all(overlaps[i, k] <= threshold for k in others)
        else:
            assert any(overlaps[i, k] > threshold and scores[k] >= scores[i] for k in others)


# ---- how good the boxes are


TRUE = [(0, 0, 10, 10), (20, 20, 30, 30)]


@pytest.mark.parametrize(
    "boxes, scores, classes, expected",
    [
        ([(0, 0, 10, 10), (20, 20, 30, 30)], [0.9, 0.8], [1, 2], [0, 1]),
        ([(0, 0, 10, 10)], [0.9], [2], [-1]),  # the place is right, the digit is not
        ([(0, 6, 10, 16)], [0.9], [1], [-1]),  # 40 of 160 pixels shared
        ([(0, 3, 10, 13)], [0.9], [1], [0]),  # 70 of 130
        ([(0, 3, 10, 13), (0, 0, 10, 10)], [0.9, 0.8], [1, 1], [0, -1]),  # found twice
        ([(0, 3, 10, 13), (0, 0, 10, 10)], [0.8, 0.9], [1, 1], [-1, 0]),
        ([], [], [], []),
    ],
)
def test_found_boxes_are_matched_once(boxes, scores, classes, expected):
    assert detection.match(boxes, scores, classes, TRUE, [1, 2]).tolist() == expected


def test_where_nothing_is_every_find_is_wrong():
    assert detection.match([(0, 0, 1, 1)], [0.9], [1], [], []).tolist() == [-1]


@pytest.mark.parametrize(
    "counts, expected",
    [((3, 4, 6), (0.75, 0.5)), ((0, 0, 5), (None, 0)), ((0, 5, 0), (0, None))],
)
def test_precision_and_recall_by_pencil(counts, expected):
    assert detection.precision_recall(*counts) == expected


def test_more_right_boxes_than_there_are_is_refused():
    with pytest.raises(ValueError, match="right=3, found=4, there=2"):
        detection.precision_recall(3, 4, 2)
