"""What students answer in Taller 2."""

import math

import numpy as np

from tests.exercises.answers import Answers

# ---- 2.1


def conv2d_of_keras(kernel_size, channels, filters, use_bias=True):
    import keras

    layer = keras.layers.Conv2D(filters, kernel_size, use_bias=use_bias)
    layer.build((None, 9, 9, channels))
    return layer.count_params()


def conv2d_filter_by_filter(kernel_size, channels, filters, use_bias=True):
    one = math.prod(kernel_size) * channels + use_bias
    return sum(one for _ in range(filters))


# ---- 2.2


def flattened_by_recursion(side, filters):
    side = math.floor((side - 2) / 2)
    if len(filters) > 1:
        return flattened_by_recursion(side, filters[1:])
    return float(filters[0] * side**2)


def flattened_by_the_foundations(side, filters):
    from course.foundations.convolution import convolve, max_pool

    image = np.zeros((side, side))
    for _ in filters:
        image = max_pool(convolve(image, np.ones((3, 3))), 2)
    return image.size * filters[-1]


def flattened_at_another_side(side, filters):
    for _ in filters:
        side = side // 2
    return side**2 * filters[-1]


def flattened_with_fractions(side, filters):
    for _ in filters:
        side = (side - 2) / 2
    return side**2 * filters[-1]


# ---- 2.3


def softmax_row_by_row(z):
    out = []
    for row in z.tolist():
        e = [math.exp(value - max(row)) for value in row]
        out.append([value / sum(e) for value in e])
    return out


def softmax_of_keras(z):
    import keras

    return keras.ops.softmax(z)


def softmax_naive(z):
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


def softmax_of_columns(z):
    e = np.exp(z)
    return e / e.sum(axis=0)


# ---- 2.4


def cross_entropy_by_one_hot(labels, probabilities):
    t = np.eye(probabilities.shape[1])[labels]
    return np.mean(-np.sum(t * np.log(probabilities), axis=-1))


def cross_entropy_of_keras(labels, probabilities):
    import keras

    return keras.losses.SparseCategoricalCrossentropy()(labels, probabilities.astype("float32"))


def cross_entropy_without_mean(labels, probabilities):
    return sum(-math.log(row[label]) for label, row in zip(labels, probabilities, strict=True))


def cross_entropy_of_everything(labels, probabilities):
    t = np.eye(probabilities.shape[1])[labels]
    return -np.mean(t * np.log(probabilities))


def cross_entropy_from_one(labels, probabilities):
    return -np.mean(np.log([row[k - 1] for k, row in zip(labels, probabilities, strict=True)]))


# ---- 2.5


def class_accuracy_by_scikit_learn(confusion):
    from sklearn.metrics import recall_score

    places = [divmod(i, len(confusion)) for i in range(confusion.size)]
    pairs = np.repeat(places, confusion.ravel(), axis=0)
    return recall_score(pairs[:, 0], pairs[:, 1], average=None)


def class_accuracy_in_a_list(confusion):
    return [row[k] / sum(row) for k, row in enumerate(confusion.tolist())]


def class_accuracy_of_columns(confusion):
    return class_accuracy_in_a_list(confusion.T)


def flattened_rounded(side, filters):
    for _ in filters:
        side = round((side - 2) / 2)
    return side * side * filters[-1]


def softmax_less_the_minimum(z):
    e = np.exp(z - z.min(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


ANSWERS = {
    "2.1": Answers(
        right=[conv2d_of_keras, conv2d_filter_by_filter],
        wrong=[
            (lambda k, c, f, b=True: k[0] ** 2 * c * f + f * b, "cuadrado"),
            (lambda k, c, f, b=True: k[0] * k[1] * c * f + c * b, "canal de *entrada*"),
            (lambda k, c, f, b=True: (sum(k) * c + b) * f, "otros valores"),
            (lambda k, c, f, b=True: k * k * c * f + f * b, "no es un entero|de esos tipos"),
            (lambda k, c, f, b=True: (k[0] * k[1] + b) * c * f, "canal y filtro"),
            (lambda k, c, f, b=True: k[0] * k[1] * c + b, "otros valores"),
            (lambda k, c, f, b=True: (k[0] * k[1] * c + (not b)) * f, "otros valores"),
            (lambda k, c, f, b=True: k[0] * k[1] * c * f, "Olvidaste los sesgos"),
            (lambda k, c, f, b=True: k[0] * k[1] * f + f * b, "Olvidaste los canales"),
            (lambda k, c, f, b=True: (k[0] * k[1] * c + 1) * f, "Sumas los sesgos siempre"),
            (lambda k, c, f, b=True: k[0] * k[1] * c * f + b, "un solo sesgo"),
        ],
    ),
    "2.2": Answers(
        right=[flattened_by_recursion, flattened_by_the_foundations],
        wrong=[
            (lambda s, f: flattened_by_recursion(s, f) // f[-1] * sum(f), "Sumaste los filtros"),
            (
                lambda s, f: flattened_by_recursion(s, f) // f[-1] * int(np.prod(f)),
                "Multiplicaste los filtros",
            ),
            (lambda s, f: (flattened_by_recursion(s, f) * f[-1]) ** 0.5, "un solo lado"),
            (lambda s, f: flattened_rounded(s, f), "Usas round"),
            (lambda s, f: s * s * f[-1], "otros valores"),
            (lambda s, f: (s - 2) ** 2 * f[-1], "otros valores"),
            (lambda s, f: flattened_by_recursion(s, f[::-1]), "otros valores|filtros"),
            (flattened_at_another_side, "como si hubiera padding"),
            (flattened_with_fractions, "medios píxeles"),
            (lambda side, f: flattened_by_recursion(side, f) / f[-1], "los lugares"),
            (lambda side, f: flattened_by_recursion(side, f[-1:]), "un solo nivel"),
        ],
    ),
    "2.3": Answers(
        right=[softmax_row_by_row, softmax_of_keras],
        wrong=[
            (lambda z: np.exp(z - z.min(axis=1, keepdims=True)), "otros valores|inf|resta"),
            (softmax_less_the_minimum, "se desborda. Resta el *mayor*"),
            (lambda z: np.exp(z - z.max(axis=1)), "keepdims"),
            (lambda z: z / z.sum(axis=1, keepdims=True), "sin elevar e"),
            (lambda z: 1 / (1 + np.exp(-z)), "sigmoide"),
            (lambda z: np.log(softmax_row_by_row(z)), "el logaritmo"),
            (
                lambda z: [math.exp(x) / sum(map(math.exp, row)) for row in z for x in row],
                "desborda",
            ),
            (lambda z: np.argmax(z, axis=1), "eje"),
            (lambda z: np.round(softmax_row_by_row(z), 2), "Redondeaste"),
            (softmax_naive, "se desborda"),
            (softmax_of_columns, "Suman 1 las columnas"),
            (lambda z: softmax_naive(z - z.max()), "de *todo* el arreglo"),
            (lambda z: np.exp(z), "falta dividir"),
            (lambda z: np.transpose(softmax_row_by_row(z)), "ejes están intercambiados"),
        ],
    ),
    "2.4": Answers(
        right=[cross_entropy_by_one_hot, cross_entropy_of_keras],
        wrong=[
            (lambda t, p: -np.log(np.mean(p[range(len(t)), t])), "orden importa"),
            (lambda t, p: np.mean(np.log(p[range(len(t)), t])), "signo menos"),
            (lambda t, p: -np.log(p[:, t]).mean(), "en *todas* las filas"),
            (lambda t, p: -np.log10(p[range(len(t)), t]).mean(), "logaritmo decimal"),
            (lambda t, p: -np.log(p.max(axis=1)).mean(), "más alta de cada fila"),
            (lambda t, p: -np.log(p).mean(), "otros valores"),
            (lambda t, p: -np.log(p[range(len(t)), t]), "Falta promediarlas"),
            (lambda t, p: -(t * np.log(p)).sum(), "emparejar|otros valores"),
            (lambda t, p: 1 - np.mean(p[range(len(t)), t]), "Falta el logaritmo"),
            (cross_entropy_without_mean, "Sumaste las pérdidas"),
            (cross_entropy_of_everything, "también sobre las clases"),
            (cross_entropy_from_one, "corridas en uno"),
        ],
    ),
    "2.5": Answers(
        right=[
            class_accuracy_by_scikit_learn,
            class_accuracy_in_a_list,
            lambda c: {k: row[k] / sum(row) for k, row in enumerate(c)},
        ],
        wrong=[
            (lambda c: c.max(axis=1) / c.sum(axis=1), "número más grande de cada fila"),
            (lambda c: np.diag(c) / c.sum(), "total de imágenes"),
            (lambda c: np.trace(c) / c.sum(), "exactitud global"),
            (lambda c: c.max(axis=0) / c.sum(axis=0), "otros valores|columna"),
            (lambda c: np.diag(c) // c.sum(axis=1), "siempre 0|Perdiste"),
            (lambda c: c / c.sum(axis=1), "diagonal|mira qué eje"),
            (lambda c: [c[i][i] for i in range(len(c))], "aciertos, en cantidad"),
            (lambda c: (c.sum(axis=1) - np.diag(c)) / c.sum(axis=1), "*no* reconoció"),
            (lambda c: np.mean(class_accuracy_in_a_list(c)), "sin promediar"),
            (class_accuracy_of_columns, "Intercambiaste los ejes"),
            (lambda c: class_accuracy_in_a_list(c)[::-1], "orden inverso"),
        ],
    ),
}
