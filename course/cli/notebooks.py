"""`course notebooks …`: the lessons as notebooks for Colab."""

from course.cli.parser import command, verbs


def add_to(commands):
    """Add the command and its verbs."""
    group = verbs(command(commands, "notebooks", "los talleres como cuadernos para Colab"))
    text = "escribe notebooks/TALLER.ipynb y los enlaces de los README"
    build = command(group, "build", text, _build)
    text = "no escribe nada; falla si algo cambiaría"
    build.add_argument("--check", action="store_true", help=text)


def _build(given):
    from course.kaggle import notebooks

    if given.check:
        return notebooks.check()
    for path in notebooks.build():
        print(path)
