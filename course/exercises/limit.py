"""An endless answer is stopped, in a script and in a notebook, on Windows too."""

import contextlib
import ctypes
import sys
import threading

SECONDS = 10


class TooLong(BaseException):
    """Raised inside what took too long; no `Exception`, which an answer may well catch."""


@contextlib.contextmanager
def at_most(seconds, notice):
    """Raise `TooLong` in this thread if the block under `with` takes longer.

    Python's own loops end at once; Ctrl-C works as ever. What runs outside Python (`time.sleep`, a
    huge product of matrices) hears of it when it returns: until then `notice(seconds)` is called
    once, a second later. An import is given the time that it needs: one that is cut in two leaves
    half a module behind.

    Args:
        seconds: Number, how long; None for no end.
        notice: Function of the seconds that have passed, called from another thread.
    """
    thread, over = threading.get_ident(), threading.Event()
    watchdog = threading.Thread(target=_watch, args=(thread, over, seconds, notice), daemon=True)

    def end():
        over.set()
        watchdog.join()
        for _ in range(100):  # one that was sent arrives at a loop's turn: in this one, not later
            pass

    try:
        try:
            watchdog.start()
            yield
        finally:
            end()
    except TooLong:  # it may have come in the middle of end()
        end()
        raise


def _watch(thread, over, seconds, notice):
    if over.wait(seconds):
        return
    while _imports(thread):
        if over.wait(seconds):  # what follows an import has as long again
            return
    _raise_in(thread, TooLong)
    if over.wait(1):
        return
    notice(seconds + 1)
    while not over.wait(1):  # `except:` may have swallowed it
        _raise_in(thread, TooLong)


def _raise_in(thread, error):
    # never None, which would take back one that was sent: all Python is slower from then on
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


def _imports(thread):
    frame = sys._current_frames().get(thread)
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
