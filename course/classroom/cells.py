"""The code cells of a notebook or of a percent file, and the exercises that they answer."""

import json
import re
from dataclasses import dataclass

_TAG = "ejercicio"  # of the cells that a lesson leaves to a student
_ASKS = r"\bejercicio\(\s*[\"']?(\d{1,3})([a-z]?)[.,](\d{1,3})[\"']?\s*\)"
_CHECKS = rf"{_ASKS}\s*\.\s*comprobar\b"
# An answer is a cell, not a book; the pictures of a notebook are no part of it.
_LONGEST = 1_000_000


@dataclass(frozen=True)
class Cell:
    """One cell's code, and whether it is tagged as an exercise."""

    code: str
    tagged: bool = False

    @property
    def numbers(self):
        """The exercises that the cell answers, "2.3"; each once, in their order.

        A tagged cell answers those that it names, any other those that it hands to `comprobar`.
        """
        found = re.findall(_ASKS if self.tagged else _CHECKS, self.code)
        return list(dict.fromkeys(f"{int(taller)}{part}.{int(n)}" for taller, part, n in found))


class Unreadable(Exception):
    """Why a file holds no cells that could be read, in Spanish."""


def cells_of(name, content) -> list[Cell]:
    """The code cells of a file.

    Args:
        name: Of the file; one that ends in .ipynb is a notebook, any other a percent file, whose
            cells begin with `# %%`.
        content: Bytes.

    Raises:
        Unreadable: It is damaged, or longer than anyone writes.

    Example:

    >>> content = b'import math\\n# %% [markdown]\\n# Hi\\n# %% tags=["ejercicio"]\\nx = 1\\n'
    >>> cells_of("a.py", content)
    [Cell(code='import math\\n', tagged=False), Cell(code='x = 1\\n', tagged=True)]
    """
    try:
        cells = _notebook(content) if name.lower().endswith(".ipynb") else _percent(content)
    except UnicodeDecodeError:
        raise Unreadable("no está escrito en UTF-8") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Unreadable("está dañado, o no es un cuaderno de Jupyter") from None
    if sum(len(cell.code) for cell in cells) > _LONGEST:
        raise Unreadable("tiene más de un millón de letras de código")
    return cells


def _notebook(content):
    return [
        # a lone half of a character, which JSON may hold and no file
        Cell("".join(cell["source"]).encode("utf-8", "replace").decode(), _TAG in _tags(cell))
        for cell in json.loads(content)["cells"]
        if cell["cell_type"] == "code"
    ]


def _tags(cell):
    return cell.get("metadata", {}).get("tags") or ()


def _percent(content):
    text = content.decode("utf-8-sig").replace("\r\n", "\n")
    first, *others = re.split(r"(?m)^# %%", text)
    cells = [Cell(first)]
    for other in others:
        head, _, code = other.partition("\n")
        if "[markdown]" not in head:
            cells.append(Cell(code, re.search(rf"tags=.*[\"']{_TAG}[\"']", head) is not None))
    return cells
