"""The page of a network, as one HTML file that asks nothing from outside."""

import base64
import dataclasses
import json
import pathlib
import string

import course
from course import files
from course.datasets import catalog
from course.datasets.download import inventory
from course.errors import CourseError
from course.evaluation import run as evaluation_run
from course.export import card as cards
from course.inference.run import check_probabilities
from course.spanish import number
from course.training import start

_MARK = '<meta name="generator" content="course">'  # in index.html: a page that has it is ours
_TOLERANCE = 1e-5  # of a probability; of a regression, a part of its target's range
_MOST = 10_000_000  # parameters: 53 MB as text
_VIEWER = course.FOLDER / "evaluation" / "page"  # of volumes: a report shows it too

# The files that a page is made of, in this order; each view and place needs its own.
_BY_VIEW = {
    "digits": ("picture.js", "ink.js", "answer.js", "digits.js"),
    "signs": ("picture.js", "answer.js", "signs.js"),
    "pictures": ("picture.js", "answer.js", "signs.js"),
    "houses": ("houses.js",),
    "brains": ("volume.js", "brains.js"),
}
_BY_PLACE = {"file": "network.js", "server": "remote.js"}
# What the page says of a card. Not where the data lay: a folder's path is nobody's business.
_OF_CARD = (
    *("name", "task", "class_names", "unit", "preparation", "inputs", "parameters", "scores"),
    *("test_data", "created", "regions", "modalities", "edition", "positive", "threshold"),
)
_OF_DATA = ("dataset", "variant", "title", "made_up", "licence", "citation")


def view_of(card) -> str:
    """What the page shows of a run: "digits", "signs", "pictures", "houses" or "brains".

    A `CourseError` says that it has nothing to show.
    """
    if card["preparation"] == "brain":
        return "brains"
    if card["task"] == "regression" and all(item["shape"] == [1] for item in card["inputs"]):
        return "houses"
    if card["task"] == "classification" and card["preparation"] == "digit":
        return "digits"
    if card["task"] == "classification" and card["preparation"] in ("photo", "square"):
        return "signs" if card["data"]["dataset"] == "sign_mnist" else "pictures"
    raise CourseError(
        f"La página no sabe mostrar esta red: {card['task']} con preparation "
        f"{card['preparation']!r}. Se esperaba una que clasifica dígitos o fotografías, una "
        "regresión de columnas o una segmentación de BraTS.\n"
        "Qué hacer: si marca imágenes, mira una: python -m course predict CORRIDA IMAGEN --keep "
        "CARPETA"
    )


def page(card, network, *, where="file", check=None, columns=(), heat=()) -> str:
    """The page as HTML.

    Args:
        card: A run's card. What it says is shown as text, whatever it says.
        network: `{"steps": …, "weights": base64}` of a page in a file; `None` where a server
            answers.
        where: "file" or "server": who answers.
        check: Inputs with Keras' answers, `{"inputs", "outputs", "tolerance"}`, with which the
            page checks itself; or `None`.
        columns: What `columns_of` returns, of a regression.
        heat: "grad_cam", "occlusion": the maps that can be asked for.
    """
    view = view_of(card)
    setup = {
        "view": view,
        "where": where,
        "card": {key: card[key] for key in _OF_CARD if key in card}
        | {"data": {key: card["data"].get(key) for key in _OF_DATA}},
        "network": network,
        "check": check,
        "columns": columns,
        "heat": heat,
    }
    scripts = ("texts.js", _BY_PLACE[where], *_BY_VIEW[view], "main.js")
    styles = ("page.css", *(("volume.css",) if view == "brains" else ()))
    setup = json.dumps(files.plain(setup), ensure_ascii=False, allow_nan=False)
    return string.Template(_web("index.html")).substitute(
        title="Red neuronal",
        style="\n".join(map(_web, styles)),
        setup=setup.replace("<", r"\u003c"),  # no tag, whatever a name says
        scripts="\n".join(f"<script>\n{_web(name)}</script>" for name in scripts),
    )


def _web(name):
    folder = _VIEWER if name.startswith("volume.") else course.FOLDER / "demo" / "web"
    return (folder / name).read_text(encoding="utf-8")


def columns_of(card) -> list:
    """What a regression's training part holds, column by column.

    Returns a list of dicts: `name`; `minimum`, `maximum` and `median` of a column of numbers, or of
    one of words `words` and, as `median`, the most frequent; what does not apply is `None`.

    A `CourseError` says that the data cannot be had.
    """
    (table, _), _ = evaluation_run.parts(card, catalog.Origin.from_dict(card["data"]))
    return _columns(table, card)


def _columns(table, card):
    named = {item["name"] for item in card["inputs"]}
    return [_column(name, values) for name, values in table.items() if name in named]


def _column(name, values):
    import numpy as np

    if values.dtype == object:
        words, counts = np.unique(values.astype(str), return_counts=True)
        about = {"words": words, "median": words[counts.argmax()]}
        return files.plain({"name": name, "minimum": None, "maximum": None, **about})
    low, middle, high = np.nanquantile(values, (0, 0.5, 1))
    about = {"minimum": low, "maximum": high, "median": middle}
    return files.plain({"name": name, **about, "words": None})


# ---- a page with the network inside


@dataclasses.dataclass(frozen=True)
class Exported:
    """What `export_web` wrote."""

    path: pathlib.Path  # of index.html
    replaced: bool  # an earlier page of ours
    without_data: bool  # tried with random inputs only: the run's data could not be had


def export_web(run, folder, *, fetch=True) -> Exported:
    """Write a run's network as a page: `folder`/index.html, whole or not at all.

    The steps that the page takes are tried in NumPy against Keras on 100 inputs, 50 of them of the
    test part of the run's data; ten go into the page, which tries itself with them when it opens.

    Args:
        run: Folder of a finished run.
        folder: Where to; new or empty, or with nothing but an earlier page, which is replaced.
        fetch: Boolean, whether pictures that are not on this disk are fetched from Kaggle.

    Raises:
        CourseError: The run is not finished, a layer has no step, the steps answer otherwise than
            Keras, or the folder holds other files or cannot be written.
    """
    run, folder = pathlib.Path(run), pathlib.Path(folder).expanduser()
    card = cards.read_run(run)
    view = _view_in_a_file(card, run)
    replaced = _earlier(folder)
    files.try_place(folder / "index.html")
    start.load_keras()
    from course.export.model_file import load_model

    model = load_model(run, card)
    steps, weights = _steps_of(model, run)
    tried = _tried_with(run, card, view, fetch)
    check = _checked(model, steps, weights, tried, run)
    network = {"steps": steps, "weights": _base64(weights.astype("<f4"))}
    text = page(card, network, check=check, columns=tried.columns)
    files.write(folder / "index.html", text)
    return Exported(folder / "index.html", replaced, tried.without_data)


def _view_in_a_file(card, run):
    """The view of a run whose network fits into a file, or a `CourseError`."""
    view = view_of(card)
    shape = card["inputs"][0]["shape"]
    if view == "brains":
        raise OnlyServed(run, "Una segmentación no cabe en un archivo")
    if card.get("parameters", 0) > _MOST:
        count = number(card["parameters"], 0)
        raise OnlyServed(run, f"La red es demasiado grande para un archivo: {count} parámetros")
    if view != "houses" and (len(card["inputs"]) > 1 or len(shape) != 3 or None in shape):
        raise OnlyServed(run, f"Se esperaba una imagen de tamaño fijo. La red recibe {shape}")
    return view


def _steps_of(model, run):
    from course.export.steps import steps_of

    try:
        return steps_of(model)
    except CourseError as error:
        raise OnlyServed(run, str(error).rstrip(".")) from error


class OnlyServed(CourseError):
    """A network that a file cannot hold, and `why`; a server shows it all the same."""

    def __init__(self, run, why):
        super().__init__(
            f"{why}.\nQué hacer: python -m course demo {run} (abre la página y responde Keras)"
        )
        self.why = why


# ---- the folder


def _earlier(folder):
    """Whether a folder holds an earlier page and nothing else; an error if it holds other files."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    own = folder / "index.html"
    if folder.is_dir() and list(folder.iterdir()) == [own] and _is_ours(own):
        return True
    what = "no está vacía" if folder.is_dir() else "es un archivo"
    raise CourseError(
        f"{folder} {what} y queda como está: la página va en una carpeta nueva o vacía, o en el "
        "lugar de una página anterior de este programa.\n"
        "Qué hacer: da otra carpeta con --web."
    )


def _is_ours(path):
    try:
        return _MARK in path.read_text(encoding="utf-8")[:4000]
    except (OSError, UnicodeDecodeError):
        return False


# ---- the same answers as Keras


@dataclasses.dataclass(frozen=True)
class _Tried:
    """The inputs that a network is tried with: of the test part, then random ones."""

    inputs: object  # an array of pictures, or a dict of columns
    scale: float  # of the answers: 1 for probabilities, the target's range of a regression
    columns: list
    without_data: bool = False


def _tried_with(run, card, view, fetch, n=50):
    import numpy as np

    rng = np.random.default_rng(0)
    origin = catalog.Origin.from_dict(card["data"])
    if view == "houses":
        (seen, targets), (table, _) = evaluation_run.parts(card, origin)
        columns = _columns(seen, card)
        drawn = {column["name"]: _drawn(column, n, rng) for column in columns}
        both = {name: np.concatenate([table[name][:n], drawn[name]]) for name in drawn}
        return _Tried(both, float(np.ptp(targets)), columns)
    shape = card["inputs"][0]["shape"]
    drawn = rng.integers(0, 256, (2 * n, *shape), dtype="uint8")
    random = _Tried(drawn, 1, [], without_data=True)
    try:
        if origin.source == "kaggle" and not fetch and inventory.cached(origin.dataset) is None:
            return random
        pictures = evaluation_run.test_inputs(run, card, origin)[:n]
        pictures = pictures.reshape(len(pictures), *shape)
    except (CourseError, ValueError):  # no network, another data set, pictures prepared otherwise
        return random
    return _Tried(np.concatenate([pictures, drawn[len(pictures) :]]), 1, [])


def _drawn(column, n, rng):
    import numpy as np

    if column["words"]:
        return rng.choice(np.array(column["words"], dtype=object), n)
    return rng.uniform(column["minimum"], column["maximum"], n).astype("float32")


def _checked(model, steps, weights, tried, run):
    """Ten inputs with Keras' answers, for the page; an error where the steps answer otherwise."""
    import numpy as np

    from course.export.steps import answer

    tolerance = _TOLERANCE * tried.scale
    if isinstance(tried.inputs, dict):
        expected = np.asarray(model.predict(tried.inputs, verbose=0))
        given = {name: column[:, None] for name, column in tried.inputs.items()}
    else:
        given = tried.inputs.astype("float32")
        expected = np.asarray(model.predict(given, verbose=0))
        check_probabilities(expected, run)
    apart = np.abs(answer(steps, weights, given) - expected).max()
    if not apart <= tolerance:
        raise OnlyServed(
            run, f"La página respondería otra cosa que Keras: se aparta {apart:.1e} en un número"
        )
    ten = slice(5, None, 10)
    if isinstance(tried.inputs, dict):
        columns = [column[ten] for column in tried.inputs.values()]
        kept = [dict(zip(tried.inputs, row, strict=True)) for row in zip(*columns, strict=True)]
    else:
        kept = _base64(tried.inputs[ten])
    return {"inputs": kept, "outputs": expected[ten], "tolerance": tolerance}


def _base64(array):
    return base64.b64encode(array.tobytes()).decode()
