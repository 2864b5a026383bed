"""What the command line does before TensorFlow loads: oneDNN on, greetings off."""

import os
import pathlib
import platform
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PROGRAM = """
import os
from course import quiet
quiet.load_keras()
from tensorflow.python.util import _pywrap_util_port
print(os.environ["TF_ENABLE_ONEDNN_OPTS"], _pywrap_util_port.IsMklEnabled())
"""


# TensorFlow for other processors is built without the switch
@pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64", reason="needs Linux on x86"
)
@pytest.mark.parametrize("given, expected", [(None, "1 True"), ("0", "0 False")])
def test_onednn_is_on_unless_the_user_says_0(given, expected):
    """Asked of TensorFlow itself, in a process that has not loaded it yet."""
    environment = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"}
    if given:
        environment["TF_ENABLE_ONEDNN_OPTS"] = given
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.returncode) == (expected, 0), done.stderr
    assert done.stderr == ""
