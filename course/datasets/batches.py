"""Mini-batches in an order that depends on the seed and the epoch alone."""

import gc

import keras
import numpy as np

from course.errors import CourseError
from course.training.arrays import as_array, as_arrays, check_lengths


class EpochDataset(keras.utils.PyDataset):
    """What `Batches`, `Slices` and `Patches` share: how Keras may read them ahead.

    A subclass draws an epoch anew in `start_epoch(epoch)`. So no batch may be asked for before the
    epoch has begun.
    """

    @property
    def workers(self):
        """With how many threads Keras reads batches; it asks when `fit` begins.

        Two on TensorFlow, so that Keras does it by itself. With one it leaves that to tf.data,
        whose tuning thread may miss that an epoch is over and is then waited for, up to as long as
        the epoch took: 20 s in place of 11 for every other epoch of Taller 3 (TensorFlow 2.21 on
        2 cores, November 2026).

        But one where `fit` builds the model from a batch before the first epoch begins: on other
        backends, and under a `tf.distribute` strategy, be it of one device. Keras' threads would
        read on from there, and serve what they have read in a later epoch (keras #23283).

        Raises:
            CourseError: If there is a strategy of several devices that cannot have equal parts of
                each batch: TensorFlow would stop at the first that is uneven.
        """
        if keras.backend.backend() != "tensorflow":
            return 1
        devices = _devices()
        if devices > 1:
            _check_equal_parts(self.examples, self.batch_size, devices)
        return 1 if devices else 2

    @property
    def examples(self):
        """How many examples an epoch has."""
        return len(self) * self.batch_size


class Batches(EpochDataset):
    """Serve examples to `fit` in shuffled mini-batches that can be repeated exactly.

    The order of epoch `e` is drawn from `(seed, e)`, once `start_epoch(e)` is called; the callbacks
    of `course.training` do that. Two runs with one seed see the same batches, two epochs see
    different ones, and a resumed run goes on with the order that it would have had.

    Args:
        inputs: Array `(n, …)`, or a dict of arrays, all of length `n`.
        targets: Array `(n, …)`.
        batch_size: Integer, examples in a batch; the last batch of an epoch may be smaller.
        seed: Integer.

    Lists, tensors and pandas are taken too, by place: see `course.training.arrays`.

    Raises:
        CourseError: If something is no array, or the lengths differ.

    Example:

    >>> batches = Batches(np.arange(5), np.arange(5), batch_size=2, seed=0)
    >>> [len(targets) for inputs, targets in (batches[i] for i in range(len(batches)))]
    [2, 2, 1]
    """

    def __init__(self, inputs, targets, batch_size, seed):
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"Expected a batch_size of 1 or more. Received: {batch_size}")
        self.inputs, self.targets = as_arrays(inputs, "inputs"), as_array(targets, "targets")
        check_lengths(inputs=self.inputs, targets=self.targets)
        self.batch_size, self.seed = batch_size, seed
        self.start_epoch(0)

    def start_epoch(self, epoch):
        """Draw the order of this epoch, counted from 0."""
        self._order = np.random.default_rng((self.seed, epoch)).permutation(len(self.targets))

    def __len__(self):
        return -(-len(self.targets) // self.batch_size)

    @property
    def examples(self):
        return len(self.targets)

    def __getitem__(self, index):
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        if isinstance(self.inputs, dict):
            columns = {name: _column(values[rows]) for name, values in self.inputs.items()}
            return columns, self.targets[rows]
        return self.inputs[rows], self.targets[rows]


def _devices():
    """The most devices that a `tf.distribute` strategy of this process has; 0 without a strategy.

    The model to be fitted may use it.

    A batch does not know its model, and TensorFlow keeps no list of strategies: so Python's own
    list of objects is asked, which takes a tenth of a second.
    """
    import tensorflow as tf

    usual = type(tf.distribute.get_strategy())
    things = gc.get_objects()
    kinds = {type(thing) for thing in things} - {usual}
    kinds = tuple(kind for kind in kinds if issubclass(kind, tf.distribute.Strategy))
    # not isinstance: it would ask each lazy module of TensorFlow for its class, and load it
    return max((thing.num_replicas_in_sync for thing in things if type(thing) in kinds), default=0)


def _check_equal_parts(count, batch_size, devices):
    if batch_size % devices:
        todo = f"usa un batch_size que sea múltiplo de {devices}"
    elif extra := count % batch_size % devices:
        rest = count - extra
        todo = f"deja fuera los últimos {extra}: Batches(x[:{rest}], y[:{rest}], …)"
    else:
        return
    raise CourseError(
        f"Con {devices} dispositivos, cada lote se reparte en partes iguales. Llegó: {count} "
        f"ejemplos en lotes de {batch_size}.\nQué hacer: {todo}."
    )


def _column(values):
    """Keras takes text from a generator only as a tensor; numbers as they are."""
    return keras.ops.convert_to_tensor(values, dtype="string") if values.dtype == object else values
