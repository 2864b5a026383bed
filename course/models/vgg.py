"""VGG: small convolutions one after another, then halve; the same block again and again."""

import keras
from keras import layers

from course.models.channels import check_channels_last


def vgg(
    input_shape,
    num_classes,
    filters=(64, 128, 256),
    repeats=(2, 2, 3),
    units=(256,),
    dropout=0.5,
    name="vgg",
):
    """Build a VGG network that takes raw pixels: a loop over blocks, then dense layers.

    Two 3×3 convolutions see as far as one of 5×5, with fewer weights and one more non-linearity:
    that is the idea of the network. Each block repeats the convolution, then halves the image.

    Args:
        input_shape: Tuple, `(height, width, channels)`. Pixels are raw, 0–255; the first layer
            scales them to 0–1.
        num_classes: Integer, how many classes.
        filters: Tuple of integers, the convolution filters of each block.
        repeats: Tuple of integers, as long as `filters`: how many convolutions each block has.
        units: Tuple of integers, the dense layers between the last maps and the output.
        dropout: Float in `[0, 1)`, the part of each dense layer switched off while training.
        name: Name of the model.

    Returns:
        An uncompiled functional `keras.Model`, `(batch, height, width, channels)` in,
        `(batch, num_classes)` float32 probabilities out. Layers are called `scale`,
        `block1_conv1`, `block1_conv2`, `block1_pool`, …, `flatten`, `hidden1`,
        `hidden1_dropout`, …, `output`.

    Raises:
        ValueError: If an argument is out of its range.

    Source: Simonyan and Zisserman, *Very Deep Convolutional Networks for Large-Scale Image
    Recognition*, ICLR 2015. The paper's VGG16 is `vgg((224, 224, 3), 1000, filters=(64, 128, 256,
    512, 512), repeats=(2, 2, 3, 3, 3), units=(4096, 4096))`, with 138,357,544 parameters.

    Example:

    >>> model = vgg((28, 28, 1), 24, filters=(8, 16), repeats=(1, 2), units=())
    >>> [layer.name for layer in model.layers if "conv" in layer.name]
    ['block1_conv1', 'block2_conv1', 'block2_conv2']
    >>> model.get_layer("block2_pool").output.shape
    (None, 7, 7, 16)
    """
    _check(input_shape, num_classes, filters, repeats)
    x = inputs = keras.Input(input_shape, name="pixels")
    x = layers.Rescaling(1 / 255, name="scale")(x)
    for i, (width, times) in enumerate(zip(filters, repeats, strict=True), start=1):
        x = vgg_block(x, width, times, f"block{i}")
    x = layers.Flatten(name="flatten")(x)
    for i, width in enumerate(units, start=1):
        x = layers.Dense(
            width, activation="relu", kernel_initializer="he_normal", name=f"hidden{i}"
        )(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"hidden{i}_dropout")(x)
    # float32 whatever the precision before it: a loss needs its small probabilities
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name=name)


def vgg_block(x, filters, repeats, name):
    """`repeats` convolutions of 3×3 with ReLU, then 2×2 max-pooling.

    Args:
        x: Tensor, `(batch, height, width, channels)`.
        filters: Integer, the channels of every convolution.
        repeats: Integer, how many convolutions.
        name: How the names of the layers begin: `block1` gives `block1_conv1`, …, `block1_pool`.

    Returns:
        Tensor, `(batch, height / 2, width / 2, filters)`; an odd size is rounded up.

    Example:

    >>> vgg_block(keras.Input((28, 28, 1)), 8, 2, "block1").shape
    (None, 14, 14, 8)
    """
    check_channels_last()
    for step in range(1, repeats + 1):
        x = layers.Conv2D(
            filters,
            3,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",  # no normalization: the first weights must be right
            name=f"{name}_conv{step}",
        )(x)
    return layers.MaxPooling2D(2, padding="same", name=f"{name}_pool")(x)


def _check(input_shape, num_classes, filters, repeats):
    if len(input_shape) != 3 or None in input_shape:
        raise ValueError(
            "Expected input_shape to be (height, width, channels), all of them numbers, for a grey "
            f"image (28, 28, 1). Received: input_shape={input_shape}"
        )
    if len(filters) != len(repeats) or not filters:
        raise ValueError(
            "Expected filters and repeats to have one number for each block, one block or more. "
            f"Received: filters={filters}, repeats={repeats}"
        )
    if min(repeats) < 1:
        raise ValueError(f"Expected every block to repeat 1 time or more. Received: {repeats}")
    if num_classes < 2:
        raise ValueError(f"Expected num_classes to be 2 or more. Received: {num_classes}")
