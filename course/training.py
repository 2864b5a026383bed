"""What surrounds `fit`: the run's folder, its seeds, and going on after an interruption.

It never wraps `fit`; a lesson calls that itself:

    set_seed(s.seed)
    run = run_dir("taller2_cnn_mnist", s)
    …
    batches = Batches(x, y, s.batch_size, s.seed)
    model.fit(
        batches,
        initial_epoch=resume(model, run),
        epochs=s.epochs,
        callbacks=callbacks(run, batches, seed=s.seed),
    )
"""

import atexit
import contextlib
import csv
import json
import os
import pathlib
import random
import re
import time

import keras
import numpy as np

from course.errors import CourseError

_CHECKPOINT = "checkpoints/epoch_{:04d}.weights.h5"


def run_dir(lesson, s):
    """Make, or find again, the folder of this run and write its `settings.json`.

    Args:
        lesson: String, the lesson's name: runs live in `runs/<lesson>`, `runs/<lesson>-2`, ….
        s: The settings, with `run_dir`, `resume` and the rest. `s.resume` finds the newest run of
            the lesson again; without it the folder must be new, so that no run is overwritten.

    Returns:
        `pathlib.Path` of an existing folder.

    Raises:
        CourseError: If the folder already holds a run and `s.resume` is not set, or the run to
            resume was started with other settings.
    """
    folder = pathlib.Path(s.run_dir) if s.run_dir else _default_folder(lesson, s.resume)
    if s.resume:
        _check_same_settings(folder, s)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CourseError(
            f"The folder {folder} is not empty, and a run never overwrites another.\n"
            "To go on with the run that is there, add --resume. To start anew, give another "
            "--run-dir."
        )
    wanted = {"lesson": lesson, **vars(s)}
    del wanted["run_dir"], wanted["resume"]
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    _write(folder / "settings.json", json.dumps(wanted, indent=2, ensure_ascii=False) + "\n")
    atexit.register(_take_back, folder.absolute())
    return folder


def set_seed(seed):
    """Seed Python, NumPy and Keras, and ask the backend for operations that repeat exactly.

    On a CPU two runs with one seed then end with the same weights, bit for bit.
    """
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def callbacks(run, batches, *, seed):
    """The callbacks that make a run repeatable and resumable: `EpochSeeds` and `Checkpoint`.

    Args:
        run: The run's folder.
        batches: What `fit` is given to train on, an object with `start_epoch(epoch)`.
        seed: Integer.

    Returns:
        List of `keras.callbacks.Callback`.
    """
    return [EpochSeeds(seed, batches), Checkpoint(run)]


def resume(model, run):
    """Bring a compiled model back to where the run's last finished epoch left it.

    Args:
        model: A compiled `keras.Model`, built as it was when the run began.
        run: The run's folder.

    Returns:
        Integer, how many epochs are finished: the `initial_epoch` of `fit`. 0 for a new run.

    Raises:
        CourseError: If the checkpoint does not fit the model.
    """
    done = max((epoch for epoch, _ in _checkpoints(run)), default=0)
    if done:
        path = pathlib.Path(run) / _CHECKPOINT.format(done)
        try:
            with _scope(model):
                model.optimizer.build(model.trainable_variables)
                model.load_weights(path)
        except (OSError, ValueError, KeyError) as error:
            raise CourseError(
                f"The checkpoint {path} does not fit this model: {error}\n"
                "Was the lesson changed since the run began? Start anew without --resume."
            ) from error
        print(f"Resuming {run}: {done} epochs are done.")
    return done


class EpochSeeds(keras.callbacks.Callback):
    """Derive all chance of an epoch from `(seed, epoch)`, whatever came before it.

    Keras saves neither how far the random numbers of dropout and augmentation layers have come,
    nor the order of the data. Starting each epoch from numbers of its own makes a resumed run draw
    what an uninterrupted one would have drawn.
    """

    def __init__(self, seed, batches):
        super().__init__()
        self.seed, self.batches = seed, batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.start_epoch(epoch)
        random.seed(f"{self.seed} {epoch}")  # with it `fit` shuffles the batches of a PyDataset
        states = [v for v in self.model.variables if v.name == "seed_generator_state"]
        for position, state in enumerate(states):
            drawn = np.random.SeedSequence((self.seed, epoch, position)).generate_state(2)
            state.assign(drawn.astype(state.dtype))


class Checkpoint(keras.callbacks.Callback):
    """After each epoch, write `history.csv` and the weights with the optimiser's state.

    Both are written under a temporary name and then renamed, so that a run killed at any moment
    leaves the last finished epoch whole. Only the newest checkpoint is kept.
    """

    def __init__(self, run):
        super().__init__()
        self.run = pathlib.Path(run)
        self.rows = []

    def on_train_begin(self, logs=None):
        done = max((epoch for epoch, _ in _checkpoints(self.run)), default=0)
        self.rows = read_history(self.run)[:done]

    def on_epoch_begin(self, epoch, logs=None):
        self.begun_s = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        measured = {name: float(value) for name, value in (logs or {}).items()}
        time_s = round(time.monotonic() - self.begun_s, 2)
        self.rows.append({"epoch": epoch + 1, **measured, "time_s": time_s})
        _write_history(self.run, self.rows)
        path = self.run / _CHECKPOINT.format(epoch + 1)
        partial = path.with_name("partial.weights.h5")
        self.model.save_weights(partial)
        os.replace(partial, path)
        for older, other in _checkpoints(self.run):
            if older <= epoch:
                other.unlink()


def read_history(run):
    """Read `history.csv` of a run: one dict an epoch, counted from 1; `[]` where there is none.

    Raises:
        CourseError: If the file is damaged.
    """
    path = pathlib.Path(run) / "history.csv"
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [{k: int(v) if k == "epoch" else float(v) for k, v in row.items()} for row in rows]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise CourseError(
            f"{path} is no history of a training: {error}\n"
            "Expected a header (epoch,loss,…) and a line of numbers per epoch. "
            "Start anew in another --run-dir, without --resume."
        ) from error


def _write_history(run, rows):
    lines = [",".join(rows[0]), *(",".join(repr(v) for v in row.values()) for row in rows)]
    _write(run / "history.csv", "\n".join(lines) + "\n")


def _write(path, text):
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def _scope(model):
    """Where the model's variables were made: on several devices its optimizer's go there too."""
    strategy = getattr(model, "distribute_strategy", None)  # TensorFlow's models have one
    return strategy.scope() if strategy else contextlib.nullcontext()


def _checkpoints(run):
    """The run's whole checkpoints, `[(finished epochs, path), …]`."""
    paths = pathlib.Path(run).glob("checkpoints/epoch_*.weights.h5")
    return [(int(re.search(r"epoch_(\d+)", path.name)[1]), path) for path in paths]


def _default_folder(lesson, again):
    """`runs/<lesson>`, or the next free of its numbered successors.

    `again`: the newest of them in which an epoch is finished, else the newest.
    """
    root, taken = pathlib.Path("runs"), []
    while (folder := root / (f"{lesson}-{len(taken) + 1}" if taken else lesson)).exists():
        taken.append(folder)
    if again and taken:
        return next((run for run in reversed(taken) if _checkpoints(run)), taken[-1])
    return folder


def _take_back(folder):
    """Remove a run in which nothing came about, say for a typo in the name of the source.

    Otherwise the same command, corrected, would meet a folder that is not empty, and `--resume`
    would find a run without an epoch before the one that has some.
    """
    made = [folder / "checkpoints", folder / "settings.json"]
    with contextlib.suppress(OSError):
        if sorted(folder.iterdir()) == made and not any(made[0].iterdir()):
            made[0].rmdir()
            made[1].unlink()
            folder.rmdir()


def _check_same_settings(folder, s):
    path = folder / "settings.json"
    if not path.exists():
        print(f"There is no run in {folder} to go on with: starting anew.")
        return
    try:
        begun = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CourseError(
            f"{path} cannot be read: {error}\nExpected the settings that the run began with. "
            "Start anew in another --run-dir, without --resume."
        ) from error
    for name, value in vars(s).items():
        if name in begun and begun[name] != value:
            raise CourseError(
                f"The run in {folder} was started with {name}={begun[name]}. "
                f"Received: {name}={value}.\n"
                "Give the same settings to resume it, or another --run-dir to start anew."
            )
