"""What students answer in Taller 6."""

import numpy as np
from scipy.stats import binomtest
from sklearn.utils.class_weight import compute_class_weight

from tests.exercises.answers import Answers

# ---- 6.1


def twins_by_sets(n, pairs):
    families = [{i} for i in range(n)]
    for a, b in pairs:
        joined = [family for family in families if a in family or b in family]
        families = [family for family in families if family not in joined]
        families.append(set().union(*joined))
    names = {i: f"familia {number}" for number, family in enumerate(families) for i in family}
    return [sorted(set(names.values())).index(names[i]) for i in range(n)]


def twins_by_powers(n, pairs):
    alike = np.eye(n, dtype=int)
    for a, b in pairs:
        alike[a, b] = alike[b, a] = 1
    reach = np.linalg.matrix_power(alike, n) > 0
    return reach.argmax(axis=1)


def twins_in_one_pass(n, pairs):
    group = list(range(n))
    for a, b in pairs:
        group[b] = group[a]
    return group


def twins_in_two_passes(n, pairs):
    group = list(range(n))
    for _ in range(2):
        for a, b in pairs:
            group[a] = group[b] = min(group[a], group[b])
    return group


def twins_with_a_dictionary(n, pairs):
    return [dict(pairs).get(i, i) for i in range(n)]


def twins_of_the_last_pair(n, pairs):
    group = {i: i for i in range(n)}
    for number, (a, b) in enumerate(pairs):
        group[a] = group[b] = 100 + number
    return list(group.values())


def twins_together(n, pairs):
    named = {i for pair in pairs for i in pair}
    return [-1 if i in named else i for i in range(n)]


# ---- 6.2


def leak_by_sets(groups, in_test):
    both = set(groups[in_test]) & set(groups[~in_test])
    return np.mean([group in both for group in groups[in_test]])


def leak_in_a_loop(groups, in_test):
    bad = total = 0
    for i, tested in enumerate(in_test):
        if tested:
            total += 1
            bad += any(groups[j] == groups[i] for j in range(len(groups)) if not in_test[j])
    return bad / total


def leak_of_patients(groups, in_test):
    tested = set(groups[in_test])
    return len(tested & set(groups[~in_test])) / len(tested)


def leak_of_all_patients(groups, in_test):
    return len(set(groups[in_test]) & set(groups[~in_test])) / len(set(groups))


# ---- 6.3


def weights_of_scikit_learn(labels):
    return compute_class_weight("balanced", classes=np.unique(labels), y=labels)


def weights_in_a_loop(labels):
    classes = sorted(set(labels.tolist()))
    return [len(labels) / (len(classes) * sum(labels == c)) for c in classes]


# ---- 6.4


def wilson_of_scipy(right, n):
    # its z has more digits than 1.96
    found = binomtest(right, n).proportion_ci(method="wilson", confidence_level=0.9500042097)
    return found.low, found.high


def wilson_over_one_denominator(right, n):
    z = 1.96
    centre, reach = right + z * z / 2, z * (right * (n - right) / n + z * z / 4) ** 0.5
    return np.array([centre - reach, centre + reach]) / (n + z * z)


def interval_wald(right, n):
    share = right / n
    error = (share * (1 - share) / n) ** 0.5
    return [share - 1.96 * error, share + 1.96 * error]


def of_scipy(level):
    def interval(right, n):
        found = binomtest(right, n).proportion_ci(method="wilson", confidence_level=level)
        return found.low, found.high

    return interval


def interval_without_the_last_division(right, n):
    ends = wilson_over_one_denominator(right, n)
    return ends * (n + 1.96**2) / n


def interval_around_the_share(right, n):
    low, high = wilson_over_one_denominator(right, n)
    return right / n - (high - low) / 2, right / n + (high - low) / 2


ANSWERS = {
    "6.1": Answers(
        right=[
            twins_by_sets,
            twins_by_powers,
            lambda n, pairs: np.array(twins_by_sets(n, pairs)) + 0.5,
        ],
        wrong=[
            (twins_in_one_pass, "las que ya iban con una de las dos"),
            (lambda n, p: twins_in_one_pass(n, [(b, a) for a, b in p]), "las que ya iban"),
            (twins_in_two_passes, "En cada vuelta por las parejas"),
            (twins_of_the_last_pair, "se la quita a las anteriores"),
            (twins_together, "en un solo grupo a todas las que tienen"),
            (lambda n, p: list(range(n)), "Cada imagen queda sola"),
            (lambda n, p: [any(i in pair for pair in p) for i in range(n)], "qué imágenes tienen"),
            (lambda n, p: [sum(i in pair for pair in p) for i in range(n)], "Cuentas cuántas"),
            (lambda n, p: [7] * n, "Todas quedan en un grupo"),
            (lambda n, p: twins_by_sets(n, p)[:-1], "Se espera un número de grupo"),
            (lambda n, p: max(twins_by_sets(n, p)), "Se espera un número de grupo"),
            (twins_with_a_dictionary, "otros valores|las que ya iban|otro orden"),
        ],
    ),
    "6.2": Answers(
        right=[leak_by_sets, leak_in_a_loop],
        wrong=[
            (lambda g, t: sum(np.isin(g[t], g[~t])), "Cuentas las imágenes"),
            (lambda g, t: np.isin(g[~t], g[t]).mean(), "Miras el otro lado"),
            (leak_of_patients, "Cuentas *pacientes* de la prueba"),
            (leak_of_all_patients, "qué parte de todos los pacientes"),
            (lambda g, t: np.isin(g[t], g[~t]).sum() / len(g), "Divides por todas las imágenes"),
            (lambda g, t: 1 - leak_by_sets(g, t), "está *bien*"),
            (lambda g, t: len(set(g[t]) & set(g[~t])) > 0, "Dices si hay alguna fuga"),
            (lambda g, t: len(set(g[t]) & set(g[~t])) / sum(t), "Divides pacientes por imágenes"),
            (lambda g, t: 100 * leak_by_sets(g, t), "100 veces lo correcto"),
            (lambda g, t: np.isin(g[t], g[~t]), "La forma|un solo número"),
        ],
    ),
    "6.3": Answers(
        right=[weights_of_scikit_learn, weights_in_a_loop],
        wrong=[
            (lambda y: np.bincount(y) / len(y), "la fracción de cada clase"),
            (lambda y: len(y) / np.bincount(y), "Falta dividir por k"),
            (lambda y: 1 / np.bincount(y), "Falta multiplicar por n / k"),
            (lambda y: 1 / (len(set(y)) * np.bincount(y)), "Falta n arriba"),
            (lambda y: max(np.bincount(y)) / np.bincount(y), "la cuenta de la clase mayor"),
            (lambda y: (1 / np.bincount(y)) / sum(1 / np.bincount(y)), "sumen 1"),
            (lambda y: 1 / weights_of_scikit_learn(y), "Está invertido"),
            (lambda y: [weights_of_scikit_learn(y)[label] for label in y], "un peso por *imagen*"),
            (lambda y: np.sqrt(weights_of_scikit_learn(y)), "Hay una raíz de más"),
            (lambda y: weights_of_scikit_learn(y) // 1, "Perdiste los decimales|otros valores"),
        ],
    ),
    "6.4": Answers(
        right=[wilson_of_scipy, wilson_over_one_denominator],
        wrong=[
            (interval_wald, "Ese es el intervalo simple"),
            (of_scipy(0.9000301), "el de 90 %"),
            (of_scipy(0.9900049), "el de 99 %"),
            (interval_without_the_last_division, "Falta dividir todo"),
            (interval_around_the_share, "lo pones alrededor de p"),
            (lambda r, n: wilson_over_one_denominator(n - r, n), "los errores por los aciertos"),
            (lambda r, n: 100 * wilson_over_one_denominator(r, n), "Das porcentajes"),
            (lambda r, n: wilson_over_one_denominator(r, n)[::-1], "están cambiados"),
            (lambda r, n: wilson_over_one_denominator(r, n)[0], "Se esperan 2"),
            (lambda r, n: (r / n, r / n), "otros valores"),
        ],
    ),
}
