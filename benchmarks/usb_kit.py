"""The kit for a room without internet, made for real and installed with no network.

    python benchmarks/usb_kit.py [--python 3.12 --with PYTHON] > benchmarks/usb_kit.txt

By default for this computer and this Python; `--with` is the interpreter that it is installed for.
pip asks the index that it knows; the wheels, what comes out of them and pip's own copies want 5 GB.
Then every address leads nowhere, a lesson is run as the kit's page says, and another as a notebook.
"""

import argparse
import datetime
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

from course.classroom import wheels

HERE = wheels.here()
NOWHERE = "http://127.0.0.1:9"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=HERE.python, choices=wheels.PYTHONS)
    parser.add_argument("--with", dest="interpreter", default=sys.executable)
    given = parser.parse_args()
    print(
        f"{datetime.date.today()} · {os.cpu_count()} cores · Python {platform.python_version()}, "
        f"{platform.system()} · kit for {HERE.system} with Python {given.python}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        kit = pathlib.Path(folder, "kit")
        command = [sys.executable, "-m", "course", "usb", kit, "--python", given.python, "--si"]
        done, seconds = timed(command)
        old = "Ejecutando" not in done.stdout
        print(f"made in {seconds / 60:.1f} minutes, lessons {'executed before' if old else 'too'}")
        for line in done.stdout.splitlines():
            if re.search(r"^(Paquetes|Con los talleres)|no va", line):
                print(f"    {line.replace(folder, '…')}")
        for name in sorted(os.listdir(kit)):
            print(f"{name:<12} {megabytes(kit / name):>8.1f} MB")

        outside = {name: value for name, value in os.environ.items() if "PIP_" not in name}
        outside.pop("PYTHONPATH", None)
        outside |= dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY"), NOWHERE)
        outside |= {"PIP_CONFIG_FILE": os.devnull, "HOME": folder, "COURSE_SOURCE": "sample"}
        python = kit / ".venv" / "bin" / "python"
        subprocess.run([given.interpreter, "-m", "venv", kit / ".venv"], check=True)
        install = ["install", "--no-index", "--find-links", "wheels", wheels.WANTED]
        _, seconds = timed([python, "-m", "pip", "--quiet", *install], kit, outside)
        print(f"\ninstalled in {seconds / 60:.1f} minutes, {megabytes(kit / '.venv'):.0f} MB")
        lesson = ["-m", "course", "run", "taller2", "--source", "sample"]
        done, seconds = timed([python, *lesson], kit / "curso", outside)
        (said,) = re.findall(r"^.*xactitud.*$", done.stdout, re.MULTILINE)[-1:]
        print(f"taller2 in {seconds / 60:.1f} minutes: {said.strip()}")
        notebook = "notebooks/taller0_fundamentos.ipynb"
        command = [python, "-m", "jupyter", "execute", notebook]
        _, seconds = timed(command, kit / "curso", outside)
        print(f"taller0 as a notebook in {seconds / 60:.1f} minutes")


def timed(command, folder=None, environment=None):
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done, time.monotonic() - began


def megabytes(path):
    paths = [path, *path.rglob("*")]
    return sum(p.lstat().st_size for p in paths if p.is_file()) / 1e6


if __name__ == "__main__":
    main()
