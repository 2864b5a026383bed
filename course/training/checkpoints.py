"""Callbacks that make a run repeatable, and one that was interrupted go on bit for bit."""

import contextlib
import pathlib
import random
import time

import keras
import numpy as np

from course import files
from course.errors import CourseError
from course.spanish import count
from course.training.run_folder import CHECKPOINT, checkpoints, read_history, write_history


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
    done = max((epoch for epoch, _ in checkpoints(run)), default=0)
    if done:
        path = pathlib.Path(run) / CHECKPOINT.format(done)
        try:
            with _scope(model):
                model.optimizer.build(model.trainable_variables)
                model.load_weights(path)
        except (OSError, ValueError, KeyError) as error:
            raise CourseError(
                f"El punto de control {path} no corresponde a este modelo: {error}\n"
                "Qué hacer: si el taller cambió desde que empezó la corrida, empieza de nuevo sin "
                "--resume."
            ) from error
        print(f"Se sigue con {run}: {count(done, 'época terminada', 'épocas terminadas')}.")
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

    Both are written whole or not at all, so that a run killed at any moment leaves the last
    finished epoch whole. Only the newest checkpoint is kept.
    """

    def __init__(self, run):
        super().__init__()
        self.run = pathlib.Path(run)
        self.rows = []

    def on_train_begin(self, logs=None):
        done = max((epoch for epoch, _ in checkpoints(self.run)), default=0)
        self.rows = read_history(self.run)[:done]
        # what a run that was killed while it wrote has left
        for unfinished in self.run.glob(f"checkpoints/*{files.UNFINISHED}*"):
            unfinished.unlink()

    def on_epoch_begin(self, epoch, logs=None):
        self.begun_s = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        measured = {name: float(value) for name, value in (logs or {}).items()}
        time_s = round(time.monotonic() - self.begun_s, 2)
        self.rows.append({"epoch": epoch + 1, **measured, "time_s": time_s})
        write_history(self.run, self.rows)
        with files.whole(self.run / CHECKPOINT.format(epoch + 1)) as path:
            self.model.save_weights(path)
        for older, other in checkpoints(self.run):
            if older <= epoch:
                other.unlink()


def _scope(model):
    """Where the model's variables were made: on several devices its optimizer's go there too."""
    strategy = getattr(model, "distribute_strategy", None)  # TensorFlow's models have one
    return strategy.scope() if strategy else contextlib.nullcontext()
