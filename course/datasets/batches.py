"""Mini-batches in an order that depends on the seed and the epoch alone."""

import keras
import numpy as np


class Batches(keras.utils.PyDataset):
    """Serve examples to `fit` in shuffled mini-batches that can be repeated exactly.

    The order of epoch `e` is drawn from `(seed, e)`, once `start_epoch(e)` is called; the callbacks
    of `course.training` do that. Two runs with one seed see the same batches, two epochs see
    different ones, and a resumed run goes on with the order that it would have had.

    Args:
        inputs: Array `(n, …)`, or a dict of arrays, all of length `n`; text has dtype `object`.
        targets: Array `(n, …)`.
        batch_size: Integer, examples in a batch; the last batch of an epoch may be smaller.
        seed: Integer.

    Example:

    >>> batches = Batches(np.arange(5), np.arange(5), batch_size=2, seed=0)
    >>> [len(targets) for inputs, targets in (batches[i] for i in range(len(batches)))]
    [2, 2, 1]
    """

    def __init__(self, inputs, targets, batch_size, seed):
        super().__init__(workers=loader_threads())
        self.inputs, self.targets = inputs, targets
        self.batch_size, self.seed = batch_size, seed
        self.start_epoch(0)

    def start_epoch(self, epoch):
        """Draw the order of this epoch, counted from 0."""
        self._order = np.random.default_rng((self.seed, epoch)).permutation(len(self.targets))

    def __len__(self):
        return -(-len(self.targets) // self.batch_size)

    def __getitem__(self, index):
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        if isinstance(self.inputs, dict):
            columns = {name: _column(values[rows]) for name, values in self.inputs.items()}
            return columns, self.targets[rows]
        return self.inputs[rows], self.targets[rows]


def loader_threads():
    """With how many threads Keras should read batches ahead: the `workers` of a `PyDataset`.

    Two, so that Keras does it by itself. With one it leaves that to tf.data, whose tuning thread
    may miss that an epoch is over and is then waited for, up to as long as the epoch took: 20 s in
    place of 11 for every other epoch of Taller 3 (TensorFlow 2.21 on 2 cores, November 2026).

    But one where TensorFlow has several devices: there Keras asks for the next epoch before this
    one has ended, and threads of its own would begin to serve this one again.

    Returns:
        Integer, 1 or 2.

    Example:

    >>> loader_threads() in (1, 2)
    True
    """
    if keras.backend.backend() != "tensorflow":
        return 2
    import tensorflow as tf

    kinds = [device.device_type for device in tf.config.list_logical_devices()]
    return 1 if len(kinds) > len(set(kinds)) else 2


def _column(values):
    """Keras takes text from a generator only as a tensor; numbers as they are."""
    return keras.ops.convert_to_tensor(values, dtype="string") if values.dtype == object else values
