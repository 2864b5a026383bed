"""`course evaluate RUN`: score a finished run again."""

from course.cli.parser import command


def add_to(commands):
    """Add the command."""
    text = "mide otra vez una corrida terminada, con sus datos de prueba"
    command(commands, "evaluate", text, _evaluate).add_argument(
        "run", metavar="CORRIDA", help="la carpeta de la corrida"
    )


def _evaluate(given):
    from course.evaluation import run

    _, page = run.evaluate(given.run, show=lambda report: print(report, flush=True))
    print(f"\nInforme: {page}")
