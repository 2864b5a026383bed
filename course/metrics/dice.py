"""`Dice`, the Keras metric that `fit` shows while a network trains."""

import keras
from keras import ops

from course.losses import check_shapes


@keras.saving.register_keras_serializable(package="course")
class Dice(keras.metrics.Metric):
    """Mean over the samples of the Dice coefficient of each class or region.

    Probabilities are made masks first. Each sample has its own coefficients and the mean is over
    the samples, so any batch size gives the same value. On slices or patches call it `dice_slice`
    or `dice_patch`: a slice without tumour scores 1 for doing nothing, so their mean is no case's
    score.

    Args:
        num_classes: Integer, the channels of `y_true` and `y_pred`.
        threshold: `None`: channels are classes, the largest probability wins, and channel 0 is
            the background. A number: channels are independent regions, each there where its
            probability is at least `threshold`, and every channel counts.
        average: `"macro"`, the mean over the classes, or `None`, one value for each class.
        include_background: Boolean, whether channel 0 counts when `threshold` is `None`.
        name, dtype: As in `keras.metrics.Metric`.

    Raises:
        ValueError: If an argument is out of its range, or `y_true` and `y_pred` are not both
            `(batch, ..., num_classes)`. Integer labels are refused: `keras.ops.one_hot`.

    Example:

    >>> import numpy as np
    >>> metric = Dice(num_classes=1, threshold=0.5)
    >>> y_true = np.array([[[1], [1], [0], [0]], [[0], [0], [0], [0]]])
    >>> y_pred = np.array([[[0.9], [0.1], [0.6], [0]], [[0], [0], [0], [0.2]]])
    >>> metric.update_state(y_true, y_pred)
    >>> float(metric.result())  # ½ for the first sample, 1 for the second: both are empty
    0.75
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
            raise ValueError(f'Expected average "macro" or None. Received: average={average!r}')
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(
                f"Expected a threshold above 0, up to 1, or None. Received: threshold={threshold}"
            )
        self._first = int(threshold is None and not include_background)  # the channels that count
        if num_classes <= self._first:
            raise ValueError(
                "Expected a class beside the background: num_classes of 2 or more; for a single "
                f"region, a threshold. Received: num_classes={num_classes}, threshold={threshold}"
            )
        self.num_classes = num_classes
        self.threshold = threshold
        self.average = average
        self.include_background = include_background
        shape = (num_classes - self._first,)
        # float32 whatever the precision of the network: float16 ends at 65,504
        self._sum = self.add_variable(shape, "zeros", dtype="float32", name="sum")
        self._samples = self.add_variable((), "zeros", dtype="float32", name="samples")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true: `(batch, ..., num_classes)`, one-hot classes or regions, 0 or 1.
            y_pred: Probabilities of the same shape.
            sample_weight: `None`, or a weight for each sample, `(batch,)`.
        """
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        check_shapes(y_true, y_pred)
        if y_pred.shape[-1] != self.num_classes:
            raise ValueError(
                f"Expected {self.num_classes} channels, one for each class. "
                f"Received: y_pred of shape {tuple(y_pred.shape)}"
            )
        # the truth is 0 or 1, whatever the threshold of the answers
        dice = _dice(self._mask(y_true, 0.5), self._mask(y_pred, self.threshold))
        dice = dice[:, self._first :]
        if sample_weight is None:
            weight = ops.ones_like(dice[:, 0])
        else:
            weight = ops.cast(sample_weight, "float32")
            if len(weight.shape) != 1:
                raise ValueError(
                    "Expected sample_weight of shape (batch,), a weight for each sample. "
                    f"Received: {tuple(weight.shape)}"
                )
        self._sum.assign_add(ops.sum(weight[:, None] * dice, axis=0))
        self._samples.assign_add(ops.sum(weight))

    def result(self):
        """The mean so far; 0 before the first sample, as in `keras.metrics.Mean`."""
        means = ops.divide_no_nan(self._sum, self._samples)
        return means if self.average is None else ops.mean(means)

    def get_config(self):
        names = ("num_classes", "threshold", "average", "include_background")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _mask(self, y, threshold):
        """Float32 zeros and ones, `(batch, ..., num_classes)`."""
        if self.threshold is None:
            return ops.one_hot(ops.argmax(y, axis=-1), self.num_classes, dtype="float32")
        return ops.cast(ops.cast(y, "float32") >= threshold, "float32")


def _dice(true, pred):
    """Dice of masks, `(batch, channels)`; the counts are exact up to 16 million voxels."""
    voxels = tuple(range(1, len(true.shape) - 1))
    overlap = ops.sum(true * pred, axis=voxels)
    total = ops.sum(true, axis=voxels) + ops.sum(pred, axis=voxels)
    return ops.where(total > 0, 2 * overlap / ops.maximum(total, 1), 1.0)
