"""A run's own files with bytes changed, lost, added: they are read, or one message says which."""

import json

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from course.errors import CourseError
from course.training import run_folder
from course.training.checkpoints import resume
from course.training.fingerprint import fingerprint
from tests import FUZZ
from tests.fuzzing import one_input

HISTORY = b"epoch,loss,accuracy,val_loss,time_s\n0,2.5,0.25,2.0,1.5\n1,1.5,0.5,,1.5\n"
MARKS = st.sampled_from(['"', ",", "\n", "\r", "{", "}", "[", "]", "null", "-1", "1e999", "../"])
JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = JSON | st.lists(JSON, max_size=2) | st.dictionaries(st.text(max_size=5), JSON, max_size=2)


@st.composite
def mutated(draw, data):
    """The file with up to three places cut, overwritten or added to."""
    out = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(out)))
        new = draw(st.binary(max_size=4) | MARKS.map(str.encode))
        out[at : at + draw(st.integers(0, 6))] = new
    return bytes(out)


def tiny():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of which two epochs are finished."""
    folder, model = tmp_path_factory.mktemp("run"), tiny()
    (folder / "checkpoints").mkdir()
    weights = "checkpoints/epoch_0002.weights.h5"
    model.save_weights(folder / weights)
    training = {"epochs": 2, "weights": weights, "wanted": 3, "ended": False, "trained": 2}
    run_folder.write_training(folder, {**training, "network": fingerprint(model)})
    return folder


@given(data=mutated(HISTORY))
@settings(max_examples=200 * FUZZ, deadline=None)
def test_a_history(run, data):
    path = run / "history.csv"
    path.write_bytes(data)
    try:
        with one_input("history.csv"):
            rows = run_folder.read_rows(run)
    except CourseError as error:
        assert str(path) in str(error) and "Qué hacer: " in str(error)
        return
    assert all(isinstance(value, int | float) for row in rows for value in row.values())


def check(run, content):
    """The run goes on with its two epochs, or begins anew, or an error says why."""
    path = run / "training.json"
    good = path.read_bytes()
    path.write_bytes(content)
    try:
        with one_input("training.json"):
            first = resume(tiny(), run)
        assert type(first) is int and first >= 0
    except CourseError as error:
        assert str(run) in str(error) and "Qué hacer: " in str(error)
    finally:
        path.write_bytes(good)


def test_what_is_known_of_a_training(run):
    good = (run / "training.json").read_bytes()

    @given(data=mutated(good))
    @settings(max_examples=50 * FUZZ, deadline=None)
    def bytes_of_it(data):
        check(run, data)

    @given(key=st.sampled_from([*json.loads(good)]), value=JSON)
    @settings(max_examples=50 * FUZZ, deadline=None)
    def values_of_it(key, value):
        check(run, json.dumps({**json.loads(good), key: value}).encode())

    bytes_of_it()
    values_of_it()
