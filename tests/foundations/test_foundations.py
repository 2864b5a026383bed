"""The slides in NumPy against the slides' numbers, finite differences and Keras."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.foundations import approximation, losses
from course.foundations.activations import ACTIVATIONS, activation
from course.foundations.backprop import MLP, numerical_gradients
from course.foundations.convolution import SLIDE_IMAGE, SLIDE_KERNEL, convolve, max_pool, pad

FEW = settings(max_examples=25, deadline=None)
NAN = float("nan")


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


# ---- activations

TABLE = {  # at -1000, -1, 0, 0.25, 1000; by the slide's formulas
    "heaviside": [0, 0, 0.5, 1, 1],
    "sign": [-1, -1, 0, 1, 1],
    "linear": [-1000, -1, 0, 0.25, 1000],
    "piecewise_linear": [0, 0, 0.5, 0.75, 1],
    "sigmoid": [0, 0.268941421, 0.5, 0.562176501, 1],
    "tanh": [-1, -0.761594156, 0, 0.244918662, 1],
    "relu": [0, 0, 0, 0.25, 1000],
    "softplus": [0, 0.313261688, 0.693147181, 0.825939420, 1000],
}
BENDS = {"heaviside": [0], "sign": [0], "relu": [0], "piecewise_linear": [-0.5, 0.5]}


def test_the_eight_of_the_slide_are_there():
    assert list(ACTIVATIONS) == list(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_an_activation_has_the_table_s_values(name):
    z = [-1000, -1, 0, 0.25, 1000]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(activation(name)(z), TABLE[name], atol=1e-9)
        assert np.isfinite(activation(name).slope(z)).all()


@pytest.mark.parametrize("name", TABLE)
@FEW
@given(z=st.floats(-20, 20))
def test_a_derivative_is_the_slope(name, z):
    h = 1e-5
    row = activation(name)
    if min((abs(z - bend) for bend in BENDS.get(name, [])), default=1) > 2 * h:
        slope = (row(z + h) - row(z - h)) / (2 * h)
        assert row.slope(z) == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "softplus", "linear"])
def test_an_activation_is_keras_own(name):
    z = np.linspace(-30, 30, 121).reshape(11, 11)
    answer = to_numpy(keras.activations.get(name)(keras.ops.convert_to_tensor(z, "float64")))
    np.testing.assert_allclose(activation(name)(z), answer, atol=1e-12)


def test_where_there_is_no_derivative_a_convention_stands():
    assert [float(activation(n).slope(0)) for n in ("heaviside", "sign", "relu")] == [0, 0, 0]
    assert activation("piecewise_linear").slope([-0.5, 0, 0.5]).tolist() == [0, 1, 0]


# ---- the network


def problem(loss, outputs, seed=1):
    random = np.random.default_rng(seed)
    x = random.normal(size=(6, 4))
    if loss == "categorical_crossentropy":
        return x, random.integers(0, outputs, 6)
    if loss == "binary_crossentropy":
        return x, random.integers(0, 2, (6, outputs))
    return x, random.normal(size=(6, outputs))


def started(sizes, gamma, loss):
    """A network with biases too: with none, a sample that no neuron answers sits on ReLU's bend."""
    network, random = MLP(sizes, gamma, loss, seed=3), np.random.default_rng(4)
    network.biases = [random.normal(size=b.shape) for b in network.biases]
    return network


CASES = [
    ("tanh", "categorical_crossentropy", (4, 5, 3)),
    ("sigmoid", "binary_crossentropy", (4, 3, 1)),
    ("softplus", "squared_error", (4, 5, 3, 2)),
    ("relu", "categorical_crossentropy", (4, 6, 5, 3)),
    ("tanh", "squared_error", (4, 1)),
]


@pytest.mark.parametrize("gamma, loss, sizes", CASES)
def test_backpropagation_agrees_with_finite_differences(gamma, loss, sizes):
    network = started(sizes, gamma, loss)
    x, t = problem(loss, sizes[-1])
    _, dW, db = network.gradients(x, t)
    for exact, numerical in zip(
        (*dW, *db), sum(numerical_gradients(network, x, t), []), strict=True
    ):
        np.testing.assert_allclose(exact, numerical, atol=1e-6)


@pytest.mark.parametrize("gamma, loss, sizes", CASES)
def test_backpropagation_agrees_with_keras(gamma, loss, sizes):
    network = started(sizes, gamma, loss)
    x, t = problem(loss, sizes[-1])
    stack = [keras.layers.Dense(n, activation=gamma, dtype="float64") for n in sizes[1:-1]]
    model = keras.Sequential(
        [
            keras.Input(sizes[:1], dtype="float64"),
            *stack,
            keras.layers.Dense(sizes[-1], dtype="float64"),
        ]
    )
    model.set_weights(
        [a for pair in zip(network.weights, network.biases, strict=True) for a in pair]
    )
    theirs = {  # the mean over the samples; ours sums over the outputs, theirs averages
        "categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "binary_crossentropy": keras.losses.BinaryCrossentropy(from_logits=True),
        "squared_error": lambda t, y: keras.ops.mean(keras.ops.sum((t - y) ** 2, axis=-1)) / 2,
    }[loss]
    their_loss, their_slopes = keras_gradients(model, theirs, x, t)
    our_loss, dW, db = network.gradients(x, t)
    assert our_loss == pytest.approx(their_loss, abs=1e-5)
    ours = [a for pair in zip(dW, db, strict=True) for a in pair]
    for a, b in zip(ours, their_slopes, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def keras_gradients(model, loss, x, t):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        value = loss(t, model(x))
    return float(value), [to_numpy(g) for g in tape.gradient(value, model.trainable_variables)]


def test_losses_are_the_slides_by_hand():
    z, t = np.log([[1.0, 2.0, 5.0]]), [2]  # softmax: 1/8, 2/8, 5/8
    loss, slope = losses.categorical_crossentropy(z, t)
    assert loss == pytest.approx(-np.log(5 / 8))
    np.testing.assert_allclose(slope, [[1 / 8, 2 / 8, -3 / 8]])
    assert losses.categorical_crossentropy(z, [[0, 0, 1]])[0] == pytest.approx(loss)
    loss, slope = losses.binary_crossentropy([[np.log(3)]], [[0]])  # y = 3/4
    assert loss == pytest.approx(np.log(4)) and slope == pytest.approx(3 / 4)
    loss, slope = losses.squared_error([[1.0], [5.0]], [[2.0], [2.0]])
    assert loss == pytest.approx((0.5 + 4.5) / 2) and slope.tolist() == [[-0.5], [1.5]]


@pytest.mark.parametrize("z", [-1000.0, 1000.0])
def test_a_loss_of_a_certain_network_is_finite(z):
    for t in (0, 1):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            right = (z > 0) == (t == 1)
            assert losses.binary_crossentropy([[z]], [[t]])[0] == (0 if right else 1000)
            assert losses.categorical_crossentropy([[0, z]], [t])[0] == (0 if right else 1000)


@pytest.mark.parametrize("seed", range(3))
def test_it_learns_xor(seed):
    x, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    network = MLP((2, 8, 1), "tanh", "binary_crossentropy", seed)
    for _ in range(1000):
        loss = network.step(x, t, learning_rate=1.0)
    assert loss < 0.02
    np.testing.assert_allclose(network.predict(x), t, atol=0.05)


def test_without_a_hidden_layer_xor_stays_out_of_reach():
    x, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    network = MLP((2, 1), loss="binary_crossentropy")
    for _ in range(2000):
        loss = network.step(x, t, learning_rate=1.0)
    assert loss == pytest.approx(np.log(2), abs=1e-3)  # no better than a coin


def test_it_learns_the_digits_of_scikit_learn():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, t = load_digits(return_X_y=True)
    split = train_test_split(x / 16, t, test_size=0.25, random_state=0, stratify=t)
    x_train, x_test, t_train, t_test = split
    network, random = MLP((64, 64, 10), "relu", seed=0), np.random.default_rng(0)
    for _ in range(40):
        for rows in np.array_split(random.permutation(len(x_train)), len(x_train) // 32):
            network.step(x_train[rows], t_train[rows], learning_rate=0.3)
    assert (network.predict(x_test).argmax(axis=1) == t_test).mean() >= 0.96


# ---- convolution


def test_the_slides_worked_numbers():
    assert convolve(SLIDE_IMAGE, SLIDE_KERNEL)[0, 0] == 4
    assert max_pool([[7, 3, 5, 2], [8, 7, 1, 6], [4, 9, 3, 9], [0, 8, 4, 5]]).tolist() == [
        [8, 6],
        [9, 9],
    ]
    image = [
        [60, 113, 56, 139, 85],
        [73, 121, 54, 84, 128],
        [131, 99, 70, 129, 127],
        [80, 57, 115, 69, 134],
        [104, 126, 123, 95, 130],
    ]
    sharpen = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
    assert convolve(image, sharpen, padding="same")[0, 0] == 114
    assert convolve(pad(image, 1), sharpen)[0, 0] == 114
    assert convolve(image, sharpen, padding="same").shape == (5, 5)


def test_the_kernel_is_not_turned():
    assert convolve([[1, 2]], [[1, 0]]).tolist() == [[1]]  # a true convolution would say 2


@FEW
@given(
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    window=st.sampled_from([(1, 1), (3, 3), (1, 3), (3, 1), (2, 2)]),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same"]),
    seed=st.integers(0, 99),
)
def test_convolution_is_keras_own(size, window, channels, filters, stride, padding, seed):
    padding = "valid" if window == (2, 2) else padding
    random = np.random.default_rng(seed)
    image = random.normal(size=(*size, channels))
    kernel = random.normal(size=(*window, channels, filters))
    theirs = to_numpy(keras.ops.conv(image[None], kernel, stride, padding))[0]
    np.testing.assert_allclose(convolve(image, kernel, stride, padding), theirs, atol=1e-5)
    if channels == filters == 1:
        flat = convolve(image[..., 0], kernel[..., 0, 0], stride, padding)
        np.testing.assert_allclose(flat, theirs[..., 0], atol=1e-5)


@FEW
@given(
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    channels=st.integers(1, 3),
    pool=st.integers(1, 3),
    stride=st.integers(1, 3) | st.none(),
)
def test_max_pooling_is_keras_own(size, channels, pool, stride):
    image = np.random.default_rng(0).normal(size=(*size, channels)).astype("float32")
    theirs = to_numpy(keras.ops.max_pool(image[None], pool, stride or pool, "valid"))[0]
    np.testing.assert_array_equal(max_pool(image, pool, stride), theirs)


# ---- approximation


@pytest.mark.parametrize("name", approximation.FUNCTIONS)
def test_more_neurons_come_closer(name):
    function = approximation.FUNCTIONS[name]
    for build, bound in ((approximation.staircase, 0.02), (approximation.best_output, 0.005)):
        few, many = (approximation.largest_error(function, build(function, n)) for n in (8, 128))
        assert many < bound < few


def test_a_staircase_is_a_network_with_one_hidden_layer():
    network = approximation.staircase(np.square, 4)
    x = np.array([0.1, 0.6])
    steps = [1 / (1 + np.exp(-16 * (x - c))) for c in (0.125, 0.375, 0.625, 0.875)]
    heights = [1 / 16, 3 / 16, 5 / 16, 7 / 16]
    np.testing.assert_allclose(network(x), sum(h * s for h, s in zip(heights, steps, strict=True)))


@given(st.integers(1, 30))
@settings(max_examples=6, deadline=None)
def test_one_neuron_more_never_hurts_where_it_was_fitted(n):
    function, x = approximation.FUNCTIONS["Onda: sen 4πx"], np.linspace(0, 1, 200)
    few, more = (
        np.square(approximation.best_output(function, k, points=200)(x) - function(x)).sum()
        for k in (n, n + 1)
    )
    assert more <= few + 1e-9


# ---- one clear error

WRONG = {
    "an unknown activation": (lambda: activation("relo"), "¿Querías decir relu"),
    "NaN": (lambda: activation("relu")(NAN), "NaN"),
    "text": (lambda: activation("relu")("x"), "numbers"),
    "an unknown loss": (lambda: MLP((2, 1), loss="square_error"), "¿Querías decir squared_error"),
    "no layers": (lambda: MLP((2,)), "two layers"),
    "an empty layer": (lambda: MLP((2, 0, 1)), "1 or more"),
    "another width": (lambda: MLP((2, 1)).predict([[1, 2, 3]]), r"\(samples, 2\)"),
    "one sample without its axis": (lambda: MLP((2, 1)).predict([1, 2]), r"shape \(2,\)"),
    "labels from 1": (lambda: MLP((2, 3)).gradients([[0, 0]], [3]), "0 to 2"),
    "a label too many": (lambda: MLP((2, 3)).gradients([[0, 0]], [0, 1]), r"\(1, 3\) and \(2, 3\)"),
    "no samples": (lambda: MLP((2, 3)).gradients(np.zeros((0, 2)), []), "Expected"),
    "targets that are no shares": (lambda: losses.binary_crossentropy([[0]], [[7]]), "0 to 1"),
    "ragged rows": (lambda: convolve([[1, 2], [3]], [[1]]), "image"),
    "NaN in an image": (lambda: convolve([[NAN]], [[1]]), "NaN"),
    "a large kernel": (lambda: convolve(np.eye(2), np.eye(3)), "2×2. Received: 3×3"),
    "an even kernel": (lambda: convolve(np.eye(4), np.eye(2), padding="same"), "odd"),
    "channels that differ": (
        lambda: convolve(np.ones((4, 4, 2)), np.ones((3, 3, 1, 1))),
        "same channels",
    ),
    "half a stride": (lambda: convolve(np.eye(3), np.eye(1), stride=0.5), "stride"),
    "another padding": (lambda: convolve(np.eye(3), np.eye(1), padding="full"), "'full'"),
    "a large pool": (lambda: max_pool(np.eye(2), 3), "2×2. Received: 3×3"),
    "no pool": (lambda: max_pool(np.eye(2), 0), "size"),
    "negative zeros": (lambda: pad(np.eye(2), -1), "-1"),
    "no neurons": (lambda: approximation.staircase(np.sin, 0), "1 or more"),
}


@pytest.mark.parametrize("what", WRONG)
def test_bad_input_is_one_clear_error(what):
    call, said = WRONG[what]
    with pytest.raises(ValueError, match=said):
        call()
