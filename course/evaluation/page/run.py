"""The section about the run: the model's card, settings, versions, and how to repeat it."""

import re
import shlex
from html import escape

from course.evaluation.page.parts import pairs, typeset
from course.spanish import number, percent

_CARD = {
    "name": "Modelo",
    "parameters": "Parámetros",
    "inputs": "Entradas",
    "outputs": "Salidas",
    "range": "Rango de las entradas",
    "preparation": "Preparación",
    "modalities": "Modalidades",
    "edition": "Edición de las etiquetas",
    "patch": "Ventana, en vóxeles",
    "least_et_ml": "Mínimo de ET que se escribe, en ml",
    "positive": "Clase que se busca",
    "threshold": "Umbral",
    "seed": "Semilla",
    "created": "Creado",
    "commit": "Versión del código (commit)",
}
_PREPARATIONS = {
    "digit": "un dígito: tinta clara sobre negro, centrado",
    "photo": "una fotografía: el centro, reducido",
    "square": "una imagen entera, reducida y centrada en un cuadrado negro",
    "brain": "un cerebro: cada modalidad con media 0 y desviación 1",
}
_BETWEEN = {"range": " a ", "patch": " × ", "modalities": ", "}
_NOT_REPEATED = ("lesson", "run_dir", "resume")


def about_run(run, folder):
    """HTML from what the run's folder holds; empty where it holds nothing."""
    card, settings = run["card"] or {}, run["settings"] or {}
    tables = {
        "El modelo": {
            text: _card_value(key, card[key])
            for key, text in _CARD.items()
            if card.get(key) is not None
        },
        "Los ajustes": {
            f"<code>{escape(name)}</code>": escape(_spoken(value))
            for name, value in settings.items()
        },
        "Las versiones": {
            escape(name): escape(str(value)) for name, value in card.get("versions", {}).items()
        },
    }
    html = "".join(f"<h2>{title}</h2>{pairs(rows)}" for title, rows in tables.items() if rows)
    commands = _commands(folder, settings)
    if commands:
        html += (
            "<h2>Cómo repetirlo</h2><p>Con la misma semilla, las mismas versiones y en CPU, el "
            f"entrenamiento da los mismos pesos.</p><pre><code>{escape(commands)}</code></pre>"
        )
    return html


def _commands(folder, settings):
    """What to type to train again and to measure again."""
    lines = []
    if "lesson" in settings:
        flags = []
        for name, value in settings.items():
            flag = name.replace("_", "-")
            if value is None or name in _NOT_REPEATED:
                continue
            if isinstance(value, bool):
                flags.append(f"--{flag}" if value else f"--no-{flag}")
            else:
                flags += [f"--{flag}", shlex.quote(_setting(value))]
        lines.append(f"python -m course run {shlex.quote(settings['lesson'])} {' '.join(flags)}")
    if (folder / "model.keras").is_file():
        lines.append(f"python -m course evaluate {shlex.quote(folder.as_posix())}")
    return "\n".join(lines)


def _spoken(value):
    """A setting as it is read; `_setting` is how it is typed."""
    if isinstance(value, bool):
        return "sí" if value else "no"
    if isinstance(value, float):
        return f"{value:g}".replace(".", ",")
    return _setting(value).replace(",", ", ")


def _setting(value):
    if value is None:
        return "–"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _card_value(key, value):
    if key == "parameters":
        return typeset(number(value, 0))
    if key == "threshold":
        return typeset(percent(value, 1))
    if key == "least_et_ml":
        return typeset(number(value, 3))  # a voxel of 1 mm has 0.001
    if key == "preparation":
        return escape(_PREPARATIONS.get(value, str(value)))
    if key == "created":  # 2026-11-23T07:12:00+00:00
        return escape(re.sub(r"^(.{10})T(\d\d:\d\d).*(Z|\+00:00)$", r"\1, \2 UTC", str(value)))
    if key in ("inputs", "outputs"):
        return "<br>".join(_tensor(item, named=key == "inputs") for item in value)
    if key in _BETWEEN and isinstance(value, list):
        value = _BETWEEN[key].join(map(str, value))
    return escape(_setting(value))


def _tensor(about, named):
    """One input or output: image, 28 × 28 × 1, float32. Keras names outputs by a counter."""
    shape = " × ".join("n" if size is None else str(size) for size in about["shape"])
    parts = [about["name"], shape, about["dtype"]]
    return escape(", ".join(parts if named else parts[1:]))
