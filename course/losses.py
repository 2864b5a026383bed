"""Losses of overlap for segmentation; truth and answer are `(batch, ..., channels)`.

Every loss is computed for each sample and channel by itself, then averaged over the channels, so a
small tumour weighs as much as a large one and a case does not depend on its batch. `smooth` decides
what happens with nothing: a channel that is empty in the truth and in the answer has loss 0, and
one that is absent from the truth but answered has nearly 1. Sums are in float32 whatever comes in:
a volume of 155×240×240 voxels has more ones than float16 has numbers.

What is true is 1, as in `course.metrics.Dice`: a truth above 1 counts as 1 and one below 0 as 0, so
masks of 0 and 255 and booleans are those of 0 and 1. Shares between 0 and 1 (smoothed labels) are
taken as they are; the metric counts them from 0.5 on. A NaN makes the loss NaN.
"""

import keras
from keras import ops

_register = keras.saving.register_keras_serializable(package="course")
_MEAN = "sum_over_batch_size"  # Keras' name for the mean over the samples


@_register
def dice_loss(y_true, y_pred, smooth=1.0):
    """Compute the soft Dice loss of each sample.

    `1 - (2 Σ t p + smooth) / (Σ t + Σ p + smooth)` for each channel, with the sums over the voxels;
    then the mean over the channels (Milletari et al., 2016, without their squares).

    Args:
        y_true: `(batch, ..., channels)`, one-hot classes or regions, 0 or 1.
        y_pred: Probabilities of the same shape.
        smooth: Positive number, in voxels. It is all that is left when both are empty.

    Returns:
        Tensor `(batch,)` of float32, 0 for a perfect answer and almost 1 for none.

    Raises:
        ValueError: If the shapes differ or `smooth` is not positive.

    Example:

    >>> import numpy as np
    >>> y_true = np.array([[[1], [1], [0], [0]]])  # one sample, four voxels, one channel
    >>> y_pred = np.array([[[1], [0], [0], [0]]])
    >>> float(dice_loss(y_true, y_pred)[0])  # 1 - (2·1 + 1) / (2 + 1 + 1)
    0.25
    """
    overlap, true, pred = _sums(y_true, y_pred, smooth)
    dice = (2 * overlap + smooth) / (true + pred + smooth)
    return ops.mean(1 - dice, axis=-1)


@_register
def tversky_loss(y_true, y_pred, alpha=0.7, smooth=1.0):
    """Compute the Tversky loss of each sample: Dice with two prices for the two errors.

    `1 - (TP + smooth) / (TP + alpha FN + (1 - alpha) FP + smooth)` for each channel, then the mean
    over the channels. `alpha` is the price of a missed voxel, `1 - alpha` of a false alarm, as in
    Abraham and Khan (2019) and in the α = 0.7 of Gitonga (2023). Salehi et al. (2017), who brought
    the index to segmentation, write α for the false alarms and β for the misses: their best pair,
    α = 0.3 and β = 0.7, is `alpha=0.7` here. With 0.5 it is Dice (with twice the `smooth`).
    Beware when comparing: in Keras 3.15.1 `keras.losses.Tversky` has alpha and beta exchanged.

    Args:
        y_true: `(batch, ..., channels)`, one-hot classes or regions, 0 or 1.
        y_pred: Probabilities of the same shape.
        alpha: Number in `[0, 1]`. More than 0.5 finds more tumour, with more false alarms.
        smooth: Positive number, in voxels.

    Returns:
        Tensor `(batch,)` of float32, 0 for a perfect answer and almost 1 for none.

    Raises:
        ValueError: If the shapes differ, or `alpha` or `smooth` is out of its range.

    Example:

    >>> import numpy as np
    >>> y_true = np.array([[[1], [1], [0], [0]]])
    >>> y_pred = np.array([[[1], [0], [0], [0]]])  # one hit, one miss
    >>> round(float(tversky_loss(y_true, y_pred)[0]), 4)  # 1 - (1 + 1) / (1 + 0.7·1 + 1)
    0.2593
    """
    _check_share("alpha", alpha)
    overlap, true, pred = _sums(y_true, y_pred, smooth)
    missed, false_alarms = true - overlap, pred - overlap
    price = alpha * missed + (1 - alpha) * false_alarms
    return ops.mean(1 - (overlap + smooth) / (overlap + price + smooth), axis=-1)


class _OverlapLoss(keras.losses.Loss):
    """What the losses below have in common: their settings, and whether channel 0 counts."""

    def __init__(self, smooth, include_background, reduction, name):
        super().__init__(name=name, reduction=reduction)
        _check_smooth(smooth)
        self.smooth = smooth
        self.include_background = include_background

    def counted(self, y):
        if self.include_background:
            return y
        if y.shape[-1] == 1:
            raise ValueError(
                "Expected a background and at least one class for include_background=False. "
                f"Received: one channel, shape {tuple(y.shape)}"
            )
        return y[..., 1:]

    def get_config(self):
        own = {"smooth": self.smooth, "include_background": self.include_background}
        return {**super().get_config(), **own}


@_register
class DiceLoss(_OverlapLoss):
    """Soft Dice loss; the formula is that of `dice_loss`.

    Args:
        smooth: Positive number, in voxels.
        include_background: Boolean. False leaves out channel 0, the background of a softmax.
            Independent regions have no background: leave it True.
        reduction, name: As in `keras.losses.Loss`.

    Example:

    >>> model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Conv2D(3, 1)])
    >>> model.compile("adam", loss=DiceLoss(include_background=False))
    """

    def __init__(self, smooth=1.0, include_background=True, reduction=_MEAN, name="dice_loss"):
        super().__init__(smooth, include_background, reduction, name)

    def call(self, y_true, y_pred):
        return dice_loss(self.counted(y_true), self.counted(y_pred), self.smooth)


@_register
class TverskyLoss(_OverlapLoss):
    """Tversky loss; the formula, and which error `alpha` weighs, are those of `tversky_loss`.

    Args:
        alpha: Number in `[0, 1]`, the price of a missed voxel.
        smooth, include_background, reduction, name: As in `DiceLoss`.
    """

    def __init__(
        self, alpha=0.7, smooth=1.0, include_background=True, reduction=_MEAN, name="tversky_loss"
    ):
        super().__init__(smooth, include_background, reduction, name)
        _check_share("alpha", alpha)
        self.alpha = alpha

    def call(self, y_true, y_pred):
        return tversky_loss(self.counted(y_true), self.counted(y_pred), self.alpha, self.smooth)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}


@_register
class DiceCrossentropy(_OverlapLoss):
    """Dice and cross-entropy together: `dice_weight · dice + (1 - dice_weight) · crossentropy`.

    Cross-entropy gives every voxel a gradient from the first step on, Dice makes a small tumour
    count; their sum is what nnU-Net trains with (Isensee et al., 2021). Cross-entropy is the mean
    over a sample's voxels (and, with `multilabel`, channels); the background always counts in it.

    Args:
        dice_weight: Number in `[0, 1]`.
        multilabel: Boolean. False: classes of a softmax, categorical cross-entropy. True:
            independent regions, each a sigmoid, binary cross-entropy; they have no background.
        smooth, include_background, reduction, name: As in `DiceLoss`.

    Example:

    >>> import numpy as np
    >>> y_true, y_pred = np.array([[[1.0], [0.0]]]), np.array([[[0.5], [0.5]]])
    >>> loss = DiceCrossentropy(multilabel=True)(y_true, y_pred)
    >>> round(float(loss), 4)  # 0.5 · (1 - (2·0.5 + 1) / (1 + 1 + 1)) + 0.5 · ln 2
    0.5132
    """

    def __init__(
        self,
        dice_weight=0.5,
        smooth=1.0,
        include_background=True,
        multilabel=False,
        reduction=_MEAN,
        name="dice_crossentropy",
    ):
        super().__init__(smooth, include_background, reduction, name)
        _check_share("dice_weight", dice_weight)
        if multilabel and not include_background:
            raise ValueError(
                "Expected include_background=True with multilabel=True: channel 0 of independent "
                "regions is a region. Received: include_background=False"
            )
        self.dice_weight = dice_weight
        self.multilabel = multilabel

    def call(self, y_true, y_pred):
        dice = dice_loss(self.counted(y_true), self.counted(y_pred), self.smooth)
        # float32 before the logarithm: in float16 the 1 - 1e-7 that keeps it finite would be 1
        y_true, y_pred = _truth(y_true), ops.cast(y_pred, "float32")
        if self.multilabel:
            entropy = ops.binary_crossentropy(y_true, y_pred)
        else:
            entropy = ops.categorical_crossentropy(y_true, y_pred)
        entropy = ops.mean(entropy, axis=tuple(range(1, len(entropy.shape))))
        return self.dice_weight * dice + (1 - self.dice_weight) * entropy

    def get_config(self):
        own = {"dice_weight": self.dice_weight, "multilabel": self.multilabel}
        return {**super().get_config(), **own}


def _sums(y_true, y_pred, smooth):
    """Overlap, size of the truth and size of the answer, each `(batch, channels)`, in voxels."""
    _check_smooth(smooth)
    y_true, y_pred = _truth(y_true), ops.cast(y_pred, "float32")
    check_shapes(y_true, y_pred)
    voxels = tuple(range(1, len(y_true.shape) - 1))
    return tuple(ops.sum(y, axis=voxels) for y in (y_true * y_pred, y_true, y_pred))


def _truth(y_true):
    """Float32 from 0 to 1; a mask of 0 and 255 becomes one of 0 and 1."""
    return ops.clip(ops.cast(y_true, "float32"), 0, 1)


def _check_smooth(smooth):
    if not smooth > 0:
        raise ValueError(
            "Expected smooth > 0; two empty masks have nothing else to be divided by. "
            f"Received: smooth={smooth}"
        )


def _check_share(name, value):
    if not 0 <= value <= 1:
        raise ValueError(f"Expected {name} between 0 and 1. Received: {name}={value}")


def check_shapes(y_true, y_pred):
    """Refuse what would be broadcast in silence: integer labels, another size of mask."""
    shapes = tuple(y_true.shape), tuple(y_pred.shape)
    equal = all(None in sizes or len(set(sizes)) == 1 for sizes in zip(*shapes, strict=False))
    if len(shapes[0]) != len(shapes[1]) or len(shapes[0]) < 3 or not equal:
        raise ValueError(
            "Expected y_true and y_pred of one shape, (batch, ..., channels); integer labels "
            "become channels with keras.ops.one_hot(labels, num_classes). "
            f"Received: {shapes[0]} and {shapes[1]}"
        )
