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

    `version` is the number that the push was given (None: whichever is newest); with `gpu`, the
    line shows what is left of the week's hours.
    """
    line, began, heard, ended = _Line(), time.monotonic(), time.monotonic(), None
    pause_s, left = _FIRST_PAUSE_S, _hours_left(client) if gpu else ""
    try:
        while True:
            try:
                answer = client.status(kernel, tries=1)
                words, heard = say(answer.status.name), time.monotonic()
                if finished(answer.status.name):
                    ended = ended or time.monotonic()
                    if time.monotonic() - ended > _LAG_S or _is_ours(client, kernel, version):
                        line.end(f"{kernel}: {words}")
                        return refuse_bad_end(client, answer, kernel)
                    words = say("QUEUED")  # what has ended is the version before
            except Unanswered as error:
                if not error.trouble.retry:
                    raise
                if time.monotonic() - heard > _PATIENCE_S:
                    raise CourseError(f"{error}\n{_goes_on(client)}") from None
                words = "Kaggle no responde, se le pregunta otra vez"
            minutes = (time.monotonic() - began) / 60
            line.show(f"{client.taller}: {words}", f", {minutes:.0f} min{left}")
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    except KeyboardInterrupt:
        line.end(_goes_on(client))
        raise
    finally:
        line.clear()


def finished(state) -> bool:
    """Whether a session is over, well or not, by Kaggle's name of its state."""
    return state in ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")


def say(state) -> str:
    """Kaggle's name of a state in Spanish."""
    return _STATES.get(state, state.lower())


def refuse_bad_end(client, answer, kernel):
    """Raise a CourseError with Kaggle's reason for a session that ended badly."""
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
        from tqdm import tqdm

        piped = not sys.stdout.isatty()
        self._bar = tqdm(file=sys.stdout, bar_format="{desc}", leave=False, disable=piped)
        self._state, self._last = None, 0.0

    def show(self, state, rest):
        columns = shutil.get_terminal_size().columns  # what is longer could not be undone
        self._bar.set_description_str((state + rest)[: columns - 1])
        late = time.monotonic() - self._last > _LINE_EVERY_S
        if self._bar.disable and (state != self._state or late):
            print(state + rest, flush=True)
            self._state, self._last = state, time.monotonic()

    def end(self, text):
        self.clear()
        print(text, flush=True)

    def clear(self):
        """Leave an empty line for what comes next, an error message perhaps."""
        self._bar.close()
