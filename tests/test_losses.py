"""Dice, Tversky and their mixtures, by hand; the same literal values hold on every backend."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops
from sklearn.metrics import f1_score

from course.losses import DiceCrossentropy, DiceLoss, TverskyLoss, dice_loss, tversky_loss

VOLUME = (1, 155, 240, 240, 1)  # a BraTS case, one region
LOSSES = [
    DiceLoss(include_background=False),
    TverskyLoss(alpha=0.6, smooth=2.0),
    DiceCrossentropy(dice_weight=0.3),
    DiceCrossentropy(multilabel=True),
]


def mask(*rows):
    """`(batch, voxels, 1)` from one string a sample: `"1100"`."""
    return np.array([[[float(voxel)] for voxel in row] for row in rows])


def name(loss):
    regions = "_regions" if getattr(loss, "multilabel", False) else ""
    return getattr(loss, "__name__", None) or loss.name + regions


def values(loss):
    return ops.convert_to_numpy(loss).tolist()


# ---- Dice


@pytest.mark.parametrize(
    "true, pred, expected",
    [
        ("1100", "1100", 0),  # 1 - (4 + 1) / (2 + 2 + 1)
        ("1100", "1000", 1 / 4),  # 1 - (2 + 1) / (2 + 1 + 1)
        ("1100", "0011", 4 / 5),  # 1 - (0 + 1) / (2 + 2 + 1)
        ("1000", "1000", 0),  # one voxel
        ("1000", "0100", 2 / 3),
        ("0000", "0000", 0),  # nothing there and nothing answered
        ("0000", "1000", 1 / 2),  # 1 - 1 / (0 + 1 + 1): a false alarm
        ("0000", "1111", 4 / 5),
        ("1111", "0000", 4 / 5),  # all of it missed
    ],
)
def test_dice_with_a_pencil(true, pred, expected):
    assert values(dice_loss(mask(true), mask(pred))) == pytest.approx([expected], abs=1e-6)


def test_dice_of_probabilities():
    pred = np.array([[[0.8], [0.4], [0.2], [0.6]]])
    # overlap 0.8 + 0.4, sizes 2 and 2
    assert values(dice_loss(mask("1100"), pred)) == pytest.approx([1 - 3.4 / 5], abs=1e-6)


def test_each_sample_has_its_own_dice():
    # pooled, the two would be 1 - (2 + 1) / (5 + 1 + 1) = 4/7
    true, pred = mask("1000", "1111"), mask("1000", "0000")
    assert values(dice_loss(true, pred)) == pytest.approx([0, 4 / 5], abs=1e-6)


def test_each_channel_has_its_own_dice():
    # a large region found, a small one missed: (0 + 1/2) / 2
    true = np.concatenate([mask("1110"), mask("0001")], axis=-1)
    pred = np.concatenate([mask("1110"), mask("0000")], axis=-1)
    assert values(dice_loss(true, pred)) == pytest.approx([1 / 4], abs=1e-6)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_number_of_spatial_axes_does_not_matter(rank):
    shape = {1: (1, 8, 1), 2: (1, 2, 4, 1), 3: (1, 2, 2, 2, 1)}[rank]
    true, pred = mask("11000000").reshape(shape), mask("10000000").reshape(shape)
    assert values(dice_loss(true, pred)) == pytest.approx([1 / 4], abs=1e-6)


def test_smooth_is_in_voxels():
    # 1 - (0 + 6) / (2 + 2 + 6)
    loss = dice_loss(mask("1100"), mask("0011"), smooth=6)
    assert values(loss) == pytest.approx([2 / 5], abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(bool, (2, 12)))
def test_on_masks_it_is_one_minus_the_f1_score(masks):
    true, pred = masks
    loss = dice_loss(true.reshape(1, 12, 1), pred.reshape(1, 12, 1), smooth=1e-6)
    expected = f1_score(true, pred, zero_division=1.0)
    assert values(loss) == pytest.approx([1 - expected], abs=1e-5)


def test_on_probabilities_it_is_that_of_keras():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, (1, 4, 4, 4, 1)).astype("float32")
    pred = rng.random(true.shape, dtype="float32")
    expected = float(keras.losses.dice(true, pred))
    assert values(dice_loss(true, pred, smooth=1e-6)) == pytest.approx([expected], abs=1e-5)


# ---- Tversky


def test_alpha_is_the_price_of_a_missed_voxel():
    miss = tversky_loss(mask("1100"), mask("1000"), alpha=0.7)  # 1 - 2 / (1 + 0.7 + 1)
    alarm = tversky_loss(mask("1000"), mask("1100"), alpha=0.7)  # 1 - 2 / (1 + 0.3 + 1)
    assert values(miss) == pytest.approx([7 / 27], abs=1e-6)
    assert values(alarm) == pytest.approx([3 / 23], abs=1e-6)


@pytest.mark.parametrize(
    "true, pred, alpha, expected",
    [
        ("0000", "0000", 0.7, 0),
        ("0000", "1111", 0.7, 1.2 / 2.2),  # four false alarms at 0.3
        ("1111", "0000", 0.7, 2.8 / 3.8),  # four misses at 0.7
        ("1111", "0000", 0.0, 0),  # misses are free
        ("0000", "1111", 1.0, 0),  # false alarms are free
    ],
)
def test_tversky_with_a_pencil(true, pred, alpha, expected):
    loss = tversky_loss(mask(true), mask(pred), alpha=alpha)
    assert values(loss) == pytest.approx([expected], abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    hnp.arrays(bool, (1, 10, 2)),
    hnp.arrays("float32", (1, 10, 2), elements=st.floats(0, 1, width=16)),
)
def test_with_one_half_it_is_dice(true, pred):
    half = tversky_loss(true, pred, alpha=0.5, smooth=1.0)
    assert values(half) == pytest.approx(values(dice_loss(true, pred, smooth=2.0)), abs=1e-5)


# ---- the classes


def test_the_background_can_be_left_out():
    # 19 voxels of background, one of tumour, and an answer of nothing but background
    true = np.concatenate([mask("1" * 19 + "0"), mask("0" * 19 + "1")], axis=-1)
    pred = np.concatenate([mask("1" * 20), mask("0" * 20)], axis=-1)
    # background: 1 - 39 / 40; tumour: 1 - 1 / 2
    assert float(DiceLoss()(true, pred)) == pytest.approx((1 / 40 + 1 / 2) / 2, abs=1e-6)
    assert float(DiceLoss(include_background=False)(true, pred)) == pytest.approx(1 / 2, abs=1e-6)
    tversky = TverskyLoss(include_background=False)  # 1 - 1 / (0.7 + 1)
    assert float(tversky(true, pred)) == pytest.approx(7 / 17, abs=1e-6)


def test_a_loss_is_the_mean_over_the_batch_and_heeds_weights():
    true, pred = mask("1000", "1111"), mask("1000", "0000")
    assert float(DiceLoss()(true, pred)) == pytest.approx(2 / 5, abs=1e-6)
    assert float(DiceLoss(reduction="sum")(true, pred)) == pytest.approx(4 / 5, abs=1e-6)
    assert float(DiceLoss()(true, pred, sample_weight=np.array([1.0, 0.0]))) == 0


def test_crossentropy_of_classes():
    true = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    pred = np.array([[[0.5, 0.5], [0.75, 0.25]]])
    # dice: background overlap 0.5, sizes 1 and 1.25; tumour 0.25, 1 and 0.75
    dice = ((1 - 2 / 3.25) + (1 - 1.5 / 2.75)) / 2
    crossentropy = (np.log(2) + np.log(4)) / 2
    for weight in (0.0, 0.25, 1.0):
        expected = weight * dice + (1 - weight) * crossentropy
        loss = DiceCrossentropy(dice_weight=weight)(true, pred)
        assert float(loss) == pytest.approx(expected, abs=1e-5)


def test_crossentropy_keeps_the_background_that_dice_leaves_out():
    true = np.array([[[1.0, 0.0], [1.0, 0.0]]])
    pred = np.array([[[0.5, 0.5], [0.5, 0.5]]])
    # the tumour is absent, half a voxel in each is answered: 1 - 1 / (0 + 1 + 1)
    loss = DiceCrossentropy(include_background=False)(true, pred)
    assert float(loss) == pytest.approx((1 / 2 + np.log(2)) / 2, abs=1e-5)


def test_crossentropy_of_regions():
    # two regions of one voxel: one there at 0.25, one absent at 0.5
    true, pred = np.array([[[1.0, 0.0]]]), np.array([[[0.25, 0.5]]])
    dice = ((1 - 1.5 / 2.25) + (1 - 1 / 1.5)) / 2
    crossentropy = (np.log(4) + np.log(2)) / 2
    loss = DiceCrossentropy(multilabel=True)(true, pred)
    assert float(loss) == pytest.approx((dice + crossentropy) / 2, abs=1e-5)


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_a_loss_comes_back_from_its_config(loss):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
    rng = np.random.default_rng(0)
    true = np.eye(3)[rng.integers(0, 3, (2, 4, 4))]
    pred = rng.dirichlet([1, 1, 1], (2, 4, 4))
    assert float(again(true, pred)) == float(loss(true, pred))


@pytest.mark.parametrize("function", [dice_loss, tversky_loss])
def test_a_function_comes_back_from_its_name(function):
    assert keras.losses.deserialize(keras.losses.serialize(function)) is function


# ---- precision


@pytest.mark.parametrize("true, pred", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_float16_volumes_are_finite(true, pred):
    true, pred = np.full(VOLUME, true, "float16"), np.full(VOLUME, pred, "float16")
    agree = bool((true == pred).all())
    for function in (dice_loss, tversky_loss):
        assert values(function(true, pred)) == pytest.approx([0 if agree else 1], abs=1e-5)
    loss = float(DiceCrossentropy(multilabel=True)(true, pred))
    assert loss == pytest.approx(0, abs=1e-5) if agree else 5 < loss < 10


def test_a_float16_volume_has_the_value_of_exact_sums():
    rng = np.random.default_rng(0)
    true = np.zeros(VOLUME, bool)
    true[:, 60:100, 80:150, 90:140] = True
    pred = rng.random(VOLUME, dtype="float32").astype("float16")
    exact = pred.astype("float64")
    expected = 1 - (2 * exact[true].sum() + 1) / (true.sum() + exact.sum() + 1)
    assert values(dice_loss(true, pred)) == pytest.approx([expected], rel=1e-5)


@pytest.fixture
def mixed_precision():
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(usual)


@pytest.mark.parametrize("loss", [DiceLoss(), DiceCrossentropy(multilabel=True)], ids=name)
def test_mixed_precision_trains_without_nan(loss, mixed_precision):
    # 64³ voxels: more than float16 can count; the answer itself is float16
    model = network((64, 64, 64, 1), "sigmoid")
    model.compile(keras.optimizers.Adam(0.01), loss)
    image = np.ones((1, 64, 64, 64, 1), "float32")
    true = np.concatenate([image, 0 * image], axis=-1)
    before = model.get_weights()
    history = model.fit(image, true, verbose=0).history
    assert model.output.dtype == "float16" and np.isfinite(history["loss"]).all()
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    assert not all(map(np.array_equal, before, model.get_weights()))


# ---- training


def network(input_shape, activation):
    image = keras.Input(input_shape)
    conv = {3: keras.layers.Conv2D, 4: keras.layers.Conv3D}[len(input_shape)]
    # zeros, because each backend draws its own random numbers
    out = conv(2, 1, kernel_initializer="zeros", activation=activation)(image)
    return keras.Model(image, out)


@pytest.mark.parametrize("loss", [*LOSSES, dice_loss, tversky_loss], ids=name)
def test_a_network_learns_with_it(loss):
    image = np.random.default_rng(0).choice([-1.0, 1.0], (4, 8, 8, 1))
    true = np.concatenate([image < 0, image > 0], axis=-1).astype("float32")
    model = network((8, 8, 1), "sigmoid" if getattr(loss, "multilabel", False) else "softmax")
    model.compile(keras.optimizers.Adam(0.5), loss)
    losses = model.fit(image, true, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


# ---- letters


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: DiceLoss(smooth=0), r"smooth > 0.*Received: smooth=0"),
        (lambda: TverskyLoss(alpha=1.1), r"alpha between 0 and 1. Received: alpha=1.1"),
        (lambda: DiceCrossentropy(dice_weight=-1), r"dice_weight between.*dice_weight=-1"),
        (
            lambda: DiceCrossentropy(multilabel=True, include_background=False),
            "channel 0 of independent regions is a region",
        ),
        (lambda: dice_loss(mask("10"), mask("10"), smooth=0), r"smooth > 0"),
        (lambda: tversky_loss(mask("10"), mask("10"), alpha=-0.1), r"alpha between 0 and 1"),
        # integer labels would be broadcast against the channels in silence
        (
            lambda: dice_loss(np.zeros((2, 3, 3)), np.zeros((2, 3, 3, 4))),
            r"one_hot.*Received: \(2, 3, 3\) and \(2, 3, 3, 4\)",
        ),
        (lambda: dice_loss(np.zeros((2, 3, 1)), np.zeros((2, 3, 4))), r"\(2, 3, 1\) and"),
        (lambda: dice_loss(np.zeros((2, 3)), np.zeros((2, 3))), r"\(batch, \.\.\., channels\)"),
        (
            lambda: DiceLoss(include_background=False)(mask("10"), mask("10")),
            "a background and at least one class",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        make()
