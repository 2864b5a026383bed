"""A trained network as a folder that Hugging Face shows as a Space: a page, and what to know of it.

A static Space is one HTML file: free, and the network runs in the visitor's browser. A Gradio Space
is a server where Keras answers: any network, and Hugging Face asks for a paid plan.
"""

import html
import pathlib
import re
import shutil

import course
from course import files
from course.errors import CourseError
from course.export import card as cards
from course.spanish import count, number

TAG = "course-space"  # in the front matter: a Space that has it is one of ours
GRADIO_COST = (
    "Un Space de Gradio pide un plan de pago de Hugging Face desde julio de 2026; uno estático, "
    "sin --gradio, es gratis."
)
_FOLDER = pathlib.Path("build") / "space"
_GRADIO = "6.31.0"  # November 2026; what mends a hole in its safety comes with the newest only
_PYTHON = "3.12"
# of requirements.txt: what the page's server needs of the kit's own
_NEEDED = ("tensorflow", "keras", "numpy", "scipy", "pillow", "PyYAML", "nibabel")
_APP = '''\
"""The page of the network in run/, where Keras answers."""

from course.demo.gradio_page import blocks

blocks("run").launch(ssr_mode=False)
'''


def build(run, folder=None, *, gradio=False) -> pathlib.Path:
    """Write a run as a Space's folder, whole or not at all.

    Args:
        run: Folder of a finished run.
        folder: Where to; `None` means build/space/<name of the run's folder>. A Space that this
            function wrote there before is replaced.
        gradio: Write a Gradio Space, where Keras answers, in place of a static page.

    Returns:
        The folder: README.md with index.html; or with app.py, requirements.txt, run/ and course/.

    Raises:
        CourseError: The run is not finished or damaged, a static page cannot hold its network, or
            the folder holds other files or cannot be written.
    """
    run = pathlib.Path(run)
    card = cards.read_run(run)
    folder = _FOLDER / run.resolve().name if folder is None else pathlib.Path(folder)
    earlier = _earlier(folder)
    with files.whole_folder(folder) as part:
        if gradio:
            _write_gradio(run, part)
        else:
            _write_page(run, part)
        files.write(part / "README.md", readme(run, card, gradio=gradio))
        if earlier:
            shutil.rmtree(folder)
    return folder


def _write_page(run, part):
    from course.demo.page import OnlyServed, export_web

    try:
        export_web(run, part)
    except OnlyServed as error:
        raise CourseError(
            f"{error.why}.\nQué hacer: agrega --gradio; ahí responde Keras. {GRADIO_COST}"
        ) from None


def _write_gradio(run, part):
    """What a Gradio Space holds beside its README.

    The package itself goes along, not its wheel: Hugging Face installs requirements.txt before any
    other file of the Space is there.
    """
    files.write(part / "app.py", _APP)
    kit = course.beside("requirements.txt").read_text(encoding="utf-8").splitlines()
    needed = [line for line in kit if re.split("[<>=]", line)[0] in _NEEDED]
    files.write(part / "requirements.txt", "\n".join(["gradio>=6.20", *needed]) + "\n")
    for name in ("model.keras", "card.json"):
        files.write(part / "run" / name, (run / name).read_bytes())
    own = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    shutil.copytree(course.FOLDER, part / "course", ignore=own)
    for name in ("datasets.yaml", "requirements.txt"):
        shutil.copyfile(course.beside(name), part / "course" / name)


def _earlier(folder):
    """Whether a folder holds a Space of ours and nothing else; an error if it holds other files."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    ours = {"README.md", "index.html", "app.py", "requirements.txt", "run", "course"}
    if folder.is_dir() and {path.name for path in folder.iterdir()} <= ours and _is_ours(folder):
        return True
    raise CourseError(
        f"{folder} ya existe y no es un Space de este programa: queda como está.\n"
        "Qué hacer: da otra carpeta con --to, nueva o vacía."
    )


def _is_ours(folder):
    try:
        return f"\n- {TAG}\n" in (folder / "README.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


# ---- README.md: what Hugging Face reads, then what people read


def readme(run, card, *, gradio) -> str:
    """The text of a Space's README.md: front matter for Hugging Face and a card of the network."""
    import yaml

    about = {
        "title": f"Red neuronal · {_title(card)}",
        "emoji": "🧠" if _is_medical(card) else "🔎",
        "colorFrom": "blue",
        "colorTo": "indigo",
        "sdk": "gradio" if gradio else "static",
    }
    if gradio:
        about |= {"sdk_version": _GRADIO, "python_version": _PYTHON, "app_file": "app.py"}
    about |= {
        "license": "apache-2.0",
        "short_description": _SHORT[card["task"]],  # Hugging Face takes 60 letters
        "tags": ["keras", TAG],
    }
    front = yaml.safe_dump(about, allow_unicode=True, sort_keys=False)
    return f"---\n{front}---\n\n{_text(run, card, gradio)}"


_SHORT = {
    "classification": "Muéstrale una imagen y una red dice qué ve",
    "regression": "Mueve los valores y una red calcula",
    "segmentation": "Una red marca lo que ve en una imagen",
}


def _text(run, card, gradio):
    """The card of a network as Markdown."""
    data = card["data"]
    where = (
        "Keras responde en el servidor de este Space: lo que muestras se envía a él."
        if gradio
        else "La red va dentro de la página y responde en tu navegador: nada de lo que le muestras "
        "se envía."
    )
    facts = {
        "Qué hace": _does(card),
        "Datos": _title(card),
        "Licencia de los datos": data.get("licence"),
        "Cita": data.get("citation"),
        "Comprobación de los datos": data.get("checked"),
        "Parámetros": number(card["parameters"], 0) if "parameters" in card else None,
        "Entrenada": _trained(card),
    }
    rows = [f"| {name} | {_plain(value)} |" for name, value in facts.items() if value]
    return "\n\n".join(
        [
            f"# Red neuronal · {_plain(_title(card))}",
            *_warnings(card),
            where,
            "\n".join(["| | |", "|---|---|", *rows]),
            "## Cuánto acierta",
            _scores(run, card),
            "## Hasta dónde llega",
            "\n".join(f"- {limit}" for limit in _limits(card)),
            "## Licencias",
            "La página es del kit del curso, Apache-2.0. Los datos con los que se entrenó la red "
            "conservan su propia licencia, que está en la tabla.\n",
        ]
    )


def _does(card):
    """What a network answers with: a number in its unit, or one of its classes or regions."""
    if card["task"] == "regression":
        return f"calcula un número, en {card['unit']}"
    if card["task"] == "classification":
        does, named = "clasifica imágenes", card["class_names"]
    else:
        does, named = "marca regiones en una imagen", card.get("regions") or card["class_names"]
    return f"{does}; {count(len(named), 'respuesta', 'respuestas')}: {', '.join(named)}"


def _title(card):
    return str(card["data"].get("title") or card["data"]["dataset"])


def _trained(card):
    """When, with what and from which seed, as far as the card tells."""
    versions = card.get("versions") if isinstance(card.get("versions"), dict) else {}
    parts = [
        str(card.get("created") or "").partition("T")[0],
        f"Keras {versions['keras']}" if "keras" in versions else "",
        f"semilla {card['seed']}" if "seed" in card else "",
    ]
    return ", ".join(filter(None, parts))


def _is_medical(card):
    """Whether its data are of patients, as the page's main.js decides it too."""
    return card["preparation"] == "brain" or bool(re.search("brats|chest", card["data"]["dataset"]))


def _warnings(card):
    if card["data"].get("made_up"):
        yield (
            "> **Datos inventados.** Esta red se entrenó con datos que hizo un programa: su "
            "puntaje muestra que todo funciona y no dice nada sobre datos reales."
        )
    if _is_medical(card):
        yield (
            "> **No es un dispositivo médico.** Es un ejercicio de un curso: no sirve para "
            "diagnosticar ni para decidir nada sobre la salud de una persona."
        )


def _scores(run, card):
    """The score and how it came about: the report's own line, or what the card has."""
    said = ""
    if (run / "report.json").is_file():
        said = files.read_json(run / "report.json").get("headline")
    if not said and isinstance(card.get("scores"), dict):
        numbers = ((name, value) for name, value in card["scores"].items() if _is_number(value))
        said = "; ".join(f"{name} {number(value, 4)}" for name, value in numbers)
        scored = card.get("test_data")
        if said and isinstance(scored, dict) and isinstance(scored.get("n"), int):
            said += f", en {count(scored['n'], 'ejemplo', 'ejemplos')}"
    if not said:
        return "Esta red no trae un puntaje: no se sabe cuánto acierta."
    return (
        f"**{_plain(said)}**\n\nMedido una vez, con una sola red, en la parte de prueba de los "
        "datos de la tabla, que no vio al entrenarse. Con tus imágenes o valores puede acertar "
        "mucho menos."
    )


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _limits(card):
    if card["task"] == "classification":
        n = len(card["class_names"])
        yield (
            f"Solo conoce {count(n, 'respuesta', 'respuestas')}. Lo que no es ninguna de ellas "
            "recibe una de todos modos, a veces con mucha seguridad."
        )
    if card["preparation"] == "digit":
        yield "Ve un dígito solo, de 28×28 píxeles: no lee números de varias cifras ni letras."
    if card["preparation"] in ("photo", "square"):
        yield "Con otra luz, otro fondo, otra cámara u otras personas acierta menos."
    if card["task"] == "regression":
        yield "Fuera de los valores que vio al entrenarse, su respuesta no vale."
    if _is_medical(card):
        yield "Con otro aparato, otro hospital u otra enfermedad puede fallar por completo."
    yield "Su probabilidad no es una garantía: una red se equivoca también cuando está segura."


def _plain(value):
    """A text as Markdown shows it letter by letter, in one line: no tag, no link, no table."""
    line = re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", str(value))
    line = html.escape(line.strip(), quote=False)
    return re.sub(r"([\\`*_{}\[\]#|~])", r"\\\1", line)
