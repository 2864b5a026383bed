"""Computers that have what Kaggle and Colab ship, and no `course`."""

import os
import subprocess
import sysconfig
import venv

from tests import ROOT

# .pth files of a folder that a .pth file names are not read: no editable install is in reach.
_GUARD = f"""
import sys
OURS = {[os.path.join(ROOT, name, "") for name in ("course", "kernels", "notebooks")]!r}
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        if arguments[0].startswith(tuple(OURS)):
            raise RuntimeError(f"this reads the checkout: {{arguments[0]}}")
sys.addaudithook(hook)
"""


class Machine:
    """A Python of its own that sees the packages of the one that runs the tests.

    Attributes:
        home: the home folder of whoever sits there.
        work: the folder that commands start in, empty.
    """

    def __init__(self, folder):
        self.home, self.work = folder / "home", folder / "work"
        for made in (self.home, self.work):
            made.mkdir(parents=True)
        venv.create(folder / "python", symlinks=True)
        self._python = folder / "python" / "bin" / "python"
        (packages,) = (folder / "python").glob("lib/python*/site-packages")
        shipped = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
        (packages / "shipped.pth").write_text("\n".join(sorted(shipped)) + "\nimport guard\n")
        (packages / "guard.py").write_text(_GUARD)

    def run(self, *arguments, environment=None):
        """Run this Python with a clean environment; returns the finished process."""
        clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "MPLBACKEND": "agg"}
        return subprocess.run(
            [self._python, *map(str, arguments)],
            cwd=self.work,
            env={**clean, **quiet, "HOME": str(self.home), **(environment or {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
        )

    def install(self, wheel):
        done = self.run("-m", "pip", "install", "--no-deps", "--no-index", "--quiet", wheel)
        assert done.returncode == 0, done.stderr
