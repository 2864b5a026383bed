"""The exercises of Taller 5: what a borrowed network expects, and what of it learns."""

import functools

import numpy as np

from course.exercises.diagnosis import Mistake
from course.exercises.exercise import Exercise

# ---- 5.1


def for_vgg19(image):
    blue_green_red = image[..., ::-1]
    return blue_green_red - np.array([103.939, 116.779, 123.68])


_MEANS = np.array([103.939, 116.779, 123.68])  # blue, green, red


def _as_keras_does(image):
    import keras

    return keras.applications.vgg19.preprocess_input(image.astype("float32"))


def _draw_pictures(random):
    """A few pixels each, of all brightnesses and of no symmetry."""
    return [(random.integers(0, 256, size=shape),) for shape in ((1, 2, 3), (2, 1, 3), (2, 2, 3))]


BACKBONE = Exercise(
    number="5.1",
    title="Píxeles como los espera VGG19",
    statement="""\
Una red prestada aprendió con píxeles preparados de una manera, y hay que prepararlos igual. VGG19
espera los canales en orden azul, verde, rojo, y a cada uno le resta la media de ese color en
ImageNet: `103.939` al azul, `116.779` al verde y `123.68` al rojo. No divide por nada. Escribe
`for_vgg19(image)` para una imagen en rojo, verde, azul de 0 a 255, de forma (alto, ancho, 3).""",
    hints=(
        "El último eje son los canales. Para invertirlo sin tocar filas ni columnas: "
        "image[..., ::-1].",
        "Después de invertirlo el orden es azul, verde, rojo. Resta un arreglo de tres números "
        "en ese mismo orden: NumPy lo aplica a cada píxel.",
    ),
    example=(np.array([[[255, 0, 0], [0, 0, 255]]]),),
    draw=_draw_pictures,
    right=_as_keras_does,
    mistakes=(
        Mistake(
            lambda image: (image - image.min()) / (image.max() - image.min()),
            "Llevas cada imagen de su mínimo a su máximo, de 0 a 1. Así una radiografía oscura y "
            "una clara quedan iguales, y ninguna como las que vio VGG19. Las medias son fijas, las "
            "de ImageNet, y no se divide por nada.",
        ),
        Mistake(
            lambda image: image / 255,
            "Divides por 255. Muchas redes esperan píxeles de 0 a 1, pero VGG19 no: los espera de "
            "0 a 255 menos una media, y en orden azul, verde, rojo.",
        ),
        Mistake(
            lambda image: image[..., ::-1] / 255 - _MEANS,
            "Divides por 255 antes de restar, y las medias están en la escala de 0 a 255: todo "
            "queda cerca de -110. No dividas.",
        ),
        Mistake(
            lambda image: (image[..., ::-1] - _MEANS) / 255,
            "Después de restar divides por 255. VGG19 no divide por nada.",
        ),
        Mistake(
            lambda image: image - _MEANS,
            "Restas la media del azul al rojo y la del rojo al azul: la imagen sigue en orden "
            "rojo, verde, azul. Primero invierte los canales.",
        ),
        Mistake(
            lambda image: image - _MEANS[::-1],
            "A cada color le restas lo suyo, pero queda en orden rojo, verde, azul. VGG19 espera "
            "el azul primero: invierte el último eje.",
        ),
        Mistake(
            lambda image: image[..., ::-1] - _MEANS[::-1],
            "Invertiste los canales, y las medias quedaron en el orden de antes: al azul le "
            "restas la del rojo.",
        ),
        Mistake(
            lambda image: image[::-1] - _MEANS,
            "image[::-1] invierte las *filas*, y la imagen queda cabeza abajo. Los canales son el "
            "último eje: image[..., ::-1].",
        ),
        Mistake(
            lambda image: image[..., ::-1] - image[..., ::-1].mean(axis=(0, 1)),
            "Restas la media de *esta* imagen, y así se pierde si era clara u oscura. Las medias "
            "son las de ImageNet, siempre las mismas.",
        ),
        Mistake(
            lambda image: image[..., ::-1] + _MEANS,
            "Sumas las medias; se restan.",
        ),
    ),
    solution=for_vgg19,
    explanation="""\
Lo que cuenta no es cuál preparación es mejor, sino que sea *la misma* con la que aprendió la red.
Con otra no hay ningún error, solo una nota peor. ResNet50 espera lo mismo que VGG19; MobileNetV2,
de -1 a 1; EfficientNet, de 0 a 255. Por eso en este curso esa cuenta va dentro del modelo, en la
capa `preprocess`, y no se puede olvidar.""",
)

# ---- 5.2


def learning_parameters(channels, classes, last):
    convolutions = []
    for i in range(len(channels) - 1):
        kernel = 3 * 3 * channels[i] * channels[i + 1]
        convolutions.append(kernel + channels[i + 1])
    output = channels[-1] * classes + classes
    frozen = sum(convolutions[: len(convolutions) - last])
    return sum(convolutions) - frozen + output, frozen


def _count(channels, classes, last, side=3, bias=1, output=True, thawed=None):
    """(learns, frozen) of arrays; `thawed` picks the convolutions that learn."""
    sizes = np.array(
        [(side**2 * a + bias) * b for a, b in zip(channels, channels[1:], strict=False)]
    )
    places = np.arange(len(sizes))
    learns = places >= len(sizes) - last if thawed is None else thawed(places, last)
    top = (channels[-1] + bias) * classes if output else 0
    return int(sizes[learns].sum() + top), int(sizes[~learns].sum())


def _draw_networks(random):
    """Networks of three or four convolutions; nothing thawed, everything, and in between."""
    draws = []
    for convolutions, last in ((3, 0), (3, 1), (4, 2), (3, 3)):
        widths = random.choice([4, 8, 16, 32], size=convolutions, replace=False)
        draws.append(([3, *map(int, widths)], int(random.integers(2, 6)), last))
    return draws


FROZEN = Exercise(
    number="5.2",
    title="Congelada y descongelada, en números",
    statement="""\
Una red prestada tiene convoluciones de 3x3 con sesgo; `channels` son sus canales, de la entrada en
adelante: [3, 8, 16] son dos convoluciones, de 3 a 8 y de 8 a 16. Después se promedia cada canal, y
una capa densa con sesgo, nueva, da `classes` salidas. Escribe `learning_parameters(channels,
classes, last)`, que devuelve dos números: cuántos parámetros aprenden si se descongelan las últimas
`last` convoluciones (la capa nueva aprende siempre), y cuántos quedan congelados.""",
    hints=(
        "Una convolución de 3x3 de a canales a b tiene 3 * 3 * a * b pesos y b sesgos.",
        "La capa densa recibe un número por canal de la última convolución: canales * clases "
        "pesos, y un sesgo por clase.",
        "Cuidado con last = 0: lista[-0:] es lista[0:], ¡la lista entera! Mejor corta por "
        "len(lista) - last.",
    ),
    example=([3, 8, 16], 2, 1),
    draw=_draw_networks,
    right=_count,
    mistakes=(
        Mistake(
            functools.partial(_count, bias=0),
            "Faltan los sesgos: uno por cada filtro de una convolución, y uno por cada salida de "
            "la capa densa.",
        ),
        Mistake(
            functools.partial(_count, side=1),
            "Cuentas cada convolución como una capa densa. Un filtro de 3x3 tiene nueve pesos por "
            "cada canal que recibe.",
        ),
        Mistake(
            functools.partial(_count, output=False),
            "Falta la capa nueva, la de la salida: aprende siempre, también con la red congelada. "
            "Sin ella y con last = 0 no aprendería nada.",
        ),
        Mistake(
            functools.partial(_count, thawed=lambda places, last: places < last),
            "Descongelas las *primeras* convoluciones. Son las últimas: las primeras buscan bordes "
            "y texturas, que sirven igual para otras imágenes.",
        ),
        Mistake(
            functools.partial(_count, thawed=lambda places, last: places >= -last % len(places)),
            "Todo bien, menos con last = 0: lista[-0:] es lista[0:], la lista entera, y con la red "
            "congelada resulta que todo aprende. Corta por len(lista) - last.",
        ),
        Mistake(
            lambda *inputs: _count(*inputs)[::-1],
            "Los dos números están cambiados: primero cuántos aprenden, después cuántos quedan "
            "congelados.",
        ),
        Mistake(
            lambda *inputs: (sum(_count(*inputs)), _count(*inputs)[1]),
            "El primer número son *todos* los parámetros. Los congelados no aprenden: réstalos.",
        ),
    ),
    solution=learning_parameters,
    explanation="""\
Keras da los mismos números con `model.summary()`: *trainable* y *non-trainable params*. Con VGG19 y
dos clases, congelada, aprenden 1026 de 20 millones: por eso bastan pocas imágenes. Y fíjate en
`lista[-0:]`: un error que no avisa, solo entrena otra cosa.""",
)

EXERCISES = (BACKBONE, FROZEN)
