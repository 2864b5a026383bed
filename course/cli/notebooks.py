"""`course notebooks …`: the lessons as notebooks for Colab."""

from course.cli.parser import command


def add_to(commands):
    """Add the command and its verbs."""
    notebooks = command(commands, "notebooks", "lessons as notebooks for Colab")
    verbs = notebooks.add_subparsers(title="commands", metavar="COMMAND", required=True)
    build = command(
        verbs, "build", "write notebooks/TALLER.ipynb and the READMEs' badges", _notebooks
    )
    build.add_argument(
        "--check", action="store_true", help="write nothing; fail if something would change"
    )


def _notebooks(given):
    from course.kaggle import notebooks

    if given.check:
        return notebooks.check()
    for path in notebooks.build():
        print(path)
