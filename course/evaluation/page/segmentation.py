"""A segmentation's report: in one line, printed, and section by section on its page."""

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
from course.spanish import number

TITLE = "Segmentación de tumores"
NOUN = ("caso", "casos")
FIELDS = ()  # of report.json, beside those of every task
_NAMES = {"WT": "tumor completo", "TC": "núcleo del tumor", "ET": "tumor que realza"}
_CASES = 30  # on the page; report.json and cases.csv have all


def headline(report):
    """The mean Dice of each region with its interval."""
    parts = []
    for one in report.per_class:
        key = f"dice_{one['region']}"
        text = f"{one['region']} {report.score_text(key, report.scores[key])}"
        if report.intervals.get(key):
            low, high = (report.score_text(key, end) for end in report.intervals[key])
            text += f" (95\u00a0%: {low}–{high})"
        parts.append(text)
    return f"Dice{' medio' if report.n > 1 else ''} {' · '.join(parts)} en {report.counted}"


def score_text(report, name, value):
    """Shares with two decimals, never rounded up to a perfect 1; the rest with one."""
    if name.startswith(("hd95", "volume")) or value is None:
        return number(value, 1)
    return unrounded(value, 2)


def summary(report):
    """Lines under the headline: a table of the regions."""
    heads = ("Dice", "mediana", "HD95 mm", "sensib.", "precisión")
    lines = ["    " + "".join(f"{head:>10}" for head in heads)]
    for one in report.per_class:
        cells = [("dice", "mean"), ("dice", "median"), ("hd95_mm", "mean")]
        cells += [("sensitivity", "mean"), ("precision", "mean")]
        texts = (report.score_text(key, one[key][which]) for key, which in cells)
        lines.append(f"  {one['region']}" + "".join(f"{text:>10}" for text in texts))
    return lines


def hero(report):
    """Three large numbers, each with its interval, and what they mean."""
    scores = ""
    for one in report.per_class:
        key, name = f"dice_{one['region']}", _NAMES[one["region"]]
        score = typeset(report.score_text(key, report.scores[key]))
        scores += (
            f'<div><p class="score">{score}<small>Dice {one["region"]}, {name}</small></p>'
            f"{bracket(report, key)}</div>"
        )
    mean = f"La media de {typeset(report.counted)} de prueba" if report.n > 1 else "Un solo caso"
    return (
        f'<div class="hero three">{scores}</div><p>{mean}, medidos enteros y en su geometría '
        "original. Dice: el doble de lo que comparten la respuesta de la red y la verdad, entre la "
        "suma de las dos. 1 es idéntico; 0, nada en común.</p>"
    )


def sections(report, pictures):
    """Each region, the cases as points, the best and worst of them, every case in numbers."""
    yield (
        "<h2>Región por región</h2><p><strong>WT</strong> es el tumor completo; <strong>TC</strong>"
        ", su núcleo, sin el edema; <strong>ET</strong>, la parte que realza con el contraste. "
        "<strong>HD95</strong>: la distancia entre el borde verdadero y el de la red; el 95 % de "
        "cada uno está más cerca del otro que eso. <strong>Sensibilidad</strong>: qué parte del "
        "tumor encontró. <strong>Precisión</strong>: qué parte de lo que marcó es tumor. Debajo, "
        "el intervalo de confianza del 95 %, por remuestreo de los casos.</p>" + _regions(report)
    )
    yield (
        "<h2>Caso por caso</h2><p>La media esconde los casos difíciles. Si un caso no tiene una "
        "región y la red tampoco la marca, su Dice es 1 y su HD95 es 0; si solo está en uno de los "
        "dos, el Dice es 0 y el HD95 es la diagonal del volumen.</p>"
        + figure("dice_by_case", pictures, report.alt.get("dice_by_case"))
    )
    several = report.n > 2
    title = "El mejor, el intermedio y el peor" if several else "Cómo se ve"
    yield (
        f"<h2>{title}</h2><p>De cada caso, el corte con más tumor. Compara los bordes: ¿dónde se "
        "pasa la red, dónde se queda corta?</p>"
        + figure("cases", pictures, report.alt.get("cases"))
    )
    yield "<h2>Todos los números</h2>" + _cases(report)


def _regions(report):
    columns = {
        "Dice,<br>media": ("dice", "mean"),
        "Dice,<br>mediana": ("dice", "median"),
        "HD95 en mm,<br>media": ("hd95_mm", "mean"),
        "HD95 en mm,<br>mediana": ("hd95_mm", "median"),
        "Sensibilidad,<br>media": ("sensitivity", "mean"),
        "Precisión,<br>media": ("precision", "mean"),
    }
    rows = []
    for one in report.per_class:
        cells = [
            with_interval(report, key, one[key][which], one[key][f"{which}_interval"])
            for key, which in columns.values()
        ]
        rows.append(row(one["region"], *cells))
    return table(["Región", *columns], rows, name="scores")


def _cases(report):
    keys = ("dice", "hd95_mm", "sensitivity", "precision", "volume_true_ml", "volume_predicted_ml")
    rows = []
    for case in report.per_case[:_CASES]:
        for region, scores in case["regions"].items():
            name = escape(case["case"]) if region == "WT" else ""
            texts = [typeset(report.score_text(key, scores[key])) for key in keys]
            rows.append(row(name, cell(region), *(cell(text, numeric=True) for text in texts)))
    head = ("Caso", "Región", "Dice", "HD95, mm", "Sensibilidad", "Precisión", "Volumen, ml")
    left = f"Los {_CASES} peores de {report.n} casos" if report.n > _CASES else "Del peor al mejor"
    return (
        f"<p>{left}. Los mismos números, para una hoja de cálculo, están en <code>cases.csv</code>."
        "</p>" + table((*head, "predicho, ml"), rows, numeric=range(2, 8), name="cases")
    )
