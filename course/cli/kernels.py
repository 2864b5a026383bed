"""`course kernels …`: build lessons for Kaggle, push them, bring their runs home."""

from course.cli.parser import command
from course.errors import CourseError


def add_to(commands):
    """Add the command and its verbs."""
    push = command(commands, "kernels", "build lessons for Kaggle, push them, fetch their runs")
    verbs = push.add_subparsers(title="commands", metavar="COMMAND", required=True)
    build = command(verbs, "build", "write build/kernels/TALLER, ready for a push", _build)
    _lessons(build)
    build.add_argument(
        "--owner", metavar="NAME", help="your Kaggle account; default: the credential's"
    )
    _how(build)
    push = command(verbs, "push", "build a lesson, push it to Kaggle, where it runs", _push)
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
    status = command(verbs, "status", "whether it is queued, running, complete or failed", _status)
    logs = command(verbs, "logs", "what it has printed, once it has ended", _logs)
    output = command(verbs, "output", "bring its run home, to runs/kaggle/TALLER", _output)
    output.add_argument("-o", dest="folder", metavar="DIR", help="to this new folder instead")
    for verb in (push, status, logs, output):
        verb.add_argument("taller", metavar="TALLER", help="taller1, taller2, …")
    for verb in (push, status):
        verb.add_argument(
            "--wait", action="store_true", help="watch it, then bring its run home; Ctrl-C only "
            "stops watching")  # fmt: skip
    command(verbs, "doctor", "is this computer ready to push? one line each", _doctor)


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
    from course.kaggle import bundle, lessons

    for taller in [lessons.find(name).stem for name in given.talleres] or lessons.names():
        print(bundle.build(taller, owner=given.owner, form=given.form, install=given.install))


def _push(given):
    from course.kaggle import push

    push.push(
        given.taller,
        form=given.form,
        install=given.install,
        accelerator=given.accelerator,
        timeout_s=given.timeout,
        wait=given.wait,
    )


def _status(given):
    from course.kaggle import push

    push.status(given.taller, wait=given.wait)


def _logs(given):
    from course.kaggle import push

    push.logs(given.taller)


def _output(given):
    from course.kaggle import push

    push.output(given.taller, given.folder)


def _doctor(given):
    from course.kaggle import doctor

    if not doctor.examine():
        raise CourseError("Not everything is in order. Expected only lines that say fine.")
