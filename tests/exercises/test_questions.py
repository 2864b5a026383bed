"""The concept questions: three for each taller, every choice explained."""

import collections
import re

import pytest

from course.exercises import concepts, ejercicio
from tests import ROOT
from tests.exercises.test_exercises import ALL

QUESTIONS = {question.number: question for question in concepts.EXERCISES}

each = pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)


def test_each_taller_has_three_after_its_exercises():
    exercises = collections.Counter(number.partition(".")[0] for number in ALL)
    wanted = [f"{t}.{exercises[t] + i}" for t in exercises for i in (1, 2, 3)]
    assert list(QUESTIONS) == wanted


def test_the_right_letter_is_not_always_the_same():
    assert max(collections.Counter(q.right for q in QUESTIONS.values()).values()) < 10


def test_the_guide_for_teachers_has_each_letter():
    guide = (ROOT / "docs" / "guia-docente.md").read_text(encoding="utf-8")
    written = dict(re.findall(r"(?<=[ ,|])(\d\S*\.\d) ([a-d])(?=[ ,])", guide))
    assert written == {number: question.right for number, question in QUESTIONS.items()}


@each
def test_every_choice_has_its_own_explanation(question):
    explanations = [why for _, why in question.choices]
    assert len(set(explanations)) == len(explanations) >= 3
    for letter, why in zip(question.letters, explanations, strict=True):
        verdict = ejercicio(question.number).comprobar(letter)
        assert why in verdict and bool(verdict) == (letter == question.right)
        assert ("¡correcto!" in verdict) == why.startswith("Así es") == bool(verdict)


@pytest.mark.parametrize("answer", [" B) ", "b", "(b)", "'b'"])
def test_a_letter_is_read_however_it_is_written(answer):
    assert ejercicio("1.5").comprobar(answer)


@pytest.mark.parametrize("answer", [..., None])
def test_no_answer_yet_is_no_error(answer):
    verdict = ejercicio("2.6").comprobar(answer)
    assert not verdict
    assert verdict.endswith('sin responder. Escribe tu letra así: ejercicio("2.6").comprobar("a").')


@pytest.mark.parametrize("answer", [2, "", "z", "ab", print, ["a", "b"]])
def test_no_letter_is_a_message(answer):
    verdict = ejercicio("2.6").comprobar(answer)
    assert not verdict and "se espera una letra, de la a a la c" in verdict


def test_a_question_is_shown_with_its_choices_and_solved(capsys):
    question = ejercicio("1.6")
    shown = question._repr_markdown_()
    assert "d) 20" in shown and 'ejercicio("1.6").comprobar("a")' in shown
    assert question.solucion().startswith("d) 20") and "Pista." in question.pista()
    assert repr(question).splitlines()[0].startswith("**Ejercicio 1.6. Épocas")
