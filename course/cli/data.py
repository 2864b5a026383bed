"""`course data …`: list, fetch and verify the data sets."""

from course.cli.parser import command, verbs
from course.errors import CourseError


def add_to(commands):
    """Add the command and its verbs."""
    data = command(commands, "data", "lista, descarga y comprueba los conjuntos de datos")
    group = verbs(data)
    text = "cada conjunto: de dónde viene y si está en este disco"
    listing = command(group, "list", text, _list)
    fetch = command(group, "fetch", "descarga un conjunto y lo comprueba", _fetch)
    fetch.add_argument("name", metavar="NOMBRE", help="mnist, sign_mnist, california, …")
    text = "compara los archivos de este disco con datasets.yaml"
    verify = command(group, "verify", text, _verify)
    verify.add_argument(
        "names", metavar="NOMBRE", nargs="*", help="por defecto: todos los que están aquí"
    )
    verify.add_argument(
        "--record", action="store_true", help="muestra en cambio el bloque para datasets.yaml"
    )
    for verb in (listing, fetch, verify):
        verb.add_argument(
            "--data-dir",
            metavar="CARPETA",
            help="dónde se guardan los datos; por defecto: la caché de kagglehub",
        )


def _list(given):
    from course.datasets import catalog
    from course.datasets.download import inventory

    rows = [("NOMBRE", "TÍTULO", "KAGGLE", "LICENCIA", "AQUÍ")]
    for name in catalog.names():
        info = catalog.get(name)
        here = "sí" if inventory.cached(name, data_dir=given.data_dir) else "no"
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
            "No hay nada que comprobar: ningún conjunto de datos está en este disco.\n"
            "Qué hacer: descarga uno, python -m course data fetch mnist"
        )
    damaged = []
    for name in names:
        if given.record:
            print(inventory.record(name, data_dir=given.data_dir))
            continue
        findings = inventory.check(name, data_dir=given.data_dir)
        if not findings:
            print(f"{name}: nada que comparar: el catálogo no tiene sumas de sus archivos.")
        for finding in findings:
            print(f"{name}: {finding.path}: {finding.problem or _good(finding)}")
            damaged += [] if finding.good or name in damaged else [name]
    if damaged:
        raise CourseError(
            "Se esperaban archivos como los describe datasets.yaml. Dañados: "
            f"{', '.join(damaged)}.\n"
            f"Qué hacer: descárgalos otra vez, python -m course data fetch {damaged[0]}"
        )


def _good(finding):
    """How a good file was settled, without claiming more than was compared."""
    return {
        "contenido": "otros bytes que la copia del catálogo; coincide lo que se comparó de su "
        "contenido",
        "forma": "bien, por su forma (hash no visto)",
    }.get(finding.how, f"bien, por su {finding.how}")
