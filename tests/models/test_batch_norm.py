"""Our batch normalization: NumPy's numbers, Keras' gradients, and in a file Keras' layer."""

import functools
import json

import keras
import numpy as np
import pytest
from keras import layers

from course.models.batch_norm import BatchNormalization
from course.training.fingerprint import code_in

BOTH = (functools.partial(layers.BatchNormalization, momentum=0.9), BatchNormalization)


def maps(*shape):
    return np.random.default_rng(0).normal(5, 3, shape).astype("float32")


@pytest.mark.parametrize("shape", [(7, 3), (1, 2, 2, 3), (2, 3, 4, 5, 3)])
def test_each_channel_has_mean_0_and_variance_1_and_the_averages_move_a_tenth(shape):
    x, norm = maps(*shape), BatchNormalization("norm")
    every = tuple(range(len(shape) - 1))
    mean, variance = x.mean(every), x.var(every)
    answer = keras.ops.convert_to_numpy(norm(x, training=True))
    assert np.abs(answer - (x - mean) / np.sqrt(variance + 1e-3)).max() < 1e-5
    averages = [keras.ops.convert_to_numpy(v) for v in (norm.moving_mean, norm.moving_variance)]
    assert np.allclose(averages, [0.1 * mean, 0.9 + 0.1 * variance], rtol=1e-5)
    moved = keras.ops.convert_to_numpy(norm(x))  # an answer is made with the averages
    assert np.abs(moved - (x - averages[0]) / np.sqrt(averages[1] + 1e-3)).max() < 1e-5


def trained(norm, shape, rows=8):
    """Weights after three steps of a network with this normalization; batches of 8, then fewer."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input(shape)
    outputs = layers.Dense(1)(layers.Flatten()(layers.Activation("relu")(norm(inputs))))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.fit(maps(rows, *shape), np.arange(rows), batch_size=8, epochs=3, shuffle=False, verbose=0)
    return model.get_weights()


@pytest.mark.parametrize("shape", [(3,), (4, 4, 2), (2, 4, 2, 2)])
@pytest.mark.parametrize("rows", [8, 13])
def test_a_network_learns_what_it_learns_with_keras_layer(shape, rows):
    theirs, ours = (trained(make(name="norm"), shape, rows) for make in BOTH)
    for one, other in zip(theirs, ours, strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's operation")
@pytest.mark.parametrize("compiled", [False, True])
def test_tensorflow_makes_one_operation_of_it_also_for_a_gpu(compiled):
    """XLA, which Keras takes on a GPU, can compile it."""
    import tensorflow as tf

    norm, x = BatchNormalization("norm"), maps(4, 3, 3, 2)
    train = tf.function(lambda x: norm(x, training=True), jit_compile=compiled)
    kinds = {operation.type for operation in train.get_concrete_function(x).graph.get_operations()}
    assert "FusedBatchNormV3" in kinds and "SquaredDifference" not in kinds
    assert np.allclose(train(x), BatchNormalization("other")(x, training=True), atol=1e-5)


def test_a_frozen_one_keeps_its_averages():
    norm = BatchNormalization("norm")
    norm.trainable = False
    trained(norm, (4, 4, 2))
    averages = [keras.ops.convert_to_numpy(v) for v in (norm.moving_mean, norm.moving_variance)]
    assert np.array(averages).tolist() == [[0, 0], [1, 1]]


def test_in_16_bits_it_is_keras_own():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        x = maps(4, 3, 3, 2)
        theirs, ours = (
            keras.ops.convert_to_numpy(make(name="norm")(x, training=True)) for make in BOTH
        )
    finally:
        keras.config.set_dtype_policy("float32")
    assert ours.dtype == "float16" and ours.tolist() == theirs.tolist()


def test_a_file_and_a_copy_have_keras_layer(tmp_path):
    model = keras.Sequential([keras.Input((4, 4, 2)), BatchNormalization("norm", epsilon=0.1)])
    (written,) = json.loads(model.to_json())["config"]["layers"][1:]
    assert (written["module"], written["class_name"]) == ("keras.layers", "BatchNormalization")
    assert written["registered_name"] is None
    assert code_in(model) is None  # or training would warn that `export` refuses it
    model.save(tmp_path / "model.keras")
    for copy in (
        keras.models.clone_model(model),
        keras.saving.load_model(tmp_path / "model.keras"),
    ):
        assert type(copy.get_layer("norm")) is layers.BatchNormalization
        assert (copy.get_layer("norm").momentum, copy.get_layer("norm").epsilon) == (0.9, 0.1)
