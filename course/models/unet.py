"""The U-Net: shrink to see what, grow back to see where; with gates that choose what to copy."""

import functools
import math

import keras
from keras import layers

from course.models.batch_norm import BatchNormalization
from course.models.channels import check_channels_last


def unet(
    input_shape,
    num_classes,
    filters=(32, 64, 128, 256),
    attention=False,
    activation="relu",
    normalization="batch",
    dropout=0.0,
    output_activation="softmax",
    name="unet",
):
    """Build a U-Net, for pictures or for volumes: the rank of `input_shape` decides.

    On the way down each level is a block of two convolutions, then the map is halved. On the way
    up the map is doubled, what the same level saw on its way down (the skip) is put beside it, and
    a block of two convolutions joins both. Levels are numbered by resolution: `down1` and `up1`
    are full size, `bottom` is the smallest.

    Args:
        input_shape: Tuple, `(height, width, channels)` or `(depth, height, width, channels)`,
            without the batch. A size of `None` is left free; every size must be a multiple of
            `2 ** (len(filters) - 1)`, since it is halved that many times.
        num_classes: Integer, the channels of the output: classes for softmax, regions for sigmoid.
        filters: Tuple of integers, the width of each level from `down1` to `bottom`; two or more.
        attention: Boolean, whether an `attention_gate` stands in each skip.
        activation: Name that Keras knows, or a layer to be copied: `keras.layers.LeakyReLU(0.1)`.
        normalization: `"batch"`, `"instance"`, `"group"` (8 groups, fewer where 8 do not divide
            the filters) or `None`, after each convolution of a block. A gate ends in a batch
            normalization whatever it is, as Oktay's does.
        dropout: Float in `[0, 1)`, the part of the maps switched off after each block while
            training.
        output_activation: `"softmax"` for classes of which each pixel has one, `"sigmoid"` for
            regions that may lie in one another, `None` for logits.
        name: Name of the model.

    Returns:
        An uncompiled functional `keras.Model` of stock layers, `(batch, *input_shape)` in,
        `(batch, *sizes, num_classes)` float32 out. Layers are called `image`, `down1_conv1`,
        `down1_norm1`, `down1_act1`, `down1_conv2`, …, `down1_pool`, `bottom_conv1`, …,
        `up1_attention`, `up1_upsample`, `up1_concat`, `up1_conv1`, …, `output`.

    Raises:
        ValueError: If an argument is out of its range, or a size cannot be halved that often; the
            message names the nearest sizes that can.

    Sources: Ronneberger, Fischer and Brox, *U-Net*, MICCAI 2015, with padded convolutions so that
    the output has the input's size; Çiçek et al., *3D U-Net*, MICCAI 2016.

    Example: the network of 2015, and the 3D one of the slides with LeakyReLU 0.1 and gates.

    >>> model = unet((256, 256, 1), 2, filters=(64, 128, 256, 512, 1024), normalization=None)
    >>> model.count_params()
    31030658
    >>> model = attention_unet(
    ...     (128, 128, 128, 3), 4, filters=(16, 32, 64, 128, 256),
    ...     activation=keras.layers.LeakyReLU(0.1),
    ... )
    >>> model.get_layer("up1_attention").output.shape
    (None, 128, 128, 128, 1)
    """
    check_channels_last()
    _check(input_shape, num_classes, filters, output_activation)
    rank = len(input_shape) - 1
    *widths, bottom = filters
    block = functools.partial(
        conv_block, activation=activation, normalization=normalization, dropout=dropout
    )

    x = inputs = keras.Input(input_shape, name="image")
    skips = []
    for i, width in enumerate(widths, start=1):
        x = block(x, width, f"down{i}")
        skips.append(x)
        x = _layer("MaxPooling{}D", rank)(2, name=f"down{i}_pool")(x)
    x = block(x, bottom, "bottom")
    for i, width in reversed(list(enumerate(widths, start=1))):
        skip = skips.pop()
        if attention:
            skip = attention_gate(skip, x, width // 2, f"up{i}_attention")
        x = _layer("Conv{}DTranspose", rank)(width, 2, strides=2, name=f"up{i}_upsample")(x)
        x = layers.Concatenate(name=f"up{i}_concat")([skip, x])
        x = block(x, width, f"up{i}")
    # float32 whatever the precision before it: a loss needs its small probabilities
    outputs = _layer("Conv{}D", rank)(
        num_classes, 1, activation=output_activation, dtype="float32", name="output"
    )(x)
    return keras.Model(inputs, outputs, name=name)


def attention_unet(
    input_shape,
    num_classes,
    filters=(32, 64, 128, 256),
    activation="relu",
    normalization="batch",
    dropout=0.0,
    output_activation="softmax",
    name="attention_unet",
):
    """Build a U-Net with attention gates: `unet(..., attention=True)`, with the same arguments."""
    return unet(
        input_shape,
        num_classes,
        filters=filters,
        attention=True,
        activation=activation,
        normalization=normalization,
        dropout=dropout,
        output_activation=output_activation,
        name=name,
    )


def attention_gate(skip, gating, filters, name):
    """Let the coarser map, which knows what is there, choose where the skip is let through.

    With the skip `s` of a level and the gating signal `g`, the decoder's map one level below:

        q = relu(theta(s) + phi(g))          both at the size of g, `filters` channels
        a = upsample(sigmoid(psi(q)))        one number from 0 to 1 for each pixel of s
        output = norm(project(a * s))

    `theta` is a 2×2 convolution of stride 2 without bias, which brings the skip to the size of the
    gating signal; `phi`, `psi` and `project` are 1×1 convolutions; the upsampling is linear.

    Args:
        skip: Tensor, `(batch, *sizes, channels)`.
        gating: Tensor, `(batch, *sizes / 2, any number of channels)`.
        filters: Integer, the channels in which the two are compared; in `unet` half the skip's.
        name: Name of the layer whose output is the attention map `a`; the others begin with it.

    Returns:
        Tensor like `skip`.

    Source: Oktay et al., *Attention U-Net*, 2018 (arXiv 1804.03999), equations 1 and 2 and
    figure 2.

    Example:

    >>> skip, gating = keras.Input((8, 8, 4)), keras.Input((4, 4, 6))
    >>> model = keras.Model([skip, gating], attention_gate(skip, gating, 2, "gate"))
    >>> model.get_layer("gate").output.shape, model.output.shape
    ((None, 8, 8, 1), (None, 8, 8, 4))
    """
    check_channels_last()
    rank = len(skip.shape) - 2
    conv = _layer("Conv{}D", rank)

    theta = conv(filters, 2, strides=2, use_bias=False, name=f"{name}_theta")(skip)
    phi = conv(filters, 1, name=f"{name}_phi")(gating)
    q = layers.Add(name=f"{name}_add")([theta, phi])
    q = layers.Activation("relu", name=f"{name}_relu")(q)
    a = conv(1, 1, activation="sigmoid", name=f"{name}_psi")(q)
    a = _upsample_linearly(a, name)

    gated = layers.Multiply(name=f"{name}_gated")([skip, a])
    gated = conv(skip.shape[-1], 1, use_bias=False, name=f"{name}_project")(gated)
    return BatchNormalization(f"{name}_norm")(gated)


def conv_block(x, filters, name, activation="relu", normalization="batch", dropout=0.0):
    """Twice a convolution of side 3, its normalization and its activation; then dropout.

    Args:
        x: Tensor, `(batch, *sizes, channels)` with two or three sizes.
        filters: Integer, the channels of both convolutions.
        name: How the names of the layers begin: `down1` gives `down1_conv1`, `down1_norm1`, ….
        activation, normalization, dropout: As in `unet`.

    Returns:
        Tensor, `(batch, *sizes, filters)`.
    """
    check_channels_last()
    rank = len(x.shape) - 2
    for step in (1, 2):
        x = _layer("Conv{}D", rank)(
            filters,
            3,
            padding="same",
            use_bias=normalization is None,  # a normalization takes over its role
            kernel_initializer="he_normal",  # as in the paper; without normalization it matters
            name=f"{name}_conv{step}",
        )(x)
        if normalization is not None:
            x = _normalization(normalization, filters, f"{name}_norm{step}")(x)
        x = _activation(activation, f"{name}_act{step}")(x)
    if dropout:
        x = _layer("SpatialDropout{}D", rank)(dropout, name=f"{name}_dropout")(x)
    return x


# ---- the layers behind the arguments


def _layer(kind, rank):
    """The class of a Keras layer in 2D or 3D: `_layer("Conv{}D", 3)` is `layers.Conv3D`."""
    return getattr(layers, kind.format(rank))


def _upsample_linearly(x, name):
    """Double every size by linear interpolation, as `UpSampling2D(2, "bilinear")` does in 2D.

    Keras has no layer for it in 3D. Each value is repeated four times along a side, then every
    second window of four is averaged: a|aaab|bbbc|… gives a, (3a + b)/4, (a + 3b)/4, …; at the
    border only the values inside are averaged. One side follows another: all three at once would
    first make 64 voxels of each, and a training step in 3D take a fifth longer.
    """
    rank = len(x.shape) - 2
    for side in range(rank):
        four, two = ([n if i == side else 1 for i in range(rank)] for n in (4, 2))
        end = "" if side == rank - 1 else f"_side{side + 1}"
        x = _layer("UpSampling{}D", rank)(four, name=f"{name}_repeat{side + 1}")(x)
        x = _layer("AveragePooling{}D", rank)(
            four, strides=two, padding="same", name=f"{name}{end}"
        )(x)
    return x


def _normalization(kind, filters, name):
    if kind == "batch":
        return BatchNormalization(name)
    if kind == "instance":
        return layers.GroupNormalization(groups=-1, name=name)  # a group of each channel
    if kind == "group":
        return layers.GroupNormalization(groups=math.gcd(8, filters), name=name)
    raise ValueError(
        'Expected normalization to be "batch", "instance", "group" or None. '
        f"Received: normalization={kind!r}"
    )


def _activation(activation, name):
    if isinstance(activation, keras.Layer):  # a pattern: each place gets a copy of its own
        return type(activation).from_config({**activation.get_config(), "name": name})
    return layers.Activation(activation, name=name)


def _check(input_shape, num_classes, filters, output_activation):
    if len(input_shape) not in (3, 4):
        raise ValueError(
            "Expected input_shape to be (height, width, channels) or (depth, height, width, "
            f"channels). Received: input_shape={input_shape}"
        )
    if len(filters) < 2:
        raise ValueError(
            f"Expected filters to be the widths of two levels or more. Received: filters={filters}"
        )
    if output_activation == "softmax" and num_classes < 2:
        raise ValueError(
            "Expected num_classes to be 2 or more with softmax, which gives a single class always "
            'probability 1; for one region take output_activation="sigmoid". '
            f"Received: num_classes={num_classes}"
        )
    *sizes, _ = input_shape
    step = 2 ** (len(filters) - 1)
    wrong = [size for size in sizes if size is not None and (size < 1 or size % step)]
    if wrong:
        raise ValueError(
            f"Expected every size to be a multiple of {step}, since {len(filters)} levels halve it "
            f"{len(filters) - 1} times. The nearest that are: "
            f"{'; '.join(f'for {size}: {_nearest(size, step)}' for size in wrong)}. "
            f"Received: input_shape={input_shape}"
        )


def _nearest(size, step):
    below = size // step * step
    return f"{below} or {below + step}" if below > 0 else str(step)
