"""A lesson's file, in jupytext's percent format, as cells; and cells as a Jupyter notebook."""

import ast
import json
import re

from course.errors import CourseError

_MARKER = re.compile(r"# %%(.*)")
_KINDS = {  # what follows the marker
    "": ("code", {}),
    "[markdown]": ("markdown", {}),
    'tags=["ejercicio"]': ("code", {"tags": ["ejercicio"]}),  # a student's to fill in
}


def cells(path) -> list:
    """The cells of a lesson, `("markdown" or "code", text, metadata)` each, as jupytext reads them.

    Raises:
        CourseError: the file cannot be read, is no Python, or is written in another way than the
            lessons are; with its line.
    """
    text = source(path)
    found, kind, about, lines = [], "code", {}, []
    for number, line in enumerate(_lines(text), 1):
        marker = _MARKER.fullmatch(line)
        if marker:
            found.append((kind, lines, about))
            (kind, about), lines = _kind(marker[1].strip(), path, number), []
        elif kind == "code":
            lines.append(line)
        elif line.strip() == "" or line == "#":
            lines.append("")
        elif line.startswith("# "):
            lines.append(line[2:])
        else:
            raise CourseError(
                f"{path}, line {number}: expected text, after '# '. Received: {line!r:.80}\n"
                "Next: put '# %%' on a line of its own before code."
            )
    found.append((kind, lines, about))
    whole = [(kind, "\n".join(lines).rstrip("\n"), about) for kind, lines, about in found]
    return whole if whole[0][1] else whole[1:]


def body(path) -> str:
    """A lesson's text without its header."""
    return "\n".join(_lines(source(path))).lstrip("\n") + "\n"


def source(path) -> str:
    """A lesson's text, which is Python.

    Raises:
        CourseError: it is not; with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        ast.parse(text, str(path))
    except SyntaxError as error:
        raise CourseError(
            f"{path}, line {error.lineno}: {error.msg}: {(error.text or '').strip()!r:.80}\n"
            "Next: correct it; it was not built."
        ) from error
    except (OSError, ValueError) as error:  # bytes that are no UTF-8, a NUL
        raise CourseError(f"{path} cannot be read: {error}\nNext: correct it.") from error
    return text


def notebook(cells, name, metadata) -> str:
    """A Jupyter notebook without outputs, the same bytes for the same cells.

    Args:
        cells: `(kind, text)` or `(kind, text, metadata)` each.
        name: what the cells' fixed ids begin with.
        metadata: of the notebook, beside its kernel and language.
    """
    written = []
    for number, (kind, text, *about) in enumerate(cells):
        cell = {"cell_type": kind, "id": f"{name}-{number:02}", "metadata": {}}
        cell.update(metadata=dict(*about), source=text.splitlines(keepends=True))
        written.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    whole = {
        "cells": written,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            **metadata,
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _lines(text):
    """The lines, numbered as in the file; those of the header, `# ---` to `# ---`, are empty."""
    lines = text.splitlines()
    if lines[:1] == ["# ---"] and "# ---" in lines[1:]:
        end = lines.index("# ---", 1) + 1
        lines[:end] = [""] * end
    return lines


def _kind(words, path, number):
    if words not in _KINDS:
        raise CourseError(
            f"{path}, line {number}: expected '# %%', '# %% [markdown]' or "
            f"'# %% tags=[\"ejercicio\"]'. Received: {words!r:.80}\nNext: correct it."
        )
    return _KINDS[words]
