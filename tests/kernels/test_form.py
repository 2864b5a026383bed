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
def test_a_lesson_trains_on_all_devices_and_goes_on_alone(lesson):
    text = lesson.read_text(encoding="utf-8")
    fitted = re.search(r"^(?:\w+ = )?(\w+)\.fit\(\n(?:    .*\n)+\)$", text, re.MULTILINE)
    assert "callbacks=callbacks(run, batches" in fitted[0]
    if "validation_data" in fitted[0]:  # arrays would be shared without leaving anything out
        assert "validation_data=Batches(" in fitted[0]
    before, after = text[: fitted.start()], text[fitted.end() :]
    assert re.search(r"all_devices\(batch_size=\S+\)", before)
    ended = re.search(r"^.*\bmodel = alone\((model|trainer)\)", after, re.MULTILINE)
    assert ended and ended.start() < after.index("evaluate_")


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_asks_its_concept_questions_last(lesson, capsys):
    taller = lesson.stem.partition("_")[0]
    mine = [q for q in concepts.EXERCISES if taller == f"taller{q.number.partition('.')[0]}"]
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
    numbers = re.findall(r"\*\*Ejercicio (\w+\.\d+)\.", " ".join(words))
    assert numbers[-3:] == [question.number for question in mine]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_that_borrows_weights_can_fetch_them_on_kaggle(lesson):
    metadata = json.loads(lesson.with_name("kernel-metadata.json").read_text(encoding="utf-8"))
    borrows = "transfer_classifier(" in lesson.read_text(encoding="utf-8")
    assert metadata["enable_internet"] or not borrows


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
