"""Runs are measured in a process of its own: what a delivery does to it costs that delivery alone.

A network that never ends, wants all the memory or brings its process down is told as such, and the
next one meets a new process. A new one now and then also gives back what Keras has kept.
"""

import contextlib
import dataclasses
import gc
import multiprocessing
import os
import signal

from course.classroom.copies import Copies
from course.classroom.measured import Found, measure
from course.errors import CourseError
from course.training import start

_RUNS = 100  # of one process
_STARTING_S = 600  # so long may Keras take to load
_ENDING_S = 5
_READY = "ready"


class Worker:
    """Measures runs, one after another.

    Args:
        source: As `Copies` takes it.
        minutes: Whole number, how long a run may take.
    """

    def __init__(self, source, minutes):
        self._source, self._minutes = source, minutes
        self._process = None

    def measure(self, folder) -> Found:
        """What `measured.measure` finds out about the run in a folder; or why it did not come to
        its end.
        """
        if not self._process or not self._left:
            self._begin()
        self._left -= 1
        try:
            self._pipe.send(folder)
            if self._pipe.poll(60 * self._minutes):
                return Found(**self._pipe.recv())
            why = (
                f"no terminó en {self._minutes} min.\n"
                f"Qué hacer: repite la orden con --minutos {2 * self._minutes}"
            )
        except (EOFError, OSError):
            why = "la medición se detuvo: quizá pide más memoria de la que hay."
        self._process.kill()
        self.close()
        return Found(why=why)

    def _begin(self):
        self.close()
        context = multiprocessing.get_context("spawn")  # a fork of Keras hangs
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, self._source), daemon=True)
        self._process.start()
        other.close()
        self._left, said = _RUNS, ""
        with contextlib.suppress(EOFError):  # it ended before it said anything
            said = self._pipe.recv() if self._pipe.poll(_STARTING_S) else ""
        if said != _READY:
            self.close()
            raise CourseError(
                said
                or "El proceso que mide las redes no se pudo iniciar.\n"
                "Qué hacer: cierra otros programas y repite la orden; sigue donde quedó."
            )

    def close(self):
        """End the process, which does so itself once nobody is at the other end of its pipe."""
        if self._process:
            self._pipe.close()
            self._process.join(_ENDING_S)
            self._process.kill()
            self._process.join()
            self._process = None


def _serve(pipe, source):
    """Measure the runs whose folders come through the pipe, until nobody is at its other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who waits; she ends this one
    _be_silent()
    _be_modest()
    try:
        start.load_keras()
    except CourseError as error:
        pipe.send(str(error))
        return
    import keras

    gc.freeze()  # what Keras has loaded stays; to look through it takes a third of a second
    copies = Copies(source)
    pipe.send(_READY)
    with contextlib.suppress(EOFError):
        while True:
            found = measure(pipe.recv(), copies)
            pipe.send(dataclasses.asdict(found))
            keras.utils.clear_session()


def _be_silent():
    """Nothing is printed into the table: neither warnings nor a progress bar of its own."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _be_modest():
    """Leave a quarter of the memory to everyone else, where the system lets it be said."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        resource.setrlimit(resource.RLIMIT_DATA, (memory * 3 // 4,) * 2)
