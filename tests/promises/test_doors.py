"""Evaluation, explain, splits, detection and figures take whatever holds rows, by place."""

from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest

from course import figures
from course.datasets import splits
from course.datasets.batches import Batches
from course.errors import CourseError
from course.evaluation import (
    choose_threshold,
    evaluate_classifier,
    evaluate_masks,
    evaluate_regressor,
    evaluate_segmenter,
    two_classes,
)
from course.explain import occlusion
from course.inference import detection

ORIGIN = SimpleNamespace(title="prueba")
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 8, 8)).astype("uint8")
LABELS, GROUPS = [0, 1, 1, 0], [2, 2, 1, 1]
INDEX = [3, 0, 2, 1]  # not the place


def memory_map(values, folder):
    path = folder / f"{len(list(folder.iterdir()))}.npy"
    np.save(path, values)
    return np.load(path, mmap_mode="r")


KINDS = {
    "array": lambda values, folder: np.array(values),
    "list": lambda values, folder: np.array(values).tolist(),
    "tuple": lambda values, folder: tuple(np.array(values).tolist()),
    "tensor": lambda values, folder: keras.ops.convert_to_tensor(values),
    "memory map": memory_map,
    "list of arrays": lambda values, folder: list(np.array(values)),
}
COLUMNS = {
    **KINDS,
    "Series": lambda values, folder: pd.Series(values, index=INDEX),
    "table": lambda values, folder: pd.DataFrame({"y": values}, index=INDEX),
    "column": lambda values, folder: np.array(values)[:, None],
}


def classified(images, labels, groups=None):
    def predict(x, **_):
        assert isinstance(x, np.ndarray) and (x == PIXELS).all()
        return np.eye(2)[[0, 1, 0, 0]]

    model = SimpleNamespace(predict=predict)
    return evaluate_classifier(
        model, images, labels, class_names="ab", origin=ORIGIN, groups=groups
    )


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_any_kind(kind, tmp_path):
    report = classified(KINDS[kind](PIXELS, tmp_path), LABELS)
    assert report.scores["accuracy"] == 0.75 and report.per_case[0]["index"] == 2


@pytest.mark.parametrize("kind", COLUMNS)
def test_labels_and_groups_of_any_kind(kind, tmp_path):
    report = classified(PIXELS, COLUMNS[kind](LABELS, tmp_path))
    assert report.scores["accuracy"] == 0.75
    groups = COLUMNS[kind](GROUPS, tmp_path) if kind not in ("table", "column") else GROUPS
    assert classified(PIXELS, LABELS, groups).independent == 2


@pytest.mark.parametrize("kind", COLUMNS)
def test_targets_baselines_and_columns_of_any_kind(kind, tmp_path):
    make = COLUMNS[kind]
    model = SimpleNamespace(predict=lambda x, **_: np.array([1.0, 2, 3, 5]))
    report = evaluate_regressor(
        model,
        {"rooms": make([7, 8, 9, 6], tmp_path), "sea": pd.Series(list("abcd"), index=INDEX)},
        make([1.0, 2, 3, 4], tmp_path),
        unit="m",
        origin=ORIGIN,
        baselines={"media": make([2.0, 2, 2, 2], tmp_path)},
    )
    assert report.scores["mae"] == 0.25 and report.baselines["media"]["scores"]["mae"] == 1
    assert report.per_case[0]["index"] == 3
    assert np.ravel(report.per_case[0]["inputs"]["rooms"]).tolist() == [6]
    assert report.per_case[0]["inputs"]["sea"] == "d"


@pytest.mark.parametrize("kind", COLUMNS)
def test_the_two_classes_take_columns_of_any_kind(kind, tmp_path):
    positives, shares = COLUMNS[kind]([0, 1, 1, 0], tmp_path), [0.25, 0.75, 0.5, 0.125]
    shares = COLUMNS[kind](shares, tmp_path)
    groups = COLUMNS[kind](GROUPS, tmp_path) if kind not in ("table", "column") else GROUPS
    assert choose_threshold(positives, shares) == 0.375
    assert two_classes.roc(positives, shares)[1].tolist() == [0, 0.5, 1, 1, 1]
    rows = two_classes.calibration(positives, shares, groups)
    assert [row["observed"] for row in rows] == [0, 0, 1, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_masks_files_and_groups_of_any_kind(kind, tmp_path):
    masks = PIXELS // 128
    model = SimpleNamespace(predict=lambda x, **_: np.eye(2)[masks])
    report = evaluate_masks(
        model,
        KINDS[kind](PIXELS[..., None], tmp_path),
        KINDS[kind](masks, tmp_path),
        class_names="ab",
        files=pd.Series(list("wxyz"), index=INDEX),
        origin=ORIGIN,
        groups=KINDS[kind](GROUPS, tmp_path),
    )
    assert report.scores == {"dice_b": 1} and report.independent == 2
    assert [case["case"] for case in report.per_case] == list("wxyz")


def dataset(*values):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(values).batch(3)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="it is TensorFlow's")
def test_a_dataset_is_named_and_the_line_leads_to_the_score():
    datos = dataset(PIXELS, LABELS)
    with pytest.raises(CourseError, match="images: .*tf.data.Dataset") as message:
        evaluate_classifier(None, datos, class_names="ab", origin=ORIGIN)
    (line,) = [each for each in str(message.value).splitlines() if "x, y =" in each]
    names = {"np": np, "datos": datos}
    exec(line.strip(), names)
    assert classified(names["x"], names["y"]).scores["accuracy"] == 0.75
    with pytest.raises(CourseError, match="inputs: .*tf.data.Dataset"):
        evaluate_regressor(None, datos, unit="m", origin=ORIGIN)
    with pytest.raises(CourseError, match="labels: .*tf.data.Dataset"):
        splits.stratified(datos)


def test_batches_are_named_wherever_images_go():
    batches = Batches(PIXELS, LABELS, 3, seed=0)
    shares = np.eye(2)[LABELS]
    for call in (
        lambda: classified(batches, LABELS),
        lambda: evaluate_regressor(None, batches, LABELS, unit="m", origin=ORIGIN),
        lambda: figures.samples(batches, LABELS, "ab", title="t"),
        lambda: figures.mistakes(batches, LABELS, shares, "ab", title="t"),
        lambda: splits.near_duplicates(batches, LABELS),
    ):
        with pytest.raises(CourseError, match=r"Llegaron lotes \(Batches\)"):
            call()
    assert classified(batches.inputs, batches.targets).scores["accuracy"] == 0.75


@pytest.mark.parametrize("given", [Batches(PIXELS, LABELS, 3, seed=0), PIXELS, ["a"]])
def test_what_is_no_case_is_named(given):
    with pytest.raises(CourseError, match=r"brats\.volumes\(cases\)"):
        evaluate_segmenter(None, given, origin=ORIGIN)


def test_labels_or_targets_that_were_forgotten_are_named():
    with pytest.raises(CourseError, match="labels: .*NoneType"):
        classified(PIXELS, None)
    with pytest.raises(CourseError, match="targets: .*NoneType"):
        evaluate_regressor(None, np.zeros((3, 2)), unit="m", origin=ORIGIN)


@pytest.mark.parametrize("targets", [np.zeros((4, 2)), ["1", "2", "3", "x"], np.zeros((2, 2, 1))])
def test_targets_that_are_no_column_of_numbers_are_refused(targets):
    with pytest.raises(CourseError, match="una sola columna de números"):
        evaluate_regressor(None, np.zeros((4, 2)), targets, unit="m", origin=ORIGIN)


def test_lengths_are_compared_before_the_network_is_asked():
    never = SimpleNamespace(predict=None)
    with pytest.raises(CourseError, match="images: se esperaban 3 .*Llegó: 4"):
        evaluate_classifier(never, PIXELS, LABELS[:3], class_names="ab", origin=ORIGIN)
    with pytest.raises(CourseError, match="rooms: se esperaban 2 .*Llegó: 3"):
        evaluate_regressor(never, {"rooms": [1, 2, 3]}, [1, 2], unit="m", origin=ORIGIN)
    with pytest.raises(CourseError, match="files: se esperaban 4 .*Llegó: 2"):
        evaluate_masks(never, PIXELS, PIXELS, class_names="ab", files="xy", origin=ORIGIN)
    with pytest.raises(CourseError, match="positives con 4, probabilities con 3"):
        choose_threshold(LABELS, [0.1, 0.2, 0.3])
    with pytest.raises(CourseError, match="positives con 4, groups con 2"):
        two_classes.calibration(LABELS, [0.1, 0.2, 0.3, 0.4], [1, 2])


@pytest.mark.parametrize("kind", COLUMNS)
def test_splits_by_place(kind, tmp_path):
    labels, groups = [0, 1, 1, 0], [1, 2, 3, 4]
    given = COLUMNS[kind](labels, tmp_path)
    for ours, expected in (
        (splits.stratified(given, 0.5), splits.stratified(np.array(labels), 0.5)),
        (
            splits.grouped(given, COLUMNS[kind](groups, tmp_path), 0.5),
            splits.grouped(np.array(labels), np.array(groups), 0.5),
        ),
    ):
        assert [side.tolist() for side in ours] == [side.tolist() for side in expected]
    assert splits.near_duplicates(PIXELS.tolist(), given).tolist() == [0, 2, 3, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_explain_takes_an_image_of_any_kind(kind, tmp_path):
    model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(1, kernel_initializer="ones"))
    image = KINDS[kind](np.array([[[1.0], [2]], [[3], [4]]], "float32"), tmp_path)
    fall = occlusion(model, image, patch=1, stride=1, fill=0)
    assert fall.tolist() == [[1, 2], [3, 4]]


def test_boxes_of_pandas_and_their_lengths():
    found = pd.DataFrame([[0, 0, 9, 9], [0, 1, 9, 10]], index=[1, 0])
    scores, classes = pd.Series([0.7, 0.9], index=[1, 0]), pd.Series([3, 3], index=[1, 0])
    true = pd.DataFrame([[0, 1, 9, 10]]), pd.Series([3])
    assert detection.match(found, scores, classes, *true).tolist() == [-1, 0]
    assert detection.non_maximum_suppression(found, scores).tolist() == [1]
    with pytest.raises(CourseError, match="boxes con 2, scores con 1"):
        detection.match(found, [0.5], classes, *true)
    with pytest.raises(CourseError, match="true_boxes con 2, true_classes con 1"):
        detection.match(found, scores, classes, found, [3])  # one would be broadcast


@pytest.mark.parametrize("kind", COLUMNS)
def test_figures_draw_by_place(kind, tmp_path):
    images = KINDS.get(kind, KINDS["array"])(PIXELS, tmp_path)
    labels = COLUMNS[kind](LABELS, tmp_path)
    expected = figures.png(figures.samples(PIXELS, LABELS, "ab", title="t"))
    assert figures.png(figures.samples(images, labels, "ab", title="t")) == expected
    shares = np.eye(2)[[0, 1, 0, 0]]
    expected = figures.png(figures.mistakes(PIXELS, LABELS, shares, "ab", title="t"))
    assert figures.png(figures.mistakes(images, labels, shares, "ab", title="t")) == expected
    for draw in (
        lambda: figures.samples(PIXELS, LABELS[:3], "ab", title="t"),
        lambda: figures.mistakes(PIXELS[:3], LABELS, shares, "ab", title="t"),
    ):
        with pytest.raises(ValueError, match="one label for each image"):
            draw()
