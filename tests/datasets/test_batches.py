"""Mini-batches: every example once, an order of (seed, epoch) alone."""

import keras
import numpy as np
import pytest
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

from course.datasets import batches as module
from course.datasets.batches import Batches
from course.errors import CourseError
from course.training import devices, processes


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


def test_rows_by_number_or_by_a_boolean_for_each_example():
    chosen = np.array([False, True, True, False, True])
    by_mask, by_number = (Batches(np.arange(5), np.arange(5), 2, 0, r) for r in (chosen, [1, 2, 4]))
    assert (order(by_mask) == order(by_number)).all()
    assert sorted(order(by_mask)) == [1, 2, 4]
    with pytest.raises(IndexError):
        Batches(np.arange(5), np.arange(5), 2, 0, rows=[5])


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


def test_predict_is_told_that_its_answers_would_be_in_another_order():
    x = np.arange(8.0)[:, None]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    model.compile(loss="mse")
    batches = Batches(x, x, 2, seed=0)
    assert model.evaluate(batches, verbose=0) == 0  # asks for no order
    with pytest.raises(CourseError, match=r"en el orden de tus etiquetas(.|\n)*predict\(x_test\)"):
        model.predict(batches, verbose=0)
    assert np.array_equal(model.predict(batches.inputs, verbose=0), x)


def test_a_glance_sees_other_examples_and_another_choice_of_them():
    x, names = np.arange(600.0), np.array(["a", "b"] * 300, dtype=object)
    seen = Batches({"x": x, "name": names}, x, 2, seed=0).glance()
    assert seen == Batches({"x": x.copy(), "name": names}, x, 4, seed=1).glance()
    for other in ({"x": x + 1, "name": names}, {"x": x, "name": names[::-1]}):
        assert seen != Batches(other, x, 2, seed=0).glance()
    assert seen != Batches({"x": x, "name": names}, x, 2, seed=0, rows=np.arange(1, 600)).glance()


def test_a_batch_is_never_a_view_of_what_was_given(monkeypatch):
    """On several devices TensorFlow writes gradients into the memory that it is handed."""
    x, y = np.arange(8.0), np.arange(8.0)
    batches = Batches({"x": x}, y, 8, seed=0)
    monkeypatch.setattr(batches, "_order", np.arange(8))  # an order that a slice would serve
    columns, targets = batches[0]
    assert targets.tolist() == y.tolist()
    assert not np.shares_memory(columns["x"], x) and not np.shares_memory(targets, y)


def test_several_devices_and_processes_have_equal_parts(monkeypatch):
    """49 in batches of 8 on 2 processes with 2 devices: one is left out, another each epoch."""
    monkeypatch.setattr(devices, "sharing", lambda: 4)
    monkeypatch.setattr(processes, "how_many", lambda: 2)
    batches = Batches(np.arange(49), np.arange(49), 8, seed=0)
    batches.shared_by = 4
    assert (len(batches), batches.examples) == (6, 48)
    lost = []
    for epoch in range(6):
        batches.start_epoch(epoch)
        parts = []
        for which in (0, 1):
            monkeypatch.setattr(processes, "which", lambda which=which: which)
            parts.append([batches[i][0].tolist() for i in range(len(batches))])
        assert all(len(part) == 4 for each in parts for part in each)
        order = np.random.default_rng((0, epoch)).permutation(49)
        both = [row for pair in zip(*parts, strict=True) for part in pair for row in part]
        assert both == order[:48].tolist()
        lost.append(int(order[48]))
    assert len(set(lost)) > 1
    assert batches.left_out().startswith(" 1\xa0ejemplo queda fuera")


def plus_noise(inputs, rng):
    return inputs + rng.random(len(inputs))


def test_what_changes_a_batch_is_drawn_from_seed_epoch_and_index():
    batches, later = (Batches(np.zeros(9), np.arange(9), 3, 0, augment=plus_noise) for _ in "ab")
    batches.start_epoch(0)
    drawn = [batches[i][0].tolist() for i in (0, 1, 2)]
    batches.start_epoch(1)
    drawn += [batches[i][0].tolist() for i in (2, 1, 0)]
    later.start_epoch(1)
    assert later[0][0].tolist() == drawn[-1]
    assert len(set(map(tuple, drawn))) == 6


def test_processes_change_their_parts_as_one_alone_would(monkeypatch):
    batches = Batches(np.zeros(8), np.arange(8), 8, 0, augment=plus_noise)
    alone = batches[0]
    monkeypatch.setattr(devices, "sharing", lambda: 2)
    monkeypatch.setattr(processes, "how_many", lambda: 2)
    monkeypatch.setattr(processes, "which", lambda: 1)
    for ours, all_ in zip(batches[0], alone, strict=True):
        assert ours.tolist() == all_[4:].tolist()


def test_columns_are_not_changed_by_a_function():
    with pytest.raises(ValueError, match="one array with augment"):
        Batches({"x": np.zeros(2)}, np.zeros(2), 1, 0, augment=plus_noise)
