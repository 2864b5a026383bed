"""A report on pictures that were marked: in one line, printed, and section by section."""

from html import escape

from course.evaluation.page.parts import (
    bracket,
    cell,
    figure,
    row,
    table,
    typeset,
    unrounded,
    with_interval,
)
from course.spanish import count, number

TITLE = "Segmentación de imágenes"
NOUN = ("imagen", "imágenes")
FIELDS = ("class_names", "independent")  # of report.json, beside those of every task


def headline(report):
    """The mean Dice of each class with its interval."""
    parts = []
    for key, score in report.scores.items():
        text = f"«{_named(key)}» {report.score_text(key, score)}"
        if report.intervals.get(key):
            low, high = (report.score_text(key, end) for end in report.intervals[key])
            text += f" (95\u00a0%: {low}–{high})"
        parts.append(text)
    return f"Dice{' medio' if report.n > 1 else ''} de {' · '.join(parts)} en {report.counted}"


def score_text(report, name, value):
    """Two decimals, never rounded up to a perfect 1."""
    return unrounded(value, 2)


def summary(report):
    """Lines under the headline: each class in numbers."""
    return [
        f"  «{one['class']}», en {count(one['n'], *NOUN)}: mediana "
        f"{report.score_text('dice', one['median'])}, sensibilidad "
        f"{report.score_text('dice', one['sensitivity'])}, precisión "
        f"{report.score_text('dice', one['precision'])}"
        for one in report.per_class
    ]


def hero(report):
    """The Dice of the classes, each with its interval, and what it means."""
    scores = "".join(
        f'<div><p class="score">{typeset(report.score_text(key, score))}'
        f"<small>Dice de «{escape(_named(key))}»</small></p>{bracket(report, key)}</div>"
        for key, score in report.scores.items()
    )
    apart = ""
    if report.independent != report.n:
        groups = typeset(number(report.independent, 0))
        apart = (
            f" Son {groups} grupos (gemelas, o imágenes de un mismo paciente): para el intervalo, "
            "las de cada grupo cuentan juntas."
        )
    return (
        f'<div class="hero three">{scores}</div><p>La media de {typeset(report.counted)} de '
        "prueba. Dice: el doble de lo que comparten la respuesta de la red y la verdad, entre la "
        "suma de las dos. 1 es idéntico; 0, nada en común. Donde no había nada y nada se marcó, "
        f"vale 1.{apart}</p>"
    )


def sections(report, pictures):
    """Each class, the pictures as points, some of them from the worst to the best."""
    head = (
        "Clase",
        "Dice, media",
        "mediana",
        "Sensibilidad",
        "Precisión",
        "Imágenes que la tienen",
    )
    yield (
        "<h2>Clase por clase</h2><p><strong>Sensibilidad</strong>: de los píxeles de esta clase, "
        "cuántos encontró. <strong>Precisión</strong>: de los que marcó, cuántos lo son.</p>"
        + table(head, [_class_row(report, one) for one in report.per_class], numeric=(5,))
    )
    yield (
        "<h2>Imagen por imagen</h2><p>La media esconde las difíciles. Todos los números, para una "
        "hoja de cálculo, están en <code>cases.csv</code>, de la peor a la mejor.</p>"
        + figure("dice_by_case", pictures, report.alt.get("dice_by_case"))
    )
    yield (
        "<h2>Cómo se ve</h2><p>Compara los bordes: ¿dónde se pasa la red, dónde se queda corta?</p>"
        + figure("cases", pictures, report.alt.get("cases"))
    )


def _class_row(report, one):
    mean = with_interval(report, "dice", one["dice"], report.intervals[f"dice_{one['class']}"])
    others = [
        cell(typeset(report.score_text("dice", one[key])))
        for key in ("median", "sensitivity", "precision")
    ]
    n = cell(typeset(number(one["n"], 0)), numeric=True)
    return row(escape(one["class"]), mean, *others, n)


def _named(key):
    return key.removeprefix("dice_")
