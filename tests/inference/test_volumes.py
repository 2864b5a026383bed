"""A volume in windows: the same answer as in one piece, in its own geometry, in bounded memory."""

import itertools
import subprocess
import sys
import tracemalloc

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from course.errors import CourseError
from course.inference import predict_volume, to_labels


def pointwise(rank, channels=2, outputs=3, sides=None, activation="sigmoid"):
    """A network that looks at one voxel only."""
    conv = layers.Conv2D if rank == 2 else layers.Conv3D
    shape = (*(sides or (None,) * rank), channels)
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input(shape), conv(outputs, 1, activation=activation)])


def near_sighted(rank, sides=None):
    """A network that sees each voxel's neighbours, one in each direction."""
    conv = layers.Conv2D if rank == 2 else layers.Conv3D
    keras.utils.set_random_seed(2)
    shape = (*(sides or (None,) * rank), 2)
    return keras.Sequential(
        [keras.Input(shape), conv(3, 3, padding="same", use_bias=False, activation="sigmoid")]
    )


def volume(shape, channels=2, seed=0):
    """Noise that is nowhere 0."""
    noise = np.random.default_rng(seed).normal(size=(*shape, channels))
    return np.where(np.abs(noise) < 0.01, 1, noise).astype("float32")


def in_one_piece(model, image):
    batch = image[None] if len(model.input_shape) == 5 else image
    return np.asarray(model(batch, training=False)).reshape(*image.shape[:3], -1)


@pytest.mark.parametrize("rank", [2, 3])
@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    shape=st.tuples(*[st.integers(1, 13)] * 3),
    patch=st.tuples(*[st.integers(1, 9)] * 3),
    overlap=st.sampled_from([0, 0.25, 0.5, 0.9]),
    batch_size=st.integers(1, 7),
)
def test_windows_of_any_size_over_any_volume_answer_as_one_piece(
    rank, shape, patch, overlap, batch_size
):
    model, image = pointwise(rank), volume(shape)
    received = predict_volume(model, image, patch[-rank:], overlap, batch_size)
    np.testing.assert_allclose(received, in_one_piece(model, image), atol=1e-5)
    assert received.dtype == np.float32


@pytest.mark.parametrize("rank", [2, 3])
def test_a_network_with_a_small_view_answers_as_in_one_piece(rank):
    model, image = near_sighted(rank), volume((21, 24, 19))
    expected = in_one_piece(model, image)
    # one window holds everything: exact up to the volume's borders
    whole = predict_volume(model, image, (32,) * rank)
    np.testing.assert_allclose(whole, expected, atol=1e-5)
    # several: only a window's outermost voxels miss a neighbour, and they count exp(-6.7)
    received = predict_volume(model, image, (12,) * rank, overlap=0.5)
    np.testing.assert_allclose(received, expected, atol=0.005)
    starts = {24: (0, 6, 12), 21: (0, 4, 9), 19: (0, 4, 7)}  # by hand: last / steps, rounded
    clean = np.ones(image.shape[:3], bool)
    for axis in range(3 - rank, 3):
        side = image.shape[axis]
        edges = {at for start in starts[side] for at in (start, start + 11)} - {0, side - 1}
        clean[(slice(None),) * axis + (sorted(edges),)] = False
    assert clean.mean() > 0.2
    np.testing.assert_allclose(received[clean], expected[clean], atol=1e-5)


def test_a_voxel_seen_twice_counts_more_where_it_is_nearer_the_middle():
    # windows 0-3 and 2-5 along the last side; each window answers with its own first value
    class First:
        input_shape = (None, 1, 1, 4, 1)

        def predict_on_batch(self, batch):
            return np.broadcast_to(batch[:, :, :, :1], batch.shape)

    image = np.arange(1, 7, dtype="float32").reshape(1, 1, 6, 1)
    received = predict_volume(First(), image).ravel()
    # sigma 0.5: voxel 2 lies 0.5 from the first middle (1.5) and 1.5 from the second (3.5)
    near, far = np.exp(-0.5), np.exp(-4.5)
    mixed = (near * 1 + far * 3) / (near + far)
    np.testing.assert_allclose(received, [1, 1, mixed, 4 - mixed, 3, 3], rtol=1e-5)


def test_only_the_box_that_is_not_zero_is_asked_and_the_rest_is_background():
    image = np.zeros((9, 10, 11, 2), "float32")
    image[2:5, 3:9, 4:8] = volume((3, 6, 4))
    image[3, 4, 5] = 0  # a hole inside the box is asked too
    inside = np.zeros((9, 10, 11), bool)
    inside[2:5, 3:9, 4:8] = True
    regions = pointwise(3)
    received = predict_volume(regions, image)
    np.testing.assert_allclose(received[inside], in_one_piece(regions, image)[inside], atol=1e-5)
    assert not received[~inside].any()
    classes = pointwise(3, outputs=4, activation="softmax")
    received = predict_volume(classes, image)
    assert (received[~inside] == [1, 0, 0, 0]).all()
    np.testing.assert_allclose(received.sum(axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("rank, sides", [(2, (8, 6)), (3, (4, 8, 6))])
def test_a_model_of_a_fixed_size_brings_its_own_window(rank, sides):
    model, image = pointwise(rank, sides=sides), volume((5, 19, 7))
    free = pointwise(rank)
    free.set_weights(model.get_weights())
    np.testing.assert_allclose(predict_volume(model, image), in_one_piece(free, image), atol=1e-5)
    with pytest.raises(ValueError, match="Expected a patch that the model takes"):
        predict_volume(model, image, patch=(16,) * rank)


def test_a_network_that_halves_five_times_takes_any_size():
    inputs = keras.Input((None, None, 1))
    small = layers.MaxPooling2D(32)(inputs)
    model = keras.Model(inputs, layers.Concatenate()([inputs, layers.UpSampling2D(32)(small)]))
    image = volume((2, 45, 70), channels=1)
    received = predict_volume(model, image)
    assert received.shape == (2, 45, 70, 2)
    padded = np.zeros((2, 64, 96, 1), "float32")
    padded[:, :45, :70] = image
    np.testing.assert_allclose(received, in_one_piece(model, padded)[:, :45, :70], atol=1e-5)


def test_every_batch_of_every_volume_has_one_shape():
    class Model:
        input_shape = (None, None, None, None, 1)
        shapes = set()

        def predict_on_batch(self, batch):
            self.shapes.add(batch.shape)
            return batch

    model = Model()
    for shape in ((40, 33, 64), (34, 40, 48), (64, 64, 64), (33, 130, 34)):
        predict_volume(model, volume(shape, 1), patch=(32, 32, 32), batch_size=3)
    assert model.shapes == {(3, 32, 32, 32, 1)}
    model.shapes.clear()
    for shape in ((140, 170, 131), (150, 180, 139)):  # two brains
        predict_volume(model, volume(shape, 1))
    assert model.shapes == {(1, 96, 96, 96, 1)}


def test_memory_is_bounded_by_the_box_and_one_batch():
    class Half:
        input_shape = (None, 32, 32, 32, 4)

        def predict_on_batch(self, batch):
            return np.full((*batch.shape[:-1], 3), 0.5, "float32")

    image = volume((96, 96, 96), 4)
    tracemalloc.start()
    predict_volume(Half(), image, overlap=0.75, batch_size=2)  # 1000 windows, 64 times the volume
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.6 * image.nbytes  # the sums 0.75 + 0.25, the result 0.75, checks and a batch


def test_half_precision_comes_back_as_float32():
    class Half:
        input_shape = (None, None, None, 1)

        def predict_on_batch(self, batch):
            return np.concatenate([0.3 * batch, 1 - 0.3 * batch], axis=-1).astype("float16")

    received = predict_volume(Half(), np.ones((2, 5, 5, 1)))
    assert received.dtype == np.float32
    np.testing.assert_allclose(received[0, 0, 0], [0.3, 0.7], atol=1e-3)


def test_the_progress_is_shown_when_asked(capsys):
    model, image = pointwise(2), volume((3, 8, 8))
    predict_volume(model, image)
    assert capsys.readouterr().out == ""
    predict_volume(model, image, batch_size=1, verbose=True)
    assert "3/3" in capsys.readouterr().out


def test_a_model_on_two_devices_answers_once():
    code = """
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = keras.Sequential([keras.Input((None, None, 2)), keras.layers.Conv2D(3, 1)])
from course.inference import predict_volume
image = np.random.default_rng(0).normal(size=(5, 8, 9, 2)).astype("float32")
assert np.allclose(predict_volume(model, image, batch_size=2), model(image), atol=1e-5)
print(model.distribute_strategy.num_replicas_in_sync)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "2", answer.stderr


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda image: image * 0, "0 en todas partes"),
        (lambda image: np.where(image == image[1, 1, 1, 0], np.nan, image), "NaN"),
        (lambda image: np.where(image == image[1, 1, 1, 0], np.inf, image), "infinito"),
    ],
)
def test_an_image_without_a_brain_or_with_holes_is_refused(spoil, words):
    with pytest.raises(CourseError, match=words):
        predict_volume(pointwise(3), spoil(volume((4, 4, 4))))


def test_a_network_that_answers_nan_is_refused():
    model = pointwise(2)
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    with pytest.raises(CourseError, match="el entrenamiento haya divergido"):
        predict_volume(model, volume((2, 4, 4)))


@pytest.mark.parametrize(
    "model, shape, options, words",
    [
        (pointwise(2), (4, 4, 4, 3), {}, "as many channels"),
        (pointwise(2), (4, 4, 2), {}, "an image"),
        (keras.Sequential([keras.Input((4,))]), (4, 4, 4, 2), {}, "a model of"),
        (pointwise(2), (4, 4, 4, 2), {"overlap": 1}, "overlap from 0 to 0.9"),
        (pointwise(2), (4, 4, 4, 2), {"patch": (8, 8, 8)}, "a patch that"),
        (
            keras.Sequential([keras.Input((None, None, 2)), layers.MaxPooling2D()]),
            (4, 4, 4, 2),
            {},
            "an answer for each voxel",
        ),
    ],
)
def test_what_does_not_belong_together_is_a_value_error(model, shape, options, words):
    with pytest.raises(ValueError, match=words):
        predict_volume(model, np.ones(shape), **options)


# ---- labels


@pytest.mark.parametrize(
    "edition, written",
    [("2020", (0, 2, 1, 4)), ("2023", (0, 2, 1, 3)), ("msd", (0, 1, 2, 3))],
)
def test_regions_become_labels_of_the_edition(edition, written):
    nothing, oedema, core, enhancing = written
    expected = {
        (0.4, 0.4, 0.4): nothing,
        (0.5, 0.4, 0.1): oedema,
        (0.9, 0.5, 0.4): core,
        (0.9, 0.9, 0.5): enhancing,
        (0.1, 0.9, 0.1): core,  # sticks out of WT, which grows by it
        (0.1, 0.1, 0.9): enhancing,
        (0.9, 0.1, 0.9): enhancing,
    }
    probabilities = np.array(list(expected)).reshape(1, 1, -1, 3)
    labels = to_labels(probabilities, edition)
    assert labels.dtype == np.uint8 and labels.ravel().tolist() == list(expected.values())


@pytest.mark.parametrize(
    "edition, labels", [("2015", (0, 1, 2, 3, 4)), ("2020", (0, 1, 2, 4)), ("2023", (0, 1, 2, 3))]
)
def test_classes_become_labels_of_the_edition(edition, labels):
    one_hot = np.eye(len(labels)).reshape(1, 1, len(labels), len(labels))
    assert to_labels(one_hot, edition).ravel().tolist() == list(labels)


def test_another_number_of_channels_is_neither_regions_nor_classes():
    for channels in (1, 2, 5):
        with pytest.raises(ValueError, match="3 regions or 4 classes"):
            to_labels(np.zeros((1, 1, 1, channels)), "2020")
    with pytest.raises(CourseError, match="2020"):
        to_labels(np.zeros((1, 1, 1, 3)), "202")


@pytest.mark.parametrize("wrong", [-2.5, 1.5])
@pytest.mark.parametrize("channels", [3, 4])
def test_logits_are_not_taken_for_probabilities(wrong, channels):
    answers = np.full((1, 2, 2, channels), 0.25)
    to_labels(answers, "2020")
    answers[0, 1, 1, 0] = wrong
    with pytest.raises(CourseError, match=f'{wrong}.*\n.*output_activation="sigmoid"'):
        to_labels(answers, "2020")


def test_labels_sent_out_as_regions_come_back():
    nested = [r for r in itertools.product((0, 1), repeat=3) if r[0] >= r[1] >= r[2]]
    from course.regions import to_regions

    labels = to_labels(np.array(nested)[None, None], "2021")
    assert to_regions(labels, "2021")[0, 0].tolist() == [list(r) for r in nested]
