"""Several processes: who takes part, what is refused, and one training of them all."""

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from course.cli import run as run_command
from course.errors import CourseError
from course.training import processes
from tests import jax_alone
from tests.lesson_run import course


def taking_part(monkeypatch, address="127.0.0.1:9", count="2", number="0"):
    for name, value in zip(
        (processes.ADDRESSES, processes.COUNT, processes.ID), (address, count, number), strict=True
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    monkeypatch.setitem(sys.modules, "jax", None)  # as where it is not installed


def refusal():
    with pytest.raises(CourseError) as caught:
        processes.join()
    return str(caught.value)


def test_alone_there_is_nothing_to_join(monkeypatch):
    monkeypatch.delenv(processes.COUNT, raising=False)
    processes.join()
    assert processes.versions() == {}
    processes.agree("nada", anything=1)
    assert (processes.how_many(), processes.which(), processes.from_first(b"a")) == (1, 0, b"a")


@pytest.mark.parametrize(
    "given, words",
    [
        ({"count": "dos"}, "NUM_PROCESSES: se esperaba un número entero desde 1. Llegó: 'dos'"),
        ({"number": ""}, "PROCESS_ID: se esperaba un número entero desde 0. Llegó: ''"),
        ({"number": "2"}, "PROCESS_ID: se esperaba de 0 a 1. Llegó: 2"),
        ({"address": "10.0.0.1"}, "como 10.0.0.1:1234. Llegó: '10.0.0.1'"),
        ({"address": "10.0.0.1:99999"}, "Llegó: '10.0.0.1:99999'"),
    ],
)
def test_variables_that_do_not_fit_are_named(given, words, monkeypatch):
    taking_part(monkeypatch, **given)
    assert words in refusal()


def test_other_backends_are_told_the_line(monkeypatch):
    taking_part(monkeypatch)
    monkeypatch.setattr("keras.backend.backend", lambda: "tensorflow")
    assert "KERAS_BACKEND=jax python -m course run taller3 --processes 2" in refusal()


def test_a_taken_port_and_a_silent_address_are_told(monkeypatch):
    monkeypatch.setattr(processes, "_PATIENCE_S", 0)
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        taking_part(monkeypatch, address=f"127.0.0.1:{port}")
        assert f"El puerto {port} de esta máquina no está libre" in refusal()
    taking_part(monkeypatch, address=f"127.0.0.1:{port}", number="1")
    assert f"127.0.0.1:{port} no responde" in refusal()


def test_the_roll_is_called_before_jax_is_asked(monkeypatch):
    """Of three, number 1 answers twice: the second is told, and 0 says that 2 is missing."""
    monkeypatch.setattr(processes, "_PATIENCE_S", 2)
    taking_part(monkeypatch, count="3")
    port = processes.free_port()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(processes._call_roll, port)
        calls = []
        for _ in range(2):
            calls.append(called(port))
            calls[-1].sendall(b"1")
        assert calls[1].recv(64) == processes._TAKEN
        with pytest.raises(CourseError, match="no llegaron estos procesos: 2\\."):
            first.result()
        again = pool.submit(processes._call_roll, port)
        calls += [called(port), called(port)]
        for number, call in enumerate(calls[2:], 1):
            call.sendall(str(number).encode())
        again.result()
        assert [call.recv(64) for call in calls[2:]] == [processes._ALL_HERE] * 2
        for call in calls:
            call.close()


def test_a_number_that_another_has_is_told(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as pool:
        server.settimeout(30)
        port = server.getsockname()[1]
        taking_part(monkeypatch, address=f"127.0.0.1:{port}", number="1")
        told = pool.submit(refusal)
        with server.accept()[0] as call:
            assert call.recv(64) == b"1"
            call.sendall(processes._TAKEN)
        assert "ya hay otro con ese número" in told.result()


def called(port):
    start = time.monotonic()
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5)
        except OSError:
            if time.monotonic() - start > 30:
                raise
            time.sleep(0.05)


def test_the_command_takes_a_number_of_processes():
    assert run_command._processes(["--epochs", "3"]) == (1, ["--epochs", "3"])
    assert run_command._processes(["--processes", "2", "--resume"]) == (2, ["--resume"])
    for text in ("0", "dos", ""):
        with pytest.raises(CourseError, match="por ejemplo --processes 2"):
            run_command._processes([f"--processes={text}"])


def test_where_there_are_gpus_one_process_uses_them_all(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    monkeypatch.setattr("course.training.devices.accelerators", lambda: ("cuda:0", "cuda:1"))
    with pytest.raises(CourseError, match="sin GPU ni TPU. Llegó una con 2"):
        run_command._together(2, ["taller3"])


@pytest.mark.skipif(os.name == "nt", reason="a script with a #! line stands for Python")
def test_a_command_that_is_ended_ends_its_processes(monkeypatch, tmp_path):
    sleeper = tmp_path / "sleeper"
    sleeper.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/$$.pid\nexec sleep 20\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(sleeper))
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    monkeypatch.setattr("course.training.devices.accelerators", tuple)
    usual = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # or else the test would end

    def end():
        while len(list(tmp_path.glob("*.pid"))) < 2:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    with ThreadPoolExecutor() as pool:
        pool.submit(end)
        with pytest.raises(SystemExit) as ended:
            run_command._together(2, ["taller3"])
    assert ended.value.code == 128 + signal.SIGTERM
    assert signal.signal(signal.SIGTERM, usual) == signal.SIG_IGN
    for path in tmp_path.glob("*.pid"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.stem), 0)


@pytest.mark.skipif(os.name == "nt", reason="a script with a #! line stands for Python")
def test_a_process_that_ends_early_ends_the_others_and_is_told(monkeypatch, tmp_path):
    process = tmp_path / "process"
    waits = f"[ ${processes.ID} = 1 ] || exec sleep 20"
    process.write_text(f"#!/bin/sh\n{waits}\necho antes; echo mis palabras; exit 9\n")
    process.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(process))
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    monkeypatch.setattr("course.training.devices.accelerators", tuple)
    begun = time.monotonic()
    with pytest.raises(CourseError) as caught:
        run_command._together(3, ["taller3"])
    assert time.monotonic() - begun < 10
    told = "El proceso 1 terminó antes de tiempo (código 9), y los demás con él. Dijo: mis palabras"
    assert str(caught.value).splitlines()[0] == told


# ---- what follows starts processes of JAX

TRAINING = """
import json, os, shutil, threading, time
from types import SimpleNamespace
import keras, numpy as np
import course
from course.datasets.batches import Batches
from course.datasets.brats.batches import Slices
from course.models import cnn, unet
from course.training import Setting, all_devices, alone, callbacks, resume, run_dir
from course.training import processes, set_seed, settings

def own_settings():
    return settings(
        epochs=2,
        batch_size=8,
        what=Setting("cnn unet"),
        devices=Setting("8"),
        trouble=Setting("none"),
        shift=Setting(0.0),
    )

s = own_settings()
s = own_settings()  # a cell that is run again: the others have been met
other = processes.which() == 1
if s.trouble == "checkout" and other:
    course.commit = lambda: "another"
if s.trouble == "disk" and not other:
    shutil.disk_usage = lambda folder: SimpleNamespace(free=0)

def brains():
    rng = np.random.default_rng(1)
    case = lambda i: SimpleNamespace(
        image=rng.normal(i, 1, (6, 20, 16, 1)).astype("float16"),
        regions=rng.integers(0, 2, (6, 20, 16, 3), "uint8"),
        centers=np.stack([rng.integers(0, n, (4, 50)) for n in (6, 20, 16)], -1),
    )
    class Store(list):
        modalities = ("flair",)
    return Store([case(i) for i in range(1, 4)])

x = np.random.default_rng(0).integers(0, 256, (48, 16, 16, 1), "uint8")
y = np.arange(48) % 4
if s.trouble == "data" and other:
    x = x[::-1]

class Slow(keras.callbacks.Callback):  # so that there is time to kill
    async_safe = True  # it asks Keras to wait for nothing

    def on_epoch_end(self, epoch, logs=None):
        time.sleep(float(os.environ.get("SLOW", 0)))

    def on_train_batch_end(self, batch, logs=None):
        self.waited = threading.current_thread() is threading.main_thread()

def train(what, s, names=None):
    set_seed(s.seed)
    run = run_dir("training", s)
    with all_devices(names, s.batch_size):
        if what == "unet":
            batches = Slices(brains(), s.batch_size, (16, 16), s.seed, steps=2)
            model = unet((16, 16, 1), 3, filters=(4, 8), output_activation="sigmoid")
            loss = "binary_crossentropy"
        else:
            batches = Batches(x, y, s.batch_size, s.seed)
            normalize = keras.layers.Normalization(axis=None)
            normalize.adapt(x.astype("float32"))
            network = cnn((16, 16, 1), 4, filters=(4, 8))
            model = keras.Sequential([keras.Input((16, 16, 1)), normalize, network])
            loss = "sparse_categorical_crossentropy"
        model.compile(keras.optimizers.Adam(0.01), loss)
    slow = Slow()
    losses = model.fit(
        batches,
        initial_epoch=resume(model, run),
        epochs=s.epochs,
        verbose=0,
        callbacks=[*callbacks(run, batches, seed=s.seed), slow],
    ).history["loss"]
    weights = [w.tolist() for w in model.get_weights()]
    return model, {"loss": losses, "weights": weights, "waited": slow.waited}

whats, together = s.what.split(), {}
for number in map(int, s.devices.split()):
    for what in reversed(whats):
        names = None if processes.how_many() > 1 else keras.distribution.list_devices()[:number]
        model, together[f"{what} {number}"] = train(what, s, names)
model = alone(model)
answers = [model.predict(x[:8], verbose=0).tolist()]
anew, apart = SimpleNamespace(**{**vars(s), "resume": False}), {}
for what in reversed(whats):
    model, apart[what] = train(what, anew, keras.distribution.list_devices()[:1])
answers.append(model.predict(x[:8], verbose=0).tolist())
print(json.dumps({"together": together, "apart": apart, "answers": answers}))
"""

jax = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="make .venv/jax")
matrix = pytest.mark.matrix
_LONG_S = 400  # on a machine that has much else to do


class Started:
    """Processes that train together; killed at the end, whatever comes."""

    def __init__(self, folder, *flags, count=1, devices=1, second=(), **variables):
        script = folder / "training.py"
        script.write_text(TRAINING, encoding="utf-8")
        address = f"127.0.0.1:{processes.free_port()}"
        self.running = []
        for number in range(count):
            environment = {
                **os.environ,
                **jax_alone.environment(folder, devices),
                **variables,
            }
            if count > 1:
                names = processes.ADDRESSES, processes.COUNT, processes.ID
                environment.update(zip(names, (address, str(count), str(number)), strict=True))
            command = [sys.executable, str(script), *flags, *(second if number else ())]
            self.running.append(
                subprocess.Popen(
                    command,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    cwd=folder,
                )
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.running:
            one.kill()
            one.communicate()

    def end(self):
        """What each has come to: `(code, stdout, stderr)`."""
        ended = [one.communicate(timeout=_LONG_S) for one in self.running]
        return [(one.returncode, *said) for one, said in zip(self.running, ended, strict=True)]


def trained(folder, *flags, **how):
    """What the first has learnt with the others and, after them, alone; and what it said."""
    folder.mkdir(exist_ok=True)
    with Started(folder, *flags, **how) as started:
        ended = started.end()
    assert [code for code, _, _ in ended] == [0] * len(ended), ended[0][2][-2000:]
    return json.loads(ended[0][1].splitlines()[-1]), ended[0][1]


def same_weights(one, other):
    pairs = zip(one["weights"], other["weights"], strict=True)
    return all(np.allclose(*pair, rtol=0, atol=1e-5) for pair in pairs)


def same(one, other):
    return same_weights(one, other) and np.allclose(one["loss"], other["loss"], rtol=1e-5)


@jax
@matrix
@pytest.mark.parametrize("count, devices", [(2, 1), (1, 8)], ids=["2 processes", "8 devices"])
def test_processes_and_devices_train_what_one_does(count, devices, tmp_path):
    numbers = [2] if count == 2 else [2, 8]
    flags = ("--devices", " ".join(map(str, numbers)))
    found, said = trained(tmp_path, *flags, count=count, devices=devices)
    assert len(found["together"]) == 2 * len(numbers)
    for name, one in found["together"].items():
        assert same(one, found["apart"][name.partition(" ")[0]]), name
        assert one["waited"], "a step began while another was under way"
    shared = "2\xa0réplicas, 2 procesos." if count == 2 else "2\xa0réplicas de 8."
    assert f"Se entrena con JAX en {shared}" in said and "con JAX en la CPU." in said
    np.testing.assert_allclose(*found["answers"], atol=1e-4)  # alone, it answers as it learnt
    assert len(list((tmp_path / "runs").iterdir())) == 2 * len(numbers) + 2  # of process 0 only


@jax
@matrix
def test_a_lesson_in_two_processes_is_one_run(tmp_path):
    flags = ("--source", "sample", "--limit", "100", "--epochs", "1")
    environment = jax_alone.environment(tmp_path)
    done = course(tmp_path, "run", "taller0", *flags, "--processes", "2", **environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(list((tmp_path / "runs").iterdir())) == 1
    assert done.stdout.count("2 procesos") == 1
    assert done.stdout.splitlines()[-1].startswith("Informe: ")


@jax
@matrix
def test_one_killed_the_other_ends_and_the_run_goes_on(tmp_path):
    flags = ("--what", "cnn", "--devices", "1")
    two, one = tmp_path / "two", tmp_path / "one"
    two.mkdir()
    with Started(two, *flags, count=2, SLOW="2") as started:
        while not (two / "runs" / "training" / "history.csv").exists():
            time.sleep(0.1)
            assert started.running[0].poll() is None
        started.running[1].send_signal(signal.SIGKILL)
        begun = time.monotonic()
        started.running[0].wait(timeout=_LONG_S)
        assert time.monotonic() - begun < 60 and started.running[0].returncode
    shutil.copytree(two, one)
    for folder, count in ((two, 2), (one, 1)):
        found, said = trained(folder, *flags, "--resume", count=count)
        assert "Se sigue con" in said and len(found["together"]["cnn 1"]["loss"]) == 1
        assert same_weights(found["together"]["cnn 1"], found["apart"]["cnn"])


@jax
@matrix
@pytest.mark.parametrize(
    "trouble, second, number, words",
    [
        ("checkout", ("--shift", "1"), 1, "difieren en shift, course"),
        ("data", (), 1, "difieren en datos"),
        ("disk", (), 0, "libera espacio"),
    ],
)
def test_what_does_not_fit_ends_them_all_in_one_message(trouble, second, number, words, tmp_path):
    flags = ("--what", "cnn", "--trouble", trouble)
    with Started(tmp_path, *flags, count=2, second=second) as started:
        ended = started.end()
    code, _, said = ended[number]
    assert code and words in said and "Traceback" not in said
    assert ended[1 - number][0]
    assert not list(tmp_path.glob("runs/*/history.csv"))
