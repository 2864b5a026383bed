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
    _how(build)
    push = sub(verbs, "push", "build a lesson, push it to Kaggle, where it runs", _push)
    _how(push)
    push.add_argument(
        "--accelerator", metavar="NAME", help="NvidiaTeslaT4, none, …; default: the lesson's own"
    )
    push.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=int,
        help="end the run then; Kaggle's limit is 12 hours",
    )
    status = sub(verbs, "status", "whether it is queued, running, complete or failed", _status)
    logs = sub(verbs, "logs", "what it has printed, once it has ended", _logs)
    output = sub(verbs, "output", "bring its run home, to runs/kaggle/TALLER", _output)
    output.add_argument("-o", dest="folder", metavar="DIR", help="to this new folder instead")
    for verb in (push, status, logs, output):
        verb.add_argument("taller", metavar="TALLER", help="taller1, taller2, …")
    for verb in (push, status):
        verb.add_argument(
            "--wait", action="store_true", help="watch it, then bring its run home; Ctrl-C only "
            "stops watching")  # fmt: skip
    sub(verbs, "doctor", "is this computer ready to push? one line each", _doctor)

    notebooks = sub(commands, "notebooks", "lessons as notebooks for Colab")
    verbs = notebooks.add_subparsers(title="commands", metavar="COMMAND", required=True)
    build = sub(verbs, "build", "write notebooks/TALLER.ipynb and the READMEs' badges", _notebooks)
    build.add_argument(
        "--check", action="store_true", help="write nothing; fail if something would change"
    )


def _how(parser):
    parser.add_argument(
        "--as",
        dest="form",
        choices=("script", "notebook"),
        default="script",
        help="default: script",
    )
    parser.add_argument(
        "--install",
        metavar="HOW",
        default="packed",
        help="packed: the package inside the code (default); or git+URL@TAG, which needs internet",
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

    if given.check:
        return notebooks.check()
    for path in notebooks.build():
        print(path)


# ---- at Kaggle


def _push(given):
    from course.kaggle import kernels

    kernels.push(
        given.taller,
        form=given.form,
        install=given.install,
        accelerator=given.accelerator,
        timeout_s=given.timeout,
        wait=given.wait,
    )


def _status(given):
    from course.kaggle import kernels

    kernels.status(given.taller, wait=given.wait)


def _logs(given):
    from course.kaggle import kernels

    kernels.logs(given.taller)


def _output(given):
    from course.kaggle import kernels

    kernels.output(given.taller, given.folder)


def _doctor(given):
    from course.errors import CourseError
    from course.kaggle import doctor

    if not doctor.examine():
        raise CourseError("Not everything is in order. Expected only lines that say fine.")
