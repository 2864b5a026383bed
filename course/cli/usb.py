"""`course usb DIR`: the kit for a room without internet."""

from course.cli.parser import command


def add_to(commands):
    """Add the command."""
    from course.classroom import wheels

    text = "arma el kit para una sala sin internet: paquetes, datos, talleres y páginas"
    usb = command(commands, "usb", text, _usb)
    usb.add_argument("folder", metavar="CARPETA", help="dónde: una carpeta nueva o vacía")
    text = "para qué sistemas (por defecto: el de este computador)"
    usb.add_argument("--para", dest="systems", nargs="+", choices=wheels.SYSTEMS, help=text)
    text = "con qué versiones de Python (por defecto: la de este computador)"
    usb.add_argument("--python", dest="pythons", nargs="+", choices=wheels.PYTHONS, help=text)
    text = "hazlo; sin esto solo dice qué llevaría y cuánto pesa"
    usb.add_argument("--si", action="store_true", help=text)


def _usb(given):
    import pathlib
    import tempfile

    from course.classroom import usb, wheels

    here, folder = wheels.here(), pathlib.Path(given.folder).expanduser()
    targets = [
        wheels.Target(system, python)
        for system in dict.fromkeys(given.systems or [here.system])
        for python in dict.fromkeys(given.pythons or [here.python])
    ]
    usb.check_new(folder)
    with tempfile.TemporaryDirectory() as own:
        print("Preguntando qué paquetes hacen falta …", flush=True)
        planned = usb.plan(targets, own)
        print(usb.summary(planned, folder))
        usb.check_room(folder, planned)
        if not given.si:
            print("\nPara armarlo, repite la orden con --si")
            return
        usb.build(planned, folder)
    print(f"\nListo. Ábrelo: {folder / 'index.html'}")
