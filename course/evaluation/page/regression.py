"""A regression's report: in one line, printed, and section by section on its page."""

import math
from html import escape

from course.evaluation.page.parts import cell, figure, hero_of, row, table, typeset, with_interval
from course.spanish import number, percent

TITLE = "Predicción de un valor"
NOUN = ("caso", "casos")
FIELDS = ("unit", "baselines")  # of report.json, beside those of every task


def headline(report):
    """The R² and its interval; a constant target has no R², there it is the RMSE."""
    text = f"R² {report.score_text('r2', report.scores['r2'])}"
    if math.isnan(report.scores["r2"]):
        rmse = report.score_text("rmse", report.scores["rmse"])
        text = f"R² sin definir, RMSE {rmse} {report.unit},"
    return f"{text} en {report.counted}" + report.interval_text("r2")


def score_text(report, name, value):
    """A score in Spanish."""
    return number(value, 3)


def summary(report):
    """Lines under the headline: the network and its baselines as a table."""
    models = {"red neuronal": vars(report), **report.baselines}
    width = max(map(len, models))
    lines = [f"  {'':{width}}" + "".join(f"{head:>10}" for head in ("R²", "RMSE", "MAE"))]
    for name, model in models.items():
        cells = (report.score_text(key, model["scores"][key]) for key in ("r2", "rmse", "mae"))
        lines.append(f"  {name:{width}}" + "".join(f"{text:>10}" for text in cells))
    return lines


def hero(report):
    """The head of the page."""
    return hero_of(report, "r2", "R²", _in_sentences(report))


def sections(report, pictures):
    """The network beside its baselines, its predictions, its errors, the worst cases."""
    models = {"Red neuronal": vars(report), **report.baselines}
    rows = [_model_row(report, name, model) for name, model in models.items()]
    head = ["Modelo", "R²", "RMSE", "MAE"]
    head += ["Ventaja de la red en R²"] if report.baselines else []
    yield (
        f"<h2>La red{' y otros modelos' if report.baselines else ''}</h2><p>R²: 1 es perfecto, 0 "
        f"es responder siempre el valor medio. RMSE y MAE: errores en {escape(report.unit)}, mejor "
        "cuanto más bajos. Debajo de cada número, su intervalo de confianza del 95 %.</p>"
        + table(head, rows, name="scores")
    )
    yield (
        "<h2>Caso por caso</h2><p>Cada punto es un caso. Sobre la diagonal la respuesta es "
        "perfecta; encima, la red respondió de más; debajo, de menos.</p>"
        + figure("predicted_against_true", pictures, report.alt.get("predicted_against_true"))
    )
    yield (
        "<h2>Cuánto se equivoca</h2><p>Predicción menos verdad. Una nube pareja en torno a cero es "
        "buena señal; una pendiente dice que queda algo por aprender; un embudo, que se equivoca "
        "más en unos valores que en otros.</p>"
        + figure("residuals", pictures, report.alt.get("residuals"))
    )
    yield "<h2>Los peores casos</h2>" + _worst_cases(report)


def _model_row(report, name, model):
    cells = [
        with_interval(report, key, model["scores"][key], model["intervals"][key])
        for key in ("r2", "rmse", "mae")
    ]
    if "behind" in model:
        cells.append(with_interval(report, "r2", model["behind"], model["behind_interval"]))
    elif report.baselines:
        cells.append(cell(""))
    return row(escape(name), *cells, ours="behind" not in model)


def _worst_cases(report):
    cases, rows = report.per_case[:10], []
    inputs = {name: [case["inputs"][name] for case in cases] for name in cases[0]["inputs"] or {}}
    columns = {name: _decimals(values) for name, values in inputs.items()}
    for case in cases:
        texts = [typeset(number(case[key])) for key in ("true", "predicted", "error")]
        texts += [_input(case["inputs"][name], digits) for name, digits in columns.items()]
        name = typeset(number(case["index"], 0))
        rows.append(row(name, *(cell(text, numeric=True) for text in texts)))
    head = ["Caso n.º", "Verdadero", "Predicho", "Error"]
    head += [escape(column).replace("_", "_<wbr>") for column in columns]
    return table(head, rows, numeric=range(1, len(head)), name="cases")


def _decimals(values):
    """How many decimals a column needs for its longest number, of six digits at the most."""
    texts = [f"{value:.6g}" for value in values if isinstance(value, float)]
    return max((len(text.partition(".")[2]) for text in texts if "e" not in text), default=0)


def _input(value, decimals):
    if isinstance(value, float):
        return "falta" if value != value else typeset(number(value, decimals))
    return escape(str(value))


def _in_sentences(report):
    r2, unit = report.scores["r2"], escape(report.unit)
    if math.isnan(r2):
        text = "El R² no está definido: todos los valores verdaderos son iguales."
    elif r2 < 0:
        text = "La red acierta menos que si respondiera siempre el valor medio (R² negativo)."
    else:
        share = typeset(percent(r2, 0))
        text = f"La red explica el {share} de la variación de los valores verdaderos."
    rmse, mae = (typeset(report.score_text(key, report.scores[key])) for key in ("rmse", "mae"))
    return f"{text} Su error (RMSE) es {rmse} {unit}; en promedio se aleja {mae} (MAE)."
