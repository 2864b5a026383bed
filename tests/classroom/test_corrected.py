"""Students' cells are checked: what counts as an answer, what a cell cannot do to the others."""

import csv
import io
import json
import sys

import pytest

from course import cli
from course.classroom import alone, corrected
from course.classroom.cells import Cell, Unreadable, cells_of
from course.classroom.corrected import EMPTY, RIGHT, STOPPED, WRONG, correct
from course.kaggle import lessons
from tests.classroom.test_deliveries import packed

SOFTMAX = """\
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""
CHECK = 'ejercicio("2.3").comprobar(softmax)'


def notebook(*cells):
    """A notebook's bytes; a cell is its code, tagged, or `(code,)`, not tagged."""
    listed = [
        {
            "cell_type": "code",
            "metadata": {} if isinstance(cell, tuple) else {"tags": ["ejercicio"]},
            "source": (cell[0] if isinstance(cell, tuple) else cell).splitlines(True),
        }
        for cell in cells
    ]
    text = {"cell_type": "markdown", "metadata": {}, "source": CHECK}
    return json.dumps({"cells": [text, *listed]}).encode()


# ---- what is read


def test_a_notebook_and_a_percent_file_hold_the_same_cells():
    percent = f'# %% [markdown]\n# {CHECK}\n# %%\nx = 1\n# %% tags=["ejercicio"]\n{CHECK}\n'
    cells = [cell for cell in cells_of("a.PY", percent.encode()) if cell.code]
    assert [(c.code.strip(), c.tagged, c.numbers) for c in cells] == [
        ("x = 1", False, []),
        (CHECK, True, ["2.3"]),
    ]
    assert [c.numbers for c in cells_of("a.ipynb", notebook(("x = 1",), CHECK))] == [[], ["2.3"]]


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        (Cell("ejercicio('2,3') . comprobar(f)\nejercicio(0.1).comprobar(g)"), ["2.3", "0.1"]),
        (Cell('ejercicio("2.3").pista()'), []),  # she looked at a hint in a cell of her own
        (Cell('e = ejercicio("2.3")\ne.comprobar(f)', tagged=True), ["2.3"]),
        (Cell("def f(:\nejercicio('2.3').comprobar(f)"), ["2.3"]),
    ],
)
def test_what_a_cell_answers(cell, numbers):
    assert cell.numbers == numbers


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "dañado"),
        (b'{"cells": [', "dañado"),
        (b'{"cells": [{"cell_type": "code", "source": 3}]}', "dañado"),
        (b'{"cells": ' + b"[" * 200_000, "dañado"),
        (b"\xff\xfe\xfa", "UTF-8"),
        (notebook("x" * 1_000_001), "millón"),
    ],
)
def test_what_is_no_notebook_is_said(content, why):
    with pytest.raises(Unreadable, match=why):
        cells_of("a.ipynb", content)


# ---- what counts as an answer


@pytest.mark.parametrize(
    ("number", "cell", "others", "result"),
    [
        ("2.3", f"import numpy as np\n{SOFTMAX}\n{CHECK}", [], (True, True)),
        # what it needs stands elsewhere, and so does much that must not be run
        ("2.3", CHECK, ["import keras; 1 / 0", "import numpy as np", SOFTMAX], (True, True)),
        (
            "2.3",
            f"%matplotlib inline\nnp?\n{SOFTMAX}",
            ["import numpy as np", "x = ("],
            (True,) * 2,
        ),
        (
            "0.5",
            "k = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]\nejercicio('0.5').comprobar(k)",
            [],
            None,
        ),
        ("2.3", f"import numpy as np\n{SOFTMAX.replace('max', 'min')}", [], (False, True)),
        ("2.3", f"def softmax(z):\n    ...\n{CHECK}", [], (False, False)),
        ("2.3", f"def softmax(z)\n    ...\n{CHECK}", [], (False, True)),
        ("2.3", f"{SOFTMAX}\n{CHECK}", [], (False, True)),  # without NumPy
        ("2.6", "e = ejercicio('2.6')\ndisplay(e.comprobar('a'))", [], (True, True)),
        ("2.6", 'ejercicio("2.6").comprobar("b")', [], (False, True)),
        ("2.6", 'ejercicio("2.6").comprobar(...)', [], (False, False)),
        ("2.6", "", [], (False, False)),
    ],
)
def test_what_an_answer_is_worth(number, cell, others, result, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = alone.checked(number, cell, others, 0)
    if result:
        assert (said["right"], said["tried"]) == result, said
    assert said["why"] or said["right"] or not said["tried"], said


@pytest.mark.parametrize("lesson", lessons.names())
def test_a_lesson_as_it_is_given_is_not_answered(lesson, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = lessons.find(lesson)
    cells = cells_of(path.name, path.read_bytes())
    answered = [(number, at) for at, cell in enumerate(cells) for number in cell.numbers]
    for number, at in answered:
        others = [cell.code for cell in cells[:at] + cells[at + 1 :]]
        assert not alone.checked(number, cells[at].code, others, 0)["tried"], number
    assert answered


def test_the_same_seed_tries_the_same_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell = "def conv2d_parameters(k, c, f, b):\n    return 1"
    one, same, other = (alone.checked("2.1", cell, [], seed)["why"] for seed in (7, 7, 8))
    assert one == same != other


# ---- what a cell cannot do to the others

HOSTILE = {
    "2.1": "import os; os._exit(0)",
    "2.2": "x = []\nwhile True: x.append(' ' * 10**7)",
    "2.3": "import os; os.remove('../asked.json'); os.mkfifo('../said.json'); os._exit(0)",
    "2.6": """\
import os, pathlib
for number in range(300_000):
    print("line", number)
assert "KAGGLE_KEY" not in os.environ and not pathlib.Path.home().joinpath("secret").exists()
assert sorted(os.listdir()) == ["antes.py", "celda.py"]
ejercicio("2.6").comprobar("a")
""",
}
ENDLESS = """
while True:
    try:
        print(input())
    except BaseException:
        pass
"""


def hostile(path, **cells):
    """A notebook of such cells, each of them marked as the answer to its exercise."""
    path.write_bytes(notebook(*(f"{code}\n# ejercicio('{n}')" for n, code in cells.items())))
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory")
def test_what_a_cell_does_costs_that_cell_alone(tmp_path, fresh_home, monkeypatch):
    (fresh_home / "secret").touch()
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    monkeypatch.setattr(corrected, "MEMORY_MB", 400)
    (one,) = correct([hostile(tmp_path / "Peña.ipynb", **HOSTILE)])
    found = {exercise.number: (exercise.result, exercise.why) for exercise in one.exercises}
    assert found["2.1"][0] == STOPPED and "se cierra a sí misma" in found["2.1"][1]
    assert found["2.2"][0] == WRONG and "no cabe en la memoria" in found["2.2"][1]
    assert found["2.3"][0] == STOPPED
    assert found["2.6"] == (RIGHT, "")


def test_a_cell_that_never_ends_is_ended(tmp_path):
    (one,) = correct([hostile(tmp_path / "a.ipynb", **{"2.1": ENDLESS})], seconds=2)
    assert one.exercises == [corrected.Checked("2.1", STOPPED, "la celda no terminó en 2 s")]


@pytest.fixture
def answered(monkeypatch):
    """What each cell is worth without a process: its text says it."""

    def checked(name, cells, at, seconds, seed):
        result = next(r for r in (RIGHT, WRONG, EMPTY) if r in cells[at].code)
        return corrected.Checked(name, result, "por\neso" if result == WRONG else "")

    monkeypatch.setattr(corrected, "_checked", checked)


@pytest.mark.usefixtures("answered")
def test_of_an_exercise_answered_twice_the_best_counts(tmp_path):
    def cell(number, result):
        return f"ejercicio('{number}').comprobar(f)  # {result}"

    cells = [cell("2.10", RIGHT), cell("2.10", WRONG), cell("2.9", WRONG), cell("2.9", EMPTY)]
    (tmp_path / "a.ipynb").write_bytes(notebook(*cells))
    (one,) = correct([tmp_path / "a.ipynb"])
    assert [(e.number, e.result) for e in one.exercises] == [("2.9", WRONG), ("2.10", RIGHT)]


@pytest.mark.usefixtures("answered")
def test_a_class_becomes_one_table(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    good = notebook(f"ejercicio('2.6').comprobar('a')  # {RIGHT}", f"{CHECK}  # {WRONG}")
    content = {
        "Ana Ñu_101_assignsubmission_file_/mi taller.ipynb": good,
        "Luis_102_assignsubmission_file_/todo.zip": packed(
            {"x/a.ipynb": good, "y.py": "1", "._a.ipynb": b""}
        ),
        "Rota_103_assignsubmission_file_/a.ipynb": b"{",
        "Vacía_104_assignsubmission_file_/a.ipynb": notebook(("x = 1",)),
        "Zip_105_assignsubmission_file_/a.zip": b"PK",
        "Sola_107_assignsubmission_file_/informe.pdf": b"",
        "nadie.pdf": b"",
        "Íñigo_106_assignsubmission_file_/latin.py": "# ñ".encode("latin-1"),
    }
    (tmp_path / "clase.zip").write_bytes(packed(content))
    assert cli.main(["corregir", "clase.zip", "--coma"]) == 2
    out, err = capsys.readouterr()
    assert "Ana Ñu, mi taller.ipynb: 1 de 2" in out.replace("\xa0", " ")
    assert "  2.3  todavía no     por eso" in out
    assert err.startswith("Esto ejecuta el código de tus estudiantes") and "contenedor" in err
    assert "Sin revisar: 5 archivos" in err.replace("\xa0", " ")
    text = (tmp_path / "ejercicios.csv").read_text("utf-8-sig")
    table = {row["estudiante"]: row for row in csv.DictReader(io.StringIO(text), delimiter=";")}
    ana = dict(table["Ana Ñu"])
    assert ana == {
        "estudiante": "Ana Ñu",
        "archivo": "mi taller.ipynb",
        "correctos": "1",
        "2.3": WRONG,
        "2.6": RIGHT,
        "por qué": "2.3: por eso",
        "no se pudo revisar": "",
    }
    assert (table["Luis"]["archivo"], table["Luis"]["correctos"]) == ("todo.zip/x/a.ipynb", "1")
    faults = [
        table[name]["no se pudo revisar"] for name in ("Rota", "Vacía", "Zip", "Íñigo", "Sola")
    ]
    words = ("dañado", "ejercicio", "dañado", "UTF-8", "no trae ningún cuaderno")
    assert [word in fault for word, fault in zip(words, faults, strict=True)] == [True] * 5
    assert "nadie" not in table
    # a second time, what somebody may have edited stays
    assert cli.main(["corregir", "clase.zip"]) == 2
    assert "ya existe: queda como está" in capsys.readouterr().err
    assert (tmp_path / "ejercicios.csv").read_text("utf-8-sig") == text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no.ipynb",), "no existe"),
        (("hojas.txt",), "no se puede leer"),
        (("solo",), "No se encontró ningún cuaderno"),
        (("solo", "--segundos", "0"), "--segundos 60"),
        (("solo", "-o", "hojas.txt/a.csv"), "una parte de esa ruta es un archivo"),  # before work
    ],
)
def test_a_slip_is_a_message_and_code_2(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hojas.txt").write_text("x")
    (tmp_path / "solo").mkdir()
    (tmp_path / "solo" / "a.py").write_text("x = 1")
    assert cli.main(["corregir", *words]) == 2
    err = capsys.readouterr().err
    assert said in err and "Qué hacer: " in err and not (tmp_path / "ejercicios.csv").exists()
    if "--segundos" in words:
        advised = err.split("repite la orden con ")[1].split()
        assert cli._parser().parse_args(["corregir", "solo", *advised]).seconds == 60
