"""The U-Net and its gates: sums by hand, the gate in NumPy, names, the graph, export."""

import itertools
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from course.export import export
from course.losses import DiceCrossentropy
from course.metrics import Dice
from course.models import attention_gate, attention_unet, conv_block, unet

SIZES = {2: (8, 12), 3: (4, 8, 12)}


def small(rank, attention=True, sizes=None, filters=(4, 6, 8), **options):
    shape = (*(sizes or SIZES[rank]), 2)
    return unet(shape, 3, filters=filters, attention=attention, **options)


def images(rank, n=2, sizes=None):
    return np.random.default_rng(0).normal(size=(n, *(sizes or SIZES[rank]), 2)).astype("float32")


def randomize(model, seed=0):
    """Weights that none of the initializers gives, so that each one counts; variances positive."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.2, 1.2, w.shape) - 0.5 * (w.ndim > 1) for w in model.weights])


# ---- published configurations, parameters summed by hand


def test_the_u_net_of_2015_has_31030658_parameters():
    model = unet(
        (256, 256, 1), 2, filters=(64, 128, 256, 512, 1024), normalization=None, name="ronneberger"
    )
    down = (9 * 1 * 64 + 64) + (9 * 64 * 64 + 64)
    down += (9 * 64 * 128 + 128) + (9 * 128 * 128 + 128)
    down += (9 * 128 * 256 + 256) + (9 * 256 * 256 + 256)
    down += (9 * 256 * 512 + 512) + (9 * 512 * 512 + 512)
    bottom = (9 * 512 * 1024 + 1024) + (9 * 1024 * 1024 + 1024)
    # the 2×2 up-convolution halves the channels; the skip beside it doubles them again
    up = (4 * 1024 * 512 + 512) + (9 * 1024 * 512 + 512) + (9 * 512 * 512 + 512)
    up += (4 * 512 * 256 + 256) + (9 * 512 * 256 + 256) + (9 * 256 * 256 + 256)
    up += (4 * 256 * 128 + 128) + (9 * 256 * 128 + 128) + (9 * 128 * 128 + 128)
    up += (4 * 128 * 64 + 64) + (9 * 128 * 64 + 64) + (9 * 64 * 64 + 64)
    output = 64 * 2 + 2
    assert down + bottom + up + output == 31_030_658
    assert model.count_params() == 31_030_658
    assert model.get_layer("bottom_conv2").output.shape == (None, 16, 16, 1024)


def test_the_3d_attention_u_net_of_the_slides():
    model = attention_unet(
        (128, 128, 128, 3),
        4,
        filters=(16, 32, 64, 128, 256),
        activation=keras.layers.LeakyReLU(0.1),
    )
    # 3×3×3 convolutions without bias; batch normalization has 4 numbers a filter, twice a block
    blocks = 27 * (3 * 16 + 16 * 16) + 27 * (16 * 32 + 32 * 32) + 27 * (32 * 64 + 64 * 64)
    blocks += 27 * (64 * 128 + 128 * 128) + 27 * (128 * 256 + 256 * 256)
    blocks += 27 * (256 * 128 + 128 * 128) + 27 * (128 * 64 + 64 * 64)
    blocks += 27 * (64 * 32 + 32 * 32) + 27 * (32 * 16 + 16 * 16)
    norms = 2 * 4 * (16 + 32 + 64 + 128 + 256 + 128 + 64 + 32 + 16)
    doubling = (8 * 256 * 128 + 128) + (8 * 128 * 64 + 64) + (8 * 64 * 32 + 32) + (8 * 32 * 16 + 16)
    # a gate: theta 2×2×2, phi and psi with bias, project and its normalization
    gate4 = 8 * 128 * 64 + (256 * 64 + 64) + (64 + 1) + 128 * 128 + 4 * 128
    gate3 = 8 * 64 * 32 + (128 * 32 + 32) + (32 + 1) + 64 * 64 + 4 * 64
    gate2 = 8 * 32 * 16 + (64 * 16 + 16) + (16 + 1) + 32 * 32 + 4 * 32
    gate1 = 8 * 16 * 8 + (32 * 8 + 8) + (8 + 1) + 16 * 16 + 4 * 16
    output = 16 * 4 + 4
    gates = gate4 + gate3 + gate2 + gate1
    assert model.count_params() == blocks + norms + doubling + gates + output
    slopes = {
        layer.negative_slope for layer in model.layers if isinstance(layer, keras.layers.LeakyReLU)
    }
    assert slopes == {0.1}
    assert model.get_layer("up1_attention").output.shape == (None, 128, 128, 128, 1)


# ---- the gate, computed without Keras


def double_linearly(x, axis):
    """Twice as many values along an axis, by NumPy's own linear interpolation of pixel centres."""
    n = x.shape[axis]
    places = (np.arange(2 * n) + 0.5) / 2 - 0.5  # where the new centres lie among the old
    return np.apply_along_axis(lambda line: np.interp(places, np.arange(n), line), axis, x)


def gate_in_numpy(skip, gating, weights):
    """Oktay's equations on `(batch, *sizes, channels)`; `weights` by the end of a layer's name."""
    rank = skip.ndim - 2
    (theta,), (phi, phi_bias), (psi, psi_bias) = (weights[n] for n in ("theta", "phi", "psi"))
    compared = gating @ phi.reshape(phi.shape[-2:]) + phi_bias
    for corner in itertools.product((0, 1), repeat=rank):  # a 2×2 kernel meets four pixels
        every_second = tuple(slice(start, None, 2) for start in corner)
        compared = compared + skip[(slice(None), *every_second)] @ theta[corner]
    score = np.maximum(compared, 0) @ psi.reshape(psi.shape[-2:]) + psi_bias
    attention = 1 / (1 + np.exp(-score))
    for axis in range(1, rank + 1):
        attention = double_linearly(attention, axis)
    (project,), (gamma, beta, mean, variance) = weights["project"], weights["norm"]
    projected = (attention * skip) @ project.reshape(project.shape[-2:])
    return attention, gamma * (projected - mean) / np.sqrt(variance + 1e-3) + beta


@pytest.mark.parametrize("rank", [2, 3])
def test_the_gate_equals_its_equation(rank):
    coarse = SIZES[rank]
    sizes = tuple(2 * size for size in coarse)
    skip, gating = keras.Input((*sizes, 6)), keras.Input((*coarse, 5))
    output = attention_gate(skip, gating, 3, "gate")
    model = keras.Model([skip, gating], output)
    model = keras.Model([skip, gating], [model.get_layer("gate").output, output])
    randomize(model)
    rng = np.random.default_rng(1)
    s, g = (rng.normal(size=(2, *t.shape[1:])) for t in (skip, gating))
    weights = {
        layer.name.removeprefix("gate_"): layer.get_weights()
        for layer in model.layers
        if layer.weights
    }
    received = model([s.astype("float32"), g.astype("float32")], training=False)
    received = [convert_to_numpy(output) for output in received]
    for name, a, b in zip(("map", "output"), received, gate_in_numpy(s, g, weights), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5, rtol=1e-5, err_msg=name)
    assert np.ptp(received[0]) > 0.1  # the map of this test is not a constant


def test_the_map_of_a_free_size_is_linear_up_to_the_border():
    skip, gating = keras.Input((None, None, None, 2)), keras.Input((None, None, None, 2))
    model = keras.Model([skip, gating], attention_gate(skip, gating, 1, "gate"))
    up = keras.Model(model.get_layer("gate_repeat1").input, model.get_layer("gate").output)
    line = np.array([0, 4, 8], "float32").reshape(1, 3, 1, 1, 1)
    doubled = convert_to_numpy(up(line))[:, :, 0, 0].ravel()
    np.testing.assert_allclose(doubled, [0, 1, 3, 5, 7, 8], atol=1e-6)


@pytest.mark.parametrize("rank", [2, 3])
def test_each_gate_is_driven_by_the_next_coarser_map_of_the_decoder(rank):
    model = attention_unet((*[32] * rank, 1), 2, filters=(4, 6, 8, 10))
    for level, coarser in ((1, "up2_act2"), (2, "up3_act2"), (3, "bottom_act2")):
        gate = f"up{level}_attention"
        assert model.get_layer(f"{gate}_phi").input is model.get_layer(coarser).output
        skip = model.get_layer(f"down{level}_act2").output
        assert model.get_layer(f"{gate}_theta").input is skip
        assert model.get_layer(f"{gate}_gated").input[0] is skip
        half = skip.shape[-1] // 2
        assert model.get_layer(f"{gate}_theta").filters == half
        assert model.get_layer(f"{gate}_phi").filters == half
        sides, projected = skip.shape[:-1], model.get_layer(f"{gate}_norm").output
        assert model.get_layer(gate).output.shape == (*sides, 1)
        assert model.get_layer(f"up{level}_concat").input[0] is projected


# ---- shapes and names


@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("rank", [2, 3])
def test_free_sizes_answer_as_fixed_ones(rank, attention):
    fixed, free = small(rank, attention), small(rank, attention, sizes=[None] * rank)
    assert fixed.output_shape == (None, *SIZES[rank], 3)
    assert free.output_shape == (None, *[None] * rank, 3)
    randomize(fixed)
    free.set_weights(fixed.get_weights())
    answer = convert_to_numpy(free(images(rank)))
    np.testing.assert_allclose(answer, convert_to_numpy(fixed(images(rank))), atol=1e-5)
    np.testing.assert_allclose(np.sum(answer, axis=-1), 1, atol=1e-5)  # softmax
    other = tuple(size + 4 for size in SIZES[rank])
    assert free(images(rank, 1, other)).shape == (1, *other, 3)


def test_every_layer_has_a_name_you_can_say():
    def block(level, dropout=False):
        steps = [f"{level}_{what}{i}" for i in (1, 2) for what in ("conv", "norm", "act")]
        return steps + [f"{level}_dropout"] * dropout

    def up(level, gate=()):
        names = [f"up{level}_attention{part}" for part in gate]
        return [*names, f"up{level}_upsample", f"up{level}_concat", *block(f"up{level}")]

    way_down = ["image", *block("down1"), "down1_pool", *block("down2"), "down2_pool"]
    before, after = ["_theta", "_phi", "_add", "_relu", "_psi"], ["_gated", "_project", "_norm"]
    for rank in (2, 3):
        sides = [f"_{what}{side}" for side in range(1, rank + 1) for what in ("repeat", "side")]
        gate = [*before, *sides[:-1], "", *after]  # the last side makes the map itself
        names = [layer.name for layer in small(rank).layers]
        assert names == [*way_down, *block("bottom"), *up(2, gate), *up(1, gate), "output"]
        names = [layer.name for layer in small(rank, attention=False).layers]
        assert names == [*way_down, *block("bottom"), *up(2), *up(1), "output"]
    names = [layer.name for layer in small(2, dropout=0.1).layers]
    assert set(block("bottom", dropout=True)) < set(names)
    assert {f"{way}{i}_dropout" for way in ("down", "up") for i in (1, 2)} < set(names)
    assert (attention_unet((8, 8, 1), 2, (2, 4)).name, unet((8, 8, 1), 2, (2, 4)).name) == (
        "attention_unet",
        "unet",
    )


@pytest.mark.parametrize("depth", [2, 3, 6])
def test_any_depth(depth):
    model = unet((32, 32, 1), 1, [2] * depth, True, output_activation="sigmoid")
    assert model.get_layer("bottom_act2").output.shape == (None, *[32 // 2 ** (depth - 1)] * 2, 2)
    assert model.get_layer(f"up{depth - 1}_attention").output.shape[-1] == 1


# ---- the arguments


def test_normalizations_of_a_channel_a_group_and_a_batch():
    """Each normalization has mean 0 over just the part of the array that it is named for."""
    parts = {"batch": (0, 1, 2), "instance": (1, 2)}
    x = 5 + images(2, 4) * [1, 3]
    for kind, axes in parts.items():
        inputs = keras.Input(x.shape[1:])
        model = keras.Model(inputs, conv_block(inputs, 16, "b", normalization=kind))
        norm = keras.Model(inputs, model.get_layer("b_norm1").output)
        means = np.mean(convert_to_numpy(norm(x, training=True)), axis=axes)
        np.testing.assert_allclose(means, 0, atol=1e-4)
        assert not model.get_layer("b_conv1").use_bias
    inputs = keras.Input(x.shape[1:])
    groups = keras.Model(inputs, conv_block(inputs, 16, "b", normalization="group"))
    norm = convert_to_numpy(keras.Model(inputs, groups.get_layer("b_norm1").output)(x))
    np.testing.assert_allclose(norm.reshape(4, 8, 12, 8, 2).mean((1, 2, 4)), 0, atol=1e-4)
    assert np.abs(norm.mean((1, 2))).max() > 0.01  # a channel alone has another mean
    plain = keras.Model(inputs, conv_block(inputs, 16, "b", normalization=None))
    assert plain.count_params() == (9 * 2 * 16 + 16) + (9 * 16 * 16 + 16)


def test_activations_by_name_and_by_layer():
    x = images(2)
    for activation, negative in (
        ("relu", lambda v: 0 * v),
        ("leaky_relu", lambda v: 0.2 * v),
        (keras.layers.LeakyReLU(0.1), lambda v: 0.1 * v),
    ):
        inputs = keras.Input(x.shape[1:])
        model = keras.Model(inputs, conv_block(inputs, 4, "b", activation=activation))
        before, after = (
            convert_to_numpy(keras.Model(inputs, model.get_layer(name).output)(x))
            for name in ("b_norm2", "b_act2")
        )
        expected = np.where(before > 0, before, negative(before))
        np.testing.assert_allclose(after, expected, atol=1e-6)
        assert before.min() < -0.1
    slopes = keras.layers.PReLU(shared_axes=[1, 2])  # weights of its own in each place
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, conv_block(inputs, 4, "b", activation=slopes))
    assert model.get_layer("b_act1").weights[0] is not model.get_layer("b_act2").weights[0]


def test_the_output_is_float32_in_mixed_precision():
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = small(2, output_activation=None)  # TensorFlow pools no float16 volume on a CPU
    finally:
        keras.config.set_dtype_policy(usual)
    assert model.get_layer("up1_attention").compute_dtype == "float16"
    assert keras.backend.standardize_dtype(model(images(2)).dtype) == "float32"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (((100, 64, 1), 2), r"multiple of 8, since 4 levels halve it 3 times.*100: 96 or 104\."),
        (((7, 100, 8, 1), 2), r"for 7: 8; for 100: 96 or 104\. Received: .*\(7, 100, 8, 1\)"),
        (((None, 20, 1), 2), r"for 20: 16 or 24\."),
        (((0, 8, 1), 2), r"for 0: 8"),
        (
            ((64, 64), 2),
            r"\(height, width, channels\) or \(depth.*Received: input_shape=\(64, 64\)",
        ),
        (((64, 64, 1), 2, (8,)), r"two levels or more. Received: filters=\(8,\)"),
        (((64, 64, 1), 1), r'take output_activation="sigmoid"\. Received: num_classes=1'),
    ],
)
def test_what_cannot_be_built_says_what_can(arguments, words):
    with pytest.raises(ValueError, match=words):
        unet(*arguments)


def test_an_unknown_normalization_is_named():
    with pytest.raises(ValueError, match=r'"instance", "group" or None.*normalization=\'bacth\''):
        unet((8, 8, 1), 2, filters=(2, 4), normalization="bacth")


def test_a_size_that_divides_is_never_refused_and_one_that_does_not_always():
    for levels, size in itertools.product((2, 3, 4), range(1, 20)):
        if size % 2 ** (levels - 1):
            with pytest.raises(ValueError, match=f"for {size}: "):
                unet((size, 8, 1), 2, filters=[1] * levels)
    assert unet((6, 10, 1), 2, filters=(2, 2)).output_shape == (None, 6, 10, 2)


# ---- learning, and leaving the house


def trained(rank):
    """A model, images, and the weights that an epoch with our loss and metric left as they were."""
    model = small(
        rank,
        sizes=[None] * rank,
        filters=(4, 6),
        activation=keras.layers.LeakyReLU(0.1),
        output_activation="sigmoid",
    )
    model.compile("adam", DiceCrossentropy(multilabel=True), metrics=[Dice(3, threshold=0.5)])
    x = images(rank, 4)
    before = model.get_weights()
    model.fit(x, (x[..., :1] > [0, 0.5, 1]).astype("float32"), batch_size=2, verbose=0)
    still = [
        weight.path
        for weight, old in zip(model.weights, before, strict=True)
        if np.array_equal(weight, old)
    ]
    return model, x, still


def test_trained_with_our_loss_it_learns_everywhere_and_loads_without_course(tmp_path):
    models = {}
    for rank in (2, 3):
        models[rank], x, still = trained(rank)
        assert still == []  # a gradient reached every kernel, bias and scale; averages moved
        card = {
            "task": "segmentation",
            "data": {"dataset": "brats2020", "source": "sample"},
            "edition": "2020",
            "modalities": ["flair", "t1ce"],
            "regions": ["WT", "TC", "ET"],
            "patch": list(SIZES[rank]),
            "held_out": [],
            "seed": 0,
            "preparation": "brain",
        }
        export(models[rank], tmp_path / str(rank), card=card)
        np.save(tmp_path / str(rank) / "x.npy", x)
    program = """
import sys
sys.modules["course"] = None  # importing it raises ImportError
import keras, numpy as np
for rank in "23":
    model = keras.saving.load_model(f"{rank}/model.keras")
    probe = keras.Model(model.input, [model.get_layer("up1_attention").output, model.output])
    maps, answer = probe(np.load(f"{rank}/x.npy"), training=False)
    maps, answer = keras.ops.convert_to_numpy(maps), keras.ops.convert_to_numpy(answer)
    np.savez(f"{rank}/answer.npz", maps=maps, answer=answer)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    for rank, model in models.items():
        received = np.load(tmp_path / str(rank) / "answer.npz")
        expected = convert_to_numpy(model(images(rank, 4), training=False))
        np.testing.assert_allclose(received["answer"], expected, rtol=1e-4, atol=1e-5)
        maps = received["maps"]
        assert maps.shape == (4, *SIZES[rank], 1) and 0 < maps.min() < maps.max() < 1
