"""Model builders. Each returns an uncompiled `keras.Model` made of stock Keras layers."""

from course.models.cnn import cnn
from course.models.mlp import mlp

__all__ = ["cnn", "mlp"]
