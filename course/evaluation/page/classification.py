"""A classifier's report: in one line, printed, and section by section on its page."""

from html import escape

from course.evaluation.page import two_classes
from course.evaluation.page.parts import (
    cell,
    figure,
    groups_in_words,
    hero_of,
    length,
    row,
    table,
    typeset,
    unrounded,
    with_groups,
)
from course.spanish import count, number, percent

TITLE = "Clasificación de imágenes"
NOUN = ("imagen", "imágenes")
# of report.json, beside those of every task
FIELDS = ("class_names", "confusion", "independent", "positive", "threshold", "calibration")


def headline(report):
    """The accuracy and its interval; of a class that is looked for, how it is found and not."""
    if report.positive:
        return two_classes.headline(report)
    accuracy = report.score_text("accuracy", report.scores["accuracy"])
    return f"Exactitud {accuracy} en {with_groups(report)}{report.interval_text('accuracy')}"


def score_text(report, name, value):
    """A score in Spanish, with as many digits as this many samples can carry."""
    if name in ("accuracy", "balanced_accuracy"):
        return percent(value, 2 if report.n >= 1000 else 1)
    if name in ("recall", "precision", "sensitivity", "specificity"):  # of one class: it has fewer
        return percent(value, 1)
    return unrounded(value, 3) if name == "auc" else number(value, 3)


def summary(report):
    """Lines under the headline: the weakest classes; of two, what is missed and what is accused."""
    if report.positive:
        return two_classes.summary(report)
    weakest = [row for row in report.per_class if row["confused_with"]][:3]
    return [
        f"  {row['class']}: {report.score_text('recall', row['recall'])} de "
        f"{number(row['n'], 0)}, se confunde con {row['confused_with']}"
        for row in weakest
    ]


def hero(report):
    """The head of the page."""
    if report.positive:
        return two_classes.hero(report)
    return hero_of(report, "accuracy", "exactitud", _in_sentences(report))


def sections(report, pictures):
    """What is confused with what, each class, the worst mistakes; first, of two, the threshold."""
    if report.positive:
        yield from two_classes.sections(report, pictures)
    yield (
        "<h2>Qué confunde con qué</h2><p>Cada fila es una clase verdadera; cada columna, lo que "
        "respondió la red. En azul los aciertos, en naranja los errores.</p>"
        + figure("confusion", pictures, report.alt.get("confusion"))
    )
    head = ("Clase", "Sensibilidad", "Se confunde con", "Imágenes", "Precisión")
    yield (
        "<h2>Clase por clase</h2><p>Primero las más débiles. <strong>Sensibilidad</strong>: de las "
        "imágenes de esta clase, cuántas reconoció. <strong>Precisión</strong>: de las veces que "
        "respondió esta clase, cuántas acertó.</p>"
        + table(head, [_class_row(report, one) for one in report.per_class], numeric=(3, 4))
    )
    text = (
        "<h2>Dónde falla</h2><p>Las imágenes a cuya clase verdadera la red dio menos probabilidad. "
        "Pregúntate: ¿la reconocerías tú?</p>"
        if report.per_case
        else f"<h2>Sin errores</h2><p>La red no se equivocó en ninguna de {typeset(report.counted)}"
        ". Estas son las respuestas de las que estaba menos segura.</p>"
    )
    yield text + figure("mistakes", pictures, report.alt.get("mistakes"))


def _class_row(report, one):
    name, precision = escape(one["class"]), report.score_text("precision", one["precision"])
    counts = [cell(typeset(text), numeric=True) for text in (number(one["n"], 0), precision)]
    if not one["n"]:
        return row(name, '<td colspan="2">sin ejemplos en la prueba</td>', *counts)
    low, high = (typeset(report.score_text("recall", end)) for end in one["recall_interval"])
    recall = typeset(report.score_text("recall", one["recall"]))
    bar = f'<span class="bar"><i style="width:{length(one["recall"])}"></i></span>'
    confused = "–"
    if one["confused_with"] is not None:
        times = typeset(count(one["confused_times"], "vez", "veces"))
        confused = f"{escape(one['confused_with'])} <small>({times})</small>"
    found = cell(f"{recall} <small>({low} a {high})</small>{bar}")
    return row(name, found, cell(confused), *counts)


def _in_sentences(report):
    right = round(report.scores["accuracy"] * report.n)
    wrong = report.n - right
    text = f"La red acertó en {typeset(number(right, 0))} de {typeset(report.counted)} de prueba"
    text += f" y se equivocó en {typeset(number(wrong, 0))}. " if wrong else ", sin ningún error. "
    mean, entropy = (
        typeset(report.score_text(key, report.scores[key]))
        for key in ("balanced_accuracy", "log_loss")
    )
    text += (
        "El intervalo (de Wilson) dice dónde esperamos su exactitud con muchas otras imágenes como "
        f"estas.{groups_in_words(report)}"
    )
    return f"{text} Sensibilidad media de las clases: {mean}. Entropía cruzada: {entropy}."
