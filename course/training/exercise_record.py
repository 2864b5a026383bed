"""ejercicios.json: which exercises were tried, kept in the run's folder; outside a run, here."""

import dataclasses
import os
import pathlib
import re
from datetime import UTC, datetime
from typing import Annotated

from course import files
from course.errors import CourseError
from course.files import Rule
from course.training import run_folder

NAME = "ejercicios.json"
_MOST = 1_000_000
_Number = Annotated[int, Rule(lambda n: 0 <= n <= _MOST, f"un número entero de 0 a {_MOST}")]
_said = set()  # files that could not be written, each said once


@dataclasses.dataclass(frozen=True)
class Tried:
    """What is known of one exercise, up to its first right answer: nothing is added after it.

    Attributes:
        tries: How many answers were checked, the right one among them.
        hints: The last hint that was shown, counted from 1; 0 for none.
        solution: Whether the solution was shown.
        right: Whether an answer was right.
        when: Of the last of all these, in UTC, as `datetime.isoformat` writes it.
    """

    tries: _Number = 0
    hints: _Number = 0
    solution: bool = False
    right: bool = False
    when: str = ""


def read(folder) -> dict[str, Tried]:
    """The record in a folder, from an exercise's number to a `Tried`; empty where there is none.

    Raises:
        CourseError: The file is damaged.
    """
    path = pathlib.Path(folder, NAME)
    if not os.path.exists(path):  # where nobody may look, nothing is
        return {}
    try:
        known = files.read_json(path)
        for number in known:
            if not re.fullmatch(r"\d{1,3}[a-z]?\.\d{1,3}", number):
                raise CourseError(
                    f"{path}: se esperaban números de ejercicios, como 2.3. Llegó: {number!r:.20}."
                )
        return {n: files.build(Tried, about, f"{path}, {n}") for n, about in known.items()}
    except CourseError as error:
        raise CourseError(
            f"{error}\nQué hacer: cámbiale el nombre a {path}; con el próximo ejercicio empieza "
            "otro."
        ) from error


def note(number, *, tries=0, hints=0, solution=False, right=False):
    """Add to what is known of an exercise. What cannot be written is said once, and no error.

    Args:
        number: Of the exercise, "2.3".
        tries: How many answers were checked.
        hints: The hint that was shown, counted from 1.
        solution: Whether the solution was shown.
        right: Whether the answer was right.
    """
    folder = run_folder.current() or pathlib.Path()
    try:
        known = read(folder)
        before = known.get(number, Tried())
        if before.right:
            return
        known[number] = Tried(
            before.tries + tries,
            max(before.hints, hints),
            before.solution or solution,
            right,
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        content = {name: dataclasses.asdict(known[name]) for name in sorted(known)}
        files.write(folder / NAME, files.json_text(content))
    except CourseError as error:
        if folder not in _said:
            _said.add(folder)
            print(f"\nTus ejercicios no quedan anotados; todo lo demás sigue igual. {error}")
