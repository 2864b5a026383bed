"""`course kernels …`: build lessons for Kaggle, push them, bring their runs home."""

from course.cli.parser import command, verbs
from course.errors import CourseError


def add_to(commands):
    """Add the command and its verbs."""
    text = "prepara talleres para Kaggle, los envía y trae sus resultados"
    group = verbs(command(commands, "kernels", text))

    build = command(group, "build", "escribe build/kernels/TALLER, listo para enviar", _build)
    text = "por defecto: todos"
    build.add_argument("talleres", metavar="TALLER", nargs="*", help=text)
    text = "tu cuenta de Kaggle; por defecto: la de la credencial"
    build.add_argument("--owner", metavar="NOMBRE", help=text)

    text = "prepara un taller y lo envía a Kaggle, donde se ejecuta"
    push = command(group, "push", text, _push)
    text = "NvidiaTeslaT4, none, …; por defecto: lo que pide el taller"
    push.add_argument("--accelerator", metavar="NOMBRE", help=text)
    text = "lo detiene entonces; el límite de Kaggle son 12 horas"
    push.add_argument("--timeout", metavar="SEGUNDOS", type=int, help=text)

    for verb in (build, push):
        text = "script o notebook, un cuaderno; por defecto: script"
        verb.add_argument(
            "--as", dest="form", choices=("script", "notebook"), default="script", help=text
        )
        text = "packed: el paquete va dentro (por defecto); o git+URL@ETIQUETA, que pide internet"
        verb.add_argument("--install", metavar="CÓMO", default="packed", help=text)

    text = "si está en cola, en marcha, terminado o falló"
    status = command(group, "status", text, _status)
    logs = command(group, "logs", "lo que imprimió, cuando ha terminado", _logs)
    text = "trae su resultado a runs/kaggle/TALLER"
    output = command(group, "output", text, _output)
    text = "a esta carpeta nueva en cambio"
    output.add_argument("-o", dest="folder", metavar="CARPETA", help=text)

    for verb in (push, status, logs, output):
        verb.add_argument("taller", metavar="TALLER", help="taller1, taller2, …")
    for verb in (push, status):
        text = "lo mira y trae su resultado; Ctrl-C solo deja de mirar"
        verb.add_argument("--wait", action="store_true", help=text)

    text = "¿está listo este computador para enviar? una línea por cosa"
    command(group, "doctor", text, _doctor)


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
        raise CourseError("No todo está en orden. Se esperaban solo líneas que digan bien.")
