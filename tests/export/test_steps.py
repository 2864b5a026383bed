"""A model as steps answers as Keras does, in NumPy and in the page's JavaScript."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from course import models
from course.errors import CourseError
from course.export.steps import answer, steps_of
from tests.demo import javascript

ACTIVATIONS = [
    "elu", "exponential", "gelu", "leaky_relu", "linear", "relu", "relu6", "selu", "sigmoid",
    "silu", "softplus", "softsign", "tanh",
]  # fmt: skip


def any_weights(model, seed=0):
    """The model with weights as training leaves them: no zeros, scales of either sign."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if "seed" in variable.path or "normalization" in variable.path and "count" in variable.path:
            continue
        spread = 0.5 / np.sqrt(np.prod(variable.shape[:-1]) or 1)
        value = rng.normal(0, spread, variable.shape)
        if variable.path.endswith("variance"):
            value = rng.uniform(0.2, 2, variable.shape)
        elif variable.path.endswith("gamma"):
            value = rng.choice([-1, 1], variable.shape) * rng.uniform(0.3, 2, variable.shape)
        variable.assign(value)
    return model


def pictures(model, n=8):
    rng = np.random.default_rng(1)
    shape = model.inputs[0].shape[1:]
    return rng.integers(0, 256, (n, *shape)).astype("float32")


def compare(model, inputs, tolerance=1e-5):
    """Both answer alike, to a part of the largest answer; returns what the steps are."""
    steps, weights = steps_of(model)
    expected = ops.convert_to_numpy(model(inputs, training=False))
    received = answer(steps, weights, inputs)
    assert received.shape == expected.shape and received.dtype == "float32"
    np.testing.assert_allclose(received, expected, atol=tolerance * max(1, abs(expected).max()))
    return steps, weights


def stack(shape, *parts):
    return any_weights(keras.Sequential([keras.Input(shape, name="x"), *parts]))


# ---- every builder


@pytest.mark.parametrize("shape", [(28, 28, 1), (19, 30, 3)])
@pytest.mark.parametrize(
    "options",
    [
        dict(padding="same", batch_norm=True, units=(), dropout=0.3),
        dict(padding="same", batch_norm=False, units=(5,), dropout=0.0),
        dict(padding="valid", batch_norm=True, units=(6, 5), dropout=0.0),
        dict(padding="valid", batch_norm=False, units=(), dropout=0.3, output_activation=None),
        dict(padding="same", batch_norm=True, units=(4,), output_activation="sigmoid"),
    ],
)
def test_a_cnn_answers_as_keras_does(shape, options):
    model = any_weights(models.cnn(shape, 7, filters=(4, 6), **options))
    steps, weights = compare(model, pictures(model))
    kinds = [step["kind"] for step in steps]
    assert kinds[:3] == ["scale", "convolution", "max_pool"]
    assert ("normalize" in kinds) is options["batch_norm"]


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((28, 28, 1), dict(units=(8,), dropout=0.5)),
        ((15, 22, 3), dict(units=(), dropout=0.0)),
        ((15, 22, 1), dict(units=(6, 5), dropout=0.0)),
    ],
)
def test_a_vgg_answers_as_keras_does(shape, options):
    model = any_weights(models.vgg(shape, 5, filters=(4, 6), repeats=(1, 2), **options))
    compare(model, pictures(model))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("output", "dropout"), [(None, 0.1), ("softmax", 0.0)])
def test_an_mlp_answers_as_keras_does(activation, output, dropout):
    model = models.mlp((6,), 3, (5, 4), activation, dropout, output_activation=output)
    inputs = np.random.default_rng(0).normal(0, 2, (20, 6)).astype("float32")
    compare(any_weights(model), inputs)


# ---- odd ones


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("size", [(8, 11), (9, 9)])
@pytest.mark.parametrize(("window", "strides"), [((3, 2), (2, 3)), (2, 2), ((5, 5), (1, 1))])
def test_windows_stand_where_keras_puts_them(padding, size, window, strides):
    for layer in (
        layers.Conv2D(3, window, strides=strides, padding=padding, activation="tanh"),
        layers.MaxPooling2D(window, strides=strides, padding=padding),
        layers.AveragePooling2D(window, strides=strides, padding=padding),
    ):
        model = stack((*size, 2), layers.Rescaling(1 / 127.5, -1), layer, layers.Flatten())
        compare(model, pictures(model, 3))


def test_zeros_around_a_picture_by_hand():
    padding = layers.ZeroPadding2D(((1, 0), (0, 2)))
    model = stack((1, 2, 1), layers.Rescaling(2), padding, layers.Flatten())
    steps, weights = compare(model, pictures(model))
    assert answer(steps, weights, np.array([[[[3], [4]]]])).tolist() == [[0, 0, 0, 0, 6, 8, 0, 0]]


def test_a_convolution_by_hand():
    model = keras.Sequential(
        [keras.Input((2, 2, 1), name="x"), layers.Conv2D(1, 2), layers.Flatten()]
    )
    model.set_weights([np.array([1, 10, 100, 1000.0]).reshape(2, 2, 1, 1), np.array([0.5])])
    steps, weights = steps_of(model)
    assert answer(steps, weights, np.arange(1, 5).reshape(1, 2, 2, 1)).tolist() == [[4321.5]]


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False, "epsilon": 0.1}])
def test_normalisation_is_a_step_of_its_own_before_and_after_pooling(options):
    norm = layers.BatchNormalization(**options, name="norm")
    model = stack((6, 6, 2), norm, layers.MaxPooling2D(), layers.ReLU(), layers.Flatten())
    steps, _ = compare(model, pictures(model), tolerance=1e-4)
    assert [step["kind"] for step in steps] == ["normalize", "max_pool", "relu", "flatten"]


def test_what_only_training_needs_leaves_no_step():
    model = stack(
        (5,), layers.GaussianNoise(1.0), layers.Dense(3), layers.Dropout(0.9), layers.Softmax()
    )
    steps, _ = compare(model, np.ones((2, 5), "float32"))
    assert [step["kind"] for step in steps] == ["dense", "softmax"]


def test_numbers_may_stand_on_either_side():
    x = keras.Input((3,), name="x")
    model = keras.Model(x, layers.Flatten()(1.0 - x / 4))
    steps, _ = compare(model, np.array([[1, 2, 4]], "float32"))
    assert steps[1]["of"][0] == 1.0


def table_model():
    """Raw columns as Taller 1 takes them: missing, log1p, difference, waves, normalise, one-hot."""
    rooms, homes = (keras.Input((1,), name=name) for name in ("rooms", "homes"))
    known = ops.where(ops.isnan(rooms), 7.0, rooms)
    counts = ops.log1p(known)
    waves = [wave(f * counts) for f in (1, 8) for wave in (ops.sin, ops.cos)]
    numbers = layers.Concatenate()([counts, counts - ops.log1p(homes), *waves])
    normalize = layers.Normalization(name="normalize")
    normalize.adapt(np.random.default_rng(0).normal(3, 2, (50, 6)))
    place = keras.Input((1,), name="place", dtype="string")
    lookup = layers.StringLookup(vocabulary=["sea", "<1H OCEAN"], output_mode="one_hot")
    features = layers.Concatenate()([normalize(numbers), lookup(place)])
    network = models.mlp((9,), 1, units=(4,), dropout=0.1)
    return keras.Model({"rooms": rooms, "homes": homes, "place": place}, network(features))


ROWS = {
    "rooms": np.array([[np.nan], [0], [5000]], "float32"),
    "homes": np.array([[3], [0], [90]], "float32"),
    "place": np.array([["sea"], ["<1H OCEAN"], ["moon"]], dtype=object),
}


def answers_to_rows(model):
    return model.predict({name: column[:, 0] for name, column in ROWS.items()}, verbose=0)


def test_raw_columns_are_steps_too():
    model = table_model()
    steps, weights = steps_of(model)
    np.testing.assert_allclose(answer(steps, weights, ROWS), answers_to_rows(model), atol=1e-5)
    kinds = {"is_missing", "where", "log1p", "subtract", "sin", "cos", "one_hot"}
    assert kinds <= {step["kind"] for step in steps}


# ---- what has no step is named


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (lambda: models.resnet((16, 16, 1), 3), "Add"),
        (lambda: models.unet((16, 16, 1), 2, filters=(2, 4)), "up1_"),
        (lambda: stack((8, 8, 1), layers.Conv2D(1, 3, dilation_rate=2)), "conv2d.*Conv2D"),
        (lambda: stack((8, 8, 4), layers.Conv2D(2, 3, groups=2)), "Conv2D"),
        (lambda: stack((4,), layers.Dense(2, activation="mish")), "mish"),
        (lambda: stack((4, 4), layers.Dense(2)), "Dense"),
        (lambda: stack((4,), layers.ReLU(max_value=3.0)), "ReLU"),
        (lambda: stack((4,), layers.LayerNormalization()), "LayerNormalization"),
    ],
)
def test_a_layer_without_a_step_is_named(model, named):
    with pytest.raises(CourseError, match=named):
        steps_of(model())


def test_shapes_that_are_spread_have_no_step():
    x = keras.Input((3,), name="x")
    one = layers.Dense(1)(x)
    with pytest.raises(CourseError, match="Add"):
        steps_of(keras.Model(x, x + one))


def test_a_layer_used_twice_has_no_step():
    x = keras.Input((3,), name="x")
    shared = layers.Dense(3, name="shared")
    with pytest.raises(CourseError, match="shared"):
        steps_of(keras.Model(x, shared(shared(x))))


# ---- the page's own


def test_the_page_answers_as_numpy_does(tmp_path):
    networks = [
        any_weights(models.cnn((28, 28, 1), 10, filters=(16, 64, 96, 128))),
        any_weights(models.cnn((13, 18, 3), 4, filters=(4, 6), units=(5,), padding="valid")),
        any_weights(models.vgg((14, 9, 1), 5, filters=(4, 6), repeats=(1, 2), units=(6,))),
        stack(
            (9, 10, 2),
            layers.Conv2D(3, (3, 2), strides=(2, 3), activation="elu"),
            layers.AveragePooling2D(3, strides=2, padding="same"),
            layers.MaxPooling2D((1, 2), padding="valid"),
            layers.ZeroPadding2D(((1, 0), (2, 1))),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ),
    ]
    asked, expected = [], []
    for model in networks:
        steps, weights = steps_of(model)
        inputs = pictures(model, 100)
        flat = inputs.astype("uint8").reshape(100, -1).tolist()
        asked.append((javascript.setup_of(model, steps, weights), flat))
        expected.append(answer(steps, weights, inputs))
    received = javascript.answers(asked, tmp_path)
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_page_knows_the_same_functions(tmp_path):
    asked, expected = [], []
    for activation in ACTIVATIONS:
        inputs = np.array([[0, 1, 2, 9, 0], [3, 0, 7, 5, 1]], "float32").reshape(2, 1, 1, 5)
        parts = layers.Rescaling(0.5, -2), layers.Flatten(), layers.Activation(activation)
        model = stack((1, 1, 5), *parts)
        steps, weights = steps_of(model)
        asked.append((javascript.setup_of(model, steps, weights), inputs.reshape(2, 5).tolist()))
        expected.append(answer(steps, weights, inputs))
    for one, other in zip(javascript.answers(asked, tmp_path), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_page_takes_raw_columns(tmp_path):
    model = table_model()
    rows = [
        {name: None if value != value else value for name, value in zip(ROWS, row, strict=True)}
        for row in zip(*(column[:, 0].tolist() for column in ROWS.values()), strict=True)
    ]
    setup = javascript.setup_of(model, *steps_of(model))
    (received,) = javascript.answers([(setup, rows)], tmp_path)
    np.testing.assert_allclose(received, answers_to_rows(model), atol=1e-5)
