"""Imports only go down the house's floors, and the ground floor's door opens at once."""

import ast
import pathlib
import statistics
import subprocess
import sys
import time

import pytest

COURSE = pathlib.Path(__file__).parents[1] / "course"

# The floor of each room; `catalog_rules` is a part of `catalog`, `models.cnn` of `models`.
FLOORS = {
    "course": 0,
    "course.errors": 0,
    "course.quiet": 0,
    "course.spanish": 0,
    "course.catalog": 0,
    "course.settings": 0,
    "course.images": 0,
    "course.card": 0,
    "course.models": 0,
    "course.regions": 0,
    "course.losses": 0,
    "course.metrics": 0,
    "course.foundations": 0,
    "course.devices": 0,
    "course.datasets": 1,
    "course.figures": 1,
    "course.training": 2,
    "course.inference": 2,
    "course.detection": 2,
    "course.explain": 2,
    "course.evaluation": 2,
    "course.uncertainty": 2,
    "course.report": 2,
    "course.page": 2,
    "course.export": 2,
    "course.exercises": 3,
    "course.kaggle": 3,
    "course.lessons": 3,
    "course.runs": 3,
    "course.cli": 3,
    "course.__main__": 3,
}
# What may be imported when a module is, floor by floor; all else waits inside a function.
ALLOWED = {
    0: {"keras", "numpy", "scipy", "yaml"},
    1: {"keras", "numpy", "scipy", "yaml"},
    2: {"keras", "numpy", "scipy", "yaml"},
    3: set(),
}
# Loaded by the first `ejercicio(...)`, never by `import course.exercises`.
LATER = "course.exercises."


def modules():
    for path in sorted(COURSE.rglob("*.py")):
        parts = path.relative_to(COURSE.parent).with_suffix("").parts
        yield ".".join(parts).removesuffix(".__init__"), path


def floor(name):
    room = ".".join(name.split(".")[:2])
    known = FLOORS.get(room, FLOORS.get(room.partition("_")[0]))
    return -1 if known is None else known


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


def test_every_module_has_a_floor():
    assert [name for name, _ in modules() if floor(name) < 0] == []


def test_imports_only_go_down():
    wrong = []
    for name, path in modules():
        for imported, _ in imports(path, name):
            if not imported.startswith("course.") and imported != "course":
                continue
            upwards = floor(imported) > floor(name)
            # arrays in, arrays out: what trains and judges never reads data
            reads_data = floor(name) == 2 and imported.startswith("course.datasets")
            draws = (
                floor(name) == 1 and "datasets" in name and imported.startswith("course.figures")
            )
            if upwards or reads_data or draws:
                wrong.append(f"{name} imports {imported}")
    assert wrong == []


def test_heavy_packages_are_imported_where_they_are_needed():
    wrong = []
    for name, path in modules():
        for imported, at_once in imports(path, name):
            root = imported.partition(".")[0]
            known = root == "course" or root in sys.stdlib_module_names
            allowed = {"numpy"} if name.startswith(LATER) else ALLOWED[floor(name)]
            if at_once and not known and root not in allowed:
                wrong.append(f"{name} imports {root} before it needs it")
    assert wrong == []


def test_the_lessons_use_public_names_only():
    for path in sorted((COURSE.parent / "kernels").glob("*/*.py")):
        for imported, _ in imports(path, path.stem):
            hidden = [part for part in imported.split(".") if part.startswith("_")]
            assert not hidden, f"{path.name} imports {imported}"


def test_the_test_itself_sees_an_import_upwards(tmp_path):
    path = tmp_path / "cnn.py"
    path.write_text("def f():\n    from ..datasets import mnist\nimport keras, matplotlib\n")
    assert set(imports(path, "course.models.cnn")) == {
        ("keras", True),
        ("matplotlib", True),
        ("course.datasets.mnist", False),
    }
    assert floor("course.datasets.mnist") > floor("course.models.cnn")


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
