"""`course corregir NOTEBOOK…`: the exercises in students' notebooks, checked."""

import pathlib
import sys

from course.cli.parser import command
from course.errors import CourseError


def add_to(commands):
    """Add the command."""
    text = "revisa los ejercicios de los cuadernos de una clase; ejecuta su código"
    correct = command(commands, "corregir", text, _corregir)
    text = "un cuaderno .ipynb, un archivo .py con celdas, o la carpeta o el zip con las entregas"
    correct.add_argument("paths", metavar="CUADERNO", nargs="+", help=text)
    text = "la tabla (por defecto: ejercicios.csv)"
    correct.add_argument("-o", dest="table", metavar="ARCHIVO", default="ejercicios.csv", help=text)
    text = "cuánto puede tardar una celda (por defecto: 60)"
    correct.add_argument("--segundos", dest="seconds", metavar="N", type=int, default=60, help=text)
    text = "la semilla de los casos con que se prueba cada respuesta (por defecto: 0)"
    correct.add_argument("--seed", metavar="N", type=int, default=0, help=text)
    text = "punto y coma entre celdas, para una planilla en español"
    correct.add_argument("--coma", action="store_true", help=text)


def _corregir(given):
    from course import files
    from course.classroom import corrected
    from course.classroom.table import spreadsheet
    from course.spanish import count

    table = pathlib.Path(given.table)
    _check(given, table)
    files.try_place(table)
    print(corrected.notice(given.seconds), file=sys.stderr)
    done = []
    for one in corrected.correct(given.paths, seconds=given.seconds, seed=given.seed):
        done.append(one)
        print(*corrected.lines(one), sep="\n", flush=True)
    if not done:
        raise CourseError(
            f"No se encontró ningún cuaderno en {', '.join(given.paths)}.\n"
            "Qué hacer: nombra un archivo .ipynb, o uno .py cuyas celdas empiecen con # %%"
        )
    files.write(table, spreadsheet(corrected.rows(done), given.coma))
    print(f"\nTabla: {table}")
    if faults := [one.name for one in done if one.fault]:
        some = ", ".join(faults[:5]) + (" …" if len(faults) > 5 else "")
        raise CourseError(
            f"Sin revisar: {count(len(faults), 'archivo', 'archivos')} ({some}). Lo demás está en "
            "la tabla.\nQué hacer: mira ahí por qué, y pide otra copia a quien lo entregó."
        )


def _check(given, table):
    if table.exists():
        raise CourseError(
            f"{table} ya existe: queda como está.\n"
            "Qué hacer: dale otro nombre a ese archivo, y repite la orden."
        )
    if given.seconds < 1:
        raise CourseError(
            f"--segundos: se esperaba un número desde 1. Llegó: {given.seconds}.\n"
            "Qué hacer: repite la orden con --segundos 60"
        )
