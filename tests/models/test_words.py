"""A word as ones and zeros, outside the network that every backend compiles."""

import keras
import numpy as np
import pytest

from course.errors import CourseError
from course.models import one_hot_words, without_words, words_to_numbers


def houses():
    size = keras.Input((1,), name="size")
    sea = keras.Input((1,), name="sea", dtype="string")
    joined = keras.layers.Concatenate()([size, one_hot_words(["near", "far"])(sea)])
    return keras.Model({"size": size, "sea": sea}, keras.layers.Dense(1, name="sum")(joined))


TABLE = {
    "size": np.array([1, 1, 2, 3], "float32"),
    "sea": np.array(["far", "near", "?", "far"], object),
}


def test_training_the_twin_trains_the_model_that_takes_words():
    model = houses()
    twin, columns = without_words(model), words_to_numbers(model, TABLE)
    assert columns["sea"].tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert columns["size"] is TABLE["size"] and twin.count_params() == model.count_params() == 5
    twin.compile("sgd", "mse")
    twin.fit(columns, np.ones((4, 1)), verbose=0)
    # by hand: the size and what the word's place has learned
    weights, bias = map(keras.ops.convert_to_numpy, model.get_layer("sum").weights)
    by_hand = TABLE["size"] * weights[0, 0] + weights[[3, 2, 1, 3], 0] + bias[0]
    assert np.allclose(twin.predict(columns, verbose=0)[:, 0], by_hand, atol=1e-6)


def test_a_network_of_numbers_is_its_own_twin():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    assert without_words(model) is model
    inputs = np.zeros((1, 2))
    assert words_to_numbers(model, inputs) is inputs


def test_where_tensorflow_is_missing_the_way_is_told(monkeypatch):
    def lookup(**_):
        raise ImportError("Layer StringLookup requires TensorFlow.")

    monkeypatch.setattr(keras.layers, "StringLookup", lookup)
    with pytest.raises(CourseError, match="se esperaba TensorFlow(.|\n)*pip install tensorflow"):
        one_hot_words(["near", "far"])
