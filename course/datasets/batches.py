"""Mini-batches in an order that depends on the seed and the epoch alone."""

import gc
import inspect
import zlib
from types import SimpleNamespace

import keras
import numpy as np

from course.errors import CourseError
from course.spanish import count
from course.training.arrays import as_array, as_arrays, check_lengths
from course.training.devices import own_part, sharing


class EpochDataset(keras.utils.PyDataset):
    """What `Batches`, `Slices` and `Patches` share: how Keras may read them ahead.

    A subclass draws an epoch anew in `start_epoch(epoch)`. So no batch may be asked for before the
    epoch has begun.

    Each batch is made of fresh arrays, never a view of what the caller gave: on several devices
    TensorFlow uses memory that begins at a multiple of 64 bytes as it stands, and writes the
    gradient of the loss into it.
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
            CourseError: If it is `predict` that asks; or if there is a model on several devices
                that cannot have equal parts of a batch: Keras would stop at the first.
        """
        if _predicts():
            raise CourseError(
                "predict: estos lotes se sortean, y las respuestas no saldrían en el orden de tus "
                "etiquetas. Se esperaba un arreglo.\n"
                "Qué hacer: dale el arreglo del que salen los lotes, como model.predict(x_test)."
            )
        if keras.backend.backend() == "tensorflow":
            self.shared_by = _devices()
            if self.shared_by > 1:
                gc.collect()  # a model that was thrown away may still be there
                self.shared_by = _devices()
        else:
            self.shared_by = sharing()
        if self.shared_by > 1 and self.batch_size % self.shared_by:
            raise CourseError(
                f"Con {self.shared_by} dispositivos, cada lote se reparte en partes iguales. "
                f"Llegó: lotes de {self.batch_size} ejemplos.\n"
                f"Qué hacer: usa un batch_size que sea múltiplo de {self.shared_by}."
            )
        return 1 if self.shared_by or keras.backend.backend() != "tensorflow" else 2

    shared_by = 0  # devices, once `fit` has asked how to read

    @property
    def examples(self):
        """How many examples an epoch has."""
        return len(self) * self.batch_size

    def left_out(self):
        """What several devices leave out of an epoch, a Spanish sentence; "" if nothing."""
        return ""


class Batches(EpochDataset):
    """Serve examples to `fit` in shuffled mini-batches that can be repeated exactly.

    The order of epoch `e` is drawn from `(seed, e)`, once `start_epoch(e)` is called; the callbacks
    of `course.training` do that. Two runs with one seed see the same batches, two epochs see
    different ones, and a resumed run goes on with the order that it would have had.

    Where several devices share the batches, of other processes too, each has an equal part: the few
    examples that cannot be divided at the end of an epoch are left out, others each epoch, and each
    process reads its own part of every batch only. Given as `validation_data` they are not drawn
    anew: the few that are left out there are the same ones each epoch, and nobody says so.

    They are for `fit`, and for `evaluate`, which asks for no order. `predict` would answer in the
    shuffled order, and is refused: give it the arrays.

    Args:
        inputs: Array `(n, …)`, or a dict of arrays, all of length `n`.
        targets: Array `(n, …)`.
        batch_size: Integer, examples in a batch; the last batch of an epoch may be smaller, another
            shape, for which JAX compiles the step once more.
        seed: Integer.
        rows: Integers, or one Boolean for each example: which to serve, such as one side of a
            split; None serves all. An array on the disk (a memory map) is not copied for it.
        augment: Function `(inputs, rng) -> inputs` that changes the array of a batch's inputs, such
            as `course.datasets.warp.warp`; None serves them as they are. Its generator depends on
            seed, epoch and index alone, so a resumed run draws what it would have drawn.

    Lists, tensors and pandas are taken too, by place: see `course.training.arrays`.

    Raises:
        CourseError: If something is no array, or the lengths differ; when `predict` is given them.

    Example:

    >>> batches = Batches(np.arange(5), np.arange(5), batch_size=2, seed=0)
    >>> [len(targets) for inputs, targets in (batches[i] for i in range(len(batches)))]
    [2, 2, 1]
    """

    def __init__(self, inputs, targets, batch_size, seed, rows=None, augment=None):
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"Expected a batch_size of 1 or more. Received: {batch_size}")
        if augment and isinstance(inputs, dict):
            raise ValueError("Expected inputs to be one array with augment. Received: a dict")
        self.inputs, self.targets = as_arrays(inputs, "inputs"), as_array(targets, "targets")
        check_lengths(inputs=self.inputs, targets=self.targets)
        self.rows = np.arange(len(self.targets))
        if rows is not None:
            self.rows = self.rows[np.asarray(rows)]  # one that is not there is an IndexError now
        self.batch_size, self.seed, self.augment = batch_size, seed, augment
        self.start_epoch(0)

    def start_epoch(self, epoch):
        """Draw the order of this epoch, counted from 0."""
        self._epoch = epoch
        self._order = np.random.default_rng((self.seed, epoch)).permutation(self.rows)

    def __len__(self):
        return -(-self.examples // self.batch_size)

    @property
    def examples(self):
        return len(self.rows) - len(self.rows) % max(1, self.shared_by)

    def left_out(self):
        extra = len(self.rows) - self.examples
        if not extra:
            return ""
        words = count(extra, "ejemplo queda", "ejemplos quedan")
        return f" {words} fuera de cada época, otros cada vez: no hay partes iguales para todos."

    def fingerprint(self):
        """A checksum of all examples, to be compared with that of another machine."""
        return _checksum(*self._columns(), self.rows)

    def glance(self):
        """A checksum of 256 examples, which takes no time, to be compared when a run goes on."""
        rows = self.rows[:: max(1, len(self.rows) // 256)]
        return _checksum(*(values[rows] for values in self._columns()), rows)

    def _columns(self):
        inputs = self.inputs.values() if isinstance(self.inputs, dict) else [self.inputs]
        return *inputs, self.targets

    def __getitem__(self, index):
        batch = slice(index * self.batch_size, (index + 1) * self.batch_size)
        rows = self._order[: self.examples][batch]
        if self.augment:
            rng = np.random.default_rng((self.seed, self._epoch, index))
            # the whole batch: so each process draws for its part what one alone would have drawn
            changed = self.augment(self.inputs[rows], rng)
            return own_part(changed), self.targets[own_part(rows)]
        rows = own_part(rows)
        if isinstance(self.inputs, dict):
            columns = {name: _column(values[rows]) for name, values in self.inputs.items()}
            return columns, self.targets[rows]
        return self.inputs[rows], self.targets[rows]


def _predicts():
    """Does Keras ask for `predict`? It does not say, so the calls on the way are looked at."""
    code = inspect.unwrap(keras.Model.predict).__code__
    frame = inspect.currentframe()
    while frame and frame.f_code is not code:
        frame = frame.f_back
    return frame is not None


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


def _checksum(*columns):
    sum_ = 0
    for values in columns:
        parts = values.tolist() if values.dtype == object else values
        for part in parts:
            data = part.encode() if isinstance(part, str) else np.ascontiguousarray(part)
            sum_ = zlib.crc32(data, sum_)
    return sum_


def _column(values):
    """Keras takes text from a generator only as a tensor; numbers as they are."""
    return keras.ops.convert_to_tensor(values, dtype="string") if values.dtype == object else values
