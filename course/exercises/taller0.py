"""The exercises of Taller 0: activations, backpropagation, convolution."""

import numpy as np

from course.exercises.diagnosis import Mistake
from course.exercises.exercise import Exercise

# ---- 0.1


def softplus(z):
    z = np.asarray(z, dtype=float)
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _draw_sums(random):
    """A few sums each, and always two that are very large."""
    return [
        (np.array([*random.uniform(-6, 6, random.integers(2, 5)).round(1), -1000.0, 1000.0]),)
        for _ in range(4)
    ]


SOFTPLUS = Exercise(
    number="0.1",
    title="Softplus que no se desborda",
    statement="""\
Escribe `softplus(z)`, la última fila de la tabla: ln(1 + e^z) para cada número del arreglo `z`.
También debe responder bien para z = 1000 y z = -1000, donde e^z no cabe en un número de la máquina
o se vuelve cero.""",
    hints=(
        "Para z muy grande, el 1 ya no importa: ln(1 + e^z) es casi ln(e^z). ¿Cuánto es eso?",
        "Saca e^z fuera del paréntesis: ln(1 + e^z) = z + ln(1 + e^-z). Con z positivo, e^-z es "
        "pequeño y nunca se desborda. Con z negativo, usa la fórmula de siempre.",
        "Las dos en una: max(z, 0) + ln(1 + e^-|z|), con np.maximum, np.abs y np.log1p.",
    ),
    example=(np.array([-1.0, 0.0, 2.0]),),
    draw=_draw_sums,
    right=lambda z: np.logaddexp(0, z),
    mistakes=(
        Mistake(
            lambda z: np.log(1 + np.exp(z)),
            "La fórmula está bien, pero se desborda: e^1000 no cabe en un número de la máquina y "
            "se vuelve inf. Escríbela de modo que nunca se eleve e a un número grande y positivo.",
        ),
        Mistake(
            lambda z: np.maximum(z, 0),
            "Eso es ReLU, max(0, z). Softplus se le parece lejos del cero, pero cerca es suave: "
            "en z = 0 vale ln 2.",
        ),
        Mistake(
            lambda z: 1 / (1 + np.exp(-z)),
            "Eso es la sigmoide, que es la *derivada* de softplus. Se pide la función misma.",
        ),
        Mistake(
            lambda z: np.logaddexp(0, -z),
            "Tienes cambiado el signo del exponente: calculas ln(1 + e^-z). Softplus crece con z.",
        ),
        Mistake(
            lambda z: np.logaddexp(0, z) / np.log(10),
            "Usaste el logaritmo decimal, np.log10; aquí ln es el natural, np.log.",
        ),
        Mistake(
            lambda z: np.log(1 + np.exp(np.clip(z, -700, 700))),
            "Recortar z evita el desborde, pero cambia la respuesta: para z = 1000 softplus vale "
            "1000, no el borde del recorte.",
        ),
    ),
    solution=softplus,
    explanation="""\
Con z > 0 se saca e^z del paréntesis: ln(1 + e^z) = z + ln(1 + e^-z). Así el exponente nunca es
positivo, y `log1p(x)` calcula ln(1 + x) sin perder los decimales de un x pequeño. NumPy ya lo trae:
`np.logaddexp(0, z)`.""",
)

EXERCISES = (SOFTPLUS,)
