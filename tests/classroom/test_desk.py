"""A class goes over the desk: the table, the page, what is done once, what stops nothing."""

import csv
import io
import json
import os
import signal

import pytest

from course.classroom import desk
from course.classroom.desk import grade
from course.classroom.measured import Found
from course.classroom.worker import Worker
from course.cli import main
from course.errors import CourseError
from tests.classroom.test_deliveries import RUN, packed, write


class Fake:
    """Measures by the text in model.keras: what it says is the checksum of the weights."""

    def __init__(self, *_):
        self.measured, self.closed = [], False

    def measure(self, folder):
        text = (folder / "model.keras").read_text()
        self.measured.append(text)
        if text == "bug":
            raise ZeroDivisionError("of the kit")
        if text == "slow":
            return Found(why="no terminó en 10 min.\nQué hacer: repite la orden con --minutos 20")
        about = {"score": "exactitud", "value": 0.97, "low": 0.91, "high": 0.99, "n": 100}
        about |= {"shown": "97,0 %", "interval": "91 a 99", "data": "MNIST"}
        flags = ["<b>datos inventados</b>"] if text == "made up" else []
        return Found(parameters=12345, weights=text, flags=flags, **about)

    def close(self):
        self.closed = True


def run(model, **others):
    return packed({"model.keras": model, "card.json": b"{}", **others})


EXERCISES = json.dumps({"2.1": {"tries": 2, "hints": 1, "right": True}, "2.2": {"tries": 1}})
CLASS = {
    "Ana Ñu_101_assignsubmission_file_/run.zip": run(
        "same",
        **{
            "settings.json": '{"lesson": "taller2_cnn_mnist"}',
            "history.csv": "epoch,loss,time_s\n1,0.5,90\n",
            "ejercicios.json": EXERCISES,
        },
    ),
    "Luis_102_assignsubmission_file_/run.zip": run("same", **{"x.rar": b""}),
    "=HYPERLINK(1)_103_assignsubmission_file_/run.zip": run("made up"),
    "Rota_104_assignsubmission_file_/run.zip": b"PK",
    "Lenta_105_assignsubmission_file_/run.zip": run("slow"),
    "Rara_106_assignsubmission_file_/run.zip": run("bug"),
    "Nota_107_assignsubmission_file_/a.ipynb": b"{}",
}


@pytest.fixture
def given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "class", CLASS)


def table(path="notas.csv", delimiter=","):
    rows = csv.DictReader(io.StringIO(path.read_text("utf-8-sig")), delimiter=delimiter)
    return {row["estudiante"]: row for row in rows}


def test_the_table_says_what_was_found_and_what_was_told(given, tmp_path):
    rows, page = grade(given, worker=Fake())
    found = table(tmp_path / "notas.csv")
    assert list(found) == ["'=HYPERLINK(1)", "Ana Ñu", "Lenta", "Luis", "Nota", "Rara", "Rota"]
    assert found["Ana Ñu"] == {
        "estudiante": "Ana Ñu",
        "entrega": "Ana Ñu_101_assignsubmission_file",
        "corrida": "run.zip",
        "taller (según la entrega)": "Taller 2",
        "datos": "MNIST",
        "puntaje": "exactitud",
        "valor": "0.9700",
        "desde": "0.9100",
        "hasta": "0.9900",
        "casos": "100",
        "parámetros": "12345",
        "minutos (según la entrega)": "1.5000",
        "semilla (según la entrega)": "",
        "ejercicios correctos (según la entrega)": "1",
        "ejercicios (según la entrega)": "2.1 correcto (2\u00a0intentos, 1\u00a0pista); "
        "2.2 todavía no (1\u00a0intento)",
        "avisos": "los mismos pesos que Luis",
        "no se midió": "",
        "no se pudo leer": "card.json: falta la clave 'card_version'.",
    }
    assert found["Luis"]["avisos"] == "los mismos pesos que Ana Ñu"
    assert found["Luis"]["no se pudo leer"].startswith("run.zip/x.rar: se esperaba un zip; card")
    assert "está dañado" in found["Rota"]["no se pudo leer"]
    assert found["Lenta"]["no se midió"] == "no terminó en 10 min."
    assert "ZeroDivisionError: of the kit" in found["Rara"]["no se midió"]
    assert found["Nota"]["no se midió"].startswith("solo trae un cuaderno")
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;datos inventados&lt;/b&gt;" in text and "<b>datos" not in text
    assert "7\u00a0entregas, 3\u00a0redes medidas, 4 sin medir, 3 con avisos." in text
    assert "<h2>Taller 2</h2>" in text and "Sin taller" in text and "12\u202f345" in text


def test_a_spreadsheet_in_spanish_gets_commas(given, tmp_path):
    grade(given, tmp_path / "b.csv", comma=True, worker=Fake())
    assert table(tmp_path / "b.csv", ";")["Ana Ñu"]["valor"] == "0,9700"


def test_a_second_run_measures_only_what_is_new_changed_or_was_not_measured(given, tmp_path):
    first = Fake()
    grade(given, worker=first)
    assert sorted(first.measured) == ["bug", "made up", "same", "same", "slow"] and first.closed
    before = (tmp_path / "notas.csv").read_bytes()
    second = Fake()
    grade(given, worker=second)
    assert sorted(second.measured) == ["bug", "slow"]
    assert (tmp_path / "notas.csv").read_bytes() == before
    write(given, {"Luis_102_assignsubmission_file_/run.zip": run("other"), "new.zip": RUN})
    third = Fake()
    grade(given, worker=third)
    assert sorted(third.measured) == ["a model", "bug", "other", "slow"]
    assert table(tmp_path / "notas.csv")["Ana Ñu"]["avisos"] == ""


def test_what_stops_in_the_middle_goes_on_there(given):
    class Stopped(Fake):
        def measure(self, folder):
            if len(self.measured) == 2:
                raise KeyboardInterrupt
            return super().measure(folder)

    with pytest.raises(KeyboardInterrupt):
        grade(given, worker=(stopped := Stopped()))
    assert stopped.closed
    grade(given, worker=(rest := Fake()))
    assert sorted(rest.measured) == ["bug", "same", "slow"]


def test_a_table_that_somebody_has_edited_stays(given, tmp_path):
    notes = tmp_path / "notas.csv"
    notes.write_text("mis notas")
    with pytest.raises(CourseError, match="(?s)queda como está.*dale otro nombre"):
        grade(given, worker=(fake := Fake()))
    assert notes.read_text() == "mis notas" and fake.measured == []
    notes.rename(tmp_path / "otras.csv")  # what it says to do
    grade(given, worker=Fake())
    with notes.open("a") as file:
        file.write("un comentario")
    with pytest.raises(CourseError, match="queda como está"):
        grade(given, worker=Fake())
    assert notes.read_text("utf-8-sig").endswith("un comentario")


def test_the_table_may_lie_among_the_deliveries(given):
    for _ in range(2):
        rows, _ = grade(given, given / "notas.csv", worker=Fake())
        assert len(rows) == len(CLASS)


def test_other_data_of_the_teacher_s_are_another_score(given, tmp_path):
    own = tmp_path / "datos"
    own.mkdir()
    fakes = [Fake() for _ in range(3)]
    grade(given, source=own, worker=fakes[0])
    grade(given, source=own, worker=fakes[1])
    (own / "t10k-images.idx3-ubyte").write_bytes(b"x")
    grade(given, source=own, worker=fakes[2])
    assert [len(fake.measured) for fake in fakes] == [5, 2, 5]


# ---- typed


def test_the_command_prints_a_line_each_and_where_to_look(given, monkeypatch, capsys):
    monkeypatch.setattr(desk, "Worker", Fake)
    assert main(["entregas", "class", "-o", "b.csv", "--coma"]) == 0
    said = capsys.readouterr().out
    assert "Ana Ñu, Taller 2: exactitud 97,0 % (1\u00a0aviso)" in said
    assert "Lenta: sin medir, no terminó en 10 min.\n" in said
    assert "Rota: sin medir, run.zip: está dañado" in said
    assert said.count("Qué hacer: repite la orden con --minutos 20") == 1
    assert "Página: b.html" in said


@pytest.mark.parametrize(
    "words, said, mended",
    [
        (["nada"], "nada no existe", ["class"]),
        (["class", "-o", "notas.xlsx"], "termine en .csv", ["class", "-o", "notas.csv"]),
        (["class", "--source", "nada"], "--source: se esperaba una carpeta", ["class"]),
        (["class", "--minutos", "0"], "un número desde 1", ["class", "--minutos", "10"]),
    ],
)
def test_a_slip_is_a_message_and_code_2(given, monkeypatch, capsys, words, said, mended):
    monkeypatch.setattr(desk, "Worker", Fake)
    assert main(["entregas", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and "Qué hacer: " in error and not list(given.parent.glob("notas*"))
    assert main(["entregas", *mended]) == 0


# ---- the process of its own


@pytest.mark.matrix
def test_a_delivery_costs_itself_alone_and_a_new_process_goes_on(given, tmp_path):
    folder = write(tmp_path / "run", {"model.keras": b"PK"})
    worker = Worker(None, 10)
    assert "no es un modelo" in worker.measure(folder).why
    os.kill(worker._process.pid, signal.SIGKILL)
    assert worker.measure(folder).why.startswith("la medición se detuvo")
    worker._minutes = 1
    worker._begin()
    os.kill(worker._process.pid, signal.SIGSTOP)
    worker._minutes = 0.01
    assert "no terminó en 0.01 min" in worker.measure(folder).why
    worker.close()
    assert worker._process is None
