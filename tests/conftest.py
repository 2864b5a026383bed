"""The suite runs on a train: no network, no account and no cache of whoever runs it."""

import os
import signal
import socket

import pytest

from tests import jax_alone

# before TensorFlow is imported anywhere, this process and its children alike
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # `make test-jax` and `test-torch` say so
if os.environ["KERAS_BACKEND"] == "jax":
    os.environ.setdefault("XLA_FLAGS", jax_alone.xla_flags())
os.environ["MPLBACKEND"] = "agg"

_HOME = (socket.AF_INET, socket.AF_INET6)
_ALLOWED = ("127.0.0.1", "::1", "localhost")
_PRIVATE = ("KAGGLE_", "KAGGLEHUB_", "COURSE_", "TBE_RUNTIME_ADDR", "DISABLE_KAGGLE_CACHE")


def pytest_configure(config):
    # a shell script starts what it puts in the background deaf to Ctrl-C, and all its children
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for reason in (
        # 2026-11: TensorFlow 2.20 and 2.21 answer NumPy 2's __array__(copy=…) the old way, so each
        # keras.ops.convert_to_numpy warns; to be dropped once they implement it
        "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning",
        # 2026-11: Keras 3.13 asks for np.object when it is imported; 3.15 no longer does
        "ignore:In the future `np.object`:FutureWarning",
        # 2026-11: matplotlib 3.10.0 uses names that pyparsing 3.3 deprecates; 3.11 no longer does
        r"ignore:'\w+' (argument is )?deprecated:DeprecationWarning:pyparsing",
        r"ignore:'\w+' (argument is )?deprecated:DeprecationWarning:matplotlib",
    ):
        config.addinivalue_line("filterwarnings", reason)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Every connection to anything but this machine fails, and says that a test tried it."""

    def guard(name):
        usual = getattr(socket.socket, name)

        def connect(self, address):
            if self.family in _HOME and address[0] not in _ALLOWED:
                raise ConnectionRefusedError(f"a test tried to reach {address[0]}:{address[1]}")
            return usual(self, address)

        monkeypatch.setattr(socket.socket, name, connect)

    guard("connect")
    guard("connect_ex")


@pytest.fixture(autouse=True)
def fresh_home(monkeypatch, tmp_path_factory):
    """A home folder without credentials or caches, and no settings from the caller's shell."""
    kept = ("COURSE_TEST_DATA",)
    for name in list(os.environ):
        if name.startswith(_PRIVATE) and name not in kept:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    for name, folder in {
        "HOME": home,
        "USERPROFILE": home,
        "XDG_CACHE_HOME": home / "cache",
        "KAGGLE_CONFIG_DIR": home / ".kaggle",
        "KAGGLEHUB_CACHE": home / "kagglehub",
        "TFDS_DATA_DIR": home / "tfds",
    }.items():
        monkeypatch.setenv(name, str(folder))
    # what a test answers of the exercises is remembered there, not in the checkout
    monkeypatch.setattr("course.training.run_folder._current", home)
    return home
