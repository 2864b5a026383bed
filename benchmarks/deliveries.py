"""How large `course entregas` grows with a class, and how long it takes for each delivery.

    python benchmarks/deliveries.py [20 60] > benchmarks/deliveries.txt

Each delivery is the network that the package brings with another bias, in a zip of its own,
measured on the digits of the kit's sample. Peaks of memory are Linux's own.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time
import zipfile

from conditions import conditions

import course
from course.datasets import catalog
from course.export import export, load


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("numbers", metavar="N", type=int, nargs="*", default=[20, 60])
    numbers = parser.parse_args().numbers
    print(conditions("keras", "tensorflow"))
    print("\ndeliveries  command (MB)  its measuring process (MB)  seconds each")
    for number in numbers:
        with tempfile.TemporaryDirectory() as folder:
            given = pathlib.Path(folder, "class")
            given.mkdir()
            deliver(given, number)
            command, worker, seconds = peaks(given)
        print(f"{number:<12}{command:<14.0f}{worker:<28.0f}{seconds / number:.2f}", flush=True)


def deliver(folder, number):
    """Write the class's zips, no two of them alike."""
    model, card = load(course.FOLDER / "demo" / "digits")
    card = {name: card[name] for name in ("task", "class_names", "preparation")}
    card["data"] = catalog.origin("mnist", "sample").as_dict()
    bias = model.weights[-1]
    for n in range(number):
        bias.assign_add([1e-4] * bias.shape[0])
        place = folder / f"Student {n}_{n}_assignsubmission_file_.zip"
        with tempfile.TemporaryDirectory() as run, zipfile.ZipFile(place, "w") as packed:
            export(model, run, card=card)
            for path in pathlib.Path(run).iterdir():
                packed.write(path, path.name)


def peaks(given):
    """The peaks of both processes in MB, and how long the command takes, its start included."""
    table = given.parent / "notas.csv"
    words = [sys.executable, "-m", "course", "entregas", given, "-o", table]
    began = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as command:
        own = others = 0
        while command.poll() is None:
            own = max(own, peak_mb(command.pid))
            others = max([others, *map(peak_mb, children(command.pid))])
            time.sleep(0.1)
    seconds = time.monotonic() - began
    measured = table.read_text("utf-8-sig").count(",exactitud,")
    if measured != len(list(given.iterdir())):
        raise SystemExit(f"measured {measured} only")
    return own, others, seconds


def children(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return path.read_text().split() if path.exists() else []


def peak_mb(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has ended
        return 0
    return int((status.partition("VmHWM:")[2].split() or [0])[0]) / 1024


if __name__ == "__main__":
    main()
