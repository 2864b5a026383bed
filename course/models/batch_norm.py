"""Batch normalization as Keras computes it, at the speed of TensorFlow's own operation."""

import keras
from keras import layers


class BatchNormalization(layers.BatchNormalization):
    """Keras' layer of this name, of which TensorFlow makes one operation while it trains.

    Keras writes the same mathematics as some twenty operations, each of which goes through all the
    maps: a training step of the U-Net then takes a fifth longer. Wherever the one operation does
    not serve (another backend, 16 bits, a frozen layer, an answer) Keras' own code is run. To Keras
    this is its own layer, so that it is what stands in a file and in a copy: a saved model is read
    without this package.

    Args:
        name: Name of the layer.
        epsilon: Float, added to the variance.

    Input and output: float tensor, `(batch, …, channels)`.

    Example:

    >>> norm = BatchNormalization("norm", epsilon=0)
    >>> maps = norm(keras.ops.array([[1.0], [3.0]]), training=True)
    >>> keras.ops.convert_to_numpy(maps).tolist()
    [[-1.0], [1.0]]
    """

    __class__ = property(lambda self: layers.BatchNormalization)

    def __init__(self, name, epsilon=1e-3):
        # Keras' 0.99 would need hundreds of steps before its averages describe the data, and a
        # small data set does not give them: the network would learn but answer nonsense
        layers.BatchNormalization.__init__(self, momentum=0.9, epsilon=epsilon, name=name)

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable and mask is None and _in_one_operation(inputs)):
            return layers.BatchNormalization.call(self, inputs, training, mask)
        import tensorflow as tf

        maps = tf.reshape(inputs, (tf.shape(inputs)[0], -1, 1, inputs.shape[-1]))
        maps, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=maps, scale=self.gamma, offset=self.beta, mean=[], variance=[], epsilon=self.epsilon
        )
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
        variance *= (count - 1) / count  # it divides by one less than there are values, Keras not
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + value * (1 - self.momentum))
        return tf.reshape(maps, tf.shape(inputs))


def _in_one_operation(inputs):
    return keras.backend.backend() == "tensorflow" and inputs.dtype == "float32"
