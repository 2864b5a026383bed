"""A run's folder, and going on after an interruption, bit for bit."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from course import files
from course.datasets.batches import Batches
from course.errors import CourseError
from course.training import Checkpoint, processes, read_history, resume, run_dir
from tests import ROOT

# A small lesson with everything whose state Keras does not save: dropout, augmentation among the
# layers and of the batches, their order; and with what it does: the schedule, the optimiser and
# the average of the weights.
LESSON = """
import os, signal, sys
import keras, numpy as np
from course.datasets.batches import Batches
from course.datasets.warp import warp
from course.models import cnn
from course.training.flags import settings
from course.training import callbacks, resume, run_dir, set_seed

class Kill(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if os.environ.get("KILL_IN_EPOCH") == str(self.epoch) and batch == 1:
            os.kill(os.getpid(), getattr(signal, os.environ["KILL_WITH"]))
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

s = settings(epochs=4, batch_size=8)
set_seed(s.seed)
run = run_dir("lesson", s)
data = np.random.default_rng(0)
x = data.integers(0, 256, (40, 8, 8, 1)).astype("uint8")
y = data.integers(0, 2, 40)
model = keras.Sequential([
    keras.Input((8, 8, 1)),
    keras.layers.RandomTranslation(0.2, 0.2),
    keras.layers.RandomBrightness(0.2),
    cnn((8, 8, 1), 2, filters=(4, 8), units=(8,)),
])
schedule = keras.optimizers.schedules.CosineDecay(0.01, 20)
optimizer = keras.optimizers.AdamW(schedule, use_ema=True, ema_momentum=0.9)
model.compile(optimizer, "sparse_categorical_crossentropy")
batches = Batches(x, y, s.batch_size, s.seed, augment=warp)
model.fit(batches, epochs=s.epochs, initial_epoch=resume(model, run), validation_data=(x, y),
          verbose=0, callbacks=[*callbacks(run, batches, seed=s.seed), Kill()])
np.savez(run / "weights.npz", *model.get_weights())
"""


def start(folder, *flags, **environment):
    return subprocess.run(
        [sys.executable, folder / "lesson.py", "--run-dir", "run", *flags],
        cwd=folder,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("COURSE_")},
            "PYTHONPATH": str(ROOT),
            **environment,
        },
        capture_output=True,
        text=True,
    )


def weights(folder):
    with np.load(folder / "run" / "weights.npz") as arrays:
        return [arrays[name] for name in arrays.files]


def losses(folder):
    return [(row["loss"], row["val_loss"]) for row in read_history(folder / "run")]


STOPS = {"SIGKILL": -signal.SIGKILL, "SIGINT": 130}


def stop_and_resume(folder, how, **environment):
    killed = start(folder, KILL_IN_EPOCH="2", KILL_WITH=how, **environment)
    assert killed.returncode == STOPS[how]
    assert "Traceback" not in killed.stderr
    return start(folder, "--resume", **environment)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A run without interruption, one with another seed, and two that were stopped and resumed.

    Most of each process is TensorFlow's start on one core, so two go at a time.
    """
    folders = {name: tmp_path_factory.mktemp(name) for name in ("whole", "other", *STOPS)}
    for folder in folders.values():
        (folder / "lesson.py").write_text(LESSON)
    with ThreadPoolExecutor(2) as pool:
        done = [
            pool.submit(start, folders["whole"]),
            pool.submit(start, folders["other"], "--seed", "1"),
            *(pool.submit(stop_and_resume, folders[how], how) for how in STOPS),
        ]
    for process in done:
        assert process.result().returncode == 0, process.result().stderr
    for process in done[2:]:
        assert "Se sigue con run: 2\u00a0épocas terminadas." in process.result().stdout
    return folders


@pytest.fixture(scope="module")
def whole(folders):
    return folders["whole"]


@pytest.mark.parametrize("how", STOPS)
def test_an_interrupted_run_ends_with_the_same_weights(folders, whole, how):
    for ours, theirs in zip(weights(folders[how]), weights(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert losses(folders[how]) == losses(whole)


@pytest.mark.matrix
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="make .venv/jax")
def test_an_interrupted_run_ends_with_the_same_weights_on_jax(tmp_path):
    folders = [tmp_path / name for name in ("whole", "stopped")]
    for folder in folders:
        folder.mkdir()
        (folder / "lesson.py").write_text(LESSON)
    done = [
        start(folders[0], KERAS_BACKEND="jax"),
        stop_and_resume(folders[1], "SIGKILL", KERAS_BACKEND="jax"),
    ]
    assert [process.returncode for process in done] == [0, 0], done[1].stderr
    for ours, theirs in zip(*map(weights, folders), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert losses(folders[0]) == losses(folders[1])


def test_another_seed_gives_other_weights(folders, whole):
    pairs = zip(weights(folders["other"]), weights(whole), strict=True)
    assert any((ours != theirs).any() for ours, theirs in pairs)


def test_history_has_one_row_an_epoch(whole):
    rows = read_history(whole / "run")
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert set(rows[0]) == {"epoch", "loss", "val_loss", "time_s"}


def test_only_the_newest_checkpoint_is_kept_and_the_averages_that_fit_ends_with(whole):
    names = sorted(path.name for path in (whole / "run/checkpoints").iterdir())
    assert names == ["epoch_0004.weights.h5", "final.weights.h5"]


def make(**changes):
    return SimpleNamespace(**{"seed": 0, "epochs": 4, "run_dir": None, "resume": False, **changes})


def test_runs_never_overwrite_each_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [str(run_dir("taller", make())) for _ in range(3)]
    assert folders == [os.path.join("runs", f"taller{tail}") for tail in ("", "-2", "-3")]
    assert str(run_dir("taller", make(resume=True))) == folders[-1]
    (tmp_path / folders[1] / "checkpoints/epoch_0002.weights.h5").touch()
    assert str(run_dir("taller", make(resume=True))) == folders[1]  # the last did not get so far


def test_a_folder_with_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(CourseError, match="no está vacía.*\n.*--resume"):
        run_dir("taller", make(run_dir=str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_resuming_with_other_settings_is_refused(tmp_path):
    folder = str(tmp_path / "run")
    run_dir("taller", make(run_dir=folder))
    with pytest.raises(CourseError, match="empezó con seed=0. Llegó: seed=1"):
        run_dir("taller", make(run_dir=folder, resume=True, seed=1))
    assert json.loads((tmp_path / "run/settings.json").read_text())["seed"] == 0


@pytest.mark.parametrize("left", ["", "[1]", '{"seed": 0', "\xff"])
def test_damaged_settings_are_an_error(tmp_path, left):
    (tmp_path / "settings.json").write_text(left, encoding="latin-1")
    with pytest.raises(CourseError, match="settings.json.*\n.*sin --resume"):
        run_dir("taller", make(run_dir=str(tmp_path), resume=True))
    assert (tmp_path / "settings.json").read_text(encoding="latin-1") == left


def test_a_metric_that_an_epoch_lacks_is_none_and_nan_is_what_it_came_to(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss,val_loss\n1,0.5,\n2,0.25,nan\n")
    first, second = read_history(tmp_path)
    assert first == {"epoch": 1, "loss": 0.5, "val_loss": None}
    assert second["loss"] == 0.25 and np.isnan(second["val_loss"])


@pytest.mark.parametrize("row", ["1,abc", "1", "1,2,3", "x,2"])
def test_a_damaged_history_is_an_error(tmp_path, row):
    (tmp_path / "history.csv").write_text(f"epoch,loss\n{row}\n")
    with pytest.raises(CourseError, match="history.csv no es la historia.*\n.*sin --resume"):
        read_history(tmp_path)


def test_what_a_killed_run_was_writing_goes_when_it_is_resumed(tmp_path):
    run = run_dir("taller", make(run_dir=str(tmp_path / "run")))
    with files.whole(run / "checkpoints/epoch_0003.weights.h5") as part:
        part.touch()
        name = part.name
    (run / "checkpoints/epoch_0003.weights.h5").rename(run / "checkpoints" / name)
    Checkpoint(run).on_train_begin()
    assert list((run / "checkpoints").iterdir()) == []


def test_a_run_in_which_nothing_came_about_leaves_no_folder(tmp_path, monkeypatch):
    """A typo in --source is found after run_dir; the corrected command must find the same place."""
    at_exit = []
    monkeypatch.setattr("atexit.register", lambda *call: at_exit.append(call))
    for left, kept in {"": False, "history.csv": True, "checkpoints/epoch": True}.items():
        run = run_dir("taller", make(run_dir=str(tmp_path / "run")))
        if left:
            (run / left).write_text("something")
        function, *given = at_exit.pop()
        function(*given)
        assert run.exists() == kept
        if kept:
            assert (run / "settings.json").exists() and (run / "checkpoints").exists()
            shutil.rmtree(run)


def test_resuming_nothing_starts_anew_and_says_so(tmp_path, capsys):
    run_dir("taller", make(run_dir=str(tmp_path / "run"), resume=True))
    assert "se empieza de nuevo" in capsys.readouterr().out


def test_the_data_are_read_for_a_checksum_by_several_processes_only(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(Batches, "fingerprint", lambda self: read.append(self))
    batches = Batches(np.zeros((4, 2)), np.zeros(4), batch_size=2, seed=0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")

    def fit(run):
        (run / "checkpoints").mkdir(parents=True)
        model.fit(batches, verbose=0, callbacks=[Checkpoint(run, batches, seed=0)])

    fit(tmp_path / "one")
    assert not read
    monkeypatch.setattr(processes, "how_many", lambda: 2)
    monkeypatch.setattr(processes, "agree", lambda *_, **values: values)
    with pytest.raises(CourseError, match="red de los 2 procesos(.|\n)*with all_devices"):
        fit(tmp_path / "two")  # each would train alone
    assert read == [batches]


def test_a_checkpoint_of_another_model_is_an_error(whole, tmp_path):
    from course.models import mlp

    model = mlp((3,), 1)
    model.compile("adam", "mse")
    with pytest.raises(CourseError, match="otro entrenamiento. Difieren: .*los parámetros"):
        resume(model, whole / "run")
