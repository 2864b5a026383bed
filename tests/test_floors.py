"""Imports only go down the house's floors, and the ground floor's door opens at once."""

import ast
import graphlib
import pathlib
import re
import statistics
import subprocess
import sys
import time

import pytest

import course

COURSE = pathlib.Path(course.__file__).parent

# What may be imported when a module is; all else waits inside a function, on floor 3 and 4 all.
ALLOWED = {"keras", "numpy", "scipy", "yaml"}
# Loaded by the first `ejercicio(...)`, never by `import course.exercises`.
LATER = "course.exercises."
# The two modules of floor 2 that open data sets.
OPENERS = ("course.inference.run", "course.evaluation.run")


def table():
    """The floors as the package's docstring has them: `{room: (floor, place from the left)}`."""
    rows = re.findall(r"^    (\d)  (.+)$", course.__doc__, re.MULTILINE)
    return {
        room: (int(floor), place)
        for floor, rooms in rows
        for place, room in enumerate(re.findall(r"\w+", rooms))
    }


def strangers():
    """Pairs of rooms with `|` between them."""
    rows = re.findall(r"^    \d  (.+ \| .+)$", course.__doc__, re.MULTILINE)
    return [set(row.split(" | ")) for row in rows]


FLOORS = table()


def modules():
    for path in sorted(COURSE.rglob("*.py")):
        parts = path.relative_to(COURSE.parent).with_suffix("").parts
        yield ".".join(parts).removesuffix(".__init__"), path


def room_of(name):
    return name.split(".")[1] if "." in name else "course"


def imports(path, name):
    """`(imported module, whether it is imported as the file is)` for each import of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        at_once = id(node) not in inside
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, at_once
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                home = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*home, base]).rstrip(".")
            for alias in node.names:
                room = f"{base}.{alias.name}"
                yield (room if base.startswith("course") and is_module(room) else base), at_once


def is_module(name):
    path = COURSE.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def test_every_room_has_a_floor_and_every_floor_its_rooms():
    rooms = {room_of(name) for name, _ in modules()} - {"course", "__main__"}
    assert set(FLOORS) == rooms and len(rooms) <= 20


def test_imports_only_go_down_and_to_the_left():
    wrong = []
    for name, path in modules():
        own = room_of(name)
        if own in ("course", "__main__"):
            continue
        for imported, _ in imports(path, name):
            other = room_of(imported)
            if imported.partition(".")[0] != "course" or other in ("course", own):
                continue
            if FLOORS[other] > FLOORS[own] or {own, other} in strangers():
                wrong.append(f"{name} imports {imported}")
    assert wrong == []


def test_who_is_given_arrays_opens_no_data_set():
    wrong = [
        f"{name} imports {imported}"
        for name, path in modules()
        if FLOORS.get(room_of(name), (0,))[0] == 2 and name not in OPENERS
        for imported, _ in imports(path, name)
        if imported.startswith("course.datasets")
    ]
    assert wrong == []


def test_no_import_goes_in_a_circle():
    names = {name for name, _ in modules()}
    graph = {
        name: {other for other, _ in imports(path, name) if other in names - {name}}
        for name, path in modules()
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_heavy_packages_are_imported_where_they_are_needed():
    wrong = []
    for name, path in modules():
        for imported, at_once in imports(path, name):
            root = imported.partition(".")[0]
            known = root == "course" or root in sys.stdlib_module_names
            floor = FLOORS.get(room_of(name), (4,))[0]
            allowed = {"numpy"} if name.startswith(LATER) else ALLOWED if floor < 3 else set()
            if at_once and not known and root not in allowed:
                wrong.append(f"{name} imports {root} before it needs it")
    assert wrong == []


def test_the_lessons_use_public_names_only():
    for path in sorted((COURSE.parent / "kernels").glob("*/*.py")):
        for imported, _ in imports(path, path.stem):
            hidden = [part for part in imported.split(".") if part.startswith("_")]
            assert not hidden, f"{path.name} imports {imported}"


def test_the_tests_see_an_import_upwards(tmp_path):
    path = tmp_path / "cnn.py"
    path.write_text("def f():\n    from ..datasets import mnist\nimport keras, matplotlib\n")
    assert set(imports(path, "course.models.cnn")) == {
        ("keras", True),
        ("matplotlib", True),
        ("course.datasets.mnist", False),
    }
    assert FLOORS["datasets"] > FLOORS["models"] > FLOORS["errors"]
    assert strangers() == [{"datasets", "figures"}]


# ---- how fast the door opens


def seconds(*arguments):
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=COURSE.parent, check=True, capture_output=True)
    return time.perf_counter() - start


def quickest(*arguments, times=7):
    """The best of several: what the code costs, whatever else the machine is doing."""
    return min(seconds(*arguments) for _ in range(times))


@pytest.mark.parametrize("name", ["course", "course.exercises"])
def test_import_course_loads_nothing_heavy(name):
    code = f"import sys, {name}; print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=COURSE.parent, capture_output=True, text=True, check=True
    )
    roots = {name.partition(".")[0] for name in answer.stdout.split()}
    heavy = {"numpy", "scipy", "tensorflow", "keras", "matplotlib", "PIL", "yaml", "kagglehub"}
    assert "course" in roots and roots & heavy == set()


def test_import_course_takes_less_than_a_tenth_of_a_second():
    # one after the other, so that both meet the same machine; a busy one gets a second chance
    extra = [seconds("-c", "import course") - seconds("-c", "pass") for _ in range(7)]
    if statistics.median(extra) >= 0.1:
        extra = [quickest("-c", "import course") - quickest("-c", "pass")]
    assert statistics.median(extra) < 0.1


@pytest.mark.parametrize("arguments", [["--help"], ["data", "--help"], ["run", "--help"]])
def test_help_takes_less_than_half_a_second(arguments):
    assert quickest("-m", "course", *arguments) < 0.5
