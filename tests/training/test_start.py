"""What the command line does before TensorFlow loads: oneDNN on, greetings off."""

import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import ROOT

PROGRAM = """
import os
from course.training import start
start.load_keras()
from tensorflow.python.util import _pywrap_util_port
print(os.environ["TF_ENABLE_ONEDNN_OPTS"], _pywrap_util_port.IsMklEnabled())
"""


# TensorFlow for other processors is built without the switch
@pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64", reason="needs Linux on x86"
)
def test_onednn_is_on_unless_the_user_says_0():
    """Asked of TensorFlow itself, in processes that have not loaded it yet, both at once."""

    def ask(given):
        environment = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"}
        return subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env=environment | given,
            capture_output=True,
            text=True,
        )

    with ThreadPoolExecutor() as pool:
        done = list(pool.map(ask, ({}, {"TF_ENABLE_ONEDNN_OPTS": "0"})))
    assert [process.stdout.strip() for process in done] == ["1 True", "0 False"], done
    assert [(process.returncode, process.stderr) for process in done] == [(0, "")] * 2


def test_data_are_read_before_keras_is_loaded():
    """Else `course evaluate` would show what TensorFlow says when it loads."""
    code = (
        "import sys\n"
        "from course.datasets import mnist, sign_mnist\n"
        "from course.evaluation import fingerprint, run\n"
        "fingerprint.of_arrays(*mnist.load_data('sample')[1])\n"
        "sign_mnist.load_data('sample')\n"
        "sys.exit('keras' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
