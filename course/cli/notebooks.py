"""`course notebooks …`: the lessons as notebooks for Colab."""

from course.cli.parser import command, verbs


def add_to(commands):
    """Add the command and its verbs."""
    group = verbs(command(commands, "notebooks", "los talleres como cuadernos para Colab"))
    text = "escribe notebooks/TALLER.ipynb y los enlaces de los README"
    build = command(group, "build", text, _build)
    text = "no escribe nada; falla si algo cambiaría"
    build.add_argument("--check", action="store_true", help=text)
    text = "escribe antes esta dirección de GitHub en pyproject.toml"
    build.add_argument("--repository", metavar="NOMBRE/REPOSITORIO", help=text)
    text = "ejecuta los talleres con sus muestras y escribe una página de cada uno"
    render = command(group, "render", text, _render)
    render.add_argument("lessons", metavar="TALLER", nargs="*", help="por defecto, todos")
    text = "dónde (por defecto: build/pages)"
    render.add_argument("--to", metavar="CARPETA", default="build/pages", help=text)


def _build(given):
    from course.kaggle import notebooks

    if given.check:
        return notebooks.check()
    if given.repository:
        notebooks.move_to(given.repository)
    for path in notebooks.build():
        print(path)
    if remote := notebooks.remote():
        print(
            "Los enlaces de los cuadernos no llevan todavía a ninguna parte; git conoce este "
            f"repositorio: {remote}\n"
            f"Qué hacer: python -m course notebooks build --repository {remote}"
        )


def _render(given):
    from course.kaggle import pages

    print(f"Ábrela: {pages.render(given.to, given.lessons)[-1]}")
