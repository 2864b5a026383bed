"""The head of the page: one large number, how sure it is, and what that means in words."""

import math
from html import escape

from course.page.parts import length, typeset
from course.spanish import number, percent


def hero(report):
    """The score, its interval as a bracket, and a sentence or two."""
    if report.task == "classification":
        key, label, text = "accuracy", "exactitud", _accuracy_in_words(report)
    else:
        key, label, text = "r2", "R²", _r2_in_words(report)
    score = typeset(report.in_words(key, report.scores[key]))
    label = f"<small>{label} en {typeset(report.counted)}</small>"
    bracket = _bracket(report, key) if report.intervals.get(key) else ""
    return (
        f'<div class="hero"><p class="score">{score}{label}</p><div>{bracket}<p>{text}</p></div>'
        "</div>"
    )


def _bracket(report, key):
    low, high = report.intervals[key]
    at = length((report.scores[key] - low) / (high - low)) if high > low else "50%"
    left, right = (typeset(report.in_words(key, end)) for end in (low, high))
    return (
        f'<div class="interval" role="img" aria-label="95 % de confianza: de {left} a {right}">'
        f'<div class="line"><span class="dot" style="left:{at}"></span></div><div class="ends">'
        f"<span>{left}</span><span>95 % de confianza</span><span>{right}</span></div></div>"
    )


def _accuracy_in_words(report):
    right = round(report.scores["accuracy"] * report.n)
    wrong = report.n - right
    text = f"La red acertó en {typeset(number(right, 0))} de {typeset(report.counted)} de prueba"
    text += f" y se equivocó en {typeset(number(wrong, 0))}. " if wrong else ", sin ningún error. "
    mean, entropy = (
        typeset(report.in_words(key, report.scores[key]))
        for key in ("balanced_accuracy", "log_loss")
    )
    return (
        f"{text}El intervalo (de Wilson) dice dónde esperamos su exactitud con muchas otras "
        f"imágenes como estas. Sensibilidad media de las clases: {mean}. "
        f"Entropía cruzada: {entropy}."
    )


def _r2_in_words(report):
    r2, unit = report.scores["r2"], escape(report.unit)
    if math.isnan(r2):
        text = "El R² no está definido: todos los valores verdaderos son iguales."
    elif r2 < 0:
        text = "La red acierta menos que si respondiera siempre el valor medio (R² negativo)."
    else:
        share = typeset(percent(r2, 0))
        text = f"La red explica el {share} de la variación de los valores verdaderos."
    rmse, mae = (typeset(report.in_words(key, report.scores[key])) for key in ("rmse", "mae"))
    return f"{text} Su error (RMSE) es {rmse} {unit}; en promedio se aleja {mae} (MAE)."
