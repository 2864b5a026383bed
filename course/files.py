"""Files that are whole or not there, JSON without NaN, and a record built from a mapping."""

import contextlib
import dataclasses
import errno
import gzip
import json
import math
import os
import pathlib
import shutil
import tempfile
import types
import typing
import uuid
from collections.abc import Callable

from course.errors import CourseError, nearest

UNFINISHED = ".unfinished"  # the end of the name of what is being written


# ---- writing


@contextlib.contextmanager
def whole(path):
    """Write a file whole or not at all: to the path that this yields, renamed at the end.

    Whoever kills the process leaves the file that was there before. Folders on the way are made.
    The path to write to lies beside the file and ends alike: Keras and NumPy look at its end.

    Raises:
        CourseError: The disk is full, or does not let us write there; nothing has changed then.

    Example:

    >>> import tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "a", "numbers.txt")
    >>> with whole(path) as part:
    ...     _ = part.write_text("1 2 3")
    >>> path.read_text(), len(os.listdir(path.parent))
    ('1 2 3', 1)
    """
    path = pathlib.Path(path)
    part = path.with_name(f".{uuid.uuid4().hex[:8]}{UNFINISHED}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):  # FileNotFoundError where all went well
            part.unlink()


@contextlib.contextmanager
def whole_folder(folder):
    """Fill a folder whole or not at all: the one that this yields, renamed at the end.

    A folder with files that has the name by then, of another process that was quicker, stays.
    """
    folder = pathlib.Path(folder)
    part = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}{UNFINISHED}")
    try:
        part.mkdir(parents=True)
        yield part
        try:
            os.replace(part, folder)
        except OSError:
            if not (folder.is_dir() and any(folder.iterdir())):
                raise
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write(path, content):
    """Write text (as UTF-8, with LF) or bytes, whole or not at all."""
    with whole(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def try_place(path):
    """Write something beside a file that is to be written after long work.

    Raises:
        CourseError: What the file itself would raise then.
    """
    path = pathlib.Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent) as file:
            file.write(bytes(1 << 16))
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path, error) -> CourseError:
    """The one message about a disk that refuses, from the `OSError` that it raised."""
    # NumPy's tofile names no errno: only how much of an array found no room
    if error.errno in (errno.ENOSPC, errno.EDQUOT, None):
        why = f"el disco está lleno{_room(path)}"
        todo = "libera espacio, o escribe en otro disco,"
    else:
        why = _REFUSALS.get(error.errno) or error.strerror
        todo = "elige una carpeta en la que puedas escribir"
    return CourseError(
        f"No se pudo escribir {path}: {why}.\n"
        f"Qué hacer: {todo} y repite lo mismo. Lo que había antes no ha cambiado."
    )


_REFUSALS = {
    errno.EACCES: "no tienes permiso para escribir ahí",
    errno.EPERM: "no tienes permiso para escribir ahí",
    errno.EROFS: "ese disco es solo de lectura",
    errno.ENOTDIR: "una parte de esa ruta es un archivo, no una carpeta",
    errno.EEXIST: "una parte de esa ruta es un archivo, no una carpeta",
    errno.EISDIR: "es una carpeta",
    errno.ENOTEMPTY: "es una carpeta que no está vacía",
    errno.ENAMETOOLONG: "el nombre es demasiado largo",
    errno.ENOENT: "esa carpeta ya no existe",
}


def _room(path):
    """How much is left on a full disk, where it can be told."""
    with contextlib.suppress(OSError):
        there = next(p for p in pathlib.Path(path).absolute().parents if p.exists())
        return f" (quedan {shutil.disk_usage(there).free // 1_000_000} MB)"
    return ""


# ---- reading


def opened(path):
    """A file open for reading bytes; through gzip where its first two say so, whatever its name."""
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if zipped else open(path, "rb")


def read_json(path) -> dict:
    """Read a JSON object; an error if it is none, or holds a key twice."""
    try:
        # utf-8-sig: Windows' Notepad puts a mark before the text
        text = pathlib.Path(path).read_text(encoding="utf-8-sig")
        found = json.loads(text, object_pairs_hook=_no_key_twice)
    except (OSError, ValueError, RecursionError) as error:
        raise CourseError(f"{path} no se puede leer como JSON: {error}.") from error
    if not isinstance(found, dict):
        raise CourseError(f"{path}: se esperaba un objeto {{…}}. Llegó: {found!r:.80}.")
    return found


def _no_key_twice(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"la clave {next(k for k in keys if keys.count(k) > 1)!r} está dos veces")
    return found


def json_text(value) -> str:
    """A value as indented JSON, as `plain` makes it.

    Example:

    >>> json_text({"r2": float("nan"), "shape": (28, 28)})
    '{\\n  "r2": null,\\n  "shape": [\\n    28,\\n    28\\n  ]\\n}\\n'
    """
    return json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def plain(value):
    """The same in JSON's types: NumPy's numbers as Python's, what is not finite as None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, pathlib.PurePath) else value


# ---- records


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a value must be beyond its type: `Annotated[int, Rule(lambda n: n > 0, "…")]`."""

    holds: Callable
    words: str  # what was expected, in Spanish


Text = typing.Annotated[str, Rule(str.strip, "un texto que no esté vacío")]
Count = typing.Annotated[int, Rule(lambda n: n >= 1, "un número entero desde 1")]


def build(record, raw, where, *, others=False):
    """Make a dataclass of a mapping that a person wrote, by the types of its fields.

    Fields may be str, int, float, bool, `Literal`, dict, tuple, another dataclass, any of them or
    None, tuples and dicts of any of them, and `Annotated` with a `Rule`. `where` begins the
    messages; with `others`, keys that the dataclass does not have are passed over.

    Raises:
        CourseError: A key is unknown (with the nearest one that there is) or missing, a value is
            not what its field takes, or `__post_init__` raises ValueError.

    Example:

    >>> @dataclasses.dataclass
    ... class Place:
    ...     city: str
    ...     height_m: float | None = None
    >>> build(Place, {"city": "Valparaíso"}, "places.yaml")
    Place(city='Valparaíso', height_m=None)
    """
    if not isinstance(raw, dict):
        raise CourseError(f"{where}: se esperaban claves con valores. Llegó: {raw!r:.80}.")
    fields = {field.name: field for field in dataclasses.fields(record)}
    for key in raw:
        if key not in fields and not others:
            raise CourseError(
                f"{where}: la clave {str(key)!r} no se conoce.{nearest(key, fields, repr)} "
                f"Se conocen: {', '.join(fields)}."
            )
    nothing = dataclasses.MISSING
    for key, field in fields.items():
        if key not in raw and field.default is nothing and field.default_factory is nothing:
            raise CourseError(f"{where}: falta la clave {key!r}.")
    hints = typing.get_type_hints(record, include_extras=True)
    values = {
        key: _value(hints[key], value, f"{where}, {key}")
        for key, value in raw.items()
        if key in fields
    }
    try:
        return record(**values)
    except ValueError as error:
        raise CourseError(f"{where}: {error}") from error


_WORDS = {
    bool: "true o false",
    int: "un número entero",
    float: "un número",
    str: "un texto",
    dict: "claves con valores",
    tuple: "una lista",
}


def _value(hint, value, where):
    """A value as its type hint wants it, or a message that says where it stands."""
    kind, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if kind is typing.Annotated:
        base, *rules = inner
        value = _value(base, value, where)
        for rule in rules:
            if not rule.holds(value):
                raise _unexpected(where, rule.words, value)
        return value
    if kind in (typing.Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        (only,) = (option for option in inner if option is not type(None))
        return _value(only, value, where)
    if kind is typing.Literal:
        if value not in inner or type(value) is bool:
            raise _unexpected(where, " o ".join(map(repr, inner)), value)
        return value
    if dataclasses.is_dataclass(kind):
        return build(kind, value, where)
    if kind is tuple and isinstance(value, list | tuple):
        numbered = enumerate(value, 1)
        return tuple(_value(inner[0], v, f"{where}, n.º {n}") if inner else v for n, v in numbered)
    if kind is dict and isinstance(value, dict):
        return {k: _value(inner[1], v, f"{where}, {k}") if inner else v for k, v in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:  # not isinstance: True would be a whole number
        raise _unexpected(where, _WORDS[kind], value)
    return value


def _unexpected(where, expected, value):
    return CourseError(f"{where}: se esperaba {expected}. Llegó: {value!r:.80}.")
