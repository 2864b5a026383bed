"""The command `python -m course`: data, run, evaluate, predict, kernels, notebooks.

Nothing heavy is imported before a command needs it, so that help and typos answer at once.
"""

import argparse
import os
import runpy
import sys

import course
from course import lessons
from course.errors import CourseError, nearest

_EXAMPLES = """\
examples:
  python -m course run taller2 --source sample     train on the embedded digits, no download
  python -m course run taller2                     train on MNIST, fetched from Kaggle
  python -m course run taller2 --help              the settings of a lesson
  python -m course evaluate runs/taller2_cnn_mnist
  python -m course predict runs/taller2_cnn_mnist digit.png
"""


def main(arguments=None):
    """Run one command and return its exit code: 0, 2 for what is told as a letter, 130 for Ctrl-C,
    141 where nobody reads on.

    Args:
        arguments: List of strings; the process's own by default.

    Example:

    >>> main(["run", "taller2", "--epochs", "one"])  # doctest: +SKIP
    2
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console that has no ² or — shows a ? instead
            stream.reconfigure(errors="replace")
    try:
        parser = _parser()
        _check_names(parser, arguments)
        given = parser.parse_args(arguments)
        given.command(given)
        return 0
    except CourseError as letter:
        print(letter, file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads this, `head` perhaps, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        more = " The same command with --resume goes on from the last finished epoch."
        print("\nStopped." + (more if arguments[:1] == ["run"] else ""), file=sys.stderr)
        return 130


def _parser():
    from course import cli_kernels  # it makes its commands as this module does

    parser = sub(None, "course", course.__doc__.partition("\n")[0], epilog=_EXAMPLES)
    parser.add_argument("--version", action="version", version=f"course {course.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    data = sub(commands, "data", "list, fetch and verify the data sets")
    verbs = data.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = sub(verbs, "list", "every data set: where it is from and whether it is here", _list)
    fetch = sub(verbs, "fetch", "download a data set and verify it", _fetch)
    fetch.add_argument("name", metavar="NAME", help="mnist, sign_mnist, california, …")
    verify = sub(verbs, "verify", "compare the files on this disk with datasets.yaml", _verify)
    verify.add_argument("names", metavar="NAME", nargs="*", help="default: all that are here")
    verify.add_argument(
        "--record", action="store_true", help="print the block for datasets.yaml instead"
    )
    for verb in (listing, fetch, verify):
        verb.add_argument("--data-dir", metavar="DIR", help="where the data are kept; default: "
                          "kagglehub's cache")  # fmt: skip

    run = sub(commands, "run", "train: run a lesson's file with its settings", _run)
    run.add_argument("lesson", metavar="LESSON", help="taller0 to taller5, or a lesson's full name")
    run.add_argument(
        "flags",
        metavar="…",
        nargs=argparse.REMAINDER,
        help="the lesson's settings, see LESSON --help",
    )
    evaluate = sub(commands, "evaluate", "score a finished run on its test data again", _evaluate)
    evaluate.add_argument("run", metavar="RUN", help="the run's folder")
    predict = sub(commands, "predict", "what a finished run sees in pictures or a brain", _predict)
    predict.add_argument("run", metavar="RUN", help="the run's folder")
    predict.add_argument(
        "images",
        metavar="INPUT",
        nargs="+",
        help="PNG or JPG; of a segmentation the folder of one case",
    )
    predict.add_argument("-o", dest="output", metavar="MASK", help="the mask's file, .nii.gz")
    cli_kernels.add_commands(commands)
    return parser


def sub(parent, name, text, command=None, **options):
    """A parser of the course's own form, below `parent`; None makes the first one."""
    options.update(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    if parent is None:
        return argparse.ArgumentParser(prog="python -m course", description=text, **options)
    parser = parent.add_parser(name, help=text, description=text, **options)
    parser.set_defaults(command=command)
    return parser


def _check_names(parser, arguments):
    """Follow the words of a command into its sub-commands; a typo gets the nearest name."""
    words = []
    for word in arguments:
        groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        if not groups or word.startswith("-"):
            return
        if word not in groups[0].choices:
            known = list(groups[0].choices)
            raise CourseError(
                f"{' '.join(['python -m course', *words])} has no command {word!r}."
                f"{nearest(word, known)} Expected one of: {', '.join(known)}."
            )
        words.append(word)
        parser = groups[0].choices[word]


# ---- data


def _list(given):
    from course import catalog
    from course.datasets import inventory

    rows = [("NAME", "TITLE", "KAGGLE", "LICENCE", "HERE")]
    for name in catalog.names():
        info = catalog.get(name)
        here = "yes" if inventory.cached(name, data_dir=given.data_dir) else "no"
        rows.append((name, info.title, f"{info.handle}@{info.version}", info.licence, here))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(
            "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def _fetch(given):
    from course.datasets import fetch

    print(fetch(given.name, data_dir=given.data_dir))


def _verify(given):
    from course import catalog
    from course.datasets import inventory

    names = given.names or [
        name for name in catalog.names() if inventory.cached(name, data_dir=given.data_dir)
    ]
    for name in names:
        catalog.get(name)  # a typo in the last name is said before the first is read
    if not names:
        raise CourseError(
            "There is nothing to verify: no data set is on this disk. "
            "To fetch one, type: python -m course data fetch mnist"
        )
    damaged = []
    for name in names:
        if given.record:
            print(inventory.record(name, data_dir=given.data_dir))
            continue
        for verdict in inventory.check(name, data_dir=given.data_dir):
            print(f"{name}: {verdict.path}: {verdict.problem or f'good, by its {verdict.how}'}")
            damaged += [] if verdict.good or name in damaged else [name]
    if damaged:
        raise CourseError(
            f"Expected files as datasets.yaml describes them. Damaged: {', '.join(damaged)}. "
            f"To fetch what is damaged again, type: python -m course data fetch {damaged[0]}"
        )


# ---- lessons and runs


def _run(given):
    from course import quiet

    path = lessons.find(given.lesson)
    quiet.load_keras()
    before, sys.argv = sys.argv, [str(path), *given.flags]
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        sys.argv = before


def _evaluate(given):
    from course import runs

    report, page = runs.evaluate(given.run)
    print(f"{report}\n\nReport: {page}")


def _predict(given):
    from course import card, runs

    if card.read_run(given.run)["task"] == "segmentation":
        _segment(given)
        return
    if given.output:
        raise CourseError(
            f"-o names a mask to write, which {given.run} does not: it is no segmentation."
        )
    for image, ranking in zip(given.images, runs.predict(given.run, given.images), strict=True):
        print(f"{image}:  " + "   ".join(f"{name} {share:.1%}" for name, share in ranking))


def _segment(given):
    from course import regions, runs_volumes

    if len(given.images) > 1:
        raise CourseError(
            f"Expected the folder of one case. Received {len(given.images)}; one after the other."
        )
    path, case, volumes_ml = runs_volumes.segment(given.run, given.images[0], given.output)
    sizes = "   ".join(f"{region} {volume:.1f} ml" for region, volume in volumes_ml.items())
    labels = regions.edition(case.edition).labels
    named = ", ".join(f"{label} {name}" for label, name in labels.items() if label)
    print(f"{case.name}:  {sizes}\nMask: {path}  (BraTS {case.edition}: {named})")
