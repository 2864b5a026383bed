"""Look on while a kernel runs at Kaggle; to stop looking never stops the kernel."""

import contextlib
import shutil
import sys
import time

from course.errors import CourseError
from course.kaggle.troubles import Unanswered

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 20.0  # a kernel that fails at once is told at once
_PATIENCE_S = 15 * 60.0  # without an answer; the kernel needs none of us
_LAG_S = 60.0  # for so long Kaggle may still tell of the version before
_LINE_EVERY_S = 5 * 60.0  # where the line cannot be rewritten: a log, a pipe


def watch(client, kernel, *, version=None, gpu=False):
    """Show a live line until the kernel has ended; return only if it has ended well.

    Args:
        client: a `course.kaggle.client.Client`.
        kernel: "owner/slug".
        version: the number that the push was given; None watches whichever is newest.
        gpu: whether it uses up the week's GPU hours, which the line then shows.

    Raises:
        CourseError: it ended in an error, was cancelled, was replaced by a newer version, or
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
                        return check(client, answer, kernel)
                    words = "queued"  # what has ended is the version before
            except Unanswered as error:
                if not error.trouble.retry:
                    raise
                if _now() - heard > _PATIENCE_S:
                    raise CourseError(f"{error}\n{_goes_on(client)}") from None
                words = "no answer from Kaggle, asking again"
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
    """A state in plain words."""
    return _WORDS.get(state, state.lower())


def check(client, answer, kernel):
    """Refuse a session that ended otherwise than well.

    Raises:
        CourseError: with Kaggle's reason and where the log is.
    """
    why = client.hide(answer.failure_message)[:500] or "Kaggle gives no reason; the log may"
    if answer.status.name == "ERROR":
        raise CourseError(
            f"{kernel} ended in an error.\nWhy: {why}\n"
            f"Next: read its log: python -m course kernels logs {client.taller}; then correct and "
            "push again. What it wrote until then: "
            f"python -m course kernels output {client.taller}"
        )
    if answer.status.name.startswith("CANCEL"):
        raise CourseError(
            f"{kernel} was cancelled, by its page at Kaggle or because its time was up.\n"
            f"Next: push again, if need be with a longer --timeout: "
            f"python -m course kernels push {client.taller}"
        )


_WORDS = {
    "QUEUED": "queued",
    "NEW_SCRIPT": "queued",
    "RUNNING": "running",
    "COMPLETE": "complete",
    "ERROR": "ended in an error",
    "CANCEL_REQUESTED": "being cancelled",
    "CANCEL_ACKNOWLEDGED": "cancelled",
}


def _hours_left(client):
    with contextlib.suppress(CourseError):  # where it is known; the kernel runs all the same
        if quota := client.quota(tries=1):
            return f", GPU: {quota.left_h:.1f} of {quota.total_h:.0f} h left this week"
    return ""


def _is_ours(client, kernel, version):
    """Whether what has ended is the version we pushed: Kaggle tells only of the newest."""
    try:
        newest = version and client.version(kernel)
    except Unanswered as error:
        return not error.trouble.retry  # where Kaggle will not tell, nothing says that it is not
    if newest and newest > version:
        raise CourseError(
            f"{kernel}: while version {version} was watched, version {newest} was pushed; Kaggle "
            f"tells only of the newest.\nNext: watch that one: python -m course kernels status "
            f"{client.taller} --wait; version {version} is on the kernel's page at Kaggle."
        )
    return not newest or newest == version


def _goes_on(client):
    return (
        "The kernel goes on at Kaggle. To go on watching, type: "
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
        """Leave an empty line for what comes next, a letter perhaps."""
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
