"""A report as one page of HTML: self-contained, good on paper and on a phone.

Only a segmentation's has a script, the viewer of one case; the rest of it needs none.
"""

import string
from html import escape
from pathlib import Path

from course.evaluation.page import (
    classification,
    exercises,
    lesson,
    masks,
    regression,
    segmentation,
    volume,
)
from course.evaluation.page.parts import figure, pairs
from course.evaluation.page.run import about_run
from course.training.run_folder import FINAL

TASKS = {  # what each says of its scores: one module, the same functions
    "classification": classification,
    "regression": regression,
    "segmentation": segmentation,
    "masks": masks,
}


def page(report, run, pictures, folder, viewer=True):
    """The text of a report's page.

    `run`: `history`, `training`, `settings` and `card`, what the run's folder holds or None, and
    `figures`, those of the lesson, and `exercises`, its record of them;
    `pictures`: a figure's name → PNG bytes; `folder`: where the page will lie, as its commands
    name it; `viewer`: whether it carries the report's case to walk through.
    """
    template = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    task = TASKS[report.task]
    title = f"{task.TITLE} — {report.origin.title}"
    shown = viewer and report.case
    sections = [
        _data(report.origin),
        _learning(run, pictures),
        *task.sections(report, pictures),
        volume.section(report) if shown else "",
        lesson.section(run["figures"]),
        exercises.section(run["exercises"]),
        about_run(run, Path(folder)),
    ]
    return string.Template(template).substitute(
        title=escape(title),
        scripts=volume.policy() if shown else "",
        style=volume.style() if shown else "",
        banner=_banner(report.origin) + _note(report.note),
        hero=task.hero(report),
        sections="\n".join(filter(None, sections)),
        footer=_footer(run["card"] or {}),
    )


def _banner(origin):
    if not origin.stands_in:
        return ""
    what, but = "No son los datos del taller", "no se puede comparar con los publicados"
    if origin.made_up:
        what, but = "Datos inventados", "no dice nada sobre datos reales"
    return (
        f'<p class="banner" role="note"><strong>{what}.</strong> El puntaje muestra que el '
        f"programa funciona; {but} ({escape(origin.title)}). {_instead(origin)}</p>"
    )


def _instead(origin):
    if origin.dataset == "folders":
        return "Con tus imágenes: <code>--source CARPETA</code>."
    return "Con los datos verdaderos: <code>--source kaggle</code>."


def _note(text):
    return f'<p class="banner" role="note">{escape(text)}</p>' if text else ""


def _data(origin):
    source = {
        "sample": "muestra incluida en el curso, sin descarga",
        "kaggle": "Kaggle",
        "tfds": "tensorflow-datasets",
    }.get(origin.source, escape(f"carpeta propia: {origin.source}"))
    if origin.handle:
        handle = escape(origin.handle)
        if origin.source == "kaggle":
            handle = f'<a href="https://www.kaggle.com/datasets/{handle}">{handle}</a>'
        source += f", {handle}"
    if origin.version is not None:
        source += f", versión {origin.version}"
    rows = {
        "Conjunto": escape(origin.title),
        "Fuente": source,
        **({"Comprobación": escape(origin.checked)} if getattr(origin, "checked", None) else {}),
        "Licencia": escape(origin.licence),
        "Cita": escape(origin.citation),
    }
    return "<h2>Los datos</h2>" + pairs(rows)


def _learning(run, pictures):
    history, training = run["history"], run.get("training") or {}
    if not history:
        if not run["settings"]:
            return ""
        text = "En esta carpeta no consta ninguna época: aquí no se ha entrenado nada."
        return f"<h2>Cómo aprendió</h2><p>{text}</p>"
    text = "Cada punto es una época: una pasada por todos los datos de entrenamiento."
    if any(name.startswith("val_") for row in history for name in row):
        text += (
            " Si la validación deja de mejorar mientras el entrenamiento sigue mejorando, la red "
            "está memorizando (sobreajuste)."
        )
    if training.get("trained") == 0 and training.get("ended"):
        text += (
            " <strong>La última vez no se entrenó nada:</strong> la corrida ya estaba terminada, y "
            "la red es la que quedó entonces."
        )
    if training.get("weights") == FINAL:
        text += (
            " Al terminar, los pesos ya no eran los de la última época: los cambió otra parte de "
            "fit, por ejemplo EarlyStopping al volver a la mejor época."
        )
    drawn = figure("learning_curves", pictures, "Curvas de aprendizaje: métricas por época.")
    return f"<h2>Cómo aprendió</h2><p>{text}</p>{drawn}"


def _footer(card):
    name = f" del modelo {card['name']}" if card.get("name") else ""
    return escape(
        f"Informe{name}, del curso Deep Learning aplicado al procesamiento de imágenes. Los mismos "
        "números, para programas, están en report.json; las figuras, en la carpeta figures."
    )
