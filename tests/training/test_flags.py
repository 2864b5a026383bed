"""Settings: flags, variables, defaults, and what is said about a typo."""

import ast
import os
import subprocess
import sys

import pytest

from course.errors import CourseError
from course.training.flags import _COMMON, _USUAL, Setting, settings
from tests import ROOT

LESSON = "from course.training.flags import settings; print(vars(settings(epochs=12, rate=0.1)))"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in [name for name in os.environ if name.startswith("COURSE_")]:
        monkeypatch.delenv(name)


def run(tmp_path, *flags, lesson=LESSON):
    path = tmp_path / "lesson.py"
    path.write_text(lesson)
    return subprocess.run(
        [sys.executable, path, *flags], capture_output=True, text=True, env=_environment()
    )


def _environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_defaults():
    s = settings(epochs=12)
    assert vars(s) == {
        "source": "kaggle",
        "seed": 0,
        "limit": None,
        "run_dir": None,
        "resume": False,
        "epochs": 12,
    }


def test_variables_take_the_type_of_the_default(monkeypatch):
    for name, value in {"EPOCHS": "3", "RATE": "1e-3", "RESUME": "1", "LIMIT": "50"}.items():
        monkeypatch.setenv(f"COURSE_{name}", value)
    s = settings(epochs=12, rate=0.1)
    assert (s.epochs, s.rate, s.resume, s.limit) == (3, 0.001, True, 50)


def test_a_flag_wins_over_a_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_EPOCHS", "3")
    assert "'epochs': 5" in run(tmp_path, "--epochs", "5").stdout
    assert "'epochs': 3" in run(tmp_path).stdout


def test_what_is_on_can_be_switched_off_in_a_terminal(tmp_path):
    lesson = LESSON.replace("epochs=12", "epochs=12, gates=True")
    assert "'gates': True" in run(tmp_path, lesson=lesson).stdout
    assert "'gates': False" in run(tmp_path, "--no-gates", lesson=lesson).stdout


def test_the_variable_of_the_tests_is_no_setting(monkeypatch):
    monkeypatch.setenv("COURSE_TEST_DATA", "/nowhere")
    assert not hasattr(settings(), "test_data")


def test_a_typo_in_a_variable_suggests(monkeypatch):
    monkeypatch.setenv("COURSE_EPOCS", "3")
    with pytest.raises(CourseError, match="(?s)¿Querías decir COURSE_EPOCHS.*unset COURSE_EPOCS"):
        settings(epochs=12)


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("EPOCHS", "three", "COURSE_EPOCHS: se esperaba un número entero. Llegó: 'three'"),
        ("EPOCHS", "0", "epochs: se esperaba 1 o más. Llegó: 0"),
        ("SEED", "-1", "seed: se esperaba de 0 a 2147483647"),
        ("RESUME", "maybe", "COURSE_RESUME: se esperaba 1 o 0. Llegó: 'maybe'"),
        ("RATE", "nan", "COURSE_RATE: se esperaba un número. Llegó: 'nan'"),
        ("RATE", "-inf", "COURSE_RATE: se esperaba un número. Llegó: '-inf'"),
        ("DIMS", "4", "dims: se esperaba 2 o 3. Llegó: 4"),
        ("PATCH", "0", "patch: se esperaba 1 o más. Llegó: 0"),
        ("BATCH_SIZE", "0", "batch_size: se esperaba 1 o más. Llegó: 0"),
    ],
)
def test_values_that_do_not_fit(monkeypatch, name, value, expected):
    monkeypatch.setenv(f"COURSE_{name}", value)
    with pytest.raises(CourseError, match=expected):
        settings(
            epochs=12,
            rate=0.1,
            dims=Setting(2, "2: cortes; 3: bloques", choices=(2, 3)),
            patch=Setting(64, "lado de los bloques", least=1),
            batch_size=None,
        )


@pytest.mark.parametrize(
    "flags, expected",
    [
        (["--epocs", "3"], "--epocs no es un ajuste de este taller. ¿Querías decir --epochs?"),
        (["--epochs"], "--epochs necesita un valor"),
        (["--resume=3"], "--resume/--no-resume no lleva un valor"),
        (["3"], "3 no es un ajuste"),
    ],
)
def test_a_wrong_flag_is_a_message_not_a_traceback(tmp_path, flags, expected):
    done = run(tmp_path, *flags)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_every_setting_with_its_default(tmp_path):
    own = 'gates=Setting(True, "compuertas al 100 %")'
    lesson = LESSON.replace("import settings", "import Setting, settings")
    done = run(tmp_path, "--help", lesson=lesson.replace("rate=0.1", own))
    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    assert all(f"--{name}" in text for name in ("epochs", "source", "limit", "run-dir"))
    assert "cuántas veces ve la red cada ejemplo de entrenamiento (por defecto: 12)" in text
    assert "compuertas al 100 % (por defecto: sí)" in text and "VALOR" in text


def test_a_setting_of_one_lesson_takes_a_plain_value_too():
    assert settings(dims=3).dims == 3


def test_every_setting_of_every_lesson_is_explained():
    """Read from the lessons' files: beside the lesson, or common to all."""
    lessons = sorted((ROOT / "kernels").glob("*/*.py"))
    for lesson in lessons:
        (call,) = (
            node
            for node in ast.walk(ast.parse(lesson.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "settings"
        )
        plain = {item.arg for item in call.keywords if not isinstance(item.value, ast.Call)}
        assert plain <= {*_COMMON, *_USUAL}, lesson.name
        for item in call.keywords:
            if isinstance(item.value, ast.Call):
                assert item.value.func.id == "Setting" and item.value.args[1].value, item.arg
    assert len(lessons) >= 6


def test_flags_of_a_notebook_kernel_are_not_ours(monkeypatch):
    # Only a file that runs as a script reads flags: this test module is not one.
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", "-f", "kernel.json"])
    assert settings(epochs=12).epochs == 12
