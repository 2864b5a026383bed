"""A student's file, whole or in one of the ways in which it is not."""

import numpy as np
import pytest

from course.errors import CourseError
from course.exercises.from_file import answer_in


def written(tmp_path, text, name="mis_respuestas.py"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_an_answer_is_what_the_file_calls_so(tmp_path):
    written(tmp_path, "factor = 2", "otra.py")
    text = """
# %% [markdown]
# # VS Code's cells are comments
# %%
import numpy as np
from otra import factor

def softmax(z):
    return factor * np.exp(z)

if __name__ == "__main__":
    1 / 0
"""
    softmax = answer_in(written(tmp_path, text), "softmax")
    assert softmax(np.zeros(2)).tolist() == [2, 2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def softmax(z)\n    return z\n", "línea 1: Falta el :"),
        ("def softmax(z):\nreturn z\n", "línea 2: Las líneas no están alineadas"),
        ("x = (1,\n", "Falta cerrar"),
        (b"x = 'a\xf1o'\ndef softmax(z): pass\n", "guárdalo así"),
        ("x = 1\ny = np.zeros(2)\n", "línea 2: Falta importar NumPy"),
        ("import nada_de_esto\n", "línea 1: Ese módulo no está instalado"),
        ("raise SystemExit\n", "línea 1: el archivo se detuvo ahí"),
        ("n = int(input('n: '))\n", "con input()"),
        ("def softmx(z): return z\n", "no define softmax. ¿Querías decir softmx?"),
        ("", "no define softmax"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path, text, words):
    with pytest.raises(CourseError) as caught:
        answer_in(written(tmp_path, text), "softmax")
    assert words in str(caught.value) and "\nQué hacer: " in str(caught.value)


def test_a_file_that_does_not_end_is_stopped(tmp_path):
    with pytest.raises(CourseError, match="línea 2: el archivo no terminó en 0.2 segundos"):
        answer_in(written(tmp_path, "x = 0\nwhile x < 1: pass\n"), "softmax", seconds=0.2)


@pytest.mark.parametrize(
    ("name", "words"),
    [("no.py", "no existe"), ("a.ipynb", "termina en .py"), (".", "termina en .py")],
)
def test_a_path_that_is_no_python_file(tmp_path, name, words):
    with pytest.raises(CourseError, match=words):
        answer_in(tmp_path / name, "softmax")
