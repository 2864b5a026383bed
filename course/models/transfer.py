"""Transfer learning: a network that has seen a million photographs, with a new last layer."""

import math
import os

import keras
import numpy as np
from keras import layers

from course.errors import CourseError
from course.models.channels import check_channels_last

# name → (the module of keras.applications with its `preprocess_input`, its smallest image side)
_BACKBONES = {
    "VGG16": ("vgg16", 32),
    "VGG19": ("vgg19", 32),
    "ResNet50": ("resnet", 32),
    "DenseNet121": ("densenet", 32),
    "MobileNetV2": ("mobilenet_v2", 32),
    "EfficientNetB0": ("efficientnet", 32),
    "InceptionV3": ("inception_v3", 75),
    "Xception": ("xception", 71),
}


def transfer_classifier(
    input_shape, num_classes, backbone="VGG19", weights="imagenet", dropout=0.3, name="transfer"
):
    """Build a classifier on a frozen backbone of `keras.applications`; raw pixels go in.

    It is trained in two steps. As it comes, the backbone is frozen and only `output` learns.
    Then `thaw` lets the last layers of the backbone learn too, with a far smaller learning rate:

        model = transfer_classifier((224, 224, 1), 2)
        model.compile("adam", …)
        model.fit(…)
        thaw(model, last=4)
        model.compile(keras.optimizers.Adam(1e-5), …)    # what learns is fixed by `compile`
        model.fit(…)

    The backbone's own `preprocess_input` maps the channels of each pixel linearly, so it stands in
    the model as a fixed 1×1 convolution, `preprocess`, which also turns grey into three equal
    channels. An image smaller than the backbone takes is enlarged a whole number of times.

    Args:
        input_shape: Tuple, `(height, width, channels)` with 1 (grey) or 3 (RGB) channels. Pixels
            are raw, 0–255.
        num_classes: Integer, how many classes.
        backbone: `"VGG16"`, `"VGG19"`, `"ResNet50"`, `"DenseNet121"`, `"MobileNetV2"`,
            `"EfficientNetB0"`, `"InceptionV3"` or `"Xception"`.
        weights: `"imagenet"`, which Keras downloads once to `~/.keras/models`; a file of the
            backbone's weights without its top (`*_notop.h5` or `*.weights.h5`); or `None`, which
            begins at random and transfers nothing.
        dropout: Float in `[0, 1)`, the part of the features switched off while training.
        name: Name of the model.

    Returns:
        An uncompiled functional `keras.Model` of stock layers, `(batch, height, width, channels)`
        in, `(batch, num_classes)` float32 probabilities out. Layers are called `pixels`,
        `enlarge`, `preprocess`, the backbone's name in lower case, `average`, `dropout`,
        `output`.

    Raises:
        CourseError: If the weights cannot be fetched or read.

    Source: Yosinski, Clune, Bengio and Lipson, *How transferable are features in deep neural
    networks?*, NIPS 2014.

    Example:

    >>> model = transfer_classifier((28, 28, 1), 2, backbone="MobileNetV2", weights=None)
    >>> model.get_layer("preprocess").output.shape
    (None, 56, 56, 3)
    >>> [weight.path for weight in model.trainable_weights]
    ['output/kernel', 'output/bias']
    """
    check_channels_last()
    _check_arguments(input_shape, num_classes, backbone)
    *sizes, channels = input_shape
    times = math.ceil(_BACKBONES[backbone][1] / min(sizes))
    base = _backbone(backbone, tuple(side * times for side in sizes) + (3,), weights)
    base.trainable = False

    x = inputs = keras.Input(input_shape, name="pixels")
    if times > 1:
        x = layers.UpSampling2D(times, interpolation="bilinear", name="enlarge")(x)
    x = _preprocess(backbone, channels)(x)
    # training=False: the averages of batch normalisation stay those of the million photographs,
    # thawed or not; a small batch of other pictures would spoil them
    x = base(x, training=False)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    # float32 whatever the precision before it: a loss needs its small probabilities
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name=name)


def thaw(model, last=None):
    """Let the last layers of a `transfer_classifier`'s backbone learn; compile afterwards.

    Batch normalisation stays frozen.

    Args:
        model: What `transfer_classifier` returned, or the same loaded from a file.
        last: Integer, how many layers with weights learn, counted from the end; the others are
            frozen. `None` is all of them, 0 freezes the backbone again.

    Returns:
        The names of the backbone's layers that learn now.

    Example:

    >>> model = transfer_classifier((32, 32, 3), 2, backbone="VGG16", weights=None)
    >>> thaw(model, last=2)
    ['block5_conv2', 'block5_conv3']
    """
    bases = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    if len(bases) != 1:
        raise ValueError(
            "Expected a model of transfer_classifier, with one backbone among its layers. "
            f"Received: {model.name!r} with {len(bases)}"
        )
    (base,) = bases
    able = [
        layer
        for layer in base.layers
        if layer.weights and not isinstance(layer, layers.BatchNormalization)
    ]
    last = len(able) if last is None else last
    if not 0 <= last <= len(able):
        raise ValueError(f"Expected last from 0 to {len(able)} layers. Received: last={last}")
    thawed = able[len(able) - last :]
    base.trainable = True
    for layer in base.layers:
        layer.trainable = layer in thawed
    return [layer.name for layer in thawed]


# ---- the backbone


def _backbone(name, input_shape, weights):
    build, label = getattr(keras.applications, name), name.lower()

    def bare(weights):
        return build(include_top=False, weights=weights, input_shape=input_shape, name=label)

    if weights is None:
        return bare(None)
    if weights == "imagenet":
        try:
            return bare("imagenet")
        except Exception as error:  # get_file raises Exception itself; a cut file, h5py's OSError
            raise _not_fetched(name, error) from error
    if not os.path.isfile(weights):
        what = "es una carpeta" if os.path.isdir(weights) else "no existe"
        raise CourseError(
            f'weights: {weights} {what}. Se esperaba "imagenet", None o un archivo con los pesos '
            f"de {name} sin las capas finales, como {label}_…_notop.h5."
        )
    base = bare(None)
    try:
        base.load_weights(weights)
    except Exception as error:  # h5py, zipfile and Keras each have classes of their own
        raise CourseError(
            f"weights: {weights} no tiene los pesos de {name} sin las capas finales "
            f"({type(error).__name__}: {str(error)[:200]}).\n"
            'Qué hacer: usa el archivo que Keras descarga para weights="imagenet", cuyo nombre '
            "termina en _notop.h5, o uno que haya escrito "
            f"keras.applications.{name}(include_top=False).save_weights."
        ) from error
    return base


def _not_fetched(name, error):
    reason = str(error)[:300] or type(error).__name__
    return CourseError(
        f"No se pudieron descargar los pesos de {name} entrenados con ImageNet: {reason}\n"
        "Keras los descarga una vez y los guarda en ~/.keras/models; para eso hace falta conexión "
        "(en Kaggle: enciende Internet, Settings → Internet).\n"
        "Qué hacer: si allí quedó un archivo a medias, bórralo, y repite lo mismo. Sin conexión "
        "quedan dos caminos: descarga en otro computador el archivo cuyo nombre termina en "
        '_notop.h5 y pasa su ruta, weights="…_notop.h5"; o pasa weights=None, que empieza con '
        "pesos al azar y no transfiere nada."
    )


def _preprocess(name, channels):
    """The backbone's `preprocess_input` as a fixed 1×1 convolution, read off at black and at each
    channel's full light: it is the same affine map of the channels at every pixel."""
    function = getattr(keras.applications, _BACKBONES[name][0]).preprocess_input
    lights = np.concatenate([np.zeros((1, 3)), 255 * np.eye(3)]).astype("float32")
    answers = np.asarray(function(lights.reshape(4, 1, 1, 3).copy())).reshape(4, 3)
    bias, kernel = answers[0], (answers[1:] - answers[0]) / 255
    if channels == 1:
        kernel = kernel.sum(axis=0, keepdims=True)
    # float32: half precision is too coarse for pixels less their mean
    layer = layers.Conv2D(3, 1, trainable=False, dtype="float32", name="preprocess")
    layer.build((None, None, None, channels))
    layer.set_weights([kernel.reshape(1, 1, channels, 3), bias])
    return layer


def _check_arguments(input_shape, num_classes, backbone):
    if backbone not in _BACKBONES:
        raise ValueError(f"Expected backbone to be one of {(*_BACKBONES,)}. Received: {backbone!r}")
    if len(input_shape) != 3 or None in input_shape or input_shape[-1] not in (1, 3):
        raise ValueError(
            "Expected input_shape to be (height, width, 1) for grey images or (height, width, 3) "
            f"for RGB. Received: input_shape={input_shape}"
        )
    if num_classes < 2:
        raise ValueError(f"Expected num_classes to be 2 or more. Received: {num_classes}")
