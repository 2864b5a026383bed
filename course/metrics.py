"""How well two masks agree: Dice while training, and what is measured on whole volumes.

`Dice` is a Keras metric. The others take two binary masks as NumPy arrays and are what a report
quotes; each says what it answers when a mask is empty.
"""

import keras
from keras import ops

from course.metrics_volume import dice_score, hausdorff95, precision, sensitivity, volume_ml

__all__ = ["Dice", "dice_score", "hausdorff95", "precision", "sensitivity", "volume_ml"]


@keras.saving.register_keras_serializable(package="course")
class Dice(keras.metrics.Metric):
    """Mean over the samples of each sample's Dice coefficient, so any batch size gives one value.

    In a sample, a channel that is empty in the truth and in the answer scores 1, one that only one
    of them has scores 0: the rules of `dice_score`. On slices or patches call it `dice_slice` or
    `dice_patch`: a slice without tumour scores 1 for doing nothing, so its mean is no case's score.

    Args:
        num_classes: Integer, the channels of truth and answer.
        threshold: `None` takes the likeliest class of each voxel, and channel 0 is the background.
            A number takes each channel by itself, as an independent region: 1 from there on.
        average: `"macro"`, the mean over the channels, or `None`, one value for each channel.
        include_background: Boolean, whether channel 0 counts when `threshold` is `None`. With it,
            an answer of nothing but background scores high.
        name: Name of the metric.

    `update_state` takes `y_true` and `y_pred` `(batch, ..., num_classes)` (one-hot classes, or
    regions of 0 and 1) and, if samples count differently, `sample_weight` `(batch,)`.

    Example:

    >>> import numpy as np
    >>> y_true = np.array([[[1], [1], [0], [0]], [[0], [0], [0], [0]]])  # the second is empty
    >>> y_pred = np.array([[[0.9], [0.2], [0.1], [0.0]], [[0.0], [0.0], [0.0], [0.0]]])
    >>> metric = Dice(num_classes=1, threshold=0.5)
    >>> metric.update_state(y_true, y_pred)
    >>> round(float(metric.result()), 4)  # (2·1 / (2 + 1) + 1) / 2
    0.8333
    """

    def __init__(
        self,
        num_classes,
        threshold=None,
        average="macro",
        include_background=False,
        name="dice",
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype)
        if average not in ("macro", None):
            raise ValueError(f'Expected average to be "macro" or None. Received: {average!r}')
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(
                f"Expected a threshold above 0, up to 1, or None. Received: {threshold}"
            )
        self.first = int(threshold is None and not include_background)  # the channels that count
        if num_classes <= self.first:
            raise ValueError(
                "Expected a class beside the background: num_classes of 2 or more; for a single "
                f"region, a threshold. Received: num_classes={num_classes}, threshold={threshold}"
            )
        self.num_classes = num_classes
        self.threshold = threshold
        self.average = average
        self.include_background = include_background
        shape = (num_classes - self.first,)
        # float32 whatever the precision of the network: float16 ends at 65,504
        self.total = self.add_variable(shape, "zeros", dtype="float32", name="total")
        self.weight = self.add_variable((), "zeros", dtype="float32", name="weight")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        for y in (y_true, y_pred):
            if y.shape[-1] != self.num_classes:
                raise ValueError(
                    f"Expected y_true and y_pred of shape (batch, ..., {self.num_classes}). "
                    f"Received: {tuple(y_true.shape)} and {tuple(y_pred.shape)}"
                )
        if self.threshold is None:
            y_pred = ops.one_hot(ops.argmax(y_pred, axis=-1), self.num_classes)
        else:
            y_pred = y_pred >= self.threshold
        true, pred = (ops.cast(y, "float32")[..., self.first :] for y in (y_true, y_pred))
        voxels = tuple(range(1, len(true.shape) - 1))
        overlap = ops.sum(true * pred, axis=voxels)
        size = ops.sum(true, axis=voxels) + ops.sum(pred, axis=voxels)
        dice = ops.where(size > 0, 2 * overlap / ops.maximum(size, 1), 1.0)  # (batch, channels)
        weight = ops.ones_like(dice[:, 0])
        if sample_weight is not None:
            weight = ops.reshape(ops.cast(sample_weight, "float32"), (-1,))
        self.total.assign_add(ops.sum(dice * weight[:, None], axis=0))
        self.weight.assign_add(ops.sum(weight))

    def result(self):
        dice = self.total / ops.maximum(self.weight, keras.config.epsilon())
        return ops.mean(dice) if self.average == "macro" else dice

    def get_config(self):
        names = ("num_classes", "threshold", "average", "include_background")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
