"""Transfer learning: preprocessing inside, frozen and thawed, weights from a file or nowhere."""

import keras
import numpy as np
import pytest

from course.errors import CourseError
from course.models import thaw, transfer_classifier
from course.models.transfer import _BACKBONES, _preprocess

RNG = np.random.default_rng(0)


def small(**options):
    options = {"input_shape": (32, 32, 1), "num_classes": 2, "backbone": "MobileNetV2", **options}
    return transfer_classifier(**{"weights": None, **options})


@pytest.fixture(scope="module")
def vgg16():
    return small(backbone="VGG16", input_shape=(20, 36, 1), num_classes=3)


# ---- what goes in


@pytest.mark.parametrize("backbone", _BACKBONES)
@pytest.mark.parametrize("channels", [1, 3])
def test_preprocessing_is_the_backbones_own(backbone, channels):
    side = _BACKBONES[backbone][1]
    layer = _preprocess(backbone, channels)
    pixels = RNG.uniform(0, 255, (2, side, side, channels)).astype("float32")
    module = getattr(keras.applications, _BACKBONES[backbone][0])
    colours = np.repeat(pixels, 3, axis=-1) if channels == 1 else pixels.copy()
    np.testing.assert_allclose(layer(pixels), module.preprocess_input(colours), atol=1e-4)
    assert layer.trainable_weights == []


def test_a_small_image_is_enlarged_a_whole_number_of_times(vgg16):
    assert vgg16.get_layer("enlarge").output.shape == (None, 40, 72, 1)
    assert vgg16.get_layer("preprocess").output.shape == (None, 40, 72, 3)
    assert vgg16.output_shape == (None, 3)


def test_a_large_image_stays_as_it_is():
    names = [layer.name for layer in small(input_shape=(33, 40, 3)).layers]
    assert names == ["pixels", "preprocess", "mobilenetv2", "average", "dropout", "output"]


# ---- frozen, then thawed


def test_frozen_only_the_output_learns(vgg16):
    assert [w.path for w in vgg16.trainable_weights] == ["output/kernel", "output/bias"]


def test_what_learns_changes_and_nothing_else(vgg16):
    keras.utils.set_random_seed(0)
    model = keras.models.clone_model(vgg16)
    base = model.get_layer("vgg16")
    base.trainable = False
    pixels, labels = RNG.integers(0, 256, (4, 20, 36, 1)), np.array([0, 1, 2, 0])

    def changed_by_training():
        before = {v.path: np.asarray(v) for v in model.weights}
        model.compile(keras.optimizers.SGD(1e-3), "sparse_categorical_crossentropy")
        model.fit(pixels, labels, verbose=0)
        return [v.path for v in model.weights if not np.array_equal(v, before[v.path])]

    assert changed_by_training() == ["output/kernel", "output/bias"]
    thaw(model, last=1)
    learned = ["block5_conv3/kernel", "block5_conv3/bias", "output/kernel", "output/bias"]
    assert changed_by_training() == learned


def test_thawed_batch_normalisation_stays_frozen():
    model = small()
    thawed = thaw(model)
    base = model.get_layer("mobilenetv2")
    assert len(thawed) == 52 and not any("BN" in name or "bn" in name for name in thawed)
    assert len(base.trainable_weights) == 52  # convolutions without biases
    assert all(
        not layer.trainable_weights
        for layer in base.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )


def test_thaw_counts_from_the_end_and_freezes_again(vgg16):
    assert thaw(vgg16, last=2) == ["block5_conv2", "block5_conv3"]
    assert len(vgg16.trainable_weights) == 2 * 2 + 2
    assert len(thaw(vgg16)) == 13
    assert not vgg16.get_layer("preprocess").trainable
    assert thaw(vgg16, last=0) == []
    assert len(vgg16.trainable_weights) == 2


@pytest.mark.parametrize("last", [-1, 14])
def test_thaw_refuses_more_layers_than_there_are(vgg16, last):
    with pytest.raises(ValueError, match=f"from 0 to 13 layers. Received: last={last}"):
        thaw(vgg16, last=last)


def test_thaw_refuses_a_model_without_a_backbone():
    with pytest.raises(ValueError, match="transfer_classifier.*'plain' with 0"):
        thaw(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)], name="plain"))


# ---- where weights come from


def test_without_a_network_there_is_an_error_message(monkeypatch, tmp_path):
    """Only the socket is replaced: the exception is the one that Keras makes of its failure."""
    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", _closed)
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    with pytest.raises(CourseError, match="(?s)VGG19.*URL fetch failure.*weights=None"):
        transfer_classifier((32, 32, 1), 2)
    assert not list(tmp_path.rglob("*.h5"))


def _closed(*arguments, **options):
    import urllib.error

    raise urllib.error.URLError(OSError(-3, "Temporary failure in name resolution"))


def test_weights_come_from_a_file(tmp_path):
    source = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(64, 64, 3)
    )
    source.save_weights(tmp_path / "mine.weights.h5")
    model = small(weights=str(tmp_path / "mine.weights.h5"))
    pairs = zip(model.get_layer("mobilenetv2").get_weights(), source.get_weights(), strict=True)
    assert all(np.array_equal(ours, theirs) for ours, theirs in pairs)


@pytest.mark.parametrize("content", [b"", b"no weights at all", b"\x89HDF\r\n\x1a\n"])
def test_a_file_that_holds_no_weights_is_refused(tmp_path, content):
    path = tmp_path / "broken.weights.h5"
    path.write_bytes(content)
    with pytest.raises(CourseError, match="(?s)broken.*MobileNetV2 sin las capas.*_notop.h5"):
        small(weights=path)


def test_the_weights_of_another_backbone_are_refused(tmp_path, vgg16):
    path = tmp_path / "other.weights.h5"
    vgg16.get_layer("vgg16").save_weights(path)
    with pytest.raises(CourseError, match="other.*MobileNetV2 sin las capas finales"):
        small(weights=path)


@pytest.mark.parametrize("path, said", [("nowhere.h5", "no existe"), (".", "es una carpeta")])
def test_a_path_without_a_file_is_refused(path, said):
    with pytest.raises(CourseError, match=f"{said}.*imagenet"):
        small(weights=path)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"backbone": "VGG18"}, "'VGG19'.*Received: 'VGG18'"),
        ({"input_shape": (32, 32, 2)}, r"Received: input_shape=\(32, 32, 2\)"),
        ({"input_shape": (None, 32, 1)}, r"Received: input_shape=\(None, 32, 1\)"),
        ({"num_classes": 1}, "Received: 1"),
    ],
)
def test_wrong_arguments_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        small(**options)
