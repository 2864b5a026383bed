"""`course run LESSON`: train, by running the lesson's own file."""

import argparse
import runpy
import sys

from course.cli.parser import command


def add_to(commands):
    """Add the command."""
    run = command(commands, "run", "entrena: ejecuta un taller con sus ajustes", _run)
    run.add_argument(
        "lesson", metavar="TALLER", help="taller0 a taller5, o el nombre entero de un taller"
    )
    run.add_argument(
        "flags",
        metavar="…",
        nargs=argparse.REMAINDER,
        help="los ajustes del taller, véase TALLER --help",
    )


def _run(given):
    from course.kaggle import lessons
    from course.training import start

    path = lessons.find(given.lesson)
    start.load_keras()
    before, sys.argv = sys.argv, [str(path), *given.flags]
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        sys.argv = before
