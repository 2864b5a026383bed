"""Two things that must agree are compared: labels and outputs, loss and metric, pixels and network.

The next step that a message gives is typed here, and leads to the right number.
"""

import warnings
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers, ops

from course.errors import CourseError
from course.evaluation import evaluate_classifier
from course.losses import DiceCrossentropy, DiceLoss, TverskyLoss, dice_loss, tversky_loss
from course.metrics import Dice
from course.models import cnn, transfer_classifier

ORIGIN = SimpleNamespace(title="prueba")
NAMES = ("perro", "gato", "pez")
RIGHT = np.array([0, 1, 1, 2, 0])  # and the network says 2 in place of the last
ANSWERS = np.eye(3)[[0, 1, 1, 2, 2]]
IMAGES = np.zeros((5, 8, 8), "uint8")


def accuracy(labels, images=IMAGES, answers=ANSWERS, names=NAMES):
    model = SimpleNamespace(predict=lambda x, **_: answers[: len(x)])
    report = evaluate_classifier(model, images, labels, class_names=names, origin=ORIGIN)
    return report.scores["accuracy"]


# ---- labels and outputs


@pytest.mark.parametrize(
    "labels",
    [
        RIGHT[:, None],  # cifar10's shape
        RIGHT.astype("uint8"),
        RIGHT.astype("float32"),
        RIGHT.tolist(),
        tuple(RIGHT),
        pd.Series(RIGHT, index=[4, 3, 2, 1, 0]),
        pd.Series(RIGHT, dtype="Int64"),
        pd.DataFrame({"label": RIGHT}),
        RIGHT.astype(object),
        keras.ops.convert_to_tensor(RIGHT),
    ],
)
def test_class_numbers_of_any_kind_are_taken(labels):
    assert accuracy(labels) == 0.8


def test_booleans_are_the_classes_0_and_1():
    assert accuracy(np.array([True, False]), IMAGES[:2], np.eye(2)[[1, 1]], "ab") == 0.5


WRONG = {
    "one-hot": np.eye(3)[RIGHT],
    "one-hot list": np.eye(3, dtype=int)[RIGHT].tolist(),
    "one-hot bool": np.eye(3)[RIGHT] > 0,
    "one-hot of pandas": pd.get_dummies(pd.Series(RIGHT)),
    "smoothed": np.eye(3)[RIGHT] * 0.85 + 0.05,
    "from 1": RIGHT + 1,
    "from 1, a column": (RIGHT + 1)[:, None],
    "from 1, a list": (RIGHT + 1).tolist(),
    "gaps": np.array([3, 7, 40])[RIGHT],
    "negative": RIGHT - 1,
    "names": np.array(NAMES)[RIGHT],
    "names of pandas": pd.Series(np.array(NAMES)[RIGHT]),
    "names, a list": [NAMES[i] for i in RIGHT],
    "bytes": np.array([NAMES[i].encode() for i in RIGHT]),
    "digits as text": RIGHT.astype(str),
}


@pytest.mark.parametrize("kind", WRONG)
def test_each_wrong_way_has_its_own_line_and_the_line_is_right(kind):
    with pytest.raises(CourseError, match="Qué hacer: ") as message:
        accuracy(WRONG[kind])
    line = "labels = " + str(message.value).rpartition("labels = ")[2]
    names = {"np": np, "labels": WRONG[kind], "class_names": NAMES}
    if np.ndim(WRONG[kind]) == 2 and kind == "from 1, a column":
        names["labels"] = np.asarray(WRONG[kind])
    exec(line, names)
    assert accuracy(names["labels"]) == 0.8


def test_labels_that_are_missing_are_left_out_by_the_line():
    labels = np.array([0, 1, np.nan, 2, 0])
    with pytest.raises(CourseError, match="NaN") as message:
        accuracy(labels)
    names = {"np": np, "labels": labels, "images": IMAGES}
    exec(str(message.value).partition("(NaN): ")[2], names)
    assert names["labels"].tolist() == [0, 1, 2, 0] and len(names["images"]) == 4
    assert accuracy(names["labels"], names["images"], np.delete(ANSWERS, 2, 0)) == 0.75


@pytest.mark.parametrize(
    "labels, words",
    [
        (np.eye(4)[RIGHT], "una etiqueta por imagen, forma .n,.; class_names nombra 3"),
        (np.ones((5, 3)), "no suman 1"),
        (np.zeros((5, 2, 2), int), "una etiqueta por imagen"),
        ([0, 1, 0.5, 1, 0], "no tiene decimales"),
        (["perro", "gat", "pez", "pez", "pez"], "no nombra: 'gat'"),
        ([0, 1, 9, 1, 0], "revisa|mira|class_names nombra"),
        ([0, 300, 0, 0, 0], "mira np.unique"),
    ],
)
def test_where_no_line_can_be_known_right_none_is_given(labels, words):
    with pytest.raises(CourseError, match=words) as message:
        accuracy(labels)
    assert "argmax" not in str(message.value)


# ---- pixels and network


def judged(model, images):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        evaluate_classifier(
            model, images, np.arange(len(images)) % 2, class_names="ab", origin=ORIGIN
        )
    return [str(w.message) for w in seen if w.category is UserWarning and "255" in str(w.message)]


def of(model):
    """What has the layers of a model, and answers at once."""
    answers = np.eye(2)[[0, 1]]
    return SimpleNamespace(layers=model.layers, predict=lambda x, **_: answers)


PIXELS = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: cnn((28, 28, 1), 2, filters=(2,)),
        lambda: transfer_classifier((28, 28, 1), 2, backbone="MobileNetV2", weights=None),
        lambda: keras.Sequential([keras.Input((28, 28, 1)), cnn((28, 28, 1), 2, filters=(2,))]),
        lambda: keras.Sequential([keras.Input((28, 28, 1)), layers.Rescaling(1 / 127.5, -1)]),
    ],
)
def test_pixels_that_were_divided_already_are_told_once(make):
    model = of(make())
    (told,) = judged(model, PIXELS / 255)
    assert "Qué hacer: entrena y evalúa con los píxeles como vienen" in told
    assert not judged(model, PIXELS.astype("float32"))  # what the line says to do
    assert not judged(model, PIXELS.astype("uint8"))


@pytest.mark.parametrize(
    "images", [PIXELS / 127.5 - 1, np.zeros((2, 28, 28, 1)), (PIXELS > 99).astype("uint8")]
)
def test_other_pixels_are_not_told_of(images):
    assert not judged(of(cnn((28, 28, 1), 2, filters=(2,))), images)


def test_a_network_that_divides_nothing_takes_shares():
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(2)])
    assert not judged(of(model), PIXELS / 255)


# ---- loss and metric on what a truth is

MASK = np.zeros((2, 6, 6, 1), "float32")
MASK[:, 1:4, 2:5] = 1
SURE = np.clip(MASK, 0.1, 0.9)
KINDS = {
    "0 and 255": (MASK * 255).astype("uint8"),
    "0 and 255, decimal": MASK * 255.0,
    "bool": MASK > 0,
    "uint8": MASK.astype("uint8"),
    "int64": MASK.astype("int64"),
    "0 and 128": (MASK * 128).astype("uint8"),
    "-1 and 1": MASK * 2 - 1,
}
LOSSES = [
    DiceLoss(),
    TverskyLoss(),
    DiceCrossentropy(multilabel=True),
    dice_loss,
    tversky_loss,
]


def value(loss, true, pred):
    return ops.convert_to_numpy(loss(ops.convert_to_tensor(true), ops.convert_to_tensor(pred)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: getattr(x, "name", None) or x.__name__)
def test_a_truth_of_any_kind_has_the_loss_of_0_and_1(loss, kind):
    assert np.array_equal(value(loss, KINDS[kind], SURE), value(loss, MASK, SURE))


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_loss_is_0_the_metric_is_1(kind):
    true = KINDS[kind]
    metric = Dice(1, threshold=0.5)
    metric.update_state(true, MASK)
    assert float(metric.result()) == 1
    for loss in LOSSES:
        assert np.abs(value(loss, true, MASK)).max() < 1e-5


@pytest.mark.parametrize("of", [1, 255])
@pytest.mark.parametrize("kind", ["float32", "uint8", "int32"])
def test_classes_in_channels_agree_as_regions_do(of, kind):
    true = np.concatenate([1 - MASK, MASK], axis=-1)
    pred = np.concatenate([1 - SURE, SURE], axis=-1)
    given = (true * of).astype(kind)
    metric = Dice(2)
    metric.update_state(given, pred)
    assert float(metric.result()) == 1
    for loss in (DiceLoss(include_background=False), TverskyLoss(), DiceCrossentropy()):
        assert np.array_equal(value(loss, given, pred), value(loss, true, pred))


def test_integer_labels_are_refused_by_losses_and_metric_alike():
    labels, pred = MASK[..., 0].astype("int32"), np.concatenate([1 - SURE, SURE], axis=-1)
    for ask in (*LOSSES, DiceCrossentropy(), Dice(2).update_state):
        with pytest.raises(ValueError, match="one_hot"):
            ask(labels, pred)
    hot = ops.one_hot(labels, 2)  # what the message says to do
    assert np.array_equal(
        value(DiceCrossentropy(), hot, pred),
        value(DiceCrossentropy(), np.concatenate([1 - MASK, MASK], axis=-1), pred),
    )


def test_shares_between_0_and_1_stay_shares():
    soft = MASK * 0.8 + 0.1
    overlap, sizes = (soft * SURE).sum((1, 2, 3)), soft.sum((1, 2, 3)) + SURE.sum((1, 2, 3))
    expected = 1 - (2 * overlap + 1) / (sizes + 1)
    np.testing.assert_allclose(value(dice_loss, soft, SURE), expected, rtol=1e-5)


def test_a_truth_that_is_missing_cannot_be_overlooked():
    true = MASK.copy()
    true[0, 0, 0] = np.nan
    for loss in LOSSES:
        assert np.isnan(value(loss, true, SURE)).any()


def test_a_network_learns_from_masks_of_0_and_255():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(1, 1, activation="sigmoid")])
    model.compile(
        keras.optimizers.Adam(0.3),
        DiceCrossentropy(multilabel=True),
        metrics=[Dice(1, threshold=0.5)],
    )
    history = model.fit(MASK, KINDS["0 and 255"], epochs=40, verbose=0).history
    assert 0 < history["loss"][-1] < 0.2 and history["dice"][-1] == 1
