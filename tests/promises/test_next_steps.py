"""Every "Qué hacer:" of an error message: what is to be typed can be typed, and is.

`next_steps.txt` has each of them, read from the code, with how it is proven:

    orden      it names commands of `python -m course`: the real parser takes them here
    pip        it installs a package of pip's, which no test here can do: seen by reading only
    palabras   it says what to look at or to choose
    a test     tests/…::name, which types it and looks at what comes of it

A message that is new, or says something else, is not in the table: then this fails and shows the
line to add.
"""

import ast
import re
import shlex

import pytest

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


def test_what_is_called_words_names_no_command():
    typed = [
        step
        for (_, step), proof in PROOFS.items()
        if proof == "palabras" and re.search(r"python -m |pip install|%env", step)
    ]
    assert typed == []
