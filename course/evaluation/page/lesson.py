"""The section of the figures that the lesson itself made, as they lie in the run's folder."""

from html import escape
from urllib.parse import quote

from course.evaluation.page.parts import picture

# what a report draws itself; those of an earlier one may lie in the folder too
REPORTS = frozenset(
    {
        *("calibration", "cases", "confusion", "dice_by_case", "learning_curves", "mistakes"),
        *("predicted_against_true", "residuals", "roc"),
    }
)
_ROOM = 3_000_000  # bytes of pictures that a page carries; written as text they are a third more


def read_figures(folder):
    """The lesson's figures in `folder`, a `pathlib.Path`, in the order in which they were made.

    Returns:
        List of `(file name, title, bytes)`; the bytes are None where the page has no room for more.
        What is neither PNG nor GIF is left out.
    """
    paths = [path for path in folder.glob("*") if path.stem not in REPORTS and path.is_file()]
    found, room = [], _ROOM
    for path in sorted(paths, key=lambda path: (path.stat().st_mtime_ns, path.name)):
        title = _title(path)
        if title is None:
            continue
        data = path.read_bytes() if path.stat().st_size <= room else None
        room -= len(data or b"")
        found.append((path.name, title, data))
    return found


def section(figures):
    """HTML from what `read_figures` returns; empty where there is none."""
    if not figures:
        return ""
    shown = "".join(picture(data, title) for _, title, data in figures if data)
    links = ", ".join(
        f'<a href="figures/{quote(name)}">{escape(title)}</a>'
        for name, title, data in figures
        if not data
    )
    links = f"<p>Por su tamaño quedan fuera de esta página: {links}.</p>" if links else ""
    return (
        "<h2>Las figuras del taller</h2><p>Las que hizo la lección, en su orden. Cada una está "
        f"también en la carpeta <code>figures</code>.</p>{shown}{links}"
    )


def _title(path):
    """What a figure says of itself, or its file's name; None if it is no picture for a page."""
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG", "GIF")) as image:
            title = image.info.get("Title") or image.info.get("comment")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    title = title.decode(errors="replace") if isinstance(title, bytes) else title
    return title or path.stem.replace("_", " ")
