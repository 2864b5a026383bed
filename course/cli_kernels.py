"""The commands `python -m course kernels …` and `notebooks …`: lessons for Kaggle and Colab."""

from course.cli import sub


def add_commands(commands):
    """Add both to the parser's commands."""
    kernels = sub(commands, "kernels", "build lessons for Kaggle, push them, fetch their runs")
    verbs = kernels.add_subparsers(title="commands", metavar="COMMAND", required=True)
    build = sub(verbs, "build", "write build/kernels/TALLER, ready for a push", _build)
    _lessons(build)
    build.add_argument(
        "--owner", metavar="NAME", help="your Kaggle account; default: the credential's"
    )
    build.add_argument(
        "--as",
        dest="form",
        choices=("script", "notebook"),
        default="script",
        help="default: script",
    )
    build.add_argument(
        "--install",
        metavar="HOW",
        default="packed",
        help="packed: the package inside the code (default); or git+URL@TAG, which needs internet",
    )

    notebooks = sub(commands, "notebooks", "lessons as notebooks for Colab")
    verbs = notebooks.add_subparsers(title="commands", metavar="COMMAND", required=True)
    build = sub(verbs, "build", "write notebooks/TALLER.ipynb and the READMEs' badges", _notebooks)
    build.add_argument(
        "--check", action="store_true", help="write nothing; fail if something would change"
    )


def _lessons(parser):
    parser.add_argument("talleres", metavar="TALLER", nargs="*", help="default: every lesson")


def _build(given):
    from course import lessons
    from course.kaggle import bundle

    for taller in [lessons.find(name).stem for name in given.talleres] or lessons.names():
        print(bundle.build(taller, owner=given.owner, form=given.form, install=given.install))


def _notebooks(given):
    from course.kaggle import notebooks

    notebooks.check() if given.check else notebooks.build()
