"""Model builders. Each returns an uncompiled `keras.Model` made of stock Keras layers."""

from course.models.cnn import cnn
from course.models.mlp import mlp
from course.models.resnet import residual_block, resnet
from course.models.transfer import thaw, transfer_classifier
from course.models.unet import attention_gate, attention_unet, conv_block, unet
from course.models.vgg import vgg, vgg_block
from course.models.words import one_hot_words, without_words, words_to_numbers

__all__ = [
    "attention_gate",
    "attention_unet",
    "cnn",
    "conv_block",
    "mlp",
    "one_hot_words",
    "residual_block",
    "resnet",
    "thaw",
    "transfer_classifier",
    "unet",
    "vgg",
    "vgg_block",
    "without_words",
    "words_to_numbers",
]
