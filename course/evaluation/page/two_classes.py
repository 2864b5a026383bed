"""A report on two classes, one of which is looked for: how it is found, and the other rejected."""

from html import escape

from course.evaluation.page.parts import bracket, figure, groups_in_words, typeset, with_groups
from course.spanish import count, number, percent

_SCORES = {"sensitivity": "sensibilidad", "specificity": "especificidad", "auc": "AUC"}


def headline(report):
    """Sensitivity, specificity and AUC, each with its interval."""
    parts = []
    for key, name in _SCORES.items():
        text = f"{name} {report.score_text(key, report.scores[key])}"
        if report.intervals[key]:
            low, high = (report.score_text(key, end) for end in report.intervals[key])
            text += f" (95\u00a0%: {low} a {high})"
        parts.append(text)
    return f"{report.positive}: {' · '.join(parts)} en {with_groups(report)}"


def summary(report):
    """Lines under the headline: what is missed, what is accused, both classes together."""
    (found, missed), (alarms, _) = _counts(report)
    accuracy, balanced = _shares(report)
    cases, others = number(found + missed, 0), count(alarms, "falsa alarma", "falsas alarmas")
    return [
        f"  con el umbral de {percent(report.threshold, 1)}: se le escapan {number(missed, 0)} de "
        f"{cases}; {others}",
        f"  exactitud {accuracy}, media de las dos clases {balanced}",
    ]


def hero(report):
    """Three large numbers, each with its interval, and what they mean."""
    scores = "".join(
        f'<div><p class="score">{typeset(report.score_text(key, report.scores[key]))}'
        f"<small>{name}</small></p>{bracket(report, key)}</div>"
        for key, name in _SCORES.items()
    )
    (found, missed), (alarms, rejected) = _counts(report)
    found, cases, alarms, others = (
        typeset(number(n, 0)) for n in (found, found + missed, alarms, alarms + rejected)
    )
    accuracy, balanced = map(typeset, _shares(report))
    name, other = (escape(name) for name in _names(report))
    text = (
        f"<strong>Sensibilidad</strong>: de {cases} imágenes de «{name}» la red encontró {found}. "
        f"<strong>Especificidad</strong>: de {others} de «{other}» señaló {alarms} por error. "
        f"Responde «{name}» desde una probabilidad de {typeset(percent(report.threshold, 1))}. "
        "<strong>AUC</strong>: de todos los pares de una imagen de cada clase, en qué parte da más "
        f"probabilidad de «{name}» a la que lo es; no depende del umbral. Exactitud: {accuracy}; "
        f"media de las dos clases: {balanced}.{groups_in_words(report)}"
    )
    return f'<div class="hero three">{scores}</div><p>{text}</p>'


def sections(report, pictures):
    """The threshold on its ROC curve, and what a probability is worth."""
    if "roc" in report.figures:  # there is none of one class alone
        yield (
            "<h2>El umbral</h2><p>La red da una probabilidad; el <strong>umbral</strong> la vuelve "
            "una respuesta. Más bajo, encuentra más casos y da más falsas alarmas. La curva "
            "(<strong>ROC</strong>) recorre todos los umbrales; el punto es el que decidió aquí. "
            "Se elige con datos apartados del entrenamiento, nunca con estos.</p>"
            + figure("roc", pictures, report.alt["roc"])
        )
    (found, missed), _ = _counts(report)
    share = (found + missed) / report.n
    brier, constant = (
        typeset(report.score_text("brier", value))
        for value in (report.scores["brier"], share * (1 - share))
    )
    name = escape(report.positive)
    yield (
        "<h2>¿Se le puede creer la probabilidad?</h2><p>De las imágenes a las que dio cerca de "
        f"80\u00a0%, ocho de cada diez deberían ser de «{name}»: las probabilidades que se cumplen "
        "están sobre la diagonal. <strong>Puntaje de Brier</strong>, el promedio del error de la "
        f"probabilidad al cuadrado: {brier}. 0 es perfecto; quien responde siempre "
        f"{typeset(percent(share, 1))} obtiene {constant}.</p>"
        + figure("calibration", pictures, report.alt["calibration"])
    )


def _names(report):
    """The class that is looked for, and the other."""
    return sorted(report.class_names, key=lambda name: name != report.positive)


def _counts(report):
    """`(found, missed), (false alarms, rightly rejected)`, from the confusion."""
    places = [report.class_names.index(name) for name in _names(report)]
    return [[report.confusion[true][answer] for answer in places] for true in places]


def _shares(report):
    """Accuracy and balanced accuracy with their intervals, Spanish."""
    return [
        report.score_text(key, report.scores[key]) + report.interval_text(key)
        for key in ("accuracy", "balanced_accuracy")
    ]
