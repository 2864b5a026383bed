"""What says "array" takes whatever holds rows, by place and never by label, or names what it is."""

import keras
import numpy as np
import pandas as pd
import pytest

from course.datasets.batches import Batches
from course.errors import CourseError
from course.models import mlp
from course.training.arrays import as_array, as_arrays, check_lengths

ROWS = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]
SHUFFLED = [3, 0, 2, 1]  # an index that is not the place


def memory_map(folder):
    np.save(folder / "x.npy", np.array(ROWS))
    return np.load(folder / "x.npy", mmap_mode="r")


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: np.array(ROWS),
        lambda folder: ROWS,
        lambda folder: tuple(map(tuple, ROWS)),
        lambda folder: pd.DataFrame(ROWS, index=SHUFFLED, columns=["a", "b"]),
        lambda folder: pd.DataFrame(ROWS, index=SHUFFLED).astype("Float64"),
        lambda folder: keras.ops.convert_to_tensor(ROWS),
        lambda folder: [np.array(row) for row in ROWS],
        lambda folder: np.ma.array(ROWS),
        memory_map,
    ],
)
def test_rows_are_taken_by_place(make, tmp_path):
    rows = make(tmp_path)
    assert as_array(rows, "x").tolist() == ROWS
    batches = Batches(rows, rows, batch_size=4, seed=0)
    inputs, targets = batches[0]
    assert (inputs == targets).all() and sorted(inputs[:, 0]) == [1, 3, 5, 7]


def test_a_series_of_text_and_its_index():
    words = pd.Series(["INLAND", "ISLAND"], index=[1, 0])
    for text in (
        words,
        words.astype("category"),
        words.astype("string"),
        np.array(["INLAND", "ISLAND"]),
    ):
        array = as_array(text, "ocean")
        assert array.dtype == object and array.tolist() == ["INLAND", "ISLAND"]


def test_a_dict_of_columns_of_any_kind():
    columns = as_arrays({"rooms": pd.Series([3, 4], index=[1, 0]), "sea": ["a", "b"]}, "inputs")
    assert columns["rooms"].tolist() == [3, 4] and columns["sea"].dtype == object


def test_a_network_learns_the_same_from_pandas_and_from_arrays():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 2)), columns=["a", "b"])
    table["y"] = 3 * table.a - 2 * table.b
    table = table.sample(frac=1, random_state=1)
    losses = []
    for x, y in (
        (table[["a", "b"]].to_numpy(), table.y.to_numpy()),
        (table[["a", "b"]], table.y),
        (table[["a", "b"]].to_numpy().tolist(), table.y.tolist()),
    ):
        keras.utils.set_random_seed(0)
        model = mlp((2,), 1, units=(8,))
        model.compile(keras.optimizers.Adam(0.01), "mse")
        losses.append(model.fit(Batches(x, y, 32, 0), epochs=3, verbose=0).history["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert losses[2] == pytest.approx(losses[0], rel=1e-4)


def dataset():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((np.array(ROWS), np.arange(4))).batch(2)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="it is TensorFlow's")
def test_a_dataset_of_tensorflow_is_named_and_the_way_out_works():
    with pytest.raises(CourseError, match="tf.data.Dataset") as message:
        Batches(dataset(), np.arange(4), 2, seed=0)
    (line,) = [line for line in str(message.value).splitlines() if line.startswith("    x, y =")]
    names = {"np": np, "datos": dataset()}
    exec(line.strip(), names)
    assert names["x"].tolist() == ROWS and names["y"].tolist() == [0, 1, 2, 3]


def test_batches_are_named_and_their_arrays_lead_on():
    batches = Batches(ROWS, [0, 1, 0, 1], 3, seed=0)
    with pytest.raises(CourseError, match="x: .*Llegaron lotes \\(Batches\\)") as message:
        as_array(batches, "x")
    names = {"batches": batches}
    for line in ("batches.inputs", "batches.targets"):  # as the message says
        assert line in str(message.value)
        exec(f"found = {line}", names)
        assert len(as_array(names["found"], "x")) == 4
    assert batches.inputs.tolist() == ROWS


@pytest.mark.parametrize(
    "values, words",
    [
        ((row for row in ROWS), "Llegó: generator"),
        (3.0, "Llegó: float"),
        (None, "Llegó: NoneType"),
        ([[1, 2], [3]], "no tienen todas la misma forma"),
        (np.ma.array([1, 2], mask=[True, False]), "celdas enmascaradas"),
        (pd.Series(["a", pd.NA], dtype="object"), "solo números o solo texto"),
        (pd.DataFrame({"a": [1.0], "b": ["x"]}), "dict(tabla)"),
        (np.array([1, "a"], dtype=object), "solo números o solo texto"),
    ],
)
def test_what_is_no_array_is_named(values, words):
    with pytest.raises(CourseError) as message:
        as_array(values, "x")
    assert str(message.value).startswith("x: ") and words in str(message.value)


def test_the_advice_for_a_sparse_matrix_and_for_a_mixed_table_is_right():
    from scipy import sparse

    matrix = sparse.csr_matrix(np.eye(3))
    with pytest.raises(CourseError, match=r"toarray\(\)"):
        as_array(matrix, "x")
    assert as_array(matrix.toarray(), "x").shape == (3, 3)
    table = pd.DataFrame({"rooms": [1.0, 2.0], "sea": ["a", "b"]}, index=[1, 0])
    assert as_arrays(dict(table), "inputs")["sea"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    "inputs, targets, words",
    [
        (np.zeros((3, 2)), np.zeros(4), "inputs con 3, targets con 4"),
        ({"a": [1, 2], "b": [1, 2, 3]}, [1, 2], "inputs['a'] con 2, inputs['b'] con 3"),
    ],
)
def test_lengths_are_compared_at_once(inputs, targets, words):
    with pytest.raises(CourseError) as message:
        Batches(inputs, targets, 2, seed=0)
    assert words in str(message.value)


def test_equal_lengths_pass():
    check_lengths(a=np.zeros(2), b={"c": np.ones((2, 3))})
