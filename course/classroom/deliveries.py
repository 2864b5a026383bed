"""What a platform gives back, cut into one delivery a student."""

import os
import pathlib
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from course.datasets.folders.archive import member_name
from course.datasets.folders.find import PICTURES, is_dust
from course.errors import CourseError

try:
    from lzma import LZMAError
except ImportError:  # a Python that was built without it does not open such a zip either
    LZMAError = zlib.error

# How Moodle, Blackboard and Canvas begin the names of what they hand over
_PLATFORMS = (
    r"(?P<student>.*)_\d+_assignsubmission_[a-z]+_?",
    r".*?_(?P<student>[^_]+)_attempt_[\d-]{19}_?",
    r"(?P<student>[^_\d]*)(_LATE)?_\d{3,}_\d{3,}_",
)
_A_RUN = {"model.keras", "card.json"}
# what opening and reading a file may raise, a zip of anyone's among them
DAMAGE = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    RuntimeError,  # a password; a way of packing that Python does not know
    ValueError,  # a name that is not the UTF-8 that it says
)


@dataclass(frozen=True)
class Entry:
    """One file: its name, "/" between folders, and how it is opened for reading bytes.

    `problem` says in Spanish why it is not to be opened; "" for a plain file.
    """

    name: str
    open: Callable
    problem: str = ""


@dataclass(frozen=True)
class Delivery:
    """All that one student has delivered.

    Attributes:
        student: As the platform calls her; "" where it does not.
        place: What the delivery is called in the folder.
        entries: Function without arguments, to an iterator over each `Entry`.
    """

    student: str
    place: str
    entries: Callable[[], Iterator[Entry]]

    @property
    def by_platform(self):
        """Whether a platform has said whose it is."""
        return bool(_of_platform(f"{self.place}_"))

    def inside(self, name):
        """What a file is called in the delivery, without what the platform put before it."""
        return name.removeprefix(self.place).strip("_/") or name


def find(path, without=()) -> list[Delivery]:
    """The deliveries in a folder, or in the zip of a whole class, sorted by the students.

    What a platform hands over under one student's name is one delivery; any other file or folder is
    one of its own. A run's own folder, or its zip, is one too.

    Args:
        path: Of the folder or the zip.
        without: Paths of files in the folder that are nobody's.

    Raises:
        CourseError: It is not there, cannot be read, or holds nothing.
    """
    path = pathlib.Path(path).expanduser()
    if not path.exists():
        raise CourseError(
            f"{path} no existe: se esperaba la carpeta o el zip con las entregas.\n"
            "Qué hacer: revisa el nombre y la carpeta en que estás, y repite la orden."
        )
    try:
        found = _in_folder(path, without) if path.is_dir() else _in_zip(path)
    except DAMAGE as error:
        raise CourseError(
            f"{path} no se puede leer ({error}): se esperaba la carpeta o el zip con las entregas."
            "\nQué hacer: descárgalo otra vez de la plataforma, y repite la orden."
        ) from error
    if not found:
        raise CourseError(
            f"En {path} no hay ninguna entrega.\n"
            "Qué hacer: descarga de la plataforma todas las entregas, y nombra la carpeta o el zip "
            "que te da."
        )
    return sorted(found, key=lambda one: (_as_in_a_list(one.student), one.place))


def _in_folder(folder, without):
    own = {pathlib.Path(path).absolute() for path in without}
    paths = [folder / name for name in sorted(os.listdir(folder)) if not _is_dust(name)]
    paths = [path for path in paths if path.absolute() not in own]
    if _A_RUN & {path.name for path in paths}:
        return [Delivery(folder.absolute().name, str(folder), lambda: _below(folder))]
    classes = [path for path in paths if _is_class(path)]
    found = [
        delivery
        for path in classes
        for delivery in (_in_folder(path, without) if path.is_dir() else _in_zip(path))
    ]
    for (student, place), names in _by_student(path.name for path in paths if path not in classes):
        tops = [folder / name for name in names]
        found.append(Delivery(student, place, lambda tops=tops: _all_of(tops)))
    return found


def _in_zip(path):
    archive = zipfile.ZipFile(path)  # stays open as long as one of its deliveries is there
    # who opens a class and packs it again has put a folder around it
    depth = int(not _holds_students(archive, 0) and _holds_students(archive, 1))
    members = {}
    for member in archive.infolist():
        top = _part(member, depth)
        if top and not _is_dust(top):
            members.setdefault(top, []).append(member)
    if _A_RUN & members.keys():
        return [Delivery(path.stem, path.name, lambda: entries_of(archive))]
    found = []
    for (student, place), names in _by_student(members):
        own = [member for name in names for member in members[name]]
        found.append(Delivery(student, place, lambda own=own: entries_of(archive, own)))
    return found


def _is_class(path):
    """Whether a folder or a file is what a platform gave of a whole class, by the names in it."""
    try:
        if path.is_dir() and not path.is_symlink():
            return any(map(_of_a_class, os.listdir(path)))
        if path.suffix.lower() != ".zip" or not _is_plain(path):
            return False
        with zipfile.ZipFile(path) as archive:
            return _holds_students(archive, 0) or _holds_students(archive, 1)
    except DAMAGE:
        return False  # told when it is opened as a delivery


def _holds_students(archive, depth):
    return any(_of_a_class(_part(member, depth)) for member in archive.infolist())


def _by_student(names):
    """`(student, place) → names` of what a platform has named, as pairs."""
    found = {}
    for name in names:
        if about := _of_platform(name):
            key = _readable(about["student"].strip()), _readable(about[0].rstrip("_"))
        else:
            key = _readable(_without_suffix(name)), _readable(name)
        found.setdefault(key, []).append(name)
    return found.items()


def _of_platform(name):
    return next(filter(None, (re.match(pattern, name) for pattern in _PLATFORMS)), None)


def _of_a_class(name):
    """Whether a platform has named it; a phone names its pictures nearly as Canvas does."""
    return pathlib.PurePath(name).suffix.lower() not in PICTURES and _of_platform(name)


def _without_suffix(name):
    """The name less what says that it is a zip or a notebook; a person's may have a full stop."""
    return re.sub(r"\.(zip|ipynb|keras|rar|7z|py)$", "", name, flags=re.IGNORECASE)


def _is_dust(name):
    return is_dust(name) and not name.lower().endswith((".zip", ".ipynb"))  # of nobody, perhaps


def _as_in_a_list(name):
    """A name as it is looked up: Álvarez among those with A."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _part(member, depth):
    """The name at a depth of its path, from 0; "" where it is not so deep."""
    parts = member_name(member).strip("/").split("/")
    return parts[depth] if depth < len(parts) else ""


def _readable(name):
    """A file's name as text; one of an old Windows may be no UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("cp1252", "replace")
    return name


# ---- the files of a delivery


def entries_of(archive, members=None) -> Iterator[Entry]:
    """The files in an open `zipfile.ZipFile`; only these members, if they are given."""
    for member in archive.infolist() if members is None else members:
        if not member.is_dir():
            link = stat.S_ISLNK(member.external_attr >> 16)
            yield Entry(
                member_name(member).strip("/"),
                lambda member=member: archive.open(member),
                "es un enlace" if link else "",
            )


def _all_of(paths):
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            yield from _below(path, f"{_readable(path.name)}/")
        else:
            yield _file(_readable(path.name), path)


def _below(folder, prefix=""):
    """The files below a folder; no link is followed, so that none leads out or in a circle."""
    closed = []
    for place, inner, names in os.walk(folder, onerror=closed.append):
        home = pathlib.Path(place)
        inner[:] = sorted(name for name in inner if not is_dust(name))
        for name in [*sorted(names), *(name for name in inner if (home / name).is_symlink())]:
            inside = (home / name).relative_to(folder).as_posix()
            yield _file(prefix + _readable(inside), home / name)
    for error in closed:
        inside = pathlib.Path(error.filename).relative_to(folder).as_posix()
        yield Entry(prefix + _readable(inside), open, "no tienes permiso para leerla")


def _file(name, path):
    problem = "" if _is_plain(path) else "es un enlace, o no es un archivo"
    return Entry(name, lambda: open(path, "rb"), problem)


def _is_plain(path):
    """Whether it is a file: no link, and no pipe, on which one would wait for ever."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
