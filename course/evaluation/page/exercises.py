"""The section about the exercises that were tried in the run."""

import re
from html import escape

from course.evaluation.page.parts import cell, row, table
from course.spanish import count, number


def section(tried):
    """HTML of a run's record of exercises; empty without any.

    `tried`: dict from a number to a `Tried`, or the text that says why it cannot be read.
    """
    if not tried:
        return ""
    if isinstance(tried, str):
        return f"<h2>Los ejercicios</h2><p>{escape(tried)}</p>"
    right = sum(one.right for one in tried.values())
    rows = [
        row(
            escape(name),
            cell(_answer(one)),
            cell(number(one.tries, 0), numeric=True),
            cell(number(one.hints, 0), numeric=True),
            cell(f"<small>{escape(_when(one))}</small>"),
        )
        for name, one in sorted(tried.items())
    ]
    return (
        f"<h2>Los ejercicios</h2><p>Cuando se escribió este informe: {right} de "
        f"{count(len(tried), 'ejercicio intentado', 'ejercicios intentados')}, con respuesta "
        "correcta. Lo que se intenta después de acertar ya no se cuenta.</p>"
        + table(
            ("Ejercicio", "Respuesta", "Intentos", "Pistas", "Cuándo"),
            rows,
            numeric=(2, 3),
            name="exercises",
        )
    )


def _answer(one):
    seen = "<small>vio la solución</small>" if one.solution else ""
    return ("correcto" if one.right else "todavía no") + seen


def _when(one):
    return re.sub(r"^(.{10})T(\d\d:\d\d).*", r"\1, \2 UTC", one.when)
