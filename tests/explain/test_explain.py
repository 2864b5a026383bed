"""Looking into networks: maps by pencil, and the same by another way, on each model of the kit."""

import keras
import numpy as np
import pytest
from keras import layers
from keras.ops import convert_to_numpy
from scipy.signal import correlate2d

from course import explain
from course.foundations.convolution import convolve
from course.models import attention_unet, cnn, mlp, resnet, transfer_classifier, unet, vgg

RNG = np.random.default_rng(0)
KIT = {
    "cnn": lambda: cnn((12, 12, 1), 3, filters=(2, 3)),
    "vgg": lambda: vgg((12, 12, 1), 3, filters=(2, 3), repeats=(1, 2), units=(4,)),
    "resnet": lambda: resnet((12, 12, 1), 3, filters=(2, 3), repeats=(1, 1)),
    "unet": lambda: unet((12, 12, 1), 3, filters=(2, 3)),
    "attention_unet": lambda: attention_unet((None, None, 1), 3, filters=(2, 3)),
}


@pytest.fixture(scope="module")
def borrowed():
    return transfer_classifier((32, 32, 1), 2, backbone="VGG16", weights=None)


def picture(*shape):
    return RNG.uniform(0, 255, shape).astype("float32")


def shaken(model):
    """Weights without zeros: fresh biases and averages would hide a mistake."""
    rng = np.random.default_rng(1)
    model.set_weights([w + rng.uniform(0.1, 0.3, w.shape) for w in model.get_weights()])
    return model


def sub_model(model, name):
    return keras.Model(model.inputs[0], model.get_layer(name).output)


# ---- filters and feature maps


def test_feature_maps_are_numpys_convolution():
    model = keras.Sequential(
        [
            keras.Input((7, 6, 2)),
            layers.Conv2D(3, 3, name="first"),
            layers.Conv2D(2, 3, padding="same", name="second"),
        ]
    )
    shaken(model)
    image = picture(7, 6, 2)
    maps = explain.feature_maps(model, image)
    assert list(maps) == ["first", "second"]
    (kernel, bias), (kernel2, bias2) = (layer.get_weights() for layer in model.layers)
    first = convolve(image, kernel) + bias
    second = convolve(first, kernel2, padding="same") + bias2
    np.testing.assert_allclose(maps["first"], first, rtol=1e-5)
    np.testing.assert_allclose(maps["second"], second, rtol=1e-5)


def test_feature_maps_of_named_layers_come_in_that_order():
    model = KIT["cnn"]()
    names = ["level2_relu", "output", "level1_pool"]
    maps = explain.feature_maps(model, picture(12, 12, 1), names)
    assert {name: m.shape for name, m in maps.items()} == {
        "level2_relu": (3, 3, 3),
        "output": (3,),
        "level1_pool": (6, 6, 2),
    }
    assert list(maps) == names


def test_feature_maps_in_a_nested_model_are_its_own(borrowed):
    image = picture(32, 32, 1)
    base = borrowed.get_layer("vgg16")
    prepared = sub_model(borrowed, "preprocess")(image[None])
    expected = convert_to_numpy(sub_model(base, "block2_conv2")(prepared))[0]
    maps = explain.feature_maps(borrowed, image, ["block2_conv2"])
    np.testing.assert_allclose(maps["block2_conv2"], expected, rtol=1e-4, atol=1e-4)


def test_filters_are_the_first_layers_kernel(borrowed):
    model = KIT["cnn"]()
    kernel = model.get_layer("level1_conv").get_weights()[0]
    np.testing.assert_array_equal(explain.filters(model), kernel)
    assert explain.filters(model, "level2_conv").shape == (3, 3, 2, 3)
    # `preprocess` comes first, and is one pixel large: no pattern to see
    assert explain.filters(borrowed).shape == (3, 3, 3, 64)


@pytest.mark.parametrize("size", [(8, 12, 1), (None, None, 1)])
def test_attention_maps_are_those_of_the_sub_model(size):
    keras.utils.set_random_seed(0)
    model = attention_unet(size, 2, filters=(8, 8, 8))
    image = picture(8, 12, 1) / 255
    maps = explain.attention_maps(model, image)
    assert list(maps) == ["up1_attention", "up2_attention"]
    for name, ours in maps.items():
        expected = convert_to_numpy(sub_model(model, name)(image[None]))[0, ..., 0]
        assert 0 < ours.min() < ours.max() < 1
        np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_a_volume_has_maps_too():
    model = attention_unet((4, 8, 8, 1), 2, filters=(2, 3))
    image = picture(4, 8, 8, 1)
    assert explain.attention_maps(model, image)["up1_attention"].shape == (4, 8, 8)
    assert explain.feature_maps(model, image, ["bottom_conv1"])["bottom_conv1"].shape == (
        2,
        4,
        4,
        3,
    )


# ---- Grad-CAM


def dot_finder():
    """Filter 0 answers to a lonely bright pixel, filter 1 to every bright one.

    Class 0 wants lonely pixels and nothing else, class 1 wants many bright ones, and a dot speaks
    against it.
    """
    model = keras.Sequential(
        [
            keras.Input((5, 5, 1)),
            layers.Conv2D(2, 3, padding="same", activation="relu", name="conv"),
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(2, activation="softmax", name="output"),
        ]
    )
    lonely, bright = -np.ones((3, 3)), np.zeros((3, 3))
    lonely[1, 1] = bright[1, 1] = 1
    kernel = np.stack([lonely, bright], axis=-1)[:, :, None]
    model.set_weights([kernel, np.zeros(2), np.array([[50.0, -10], [0, 5]]), np.zeros(2)])
    return model


DOT_AND_LINE = np.array(
    [[0, 0, 0, 0, 0], [0, 2, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], float
)[..., None]


def test_grad_cam_falls_on_the_only_pixel_that_matters():
    # A_0 is 2 at the dot: 1·2 less its neighbours, 0; in the line 1 − 1 − 1 < 0, so 0.
    # dy/dA_0 is 50 / 25 everywhere, a mean of 2, and 2 · 2 = 4.
    heat = explain.grad_cam(dot_finder(), DOT_AND_LINE, target=0)
    expected = np.zeros((5, 5))
    expected[1, 1] = 4
    np.testing.assert_allclose(heat, expected, rtol=1e-6)


def test_what_speaks_against_a_class_is_not_in_its_map():
    # alpha is −10 / 25 and 5 / 25: the dot −0.8 + 0.4 < 0, each pixel of the line 0.2
    heat = explain.grad_cam(dot_finder(), DOT_AND_LINE, target=1)
    np.testing.assert_allclose(heat[4], [0.2] * 5, rtol=1e-6)
    assert heat[:4].max() == 0


def test_the_score_is_the_logit_even_where_softmax_is_sure():
    # logits 50·2·40/25 = 160 and less than 0: the probability is 1, its gradient 0
    model, image = dot_finder(), 40 * DOT_AND_LINE
    assert convert_to_numpy(model(image[None]))[0, 0] == 1
    assert explain.grad_cam(model, image).max() == pytest.approx(40 * 4)
    separate = keras.Sequential([*model.layers[:-1], layers.Dense(2), layers.Activation("softmax")])
    separate.build((None, 5, 5, 1))
    separate.set_weights(model.get_weights())
    np.testing.assert_array_equal(explain.grad_cam(separate, image), explain.grad_cam(model, image))


@pytest.mark.parametrize("target", [0, 1, 2])
def test_before_an_average_grad_cam_is_cam(target):
    """Zhou et al. 2016, which the paper generalises: the dense layer's weights are the alphas."""
    model = shaken(KIT["resnet"]())
    model.get_layer("output").set_weights([RNG.normal(size=(3, 3)), np.zeros(3)])
    image = picture(12, 12, 1)
    maps = convert_to_numpy(sub_model(model, "stage2_block1_out")(image[None]))[0]
    cam = np.maximum(maps @ model.get_layer("output").get_weights()[0][:, target], 0)
    heat = explain.grad_cam(model, image, target)
    np.testing.assert_allclose(heat * maps[..., 0].size, cam, rtol=1e-4, atol=1e-5)


def test_grad_cam_reaches_into_a_nested_model(borrowed):
    image = picture(32, 32, 1)
    heat = explain.grad_cam(borrowed, image, target=1, layer="block5_pool")
    prepared = sub_model(borrowed, "preprocess")(image[None])
    maps = convert_to_numpy(borrowed.get_layer("vgg16")(prepared))[0]
    cam = np.maximum(maps @ borrowed.get_layer("output").get_weights()[0][:, 1], 0)
    np.testing.assert_allclose(heat * maps[..., 0].size, cam, rtol=1e-3, atol=1e-6)


def test_grad_cam_through_an_augmentation():
    model = shaken(KIT["cnn"]())
    trainer = keras.Sequential([keras.Input((12, 12, 1)), layers.RandomRotation(0.3), model])
    image = picture(12, 12, 1)
    np.testing.assert_allclose(
        explain.grad_cam(trainer, image), explain.grad_cam(model, image), rtol=1e-5
    )


@pytest.mark.parametrize(
    "name, last",
    [
        ("cnn", "level2_relu"),
        ("vgg", "block2_conv2"),  # the pooling after it halves the maps
        ("resnet", "stage2_block1_out"),  # with what the shortcut brings
        ("unet", "up1_act2"),
        ("attention_unet", "up1_act2"),
    ],
)
def test_each_model_of_the_kit(name, last):
    model = KIT[name]()
    image = picture(12, 12, 1)
    before = convert_to_numpy(model(image[None]))
    heat = explain.grad_cam(model, image)
    assert heat.shape == sub_model(model, last).compute_output_shape((1, 12, 12, 1))[1:3]
    assert heat.min() >= 0 and np.isfinite(heat).all()
    best = before.reshape(-1, 3).sum(axis=0).argmax()
    np.testing.assert_array_equal(heat, explain.grad_cam(model, image, best, last))
    falls = explain.occlusion(model, image, patch=6, stride=6)
    assert falls.shape == (12, 12) and np.ptp(falls) > 0
    maps = explain.feature_maps(model, image)
    assert len(maps) == sum(isinstance(layer, layers.Conv2D) for layer in model.layers)
    # nothing of the looking stays
    np.testing.assert_array_equal(convert_to_numpy(model(image[None])), before)
    assert not any("call" in vars(layer) for layer in model.layers)


def test_a_model_that_breaks_off_is_left_as_it_was():
    model = KIT["attention_unet"]()
    output = model.get_layer("output")
    with pytest.raises(ValueError, match=r"sizes .* can work with.*Received: shape \(9, 9, 1\)"):
        explain.grad_cam(model, picture(9, 9, 1))
    assert output.activation is keras.activations.softmax
    assert not any("call" in vars(layer) for layer in model.layers)


# ---- occlusion


def linear(*shape):
    model = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(2)])
    return shaken(model)


def test_occlusion_of_a_linear_model_is_its_weights_times_the_patch():
    model, image = linear(4, 6, 2), picture(4, 6, 2)
    weights = model.get_weights()[0][:, 1].reshape(4, 6, 2)
    falls = explain.occlusion(model, image, target=1, patch=2, stride=2, fill=0)
    blocks = (weights * image).reshape(2, 2, 3, 2, 2).sum(axis=(1, 3, 4))
    np.testing.assert_allclose(falls, blocks.repeat(2, 0).repeat(2, 1), rtol=1e-4)


def test_a_pixel_has_the_mean_of_the_patches_that_cover_it():
    model, image = linear(7, 8, 1), picture(7, 8, 1)
    gone = (model.get_weights()[0][:, 0].reshape(7, 8, 1) * (image - image.mean()))[..., 0]
    falls = explain.occlusion(model, image, target=0, patch=3, stride=1)
    ones, sums = np.ones((3, 3)), correlate2d(gone, np.ones((3, 3)), "valid")
    expected = correlate2d(sums, ones, "full") / correlate2d(np.ones((5, 6)), ones, "full")
    np.testing.assert_allclose(falls, expected, rtol=1e-3, atol=1e-3)


def test_the_last_patch_ends_where_the_image_does():
    model, image = linear(5, 5, 1), np.ones((5, 5, 1))
    model.set_weights([np.ones((25, 2)), np.zeros(2)])
    # patches start at 0, 3 − 1 = 2: the middle row and column are covered twice, each by nine ones
    assert explain.occlusion(model, image, patch=3, stride=3, fill=0).tolist() == [[9.0] * 5] * 5
    falls = explain.occlusion(model, image, patch=3, stride=3, fill=[3])
    assert falls.tolist() == [[-18.0] * 5] * 5  # 2 more in each of nine: better off with the patch


def test_the_score_of_a_segmentation_is_its_sum():
    model = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(2, 1, name="output")])
    model.set_weights([np.array([[[[1.0, -2.0]]]]), np.zeros(2)])
    image = np.arange(4.0).reshape(2, 2, 1)
    falls = explain.occlusion(model, image, target=1, patch=1, stride=1, fill=0)
    assert falls.tolist() == [[0, -2], [-4, -6]]
    assert explain.grad_cam(model, image, target=0).tolist() == [[0, 1], [2, 3]]


# ---- error messages


CNN = KIT["cnn"]()
IMAGE = picture(12, 12, 1)
FUNCTIONS = {
    "grad_cam": explain.grad_cam,
    "feature_maps": explain.feature_maps,
    "occlusion": explain.occlusion,
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize(
    "image, said",
    [
        (picture(12, 12), r"\(12, 12, 1\).*Received: shape \(12, 12\)"),
        (picture(1, 12, 12, 1), r"\(12, 12, 1\).*Received: shape \(1, 12, 12, 1\)"),
        (picture(12, 13, 1), r"\(12, 12, 1\).*Received: shape \(12, 13, 1\)"),
        (picture(12, 12, 3), r"\(12, 12, 1\).*Received: shape \(12, 12, 3\)"),
        (IMAGE * np.nan, "finite numbers. Received: NaN"),
        ("a picture.png", "array of numbers"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(function, image, said):
    with pytest.raises(ValueError, match=f"^Expected .*{said}"):
        function(CNN, image)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize(
    "model, image",
    [
        (mlp((4,), 2), np.zeros(4)),
        ("taller2", IMAGE),
        (keras.Sequential([layers.Dense(2)]), IMAGE),
        (keras.Model([i := keras.Input((2, 2, 1)), j := keras.Input((2, 2, 1))], i + j), IMAGE),
    ],
)
def test_a_model_that_takes_no_image_is_refused(function, model, image):
    with pytest.raises(ValueError, match="^Expected .* that takes images.* Received: "):
        function(model, image)


@pytest.mark.parametrize("function", [explain.grad_cam, explain.feature_maps])
def test_a_model_without_convolutions_is_refused(function):
    with pytest.raises(ValueError, match="with convolutions.* Received: .*has none"):
        function(linear(12, 12, 1), IMAGE)
    with pytest.raises(ValueError, match="with convolutions.* Received: Sequential 'mlp'"):
        explain.filters(mlp((4,), 2))
    with pytest.raises(ValueError, match="attention gates.* Received: 'cnn'"):
        explain.attention_maps(CNN, IMAGE)


@pytest.mark.parametrize(
    "function",
    [
        lambda name: explain.filters(CNN, name),
        lambda name: explain.feature_maps(CNN, IMAGE, [name]),
        lambda name: explain.grad_cam(CNN, IMAGE, layer=name),
    ],
)
@pytest.mark.parametrize("name, near", [("level1_cnov", "level1_conv"), ("", ".+"), (7, ".+")])
def test_an_unknown_layer_is_refused_with_the_nearest_name(function, name, near):
    with pytest.raises(ValueError, match=f"Received: {name!r}. ¿Querías decir '{near}'"):
        function(name)


def test_a_layer_of_another_kind_is_refused():
    with pytest.raises(ValueError, match=r"'level2_conv'. Received: 'output', which gives \(3,\)"):
        explain.grad_cam(CNN, IMAGE, layer="output")
    with pytest.raises(ValueError, match="'level1_conv'. Received: 'output', a Dense"):
        explain.filters(CNN, "output")
    with pytest.raises(ValueError, match="a list of names.* Received: 'level1_conv'"):
        explain.feature_maps(CNN, IMAGE, "level1_conv")


@pytest.mark.parametrize("target", [-1, 3, 1.5, "A"])
@pytest.mark.parametrize("function", [explain.grad_cam, explain.occlusion])
def test_an_unknown_class_is_refused(function, target):
    with pytest.raises(ValueError, match=f"a class from 0 to 2. Received: {target!r}"):
        function(CNN, IMAGE, target)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"patch": 13}, "patch .* from 1 to 12. Received: 13"),
        ({"patch": 0}, "patch .* from 1 to 12. Received: 0"),
        ({"patch": 2.0}, "patch .* Received: 2.0"),
        ({"patch": 4, "stride": 5}, "stride .* from 1 to 4. Received: 5"),
        ({"fill": [1, 2]}, "fill .* Received: "),
        ({"fill": np.nan}, "fill .* Received: nan"),
    ],
)
def test_a_patch_that_does_not_fit_is_refused(options, said):
    with pytest.raises(ValueError, match=f"^Expected {said}"):
        explain.occlusion(CNN, IMAGE, **options)


def test_a_volume_is_not_covered():
    with pytest.raises(ValueError, match=r"\(height, width, channels\). Received: \(4, 4, 4, 1\)"):
        explain.occlusion(unet((4, 4, 4, 1), 2, filters=(2, 2)), picture(4, 4, 4, 1))
