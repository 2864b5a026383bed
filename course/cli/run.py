"""`course run LESSON`: train, by running the lesson's own file."""

import argparse
import contextlib
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time

from course.cli.parser import command
from course.errors import CourseError


def add_to(commands):
    """Add the command."""
    run = command(commands, "run", "entrena: ejecuta un taller con sus ajustes", _run)
    run.add_argument(
        "lesson", metavar="TALLER", help="taller0 a taller6, o el nombre entero de un taller"
    )
    run.add_argument(
        "flags",
        metavar="…",
        nargs=argparse.REMAINDER,
        help="los ajustes del taller, mira TALLER --help; y --processes N: con JAX, en N procesos",
    )


def _run(given):
    from course.kaggle import lessons
    from course.training import start

    path = lessons.find(given.lesson)
    wanted, flags = _processes(given.flags)
    start.load_keras()
    if wanted > 1:
        return _together(wanted, [given.lesson, *flags])
    before, sys.argv = sys.argv, [str(path), *flags]
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        sys.argv = before


def _processes(flags):
    """How many processes are asked for, and the flags that are the lesson's own."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--processes", default="1", nargs="?", const="")
    known, others = parser.parse_known_args(flags)
    if known.processes.isdecimal() and int(known.processes) >= 1:
        return int(known.processes), others
    raise CourseError(
        f"--processes: se esperaba un número entero desde 1. Llegó: {known.processes!r}.\n"
        "Qué hacer: por ejemplo --processes 2."
    )


def _together(wanted, arguments):
    """Train in several processes of this machine; the first shows and writes, all end as one."""
    import keras

    from course.training import accelerators, processes

    if keras.backend.backend() != "jax":
        raise processes.not_on(keras.backend.backend())
    if there := accelerators():
        raise CourseError(
            f"--processes: se esperaba una máquina sin GPU ni TPU. Llegó una con {len(there)}: "
            "cada proceso las pediría todas.\n"
            "Qué hacer: la misma orden sin --processes, que las usa todas en un solo proceso."
        )
    shared = {
        processes.ADDRESSES: f"127.0.0.1:{processes.free_port()}",
        processes.COUNT: str(wanted),
    }
    command_line = [sys.executable, "-m", "course", "run", *arguments]
    with tempfile.TemporaryFile() as said, contextlib.ExitStack() as ends:
        usual = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
        ends.callback(signal.signal, signal.SIGTERM, usual)
        started = []
        for number in range(wanted):
            quiet = {"stdout": said, "stderr": said} if number else {}
            environment = {**os.environ, **shared, processes.ID: str(number)}
            started.append(subprocess.Popen(command_line, env=environment, **quiet))
            ends.callback(_end, started[-1])
        while any(one.poll() is None for one in started):
            if any(one.poll() for one in started):
                break
            time.sleep(0.2)
        time.sleep(0.5)  # those that end for the same reason have said so by then
        codes = [one.poll() for one in started]
        said.seek(0)
        words = said.read().decode(errors="replace").strip()
    if any(codes):
        raise _stopped(codes, words)


def _stopped(codes, words):
    number = next(i for i, code in enumerate(codes) if code)
    last = words.splitlines()[-1][:200] if words and codes[0] is None else ""
    return CourseError(
        f"El proceso {number} terminó antes de tiempo (código {codes[number]}), y los demás con él."
        + (f" Dijo: {last}" if last else "")
        + "\nQué hacer: corrige lo que se dice arriba; la misma orden con --resume sigue desde la "
        "última época terminada, con los mismos procesos o sin --processes."
    )


def _end(process):
    if process.poll() is None:
        process.kill()
    process.wait()
