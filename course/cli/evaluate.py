"""`course evaluate RUN`: score a finished run again."""

from course.cli.parser import command


def add_to(commands):
    """Add the command."""
    text = "score a finished run on its test data again"
    command(commands, "evaluate", text, _evaluate).add_argument(
        "run", metavar="RUN", help="the run's folder"
    )


def _evaluate(given):
    from course.evaluation import run

    report, page = run.evaluate(given.run)
    print(f"{report}\n\nReport: {page}")
