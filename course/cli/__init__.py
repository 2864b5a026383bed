"""The command `python -m course`: data, run, evaluate, predict, demo, export, kernels, …

Nothing heavy is imported before a command needs it, so that help and typos answer at once.
"""

import argparse
import os
import sys

import course
from course.cli import (
    corregir,
    data,
    demo,
    entregas,
    evaluate,
    exercise,
    export,
    kernels,
    notebooks,
    parser,
    predict,
    run,
    space,
    usb,
)
from course.errors import CourseError, nearest
from course.training.place import console_as_it_is
from course.training.start import not_installed

_DESCRIPTION = "Los talleres de aprendizaje profundo: entrenar, medir y mirar."
_EXAMPLES = """\
ejemplos:
  python -m course run taller2 --source sample     entrena con los dígitos incluidos, sin descarga
  python -m course run taller2                     entrena con MNIST, descargado de Kaggle
  python -m course run taller2 --help              los ajustes de un taller
  python -m course evaluate runs/taller2_cnn_mnist
  python -m course predict runs/taller2_cnn_mnist digit.png
"""
# how to go on after Ctrl-C
_ON = {
    "run": " La misma orden con --resume sigue desde la última época terminada.",
    "entregas": " La misma orden sigue donde quedó.",
}
# requirements.txt, by the names that Python imports
_REQUIRED = (
    *("keras", "tensorflow", "numpy", "scipy", "sklearn", "matplotlib", "PIL"),
    *("kagglehub", "tensorflow_datasets", "yaml", "nibabel", "tqdm"),
)
# the room stays behind where the package travels in a cell: see course.kaggle.first_cell
_NO_PAGES = """\
Este paquete viajó dentro de una celda, sin las páginas de demo, export y space: no caben en ella.
Qué hacer: descarga la carpeta de la corrida y repite la orden en tu computador, con el kit entero.\
"""


def main(arguments=None):
    """Run one command and return its exit code.

    0, 2 after an error message, 130 after Ctrl-C, 141 where nobody reads on. The arguments are the
    process's own by default.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    console_as_it_is()
    try:
        whole = _parser()
        _refuse_typos(whole, arguments)
        given = whole.parse_args(arguments)
        given.action(given)
        return 0
    except CourseError as error:
        print(error, file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name in _REQUIRED:
            print(not_installed(error.name), file=sys.stderr)
            return 2
        if error.name != "course.demo":
            raise
        print(_NO_PAGES, file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads this, `head` perhaps, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("\nDetenido." + _ON.get("".join(arguments[:1]), ""), file=sys.stderr)
        return 130


def _parser():
    whole = parser.command(None, "course", _DESCRIPTION, epilog=_EXAMPLES)
    whole.add_argument(
        "--version", action="version", version=f"course {course.__version__}", help="la versión"
    )
    commands = parser.verbs(whole)
    for one in (
        data,
        run,
        evaluate,
        predict,
        exercise,
        demo,
        export,
        kernels,
        notebooks,
        space,
        entregas,
        corregir,
        usb,
    ):
        one.add_to(commands)
    return whole


def _refuse_typos(whole, arguments):
    """Follow the words of a command into its sub-commands; a typo gets the nearest name."""
    words = []
    for word in arguments:
        groups = [a for a in whole._actions if isinstance(a, argparse._SubParsersAction)]
        if not groups or word.startswith("-"):
            return
        if word not in groups[0].choices:
            known = list(groups[0].choices)
            raise CourseError(
                f"{' '.join(['python -m course', *words])} no tiene la orden {word!r}."
                f"{nearest(word, known)} Se esperaba una de: {', '.join(known)}."
            )
        words.append(word)
        whole = groups[0].choices[word]
