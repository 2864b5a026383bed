"""The builders: parameter counts by hand, names, and what they learn."""

import keras
import numpy as np
import pytest

from course.models import cnn, mlp


def test_mlp_parameters_by_hand():
    # 8·16+16 + 16·4+4 + 4·1+1
    assert mlp((8,), 1, units=(16, 4)).count_params() == 144 + 68 + 5


def test_mlp_equals_the_slides_formula():
    model = mlp((3,), 2, units=(4,), activation="tanh")
    hidden, output = (layer.get_weights() for layer in model.layers)
    x = np.array([[0.5, -1.0, 2.0]], "float32")
    expected = np.tanh(x @ hidden[0] + hidden[1]) @ output[0] + output[1]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(x)), expected, atol=1e-6)


def test_mlp_without_hidden_layers_is_linear():
    model = mlp((3,), 1, units=())
    assert [layer.name for layer in model.layers] == ["output"]


def test_mlp_dropout_follows_each_hidden_layer():
    names = [layer.name for layer in mlp((3,), 1, units=(4, 5), dropout=0.1).layers]
    assert names == ["hidden1", "hidden1_dropout", "hidden2", "hidden2_dropout", "output"]


def test_mlp_refuses_images():
    with pytest.raises(ValueError, match=r"flatten.*Received: input_shape=\(28, 28, 1\)"):
        mlp((28, 28, 1), 10)


def test_cnn_parameters_by_hand():
    # Convolutions 3×3 without bias; batch normalisation has 4 numbers a filter.
    convolutions = 9 * (1 * 32 + 32 * 64 + 64 * 128)
    norms = 4 * (32 + 64 + 128)
    output = 4 * 4 * 128 * 10 + 10  # 28 → 14 → 7 → 4
    model = cnn((28, 28, 1), 10)
    assert model.count_params() == convolutions + norms + output
    assert model.count_params() <= 200_000


def test_cnn_levels_can_be_named():
    names = [layer.name for layer in cnn((8, 8, 1), 2, filters=(4,), units=(6,)).layers]
    assert names == [
        "scale",
        *(f"level1_{step}" for step in ("conv", "pool", "norm", "relu")),
        *("flatten", "hidden1", "dropout", "output"),
    ]


def test_cnn_without_norm_has_biases():
    model = cnn((8, 8, 1), 2, filters=(4,), batch_norm=False, dropout=0)
    assert [v.path for v in model.get_layer("level1_conv").weights][-1].endswith("bias")
    assert not any("norm" in layer.name for layer in model.layers)


def test_cnn_takes_raw_pixels():
    model = cnn((8, 8, 1), 2, filters=(4,), output_activation=None)
    pixels = np.full((1, 8, 8, 1), 255, "uint8")
    np.testing.assert_allclose(model.get_layer("scale")(pixels), np.ones((1, 8, 8, 1)), rtol=1e-6)


def test_cnn_refuses_an_image_without_channels():
    with pytest.raises(ValueError, match=r"Received: input_shape=\(28, 28\)"):
        cnn((28, 28), 10)


def test_a_cnn_learns_which_half_is_bright():
    keras.utils.set_random_seed(0)
    labels = np.arange(64) % 2
    images = np.zeros((64, 8, 8, 1), "uint8")
    images[labels == 0, :4], images[labels == 1, 4:] = 200, 200
    model = cnn((8, 8, 1), 2, filters=(4,), dropout=0)
    model.compile(
        keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(images, labels, epochs=20, verbose=0)
    assert model.evaluate(images, labels, verbose=0)[1] == 1.0
