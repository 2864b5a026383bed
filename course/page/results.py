"""The sections that tell the result: classes of a classifier, errors of a regression."""

from html import escape

from course.page.parts import cell, figure, length, row, table, typeset
from course.spanish import count, number


def classes(report, pictures):
    """What is confused with what, each class, the worst mistakes."""
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
    title, text = (
        "Dónde falla",
        "Las imágenes a cuya clase verdadera la red dio menos probabilidad. Pregúntate: ¿la "
        "reconocerías tú?",
    )
    if not report.per_case:
        title, text = (
            "Sin errores",
            f"La red no se equivocó en ninguna de {typeset(report.counted)}. Estas son las "
            "respuestas de las que estaba menos segura.",
        )
    yield f"<h2>{title}</h2><p>{text}</p>" + figure(
        "mistakes", pictures, report.alt.get("mistakes")
    )


def numbers(report, pictures):
    """The network beside its baselines, its predictions, its errors, the worst cases."""
    models = {"Red neuronal": vars(report), **report.baselines}
    head = ["Modelo", "R²", "RMSE", "MAE"]
    head += ["Ventaja de la red en R²"] if report.baselines else []
    yield (
        f"<h2>La red{' y otros modelos' if report.baselines else ''}</h2><p>R²: 1 es perfecto, 0 "
        f"es responder siempre el valor medio. RMSE y MAE: errores en {escape(report.unit)}, mejor "
        "cuanto más bajos. Debajo de cada número, su intervalo de confianza del 95 %.</p>"
        + table(
            head, [_model_row(report, name, model) for name, model in models.items()], name="scores"
        )
    )
    yield (
        "<h2>Caso por caso</h2><p>Cada punto es un caso. Sobre la diagonal la respuesta es "
        "perfecta; encima, la red respondió de más; debajo, de menos.</p>"
        + figure("predicted_against_true", pictures, report.alt.get("predicted_against_true"))
    )
    yield (
        "<h2>Cuánto se equivoca</h2><p>Predicción menos verdad. Una nube pareja en torno a cero es "
        "buena señal; una pendiente o un embudo dice que queda algo por aprender.</p>"
        + figure("residuals", pictures, report.alt.get("residuals"))
    )
    yield "<h2>Los peores casos</h2>" + _worst_cases(report)


def _class_row(report, one):
    name, n = escape(one["class"]), typeset(number(one["n"], 0))
    counts = (
        cell(n, numeric=True),
        cell(typeset(report.in_words("precision", one["precision"])), numeric=True),
    )
    if not one["n"]:
        return row(name, '<td colspan="2">sin ejemplos en la prueba</td>', *counts)
    low, high = (typeset(report.in_words("recall", end)) for end in one["recall_interval"])
    recall = typeset(report.in_words("recall", one["recall"]))
    bar = f'<span class="bar"><i style="width:{length(one["recall"])}"></i></span>'
    confused = "–"
    if one["confused_with"] is not None:
        times = typeset(count(one["confused_times"], "vez", "veces"))
        confused = f"{escape(one['confused_with'])} <small>({times})</small>"
    return row(
        name,
        cell(f"{recall} <small>({low} a {high})</small>{bar}"),
        cell(confused),
        *counts,
    )


def _model_row(report, name, model):
    cells = [
        _with_interval(report, key, model["scores"][key], model["intervals"][key])
        for key in ("r2", "rmse", "mae")
    ]
    if "behind" in model:
        cells.append(_with_interval(report, "r2", model["behind"], model["behind_interval"]))
    elif report.baselines:
        cells.append(cell(""))
    return row(escape(name), *cells, ours="behind" not in model)


def _with_interval(report, key, value, interval):
    text = typeset(report.in_words(key, value))
    if interval:
        low, high = (typeset(report.in_words(key, end)) for end in interval)
        text += f"<small>{low} a {high}</small>"
    return cell(text)


def _worst_cases(report):
    columns = list(report.per_case[0]["inputs"] or {})
    rows = []
    for case in report.per_case[:10]:
        texts = [typeset(number(case[key])) for key in ("true", "predicted", "error")]
        texts += [_input(case["inputs"][column]) for column in columns]
        name = typeset(number(case["index"], 0))
        rows.append(row(name, *(cell(text, numeric=True) for text in texts)))
    head = [
        "Caso n.º",
        "Verdadero",
        "Predicho",
        "Error",
        *(escape(column).replace("_", "_<wbr>") for column in columns),
    ]
    return table(head, rows, numeric=range(1, len(head)), name="cases")


def _input(value):
    if isinstance(value, float):
        return "falta" if value != value else typeset(f"{value:.6g}".replace(".", ","))
    return escape(str(value))
