"""`course export RUN --web DIR`: a finished run as a page in one file."""

from course.cli.parser import command


def add_to(commands):
    """Add the command."""
    text = "una corrida terminada como página en un archivo, con la red adentro"
    export = command(commands, "export", text, _export)
    export.add_argument("run", metavar="CORRIDA", help="la carpeta de la corrida")
    text = "dónde: una carpeta nueva o vacía; ahí queda index.html"
    export.add_argument("--web", metavar="CARPETA", required=True, help=text)


def _export(given):
    from course.demo.page import export_web
    from course.spanish import number

    done = export_web(given.run, given.web)
    if done.replaced:
        print(f"{done.path}: aquí había una página anterior, y esta la reemplaza.")
    if done.without_data:
        print("Los datos de la corrida no están aquí: la red se probó solo con imágenes al azar.")
    print(f"Página: {done.path}  ({number(done.path.stat().st_size / 1e6)} MB)")
    print(f"Para abrirla: doble clic, o python -m webbrowser {done.path.resolve().as_uri()}")
