"""Every "Qué hacer:" of an error message: what is to be typed can be typed, and is.

`next_steps.txt` has each of them, read from the code, with how it is proven:

    orden      it names commands of `python -m course`: the real parser takes them here
    pip        it installs packages: the project names them too, and pip reads the line here
    palabras   it says what to look at or to choose, and names neither command nor code
    a test     tests/…::name, which types it and looks at what comes of it

A message that is new, or says something else, is not in the table: then this fails and shows the
line to add.
"""

import ast
import itertools
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement

from course import cli
from course.kaggle import lessons
from tests import ROOT

TABLE = ROOT / "tests" / "promises" / "next_steps.txt"
MARK = "Qué hacer: "
# what stands in for a name that is only known at run time
EXAMPLES = {
    "client.taller": "taller2",
    "info.name": "mnist",
    "name": "mnist",
    "damaged[0]": "mnist",
    "taller": "taller2",
    "lesson.stem": "taller2",
}


def parts(node):
    """The text of a literal, `{…}` for what is filled in; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            value.value if isinstance(value, ast.Constant) else f"{{{ast.unparse(value.value)}}}"
            for value in node.values
        )
    return None


def steps():
    """Each next step in the code: `{(module, text in one line)}`."""
    found = set()
    for path in sorted((ROOT / "course").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values}
        for node in ast.walk(tree):
            text = None if id(node) in inside else parts(node)
            if text and MARK in text and not path.name.startswith("first_cell"):
                step = " ".join(text.partition(MARK)[2].split())
                found.add((path.relative_to(ROOT / "course").as_posix(), step))
    return found


# what passes on a message or a step that is written elsewhere, or says itself what is to be given
ENOUGH = re.compile(
    r"esperaba|agrega|\{(error|todo|advice|expected|listed|first|why|_OTHER_DATA)\b"
)
# only the class's table shows them, in a line; or whoever wrote the file or the layer reads them
NO_STEP = {
    "classroom/copies.py",
    "classroom/measured.py",
    "datasets/catalog.py",
    "export/card.py",
    "export/steps.py",
    "files.py",
    "kaggle/lessons.py",
}


def test_every_message_says_what_to_do_or_what_was_expected():
    silent = []
    for path in sorted((ROOT / "course").rglob("*.py")):
        module = path.relative_to(ROOT / "course").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "CourseError":
                text = parts(node.args[0])  # none where it is a name: written elsewhere
                if text and module not in NO_STEP and not ENOUGH.search(text):
                    silent += [f"{module}:{node.lineno} {text}"] * (MARK not in text)
    assert not silent, "\n".join(silent)


def table():
    rows = [line.split(" | ", 2) for line in TABLE.read_text(encoding="utf-8").splitlines()]
    return {(module, step): proof for module, proof, step in rows}


PROOFS = table()


def commands(step):
    """The commands of the course in a step, with examples for what is filled in."""
    for name, example in EXAMPLES.items():
        step = step.replace(f"{{{name}}}", example)
    step = re.sub(r"\{[^}]*\}", "run", step)
    return [found.strip() for found in re.findall(r"python -m course ([^;,.:()`»]+)", step)]


def test_every_next_step_is_in_the_table():
    missing = [f"{module} | palabras | {step}" for module, step in sorted(steps() - PROOFS.keys())]
    assert not missing, "to be added, each with its proof:\n" + "\n".join(missing)
    assert not PROOFS.keys() - steps(), "no message says this any more"


@pytest.mark.parametrize("step", sorted(s for (_, s), p in PROOFS.items() if p == "orden"))
def test_a_command_is_one_that_the_parser_takes(step):
    found = commands(step)
    assert found
    for command in found:
        words = []
        for word in shlex.split(command):  # a sentence may go on behind the command
            if word in ("la", "y", "que"):
                break
            words.append(word)
        given = cli._parser().parse_args(words)
        assert callable(given.action)
        for word in {"lesson", "taller"} & vars(given).keys():
            assert lessons.find(getattr(given, word)).is_file()


@pytest.mark.parametrize("proof", sorted({p for p in PROOFS.values() if p.startswith("tests/")}))
def test_a_named_test_is_there(proof):
    path, _, name = proof.partition("::")
    assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


# a call, an argument, a flag, a variable
CODE = re.compile(
    r"python -m |pip install|%env|\w\(|\w=[\w\"\[]|(?<!\w)--?[a-z]+|\b[A-Z]+_[A-Z_]+\b"
    r"|\b(np|keras|brats|models|batches)\."
)
# a step that is written in another place, or for where it is read
WRITTEN_ELSEWHERE = re.compile(
    r"\{[^}]*(todo|advice|anew|way|_NEW_ONE|how_to|_IT|_INSTALL|activate)[^}]*\}"
)


def test_what_is_called_words_names_no_command():
    typed = [
        f"{module} | {step}"
        for (module, step), proof in PROOFS.items()
        if proof == "palabras"
        and (CODE.search(re.sub(r"\{[^}]*\}", "", step)) or WRITTEN_ELSEWHERE.search(step))
    ]
    assert not typed, "each needs a test that types it:\n" + "\n".join(typed)


OPTIONAL = {"pillow-heif"}  # reads an iPhone's photographs; the project does without


def requirements(step):
    """What pip is asked for in a step."""
    found = re.search(r"pip install ((?:-\w )?(?:\"[^\"]+\" ?|[\w-]+ ?)+)", step)[1]
    words = [word for word in shlex.split(found) if not word.startswith("-")]
    return list(itertools.takewhile(lambda word: word not in ("y", "o", "en"), words))


def test_what_pip_is_asked_for_is_what_the_project_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = [*itertools.chain(*extras.values())]
    named += (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    known = {re.split(r"[^\w.-]", line.strip())[0].lower() for line in named}
    steps = [step for _, step in PROOFS if "pip install" in step and "{wanted}" not in step]
    asked = {word for step in steps for word in requirements(step)}
    assert len(asked) > 5
    for word in asked:
        if word.startswith("."):  # the course itself, in its folder
            assert word.strip(".[]") in extras
        else:
            assert Requirement(word).name.lower() in known | OPTIONAL, word
    words = [word for word in asked if not word.startswith(".")]
    command = ["install", "--dry-run", "--no-deps", "--no-index", "--disable-pip-version-check"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *command, *words], capture_output=True, text=True
    )
    # what is not installed here cannot be found without a network; how it is written is read before
    said = done.stdout + done.stderr
    assert done.returncode == 0 or "No matching distribution" in said, said
