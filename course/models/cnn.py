"""The convolutional network: find local features, shrink, repeat, then decide."""

import keras
from keras import layers

from course.models.batch_norm import BatchNormalization
from course.models.channels import check_channels_last


def cnn(
    input_shape,
    num_classes,
    filters=(32, 64, 128),
    units=(),
    dropout=0.3,
    batch_norm=True,
    output_activation="softmax",
    name="cnn",
    padding="same",
):
    """Build a convolutional classifier that takes raw pixels.

    Each level is a 3×3 convolution, 2×2 max-pooling, batch normalisation and ReLU: the image halves
    while the number of features grows. The last maps are flattened and classified. Pooling comes
    first because the three steps after it then work on a quarter of the pixels: a training step
    takes a third less time on a CPU.

    Args:
        input_shape: Tuple, `(height, width, channels)`. Pixels are raw, 0–255; the first layer
            scales them to 0–1.
        num_classes: Integer, how many classes.
        filters: Tuple of integers, the convolution filters of each level.
        units: Tuple of integers, dense layers between the last maps and the output.
        dropout: Float in `[0, 1)`, the part of the last features switched off while training.
        batch_norm: Boolean, whether each level has batch normalisation (Ioffe and Szegedy, 2015),
            which then takes over the role of the convolution's bias.
        output_activation: Activation of the output; `None` gives logits.
        name: Name of the model.
        padding: `"same"`, or `"valid"` for a network that never sees beyond the image's border, so
            that it can be moved over a larger one (`course.inference.detection`).

    Returns:
        An uncompiled `keras.Sequential`, `(batch, height, width, channels)` in,
        `(batch, num_classes)` out. Layers are called `scale`, `level1_conv`, `level1_pool`,
        `level1_norm`, `level1_relu`, …, `flatten`, `hidden1`, `dropout`, `output`.

    Raises:
        ValueError: If `input_shape` is not `(height, width, channels)`.

    Example:

    >>> model = cnn((28, 28, 1), 10)
    >>> model.get_layer("level3_relu").output.shape
    (None, 4, 4, 128)
    >>> model.count_params() <= 200_000
    True
    """
    check_channels_last()
    if len(input_shape) != 3:
        raise ValueError(
            "Expected input_shape to be (height, width, channels), for a grey image (28, 28, 1). "
            f"Received: input_shape={input_shape}"
        )
    model = keras.Sequential([keras.Input(input_shape, name="pixels")], name=name)
    model.add(layers.Rescaling(1 / 255, name="scale"))
    for i, depth in enumerate(filters, start=1):
        level = f"level{i}"
        model.add(
            layers.Conv2D(depth, 3, padding=padding, use_bias=not batch_norm, name=f"{level}_conv")
        )
        model.add(layers.MaxPooling2D(padding=padding, name=f"{level}_pool"))
        if batch_norm:
            model.add(BatchNormalization(f"{level}_norm"))
        model.add(layers.Activation("relu", name=f"{level}_relu"))
    model.add(layers.Flatten(name="flatten"))
    for i, width in enumerate(units, start=1):
        model.add(layers.Dense(width, activation="relu", name=f"hidden{i}"))
    if dropout:
        model.add(layers.Dropout(dropout, name="dropout"))
    model.add(layers.Dense(num_classes, activation=output_activation, name="output"))
    return model
