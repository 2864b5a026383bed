"""`course demo [RUN]`: a finished run as a page in the browser, where Keras answers."""

from course.cli.parser import command
from course.errors import CourseError


def add_to(commands):
    """Add the command."""
    text = "una corrida terminada como página en tu navegador: dibuja, y la red contesta"
    demo = command(commands, "demo", text, _demo)
    text = "la carpeta de la corrida; por defecto: la red que trae el paquete, que lee dígitos"
    demo.add_argument("run", metavar="CORRIDA", nargs="?", help=text)
    text = "puerto (por defecto: 8000); si está ocupado, el siguiente libre"
    demo.add_argument("--port", metavar="N", type=int, default=8000, help=text)
    text = "dirección en la que escucha; por defecto solo este equipo puede abrir la página"
    demo.add_argument("--host", metavar="DIRECCIÓN", default="127.0.0.1", help=text)
    text = "para una segmentación: casos de BraTS; por defecto: tres cerebros inventados"
    demo.add_argument("--cases", metavar="CARPETA", help=text)
    text = "no abre el navegador; solo dice la dirección"
    demo.add_argument("--no-browser", action="store_true", help=text)


def _demo(given):
    if not 0 <= given.port < 2**16:
        raise CourseError(f"--port: se esperaba un número de 0 a 65535. Llegó: {given.port}.")
    from course.demo import server

    server.serve(given.run, given.host, given.port, not given.no_browser, given.cases)
