"""What is waited for: imports, help, a report, `make train` once installed; beside `import keras`.

    python benchmarks/small_things.py > benchmarks/small_things.txt    nine minutes
    python benchmarks/small_things.py --quick                          one turn of each

Each is a fresh process in an empty folder, and they take turns, so that what else the machine does
meets them alike. `make train` is Taller 2 with the sample, from the command to its last line.
The report is that of Taller 2: the network that the package brings answers 10,000 pictures (the
sample's, again and again) and the page is written with its figures. Of that the work alone is
timed, as a lesson, which has long imported everything, waits for it.
"""

import argparse
import subprocess
import sys
import tempfile
import time

from conditions import conditions, spread

REPORT = """
import tempfile, time
import numpy as np
from course import FOLDER
from course.datasets import mnist
from course.datasets.catalog import origin
from course.evaluation import evaluate_classifier
from course.export import load

model, _ = load(FOLDER / "demo" / "digits")
_, (images, labels) = mnist.load_data("sample")
rows = np.arange(10_000) % len(labels)
with tempfile.TemporaryDirectory() as folder:
    begun = time.perf_counter()
    data = origin("mnist", "sample")
    names = mnist.CLASS_NAMES
    images = images[rows][..., None]
    report = evaluate_classifier(model, images, labels[rows], class_names=names, origin=data)
    report.save(folder)
    print(time.perf_counter() - begun)
"""
THINGS = {
    "import keras": ["-c", "import keras"],
    "import course": ["-c", "import course"],
    "course --help": ["-m", "course", "--help"],
    "report of Taller 2": ["-c", REPORT],
    "make train": ["-m", "course", "run", "taller2", "--source", "sample"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    turns = 1 if options.quick else options.turns
    print(f"{conditions('tensorflow', 'keras')}\n{turns} turns; median (least–most)\n")
    taken = {name: [] for name in THINGS}
    for _ in range(turns):
        for name, command in THINGS.items():
            taken[name].append(seconds(command))
    usual = taken["import keras"]
    print(f"{'':18}  {'seconds':>20}  {'of import keras':>22}")
    for name, times in taken.items():
        ratios = [ours / keras for ours, keras in zip(times, usual, strict=True)]
        print(f"{name:18}  {spread(times, 2):>20}  {spread(ratios, 3):>22}")


def seconds(command):
    """Of a fresh process, or those that it prints at its end."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, check=True, cwd=folder
        )
        whole = time.perf_counter() - begun
    return float(done.stdout.split()[-1]) if command[-1] == REPORT else whole


if __name__ == "__main__":
    main()
