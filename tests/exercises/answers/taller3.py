"""What students answer in Taller 3."""

from collections import Counter

import keras
import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from course.datasets import splits
from tests.exercises.answers import Answers

# ---- 3.1


def class_one_by_one(labels):
    classes = []
    for label in labels:
        if label < 9:
            classes.append(label)
        else:
            classes.append(label - 1)
    return classes


def class_from_a_table(labels):
    table = {label: i for i, label in enumerate([*range(9), *range(10, 25)])}
    return np.vectorize(table.get)(labels)


def class_as_it_comes(labels):
    return labels.copy()


def class_one_less(labels):
    return [label - 1 for label in labels]


def class_from_i(labels):
    return np.where(labels < 8, labels, labels - 1)


# ---- 3.2


def split_of_scikit_learn(labels, groups, fraction):
    folds = StratifiedGroupKFold(round(1 / fraction), shuffle=True)
    return next(folds.split(labels, labels, groups))[1]


def split_of_the_course(labels, groups, fraction):
    held = np.zeros(len(labels), bool)
    held[splits.grouped(labels, groups, fraction)[1]] = True
    return held


def split_of_images(labels, groups, fraction):
    everything = np.arange(len(labels))
    return train_test_split(everything, test_size=fraction, stratify=labels)[1]


def split_at_the_front(labels, groups, fraction):
    return list(range(int(fraction * len(labels))))


def split_of_sorted_photographs(labels, groups, fraction):
    photographs = sorted(set(groups))
    validation = photographs[-int(fraction * len(photographs)) :]
    return [i for i, photograph in enumerate(groups) if photograph in validation]


def split_of_one_photograph_each(labels, groups, fraction):
    first = [groups[labels == label].min() for label in set(labels)]
    return [i for i, photograph in enumerate(groups) if photograph in first]


# ---- 3.3


def vote_with_counter(predictions, labels, groups):
    votes, truth = {}, {}
    for predicted, label, group in zip(predictions, labels, groups, strict=True):
        votes.setdefault(group, Counter())[predicted] += 1
        truth[group] = label
    return sum(votes[g].most_common(1)[0][0] == truth[g] for g in votes) / len(votes)


def vote_with_one_hot(predictions, labels, groups):
    names, photograph = np.unique(groups, return_inverse=True)
    members = np.eye(len(names))[photograph]
    winners = (members.T @ np.eye(24)[predictions]).argmax(1)
    truth = (members.T @ np.eye(24)[labels]).argmax(1)
    return keras.ops.mean(winners == truth)


def vote_of_images(predictions, labels, groups):
    return (np.array(predictions) == labels).sum() / len(labels)


def vote_shares(predictions, labels, groups):
    shares = [(predictions[groups == g] == labels[groups == g]).mean() for g in set(groups)]
    return sum(shares) / len(shares)


def vote_majority_of_all(predictions, labels, groups):
    good = 0
    for g in set(groups):
        hits = predictions[groups == g] == labels[groups == g]
        good += 2 * hits.sum() > len(hits)
    return good / len(set(groups))


# ---- 3.4


def residual_of_keras(x, W1, W2):
    x, W1, W2 = (keras.ops.convert_to_tensor(a, "float32") for a in (x, W1, W2))
    return keras.ops.relu(keras.ops.relu(x @ W1) @ W2 + x)


def residual_row_by_row(x, W1, W2):
    rows = []
    for row in x:
        hidden = row.dot(W1)
        hidden[hidden < 0] = 0
        rows.append([max(v, 0) for v in row + hidden.dot(W2)])
    return rows


def residual_without_a_shortcut(x, W1, W2):
    f = np.dot(np.clip(np.dot(x, W1), 0, None), W2)
    return np.clip(f, 0, None)


def residual_without_the_last(x, W1, W2):
    f = np.matmul(np.where(x @ W1 > 0, x @ W1, 0), W2)
    return f + x


def residual_one_too_many(x, W1, W2):
    def relu(z):
        return z * (z > 0)

    return relu(relu(relu(x @ W1) @ W2) + x)


def vote_of_the_last(predictions, labels, groups):
    said = dict(zip(groups, predictions, strict=True))
    truth = dict(zip(groups, labels, strict=True))
    return sum(said[name] == truth[name] for name in truth) / len(truth)


def vote_by(choose, predictions, labels, groups):
    right = 0
    for name in set(groups):
        right += choose(predictions[groups == name]) == labels[groups == name][0]
    return right / len(set(groups))


ANSWERS = {
    "3.1": Answers(
        right=[class_one_by_one, class_from_a_table],
        wrong=[
            (lambda labels: np.where(labels >= 8, labels - 1, labels), "una letra antes"),
            (lambda labels: np.where(labels > 10, labels - 1, labels), "una letra después"),
            (lambda labels: labels + 1 * (labels > 9), "lado contrario"),
            (lambda labels: labels % 24, "El resto de dividir"),
            (lambda labels: labels[labels != 9], "tal como viene"),
            (lambda labels: labels - 1 if labels > 9 else labels, "ni verdadero ni falso"),
            (lambda labels: [k - 1 for k in labels if k > 9], "La forma"),
            (lambda labels: np.where(labels < 9, labels - 1, labels), "otros valores"),
            (class_as_it_comes, "tal como viene"),
            (class_one_less, "queda en -1"),
            (class_from_i, "una letra antes"),
        ],
    ),
    "3.2": Answers(
        right=[split_of_scikit_learn, split_of_the_course],
        wrong=[
            (lambda t, g, f: np.unique(g), "¿son números de fotografía?"),
            (lambda t, g, f: np.flatnonzero(t == 0), "letra"),
            (lambda t, g, f: np.arange(len(t)), "letra|tamaño"),
            (lambda t, g, f: np.arange(len(t))[:: round(1 / f)], "gemelas"),
            (lambda t, g, f: (np.arange(9), np.arange(9)), "tupla de dos cosas"),
            (lambda t, g, f: np.flatnonzero(np.isin(g, np.unique(g)[::2])), "tamaño no es"),
            (split_of_images, "gemelas"),
            (split_at_the_front, "un tramo seguido de la lista"),
            (split_of_sorted_photographs, "van letra por letra"),
            (split_of_one_photograph_each, "una cantidad fija"),
        ],
    ),
    "3.3": Answers(
        right=[vote_with_counter, vote_with_one_hot],
        wrong=[
            (vote_of_the_last, "Cuenta solo la última copia"),
            (lambda p, t, g: vote_by(np.median, p, t, g), "la mediana"),
            (
                lambda p, t, g: vote_by(lambda v: round(np.mean(v)), p, t, g),
                "Promedias los números",
            ),
            (lambda p, t, g: vote_by(max, p, t, g), "alfabeto"),
            (lambda p, t, g: vote_by(lambda v: v[0], p, t, g), "la primera copia"),
            (lambda p, t, g: 1 - vote_by(lambda v: np.bincount(v).argmax(), p, t, g), "*falla*"),
            (lambda p, t, g: len(set(g)), "otros valores|entre 0 y 1"),
            (vote_of_images, "exactitud por imagen"),
            (vote_shares, "no tiene decimales"),
            (vote_majority_of_all, "más de la mitad"),
        ],
    ),
    "3.4": Answers(
        right=[residual_of_keras, residual_row_by_row],
        wrong=[
            (lambda x, A, B: np.maximum(x + x @ A @ B, 0), "entre W1 y W2"),
            (lambda x, A, B: np.maximum(x * A, 0), "emparejar"),
            (
                lambda x, A, B: np.maximum(x + np.maximum(x @ B, 0) @ A, 0),
                "producto de matrices|valores",
            ),
            (lambda x, A, B: max(x @ A, 0), "ni verdadero ni falso"),
            (lambda x, A, B: np.hstack([x, np.maximum(x @ A, 0) @ B]), "al lado de f(x)"),
            (lambda x, A, B: np.maximum(x - np.maximum(x @ A, 0) @ B, 0), "otros valores"),
            (residual_without_a_shortcut, "Falta el atajo"),
            (residual_without_the_last, "falta la ReLU del final"),
            (residual_one_too_many, "una ReLU de más"),
        ],
    ),
}
