"""What an exercise is: a statement, hints, inputs drawn at check time, what is right, mistakes."""

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from course.exercises.answers import Objection, call, given, is_empty
from course.exercises.diagnosis import Mistake, diagnose


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

    def __post_init__(self):
        self.name = self.name or self.solution.__name__
        self._hints_given = 0

    @property
    def asked(self):
        """How it is asked for."""
        return f'ejercicio("{self.number}")'

    @property
    def wants_function(self):
        return callable(self.solution)

    def pista(self):
        """Show the next hint."""
        if self._hints_given == len(self.hints):
            return _said(f"No quedan más pistas. La solución: {self.asked}.solucion()")
        self._hints_given += 1
        said = f"Pista {self._hints_given} de {len(self.hints)}. "
        return _said(said + self.hints[self._hints_given - 1])

    def comprobar(self, answer):
        """Check an answer on fresh inputs and show what is right or wrong with it.

        Args:
            answer: Her function itself, or her value.

        Returns:
            A `Verdict`, true if the answer is right.
        """
        return _said(check(self, answer, np.random.default_rng()))

    def solucion(self):
        """Show a solution and why it is one."""
        if self.wants_function:
            code = inspect.getsource(self.solution)
        else:
            code = f"{self.name} = {self.solution!r}\n"
        return _said(f"{code}\n{self.explanation}")

    def __repr__(self):
        """What a terminal shows."""
        paragraphs = self._repr_markdown_().split("\n\n")
        return "\n\n".join(textwrap.fill(text, 100) for text in paragraphs)

    def _repr_markdown_(self):
        """What a notebook shows."""
        said = f"**Ejercicio {self.number}. {self.title}.** {self.statement}"
        if self.wants_function:
            shown = call(self.name, self.example, self.right(*self.example))
            said += f"\n\nPor ejemplo, `{shown}`"
        return said + f"\n\n`{self.asked}.comprobar({self.name})`, o antes `{self.asked}.pista()`"


class Said(str):
    """A text that was printed, so that a notebook does not show it a second time."""

    def _ipython_display_(self):
        pass


class Verdict(Said):
    """What a check shows: the text, and whether the answer was right.

    Attributes:
        right: Boolean; `if verdict:` asks the same.
        error: The exception that her function raised, with its traceback, or `None`.
    """

    def __new__(cls, text, right=False, error=None):
        verdict = super().__new__(cls, text)
        verdict.right, verdict.error = right, error
        return verdict

    def __bool__(self):
        return self.right


def check(exercise, answer, random):
    """The `Verdict` on an answer, on inputs drawn from `random`; prints nothing."""
    head = f"Ejercicio {exercise.number} ({exercise.title}): "
    if is_empty(answer):
        return Verdict(f"{head}está vacío. Escribe tu respuesta en lugar de los puntos (...).")
    hint = f"\n¿Una pista? {exercise.asked}.pista()"
    try:
        trials = given(exercise, answer, exercise.draw(random))
        wrong = diagnose(exercise, trials)
    except Objection as objection:
        return Verdict(f"{head}todavía no.\n{objection}{hint}", error=objection.__cause__)
    if wrong:
        return Verdict(f"{head}todavía no.\n{wrong}{hint}")
    return Verdict(
        f"{head}¡correcto! Lo probé con {len(trials)} casos elegidos al azar. "
        f"Compara con {exercise.asked}.solucion()",
        right=True,
    )


def _said(text):
    print(text)
    return text if isinstance(text, Said) else Said(text)
