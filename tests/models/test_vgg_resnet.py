"""VGG and ResNet: the papers' parameter counts, keras.applications' outputs, names, mistakes."""

import math
import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from course.models import residual_block, resnet, vgg, vgg_block
from tests import ROOT

VGG16 = {"filters": (64, 128, 256, 512, 512), "repeats": (2, 2, 3, 3, 3)}
RESNET50 = {
    "filters": (64, 128, 256, 512),
    "repeats": (3, 4, 6, 3),
    "block": "bottleneck",
    "stem": "imagenet",
}
SMALL = {
    "vgg": lambda: vgg((28, 28, 1), 24, filters=(4, 8), repeats=(1, 2), units=(6,)),
    "resnet": lambda: resnet((28, 28, 1), 24, filters=(4, 8), repeats=(1, 2)),
    "bottlenecks": lambda: resnet(
        (28, 28, 1), 24, filters=(2, 4), repeats=(2, 1), block="bottleneck", stem="imagenet"
    ),
}


def without_memory():
    """In this scope weights have shapes and no values: VGG16 would fill 550 MB."""
    return keras.StatelessScope(initialize_variables=False)


def numbers(variables):
    return sum(math.prod(variable.shape) for variable in variables)


# ---- the papers' networks


def test_as_vgg16_it_has_its_parameters():
    with without_memory():
        ours = vgg((224, 224, 3), 1000, **VGG16, units=(4096, 4096))
        theirs = keras.applications.VGG16(weights=None)
    assert ours.count_params() == theirs.count_params() == 138_357_544


def test_as_resnet50_it_has_its_parameters():
    with without_memory():
        ours = resnet((224, 224, 3), 1000, **RESNET50)
        theirs = keras.applications.ResNet50(weights=None)
    # Keras' convolutions have a bias each, though the normalization after it subtracts the mean
    # and adds a bias of its own: numbers that are learned and change nothing.
    biases = [
        v
        for layer in theirs.layers
        if isinstance(layer, keras.layers.Conv2D)
        for v in layer.weights[1:]
    ]
    assert numbers(biases) == 26_560
    assert numbers(ours.trainable_variables) == 25_557_032
    assert numbers(theirs.trainable_variables) == 25_557_032 + 26_560
    # the moving means and variances
    still = numbers(ours.non_trainable_variables)
    assert still == numbers(theirs.non_trainable_variables)
    assert theirs.count_params() == 25_557_032 + 26_560 + still == 25_636_712


def test_with_keras_weights_it_sees_what_keras_vgg16_sees():
    # sizes that can be halved five times: Keras drops what is left over, ours rounds up
    theirs = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 64, 3))
    model = vgg((32, 64, 3), 2, **VGG16, units=())
    for layer in theirs.layers:
        if layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    ours = keras.Model(model.input, model.get_layer("block5_pool").output)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 32, 64, 3)).astype("float32")
    expected = convert_to_numpy(theirs(pixels / 255))
    np.testing.assert_allclose(convert_to_numpy(ours(pixels)), expected, rtol=1e-3, atol=1e-6)


def test_with_keras_weights_it_sees_what_keras_resnet50_sees():
    theirs = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(32, 40, 3))
    model = resnet((32, 40, 3), 2, **RESNET50)
    for layer in theirs.layers:
        if layer.weights:
            values = layer.get_weights()
            values = values if len(values) == 4 else values[:1]  # the biases begin at 0
            model.get_layer(_our_name(layer.name)).set_weights(values)
    ours = keras.Model(model.input, model.get_layer("stage4_block3_out").output)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 32, 40, 3)).astype("float32")
    received, expected = convert_to_numpy(ours(pixels)), convert_to_numpy(theirs(pixels / 255))
    np.testing.assert_allclose(received, expected, atol=1e-3 * np.abs(expected).max())


def _our_name(theirs):
    """conv3_block1_0_conv → stage2_block1_shortcut_conv, conv1_bn → stem_norm."""
    stage, *block, kind = re.fullmatch(r"conv(\d)(?:_block(\d)_(\d))?_(conv|bn)", theirs).groups()
    kind = {"conv": "conv", "bn": "norm"}[kind]
    if block[0] is None:
        return f"stem_{kind}"
    number, step = block
    layer = f"shortcut_{kind}" if step == "0" else f"{kind}{step}"
    return f"stage{int(stage) - 1}_block{number}_{layer}"


# ---- small ones


def test_vgg_parameters_by_hand():
    model = SMALL["vgg"]()
    convolutions = (9 * 1 * 4 + 4) + (9 * 4 * 8 + 8) + (9 * 8 * 8 + 8)
    dense = (7 * 7 * 8 * 6 + 6) + (6 * 24 + 24)
    assert model.count_params() == convolutions + dense


def test_resnet_parameters_by_hand():
    model = SMALL["resnet"]()  # 2 numbers a filter learned by each normalization
    stem = 9 * 1 * 4 + 2 * 4
    first = 2 * (9 * 4 * 4 + 2 * 4)  # no shortcut convolution: the shape stays
    halved = (9 * 4 * 8 + 16) + (9 * 8 * 8 + 16) + (4 * 8 + 16)
    last = 2 * (9 * 8 * 8 + 16)
    assert numbers(model.trainable_variables) == stem + first + halved + last + (8 * 24 + 24)


def test_every_layer_of_a_vgg_can_be_named():
    assert [layer.name for layer in SMALL["vgg"]().layers] == [
        *("pixels", "scale", "block1_conv1", "block1_pool"),
        *("block2_conv1", "block2_conv2", "block2_pool"),
        *("flatten", "hidden1", "hidden1_dropout", "output"),
    ]


def test_every_layer_of_a_resnet_can_be_named():
    names = {layer.name for layer in SMALL["bottlenecks"]().layers}
    blocks = {
        f"{block}_{layer}"
        for block in ("stage1_block1", "stage1_block2", "stage2_block1")
        for layer in (
            *(f"{kind}{step}" for kind in ("conv", "norm") for step in (1, 2, 3)),
            *("relu1", "relu2", "add", "out"),
        )
    }
    shortcuts = {
        f"{block}_shortcut_{kind}"
        for block in ("stage1_block1", "stage2_block1")  # where 4 × filters is another number
        for kind in ("conv", "norm")
    }
    strides = {f"stage2_block1_{conv}_stride" for conv in ("conv1", "shortcut_conv")}
    stem = {f"stem_{part}" for part in ("conv_pad", "conv", "norm", "relu", "pool_pad", "pool")}
    assert names == {"pixels", "scale", "average", "output"} | stem | blocks | shortcuts | strides


def test_a_vgg_halves_and_rounds_up():
    assert vgg_block(keras.Input((7, 10, 3)), 5, 2, "b").shape == (None, 4, 5, 5)
    assert SMALL["vgg"]().output_shape == (None, 24)


@pytest.mark.parametrize("block, channels", [("basic", 6), ("bottleneck", 24)])
@pytest.mark.parametrize("stride, sizes", [(1, (7, 10)), (2, (4, 5))])
def test_a_residual_block_halves_and_rounds_up(block, channels, stride, sizes):
    out = residual_block(keras.Input((7, 10, 3)), 6, "b", block=block, stride=stride)
    assert out.shape == (None, *sizes, channels)


@pytest.mark.parametrize("block, channels", [("basic", 4), ("bottleneck", 16)])
def test_a_block_that_has_learned_nothing_lets_its_input_through(block, channels):
    inputs = keras.Input((5, 5, channels))
    model = keras.Model(inputs, residual_block(inputs, 4, "b", block=block))
    last = "b_conv2" if block == "basic" else "b_conv3"
    model.get_layer(last).set_weights([np.zeros_like(model.get_layer(last).get_weights()[0])])
    x = np.random.default_rng(0).normal(size=(2, 5, 5, channels)).astype("float32")
    np.testing.assert_array_equal(convert_to_numpy(model(x)), np.maximum(x, 0))


def test_a_resnet_takes_any_size():
    model = resnet((None, None, 1), 3, filters=(4, 8), repeats=(1, 1))
    for size in ((9, 20), (28, 28)):
        assert model(np.zeros((1, *size, 1))).shape == (1, 3)


def test_training_outlives_a_smaller_last_batch():
    """TensorFlow's strided 1×1 convolution crashes the process there, with oneDNN on."""
    program = (
        "import keras, numpy as np\n"
        "from course.models import resnet\n"
        "for block in ('basic', 'bottleneck'):\n"
        "    model = resnet((28, 28, 1), 4, filters=(8, 16), repeats=(1, 1), block=block)\n"
        "    model.compile('sgd', 'sparse_categorical_crossentropy')\n"
        "    x, y = np.zeros((447, 28, 28, 1)), np.arange(447) % 4\n"
        "    model.fit(x, y, batch_size=128, epochs=3, verbose=0)\n"
    )
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], env=environment)
    assert done.returncode == 0


@pytest.mark.parametrize("name", SMALL)
def test_every_weight_receives_a_gradient(name):
    keras.utils.set_random_seed(0)
    model = SMALL[name]()
    pixels = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 1)).astype("float32")
    np.testing.assert_allclose(model.predict(pixels, verbose=0).sum(axis=1), 1, rtol=1e-5)
    before = [convert_to_numpy(variable).copy() for variable in model.trainable_variables]
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    model.train_on_batch(pixels, np.zeros(4))
    for variable, old in zip(model.trainable_variables, before, strict=True):
        assert not np.array_equal(convert_to_numpy(variable), old), variable.path


@pytest.mark.parametrize("build", [vgg, resnet])
@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"input_shape": (28, 28)}, r"Received: input_shape=\(28, 28\)"),
        ({"input_shape": (28, 28, None)}, r"Received: input_shape=\(28, 28, None\)"),
        ({"filters": (4, 8), "repeats": (1,)}, r"Received: filters=\(4, 8\), repeats=\(1,\)"),
        ({"filters": (), "repeats": ()}, r"one \w+ or more"),
        ({"repeats": (2, 0, 2)}, r"Received: \(2, 0, 2\)"),
        ({"num_classes": 1}, "Received: 1"),
    ],
)
def test_wrong_arguments_are_told(build, arguments, said):
    with pytest.raises(ValueError, match=said):
        build(**{"input_shape": (28, 28, 1), "num_classes": 10, **arguments})


def test_vgg_needs_to_know_its_sizes():
    with pytest.raises(ValueError, match="all of them numbers"):
        vgg((None, None, 1), 10)


@pytest.mark.parametrize("argument, known", [("block", "bottleneck"), ("stem", "imagenet")])
def test_a_typo_in_a_resnet_is_told(argument, known):
    with pytest.raises(ValueError, match=rf"one of .*'{known}'.*Received: 'basci'"):
        resnet((28, 28, 1), 10, **{argument: "basci"})
