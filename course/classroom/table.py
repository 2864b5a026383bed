"""The rows as a CSV for Moodle or a spreadsheet."""

import csv
import io

from course.classroom.told import first_line
from course.spanish import count

# what a delivery says of itself, and nobody has seen
_TOLD = "(según la entrega)"


def csv_text(rows, comma=False) -> str:
    """The table of some `Row`s; see `spreadsheet`."""
    return spreadsheet([_of(row) for row in rows], comma)


def spreadsheet(rows, comma=False) -> str:
    """A table as text, with a mark at its start by which a spreadsheet knows UTF-8.

    Args:
        rows: List of dicts, all with the same keys: the columns.
        comma: Whether numbers have a decimal comma, and cells a semicolon between them, as a
            spreadsheet in Spanish expects it.
    """
    text = io.StringIO()
    cells = [{name: _cell(value, comma) for name, value in row.items()} for row in rows]
    writer = csv.DictWriter(text, cells[0], delimiter=";" if comma else ",", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(cells)
    return "\ufeff" + text.getvalue()


def _of(row):
    found, told = row.found, row.told
    return {
        "estudiante": row.student,
        "entrega": row.place,
        "corrida": row.run,
        f"taller {_TOLD}": row.taller,
        "datos": found.data,
        "puntaje": found.score,
        "valor": found.value,
        "desde": found.low,
        "hasta": found.high,
        "casos": found.n,
        "parámetros": found.parameters,
        f"minutos {_TOLD}": told.minutes,
        f"semilla {_TOLD}": told.seed,
        f"ejercicios correctos {_TOLD}": row.right if told.exercises else None,
        f"ejercicios {_TOLD}": "; ".join(exercise_texts(told.exercises)),
        "avisos": "; ".join(found.flags),
        "no se midió": first_line(found.why),
        "no se pudo leer": "; ".join([*row.faults, *told.faults]),
    }


def exercise_texts(exercises):
    """Each exercise of a record in words.

    Example:

    >>> from course.training.exercise_record import Tried
    >>> [text] = exercise_texts({"2.1": Tried(tries=3, hints=1, right=True)})
    >>> text.replace("\\xa0", " ")
    '2.1 correcto (3 intentos, 1 pista)'
    """
    texts = []
    for name, one in sorted(exercises.items()):
        parts = [count(one.tries, "intento", "intentos")]
        parts += [count(one.hints, "pista", "pistas")] if one.hints else []
        parts += ["vio la solución"] if one.solution else []
        what = "correcto" if one.right else "todavía no"
        texts.append(f"{name} {what} ({', '.join(parts)})")
    return texts


def _cell(value, comma):
    if value is None:
        return ""
    if isinstance(value, float):
        text = f"{value:.4f}"
        return text.replace(".", ",") if comma else text
    text = str(value)
    # a spreadsheet would take a student's text for a formula, and do what it says
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
