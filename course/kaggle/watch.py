"""Look on while a kernel runs at Kaggle; to stop looking never stops the kernel."""

import contextlib
import shutil
import sys
import time

from course import spanish
from course.datasets.download.answers import Unanswered
from course.errors import CourseError

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 20.0  # a kernel that fails at once is seen at once
_PATIENCE_S = 15 * 60.0  # without an answer; the kernel needs none of us
_LAG_S = 60.0  # for so long Kaggle may still speak of the version before
_LINE_EVERY_S = 5 * 60.0  # where the line cannot be rewritten: a log, a pipe
_STATES = {
    "QUEUED": "en cola",
    "NEW_SCRIPT": "en cola",
    "RUNNING": "en marcha",
    "COMPLETE": "terminado",
    "ERROR": "terminado con un error",
    "CANCEL_REQUESTED": "cancelándose",
    "CANCEL_ACKNOWLEDGED": "cancelado",
}


def watch(client, kernel, *, version=None, gpu=False):
    """Show a live line until the kernel has ended; return only if it has ended well.

    Args:
        client: A `course.kaggle.client.Client`.
        kernel: "owner/slug".
        version: The number that the push was given; None watches whichever is newest.
        gpu: Whether it uses up the week's GPU hours, which the line then shows.

    Raises:
        CourseError: It ended in an error, was cancelled, was replaced by a newer version, or
            Kaggle said nothing for a quarter of an hour.
    """
    line, began, heard, ended = _Line(), _now(), _now(), None
    pause_s, left = _FIRST_PAUSE_S, _hours_left(client) if gpu else ""
    try:
        while True:
            try:
                answer = client.status(kernel, tries=1)
                words, heard = say(answer.status.name), _now()
                if finished(answer.status.name):
                    ended = ended or _now()
                    if _now() - ended > _LAG_S or _is_ours(client, kernel, version):
                        line.end(f"{kernel}: {words}")
                        return refuse_bad_end(client, answer, kernel)
                    words = say("QUEUED")  # what has ended is the version before
            except Unanswered as error:
                if not error.trouble.retry:
                    raise
                if _now() - heard > _PATIENCE_S:
                    raise CourseError(f"{error}\n{_goes_on(client)}") from None
                words = "Kaggle no responde, se le pregunta otra vez"
            line.show(f"{client.taller}: {words}", f", {(_now() - began) / 60:.0f} min{left}")
            _sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    except KeyboardInterrupt:
        line.end(_goes_on(client))
        raise
    finally:
        line.clear()


def finished(state) -> bool:
    """Whether a session in this state is over."""
    return state in ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")


def say(state) -> str:
    """A state in plain Spanish."""
    return _STATES.get(state, state.lower())


def refuse_bad_end(client, answer, kernel):
    """Let a session pass that is under way or ended well.

    Raises:
        CourseError: It did not; with Kaggle's reason and where the log is.
    """
    if answer.status.name == "ERROR":
        why = client.hide(answer.failure_message)[:500] or "Kaggle no da razón; tal vez el registro"
        raise CourseError(
            f"{kernel} terminó con un error.\nPor qué: {why}\n"
            f"Qué hacer: lee su registro: python -m course kernels logs {client.taller}; corrige y "
            "envíalo otra vez. Lo que escribió hasta entonces: "
            f"python -m course kernels output {client.taller}"
        )
    if answer.status.name.startswith("CANCEL"):
        raise CourseError(
            f"{kernel} se canceló, en su página de Kaggle o porque se le acabó el tiempo.\n"
            "Qué hacer: envíalo otra vez, si hace falta con un --timeout mayor: "
            f"python -m course kernels push {client.taller}"
        )


def _hours_left(client):
    with contextlib.suppress(CourseError):  # where it is known; the kernel runs all the same
        if quota := client.quota(tries=1):
            left, total = spanish.number(quota.left_h, 1), spanish.number(quota.total_h, 0)
            return f", GPU: quedan {left} de {total} h esta semana"
    return ""


def _is_ours(client, kernel, version):
    """Whether what has ended is the version we pushed: Kaggle speaks only of the newest."""
    try:
        newest = version and client.version(kernel)
    except Unanswered as error:
        return not error.trouble.retry  # where Kaggle will not say, nothing says that it is not
    if newest and newest > version:
        raise CourseError(
            f"{kernel}: mientras se miraba la versión {version} se envió la {newest}; Kaggle solo "
            "habla de la más nueva.\nQué hacer: mira esa: python -m course kernels status "
            f"{client.taller} --wait; la versión {version} está en la página del kernel en Kaggle."
        )
    return not newest or newest == version


def _goes_on(client):
    return (
        "El kernel sigue en Kaggle. Para seguir mirándolo, escribe: "
        f"python -m course kernels status {client.taller} --wait"
    )


class _Line:
    """One line that is written over; where that cannot be, a line a change and every so often."""

    def __init__(self):
        self._live, self._width = sys.stdout.isatty(), 0
        self._state, self._last = None, 0.0

    def show(self, state, rest):
        if self._live:
            self._rewrite(state + rest)
        elif state != self._state or _now() - self._last > _LINE_EVERY_S:
            print(state + rest, flush=True)
            self._state, self._last = state, _now()

    def end(self, text):
        self.clear()
        print(text, flush=True)

    def clear(self):
        """Leave an empty line for what comes next, an error message perhaps."""
        if self._width:
            self._rewrite("")

    def _rewrite(self, text):
        text = text[: shutil.get_terminal_size().columns - 1]  # a longer one could not be undone
        before, self._width = self._width, len(text)  # first: Ctrl-C may come while it is printed
        print("\r" + text.ljust(before) + "\r" * (not text), end="", flush=True)


def _now():
    return time.monotonic()


def _sleep(seconds):
    time.sleep(seconds)
