"""What every lesson has in common: its order, its length, its settings."""

import json
import re
import sys

import pytest

from course import cli
from course.exercises import concepts, ejercicio
from course.kaggle import notebooks
from tests import ROOT

LESSONS = sorted((ROOT / "kernels").glob("*/*.py"))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_keeps_the_fixed_order_and_is_short(lesson):
    assert lesson.stem == lesson.parent.name
    text = lesson.read_text(encoding="utf-8")
    heads = re.findall(r"^# ## \d+\. (.*)$", text, re.MULTILINE)
    assert heads[:2] == ["Lo que importamos", "Ajustes"]
    assert (
        heads[-3:] == ["Qué aprendió", "Cuánto acierta y dónde falla", "Para probar"]
        or (
            lesson.stem.startswith("taller1")  # what it learned is the first figure, the curves
            and heads[-2:] == ["Cuánto acierta y dónde falla", "Para probar"]
        )
    )
    for wanted in ("**Meta.**", "**Qué esperar.**", ".compile(", ".fit("):
        assert wanted in text
    code = [  # what a student reads; exercises are hers to fill in
        line
        for cell in notebooks.cells(lesson)
        if cell.cell_type == "code" and "ejercicio" not in cell.metadata.get("tags", ())
        for line in cell.source.splitlines()
        if line.strip() and not line.startswith("#")
    ]
    assert 0 < len(code) <= 150


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_asks_its_concept_questions_last(lesson, capsys):
    mine = [q for q in concepts.EXERCISES if lesson.stem.startswith(f"taller{q.number[0]}")]
    cells = notebooks.cells(lesson)
    words = [re.sub(r"\s+", " ", cell.source) for cell in cells]
    for question in mine:
        asked = question._repr_markdown_().rpartition("\n\n")[0]  # its own form of going on
        (at,) = (i for i, text in enumerate(words) if re.sub(r"\s+", " ", asked) in text)
        check = cells[at + 1]
        assert check.metadata == {"tags": ["ejercicio"]}
        exec(check.source, {"ejercicio": ejercicio})  # as it stands, unedited
        head = f"Ejercicio {question.number} ({question.title}): sin responder."
        assert capsys.readouterr().out.startswith(head)
    numbers = re.findall(r"\*\*Ejercicio ([\d.]+)\.", " ".join(words))
    assert numbers[-3:] == [question.number for question in mine]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_the_default_of_a_lesson_is_kaggle(lesson, monkeypatch, capsys):
    """Unless its metadata say that it needs no data set: then it is what is embedded."""
    metadata = json.loads(lesson.with_name("kernel-metadata.json").read_text(encoding="utf-8"))
    default = "kaggle" if metadata["dataset_sources"] else "sample"
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # the lesson's own goes with the test
    with pytest.raises(SystemExit) as end:
        cli.main(["run", lesson.stem, "--help"])
    assert not end.value.code
    printed = capsys.readouterr().out
    assert re.search(rf"--source VALOR[^)]*\)[^)]*\(por defecto:\s+{default}\)", printed)
    for name in ("epochs", "batch-size", "seed", "limit", "run-dir", "resume"):
        assert f"--{name}" in printed
