"""The thread that owns the network: who asks gets their own answer, whatever the others ask."""

import threading
from concurrent.futures import CancelledError
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from course.demo import worker
from course.errors import CourseError

WAIT_S = 20


class Adder:
    """A network that adds up each example, and fails at a batch with 13 in it."""

    def __init__(self, gate=None):
        self.gate, self.batches, self.threads = gate, [], set()
        self.busy = threading.Event()

    def predict_on_batch(self, batch):
        if self.gate and len(self.batches) == len(worker.SIZES):  # after the batches that warm up
            self.busy.set()
            self.gate.wait(WAIT_S)
        self.batches.append(np.array(batch))
        self.threads.add(threading.get_ident())
        if (batch == 13).any():
            raise ValueError("13")
        return batch.sum(axis=1, keepdims=True)


def started(model, example=None):
    example = np.zeros(2) if example is None else example
    one = worker.Worker(lambda: (model, example))
    one.ready.result(WAIT_S)
    return one


def together(model, gate, examples):
    """Ask while the network is busy with a first question, so that the others wait."""
    one = started(model)
    first = one.ask(np.array([1.0, 1.0]))
    model.busy.wait(WAIT_S)
    futures = [one.ask(np.array(example)) for example in examples]
    gate.set()
    assert first.result(WAIT_S) == 2
    return futures


def test_each_answer_goes_to_who_asked_and_those_that_wait_are_asked_together():
    gate = threading.Event()
    model = Adder(gate)
    futures = together(model, gate, [[n, 0.5] for n in range(100, 250)])
    assert [future.result(WAIT_S)[0] for future in futures] == [n + 0.5 for n in range(100, 250)]
    sizes = [len(batch) for batch in model.batches[len(worker.SIZES) :]]
    assert set(sizes) <= set(worker.SIZES)
    assert sizes[:4] == [1, 64, 64, 64] and len(sizes) == 4  # 150 in three, the last filled up
    assert len(model.threads) == 1


def test_an_error_of_one_never_falls_on_the_others():
    gate = threading.Event()
    futures = together(Adder(gate), gate, [[1, 2], [13, 0], [3, 4]])
    assert futures[0].result(WAIT_S) == 3 and futures[2].result(WAIT_S) == 7
    with pytest.raises(ValueError, match="13"):
        futures[1].result(WAIT_S)


def test_who_has_gone_is_not_asked_for():
    gate = threading.Event()
    model = Adder(gate)
    one = started(model)
    one.ask(np.array([1.0, 1.0]))
    model.busy.wait(WAIT_S)
    gone, stayed = one.ask(np.array([5.0, 5.0])), one.ask(np.array([6.0, 6.0]))
    assert gone.cancel()
    gate.set()
    assert stayed.result(WAIT_S) == 12
    assert not any((batch == 5).any() for batch in model.batches)
    with pytest.raises(CancelledError):
        gone.result(0)


def test_a_function_runs_in_the_same_thread_and_its_error_is_its_own():
    model = Adder()
    one = started(model)
    assert one.run(lambda given: (given, threading.get_ident())).result(WAIT_S) == (
        model,
        *model.threads,
    )
    with pytest.raises(ZeroDivisionError):
        one.run(lambda given: 1 / 0).result(WAIT_S)
    assert one.ask(np.array([2.0, 2.0])).result(WAIT_S) == 4


def test_a_network_that_does_not_load_says_so_to_whoever_asks():
    def load():
        raise CourseError("no se puede")

    one = worker.Worker(load)
    for future in (one.ready, one.ask(np.zeros(2)), one.run(print)):
        with pytest.raises(CourseError, match="no se puede"):
            future.result(WAIT_S)


def test_large_examples_are_asked_one_by_one():
    sizes = []

    def predict_on_batch(batch):
        sizes.append(len(batch))
        return batch[:, 0, :1]

    model = SimpleNamespace(predict_on_batch=predict_on_batch)
    one = started(model, np.zeros((2048, 2048), "float32"))
    futures = [one.ask(np.full((2048, 2048), n, "float32")) for n in range(4)]
    assert [int(future.result(WAIT_S)[0]) for future in futures] == [0, 1, 2, 3]
    assert set(sizes) == {1}


def test_nothing_is_traced_anew_however_many_ask():
    traces = []

    @keras.saving.register_keras_serializable("test_worker")
    class Traced(keras.layers.Layer):
        def call(self, x):
            traces.append(x.shape)
            return 2 * x

    model = keras.Sequential([keras.Input((3,)), Traced()])
    one = started(model, np.zeros(3, "float32"))
    before = len(traces)
    for n in (1, 2, 7, 30, 64, 65):
        futures = [one.ask(np.full(3, k, "float32")) for k in range(n)]
        assert [future.result(WAIT_S)[0] for future in futures] == [2 * k for k in range(n)]
    assert len(traces) == before


def test_columns_are_asked_together_too():
    class Table:
        def predict_on_batch(self, batch):
            assert set(batch) == {"n", "word"}
            return batch["n"] + (batch["word"] == "mar")

    example = {"n": np.array([0.0]), "word": np.array(["x"])}
    one = started(Table(), example)
    futures = [
        one.ask({"n": np.array([1.0 * n]), "word": np.array(["mar" if n % 2 else "montaña"])})
        for n in range(9)
    ]
    assert [future.result(WAIT_S)[0] for future in futures] == [n + n % 2 for n in range(9)]
