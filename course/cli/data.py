"""`course data …`: list, fetch and verify the data sets."""

from course.cli.parser import command
from course.errors import CourseError


def add_to(commands):
    """Add the command and its verbs."""
    data = command(commands, "data", "list, fetch and verify the data sets")
    verbs = data.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = command(verbs, "list", "every data set: where it is from, whether it is here", _list)
    fetch = command(verbs, "fetch", "download a data set and verify it", _fetch)
    fetch.add_argument("name", metavar="NAME", help="mnist, sign_mnist, california, …")
    verify = command(verbs, "verify", "compare the files on this disk with datasets.yaml", _verify)
    verify.add_argument("names", metavar="NAME", nargs="*", help="default: all that are here")
    verify.add_argument(
        "--record", action="store_true", help="print the block for datasets.yaml instead"
    )
    for verb in (listing, fetch, verify):
        verb.add_argument("--data-dir", metavar="DIR", help="where the data are kept; default: "
                          "kagglehub's cache")  # fmt: skip


def _list(given):
    from course.datasets import catalog
    from course.datasets.download import inventory

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
    from course.datasets import catalog
    from course.datasets.download import inventory

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
