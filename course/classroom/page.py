"""The rows as one page of HTML: self-contained, for a desk, a phone and paper, light and dark."""

import math
import pathlib
import string
from html import escape

from course.classroom.table import exercise_texts
from course.evaluation.page.parts import length, typeset
from course.spanish import count, number

_HEAD = ("Estudiante", "Puntaje", "Aciertos", "La red", "Ejercicios", "Para mirar")


def page(rows, title) -> str:
    """The page of the rows, lesson by lesson."""
    template = pathlib.Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    lessons = {}
    for row in rows:
        lessons.setdefault(row.taller, []).append(row)
    sections = [_lesson(name, lessons[name]) for name in sorted(lessons, key=lambda n: (not n, n))]
    return string.Template(template).substitute(
        title=escape(title), summary=escape(summary(rows)), sections="\n".join(sections)
    )


def summary(rows) -> str:
    """How many there are, and how many of them are to be looked at."""
    measured = sum(not row.found.why for row in rows)
    flagged = sum(bool(row.found.flags) for row in rows)
    students = len({(row.student, row.place) for row in rows})
    parts = [
        count(students, "entrega", "entregas"),
        count(measured, "red medida", "redes medidas"),
        f"{number(len(rows) - measured, 0)} sin medir",
        f"{number(flagged, 0)} con avisos",
    ]
    return ", ".join(parts) + "."


def _lesson(name, rows):
    values = [v for row in rows for v in (row.found.low, row.found.value, row.found.high)]
    known = [v for v in values if v is not None and math.isfinite(v)]
    ends = (min(known), max(known)) if known else (0, 1)
    head = "".join(f'<th scope="col">{text}</th>' for text in _HEAD)
    body = "\n".join(_row(row, *ends) for row in rows)
    return (
        f"<h2>{escape(name or 'Sin taller')}</h2>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row(row, low, high):
    cells = [_score(row.found, low, high), _picture(row.found), _network(row), _exercises(row)]
    names = ("", "", "", "Ejercicios", "")
    shown = "".join(
        f'<td data-name="{name}">{cell}</td>' if name and cell else f"<td>{cell}</td>"
        for name, cell in zip(names, [*cells, _flags(row)], strict=True)
    )
    name = f"{escape(row.name)}<small>{escape(row.run or row.place)}</small>"
    return f'<tr><th scope="row">{name}</th>{shown}</tr>'


def _score(found, low, high):
    if not found.score:
        return ""
    span = (high - low) or 1
    line = ""
    if found.low is not None:
        left, right = ((value - low) / span for value in (found.low, found.high))
        dot = length((found.value - low) / span)
        line = (
            f'<span class="line"><i style="left:{length(left)};width:{length(right - left)}"></i>'
            f'<b style="left:{dot}"></b></span>'
        )
    return (
        f"<strong>{typeset(found.shown)}</strong>"
        f"<small>{escape(found.score)} en {typeset(number(found.n, 0))}</small>"
        f"{line}<small>{typeset(found.interval)}</small><small>{escape(found.data)}</small>"
    )


def _picture(found):
    if not found.picture:
        return ""
    return f'<img alt="Aciertos y errores" src="data:image/png;base64,{found.picture}">'


def _network(row):
    found, told = row.found, row.told
    seen = count(found.parameters, "parámetro", "parámetros") if found.parameters else ""
    parts = [f"{number(told.minutes, 1)}\u00a0min"] if told.minutes is not None else []
    parts += [f"semilla {told.seed}"] if told.seed is not None else []
    said = f"<small>según la entrega: {typeset(', '.join(parts))}</small>" if parts else ""
    return typeset(seen) + said


def _exercises(row):
    if not row.told.exercises:
        return ""
    listed = "".join(
        f"<small>{escape(text)}</small>" for text in exercise_texts(row.told.exercises)
    )
    return f"{row.right} de {len(row.told.exercises)}<small>según la entrega:</small>{listed}"


def _flags(row):
    texts = [*row.found.flags, *row.faults, *row.told.faults]
    texts += [f"sin medir: {row.found.why}"] if row.found.why else []
    return "<ul>" + "".join(f"<li>{_lines(text)}</li>" for text in texts) + "</ul>" if texts else ""


def _lines(text):
    return escape(text).replace("\n", "<br>")
