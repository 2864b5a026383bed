"""Callbacks that make a run repeatable, and one that was interrupted go on bit for bit."""

import contextlib
import errno
import pathlib
import random
import re
import shutil
import time
import warnings
import zlib

import keras
import numpy as np

from course import files
from course.errors import CourseError
from course.spanish import count
from course.training import processes
from course.training.devices import in_step, sharing, used_for
from course.training.fingerprint import code_in, differences, fingerprint
from course.training.run_folder import (
    CHECKPOINT,
    FINAL,
    anew,
    checkpoints,
    finished,
    read_rows,
    read_training,
    write_history,
    write_training,
)


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

    Where devices of a CPU share the batches there is one more, `course.training.devices.in_step`.
    Others may stand beside them. Their memory is not saved: after an interruption an EarlyStopping,
    ReduceLROnPlateau or ModelCheckpoint looks for the best among the epochs that are left.

    Args:
        run: The run's folder.
        batches: What `fit` is given to train on, an object with `start_epoch(epoch)`.
        seed: Integer.

    Returns:
        List of `keras.callbacks.Callback`.

    Raises:
        CourseError: If `batches` cannot draw an epoch anew, such as a `tf.data.Dataset`.
    """
    if not hasattr(batches, "start_epoch"):
        kind = "tf.data.Dataset" if hasattr(batches, "as_numpy_iterator") else type(batches)
        raise CourseError(
            "callbacks: se esperaban lotes que se sortean de nuevo en cada época (Batches). "
            f"Llegó: {getattr(kind, '__name__', kind)}.\n"
            "Qué hacer: from course.datasets.batches import Batches; después "
            "batches = Batches(x, y, s.batch_size, s.seed), con x, y tus arreglos, y dale batches "
            "a fit y a callbacks."
        )
    return [EpochSeeds(seed, batches), Checkpoint(run, batches, seed), *in_step()]


def resume(model, run):
    """Bring a compiled model to what the run has last trained.

    After an interruption that is the last finished epoch, with which `fit` goes on. A `fit` that
    came to its end is not trained further: the model gets the weights it ended with, those that an
    EarlyStopping has put back included.

    Args:
        model: A compiled `keras.Model`, built as it was when the run began.
        run: The run's folder.

    Returns:
        Integer, the `initial_epoch` of `fit`: how many epochs are finished, or after a `fit` that
        ended early how many it was asked for. 0 for a new run.

    Raises:
        CourseError: If the run trained another network, or one compiled otherwise.
    """
    done, path = finished(run)
    if not done:
        return 0
    training = read_training(run) or {}
    if other := differences(training.get("network", {}), fingerprint(model)):
        way = (
            f"Si quieres entrenar más la red que está en la memoria (por ejemplo, descongelada), "
            f"pon initial_epoch={done} en lugar de resume, y en epochs un número mayor que {done}."
            if training.get("ended")
            else "Para seguir esta, que se interrumpió, arma y compila la red como entonces (por "
            "ejemplo, descongelada) antes de resume, sin repetir los fit de antes."
        )
        raise CourseError(
            f"La corrida {run} ya tiene {_epochs(done)} de otro entrenamiento. Difieren: "
            f"{'; '.join(other)}.\n"
            f"Qué hacer: {anew()}. {way}"
        )
    try:
        with _scope(model):
            model.optimizer.build(model.trainable_variables)
            model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise CourseError(
            f"El punto de control {path} no corresponde a este modelo: {error}\n"
            f"Qué hacer: si el taller cambió desde que empezó la corrida, empieza de nuevo: "
            f"{anew()}."
        ) from error
    print(f"Se sigue con {run}: {_epochs(done, 'terminada')}.")
    return max(done, training.get("wanted", 0)) if training.get("ended") else done


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
        if keras.backend.backend() == "torch":
            import torch

            # there Keras' dropout without a seed of its own draws from PyTorch's one state
            torch.manual_seed(np.random.SeedSequence((self.seed, epoch)).generate_state(1)[0])


class Checkpoint(keras.callbacks.Callback):
    """After each epoch, write the weights with the optimiser's state, then what is known of it.

    Each file is written whole or not at all, the weights before `training.json` and
    `history.csv`: a run killed at any moment, or a full disk, leaves the last finished epoch whole.
    Only the newest checkpoint is kept; files of others in the folder stay.

    Raises:
        CourseError: Before the first batch: an epoch would be trained a second time in one run, or
            an interrupted `fit` would go on with other batches.
    """

    def __init__(self, run, batches=None, seed=None):
        super().__init__()
        self.run = pathlib.Path(run)
        self.batches = {}
        self.data = getattr(batches, "fingerprint", lambda: None)
        self.glance = getattr(batches, "glance", lambda: None)
        self.left_out = getattr(batches, "left_out", lambda: "")
        if batches is not None:
            size = getattr(batches, "batch_size", None)
            augment = getattr(getattr(batches, "augment", None), "__name__", None)
            self.batches = {
                "seed": seed,
                "steps": len(batches),
                "batch_size": size,
                "augment": augment,
            }

    def on_train_begin(self, logs=None):
        self.done, self.kept = finished(self.run)
        self.training = read_training(self.run)
        self.interrupted = bool(self.done and self.training and not self.training.get("ended"))
        self.rows = [row for row in read_rows(self.run) if row["epoch"] <= self.done]
        self.trained, self.weights = 0, None
        # what a run that was killed while it wrote has left
        for path in self.run.glob("checkpoints/.*"):
            if re.fullmatch(
                rf"\.\w{{8}}{files.UNFINISHED}\.(epoch_\d+|final)\.weights\.h5", path.name
            ):
                path.unlink()
        if part := code_in(self.model):
            warnings.warn(
                f"{part.name} ({type(part).__name__}) trae código propio: la red se puede "
                "entrenar, pero export no la guardará.\n"
                "Qué hacer: si la quieres guardar, detén esto y pon en su lugar capas de Keras.",
                UserWarning,
                stacklevel=2,
            )
        # Others may change the weights when `fit` ends, and stand after this one; Keras' own
        # History, new for each `fit`, stands after them all.
        last = getattr(self.model, "history", None) or self
        last.on_train_end = self.finish

    def on_epoch_begin(self, epoch, logs=None):
        if not self.trained:
            self._begin(epoch)
        self.begun_s = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        time_s = round(time.monotonic() - self.begun_s, 2)
        path = self.run / CHECKPOINT.format(epoch + 1)
        with files.whole(path) as part:
            _save(self.model, part)
        self.weights = _digest(self.model)
        self.trained += 1
        self._note(epochs=epoch + 1, weights=CHECKPOINT.format(epoch + 1))
        row = {"epoch": epoch + 1} | _cells(logs or {})
        self.rows.append(row | {"epoch": epoch + 1, "time_s": time_s})
        write_history(self.run, self.rows)
        for _, other in [*checkpoints(self.run), (0, self.run / FINAL)]:
            if other != path:
                other.unlink(missing_ok=True)

    def finish(self, logs=None):
        """Remember that `fit` ended, and its weights if they are not the last epoch's."""
        if not self.trained:
            if self.training:
                self._note(ended=True, trained=0)
            if self.done:
                print(
                    f"{self.run}: esta corrida ya está terminada; no se entrenó nada.\n"
                    f"Qué hacer: {anew()}."
                )
            return
        changed = _digest(self.model) != self.weights
        if changed:
            with files.whole(self.run / FINAL) as part:
                _save(self.model, part)
            self._note(weights=FINAL)
        self._note(ended=True, trained=self.trained)
        self.model.course_run = self.run
        averaged = getattr(self.model.optimizer, "use_ema", False)  # remembered by Keras
        if self.interrupted and (self.model.stop_training or changed and not averaged):
            print(
                "Lo que detuvo este fit o eligió sus pesos (un EarlyStopping, por ejemplo) solo "
                f"vio las épocas desde la {self.done + 1}: de las de antes de la interrupción no "
                "sabe nada."
            )

    def _begin(self, epoch):
        """What is refused, and what is said, before the first batch of this `fit`."""
        network = fingerprint(self.model)
        if processes.how_many() > 1:  # all data are read for it, from the disk too
            known = {"red": network, "lotes": self.batches, "datos": self.data()}
            processes.agree("sus redes o sus datos", **known)
        if epoch < self.done:
            raise self._backwards(epoch)
        if self.interrupted and not differences(self.training.get("network", {}), network):
            if other := differences(self.training.get("batches", {}), self.batches):
                raise CourseError(
                    f"El entrenamiento interrumpido en {self.run} no puede seguir con otros lotes. "
                    f"Difieren: {'; '.join(other)}.\n"
                    f"Qué hacer: para seguirlo, da los mismos; {anew()}."
                )
        glance = self.glance()
        if self.interrupted and self.training.get("data") not in (None, glance):
            warnings.warn(
                f"{self.run} sigue con otros ejemplos: los de entrenamiento no son los de cuando "
                "empezó. Lo que aprenda vendrá de unos y de otros.\n"
                f"Qué hacer: si no lo querías, detén esto y da los mismos; {anew()}.",
                UserWarning,
                stacklevel=2,
            )
        if processes.how_many() > 1 and sharing() == 1:
            raise CourseError(
                f"Se esperaba una red de los {processes.how_many()} procesos. Llegó una que cada "
                "uno entrenaría solo.\n"
                "Qué hacer: arma y compila la red dentro de with all_devices():, o entrena en uno "
                "solo, sin --processes."
            )
        print(used_for(self.model) + self.left_out())
        before = getattr(self.model, "course_run", None)
        if not self.done and before not in (None, self.run):
            print(
                f"Esta red parte de los pesos que aprendió en {before}. Para partir de cero, "
                "ejecuta antes la celda que la construye."
            )
        kept = self.kept.relative_to(self.run).as_posix() if self.kept else CHECKPOINT.format(0)
        self.training = {"epochs": self.done, "weights": kept}
        self._note(
            wanted=self.params.get("epochs") or 0,
            ended=False,
            trained=0,
            network=network,
            batches=self.batches,
            data=glance,
        )

    def _backwards(self, epoch):
        wanted = self.done + max(1, (self.params.get("epochs") or 0) - epoch)
        way = f"initial_epoch={self.done}, epochs={wanted}"
        if self.interrupted:
            way = f"initial_epoch=resume(model, run) (o {way})"
        return CourseError(
            f"La corrida {self.run} ya tiene {_epochs(self.done)}, y este fit empieza otra vez en "
            f"la {epoch + 1}.\n"
            "Qué hacer: para entrenar más la red que está en la memoria, pon en fit "
            f"{way}; {anew()}."
        )

    def _note(self, **known):
        self.training |= known
        write_training(self.run, self.training)


def _cells(logs):
    """An epoch's logs as numbers: dice_0, dice_1, … for several values; what is no number is none.

    Example:

    >>> _cells({"loss": 1, "dice": np.array([0.5, 1]), "note": "text"})
    {'loss': 1.0, 'dice_0': 0.5, 'dice_1': 1.0}
    """
    cells = {}
    for name, value in logs.items():
        try:
            if keras.ops.is_tensor(value):
                value = keras.ops.convert_to_numpy(value)
            values = np.asarray(value, dtype="float64")
        except (TypeError, ValueError):
            continue
        if values.size == 1:
            cells[name] = values.item()
        else:
            for place in np.ndindex(values.shape):
                cells["_".join(map(str, (name, *place)))] = values[place].item()
    return cells


def _save(model, path):
    """Write weights and optimizer, or raise OSError.

    Room is looked for before: HDF5 would leave lines on the screen that nobody can catch.
    """
    variables = [*model.variables, *model.optimizer.variables]
    needed = sum(4 * int(np.prod(v.shape)) for v in variables if v.dtype != "string")
    if shutil.disk_usage(path.parent).free < 1.1 * needed:
        raise OSError(errno.ENOSPC, "no room")
    try:
        model.save_weights(path)
    except RuntimeError as error:
        raise OSError(None, str(error)) from error


def _digest(model):
    """A checksum of the weights."""
    sum_ = 0
    for weights in model.get_weights():
        sum_ = zlib.crc32(np.ascontiguousarray(weights), sum_)
    return sum_


def _epochs(n, word=""):
    return count(n, f"época {word}".strip(), f"épocas {word}s" if word else "épocas")


def _scope(model):
    """Where the model's variables were made: on several devices its optimizer's go there too."""
    strategy = getattr(model, "distribute_strategy", None)  # TensorFlow's models have one
    return strategy.scope() if strategy else contextlib.nullcontext()
