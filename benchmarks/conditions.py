"""What stands above and beside a table's numbers: the machine, the versions, how sure a mean is."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import statistics

import course


def conditions(*libraries):
    """One line: the day, the processor, versions, and the machine's load at this moment."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in libraries)
    load = f"load before {os.getloadavg()[0]:.1f} · " if hasattr(os, "getloadavg") else ""
    return f"{datetime.date.today()} · {processor()}, {os.cpu_count()} cores · {load}{versions}"


def processor():
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as lines:
            names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
        if names:
            return names[0]
    return platform.machine()


def runs_of_this_commit(name):
    """Where they stay: a benchmark that was stopped goes on, another commit begins anew.

    After a change that is not committed, or with other data, delete the folder first.
    """
    return pathlib.Path("runs", f"{name}-{(course.commit() or course.__version__)[:8]}")


def mean_of_seeds(values, digits):
    """Mean, where it lies with 95 % confidence by Student's t, and the least and the most."""
    mean, low, high = (f"{f(values):.{digits}f}" for f in (statistics.mean, min, max))
    if len(values) == 1:
        return mean
    from scipy import stats

    error = statistics.stdev(values) / len(values) ** 0.5
    reach = stats.t.ppf(0.975, len(values) - 1) * error
    return f"{mean} ± {reach:.{digits}f} ({low}–{high})"


def spread(values, digits):
    """Median and, in brackets, the least and the most."""
    low, middle, high = (f"{f(values):.{digits}f}" for f in (min, statistics.median, max))
    return f"{middle} ({low}–{high})"
