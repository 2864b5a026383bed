"""Exercises that check themselves, `ejercicio("2.3")`: one file per taller; concept questions.

A student asks for an exercise and sees what it wants; `.pista()` gives one hint after the other,
`.comprobar(answer)` says what is wrong with an answer, `.solucion()` shows one that is right.
"""

import importlib
import pkgutil

from course.errors import CourseError

__all__ = ["ejercicio"]


def ejercicio(number):
    """One exercise, by its number.

    Args:
        number: Text such as `"2.3"`, the third of Taller 2, or `"5b.1"`; `2.3` and `"2,3"` do
            as well.

    Returns:
        A `course.exercises.exercise.Exercise`, the same one each time: it remembers which hints it
        has given; or a `course.exercises.question.Question`.

    Raises:
        CourseError: There is no such exercise; in Spanish, with those that there are.

    Example:

    >>> ejercicio("0.1").title
    'Softplus que no se desborda'
    """
    wanted = str(number).strip().lower().replace(",", ".")
    there_are = {
        exercise.number: exercise
        for module in pkgutil.iter_modules(__path__)
        if module.name.startswith(("taller", "concepts"))
        for exercise in importlib.import_module(f"{__name__}.{module.name}").EXERCISES
    }
    if wanted not in there_are:
        raise CourseError(
            f"No hay un ejercicio {number!r}. Hay: {', '.join(sorted(there_are))}.\n"
            "Qué hacer: elige uno de esos números y repite lo mismo con él."
        )
    return there_are[wanted]
