"""`course ejercicio NÚMERO [RESPUESTA]`: an exercise's statement, or the check of an answer."""

import dataclasses

from course.cli.parser import command


def add_to(commands):
    """Add the command."""
    text = "un ejercicio: su enunciado, una pista, o la revisión de tu respuesta"
    exercise = command(commands, "ejercicio", text, _exercise)
    exercise.add_argument("number", metavar="NÚMERO", help="por ejemplo, 2.3")
    exercise.add_argument(
        "answer",
        metavar="RESPUESTA",
        nargs="?",
        help="tu archivo .py, con la función que se pide; en una pregunta, la letra",
    )
    more = exercise.add_mutually_exclusive_group()
    more.add_argument("--pista", type=int, metavar="N", help="la pista número N, desde 1")
    more.add_argument("--solucion", action="store_true", help="una respuesta correcta, explicada")


def _exercise(given):
    from course.exercises import ejercicio
    from course.exercises.exercise import IN_TERMINAL
    from course.exercises.from_file import answer_in
    from course.exercises.question import IN_TERMINAL as QUESTION_IN_TERMINAL
    from course.exercises.question import Question

    exercise = ejercicio(given.number)
    asks = isinstance(exercise, Question)
    form = QUESTION_IN_TERMINAL if asks else IN_TERMINAL
    exercise = dataclasses.replace(exercise, form=form)
    if given.solucion:
        exercise.solucion()
    elif given.pista is not None:
        exercise.pista(given.pista)
    elif given.answer is None:
        print(exercise)
    elif asks:
        exercise.comprobar(given.answer)
    else:
        exercise.comprobar(answer_in(given.answer, exercise.name))
