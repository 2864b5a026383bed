"""`course space …`: a finished run as a page on Hugging Face."""

from course.cli.parser import command, verbs


def add_to(commands):
    """Add the command and its verbs."""
    text = "una corrida terminada como página en Hugging Face"
    group = verbs(command(commands, "space", text))

    build = command(group, "build", "escribe la carpeta completa de un Space", _build)
    text = "una carpeta nueva; por defecto: build/space/NOMBRE"
    build.add_argument("--to", dest="folder", metavar="CARPETA", help=text)

    push = command(group, "push", "la escribe y la publica; termina con su dirección", _push)
    text = "dónde: tu cuenta y el nombre del Space, como ana/mis-digitos"
    push.add_argument("--to", dest="name", metavar="DUEÑO/NOMBRE", required=True, help=text)

    for verb in (build, push):
        verb.add_argument("run", metavar="CORRIDA", help="la carpeta de la corrida")
        text = "un servidor donde responde Keras, para cualquier red; pide un plan de pago"
        verb.add_argument("--gradio", action="store_true", help=text)


def _build(given):
    from course.demo import space

    folder = space.build(given.run, given.folder, gradio=given.gradio)
    print(f"Space: {folder}")
    if given.gradio:
        print(space.GRADIO_COST)
    more = " --gradio" if given.gradio else ""
    print(f"Para publicarlo: python -m course space push {given.run} --to DUEÑO/NOMBRE{more}")


def _push(given):
    import pathlib
    import tempfile

    from course.demo import hub, space

    hub.signed_in(given.name)  # what is missing is said before the work
    with tempfile.TemporaryDirectory() as folder:
        built = space.build(given.run, pathlib.Path(folder, "space"), gradio=given.gradio)
        print(f"Publicado: {hub.push(built, given.name)}")
