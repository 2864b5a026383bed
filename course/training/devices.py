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
        batch_size: Integer, the samples in a batch: no more devices are used, for TensorFlow stops
            where one of them is left without a sample.

    Returns:
        A context manager. With fewer than two devices, or on another backend, it does nothing.

    Example:

    >>> with all_devices():
    ...     model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    """
    names = (accelerators() if names is None else tuple(names))[:batch_size]
    if keras.backend.backend() != "tensorflow" or len(names) < 2:
        return contextlib.nullcontext()
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(names)).scope()
