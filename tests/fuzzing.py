"""How damaged inputs are read in the property tests: counted, timed, and with memory bounded.

`make fuzz` loads this as a plugin of pytest and prints at the end what each format has taken.
"""

import contextlib
import dataclasses
import pathlib
import re
import signal
import time

from course.errors import CourseError

LIMIT_S = 20  # for one small file, on a machine that is busy
LIMIT_MB = 256  # what one small file may take at its peak beyond what was there before


@dataclasses.dataclass
class Row:
    accepted: int = 0
    refused: int = 0
    tracebacks: int = 0
    slowest_s: float = 0.0
    peak_mb: float = 0.0


_rows: dict[str, Row] = {}


@contextlib.contextmanager
def one_input(form):
    """Around the reading of one input: it is right or a `CourseError`, quick, and takes little."""
    row = _rows.setdefault(form, Row())
    before, begun = _memory_mb("VmRSS"), time.monotonic()
    _forget_peak()
    try:
        with _alarm():
            yield
        row.accepted += 1
    except CourseError:
        row.refused += 1
        raise
    except BaseException:
        row.tracebacks += 1
        raise
    finally:
        row.slowest_s = max(row.slowest_s, time.monotonic() - begun)
        taken = _memory_mb("VmHWM") - before
        row.peak_mb = max(row.peak_mb, taken)
    assert taken < LIMIT_MB, f"one input took {taken:.0f} MB"


class Hang(BaseException):
    """Not an `Exception`: what is being tried may catch those."""


@contextlib.contextmanager
def _alarm():
    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return

    def ring(*_):
        raise Hang(f"one input took more than {LIMIT_S} s")

    usual = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)


# ---- the memory of this process, which Linux tells


def _memory_mb(what):
    """Resident memory now (VmRSS) or at its peak (VmHWM); 0 where the system does not tell."""
    try:
        status = pathlib.Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) / 1000


def _forget_peak():
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/self/clear_refs").write_text("5")


def pytest_terminal_summary(terminalreporter):
    """The table, where this module is loaded as a plugin."""
    line = "{:<22}{:>8}{:>10}{:>9}{:>12}{:>12}{:>10}"
    terminalreporter.section("damaged inputs")
    heads = ("format", "inputs", "accepted", "refused", "tracebacks", "slowest, s", "peak, MB")
    terminalreporter.write_line(line.format(*heads))
    total = Row()
    for form, row in sorted(_rows.items()):
        _write(terminalreporter, line, form, row)
        total.accepted += row.accepted
        total.refused += row.refused
        total.tracebacks += row.tracebacks
        total.slowest_s = max(total.slowest_s, row.slowest_s)
        total.peak_mb = max(total.peak_mb, row.peak_mb)
    _write(terminalreporter, line, "all", total)
    terminalreporter.write_line(
        f"peak: what one input took beyond what was there before, under {LIMIT_MB} MB by a test; "
        f"the time limit of one input is {LIMIT_S} s."
    )


def _write(reporter, line, form, row):
    inputs = row.accepted + row.refused + row.tracebacks
    cells = (inputs, row.accepted, row.refused, row.tracebacks)
    reporter.write_line(line.format(form, *cells, f"{row.slowest_s:.2f}", f"{row.peak_mb:.1f}"))
