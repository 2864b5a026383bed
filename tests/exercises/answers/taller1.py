"""What students answer in Taller 1."""

import numpy as np

from tests.exercises.answers import Answers

# ---- 1.1


def parameters_of_the_foundations(inputs, units, outputs):
    from course.foundations.backprop import MLP

    network = MLP((inputs, *units, outputs))
    return np.float32(sum(array.size for array in network.weights + network.biases))


def parameters_layer_by_layer(inputs, units, outputs):
    total, before = 0, inputs
    for neurons in list(units) + [outputs]:
        total += before * neurons
        total += neurons
        before = neurons
    return [total]


def parameters_without_bias(inputs, units, outputs):
    total, before = 0, inputs
    for neurons in [*units, outputs]:
        total, before = total + before * neurons, neurons
    return total


def parameters_without_output(inputs, units, outputs):
    total, before = 0, inputs
    for neurons in units:
        total, before = total + before * neurons + neurons, neurons
    return total


# ---- 1.2


def fill_one_by_one(train, new):
    known = sorted(x for x in train.tolist() if x == x)
    half = len(known) // 2
    median = known[half] if len(known) % 2 else (known[half - 1] + known[half]) / 2
    return [median if x != x else x for x in new], [x != x for x in new]


def fill_with_a_mask(train, new):
    filled, missing = new.astype("float32"), np.isnan(new)
    filled[missing] = np.median(train[~np.isnan(train)])
    return filled, missing * 1


def fill_from_new(train, new):
    return np.nan_to_num(new, nan=np.nanmedian(new)), np.isnan(new)


def fill_then_look(train, new):
    new = new.copy()
    new[np.isnan(new)] = np.nanmedian(train)
    return new, np.isnan(new).astype(int)


def fill_by_equality(train, new):
    return np.where(new == np.nan, np.nanmedian(train), new), (new == np.nan) * 1.0


def fill_with_a_contagious_median(train, new):
    return np.where(np.isnan(new), np.median(train), new), np.isnan(new) * 1.0


# ---- 1.3


def standardize_with_loops(train, new):
    out = []
    for table in (train, new):
        columns = []
        for k in range(train.shape[1]):
            mean = sum(train[:, k]) / len(train)
            std = (sum((train[:, k] - mean) ** 2) / len(train)) ** 0.5 or 1.0
            columns.append([(value - mean) / std for value in table[:, k]])
        out.append(np.transpose(columns))
    return out


def standardize_in_place_of_a_copy(train, new):
    train, new = train.astype("float32"), new.astype("float32")
    new -= train.mean(0)
    train -= train.mean(0)
    std = np.sqrt((train**2).mean(0))
    std[std < 1e-6] = 1
    return train / std, new / std


def standardize_each_by_itself(train, new):
    return [(t - t.mean(axis=0)) / t.std(axis=0) for t in (train, new)]  # 0/0 as well


def standardize_together(train, new):
    both = np.vstack([train, new])
    mean, std = both.mean(0), both.std(0)
    return (train - mean) / std, (new - mean) / std


# ---- 1.4


def r2_of_lists(y_true, y_pred):
    y, p = y_true.tolist(), [row[0] for row in y_pred]
    mean = sum(y) / len(y)
    return 1 - sum((a - b) ** 2 for a, b in zip(y, p, strict=True)) / sum(
        (a - mean) ** 2 for a in y
    )


def r2_of_keras(y_true, y_pred):
    import keras

    metric = keras.metrics.R2Score()
    metric.update_state(y_true[:, None].astype("float32"), y_pred.astype("float32"))
    return metric.result()


def r2_broadcast(y_true, y_pred):
    error = ((y_true - y_pred) ** 2).sum()
    return 1 - error / ((y_true - y_true.mean()) ** 2).sum()


def r2_broadcast_mean(y_true, y_pred):
    return 1 - ((y_true - y_pred) ** 2).mean() / y_true.var()


def r2_swapped(y_true, y_pred):
    return r2_of_lists(y_pred[:, 0], y_true[:, None])


def standardize_by_a_layer(train, new):
    import keras

    variance = train.var(axis=0)
    variance[variance == 0] = 1
    layer = keras.layers.Normalization(mean=train.mean(axis=0), variance=variance)
    return layer(train), layer(new)


ANSWERS = {
    "1.1": Answers(
        right=[parameters_of_the_foundations, parameters_layer_by_layer],
        wrong=[
            (lambda i, u, o: parameters_without_bias(i, u, o) + 1, "un solo sesgo"),
            (lambda i, u, o: parameters_without_bias(i, u, o) + sum(u), "neuronas de salida"),
            (
                lambda i, u, o: parameters_without_bias(i, u, o) + i + sum(u) + o,
                "también a las entradas",
            ),
            (lambda i, u, o: i + sum(u) + o, "otros valores"),
            (
                lambda i, u, o: parameters_without_bias(i, u[:1], o) + sum(u[:1]) + o,
                "otros valores",
            ),
            (lambda i, u, o: sum([i] + u), "Una lista y una tupla no se suman"),
            (lambda i, u, o: (i + 1) * u[0] + (u[-1] + 1) * o, "Ese lugar no existe"),
            (lambda i, u, o: i * sum(u) * o, "otros valores"),
            (lambda i, u, o: 2 * parameters_layer_by_layer(i, u, o)[0], "el doble"),
            (parameters_without_bias, "Olvidaste los sesgos"),
            (parameters_without_output, "capa de salida"),
            (lambda i, u, o: parameters_without_bias(i, u, o) + len(u) + 1, "un sesgo por capa"),
        ],
    ),
    "1.2": Answers(
        right=[fill_one_by_one, fill_with_a_mask],
        wrong=[
            (lambda train, new: fill_one_by_one(train, new)[::-1], "están cambiados"),
            (lambda train, new: fill_one_by_one(train, new)[0], "Se esperan 2 resultados"),
            (lambda train, new: (np.nan_to_num(new), np.isnan(new)), "Rellenaste con 0"),
            (lambda a, b: (fill_one_by_one(a, b)[0], ~np.isnan(b)), "indicador está al revés"),
            (
                lambda a, b: (np.where(np.isnan(b), np.nanmean(a), b), np.isnan(b)),
                "Usaste el promedio",
            ),
            (lambda a, b: fill_one_by_one([*a, *b] * np.ones(12), b), "las dos columnas juntas"),
            (lambda a, b: (b[~np.isnan(b)], np.isnan(b)), "en un eje"),
            (lambda a, b: (fill_one_by_one(a, b)[0], np.isnan(a)), "La forma"),
            (
                lambda a, b: (np.where(np.isnan(b), b, np.nanmedian(a)), np.isnan(b)),
                "Están al revés",
            ),
            (fill_from_new, "Usaste la mediana de `new`"),
            (fill_then_look, "después de rellenar"),
            (fill_by_equality, "ni a sí mismo"),
            (fill_with_a_contagious_median, "se contagia"),
        ],
    ),
    "1.3": Answers(
        right=[
            standardize_with_loops,
            standardize_in_place_of_a_copy,
            standardize_by_a_layer,
        ],
        wrong=[
            (lambda a, b: standardize_with_loops(a, b)[::-1], "están cambiados"),
            (lambda a, b: [(t - a.mean(0)) / (a.std(0) + 1e-8) for t in (a, b)], "gigantesco"),
            (lambda a, b: [(t - a.mean(0)) / np.maximum(a.std(0), 1e-7) for t in (a, b)], "Keras"),
            (lambda a, b: standardize_with_loops(a, b)[0], "Se esperan 2 resultados|La forma"),
            (lambda a, b: [(t - a.mean(0)) / a.std(0, ddof=1) for t in (a, b)], "ddof=1|NaN"),
            (
                lambda a, b: [np.nan_to_num((t - a.mean(0)) / a.std(0)) for t in (a, b)],
                "nan_to_num",
            ),
            (lambda a, b: [t - a.mean(0) for t in (a, b)], "olvidaste dividir"),
            (lambda a, b: [(t - a.mean(1)) / a.std(1) for t in (a, b)], "emparejar"),
            (standardize_each_by_itself, "con su propia media"),
            (standardize_together, "fuga"),
            (lambda a, b: ((a - a.mean(0)) / a.std(0), (b - a.mean(0)) / a.std(0)), "no varía"),
            (
                lambda a, b: ((a - a.mean(0)) / a.std(), (b - a.mean(0)) / a.std()),
                "la desviación una sola para toda la tabla",
            ),
        ],
    ),
    "1.4": Answers(
        right=[r2_of_lists, r2_of_keras],
        wrong=[
            (lambda y, p: np.sqrt(np.mean((y - p[:, 0]) ** 2)), "otros valores"),
            (lambda y, p: np.mean((y - p[:, 0]) ** 2), "error cuadrático medio"),
            (lambda y, p: p[0], "otros valores"),
            (lambda y, p: 1 - np.sum(abs(y - p[:, 0])) / np.sum(abs(y - y.mean())), "absolutos"),
            (lambda y, p: 100 * r2_of_lists(y, p), "100 veces"),
            (lambda y, p: (y - p[:, 0]) ** 2, "un solo número"),
            (lambda y, p: 1 - np.sum((y - p[:, 0]) ** 2) / np.sum(y**2), "restar el promedio"),
            (lambda y, p: round(r2_of_lists(y, p), 2), "Redondeaste"),
            (r2_broadcast, "muy negativo"),
            (r2_broadcast_mean, "igual de falso"),
            (r2_swapped, "intercambiaste los argumentos"),
            (lambda y, p: np.corrcoef(y, p[:, 0])[0, 1] ** 2, "correlación al cuadrado"),
            (lambda y, p: 1 - r2_of_lists(y, p), "Falta el 1 menos"),
        ],
    ),
}
