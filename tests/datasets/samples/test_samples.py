"""The embedded data: what they look like in numbers; they can be learnt, but not for free."""

import numpy as np
import pytest

from course.datasets import california, mnist, sign_mnist
from course.datasets.samples import hands, houses


@pytest.fixture(scope="module")
def digits():
    return mnist.load_data("sample")


@pytest.fixture(scope="module")
def drawn():
    return sign_mnist.load_data("sample")


def nearest(x_train, y_train, x_test, y_test):
    """The accuracy of one nearest neighbour in pixels."""
    a, b = (x.reshape(len(x), -1).astype("float32") for x in (x_train, x_test))
    distance = (a * a).sum(1) - 2 * b @ a.T
    return float((y_train[distance.argmin(1)] == y_test).mean())


def test_digits_are_scikit_learn_s(digits):
    from sklearn.datasets import load_digits

    (x_train, y_train), (x_test, y_test) = digits
    assert x_train.shape == (1438, 28, 28) and x_test.shape == (359, 28, 28)
    assert all(array.dtype == np.uint8 for pair in digits for array in pair)
    counts = np.bincount(load_digits().target)
    assert (np.bincount(y_train) + np.bincount(y_test)).tolist() == counts.tolist()
    assert (np.abs(np.bincount(y_test) - counts / 5) <= 0.5).all()
    assert len(np.unique(np.concatenate([x_train, x_test]), axis=0)) == 1797  # all differ


def test_digits_look_like_mnist(digits):
    """MNIST's 70,000: mean 33, 13 % of the pixels ink, in 20×20, mass at the centre."""
    (x, _), _ = digits
    assert 25 < x.mean() < 45
    assert 0.1 < (x > 127).mean() < 0.2
    assert (x.max((1, 2)) == 255).mean() > 0.95
    margin = np.stack([x[:, :3].max((1, 2)), x[:, :, :3].max((1, 2)), x[:, :, -3:].max((1, 2))])
    assert (margin == 0).mean() > 0.97
    boxes = [(np.ptp(np.nonzero(i.any(1))), np.ptp(np.nonzero(i.any(0)))) for i in x]
    assert np.median(np.max(boxes, 1)) == 19  # 20 pixels
    weights = x / x.sum((1, 2), keepdims=True)
    center = [(weights.sum(axis) @ np.arange(28)).mean() for axis in (2, 1)]
    assert np.allclose(center, 14, atol=0.5)


def test_digits_can_be_learnt(digits):
    assert nearest(*digits[0], *digits[1]) > 0.95


def test_hands_have_the_shape_of_sign_mnist(drawn):
    (x_train, y_train), (x_test, y_test) = drawn
    assert x_train.shape == (2880, 28, 28) and x_test.shape == (480, 28, 28)
    assert all(array.dtype == np.uint8 for pair in drawn for array in pair)
    assert np.bincount(y_train).tolist() == [120] * 24
    assert np.bincount(y_test).tolist() == [20] * 24
    assert hands.LETTERS == sign_mnist.CLASS_NAMES
    assert len(np.unique(y_train[:100])) > 15  # shuffled
    assert x_train.std((1, 2)).min() > 8  # no picture is blank


def test_hands_are_seeded():
    first, again, other = (hands.draw(1, 2, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_every_letter_has_its_own_pose():
    """Without chance, no two letters are drawn alike."""

    class Middle:
        """A generator without surprises: the middle of every range."""

        def normal(self, mean, spread, size=None):
            return np.broadcast_to(np.asarray(mean, float), np.shape(spread)) + np.zeros(size or ())

        def uniform(self, low, high):
            return (low + high) / 2

    grid = np.linspace(-1.25, 1.25, 56, dtype="float32")
    x, y = np.meshgrid(grid, -grid)
    drawn = [hands._surface(x, y, *hands.bones(pose, Middle())) for pose in hands.POSES.values()]
    assert len(drawn) == 24
    pictures = [np.where(np.isfinite(depth), 0.5 + 0.5 * n[2], 0) for depth, n in drawn]
    assert all(0.08 < (p > 0).mean() < 0.6 for p in pictures)
    gap = np.array([[np.abs(a - b).mean() for a in pictures] for b in pictures])
    assert (gap + np.eye(24)).min() > 0.01


def test_hands_leak_as_the_real_ones_do(drawn):
    """A random tenth flatters; other hands are hard for pixels (a small CNN reaches 96 %)."""
    (x, y), test = drawn
    assert nearest(x[288:], y[288:], x[:288], y[:288]) > 0.85
    assert 0.3 < nearest(x, y, *test) < 0.65


def test_houses_have_the_columns_of_the_real_table():
    (x_train, y_train), (x_test, y_test) = california.load_data("sample")
    assert (len(y_train), len(y_test)) == (6400, 1600)
    assert list(x_train) == [name for name in california._HEADER if name != "median_house_value"]
    for name, column in x_train.items():
        if name == "ocean_proximity":
            assert set(column) == set(california.OCEAN_PROXIMITY)
            continue
        low, high = california._COLUMNS[name]
        assert column.dtype == "float32" and low <= np.nanmin(column) <= np.nanmax(column) <= high
        missing = np.isnan(column).mean()
        assert 0.005 < missing < 0.015 if name == "total_bedrooms" else missing == 0
    assert y_train.dtype == "float32" and 1 < y_train.mean() < 4


def test_the_best_score_is_known():
    """The oracle: what knows the formula, and only it, scores BEST_R2 on houses never seen."""
    columns, values = houses.draw(rows=200_000, seed=99)
    noise = values - houses.true_value(columns)
    assert abs(noise.mean()) < 0.005 and abs(noise.std() - houses.NOISE_STD) < 0.005
    assert abs(values.std() - houses.VALUE_STD) < 0.01
    assert abs(1 - noise.var() / values.var() - houses.BEST_R2) < 0.003
    assert houses.BEST_R2 == 0.906


def test_a_straight_line_is_clearly_worse():
    columns, values = houses.draw()
    parts = [column for name, column in columns.items() if name != "ocean_proximity"]
    parts += [columns["ocean_proximity"] == name for name in california.OCEAN_PROXIMITY[1:]]
    design = np.nan_to_num(np.stack([np.ones(len(values)), *parts], 1), nan=430)
    fitted = design @ np.linalg.lstsq(design, values, rcond=None)[0]
    r2 = 1 - ((values - fitted) ** 2).sum() / ((values - values.mean()) ** 2).sum()
    assert 0.65 < r2 < houses.BEST_R2 - 0.15
