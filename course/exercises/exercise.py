"""What an exercise is: a statement, hints, inputs drawn at check time, what is right, mistakes."""

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from course.exercises.answers import Objection, call, given, is_empty, is_unchanged
from course.exercises.diagnosis import Mistake, diagnose
from course.training.exercise_record import note

# How to go on is typed where the student sits.
IN_PYTHON = {
    "check": 'ejercicio("{number}").comprobar({name})',
    "hint": 'ejercicio("{number}").pista()',
    "solution": 'ejercicio("{number}").solucion()',
}
IN_TERMINAL = {
    "check": "python -m course ejercicio {number} mis_respuestas.py",
    "hint": "python -m course ejercicio {number} --pista 1",
    "solution": "python -m course ejercicio {number} --solucion",
}


def how(exercise, verb):
    """What is to be typed to check an answer, for a hint, or for the solution."""
    return exercise.form[verb].format(number=exercise.number, name=exercise.name)


@dataclass
class Exercise:
    """One exercise. The answer is a function, or a value where `solution` is one.

    Args:
        number: Text, `"2.3"`, the third of Taller 2.
        title: Text, short.
        statement: Text in Markdown, what is asked. The lesson holds the same words.
        hints: Tuple of texts, from a nudge to nearly the solution.
        example: Tuple, the arguments of the call that the statement shows.
        draw: Function `random → list of tuples`: the arguments of each call of a check, drawn from
            a `numpy.random.Generator`. Few and round numbers, because a student will read them, and
            the most telling first: of the calls that show a mistake she sees the first.
        right: Function that answers rightly, found another way than `solution` where there is one.
        mistakes: Tuple of `Mistake`, the first that fits is shown.
        solution: The function shown in the end, or the value.
        explanation: Text in Markdown, why it is right.
        name: Text, what a student calls her answer; a function's own name by default.
        read: Function `(answer, *inputs) → what is compared`, for answers that are right in many
            ways, such as kernels: it is applied to hers and to the right one. It may raise
            `Objection`.
        compared: Text, what `read` gives, in a student's words.
        unchanged: Function, the one with mistakes that the lesson's cell gives to be mended.
        form: How to go on is written: `IN_PYTHON` or `IN_TERMINAL`.
        bounds: Pair, the least and the greatest number that any right answer can have.
    """

    number: str
    title: str
    statement: str
    hints: tuple
    example: tuple
    draw: Callable
    right: Callable
    mistakes: tuple[Mistake, ...]
    solution: object
    explanation: str
    name: str = ""
    read: Callable | None = None
    compared: str = ""
    unchanged: Callable | None = None
    form: dict = None
    bounds: tuple = (-np.inf, np.inf)

    def __post_init__(self):
        self.name = self.name or self.solution.__name__
        self.form = self.form or IN_PYTHON
        self._hints_given = 0

    @property
    def wants_function(self):
        return callable(self.solution)

    def pista(self, number=None):
        """Show the next hint, or that of a number from 1."""
        self._hints_given = self._hints_given + 1 if number is None else number
        if not 1 <= self._hints_given <= len(self.hints):
            self._hints_given = len(self.hints)
            return said(f"No quedan más pistas. La solución: {how(self, 'solution')}")
        note(self.number, hints=self._hints_given)
        head = f"Pista {self._hints_given} de {len(self.hints)}. "
        return said(head + self.hints[self._hints_given - 1])

    def comprobar(self, answer):
        """Check an answer on fresh inputs and show what is right or wrong with it.

        Args:
            answer: Her function itself, or her value.

        Returns:
            A `Verdict`, true if the answer is right.
        """
        return judged(self, check(self, answer, np.random.default_rng()))

    def solucion(self):
        """Show a solution and why it is one."""
        note(self.number, solution=True)
        if self.wants_function:
            code = inspect.getsource(self.solution)
        else:
            code = f"{self.name} = {self.solution!r}\n"
        return said(f"{code}\n{self.explanation}")

    def __repr__(self):
        """What a terminal shows."""
        paragraphs = self._repr_markdown_().split("\n\n")
        return "\n\n".join(textwrap.fill(text, 100) for text in paragraphs)

    def _repr_markdown_(self):
        """What a notebook shows."""
        asked = f"**Ejercicio {self.number}. {self.title}.** {self.statement}"
        if self.wants_function:
            shown = call(self.name, self.example, self.right(*self.example))
            asked += f"\n\nPor ejemplo, `{shown}`"
        return asked + f"\n\n`{how(self, 'check')}`, o antes `{how(self, 'hint')}`"


class Said(str):
    """A text that was printed, so that a notebook does not show it a second time."""

    def _ipython_display_(self):
        pass


class Verdict(Said):
    """What a check shows: the text, and whether the answer was right.

    Attributes:
        right: Boolean; `if verdict:` asks the same.
        error: The exception that her function raised, with its traceback, or `None`.
        tried: Whether there was an answer to check.
    """

    def __new__(cls, text, right=False, error=None, tried=True):
        verdict = super().__new__(cls, text)
        verdict.right, verdict.error, verdict.tried = right, error, tried
        return verdict

    def __bool__(self):
        return self.right


def check(exercise, answer, random):
    """The `Verdict` on an answer, on inputs drawn from `random`; prints nothing."""
    head = f"Ejercicio {exercise.number} ({exercise.title}): "
    if is_empty(answer):
        empty = f"{head}está vacío. Escribe tu respuesta en lugar de los puntos (...)."
        return Verdict(empty, tried=False)
    if is_unchanged(exercise, answer):
        same = f"{head}todavía no.\nEstá tal como se entrega, con todos sus errores."
        return Verdict(same, tried=False)
    hint = f"\n¿Una pista? {how(exercise, 'hint')}"
    try:
        trials = given(exercise, answer, exercise.draw(random))
        wrong = diagnose(exercise, trials)
    except Objection as objection:
        return Verdict(f"{head}todavía no.\n{objection}{hint}", error=objection.__cause__)
    if wrong:
        return Verdict(f"{head}todavía no.\n{wrong}{hint}")
    return Verdict(
        f"{head}¡correcto! Lo probé con {len(trials)} casos elegidos al azar. "
        f"Compara con {how(exercise, 'solution')}",
        right=True,
    )


def judged(exercise, verdict):
    """Print a verdict, remember it in the run's record, and hand it back."""
    said(verdict)
    if verdict.tried:
        note(exercise.number, tries=1, right=verdict.right)
    return verdict


def said(text):
    """Print a text and hand it back, marked as printed."""
    print(text)
    return text if isinstance(text, Said) else Said(text)
