"""What students answer in Taller 0."""

import math

import numpy as np

from tests.exercises.answers import Answers


def softplus_piece_by_piece(z):
    return [x if x > 30 else math.log1p(math.exp(x)) for x in z]


def softplus_of_keras(z):
    import keras

    return keras.ops.softplus(keras.ops.convert_to_tensor(z, "float32"))


def softplus_naive(z):
    e = np.exp(z)
    return np.log(e + 1)


def softplus_slope(z):
    e = np.exp(-z)
    return 1 / (1 + e)


def neuron_by_hand(x, w, b, t):
    z = b
    for xi, wi in zip(x, w, strict=True):
        z += xi * wi
    y = 1 / (1 + math.exp(-z))
    slope = math.exp(-z) / (1 + math.exp(-z)) ** 2
    return [[(y - t) * slope * xi for xi in x], (y - t) * slope]


def neuron_with_tanh(x, w, b, t):
    y = (1 + np.tanh((x @ w + b) / 2)) / 2  # the same sigmoid
    d = -(t - y) * (y - y**2)
    return np.float32(d) * x.astype("float32"), np.array([d])


def neuron_wrong_sign(x, w, b, t):
    y = 1 / (1 + np.exp(-(w @ x + b)))
    error = t - y
    return error * y * (1 - y) * x, error * y * (1 - y)


def neuron_without_slope(x, w, b, t):
    y = 1 / (1 + np.exp(-(w @ x + b)))
    return (y - t) * x, y - t


def neuron_only_weights(x, w, b, t):
    return neuron_by_hand(x, w, b, t)[0]


def conv_size_by_walking(size, kernel, stride=1, padding=0):
    places, corner = 0, -padding
    while corner + kernel <= size + padding:
        places, corner = places + 1, corner + stride
    return places


def conv_size_of_convolve(size, kernel, stride=1, padding=0):
    from course.foundations.convolution import convolve, pad

    image = pad(np.zeros((size, size)), padding)
    return np.array(convolve(image, np.ones((kernel, kernel)), stride=stride).shape)[0]


def max_pool_with_loops(image, size=2):
    out = []
    for i in range(image.shape[0] // size):
        row = []
        for j in range(image.shape[1] // size):
            row.append(max(max(r[j * size : j * size + size]) for r in image[i * size :][:size]))
        out.append(row)
    return out


def max_pool_of_keras(image, size=2):
    import keras

    pooled = keras.ops.max_pool(image[None, :, :, None].astype("float32"), size)
    return pooled[0, :, :, 0]


def max_pool_from_zero(image, size=2):
    out = np.zeros((image.shape[0] // size, image.shape[1] // size))
    for i in range(out.shape[0] * size):
        for j in range(out.shape[1] * size):
            out[i // size, j // size] = max(out[i // size, j // size], image[i, j])
    return out


def max_pool_step_by_step(image, size=2):
    rows, columns = image.shape
    return [
        [image[i : i + size, j : j + size].max() for j in range(columns - size + 1)]
        for i in range(rows - size + 1)
    ]


def max_pool_of_the_rest_too(image, size=2):
    rows, columns = image.shape
    return [
        [image[i : i + size, j : j + size].max() for j in range(0, columns, size)]
        for i in range(0, rows, size)
    ]


def max_pool_by_size_of_rows(image, size=2):
    rows = image[: len(image) // size * size].reshape(-1, size, image.shape[1])
    return rows.max(axis=1)


def mean_pool(image, size=2):
    rows, columns = np.array(image.shape) // size
    return image[: rows * size, : columns * size].reshape(rows, size, columns, size).mean((1, 3))


def neuron_moved_to_one_side(x, w, b, t, h=1e-2):
    def loss(w, b):
        return 0.5 * (t - 1 / (1 + np.exp(-(w @ x + b)))) ** 2

    here = loss(w, b)
    dw = [(loss(w + h * step, b) - here) / h for step in np.eye(len(w))]
    return dw, (loss(w, b + h) - here) / h


def neuron_over_the_weights(x, w, b, t):
    delta = neuron_by_hand(x, w, b, t)[1]
    return [delta * wi for wi in w], delta


def neuron_bias_of_all_inputs(x, w, b, t):
    dw, _ = neuron_by_hand(x, w, b, t)
    return dw, sum(dw)


def neuron_summed_over_the_inputs(x, w, b, t):
    dw, db = neuron_by_hand(x, w, b, t)
    return sum(dw), db


def neuron_after_a_step(x, w, b, t):
    dw, db = neuron_by_hand(x, w, b, t)
    return w - np.array(dw), b - db


def neuron_slope_of_tanh(x, w, b, t):
    y = (1 + np.tanh((x @ w + b) / 2)) / 2
    d = (y - t) * (1 - y**2)
    return d * x, d


ANSWERS = {
    "0.1": Answers(
        right=[softplus_piece_by_piece, softplus_of_keras],
        wrong=[
            (lambda z: np.log1p(np.exp(np.minimum(z, 500))), "Recortar z"),
            (lambda z: np.log(1 + np.exp(np.clip(z, -30, 30))), "Recortar z"),
            (lambda z: np.log10(1 + np.exp(z)), "logaritmo decimal"),
            (lambda z: [math.log(1 + math.exp(x)) for x in z], "se desborda"),
            (lambda z: max(z, 0) + np.log1p(np.exp(-abs(z))), "ni verdadero ni falso"),
            (lambda z: np.log(1 + np.e ^ z), "la potencia se escribe **"),
            (lambda z: z + np.log1p(np.exp(-z)), "inf"),
            (lambda z: np.log1p(np.exp(-abs(z))), "otros valores"),
            (lambda z: np.log(np.exp(z)) + 1, "inf|siempre"),
            (softplus_naive, "se desborda"),
            (softplus_slope, "sigmoide"),
            (lambda z: z * (z > 0), "Eso es ReLU"),
        ],
    ),
    "0.2": Answers(
        right=[neuron_by_hand, neuron_with_tanh],
        wrong=[
            (lambda x, w, b, t: neuron_by_hand(x, w, b, t)[::-1], "están cambiados"),
            (neuron_only_weights, "Se esperan 2 resultados"),
            (lambda x, w, b, t: (neuron_by_hand(x, w, b, t)[0], 0), "El resultado 2 es siempre"),
            (
                lambda x, w, b, t: [2 * np.array(d) for d in neuron_by_hand(x, w, b, t)],
                "Sale justo el doble",
            ),
            (neuron_over_the_weights, "Multiplicaste por w"),
            (neuron_bias_of_all_inputs, "otros valores"),
            (neuron_summed_over_the_inputs, "La forma de tu resultado es ()"),
            (neuron_after_a_step, "otros valores"),
            (neuron_slope_of_tanh, "otros valores"),
            (neuron_moved_to_one_side, "Te acercas|otros valores"),
            (neuron_wrong_sign, "signo está al revés"),
            (neuron_without_slope, "Falta un eslabón"),
        ],
    ),
    "0.3": Answers(
        right=[conv_size_by_walking, conv_size_of_convolve],
        wrong=[
            (lambda n, k, s=1, p=0: (n + 2 * p - k + 1) // s, "antes de dividir"),
            (lambda n, k, s=1, p=0: (n - k) // s + 1, "Olvidaste el padding"),
            (lambda n, k, s=1, p=0: n + 2 * p - k + 1, "Olvidaste el stride"),
            (lambda n, k, s=1, p=0: round((n + 2 * p - k) / s) + 1, "Usas round"),
            (lambda n, k, s=1, p=0: ((n + 2 * p - k) // s + 1) ** 2, "otros valores"),
            (lambda n, k, s=1, p=0: n // s, "otros valores"),
            (lambda n, k, s=1, p=0: int((n + 2 * p - k) / s), "Te falta uno"),
            (lambda n, k, s=1, p=0: math.ceil((n + 2 * p - k) / s) + 1, "hacia arriba"),
            (lambda n, k, s=1, p=0: (n + p - k) // s + 1, "un solo lado"),
            (lambda n, k, s=1, p=0: (n + 2 * p - k) / s + 1, "decimales"),
        ],
    ),
    "0.4": Answers(
        right=[max_pool_with_loops, max_pool_of_keras],
        wrong=[
            (lambda image, size=2: max_pool_with_loops(image, 2), "siempre de 2×2"),
            (lambda image, size=2: np.max(image), "un solo número"),
            (lambda image, size=2: image[::size, ::size], "La forma|esquina"),
            (lambda image, size=2: -np.array(max_pool_with_loops(-image, size)), "menor"),
            (max_pool_step_by_step, "Tus ventanas se traslapan"),
            (max_pool_of_the_rest_too, "Hay ventanas de más"),
            (lambda image, size=2: [max(row) for row in image], "forma"),
            (mean_pool, "Promediaste"),
            (max_pool_from_zero, "Empiezas con 0"),
            (max_pool_by_size_of_rows, "mira qué eje se reduce"),
            (lambda image, size=2: max_pool_with_loops(image.T, size), "ejes"),
        ],
    ),
    "0.5": Answers(
        right=[
            [[1, 0, -1]] * 3,
            np.array([[0, 0, 0], [-0.5, 0.5, 0], [0, 0, 0]], "float16"),
            ((3, 0, -3), (10, 0, -10), (3, 0, -3)),
        ],
        wrong=[
            ([[1, 1, 1], [0, 0, 0], [-1, -1, -1]], "ejes intercambiados"),
            ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], "no suman 0"),
            ([[-1, 0, 1], [-1, 0, 1], [-1, 0, 2]], "no suman 0"),
            ([[0, 0, 0], [0, 1, 0], [0, 0, 0]], "no suman 0"),
            ([-1, 0, 1], "3×3"),
            ([[-1, -1, -1], [0, 0, 0], [1, 1, 1]], "ejes intercambiados"),
            ([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], "cualquier dirección"),
            ([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], "no suman 0"),
            (np.zeros((3, 3)), "no responde a nada"),
            ([[1, 0, -1], [0, 0, 0], [-1, 0, 1]], "no responde a nada"),
        ],
    ),
}
