"""What students answer in Taller 5."""

import keras
import numpy as np

from tests.exercises.answers import Answers

# ---- 5.1


def backbone_channel_by_channel(image):
    red, green, blue = np.moveaxis(image.astype("float32"), -1, 0)
    return np.stack([blue - 103.939, green - 116.779, red - 123.68], axis=-1)


def backbone_of_keras(image):
    return keras.applications.vgg19.preprocess_input(np.array(image, "float32"))


def backbone_min_max(image):
    low, high = np.min(image), np.max(image)
    return (image.astype(float) - low) / (high - low)


def backbone_still_red_green_blue(image):
    return image - [103.939, 116.779, 123.68]


def backbone_upside_down(image):
    return image[::-1] - np.array([103.939, 116.779, 123.68])


# ---- 5.2


def learning_of_keras(channels, classes, last):
    inputs = x = keras.Input((None, None, channels[0]))
    for i, filters in enumerate(channels[1:]):
        layer = keras.layers.Conv2D(filters, 3)
        layer.trainable = i >= len(channels) - 1 - last
        x = layer(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(classes)(x))

    def count(weights):
        return int(sum(np.prod(weight.shape) for weight in weights))

    return count(model.trainable_weights), count(model.non_trainable_weights)


def learning_backwards(channels, classes, last):
    sizes = [(9 * a + 1) * b for a, b in zip(channels, channels[1:], strict=False)]
    learn = (channels[-1] + 1) * classes
    for _ in range(last):
        learn += sizes.pop()
    return [learn, sum(sizes)]


def learning_with_a_slice(channels, classes, last):
    sizes = [(9 * a + 1) * b for a, b in zip(channels, channels[1:], strict=False)]
    return sum(sizes[-last:]) + (channels[-1] + 1) * classes, sum(sizes[:-last])


def learning_without_biases(channels, classes, last):
    sizes = [9 * a * b for a, b in zip(channels, channels[1:], strict=False)]
    cut = len(sizes) - last
    return sum(sizes[cut:]) + channels[-1] * classes, sum(sizes[:cut])


def learning_without_the_output(channels, classes, last):
    learn, frozen = learning_backwards(channels, classes, last)
    return learn - (channels[-1] + 1) * classes, frozen


def learning_of_the_first(channels, classes, last):
    sizes = [(9 * a + 1) * b for a, b in zip(channels, channels[1:], strict=False)]
    return sum(sizes[:last]) + (channels[-1] + 1) * classes, sum(sizes[last:])


def learning_of_dense(channels, classes, last):
    sizes = [(a + 1) * b for a, b in zip(channels, channels[1:], strict=False)]
    cut = len(sizes) - last
    return sum(sizes[cut:]) + (channels[-1] + 1) * classes, sum(sizes[:cut])


ANSWERS = {
    "5.1": Answers(
        right=[backbone_channel_by_channel, backbone_of_keras],
        wrong=[
            (lambda image: image / 255, "Divides por 255"),
            (lambda image: image[..., ::-1] / 255 - [103.939, 116.779, 123.68], "antes de restar"),
            (lambda image: image[..., ::-1] - [123.68, 116.779, 103.939], "en el orden de antes"),
            (lambda image: image[..., ::-1] + [103.939, 116.779, 123.68], "Sumas las medias"),
            (lambda image: image[..., ::-1], "otros valores|siempre"),
            (lambda image: image[..., ::-1] - image.mean(), "otros valores"),
            (lambda image: image / 127.5 - 1, "otros valores"),
            (backbone_min_max, "de su mínimo a su máximo"),
            (backbone_still_red_green_blue, "la media del azul al rojo"),
            (backbone_upside_down, "cabeza abajo"),
        ],
    ),
    "5.2": Answers(
        right=[learning_of_keras, learning_backwards],
        wrong=[
            (lambda c, n, k: learning_backwards(c, n, k)[::-1], "están cambiados"),
            (lambda c, n, k: sum(learning_backwards(c, n, k)), "Se esperan 2 resultados"),
            (lambda c, n, k: learning_of_the_first(c, n, k), "las *primeras*"),
            (lambda c, n, k: learning_of_dense(c, n, k), "como una capa densa"),
            (lambda c, n, k: (sum(learning_backwards(c, n, k)), 0), "otros valores|El resultado 2"),
            (lambda c, n, k: learning_backwards(c, n, k + 1), "Ese lugar no existe|ya está vacía"),
            (learning_with_a_slice, "lista[-0:] es lista[0:]"),
            (learning_without_biases, "Faltan los sesgos"),
            (learning_without_the_output, "Falta la capa nueva"),
        ],
    ),
}
