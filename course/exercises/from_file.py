"""A student's answer out of her own file, `mis_respuestas.py`."""

import pathlib
import runpy
import sys
import traceback

from course.errors import CourseError, nearest
from course.exercises.answers import Objection, limited, original, without_input
from course.exercises.limit import SECONDS, TooLong
from course.exercises.python_errors import meaning


def answer_in(path, name, before=None, seconds=SECONDS):
    """What a Python file calls `name`, after running it.

    Args:
        path: Of the file.
        name: Text.
        before: Path of another, which is run first; the file knows all its names.
        seconds: Number, how long a file may take; None where somebody else looks at the clock.

    Raises:
        CourseError: The file is not there or is no Python file, Python does not understand it, it
            fails, does not end, asks for something with `input()`, or defines no `name`.
    """
    path = pathlib.Path(path)
    if path.suffix != ".py":
        raise CourseError(
            f"{path}: se esperaba un archivo de Python, que termina en .py.\n"
            "Qué hacer: guarda tu función en un archivo .py y repite la orden con él."
        )
    if not path.is_file():
        raise CourseError(
            f"{path}: ese archivo no existe.\n"
            "Qué hacer: revisa el nombre y la carpeta en que estás, y repite la orden."
        )
    defined = _run(path, seconds, _run(before, seconds) if before else None)
    if name not in defined:
        own = [key for key in defined if not key.startswith("_")]
        raise CourseError(
            f"{path} no define {name}.{nearest(name, own)}\n"
            f"Qué hacer: llama {name} a tu respuesta, guarda el archivo y repite la orden."
        )
    return defined[name]


def _run(path, seconds, known=None):
    folder = str(path.parent.absolute())
    sys.path.insert(0, folder)  # her other files
    try:
        with limited(seconds), without_input():
            return runpy.run_path(str(path), known, run_name="mis_respuestas")
    except Objection as objection:
        raise CourseError(
            f"{path}: {objection}\nQué hacer: quita esa línea y repite la orden."
        ) from None
    except TooLong as error:
        raise CourseError(
            f"{path}{_place(error, path)}: el archivo no terminó en {seconds} segundos. ¿Hay un "
            "while sin fin, o algo que entrena?\n"
            "Qué hacer: corrige esa parte, o quítala si tu función no la necesita, y repite la "
            "orden."
        ) from None
    except (Exception, SystemExit) as error:
        if isinstance(error, CourseError):
            raise
        raise CourseError(
            f"{path}{_place(error, path)}: {meaning(error) or 'el archivo se detuvo ahí.'}\n"
            f"Python dice: {original(error)}\n"
            "Qué hacer: corrige esa parte, guarda el archivo y repite la orden."
        ) from error
    finally:
        sys.path.remove(folder)


def _place(error, path):
    """The line of the file where it happened, in words."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    return f", línea {line}" if line else ""
