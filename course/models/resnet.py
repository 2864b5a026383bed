"""The residual network: each block learns what to add to its input, so depth no longer hurts."""

import keras
from keras import layers

from course.models.batch_norm import BatchNormalization
from course.models.channels import check_channels_last

_CONVOLUTIONS = {  # block → (side of the kernel, filters as a multiple of the block's)
    "basic": ((3, 1), (3, 1)),
    "bottleneck": ((1, 1), (3, 1), (1, 4)),
}
_STEMS = ("small", "imagenet")


def resnet(
    input_shape,
    num_classes,
    filters=(16, 32, 64),
    repeats=(2, 2, 2),
    block="basic",
    stem="small",
    name="resnet",
):
    """Build a residual network that takes raw pixels: a loop over stages of residual blocks.

    The first block of every stage but the first halves the image. The last maps are averaged, so
    the network has few weights in its output and takes images of any size.

    Args:
        input_shape: Tuple, `(height, width, channels)`; a height or width of `None` is left free.
            Pixels are raw, 0–255; the first layer scales them to 0–1.
        num_classes: Integer, how many classes.
        filters: Tuple of integers, the filters of each stage; a bottleneck gives four times that.
        repeats: Tuple of integers, as long as `filters`: how many blocks each stage has.
        block: `"basic"`, two 3×3 convolutions, or `"bottleneck"`, 1×1, 3×3 and 1×1.
        stem: What comes before the first stage: `"small"`, a 3×3 convolution, for small images;
            `"imagenet"`, a 7×7 convolution and a pooling that leave a quarter of each side.
        name: Name of the model.

    Returns:
        An uncompiled functional `keras.Model`, `(batch, height, width, channels)` in,
        `(batch, num_classes)` float32 probabilities out. Layers are called `scale`, `stem_conv`,
        `stem_norm`, `stem_relu`, `stage1_block1_conv1`, …, `stage1_block1_add`,
        `stage1_block1_out`, …, `average`, `output`.

    Raises:
        ValueError: If an argument is out of its range.

    Source: He, Zhang, Ren and Sun, *Deep Residual Learning for Image Recognition*, CVPR 2016. The
    paper's ResNet-50 is `resnet((224, 224, 3), 1000, filters=(64, 128, 256, 512), repeats=(3, 4, 6,
    3), block="bottleneck", stem="imagenet")`, with 25,557,032 trainable parameters.

    Example: 14 layers with weights, counting as the paper does.

    >>> model = resnet((28, 28, 1), 24)
    >>> model.get_layer("stage3_block2_out").output.shape
    (None, 7, 7, 64)
    """
    check_channels_last()
    _check(input_shape, num_classes, filters, repeats, block, stem)
    x = inputs = keras.Input(input_shape, name="pixels")
    x = layers.Rescaling(1 / 255, name="scale")(x)
    x = _stem(x, filters[0], stem)
    for i, (width, times) in enumerate(zip(filters, repeats, strict=True), start=1):
        for j in range(1, times + 1):
            stride = 2 if i > 1 and j == 1 else 1
            x = residual_block(x, width, f"stage{i}_block{j}", block=block, stride=stride)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    # float32 whatever the precision before it: a loss needs its small probabilities
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name=name)


def residual_block(x, filters, name, block="basic", stride=1):
    """Convolutions `f` with normalization, beside a way that leaves them out: `relu(f(x) + x)`.

    Where `f` changes the shape, `x` passes a 1×1 convolution with normalization instead. The
    stride is the first convolution's, as in the paper.

    Args:
        x: Tensor, `(batch, height, width, channels)`.
        filters: Integer, the channels of the 3×3 convolutions.
        name: How the names of the layers begin.
        block: `"basic"` or `"bottleneck"`, as in `resnet`.
        stride: Integer, by how much the block divides height and width.

    Returns:
        Tensor, `(batch, height / stride, width / stride, filters)`, or `4 * filters` channels from
        a bottleneck. The layers are called `<name>_conv1`, `<name>_norm1`, `<name>_relu1`, …,
        `<name>_shortcut_conv`, `<name>_shortcut_norm`, `<name>_add`, `<name>_out`; before a 1×1
        convolution with a stride stands `<its name>_stride`.

    Example:

    >>> x = keras.Input((28, 28, 16))
    >>> residual_block(x, 16, "a", block="bottleneck", stride=2).shape
    (None, 14, 14, 64)
    """
    check_channels_last()
    convolutions = _CONVOLUTIONS[block]
    shortcut, width = x, filters * convolutions[-1][1]
    if stride != 1 or x.shape[-1] != width:
        shortcut = _conv_norm(x, width, 1, stride, f"{name}_shortcut_conv", f"{name}_shortcut_norm")
    for step, (side, times) in enumerate(convolutions, start=1):
        x = _conv_norm(x, filters * times, side, stride, f"{name}_conv{step}", f"{name}_norm{step}")
        stride = 1
        if step < len(convolutions):
            x = layers.Activation("relu", name=f"{name}_relu{step}")(x)
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.Activation("relu", name=f"{name}_out")(x)


def _stem(x, filters, kind):
    if kind == "small":
        x = _conv_norm(x, filters, 3, 1, "stem_conv", "stem_norm")
        return layers.Activation("relu", name="stem_relu")(x)
    # padded on all four sides, as in the paper; "same" with a stride of 2 pads two of them
    x = layers.ZeroPadding2D(3, name="stem_conv_pad")(x)
    x = _conv_norm(x, filters, 7, 2, "stem_conv", "stem_norm", padding="valid")
    x = layers.Activation("relu", name="stem_relu")(x)
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)


def _conv_norm(x, filters, side, stride, conv_name, norm_name, padding="same"):
    if side == 1 and stride > 1:
        # A 1×1 convolution with a stride reads every other pixel, and so does this pooling. Trained
        # on a CPU with oneDNN, TensorFlow 2.21's convolution crashes at the smaller last batch.
        x = layers.MaxPooling2D(1, strides=stride, padding="same", name=f"{conv_name}_stride")(x)
        stride = 1
    x = layers.Conv2D(
        filters,
        side,
        strides=stride,
        padding=padding,
        use_bias=False,  # the normalization that follows has one
        kernel_initializer="he_normal",
        name=conv_name,
    )(x)
    return BatchNormalization(norm_name, epsilon=1e-5)(x)


def _check(input_shape, num_classes, filters, repeats, block, stem):
    if len(input_shape) != 3 or input_shape[-1] is None:
        raise ValueError(
            "Expected input_shape to be (height, width, channels), for a grey image (28, 28, 1). "
            f"Received: input_shape={input_shape}"
        )
    if len(filters) != len(repeats) or not filters:
        raise ValueError(
            "Expected filters and repeats to have one number for each stage, one stage or more. "
            f"Received: filters={filters}, repeats={repeats}"
        )
    if min(repeats) < 1:
        raise ValueError(f"Expected every stage to repeat 1 time or more. Received: {repeats}")
    if num_classes < 2:
        raise ValueError(f"Expected num_classes to be 2 or more. Received: {num_classes}")
    if block not in _CONVOLUTIONS:
        raise ValueError(f"Expected block to be one of {(*_CONVOLUTIONS,)}. Received: {block!r}")
    if stem not in _STEMS:
        raise ValueError(f"Expected stem to be one of {_STEMS}. Received: {stem!r}")
