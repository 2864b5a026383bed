"""`python -m course ejercicio`: what is typed, and what is said."""

import pytest

from course import cli

RIGHT = """
import numpy as np

def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""


@pytest.fixture
def typed(capsys):
    def typed(*words):
        code = cli.main(["ejercicio", *words])
        return code, "".join(capsys.readouterr())

    return typed


def test_a_right_and_a_wrong_answer(typed, tmp_path):
    path = tmp_path / "mis_respuestas.py"
    path.write_text(RIGHT)
    code, said = typed("2.3", str(path))
    assert code == 0 and "¡correcto!" in said and "ejercicio 2.3 --solucion" in said
    path.write_text(RIGHT.replace(".max(", ".min("))
    code, said = typed("2.3", str(path))
    assert code == 0 and "Resta el *mayor*" in said
    assert "¿Una pista? python -m course ejercicio 2.3 --pista 1" in said


def test_what_the_messages_say_to_type_can_be_typed(typed):
    code, said = typed("2.3")
    assert code == 0 and "python -m course ejercicio 2.3 mis_respuestas.py" in said
    assert "Pista 1 de 3" in typed("2.3", "--pista", "1")[1]
    assert "No quedan más pistas" in typed("2.3", "--pista", "4")[1]
    assert "def softmax" in typed("2.3", "--solucion")[1]


def test_a_question_takes_a_letter(typed):
    assert "`python -m course ejercicio 2.6 a`" in typed("2.6")[1]
    assert "¡correcto!" in typed("2.6", "a")[1]
    said = typed("2.6", "b")[1]
    assert "todavía no" in said and "python -m course ejercicio 2.6 --pista 1" in said
    assert "Pista." in typed("2.6", "--pista", "1")[1] and "a) " in typed("2.6", "--solucion")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("9.9",), "No hay un ejercicio '9.9'"),
        (("2.3", "no_hay.py"), "ese archivo no existe"),
        (("2.3", "b"), "termina en .py"),
    ],
)
def test_a_slip_is_a_message_and_code_2(typed, words, said):
    code, message = typed(*words)
    assert code == 2 and said in message and "Qué hacer: " in message
