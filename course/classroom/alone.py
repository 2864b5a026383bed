"""One cell is run and checked: `python -m course.classroom.alone REQUEST ANSWER`.

What runs here was written by a student: whatever it does, it does to this process and its folder.
"""

import ast
import contextlib
import pathlib
import re
import symtable
import sys

from course import files
from course.errors import CourseError
from course.exercises import ejercicio
from course.exercises.exercise import check
from course.exercises.from_file import answer_in
from course.exercises.question import Question

_FILE_MB = 100  # that it may write into one file
_BEFORE = "from course.exercises import ejercicio\ndisplay = print\n"  # what a notebook has anyway
# what a notebook understands and Python does not: %magic, !command, name?
_NOT_PYTHON = re.compile(r"(?m)^([ \t]*)([%!?].*|[\w.]+\?+[ \t]*)$")
_NOT_UNDERSTOOD = (SyntaxError, ValueError, RecursionError, MemoryError)


def main(request, answer):
    """Do what a JSON file asks for and write what came of it to another, both of `corrected`."""
    asked = files.read_json(request)
    _limit_memory(asked["memory_mb"])
    verdict = checked(asked["number"], asked["cell"], asked["others"], asked["seed"])
    files.write(answer, files.json_text(verdict))


def checked(number, cell, others, seed) -> dict:
    """What a cell's answer to an exercise is worth; two files are written to where this is run.

    Args:
        number: Of the exercise, "2.3".
        cell: Text, the cell's code. What it hands to `comprobar` is its answer, otherwise what has
            the name that the exercise asks for.
        others: List of texts, the code of the notebook's other cells. Of them only those statements
            are run that bind a name which the cell needs: see `needed`.
        seed: Whole number, of the inputs that are drawn.

    Returns:
        `{"right": bool, "tried": bool, "why": text in Spanish}`.
    """
    import numpy as np

    exercise, handed = ejercicio(number), []
    exercise.comprobar = handed.append  # the cell calls it
    asks = isinstance(exercise, Question)
    name = "letra" if asks else exercise.name
    before, own = pathlib.Path("antes.py"), pathlib.Path("celda.py")
    cell = _as_python(cell)
    given = f"{_BEFORE}{name} = None\n" if asks else _BEFORE
    before.write_text(given + needed(cell, others), encoding="utf-8")
    own.write_text(cell, encoding="utf-8")
    try:
        answer = answer_in(own, name, before, seconds=None)  # `corrected` ends the process
    except CourseError as error:
        if not handed:
            why = str(error).rpartition("\n")[0]  # without what to do next
            return {"right": False, "tried": True, "why": why}
    finally:
        del exercise.comprobar
    if handed:
        answer = handed[-1]
    if asks:
        verdict = exercise.comprobar(answer)
    else:
        verdict = check(exercise, answer, np.random.default_rng(seed))
    _, *why = [line for line in verdict.splitlines() if not line.startswith("¿Una pista?")]
    return {"right": verdict.right, "tried": verdict.tried, "why": "\n".join(why)}


def needed(cell, others) -> str:
    """The code of a notebook's other cells that binds a name which a cell uses, directly or not.

    Whole statements of the cells' outermost level: imports, functions, classes, assignments. What
    only does something, trains or draws, is left out.

    Example:

    >>> others = ["import keras\\nimport numpy as np", "e = np.e\\nfit(e)", "def g(): return e"]
    >>> print(needed("def f(): return g()", others))
    import numpy as np
    e = np.e
    def g():
        return e
    """
    uses, binds = _names(cell)
    wanted, taken = uses - binds, set()
    statements = [text for code in others for text in _statements(_as_python(code))]
    names = [_names(text) for text in statements]
    while more := {at for at, (_, binds) in enumerate(names) if at not in taken and binds & wanted}:
        taken |= more
        wanted |= {name for at in more for name in names[at][0]}
    return "\n".join(statements[at] for at in sorted(taken))


def _names(code):
    """The names of a module's own level that some code uses, and those that it binds."""
    try:
        module = symtable.symtable(code, "celda.py", "exec")
    except _NOT_UNDERSTOOD:
        return set(), set()
    symbols, inner = module.get_symbols(), list(module.get_children())
    uses = {symbol.get_name() for symbol in symbols if symbol.is_referenced()}
    for table in inner:  # grows meanwhile
        inner += table.get_children()
        uses |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    binds = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
    return uses, binds


def _as_python(code):
    """A cell's code, less the lines that are not Python, if that is what it takes."""
    without = _NOT_PYTHON.sub(r"\1pass", code)
    return without if _statements(without) and not _statements(code) else code


def _statements(code):
    """The code of each statement of the outermost level; none where Python understands nothing."""
    try:
        return [ast.unparse(statement) for statement in ast.parse(code).body]
    except _NOT_UNDERSTOOD:
        return []


def _limit_memory(megabytes):
    """Of this process, and how long a file may become, where the system knows such limits."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_MB * 1_000_000,) * 2)
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 1_000_000,) * 2)


if __name__ == "__main__":
    main(*sys.argv[1:])
