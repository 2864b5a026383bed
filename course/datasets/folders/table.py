"""A CSV that says of each picture what it shows, and whose it is."""

import csv
import io
import pathlib
import unicodedata
from dataclasses import dataclass

from course.errors import CourseError

_MOST_BYTES = 200_000_000
_NAMES = {  # of columns, without accents
    "file": "archivo fichero file filename file_name nombre imagen image image_id image_name img "
    "id path ruta foto".split(),
    "label": "etiqueta label clase class class_name categoria category diagnostico diagnosis dx "
    "target especie species".split(),
    "patient": "paciente patient patient_id id_paciente grupo group group_id sujeto subject "
    "subject_id persona lesion_id".split(),
}


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    file: str
    label: str
    patient: str | None


def read_table(path) -> list[Row] | None:
    """The rows of a table of pictures; None if its first line does not name a file and a label.

    UTF-8, UTF-16 and Windows' Latin-1 are told apart, and commas, semicolons and tabs.

    Raises:
        CourseError: It cannot be read, or a line has too few values.
    """
    text = _text(path)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [plain(name) for name in next(reader, [])]
        columns = {
            key: next((header.index(name) for name in names if name in header), None)
            for key, names in _NAMES.items()
        }
        if columns["file"] is None or columns["label"] is None:
            return None
        lines = [(reader.line_num, line) for line in reader if any(map(str.strip, line))]
    except csv.Error as error:
        raise _damaged(path, f"una línea que no se puede leer ({error})") from error
    wanted = [column for column in columns.values() if column is not None]
    for number, line in lines:
        if len(line) <= max(wanted):
            raise _damaged(path, f"la línea {number}, con {len(line)} valores")
    return [
        Row(
            line[columns["file"]].strip().replace("\\", "/"),
            unicodedata.normalize("NFC", line[columns["label"]].strip()),
            None if columns["patient"] is None else line[columns["patient"]].strip(),
        )
        for _, line in lines
    ]


def plain(name):
    """A name without accents, case and outer spaces, to be compared.

    Example:

    >>> plain(" Máscaras")
    'mascaras'
    """
    letters = unicodedata.normalize("NFD", name.strip().lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _text(path):
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise _damaged(path, f"un archivo que no se puede leer ({error.strerror})") from error
    if len(content) > _MOST_BYTES:
        raise _damaged(path, f"un archivo de más de {_MOST_BYTES // 1_000_000} MB")
    utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if utf_16 else ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            pass
    return content.decode("latin-1")


def _damaged(path, received):
    return CourseError(
        f"{pathlib.Path(path)}: se esperaba una tabla con una imagen por línea y las columnas "
        f"archivo, etiqueta y, si lo sabes, paciente. Llegó: {received}.\n"
        "Qué hacer: ábrela en una planilla, corrígela y guárdala como CSV."
    )
