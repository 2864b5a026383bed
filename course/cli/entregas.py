"""`course entregas CARPETA`: what a class has delivered, measured again and put into a table."""

from course.cli.parser import command
from course.spanish import count


def add_to(commands):
    """Add the command."""
    text = "mide otra vez lo que entregó una clase: una tabla y una página"
    desk = command(commands, "entregas", text, _entregas)
    text = "la carpeta, o el zip, con todas las entregas, como la da la plataforma"
    desk.add_argument("folder", metavar="CARPETA", help=text)
    text = "la tabla (por defecto: notas.csv); la página queda a su lado"
    desk.add_argument("-o", dest="table", metavar="ARCHIVO", default="notas.csv", help=text)
    text = "tu copia de los datos, o una carpeta con una por conjunto (mnist, sign_mnist, …); por "
    text += "defecto, los que trajo data fetch. Los datos de una entrega nunca se usan"
    desk.add_argument("--source", metavar="CARPETA", help=text)
    text = "cuántos minutos puede tardar una red (por defecto: 10)"
    desk.add_argument("--minutos", dest="minutes", metavar="N", type=int, default=10, help=text)
    text = "coma decimal, y punto y coma entre celdas, para una planilla en español"
    desk.add_argument("--coma", action="store_true", help=text)


def _entregas(given):
    from course.classroom.desk import grade
    from course.classroom.page import summary

    rows, page = grade(
        given.folder,
        given.table,
        source=given.source,
        minutes=given.minutes,
        comma=given.coma,
    )
    for row in rows:
        print(_line(row))
    steps = dict.fromkeys(row.found.why.partition("\n")[2] for row in rows)
    print("", summary(rows), *filter(None, steps), f"Tabla: {given.table}", sep="\n")
    print(f"Página: {page}")


def _line(row):
    found = row.found
    head = f"{row.name}, {row.taller}" if row.taller else row.name
    if found.why:
        why = row.faults[0] if row.faults and not row.run else found.why.partition("\n")[0]
        return f"{head}: sin medir, {why}"
    flags = f" ({count(len(found.flags), 'aviso', 'avisos')})" if found.flags else ""
    return f"{head}: {found.score} {found.shown}{flags}"
