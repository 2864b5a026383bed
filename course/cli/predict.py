"""`course predict RUN …`: what a finished run sees in pictures or in a brain."""

from pathlib import Path

from course.cli.parser import command
from course.errors import CourseError


def add_to(commands):
    """Add the command."""
    text = "lo que ve una corrida terminada en imágenes o en un cerebro"
    predict = command(commands, "predict", text, _predict)
    predict.add_argument("run", metavar="CORRIDA", help="la carpeta de la corrida")
    predict.add_argument(
        "inputs",
        metavar="ENTRADA",
        nargs="+",
        help="imágenes PNG o JPG; para un cerebro, la carpeta de un caso",
    )
    predict.add_argument(
        "-o", dest="output", metavar="MÁSCARA", help="el archivo de la máscara, .nii.gz"
    )
    predict.add_argument(
        "--keep",
        metavar="CARPETA",
        help="guarda en ella cada imagen como la vio la red, y una figura con su respuesta",
    )


def _predict(given):
    from course.export.card import read_run
    from course.inference import run

    card = read_run(given.run)
    marks = card["task"] == "segmentation" and card["preparation"] == "square"
    if card["task"] == "segmentation" and not marks:
        _segment(given, card)
        return
    if given.output:
        raise CourseError(
            f"-o nombra la máscara de un cerebro, y {given.run} no segmenta cerebros.\n"
            "Qué hacer: repite lo mismo sin -o; --keep CARPETA guarda lo que responde a una imagen."
        )
    if marks:
        _mark(given, card)
        return
    rankings = run.predict(given.run, given.inputs, card, keep=given.keep)
    for image, ranking in zip(given.inputs, rankings, strict=True):
        print(f"{image}:  {run.ranking_text(ranking, card)}")
        if given.keep:
            seen, answer = (Path(given.keep, name) for name in run.kept_names(image))
            print(f"  Lo que vio la red: {seen}\n  Figura: {answer}")


def _mark(given, card):
    from course.inference import run

    found = run.mark(given.run, given.inputs, card, keep=given.keep)
    for image, shares in zip(given.inputs, found, strict=True):
        print(f"{image}:  {run.shares_text(shares)}")
        if given.keep:
            seen, answer, mask = (Path(given.keep, name) for name in run.marked_names(image))
            print(f"  Lo que vio la red: {seen}\n  Figura: {answer}\n  Máscara: {mask}")


def _segment(given, card):
    from course import regions
    from course.inference import run

    if given.keep:
        raise CourseError(
            f"--keep guarda imágenes como las vio la red, y {given.run} recibe la carpeta de un "
            "caso: es una segmentación.\n"
            "Qué hacer: repite lo mismo sin --keep; -o nombra el archivo de la máscara."
        )
    if len(given.inputs) > 1:
        raise CourseError(
            f"Se esperaba la carpeta de un caso. Llegó: {len(given.inputs)}.\n"
            "Qué hacer: pide uno después de otro."
        )
    path, case, volumes_ml = run.segment(given.run, given.inputs[0], given.output, card)
    labels = regions.edition(case.edition).labels
    named = ", ".join(f"{label} {name}" for label, name in labels.items() if label)
    print(f"{case.name}:  {run.volumes_text(volumes_ml)}")
    print(f"Máscara: {path}  (BraTS {case.edition}: {named})")
