"""Load Keras without TensorFlow's greetings, which no student can tell from errors."""

import contextlib
import os
import sys
import tempfile


def load_keras():
    """Import Keras and its backend; what they print meanwhile is shown only if that fails.

    TensorFlow 2.21 writes about oneDNN, CUDA and log messages straight to file descriptor 2,
    whatever TF_CPP_MIN_LOG_LEVEL says; that variable quiets the rest.

    oneDNN holds the fast convolutions of a CPU: a training step of a 3D U-Net takes a seventh of
    the time. TensorFlow 2.21 leaves it off on AMD processors unless told before it is imported;
    whoever sets TF_ENABLE_ONEDNN_OPTS=0 keeps it off.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" not in sys.modules:
        with _held_back(2):
            import keras  # noqa: F401


@contextlib.contextmanager
def _held_back(descriptor):
    """Send what is written to a file descriptor to a file, and on from there after an error."""
    sys.stderr.flush()
    usual = os.dup(descriptor)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), descriptor)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(usual, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(usual, descriptor)
            os.close(usual)
