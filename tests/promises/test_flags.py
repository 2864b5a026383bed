"""A flag is read or refused, wherever a lesson's file is run; a cell has none."""

import argparse
import os
import re
import subprocess
import sys

import pytest

from course.training.arguments import Parser
from tests import ROOT

LESSON = """
from course.training import place, settings
s = settings(epochs=13)
print("settings:", s.epochs, s.source, place.how_to_choose("resume"))
"""
# the ways of a notebook's world, in one IPython that is no terminal
WAYS = """
import contextlib, io, os, sys
from IPython.core.interactiveshell import InteractiveShell

path = os.path.abspath("lesson.py")
shell = InteractiveShell.instance()
shell.colors = "nocolor"
kernel = ["/usr/lib/ipykernel_launcher.py", "-f", "/run/kernel-7.json"]
sys.argv = list(kernel)
lesson = open(path).read()

def way(name, run):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        run()
    print("====", name)
    print(out.getvalue())

def cell(text):
    shell.run_cell(text)

way("run", lambda: cell("%run lesson.py --epochs 1 --source sample"))
way("run -i", lambda: cell("%run -i lesson.py --epochs 1 --source sample"))
way("run -n", lambda: cell("%run -n lesson.py --epochs 1 --source sample"))
way("run -n typo", lambda: cell("%run -n lesson.py --epocs 1"))
way("typo", lambda: cell("%run lesson.py --sorce sample"))
way("value", lambda: cell("%run lesson.py --epochs"))
way("help", lambda: cell("%run lesson.py --help"))
way("bare", lambda: cell("%run lesson.py"))

def runfile(*flags):  # as Spyder does
    sys.argv = [path, *flags]
    cell("exec(compile(open({0!r}).read(), {0!r}, 'exec'), "
         "{{'__name__': '__main__', '__file__': {0!r}}})".format(path))
    sys.argv = list(kernel)

way("runfile", lambda: runfile("--epochs", "1", "--source", "sample"))
way("runfile typo", lambda: runfile("--epocs", "1"))
way("cell", lambda: cell(lesson))
shell.user_ns["__file__"] = path  # as VS Code's interactive window does
way("interactive window", lambda: cell(lesson))
del shell.user_ns["__file__"]
os.environ["COURSE_EPOCS"] = "2"
way("variable", lambda: cell(lesson))
try:
    cell(lesson)
finally:
    from course.training import place
    way("next", lambda: cell(place.how_to_unset("COURSE_EPOCS")))
way("then", lambda: cell(lesson))
way("env", lambda: cell(place.how_to_set("COURSE_EPOCHS", 4)))
way("and then", lambda: cell(lesson))
print("==== hook", sys.excepthook is sys.__excepthook__)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lesson.py").write_text(LESSON, encoding="utf-8")
    return tmp_path


def python(folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )


def test_ipython_spyder_and_vs_code(folder):
    done = python(folder, "-c", WAYS, IPYTHONDIR=str(folder / "ipython"))
    assert done.returncode == 0, done.stderr
    said = {}
    for part in done.stdout.split("==== ")[1:]:
        name, _, text = part.partition("\n")
        said[name] = text.strip()
    flags = "settings: 1 sample agrega --resume"
    assert said["run"] == said["run -i"] == said["runfile"] == flags
    assert said["bare"] == "settings: 13 kaggle agrega --resume"
    assert said["typo"].startswith(
        "--sorce no es un ajuste de este taller. ¿Querías decir --source?"
    )
    assert said["value"].startswith("--epochs necesita un valor.")
    assert said["help"].startswith("uso: lesson.py") and "settings:" not in said["help"]
    assert said["runfile typo"].startswith("--epocs no es un ajuste")
    assert said["run -n"].startswith("settings: 1 sample ")
    assert said["run -n typo"].startswith("--epocs no es un ajuste")
    in_a_cell = "settings: 13 kaggle escribe %env COURSE_RESUME=1 en una celda nueva y ejecuta"
    assert said["cell"].startswith(in_a_cell)
    assert said["interactive window"].startswith(in_a_cell)
    assert "La variable COURSE_EPOCS no es un ajuste" in said["variable"]
    assert 'escribe import os; os.environ.pop("COURSE_EPOCS", None)' in said["variable"]
    assert said["then"].startswith(in_a_cell)
    assert said["and then"].startswith("settings: 4 kaggle")
    assert not [text for text in said.values() if "Traceback" in text]
    assert "hook True" in said  # nothing of a script's stays behind in the kernel


def test_a_terminal_an_ide_and_another_folder(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    flags = ["--epochs", "1", "--source", "sample"]
    for where, how in (
        (folder, ["lesson.py"]),
        (elsewhere, [folder / "lesson.py"]),  # VS Code's Run
        (elsewhere, ["-m", "cProfile", "-o", "x", folder / "lesson.py"]),
        (elsewhere, ["-i", folder / "lesson.py"]),
        # Spyder or IDLE without IPython
        (
            folder,
            ["-c", "import sys, runpy; sys.argv = ['lesson.py', *sys.argv[1:]]\n"
             "runpy.run_path('lesson.py', run_name='__main__')"],
        ),
    ):  # fmt: skip
        done = python(where, *how, *flags, MPLBACKEND="agg")
        assert done.stdout.startswith("settings: 1 sample agrega --resume"), done.stderr
        if "-i" not in how:
            wrong = python(where, *how, "--sorce", "x")
            assert wrong.returncode in (1, 2) and "¿Querías decir --source?" in wrong.stderr


def test_a_command_that_a_cell_has_started_drops_variables_in_the_cell(folder):
    done = python(folder, "lesson.py", COURSE_EPOCS="1", JPY_PARENT_PID="1")
    assert 'escribe import os; os.environ.pop("COURSE_EPOCS", None)' in done.stderr


def test_without_the_package_the_line_that_fails_says_what_to_type(folder):
    """`pip install -r requirements.txt` brings what course needs, and not course."""
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        top = name.partition('.')[0]\n"
        "        if top in ('keras', 'numpy', 'sklearn'): return self.spec(name)\n"
        "        if name == 'course': raise ModuleNotFoundError(\"No module named 'course'\")\n"
        "    def spec(self, name):\n"
        "        from importlib.machinery import ModuleSpec\n"
        "        return ModuleSpec(name, self)\n"
        "    def create_module(self, spec): return None\n"
        # an empty Keras, to be quick
        "    def exec_module(self, module):\n"
        "        module.__path__ = []\n"
        "        module.__getattr__ = lambda name: None\n"
        "sys.meta_path.insert(0, Absent())\n"
    )
    lessons = sorted((ROOT / "kernels").glob("*/*.py"))
    for lesson in lessons:
        done = python(folder, lesson, PYTHONPATH=str(folder))
        assert "¿falta course? En su carpeta: pip install -e ." in done.stderr, done.stderr
    assert len(lessons) >= 6


def _parser():
    parser = Parser(prog="x", allow_abbrev=True)
    parser.add_argument("file")
    parser.add_argument("--size", type=int, choices=(1, 2))
    parser.add_argument("--sides", nargs=2)
    parser.add_argument("--names", nargs="+")
    parser.add_argument("--on", action="store_true")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--red", action="store_true")
    either.add_argument("--blue", action="store_true")
    parser.add_subparsers(title="órdenes", metavar="ORDEN", required=True).add_parser("go")
    return parser


@pytest.mark.parametrize(
    "arguments, words",
    [
        ("", "falta file, ORDEN"),
        ("f go --zzz", "no se conoce --zzz"),
        ("f --size 3 go", "--size: se esperaba una de estas palabras: 1, 2. Llegó: 3"),
        ("f --size a go", "--size: se esperaba otra clase de valor (int). Llegó: 'a'"),
        ("f --size", "--size: se esperaba un valor"),
        ("f --sides 1", "--sides: se esperaban 2 valores"),
        ("f --names", "--names: se esperaba un valor o más"),
        ("f --on=1 go", "--on: no lleva un valor. Llegó: '1'"),
        ("f --si 1 go", "--si puede ser --size, --sides"),
        ("f --red --blue go", "--blue: no se usa junto con --red"),
        ("f stop", "se esperaba una de estas palabras: 'go'. Llegó: 'stop'"),
    ],
)
def test_argparse_speaks_spanish_and_ends_with_2(capsys, arguments, words):
    with pytest.raises(SystemExit) as end:
        _parser().parse_args(arguments.split())
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert words.replace("'", "") in said.replace("'", "") and said.startswith("uso: x")
    assert not re.search(r"usage|error:|argument|expected|invalid|choose|required|option", said)
    assert "Qué hacer: agrega --help" in said
    with pytest.raises(SystemExit) as end:
        _parser().parse_args([*arguments.split()[:1], "--help"])
    said = capsys.readouterr().out
    assert end.value.code == 0 and "opciones:" in said and "muestra esta ayuda" in said


def test_others_keep_their_argparse(capsys):
    other = argparse.ArgumentParser(prog="x")
    _parser().format_help()
    assert other.format_help().startswith("usage: x")
    assert argparse._("options") == "options"
