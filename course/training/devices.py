"""The devices of the machine: how many there are, and training on all of them."""

import contextlib

import keras


def accelerators():
    """The GPUs that Keras' backend can use.

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

        return tuple(str(device) for device in jax.devices() if device.platform == "gpu")
    import torch

    return tuple(f"cuda:{i}" for i in range(torch.cuda.device_count()))


def all_devices(names=None, batch_size=None):
    """The scope in which to build and compile a model that `fit` then trains on several devices.

    On TensorFlow that is `tf.distribute.MirroredStrategy`: each device holds the same weights and
    computes on its part of every batch, and the gradients are averaged. `keras.distribution`, which
    does this on JAX, uses one device on TensorFlow without saying so.

    Args:
        names: Tuple of TensorFlow device names; by default every GPU there is.
        batch_size: Integer, the samples in a batch: as many devices are used as can have equal
            parts of it, for TensorFlow stops where the parts differ. What is left over at the end
            of an epoch must be divided evenly too: `Batches` says so before training. Of arrays
            given as `validation_data` Keras shares the first batch in the same way and nobody can
            say so before: let it be even, with `validation_batch_size` where they are few.

    Returns:
        A context manager. With fewer than two devices, or on another backend, it does nothing.

    Example:

    >>> with all_devices():
    ...     model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    """
    names = accelerators() if names is None else tuple(names)
    if names and batch_size is not None:
        names = names[: max(n for n in range(1, len(names) + 1) if batch_size % n == 0)]
    if keras.backend.backend() != "tensorflow" or len(names) < 2:
        return contextlib.nullcontext()
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(names)).scope()
