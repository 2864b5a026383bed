"""Where the lessons are: one folder each below kernels/, in a checkout of the course."""

from pathlib import Path

import course
from course.errors import CourseError, nearest

KERNELS = course.FOLDER.parent / "kernels"


def names() -> list[str]:
    """The lessons' names, in order: folders of kernels/ that hold a file of their own name.

    Raises:
        CourseError: there are none, as where only the package is installed.
    """
    folders = sorted(path for path in KERNELS.glob("*") if (path / f"{path.name}.py").is_file())
    if not folders:
        raise CourseError(
            f"There are no lessons in {KERNELS}: the installed package holds the library only.\n"
            "The lessons live in the folder kernels/ of the course's repository.\n"
            "Next: clone it, and type the same there."
        )
    return [folder.name for folder in folders]


def find(name) -> Path:
    """The file of a lesson, by its name or the beginning of it.

    Raises:
        CourseError: there is no such lesson, or it is the beginning of several.

    Example:

    >>> find("taller2").name
    'taller2_cnn_mnist.py'
    """
    lessons, wanted = names(), name.lower()
    matches = [wanted] if wanted in lessons else [n for n in lessons if n.startswith(wanted)]
    if len(matches) == 1:
        return KERNELS / matches[0] / f"{matches[0]}.py"
    expected = f"Expected one of: {', '.join(lessons)}."
    if matches:
        raise CourseError(f"{name!r} is the beginning of {len(matches)} lessons. {expected}")
    short = [lesson.partition("_")[0] for lesson in lessons]
    hint = nearest(name, [*short, *lessons])
    raise CourseError(f"There is no lesson {name!r}.{hint} {expected}")
