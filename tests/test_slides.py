"""The README's table of the slides: each function imports, and its lesson uses it where it says."""

import importlib
import re

import pytest

from course.kaggle import lessons, notebooks
from tests import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def rows():
    table = README.partition("## The slides, one by one\n")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def test_the_spanish_table_leads_to_the_same_places():
    spanish = (ROOT / "README.es.md").read_text(encoding="utf-8")
    table = spanish.partition("## Las diapositivas, una por una\n")[2].partition("\n## ")[0]
    places = re.findall(r"^\| .* \| (Taller \d\w?) \| (.*) \|$", table, re.MULTILINE)
    assert places == [row[2:] for row in rows()]


def resolve(path):
    """What a dotted name means to a student who imports it: `course.models.cnn` is the function."""
    found = importlib.import_module("course")
    for name in path.split(".")[1:]:
        if not hasattr(found, name):
            importlib.import_module(f"{found.__name__}.{name}")
        found = getattr(found, name)
    return found


def section(lesson, heading):
    """What a student reads and runs under a heading, exercises left out; None without one."""
    found = None
    for cell in notebooks.cells(lesson):
        head = re.match(r"## (.*)", cell.source) if cell.cell_type == "markdown" else None
        if head:
            if found is not None:
                break
            found = "" if head[1] == heading else None
        if found is not None and "ejercicio" not in cell.metadata.get("tags", ()):
            found += cell.source + "\n"
    return found


def test_the_table_has_every_lesson_in_it():
    assert len(rows()) == len(set(rows())) > 25
    lessons_there = {lesson.removeprefix("Taller ") for _, _, lesson, _ in rows()}
    assert lessons_there == {"0", "1", "2", "3", "4", "5", "5b"}


@pytest.mark.parametrize("slide, function, lesson, heading", rows())
def test_a_row_is_true(slide, function, lesson, heading):
    assert callable(resolve(function.strip("`")))
    text = section(lessons.find(lesson.lower().replace(" ", "")), heading)
    assert text is not None, f"{lesson} has no section {heading!r}"
    *_, home, name = function.strip("`").split(".")
    method = home[0].isupper()  # a variable may have its name
    used = rf"\.{name}\(" if method else rf"\b{name}\b"
    assert re.search(used, text), f"{name} is not in {heading!r} of {lesson}"


def test_a_row_that_is_not_true_is_seen():
    lesson = lessons.find("taller2")
    assert section(lesson, "4. La nube") is None
    assert "cnn(" in section(lesson, "4. La red")
    assert "model.fit(" not in section(lesson, "4. La red")
