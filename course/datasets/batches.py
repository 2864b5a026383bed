"""Mini-batches in an order that depends on the seed and the epoch alone."""

import gc
from types import SimpleNamespace

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
            CourseError: If there is a model on several devices that cannot have equal parts of each
                batch: TensorFlow would stop at the first that is uneven.
        """
        if keras.backend.backend() != "tensorflow":
            return 1
        devices = _devices()
        if self._uneven(devices):
            gc.collect()  # a model that was thrown away may still be there
            devices = _devices()
        if todo := self._uneven(devices):
            raise CourseError(
                f"Con {devices} dispositivos, cada lote se reparte en partes iguales. Llegó: "
                f"{self.examples} ejemplos en lotes de {self.batch_size}.\nQué hacer: {todo}."
            )
        return 1 if devices else 2

    @property
    def examples(self):
        """How many examples an epoch has."""
        return len(self) * self.batch_size

    def _uneven(self, devices):
        """What to change so that the devices can have equal parts of each batch; "" if they can."""
        if devices > 1 and self.batch_size % devices:
            return f"usa un batch_size que sea múltiplo de {devices}"
        if devices > 1 and (extra := self.examples % self.batch_size % devices):
            rest = self.examples - extra
            return f"deja fuera los últimos {extra}: Batches(x[:{rest}], y[:{rest}], …)"
        return ""


class Batches(EpochDataset):
    """Serve examples to `fit` in shuffled mini-batches that can be repeated exactly.

    The order of epoch `e` is drawn from `(seed, e)`, once `start_epoch(e)` is called; the callbacks
    of `course.training` do that. Two runs with one seed see the same batches, two epochs see
    different ones, and a resumed run goes on with the order that it would have had.

    They are for `fit`, and for `evaluate`, which asks for no order. `predict` would answer in the
    shuffled order, and Keras does not say which of them asks: give it the arrays.

    Args:
        inputs: Array `(n, …)`, or a dict of arrays, all of length `n`.
        targets: Array `(n, …)`.
        batch_size: Integer, examples in a batch; the last batch of an epoch may be smaller.
        seed: Integer.
        rows: Integers, which examples to serve, such as one side of a split; None serves all. An
            array on the disk (a memory map) is not copied for it.

    Lists, tensors and pandas are taken too, by place: see `course.training.arrays`.

    Raises:
        CourseError: If something is no array, or the lengths differ.

    Example:

    >>> batches = Batches(np.arange(5), np.arange(5), batch_size=2, seed=0)
    >>> [len(targets) for inputs, targets in (batches[i] for i in range(len(batches)))]
    [2, 2, 1]
    """

    def __init__(self, inputs, targets, batch_size, seed, rows=None):
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"Expected a batch_size of 1 or more. Received: {batch_size}")
        self.inputs, self.targets = as_arrays(inputs, "inputs"), as_array(targets, "targets")
        check_lengths(inputs=self.inputs, targets=self.targets)
        self.rows = np.arange(len(self.targets)) if rows is None else np.asarray(rows)
        self.batch_size, self.seed = batch_size, seed
        self.start_epoch(0)

    def start_epoch(self, epoch):
        """Draw the order of this epoch, counted from 0."""
        self._order = np.random.default_rng((self.seed, epoch)).permutation(self.rows)

    def __len__(self):
        return -(-len(self.rows) // self.batch_size)

    @property
    def examples(self):
        return len(self.rows)

    def __getitem__(self, index):
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        if isinstance(self.inputs, dict):
            columns = {name: _column(values[rows]) for name, values in self.inputs.items()}
            return columns, self.targets[rows]
        return self.inputs[rows], self.targets[rows]


# a strategy of which nothing is known: Keras' name for it is not public
_UNKNOWN = SimpleNamespace(num_replicas_in_sync=1)


def _devices():
    """The most devices that a model of this process is on; 0 where none has a strategy.

    1 where a model does not say: then nothing is read ahead, which is slower and never wrong.

    A batch does not know the model that is fitted, and Keras keeps no list of models: so Python's
    own list of objects is asked, which takes a tenth of a second.
    """
    things = gc.get_objects()
    kinds = {kind for kind in {type(thing) for thing in things} if issubclass(kind, keras.Model)}
    # not isinstance: it would ask each lazy module of TensorFlow for its class, and load it
    models = [thing for thing in things if type(thing) in kinds]
    # not the public property: inside a scope it gives that scope's to every model
    strategies = [getattr(model, "_distribute_strategy", _UNKNOWN) for model in models]
    return max((strategy.num_replicas_in_sync for strategy in strategies if strategy), default=0)


def _column(values):
    """Keras takes text from a generator only as a tensor; numbers as they are."""
    return keras.ops.convert_to_tensor(values, dtype="string") if values.dtype == object else values
