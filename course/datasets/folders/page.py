"""One page about pictures before a network sees them: what is wrong, and what there is."""

import base64
import pathlib
import string
from html import escape

import numpy as np

from course import files
from course.datasets.folders.record import PICTURES, named, spread
from course.datasets.pictures import png
from course.spanish import count, number, percent

# nothing is to be done about them
_QUIET = ("accident", "hidden", "parts", "run", "sizes", "twins")
_MOST_SHOWN = 12  # pictures of a fault
_TOLD, _MOST_TOLD = 5, 1000  # names of a fault: in its sentence, and below it
_OF_A_CLASS = 6
_MOST_CLASSES = 60
_TINT = np.array([230, 120, 0])  # what a mask marks


def report(record, path) -> pathlib.Path:
    """Write the page of a record: HTML, one file, Spanish, that needs no network.

    Args:
        record: `Pictures`.
        path: Of the page.

    Returns:
        The path.

    Raises:
        CourseError: It cannot be written.
    """
    template = pathlib.Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    classes = count(len(record.class_names), "clase", "clases")
    sections = [_faults(record)]
    sections += [_masks(record)] if record.labels is None else [_sure(record), _classes(record)]
    text = string.Template(template).substitute(
        title=escape(record.origin.title),
        summary=escape(
            f"{count(len(record), *PICTURES)}, {classes}. La red las verá como aquí, a "
            f"{record.images.shape[1]}×{record.images.shape[2]} píxeles."
        ),
        sections="\n".join(sections),
    )
    files.write(path, text)
    return pathlib.Path(path)


def _faults(record):
    rows = {file: row for row, file in enumerate(record.files)}
    parts = []
    for fault in sorted(record.faults, key=lambda fault: fault.kind in _QUIET):
        quiet = " quiet" if fault.kind in _QUIET else ""
        shown = [rows[file] for file in fault.files if file in rows][:_MOST_SHOWN]
        parts.append(
            f'<div class="fault{quiet}"><p><strong>{escape(fault.what)}</strong><br>'
            f"Qué hacer: {escape(fault.todo)}</p>{_names(fault)}{_pictures(record, shown)}</div>"
        )
    return "<h2>Lo que hay que saber</h2>" + (
        "\n".join(parts) or "<p>No se encontró ningún problema.</p>"
    )


def _names(fault):
    if len(fault.files) <= _TOLD:
        return ""
    names = escape(f"{named(fault.files, _MOST_TOLD)}.")
    return f"<details><summary>Todos los nombres</summary><p>{names}</p></details>"


def _sure(record):
    """How sure a test of so many pictures can be at its best."""
    held_out = max(1, round(0.2 * len(np.unique(record.groups))))
    # as many right answers in a row a network of this error gives once in twenty times
    error = 1 - 0.05 ** (1 / held_out)
    some = count(held_out, "imagen distinta", "imágenes distintas")
    return (
        "<h2>Lo que la prueba podrá decir</h2><p>"
        + escape(
            f"Una quinta parte son {some}. Aunque la red acertara todas, su error verdadero podría "
            f"ser todavía de {percent(error, 0 if error > 0.1 else 1)} (límite de 95 %). Con el "
            f"cuádruple de imágenes, de unos {percent(1 - 0.05 ** (1 / (4 * held_out)), 1)}."
        )
        + "</p>"
    )


def _classes(record):
    per_class = np.bincount(record.labels, minlength=len(record.class_names))
    order = per_class.argsort(kind="stable")
    parts = []
    for label in order[:_MOST_CLASSES]:
        rows = np.flatnonzero(record.labels == label)
        independent = len(np.unique(record.groups[rows]))
        apart = "" if independent == len(rows) else f", {number(independent, 0)} distintas"
        parts.append(
            f'<div class="class"><p><strong>{escape(record.class_names[label])}</strong> '
            f"<small>{escape(count(len(rows), *PICTURES) + apart)}</small></p>"
            f'<div class="bar"><i style="width:{100 * len(rows) / per_class.max():.1f}%"></i></div>'
            f"{_pictures(record, spread(rows, _OF_A_CLASS), named=False)}</div>"
        )
    more = len(order) - len(parts)
    if more:
        parts.append(f"<p>Y {count(more, 'clase más', 'clases más')}, con más imágenes.</p>")
    return "<h2>Las clases, de menos a más</h2>" + "\n".join(parts)


def _masks(record):
    """Of each value of the masks how much there is; and some pictures with what is marked."""
    pixels = np.zeros(len(record.class_names))
    inside = np.zeros(len(record.class_names), int)
    for mask in record.masks:
        found = np.bincount(mask.ravel(), minlength=len(pixels))
        pixels += found
        inside += found > 0
    rows = "".join(
        f'<div class="class"><p><strong>{escape(name)}</strong> <small>'
        f"{escape(percent(share, 1))} de los píxeles, en {escape(count(int(n), *PICTURES))}"
        "</small></p></div>"
        for name, share, n in zip(record.class_names, pixels / pixels.sum(), inside, strict=True)
    )
    shown = _pictures(record, spread(np.arange(len(record)), 2 * _OF_A_CLASS))
    text = "<p>En las imágenes de esta página, lo que marcan está en naranja.</p>"
    return f"<h2>Las máscaras</h2>{text}{rows}{shown}"


def _pictures(record, rows, named=True):
    if not len(rows):
        return ""
    drawn = []
    for row in rows:
        name = record.files[row]
        caption = f"<figcaption>{escape(name)}</figcaption>" if named else ""
        image = base64.b64encode(png(_seen(record, row))).decode()
        drawn.append(
            f'<figure><img src="data:image/png;base64,{image}" alt="{escape(name)}">{caption}'
            "</figure>"
        )
    return f'<div class="pictures">{"".join(drawn)}</div>'


def _seen(record, row):
    """A picture as uint8 `(size, size, channels)`, what its mask marks tinted."""
    image = np.asarray(record.images[row])
    if record.masks is None:
        return image
    image = np.repeat(image, 3, 2) if image.shape[2] == 1 else image
    marked = record.masks[row] > 0
    return np.where(marked, 0.5 * image + 0.5 * _TINT, image).astype("uint8")
