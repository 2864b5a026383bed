"""Types `python -m course kernels …` as a student does, on a computer where Kaggle is a stub."""

import json
import os
import subprocess
import sys
import types

from tests import ROOT
from tests.kaggle_stub import SIGNATURE
from tests.kaggle_stub import TOKEN as ECHOED
from tests.kernels_stub import KEY, TOKEN

COMMAND = [sys.executable, "-m", "course", "kernels"]
SECRETS = (KEY, TOKEN, ECHOED, SIGNATURE)


class Typist:
    """An empty folder to work in, and a home where ana has a good kaggle.json.

    Attributes:
        work: the folder.
        key: the path of kaggle.json.
    """

    def __init__(self, kaggle, folder):
        self.work, home = folder / "work", folder / "home"
        self.work.mkdir()
        self.key = home / ".kaggle" / "kaggle.json"
        self.key.parent.mkdir(parents=True)
        self.key.write_text(json.dumps({"username": "ana", "key": KEY}))
        self.key.chmod(0o600)
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("KAGGLE", "COURSE"))}
        self._environment = clean | kaggle.environment(home) | {"PYTHONPATH": str(ROOT)}

    def __call__(self, *words, **variables):
        """Type, wait, and return `code`, `out` and `err`."""
        return self.finish(self.start(*words, **variables))

    def start(self, *words, command=COMMAND, **variables):
        return subprocess.Popen(
            [*command, *words],
            cwd=self.work,
            env=self._environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process):
        out, err = process.communicate(timeout=60)
        assert not [secret for secret in SECRETS if secret in out + err]
        assert "Traceback" not in err
        return types.SimpleNamespace(code=process.returncode, out=out, err=err)


def refused(answer, *words):
    """The command ended in an error message with these words, and with something to do next."""
    missing = [word for word in (*words, "Qué hacer: ") if word not in answer.err]
    assert (answer.code, missing) == (2, []), answer.err
    return True
