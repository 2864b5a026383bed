"""What a run remembers of its exercises."""

import json
import os
import re
from types import SimpleNamespace

import numpy as np
import pytest

from course.errors import CourseError
from course.exercises import ejercicio
from course.training import exercise_record, run_dir, run_folder

LOOK = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"


@pytest.fixture
def run(tmp_path):
    return run_dir("taller0", SimpleNamespace(run_dir=str(tmp_path / "run"), resume=False, seed=0))


def softplus(x):
    return np.logaddexp(0, x)


def test_tries_hints_and_the_solution_are_counted_until_the_answer_is_right(run):
    exercise = ejercicio("0.1")
    exercise.comprobar(...)  # nothing was tried yet
    assert not (run / "ejercicios.json").exists()
    exercise.comprobar(np.exp)
    exercise.pista(2)
    exercise.solucion()
    exercise.comprobar(softplus)
    exercise.comprobar(np.exp)  # she looks what happens
    exercise.pista(3)
    ejercicio("2.6").comprobar("ninguna")  # no letter
    ejercicio("2.6").comprobar("b")
    ejercicio("1.5").pista()
    known = json.loads((run / "ejercicios.json").read_text(encoding="utf-8"))
    assert all(re.fullmatch(LOOK, about.pop("when")) for about in known.values())
    assert known == {
        "0.1": {"tries": 2, "hints": 2, "solution": True, "right": True},
        "1.5": {"tries": 0, "hints": 1, "solution": False, "right": False},
        "2.6": {"tries": 1, "hints": 0, "solution": False, "right": False},
    }
    assert list(known) == sorted(known)
    assert exercise_record.read(run)["0.1"].right


def test_outside_a_run_the_working_folder_keeps_them(monkeypatch, tmp_path, run):
    run.joinpath("settings.json").unlink()
    run.joinpath("checkpoints").rmdir()
    run.rmdir()  # a run that is gone does not come back
    monkeypatch.chdir(tmp_path)
    ejercicio("2.6").comprobar("a")
    assert [path.name for path in tmp_path.iterdir()] == ["ejercicios.json"]
    monkeypatch.setattr(run_folder, "_current", None)
    ejercicio("2.7").pista()
    assert list(exercise_record.read(tmp_path)) == ["2.6", "2.7"]
    assert exercise_record.read(tmp_path / "nothing") == {}


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"2.6": 3}', '{"2.6": {"tries": -1}}', '{"2.6": {"intentos": 1}}']
)
def test_a_damaged_record_is_said_once_and_stays(run, capsys, text):
    path = run / "ejercicios.json"
    path.write_text(text)
    for _ in range(2):
        assert ejercicio("2.6").comprobar("a")
    said = capsys.readouterr().out
    assert said.count("Tus ejercicios no quedan anotados") == 1
    assert f"Qué hacer: cámbiale el nombre a {path}" in said and path.read_text() == text
    with pytest.raises(CourseError, match="ejercicios.json"):
        exercise_record.read(run)
    path.rename(run / "otro.json")  # what it says to do
    assert ejercicio("2.6").comprobar("a") and exercise_record.read(run)["2.6"].tries == 1


def test_a_folder_into_which_nobody_may_look_costs_no_verdict(run, monkeypatch, capsys):
    look = os.stat

    def refused(path, *args, **others):
        if str(path).endswith("ejercicios.json"):
            raise PermissionError(13, "Permission denied")
        return look(path, *args, **others)

    monkeypatch.setattr("os.stat", refused)
    assert ejercicio("2.6").comprobar("a")
    assert "¡correcto!" in capsys.readouterr().out


def test_a_folder_that_takes_nothing_costs_no_verdict(run, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    for _ in range(2):
        assert ejercicio("2.6").comprobar("a")
    assert capsys.readouterr().out.count("el disco está lleno") == 1
