"""Dice while training and the scores of whole volumes, by hand and beside independent programs."""

import inspect
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops
from scipy.spatial.distance import cdist
from sklearn.metrics import f1_score, precision_score, recall_score

from course import metrics
from course.metrics import (
    Dice,
    dice_score,
    hausdorff95,
    largest_slice,
    precision,
    sensitivity,
    volume_ml,
)

VOLUME = (155, 240, 240)


def mask(*rows):
    """`(batch, voxels, 1)` from one string a sample: `"1100"`."""
    return np.array([[[float(voxel)] for voxel in row] for row in rows])


def dice(metric, true, pred, **weights):
    metric.update_state(true, pred, **weights)
    return ops.convert_to_numpy(metric.result()).tolist()


# ---- the room


def test_scores_of_volumes_load_no_keras():
    code = """
import sys
import course.metrics.volumes
from course.metrics import dice_score
assert dice_score([1], [1]) == 1 and "keras" not in sys.modules
from course.metrics import Dice
assert "keras" in sys.modules and course.metrics.Dice is Dice
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_shows_dice_beside_the_functions():
    assert ("Dice", Dice) in inspect.getmembers(metrics, inspect.isclass)
    assert set(metrics.__all__) <= set(dir(metrics))
    with pytest.raises(AttributeError, match="has no attribute 'dice_loss'"):
        metrics.dice_loss  # noqa: B018


# ---- Dice while training


@pytest.mark.parametrize(
    "true, pred, expected",
    [
        ("1100", "1100", 1),
        ("1100", "0110", 1 / 2),
        ("1110", "1000", 1 / 2),  # 2 / (3 + 1)
        ("1000", "0100", 0),  # one voxel, at the wrong place
        ("0000", "0000", 1),
        ("0000", "0001", 0),  # one false alarm costs everything
        ("0001", "0000", 0),
    ],
)
def test_dice_of_one_region(true, pred, expected):
    metric = Dice(1, threshold=0.5)
    assert dice(metric, mask(true), 0.8 * mask(pred)) == pytest.approx(expected)


def test_the_threshold_itself_belongs_to_the_region():
    pred = np.array([[[0.5], [0.49], [0.5], [0.0]]])
    assert dice(Dice(1, threshold=0.5), mask("1100"), pred) == pytest.approx(1 / 2)
    # the truth is 0 or 1 however high the threshold
    assert dice(Dice(1, threshold=0.9), mask("1100"), 0.95 * mask("1100")) == 1


def test_an_answer_of_all_background_scores_nothing():
    # 19 voxels of background and one of tumour
    true = np.concatenate([mask("1" * 19 + "0"), mask("0" * 19 + "1")], axis=-1)
    pred = np.concatenate([mask("1" * 20), mask("0" * 20)], axis=-1)
    assert dice(Dice(2), true, pred) == 0
    with_background = Dice(2, include_background=True, average=None)
    assert dice(with_background, true, pred) == pytest.approx([38 / 39, 0])


def test_the_likeliest_class_wins():
    true = np.eye(3)[[[0, 1, 2, 2]]]
    pred = np.array([[[0.4, 0.3, 0.3], [0.3, 0.4, 0.3], [0.0, 0.6, 0.4], [0.1, 0.2, 0.7]]])
    # class 1: 2·1 / (1 + 2); class 2: 2·1 / (2 + 1)
    assert dice(Dice(3, average=None), true, pred) == pytest.approx([2 / 3, 2 / 3])
    # class 1 is absent and not answered: 1
    only_2 = np.eye(3)[[[0, 0, 2, 2]]]
    assert dice(Dice(3, average=None), only_2, only_2) == [1, 1]


def test_regions_overlap_and_every_channel_counts():
    whole, core = mask("1110"), mask("0110")
    true = np.concatenate([whole, core], axis=-1)
    pred = np.concatenate([whole, mask("0011")], axis=-1)
    for include_background in (True, False):
        metric = Dice(2, threshold=0.5, average=None, include_background=include_background)
        assert dice(metric, true, pred) == [1, 0.5]
    assert dice(Dice(2, threshold=0.5), true, pred) == 0.75


@pytest.fixture(scope="module")
def cases():
    """Seven samples of three classes, one of them without class 2."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (7, 4, 5, 6))
    labels[3] = np.minimum(labels[3], 1)
    return np.eye(3, dtype="float32")[labels], rng.random((7, 4, 5, 6, 3), dtype="float32")


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7])
@pytest.mark.parametrize("threshold", [None, 0.5])
def test_any_batch_size_gives_the_mean_over_the_samples(cases, threshold, batch_size):
    true, pred = cases
    metric = Dice(3, threshold=threshold)
    for start in range(0, 7, batch_size):
        metric.update_state(true[start : start + batch_size], pred[start : start + batch_size])
    if threshold is None:
        answer, channels = np.eye(3)[pred.argmax(-1)], (1, 2)
    else:
        answer, channels = pred >= threshold, (0, 1, 2)
    expected = np.mean(
        [
            f1_score(true[i, ..., k].ravel(), answer[i, ..., k].ravel(), zero_division=1.0)
            for i in range(7)
            for k in channels
        ]
    )
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


def test_keras_fits_and_evaluates_with_it_in_any_batch_size(cases):
    true, pred = cases
    image = keras.Input((4, 5, 6, 3))
    model = keras.Model(image, keras.layers.Activation("linear")(image))
    each = Dice(3, average=None, name="each")
    model.compile("sgd", "mse", metrics=[Dice(3, name="dice_patch"), each])
    scores = {
        model.evaluate(pred, true, batch_size=size, verbose=0, return_dict=True)["dice_patch"]
        for size in (1, 3, 7)
    }
    assert max(scores) - min(scores) < 1e-6
    assert ops.convert_to_numpy(each.result()).shape == (2,)


def test_weights_and_a_fresh_start():
    metric = Dice(1, threshold=0.5)
    assert float(metric.result()) == 0  # no sample yet
    true, pred = mask("1100", "1100"), mask("1100", "0011")
    assert dice(metric, true, pred, sample_weight=np.array([3.0, 1.0])) == pytest.approx(3 / 4)
    metric.reset_state()
    assert dice(metric, true, pred) == pytest.approx(1 / 2)


def test_it_comes_back_from_its_config():
    metric = Dice(3, threshold=0.4, average=None, include_background=True, name="dice_slice")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is Dice and again.get_config() == metric.get_config()


def test_a_float16_volume_is_counted_exactly():
    true, pred = np.zeros((1, *VOLUME, 1), "float16"), np.ones((1, *VOLUME, 1), "float16")
    true[0, :, :, :120] = 1  # half of it
    keras.config.set_dtype_policy("mixed_float16")
    try:
        metric = Dice(1, threshold=0.5)
    finally:
        keras.config.set_dtype_policy("float32")
    assert dice(metric, true, pred) == pytest.approx(2 / 3, abs=1e-7)  # 2·½ / (½ + 1)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Dice(1), "a single region, a threshold. Received: num_classes=1"),
        (lambda: Dice(3, average="micro"), "\"macro\" or None. Received: average='micro'"),
        (lambda: Dice(3, threshold=50), "threshold above 0, up to 1, or None. Received.*50"),
        (lambda: dice(Dice(3), np.zeros((1, 4)), np.zeros((1, 4, 3))), "one_hot"),
        (lambda: dice(Dice(3), np.zeros((1, 1, 3)), np.zeros((1, 4, 3))), "of one shape"),
        (lambda: dice(Dice(3), np.zeros((1, 4, 2)), np.zeros((1, 4, 2))), "Expected 3 channels"),
        (
            lambda: dice(Dice(3), *np.zeros((2, 1, 4, 3)), sample_weight=np.ones((1, 4))),
            r"a weight for each sample. Received: \(1, 4\)",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        make()


# ---- one pair of masks


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(bool, (2, 3, 4)))
def test_dice_sensitivity_and_precision_are_those_of_scikit_learn(masks):
    true, pred = masks
    both = true.ravel(), pred.ravel()
    assert dice_score(true, pred) == pytest.approx(f1_score(*both, zero_division=1.0))
    assert sensitivity(true, pred) == pytest.approx(
        recall_score(*both, zero_division=np.nan), nan_ok=True
    )
    assert precision(true, pred) == pytest.approx(
        precision_score(*both, zero_division=np.nan), nan_ok=True
    )


def test_with_empty_masks():
    nothing, one = np.zeros((2, 2)), np.array([[1, 0], [0, 0]])
    assert [dice_score(*pair) for pair in ((nothing, nothing), (nothing, one))] == [1, 0]
    assert np.isnan(sensitivity(nothing, one)) and sensitivity(one, nothing) == 0
    assert np.isnan(precision(one, nothing)) and precision(nothing, one) == 0


def test_volume_in_millilitres():
    box = np.zeros((20, 20, 20), "uint8")
    box[:10, :10, :10] = 1
    assert volume_ml(box, (1, 1, 1)) == 1
    assert volume_ml(box, (3, 0.5, 0.5)) == 0.75
    assert volume_ml(np.zeros((2, 2)), (1, 1)) == 0


# ---- hausdorff95


def points(shape, *voxels):
    array = np.zeros(shape, bool)
    for voxel in voxels:
        array[voxel] = True
    return array


def test_hausdorff_of_two_voxels_in_millimetres():
    a, b = points((3, 4, 5), (0, 0, 0)), points((3, 4, 5), (2, 3, 4))
    # steps of 2·2, 3·1 and 4·3 mm: √(16 + 9 + 144)
    assert hausdorff95(a, b, (2, 1, 3)) == pytest.approx(13)
    assert hausdorff95(a, a, (2, 1, 3)) == 0


def test_hausdorff_of_empty_masks():
    nothing, one = np.zeros(VOLUME, bool), points(VOLUME, (0, 0, 0))
    assert hausdorff95(nothing, nothing, (1, 1, 1)) == 0
    assert hausdorff95(nothing, one, (1, 1, 1)) == pytest.approx(373.13, abs=0.005)  # BraTS
    assert hausdorff95(points((3, 4), (0, 0)), np.zeros((3, 4)), (1, 1)) == 5
    assert hausdorff95(points((3, 4), (0, 0)), np.zeros((3, 4)), (4, 4)) == 20


def test_the_percentile_is_interpolated_and_each_direction_has_its_own():
    # from a: 0 and 10 mm, so 0.95·10; from b: 0. Pooled it would be 9.
    a, b = points((11,), 0, 10), points((11,), 0)
    assert hausdorff95(a, b, (1,)) == hausdorff95(b, a, (1,)) == pytest.approx(9.5)


def test_outside_the_array_is_outside_the_mask():
    # the surface of a full 5×5 square is its rim of 16, four of them corners √8 from the middle
    assert hausdorff95(np.ones((5, 5)), points((5, 5), (2, 2)), (1, 1)) == pytest.approx(8**0.5)


def test_a_hole_within_has_a_surface():
    ball = np.ones((5, 5, 5), bool)
    hollow = ball.copy()
    hollow[2, 2, 2] = False
    # 98 voxels outside, at 0 mm, and the hole's six neighbours, at 1: place 0.95·103 = 97.85
    assert hausdorff95(ball, hollow, (1, 1, 1)) == pytest.approx(0.85)


def plain_hausdorff95(a, b, spacing_mm):
    """The definition, word by word.

    MONAI 1.6.1 differed by less than 1e-5 mm on 20 pairs of lobed masks with uneven spacings (run
    by hand, 2026-11-24; it is not among the suite's packages).
    """
    surfaces = []
    for mask in (a, b):
        padded = np.pad(mask, 1)
        inside = mask.copy()
        for axis in range(mask.ndim):
            for step in (-1, 1):
                inside &= np.roll(padded, step, axis)[(slice(1, -1),) * mask.ndim]
        surfaces.append(np.argwhere(mask & ~inside) * spacing_mm)
    distances = cdist(*surfaces)
    return max(np.percentile(distances.min(axis), 95) for axis in (0, 1))


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(bool, (2, 4, 5, 6)).filter(lambda pair: pair.any((1, 2, 3)).all()),
    st.tuples(*3 * [st.floats(0.5, 5)]),
)
def test_hausdorff_is_the_plain_definition(pair, spacing_mm):
    expected = plain_hausdorff95(*pair, spacing_mm)
    assert hausdorff95(*pair, spacing_mm) == pytest.approx(expected, abs=1e-9)
    # room around the masks changes nothing
    wide = np.pad(pair, [(0, 0), (1, 3), (2, 0), (0, 4)])
    assert hausdorff95(*wide, spacing_mm) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("shares", [(0.003, 0.003), (0.02, 0.3), (0.5, 0.5), (0.01, 0.9)])
@pytest.mark.parametrize("spacing_mm", [(1, 1, 1), (4, 0.7, 1.3)])
def test_hausdorff_of_scattered_voxels_is_the_plain_definition(shares, spacing_mm):
    rng = np.random.default_rng(0)
    for _ in range(5):
        pair = [rng.random((11, 13, 12)) < share for share in shares]
        expected = plain_hausdorff95(*pair, spacing_mm)
        assert hausdorff95(*pair, spacing_mm) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("spacing_mm", [(1, 1, 1), (4, 0.7, 1.3)])
def test_hausdorff_of_far_surfaces_is_the_plain_definition(spacing_mm):
    """Farther apart than is looked at one by one: small surfaces, large ones, one of each."""
    z, y, x = np.ogrid[:24, :26, :28]
    balls = [(z - 11) ** 2 + (y - 12) ** 2 + (x - at) ** 2 < r**2 for at, r in ((6, 4), (20, 7))]
    chequered = (z + y + x) % 2 == 0
    halves = [chequered & (x < 9), chequered & (x > 18)]
    for pair in (balls, halves, (balls[0], halves[1])):
        expected = plain_hausdorff95(*pair, spacing_mm)
        assert expected > 8 and hausdorff95(*pair, spacing_mm) == pytest.approx(expected, abs=1e-9)


def tumour(seed, middle, radii):
    """A lobed tumour of some 200 ml in a volume of BraTS' size."""
    rng = np.random.default_rng(seed)
    z, y, x = (
        (np.arange(side).reshape(-1, *[1] * (2 - axis)) - middle[axis]) / radii[axis]
        for axis, side in enumerate(VOLUME)
    )
    lobes = sum(
        0.15 * np.sin(frequency * axis + rng.random() * 6)
        for axis in (z, y, x)
        for frequency in (3, 8)
    )
    return z**2 + y**2 + x**2 < 1 + lobes


def took_s(*arguments):
    """What it finds and how long that takes: of two tries, in this process's own time."""
    took = []
    for _ in range(2):
        start = time.process_time()  # others may have the machine as well
        found = hausdorff95(*arguments)
        took.append(time.process_time() - start)
    return found, min(took)


def test_a_full_volume_takes_less_than_two_seconds():
    true, pred = tumour(0, (80, 120, 100), (32, 42, 40)), tumour(1, (82, 117, 103), (34, 40, 38))
    assert volume_ml(true, (1, 1, 1)) > 100
    found, seconds = took_s(true, pred, (1, 1, 1))
    assert seconds < 2
    box = (slice(20, 140), slice(50, 190), slice(40, 170))
    assert found == hausdorff95(true[box], pred[box], (1, 1, 1)) and 2 < found < 30


def test_so_does_one_with_false_alarms_in_far_corners():
    true, pred = tumour(0, (80, 120, 100), (32, 42, 40)), tumour(1, (82, 117, 103), (34, 40, 38))
    expected = hausdorff95(true, pred, (1, 1, 1))
    pred[1, 1, 1] = pred[153, 238, 238] = True  # the box of both is now the whole volume
    found, seconds = took_s(true, pred, (1, 1, 1))
    # two voxels in some twenty thousand are well among the worst 5 %
    assert found == pytest.approx(expected, abs=0.1) and seconds < 2


def test_so_does_one_full_of_noise():
    true, pred = np.random.default_rng(0).random((2, *VOLUME)) < 0.5
    found, seconds = took_s(true, pred, (1, 1, 1))
    assert found == 1 and seconds < 2


@pytest.mark.parametrize(
    "masks, spacing_mm, message",
    [
        ((np.ones((2, 2)), np.ones((2, 3))), (1, 1), r"one shape. Received: \(2, 2\) and \(2, 3\)"),
        ((np.ones((2, 2)), np.full((2, 2), 4)), (1, 1), "0 and 1.*Received: values from 4 to 4"),
        ((np.ones((2, 2)), np.full((2, 2), 0.7)), (1, 1), "0 and 1.*values from 0.7"),
        ((np.ones((2, 2)), np.full((2, 2), np.nan)), (1, 1), "0 and 1.*values from nan"),
        ((np.ones((2, 2)), np.ones((2, 2))), (1, 1, 1), "2 positive numbers"),
        ((np.ones((2, 2)), np.ones((2, 2))), (1, 0), "2 positive numbers"),
        ((np.ones((2, 2)), np.ones((2, 2))), (1, np.nan), "2 positive numbers"),
    ],
)
def test_masks_that_are_none_are_refused(masks, spacing_mm, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        hausdorff95(*masks, spacing_mm)


def test_the_largest_slice_is_that_of_the_first_mask_that_is_not_empty():
    empty, first, second = np.zeros((5, 2, 2)), np.zeros((5, 2, 2)), np.zeros((5, 2, 2), bool)
    first[1, 0, 0], first[3], second[4] = 1, 1, True
    assert [largest_slice(first, second), largest_slice(empty, second)] == [3, 4]
    assert [largest_slice(empty, empty), largest_slice(np.zeros((1, 2, 2)))] == [2, 0]
