"""The kit for a room without internet: a folder that fits on a stick, and a page that explains it.

Its size is known before anything large is fetched: first `plan`, then `build`.
"""

import os
import pathlib
import shutil
import string
from dataclasses import dataclass
from html import escape

import course
from course import files
from course.classroom import wheels
from course.classroom.wheels import Target, Wheel
from course.datasets import catalog
from course.datasets.download import cache, inventory
from course.errors import CourseError
from course.kaggle import lessons, pages
from course.spanish import number

# What a student needs of the checkout: the course as it is read and run, no tests, no history.
_COURSE = (
    *("course", "kernels", "notebooks", "docs", "datasets.yaml", "requirements.txt"),
    *("pyproject.toml", "README.es.md", "README.md", "LICENSE", "LICENSE-prose.md", "CITATION.cff"),
)
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "__MACOSX", ".*", "runs", f"*{files.UNFINISHED}*")
_INSTALLED = 4  # times what the wheels weigh, at most: 3.5 were measured


@dataclass(frozen=True)
class DataSet:
    """One data set of the catalogue, and whether it goes along.

    Attributes:
        info: `catalog.DatasetInfo`.
        paths: Dict from a path in the kit, below the data set's folder, to the file that is copied.
        why: Spanish text, why it does not go along; "" where it does.
    """

    info: catalog.DatasetInfo
    paths: dict
    why: str = ""


@dataclass(frozen=True)
class Plan:
    """What a kit will hold.

    Attributes:
        wheels: Dict from a `Target` to its list of `Wheel`.
        data: List of `DataSet`.
        course: Dict from a path in the kit to the file of the checkout.
    """

    wheels: dict[Target, list[Wheel]]
    data: list[DataSet]
    course: dict

    @property
    def wheels_bytes(self):
        """Of all wheels, each counted once; those whose size nobody says are not in it."""
        each = {wheel.name: wheel for some in self.wheels.values() for wheel in some}
        return sum(wheel.size_bytes or 0 for wheel in each.values())

    @property
    def unknown(self):
        """How many wheels have a size that nobody says."""
        return len({w.name for some in self.wheels.values() for w in some if w.size_bytes is None})

    @property
    def bytes(self):
        """Of all that is known, before it is here."""
        paths = [path for one in self.data for path in one.paths.values()]
        paths += self.course.values()
        return self.wheels_bytes + sum(path.stat().st_size for path in paths)


def plan(targets, own) -> Plan:
    """Find out what a kit will hold and how large it will be; only descriptions are fetched.

    Args:
        targets: List of `wheels.Target`.
        own: Empty folder, where the course's wheel is built.
    """
    lessons.names()  # without a checkout there is nothing to take along
    wheels.build_own(own)
    chosen = {target: wheels.plan(target, own) for target in targets}
    return Plan(chosen, [_data_set(name) for name in catalog.names()], _checkout())


def build(planned, folder, rendered="build/pages"):
    """Make a kit, whole or not at all.

    Args:
        planned: `Plan`.
        folder: `pathlib.Path`, where to; new or empty.
        rendered: Folder of executed lessons, as `notebooks render` writes them. Those that are not
            there, or older than their lesson, are executed first.

    Raises:
        CourseError: The folder holds something, a lesson stops, pip brings not all, or there is not
            enough room.
    """
    from course.demo.page import export_web

    rendered = pathlib.Path(rendered)
    check_new(folder)
    check_room(folder, planned)
    executed = _executed(rendered)
    with files.whole_folder(folder) as part:
        (part / "wheels").mkdir()
        for target, chosen in planned.wheels.items():
            print(f"Trayendo los paquetes {words(target)} …", flush=True)
            wheels.fetch(target, chosen, part / "wheels")
        for one in planned.data:
            _copy(one.paths, part / "datos" / one.info.name)
        _copy(planned.course, part / "curso")
        _copy(executed, part / "paginas")
        export_web(course.FOLDER / "demo" / "digits", part / "demo", fetch=False)
        files.write(part / "index.html", page(planned))


def check_new(folder):
    """Raise a `CourseError` where there is something already."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise CourseError(
            f"{folder} ya existe y no está vacía: queda como está.\n"
            "Qué hacer: nombra una carpeta nueva, y repite la orden."
        )


def check_room(folder, planned):
    """Raise a `CourseError` unless a kit finds room on a folder's disk."""
    free = _free(folder)
    if free < planned.bytes:
        raise CourseError(
            f"El kit pesa {_mb(planned.bytes)}, y en el disco de {folder} quedan {_mb(free)}.\n"
            "Qué hacer: libera espacio, nombra una carpeta de otro disco, o pide menos sistemas."
        )


def _free(folder):
    there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    return shutil.disk_usage(there).free


# ---- what goes along


def _data_set(name):
    info = catalog.get(name)
    if not _may_be_copied(info.licence):
        return DataSet(info, {}, f"su licencia no deja copiarlo: {info.licence}")
    folder = inventory.cached(name)
    if folder is None:
        return DataSet(info, {}, f"no está en este computador: python -m course data fetch {name}")
    if not all(found.good for found in inventory.check(name)):
        return DataSet(info, {}, f"está dañado: python -m course data verify {name}")
    if info.files:
        paths = {file.path: cache.place(folder, file) for file in info.files}
    else:  # Kaggle's archive holds the X-rays twice
        paths = {
            inside: path
            for inside, path in _below(folder).items()
            if not inside.startswith("chest_xray/chest_xray/")
        }
    return DataSet(info, paths)


def _may_be_copied(licence):
    """Whether everyone may pass copies on: what Creative Commons' licences all say."""
    return licence.startswith("CC")


def _checkout():
    """The course's files, by their paths in the kit."""
    root = course.FOLDER.parent
    paths = {}
    for name in _COURSE:
        if (root / name).is_dir():
            paths |= {f"{name}/{inside}": path for inside, path in _below(root / name).items()}
        elif (root / name).is_file():
            paths[name] = root / name
    return paths


def _below(folder):
    paths = {}
    for place, inner, names in os.walk(folder):
        left_out = _LEFT_OUT(place, [*inner, *names])
        inner[:] = sorted(set(inner) - left_out)
        for name in sorted(set(names) - left_out):
            path = pathlib.Path(place, name)
            paths[path.relative_to(folder).as_posix()] = path
    return paths


def _copy(paths, folder):
    for inside, path in paths.items():
        (folder / inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / inside)


def _executed(folder):
    """The pages of the executed lessons, by their names; old and missing ones are made first."""
    written = {name: folder / f"{name}.html" for name in lessons.names()}
    stale = [
        name
        for name, path in written.items()
        if not path.is_file() or path.stat().st_mtime < lessons.find(name).stat().st_mtime
    ]
    if stale:
        print("Ejecutando los talleres, para sus páginas; tarda unos minutos …", flush=True)
        pages.render(folder, stale)
    return {path.name: path for path in (*written.values(), folder / "index.html")}


# ---- what is told


def summary(planned, folder) -> str:
    """What a kit will hold and weigh, for a terminal."""
    lines = []
    for target, chosen in planned.wheels.items():
        lines.append(f"Paquetes {words(target)}: {len(chosen)}, {_mb(_weight(chosen))}")
    if len(planned.wheels) > 1:
        lines.append(f"Sin repetir: {_mb(planned.wheels_bytes)}")
    if planned.unknown:
        lines.append(f"De {number(planned.unknown, 0)} no se sabe el tamaño: no están en la suma.")
    for one in planned.data:
        size = sum(path.stat().st_size for path in one.paths.values())
        told = one.why or f"{_mb(size)}, {one.info.licence}"
        lines.append(f"{one.info.title}{', no va' if one.why else ''}: {told}")
    lines.append(
        f"Con los talleres, sus páginas y el demo pesa unos {_mb(planned.bytes)}; en el disco de "
        f"{folder} quedan {_mb(_free(folder))}."
    )
    return "\n".join(lines)


def words(target) -> str:
    """A target in Spanish: "para Windows con Python 3.12"."""
    names = {"linux": "Linux", "windows": "Windows", "mac": "macOS"}
    return f"para {names[target.system]} con Python {target.python}"


def page(planned) -> str:
    """The kit's own page: what is in it, and what to type."""
    template = pathlib.Path(__file__).with_name("usb.html").read_text(encoding="utf-8")
    data = [one for one in planned.data if one.paths]
    items = [
        f"<li><code>{one.info.name}</code>: {escape(one.info.title)}. "
        f"{escape(one.info.citation)}. {escape(one.info.licence)}.</li>"
        for one in data
    ]
    systems = {target.system for target in planned.wheels}
    pythons = {target.python for target in planned.wheels}
    return string.Template(template).substitute(
        version=course.__version__,
        targets="; ".join(words(target) for target in planned.wheels),
        size=_mb(planned.bytes),
        installed=_mb(_INSTALLED * max(map(_weight, planned.wheels.values()))),
        python=max(pythons, key=wheels.PYTHONS.index),
        wanted=wheels.WANTED,
        windows="" if "windows" in systems else "hidden",
        others="" if systems - {"windows"} else "hidden",
        with_data="" if data else "hidden",
        example=data[0].info.name if data else "",
        data="\n".join(items),
    )


def _weight(chosen):
    return sum(wheel.size_bytes or 0 for wheel in chosen)


def _mb(size_bytes):
    return f"{number(size_bytes / 1e6, 0)} MB"
