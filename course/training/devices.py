"""The devices of the machine: how many there are, and training on all of them."""

import contextlib

import keras

from course.spanish import count
from course.training import processes
from course.training.start import set_up_jax

if keras.backend.backend() == "jax":
    set_up_jax()  # now, for lessons may compute before they ask for devices


def accelerators():
    """The GPUs, or the cores of a TPU, that Keras' backend can use.

    Returns:
        Tuple of their names, `()` on a machine without any.

    Example:

    >>> isinstance(accelerators(), tuple)
    True
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tuple(device.name for device in tf.config.list_logical_devices("GPU"))
    if backend == "jax":
        import jax

        return tuple(str(device) for device in jax.devices() if device.platform != "cpu")
    import torch

    return tuple(f"cuda:{i}" for i in range(torch.cuda.device_count()))


def all_devices(names=None, batch_size=None):
    """The scope in which to build and compile a model that `fit` then trains on several devices.

    On TensorFlow that is `tf.distribute.MirroredStrategy`, on JAX
    `keras.distribution.DataParallel`, which there also joins several processes: each device holds
    the same weights and computes on its part of every batch, and the gradients are averaged. On JAX
    it holds until `course.training.alone`, for Keras asks for it during `fit`; a TPU computes in
    bfloat16. PyTorch trains on one device.

    Args:
        names: Tuple of device names of the backend; by default every GPU or TPU core there is, and
            on JAX, where there is none, every CPU device of every process.
        batch_size: Integer, the samples in a batch: as many devices of one process are used as can
            have equal parts of it. Of what is left over at the end of an epoch `Batches` leaves out
            what cannot be divided. Arrays given as `validation_data` are shared in the same way and
            nobody can say so before: give them as `Batches` too.

    Returns:
        A context manager, to be entered as often as needed. With fewer than two devices it does
        nothing.

    Example:

    >>> with all_devices():
    ...     model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    """
    backend = keras.backend.backend()
    names = _all() if names is None else tuple(names)
    if names and batch_size is not None and processes.how_many() == 1:
        names = names[: max(n for n in range(1, len(names) + 1) if batch_size % n == 0)]
    if backend == "jax" and names and names[0].startswith("tpu"):
        keras.config.set_dtype_policy("mixed_bfloat16")
    if len(names) < 2 or backend not in ("tensorflow", "jax"):
        return contextlib.nullcontext()
    if backend == "jax":
        shared = keras.distribution.DataParallel(devices=names, auto_shard_dataset=False)
        keras.distribution.set_distribution(shared)
        return contextlib.nullcontext()
    import tensorflow as tf

    return _Scope(tf.distribute.MirroredStrategy(list(names)))


class _Scope:
    """A strategy's scope that may be entered again: to build a model, later to compile it."""

    def __init__(self, strategy):
        self._strategy = strategy

    def __enter__(self):
        self._entered = self._strategy.scope()
        return self._entered.__enter__()

    def __exit__(self, *error):
        return self._entered.__exit__(*error)


def sharing():
    """How many devices have a part of each batch on JAX, those of other processes too; else 1."""
    distribution = keras.distribution.distribution()
    return distribution.device_mesh.devices.size if distribution else 1


def in_step():
    """List of the callbacks with which CPU devices that share batches do not wait for ever.

    JAX computes with as many threads as there are cores or devices. A device that waits in a step
    for the others holds one, and Keras begins steps before those before them have ended: so some of
    the devices of one step may find no thread left (seen with JAX 0.10: eight devices on two
    cores). With this callback one step is under way at a time. On GPUs and TPUs there is none.
    """
    distribution = keras.distribution.distribution()
    shared = distribution and distribution.device_mesh.devices.flat[0].startswith("cpu")
    return [_InStep()] if shared else []


class _InStep(keras.callbacks.Callback):
    """It only asks for each step's numbers: Keras waits for them before the next one."""

    def on_train_batch_end(self, batch, logs=None):
        pass

    def on_test_batch_end(self, batch, logs=None):
        pass


def own_part(rows):
    """Of a batch's rows, in order, those that this process gives to its devices."""
    if sharing() == 1 or processes.how_many() == 1:
        return rows
    size = len(rows) // processes.how_many()
    return rows[processes.which() * size :][:size]


def used_for(model):
    """One Spanish sentence: the backend, and on how many devices and processes a model trains."""
    backend = _NAMES.get(keras.backend.backend(), keras.backend.backend())
    strategy = getattr(model, "_distribute_strategy", None)  # as in course.datasets.batches
    replicas = strategy.num_replicas_in_sync if strategy else sharing()
    where = count(replicas, "réplica", "réplicas")
    if replicas == 1:
        where = "un solo dispositivo" if accelerators() else "la CPU"
    if (there := len(_all())) > replicas and where != "la CPU":
        where += f" de {there}"
    if processes.how_many() > 1:
        where += f", {processes.how_many()} procesos"
    return f"Se entrena con {backend} en {where}."


def _all():
    """The names of what a batch can be shared by, on JAX CPU devices and other processes too."""
    if keras.backend.backend() != "jax":
        return accelerators()
    import jax

    # once the other processes have ended, JAX still lists what was theirs
    devices = jax.devices() if processes.how_many() > 1 else jax.local_devices()
    return tuple(f"{device.platform}:{device.id}" for device in devices)


_NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
