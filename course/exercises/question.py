"""What a concept question is: a statement, choices, and why each of them is right or wrong."""

import textwrap
from dataclasses import dataclass

from course.exercises import exercise
from course.exercises.answers import is_empty
from course.exercises.exercise import IN_PYTHON, Verdict, how, judged, said
from course.training.exercise_record import note

# A letter takes the place of the file.
IN_TERMINAL = {**exercise.IN_TERMINAL, "check": "python -m course ejercicio {number} a"}


@dataclass
class Question:
    """One question with choices, asked for and answered as an `Exercise` is.

    Args:
        number: Text, `"2.6"`; questions come after the exercises of their taller.
        title: Text, short.
        statement: Text in Markdown, what is asked.
        choices: Tuple of pairs, a choice and what is said to whoever takes it; "a" is the first.
        right: Text, the letter of the right choice.
        hint: Text, where to look.
        form: How to go on is written: `IN_PYTHON` or `IN_TERMINAL`.
    """

    number: str
    title: str
    statement: str
    choices: tuple
    right: str
    hint: str
    form: dict = None

    name = '"a"'  # what is handed over, for example

    def __post_init__(self):
        self.form = self.form or IN_PYTHON

    @property
    def letters(self):
        return "abcdefgh"[: len(self.choices)]

    def pista(self, number=1):
        """Show the hint."""
        note(self.number, hints=1)
        return said(f"Pista. {self.hint}")

    def comprobar(self, answer):
        """Check the letter of a choice and show why it is right or wrong.

        Returns:
            A `Verdict`, true if the answer is right.
        """
        head = f"Ejercicio {self.number} ({self.title}): "
        if is_empty(answer):
            empty = f"{head}sin responder. Escribe tu letra así: {how(self, 'check')}."
            return judged(self, Verdict(empty, tried=False))
        letter = str(answer).strip().strip("()'\"").lower()
        if letter not in tuple(self.letters):
            other = (
                f"{head}se espera una letra, de la a a la {self.letters[-1]}: "
                f"{how(self, 'check')}. Llegó: {answer!r:.40}."
            )
            return judged(self, Verdict(other, tried=False))
        right = letter == self.right
        verdict = "¡correcto!" if right else "todavía no."
        why = self.choices[self.letters.index(letter)][1]
        hint = "" if right else f"\n¿Una pista? {how(self, 'hint')}"
        return judged(self, Verdict(f"{head}{verdict}\n{why}{hint}", right=right))

    def solucion(self):
        """Show the right choice and why it is right."""
        note(self.number, solution=True)
        text, why = self.choices[self.letters.index(self.right)]
        return said(f"{self.right}) {text}\n\n{why}")

    def __repr__(self):
        """What a terminal shows."""
        paragraphs = self._repr_markdown_().split("\n\n")
        return "\n\n".join(textwrap.fill(text, 100) for text in paragraphs)

    def _repr_markdown_(self):
        """What a notebook shows."""
        choices = (
            f"{at}) {text}" for at, (text, _) in zip(self.letters, self.choices, strict=True)
        )
        ways = f"`{how(self, 'check')}`, o antes `{how(self, 'hint')}`"
        asked = f"**Ejercicio {self.number}. {self.title}.** {self.statement}"
        return "\n\n".join((asked, *choices, ways))
