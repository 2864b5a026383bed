"""Mini-batches: every example once, an order of (seed, epoch) alone."""

import keras
import numpy as np
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

from course.datasets import batches as module
from course.datasets.batches import Batches


def order(batches):
    return np.concatenate([targets for _, targets in (batches[i] for i in range(len(batches)))])


def test_every_example_once_an_epoch():
    batches = Batches(np.arange(10), np.arange(10), batch_size=4, seed=0)
    assert [len(batches[i][1]) for i in range(len(batches))] == [4, 4, 2]
    assert sorted(order(batches)) == list(range(10))


def test_inputs_and_targets_stay_together():
    batches = Batches(np.arange(10) * 10, np.arange(10), batch_size=3, seed=1)
    inputs, targets = batches[1]
    assert (inputs == targets * 10).all()


def test_one_seed_one_order_and_each_epoch_its_own():
    first, second = (Batches(np.arange(50), np.arange(50), 8, seed=3) for _ in range(2))
    assert (order(first) == order(second)).all()
    before = order(first)
    first.start_epoch(1)
    assert (order(first) != before).any()


def test_the_order_of_an_epoch_does_not_depend_on_those_before_it():
    begun, resumed = (Batches(np.arange(50), np.arange(50), 8, seed=3) for _ in range(2))
    begun.start_epoch(1)
    for batches in (begun, resumed):
        batches.start_epoch(2)
    assert (order(begun) == order(resumed)).all()


def test_columns_are_cut_alike_and_text_becomes_tensors():
    columns = {"rooms": np.arange(6.0), "sea": np.array(list("abcdef"), dtype=object)}
    inputs, targets = Batches(columns, np.arange(6), batch_size=6, seed=0)[0]
    assert (inputs["rooms"] == targets).all()
    assert [value.decode() for value in inputs["sea"].numpy()] == ["abcdef"[t] for t in targets]


def test_no_thread_of_tensorflow_delays_the_end_of_an_epoch():
    adapter = PyDatasetAdapter(Batches(np.arange(4), np.arange(4), batch_size=2, seed=0))
    assert adapter.get_tf_dataset().options().autotune.enabled is False


def test_where_a_model_does_not_say_its_strategy_nothing_is_read_ahead(monkeypatch):
    """Keras' own name for it is not public: were it another, examples would be lost in silence."""
    x = np.zeros((4, 2))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    monkeypatch.setattr(module.gc, "get_objects", lambda: [model])
    assert Batches(x, x, 2, seed=0).workers == 2
    del model._distribute_strategy
    assert Batches(x, x, 2, seed=0).workers == 1
