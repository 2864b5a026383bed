"""A student's answer out of her own file, `mis_respuestas.py`."""

import pathlib
import runpy
import sys
import traceback

from course.errors import CourseError, nearest
from course.exercises.answers import Objection, original, without_input
from course.exercises.python_errors import meaning


def answer_in(path, name):
    """What a Python file calls `name`, after running it.

    Raises:
        CourseError: The file is not there or is no Python file, Python does not understand it, it
            fails, asks for something with `input()`, or defines no `name`.
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
    defined = _run(path)
    if name not in defined:
        own = [key for key in defined if not key.startswith("_")]
        raise CourseError(
            f"{path} no define {name}.{nearest(name, own)}\n"
            f"Qué hacer: llama {name} a tu respuesta, guarda el archivo y repite la orden."
        )
    return defined[name]


def _run(path):
    folder = str(path.parent.absolute())
    sys.path.insert(0, folder)  # her other files
    try:
        with without_input():
            return runpy.run_path(str(path), run_name="mis_respuestas")
    except Objection as objection:
        raise CourseError(
            f"{path}: {objection}\nQué hacer: quita esa línea y repite la orden."
        ) from None
    except (Exception, SystemExit) as error:
        if isinstance(error, CourseError):
            raise
        lines = [
            f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)
        ]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        place = f", línea {line}" if line else ""
        raise CourseError(
            f"{path}{place}: {meaning(error) or 'el archivo se detuvo ahí.'}\n"
            f"Python dice: {original(error)}\n"
            "Qué hacer: corrige esa parte, guarda el archivo y repite la orden."
        ) from error
    finally:
        sys.path.remove(folder)
