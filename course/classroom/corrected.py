"""The exercises in students' notebooks are checked, each in a process of its own.

A cell that never ends, wants all the memory, prints without end or brings its process down costs
that exercise alone. This stops accidents, not whoever means harm: a cell may do all that whoever
starts this may do.
"""

import contextlib
import io
import json
import os
import pathlib
import signal
import site
import stat
import string
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

import course
from course import files
from course.classroom import deliveries
from course.classroom.cells import Unreadable, cells_of
from course.classroom.deliveries import DAMAGE, Entry
from course.datasets.folders.find import is_dust
from course.errors import CourseError
from course.exercises import ejercicio
from course.spanish import count, number

MEMORY_MB = 2000  # of one cell
RIGHT, WRONG, EMPTY, STOPPED = "correcto", "todavía no", "sin responder", "se detuvo"
_LARGEST_MB = 200  # of a notebook, with its pictures, or of a zip in a delivery
_DEPTH = 2  # zips in zips
_FILES = (".ipynb", ".py")
_NOTHING = "no tiene celdas de ejercicio"
_ANSWER = 1_000_000  # bytes
# what a student's cell is told of this computer: no names, no tokens
_KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "KERAS_BACKEND")


@dataclass(frozen=True)
class Checked:
    """One exercise.

    Attributes:
        number: "2.3".
        result: `RIGHT`, `WRONG`, `EMPTY` or `STOPPED`.
        why: Spanish text; "" where there is nothing to say.
    """

    number: str
    result: str
    why: str = ""

    @property
    def on_one_line(self):
        """Why, without line breaks."""
        return " ".join(self.why.split())


@dataclass(frozen=True)
class Corrected:
    """One file.

    Attributes:
        student: As the platform calls her; "" where it does not.
        name: Of the file.
        exercises: List of `Checked`, by their numbers.
        fault: Spanish text, why the file could not be read; "" where it could.
    """

    student: str
    name: str
    exercises: list[Checked] = field(default_factory=list)
    fault: str = ""

    @property
    def right(self):
        """How many exercises are right."""
        return sum(one.result == RIGHT for one in self.exercises)


def correct(paths, *, seconds=60, seed=0) -> Iterator[Corrected]:
    """Check the exercises of files, one after another.

    Of an exercise that a file answers in several cells the best counts. A file never stops the
    others. Files of Python in which nothing is tagged are passed over, unless they are named.

    Args:
        paths: Of notebooks and percent files, and of folders and zips with the deliveries of a
            class, as `deliveries.find` knows them.
        seconds: How long one cell may take.
        seed: Whole number, of the inputs that the answers are tried with.

    Raises:
        CourseError: One of the paths is not there, or holds nothing.
    """
    found = [one for path in paths for one in _found(pathlib.Path(path).expanduser())]
    for student, entries, named in found:
        for entry in entries():
            one = _corrected(student, entry, seconds, seed)
            if named or one.fault != _NOTHING or entry.name.lower().endswith(".ipynb"):
                yield one


def _found(path):
    """`(student, function to the entries, whether they were named)` for each delivery."""
    if path.is_file() and path.suffix.lower() in _FILES:
        return [("", lambda: [Entry(str(path), lambda: open(path, "rb"))], True)]
    return [(one.student, lambda one=one: _delivered(one), False) for one in deliveries.find(path)]


def _delivered(delivery):
    """What is to be checked of a delivery; if that is nothing, a fault, where a name is known."""
    nothing = delivery.by_platform
    for entry in _below(delivery.entries(), delivery.inside):
        nothing = False
        yield entry
    if nothing:
        yield Entry(delivery.place, open, "no trae ningún cuaderno")


def _below(entries, called, depth=0):
    """The notebooks and files of Python among some entries, and in the zips among them."""
    for entry in entries:
        name, suffix = called(entry.name), pathlib.PurePath(entry.name).suffix.lower()
        *folders, last = entry.name.split("/")
        if any(map(is_dust, folders)) or last.startswith("._"):  # a Mac's second half of a file
            continue
        if suffix == ".zip" and depth < _DEPTH and not entry.problem:
            try:
                with zipfile.ZipFile(io.BytesIO(_content(entry))) as archive:
                    inside = deliveries.entries_of(archive)
                    yield from _below(inside, lambda inner, name=name: f"{name}/{inner}", depth + 1)
            except Unreadable as error:
                yield Entry(name, entry.open, str(error))
            except DAMAGE as error:
                yield Entry(name, entry.open, f"está dañado, o no es un zip ({error})")
        elif suffix in _FILES:
            yield Entry(name, entry.open, entry.problem)


def _content(entry):
    """The bytes of an entry, whatever its archive promises of their number."""
    if entry.problem:
        raise Unreadable(entry.problem)
    most = _LARGEST_MB * 1_000_000
    try:
        with entry.open() as file:
            content = file.read(most + 1)
    except DAMAGE as error:
        raise Unreadable(f"no se puede leer ({error})") from None
    if len(content) > most:
        raise Unreadable(f"tiene más de {_LARGEST_MB} MB")
    return content


def _corrected(student, entry, seconds, seed):
    try:
        cells = cells_of(entry.name, _content(entry))
    except Unreadable as error:
        return Corrected(student, entry.name, fault=str(error))
    answered = {}
    for at, cell in enumerate(cells):
        for name in cell.numbers:
            answered.setdefault(name, []).append(at)
    if not answered:
        return Corrected(student, entry.name, fault=_NOTHING)
    exercises = [
        _best(_checked(name, cells, at, seconds, seed) for at in reversed(answered[name]))
        for name in sorted(answered, key=by_number)
    ]
    return Corrected(student, entry.name, exercises)


def by_number(name):
    """How exercises are sorted: 2.10 after 2.9, 5b.1 after 5.9."""
    lesson, n = name.split(".")
    digits = lesson.rstrip(string.ascii_lowercase)
    return int(digits), lesson, int(n)


def _best(results):
    """The first that is right; otherwise the first with an answer."""
    seen = []
    for one in results:
        if one.result == RIGHT:
            return one
        seen.append(one)
    return next((one for one in seen if one.result != EMPTY), seen[0])


def _checked(name, cells, at, seconds, seed):
    """One exercise, answered in the cell at a place, whatever the cell does."""
    try:
        ejercicio(name)
    except CourseError:
        return Checked(name, EMPTY, "ese ejercicio no existe")
    asked = {
        "number": name,
        "cell": cells[at].code,
        "others": [cell.code for cell in cells[:at] + cells[at + 1 :]],
        "seed": seed,
        "memory_mb": MEMORY_MB,
    }
    said, ended = None, True
    with contextlib.suppress(RecursionError):  # what it left is too deep to be deleted
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            home = pathlib.Path(home)
            files.write(home / "asked.json", json.dumps(asked))
            ended = _run(home, seconds)
            said = _said(home / "said.json")
    if said is None:
        why = "terminó sin responder: quizá pide demasiada memoria, o se cierra a sí misma"
        return Checked(name, STOPPED, f"la celda {why if ended else f'no terminó en {seconds} s'}")
    if said.right:
        return Checked(name, RIGHT)
    return Checked(name, WRONG if said.tried else EMPTY, said.why)


def _run(home, seconds):
    """Run `course.classroom.alone` in a folder of its own; whether it ended in time."""
    work = home / "work"
    work.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "course.classroom.alone", home / "asked.json", home / "said.json"],
        cwd=work,
        env=_environment(work),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        return False
    finally:
        with contextlib.suppress(AttributeError, OSError):  # Windows has no groups; or all are gone
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()


def _environment(work):
    paths = [str(course.FOLDER.parent), os.environ.get("PYTHONPATH")]
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        **dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), str(work)),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONUSERBASE": site.getuserbase(),  # it lies in the home that is not told
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        "CUDA_VISIBLE_DEVICES": "-1",
    }


@dataclass(frozen=True)
class _Said:
    right: bool
    tried: bool
    why: str


def _said(path):
    """What a process has answered; None where there is nothing that could be an answer."""
    with contextlib.suppress(OSError, CourseError):
        status = path.lstat()  # a student's code may have put anything there
        if stat.S_ISREG(status.st_mode) and status.st_size <= _ANSWER:
            return files.build(_Said, files.read_json(path), path)
    return None


# ---- what is told


def notice(seconds) -> str:
    """What somebody must know before the first cell is run."""
    memory = f"{number(MEMORY_MB, 0)} MB de memoria" if sys.platform == "linux" else ""
    limits = f"a lo más {seconds} s y {memory}" if memory else f"a lo más {seconds} s"
    none = "" if memory else " En este sistema la memoria no se limita."
    return (
        "Esto ejecuta el código de tus estudiantes, con tus permisos: cada celda en un proceso "
        f"aparte, en una carpeta vacía, con {limits}.{none} Detiene accidentes, no a quien quiera "
        "hacer daño o trampa. Hazlo donde no haya datos privados: en un contenedor, en Kaggle o en "
        "Colab."
    )


def lines(one) -> list[str]:
    """One file for a terminal: a head, and a line for each exercise."""
    head = one.name if one.name.startswith(one.student) else f"{one.student}, {one.name}"
    if one.fault:
        return [f"{head}: {one.fault}"]
    total = count(len(one.exercises), "ejercicio correcto", "ejercicios correctos")
    told = [f"{head}: {number(one.right, 0)} de {total}"]
    for exercise in one.exercises:
        row = f"  {exercise.number:<5}{exercise.result:<15}{exercise.on_one_line:.150}"
        told.append(row.rstrip())
    return told


def rows(corrected) -> list[dict]:
    """All files for `table.spreadsheet`: a row each, with a column for each exercise."""
    names = {e.number for one in corrected for e in one.exercises}
    table = []
    for one in corrected:
        results = {e.number: e.result for e in one.exercises}
        table.append(
            {
                "estudiante": one.student,
                "archivo": one.name,
                "correctos": one.right,
                **{name: results.get(name, "") for name in sorted(names, key=by_number)},
                "por qué": "; ".join(
                    f"{e.number}: {e.on_one_line}" for e in one.exercises if e.why
                ),
                "no se pudo revisar": one.fault,
            }
        )
    return table
