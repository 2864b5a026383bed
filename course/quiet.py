"""Load Keras without TensorFlow's greetings, which no student can tell from errors."""

import contextlib
import os
import sys
import tempfile


def load_keras():
    """Import Keras and its backend; what they print meanwhile is shown only if that fails.

    TensorFlow 2.21 writes about oneDNN, CUDA and log messages straight to file descriptor 2,
    whatever TF_CPP_MIN_LOG_LEVEL says; that variable quiets the rest.
    """
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
