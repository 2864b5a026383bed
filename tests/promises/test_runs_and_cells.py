"""What a run's folder says is what was trained last, in whatever order cells are run."""

import csv
import errno
import os
import re
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from course import files
from course.datasets.batches import Batches
from course.datasets.catalog import Origin
from course.errors import CourseError
from course.evaluation import evaluate_regressor
from course.export import export
from course.metrics import Dice
from course.training import callbacks, read_history, resume, run_dir, run_folder
from course.training.run_folder import CHECKPOINT, read_training

X = np.random.default_rng(0).random((32, 4)).astype("float32")
Y = X.sum(axis=1)


@pytest.fixture
def run(tmp_path):
    return run_dir("t", settings(run_dir=str(tmp_path / "run")))


@pytest.fixture
def notebook(monkeypatch):
    """IPython is there: messages speak of cells."""
    shell = SimpleNamespace(get_ipython=object, version_info=(9, 0))
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setattr("course.training.place.is_script", lambda caller: False)


def settings(**changes):
    return SimpleNamespace(**{"run_dir": None, "resume": False, "seed": 0} | changes)


def network(rate=1e-2, loss="mse", dropout=0.5, units=3, optimizer=keras.optimizers.Adam, **more):
    layers = keras.layers
    hidden = layers.Dense(units)
    model = keras.Sequential([keras.Input((4,)), layers.Dropout(dropout), hidden, layers.Dense(1)])
    model.compile(optimizer(rate), loss, **more)
    return model


def train(model, run, epochs=3, start=None, size=16, augment=None, beside=(), **given):
    """The `fit` cell of a lesson."""
    batches = Batches(X, Y, size, 0, augment=augment)
    return model.fit(
        batches,
        initial_epoch=resume(model, run) if start is None else start,
        epochs=epochs,
        callbacks=[*callbacks(run, batches, seed=0), *beside],
        verbose=0,
        **given,
    ).epoch


def as_they_are(inputs, rng):
    return inputs


def same(model, other):
    pairs = zip(model.get_weights(), other.get_weights(), strict=True)
    return all((ours == theirs).all() for ours, theirs in pairs)


def cells(run):
    with (run / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# ---- a cell that is run again


@pytest.mark.parametrize(
    "change, words",
    [
        ({"rate": 1e-6}, "learning_rate: antes 0.01, ahora 1e-06"),
        ({"loss": "mae"}, "loss: antes mse, ahora mae"),
        ({"loss": keras.losses.Huber()}, "loss: antes mse, ahora Huber"),
        ({"dropout": 0.1}, "las capas"),
        ({"units": 4}, "los parámetros: antes 19, ahora 25"),
        ({"optimizer": keras.optimizers.SGD}, "la clase: antes Adam, ahora SGD"),
        ({"rate": keras.optimizers.schedules.CosineDecay(0.01, 9)}, "ahora CosineDecay"),
    ],
)
def test_another_training_is_not_passed_off_as_the_continuation(run, notebook, change, words):
    train(network(), run)
    model = network(**change)
    before = model.get_weights()
    with pytest.raises(CourseError) as message:
        train(model, run)
    assert words in str(message.value) and "«Ajustes»" in str(message.value)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    assert len(read_history(run)) == 3


def test_the_same_cell_again_trains_nothing_and_says_so(run, notebook, capsys):
    first = network()
    train(first, run)
    again = network()  # its layers have other counters in their names
    assert train(again, run) == []
    assert same(again, first)
    printed = capsys.readouterr().out
    assert "ya está terminada; no se entrenó nada" in printed
    assert "ejecuta otra vez la celda «Ajustes»" in printed
    assert "--" not in printed
    assert "no se entrenó nada" in page(again, run)


def test_the_advice_makes_a_new_run(tmp_path, monkeypatch, notebook):
    monkeypatch.chdir(tmp_path)
    first = run_dir("t", settings())  # the cell «Ajustes»
    train(network(), first)
    with pytest.raises(CourseError, match="«Ajustes»"):
        train(network(rate=1e-3), first)
    second = run_dir("t", settings())
    assert second != first and train(network(rate=1e-3), second) == [0, 1, 2]


def test_a_trained_network_in_a_new_run_is_told(tmp_path, capsys):
    model = network()
    for name in "ab":
        train(model, run_dir("t", settings(run_dir=str(tmp_path / name))))
    assert "parte de los pesos que aprendió en" in capsys.readouterr().out


def test_more_epochs_of_the_same_go_on(run):
    whole, parted = network(), network()
    parted.set_weights(whole.get_weights())
    other = run_dir("t", settings(run_dir=str(run.with_name("other"))))
    train(whole, other, epochs=4)
    assert train(parted, run, epochs=2) == [0, 1]
    assert train(network(), run, epochs=4) == [2, 3]
    rows = [{k: v for k, v in row.items() if k != "time_s"} for row in read_history(run)]
    assert rows == [{k: v for k, v in r.items() if k != "time_s"} for r in read_history(other)]


def test_an_interrupted_fit_goes_on_but_not_with_other_batches(run, notebook):
    model = network()
    with pytest.raises(KeyboardInterrupt):
        train(model, run, epochs=4, beside=[stop_before(2)])
    with pytest.raises(CourseError, match="batch_size: antes 16, ahora 8"):
        train(network(), run, epochs=4, size=8)
    with pytest.raises(CourseError, match="augment: antes None, ahora as_they_are"):
        train(network(), run, epochs=4, augment=as_they_are)
    with pytest.raises(CourseError, match="learning_rate"):
        train(network(rate=1.0), run, epochs=4)
    assert train(model, run, epochs=4) == [2, 3]
    assert [row["epoch"] for row in read_history(run)] == [1, 2, 3, 4]


def test_an_interrupted_fit_that_goes_on_with_other_examples_says_so(run, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        train(network(), run, epochs=2, beside=[stop_before(1)])
    monkeypatch.setitem(globals(), "X", X + 1)
    with pytest.warns(UserWarning, match="sigue con otros ejemplos(.|\n)*da los mismos"):
        assert train(network(), run, epochs=2) == [1]


def test_a_lowered_rate_is_no_other_training(run):
    """ReduceLROnPlateau beside ours, interrupted; the fit cell alone is run again."""
    lower = keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=0, min_delta=9)
    model = network()
    with pytest.raises(KeyboardInterrupt):
        train(model, run, beside=[lower, stop_before(2)])
    assert float(model.optimizer.learning_rate) < 1e-2
    assert train(model, run, beside=[lower]) == [2]


# ---- two fits in one run


def test_a_second_fit_goes_on_where_the_message_says(run):
    model = network()
    train(model, run, epochs=4)
    model.layers[1].trainable = False
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    with pytest.raises(CourseError, match="initial_epoch=4, epochs=6") as message:
        train(model, run, epochs=2, start=0)
    assert "ya tiene 4\u00a0épocas" in str(message.value)
    assert train(model, run, epochs=6, start=4) == [4, 5]
    assert [row["epoch"] for row in read_history(run)] == [1, 2, 3, 4, 5, 6]
    assert [p.name for p in (run / "checkpoints").iterdir()] == ["epoch_0006.weights.h5"]
    last = network()
    last.layers[1].trainable = False
    last.compile(keras.optimizers.Adam(1e-3), "mse")
    assert resume(last, run) == 6 and same(last, model)
    with pytest.raises(CourseError, match="los parámetros que aprenden|las capas"):
        resume(network(), run)


# ---- history


def test_columns_are_the_union_of_the_names(run):
    train(network(), run, epochs=3, validation_data=(X, Y), validation_freq=2)
    train(network(metrics=["mae"]), run, epochs=4)  # a metric more changes no weight
    assert list(cells(run)[0]) == ["epoch", "loss", "val_loss", "mae", "time_s"]
    empty = [[n for n, cell in row.items() if cell == ""] for row in cells(run)]
    assert empty == [["val_loss", "mae"], ["mae"], ["val_loss", "mae"], ["val_loss"]]
    rows = read_history(run)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert rows[0]["val_loss"] is None and rows[1]["val_loss"] > 0


def test_an_epoch_without_validation_is_no_nan_in_the_figure():
    from course import figures

    rows = [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0, "val_loss": 1.5}]
    (axes,) = figures.learning_curves([*rows, {"epoch": 3, "loss": 0.5}], title="a").axes
    labels = axes.get_legend_handles_labels()[1]
    assert not [label for label in labels if "NaN" in label]
    assert [label for label in labels if "época 2" in label]


def test_a_history_that_does_not_say_which_epochs_were_validated(run):
    """Keras' own has two values of five epochs; the run's folder knows where they belong."""
    from course import figures

    batches, model = Batches(X, Y, 16, 0), network()
    history = model.fit(
        batches,
        validation_data=(X, Y),
        validation_freq=2,
        epochs=5,
        callbacks=callbacks(run, batches, seed=0),
        verbose=0,
    )
    with pytest.raises(CourseError, match=r"loss en 5, val_loss en 2.*\n.*read_history\(run\)"):
        figures.learning_curves(history, title="a")
    (axes,) = figures.learning_curves(read_history(run), title="a").axes
    lines = {line.get_label(): line.get_xdata().tolist() for line in axes.lines}
    assert not [name for name in lines if "NaN" in name]
    (validated,) = [epochs for name, epochs in lines.items() if name.startswith("validación")]
    assert validated == [2, 4]


def test_a_metric_of_several_values_has_a_column_each(run):
    x, y = np.zeros((8, 4), "float32"), np.zeros((8, 2, 2, 3), "float32")
    layers = keras.layers
    model = keras.Sequential([keras.Input((4,)), layers.Dense(12), layers.Reshape((2, 2, 3))])
    model.compile("sgd", "mse", metrics=[Dice(3, threshold=0.5, average=None)])
    batches = Batches(x, y, 4, 0)
    model.fit(batches, validation_data=(x, y), callbacks=callbacks(run, batches, seed=0), verbose=0)
    wanted = {f"{part}dice_{i}" for part in ("", "val_") for i in range(3)}
    assert wanted <= set(cells(run)[0])


@pytest.mark.parametrize("log", ["text", None, [1, 2], np.eye(2), {"a": object()}, "a,b"])
def test_whatever_a_log_holds_the_weights_are_there(run, log):
    class Logs(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["odd, name"] = log
            logs["time_s"] = logs["epoch"] = 99

    batches, model = Batches(X, Y, 16, 0), network()
    model.fit(batches, callbacks=[Logs(), *callbacks(run, batches, seed=0)], verbose=0)
    (row,) = read_history(run)
    assert row["epoch"] == 1 and row["loss"] > 0
    other = network()
    assert resume(other, run) == 1 and same(other, model)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="its train_step")
def test_a_training_without_a_column_called_loss_is_read_again(run):
    class Pair(keras.Sequential):
        def train_step(self, data):
            return {"d_loss": 1.0, "g_loss": 2.0}

    model = Pair([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.warns(UserWarning, match=r"\(Pair\) trae código propio"):
        train(model, run, epochs=1)
        assert train(model, run, epochs=2) == [1]
    assert [row["g_loss"] for row in read_history(run)] == [2, 2]


def test_a_history_that_cannot_be_written_costs_no_weights(run, monkeypatch):
    def full(*_):
        raise CourseError("No se pudo escribir")

    monkeypatch.setattr("course.training.checkpoints.write_history", full)
    model = network()
    with pytest.raises(CourseError):
        train(model, run)
    assert resume(network(), run) == 1


# ---- files of others


def test_files_of_others_stay_and_do_not_count(run):
    folder = run / "checkpoints"
    mine = ["epoch_99.weights.h5", "epoch_12345x.weights.h5", "notes.unfinished.h5", "best.keras"]
    for name in mine:
        (folder / name).write_text("mine")
    saver = keras.callbacks.ModelCheckpoint(
        folder / "epoch_{epoch:02d}.weights.h5", save_weights_only=True
    )
    train(network(), run, beside=[saver])
    names = {path.name for path in folder.iterdir()}
    saved = {f"epoch_0{n}.weights.h5" for n in (1, 2, 3)}
    assert names == {*mine, *saved, "epoch_0003.weights.h5"}
    assert resume(network(), run) == 3


# ---- callbacks with a memory


def rising(values):
    """A callback that says which validation loss each epoch had."""
    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update(val=values[epoch])
    )


@pytest.mark.parametrize("first", [True, False])
def test_a_run_that_stopped_early_keeps_its_best_weights(run, capsys, first):
    kept = []
    beside = [
        rising([3, 1, 2, 2, 2, 2]),
        keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: kept.append(model.get_weights())
        ),
        keras.callbacks.EarlyStopping("val", patience=2, restore_best_weights=True, mode="min"),
    ]
    batches, model = Batches(X, Y, 16, 0), network()
    ours = callbacks(run, batches, seed=0)
    listed = [*ours, *beside] if first else [*beside, *ours]
    model.fit(batches, epochs=6, callbacks=listed, verbose=0)
    assert all((a == b).all() for a, b in zip(kept[1], model.get_weights(), strict=True))
    assert len(read_history(run)) == 4
    again = network()
    assert train(again, run, epochs=6) == []
    assert same(again, model)
    assert "no se entrenó nada" in capsys.readouterr().out
    assert "EarlyStopping" in page(again, run)
    # and whoever wants more has one checkpoint again
    assert train(again, run, epochs=8) == [6, 7]
    assert [p.name for p in (run / "checkpoints").iterdir()] == ["epoch_0008.weights.h5"]


def test_averaged_weights_are_what_the_run_ends_with(run):
    """`use_ema`: Keras puts the average in place when `fit` ends."""

    def averaged():
        model = network()
        model.compile(keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.5), "mse")
        return model

    model, again = averaged(), averaged()
    train(model, run)
    assert train(again, run) == [] and same(again, model)


@pytest.mark.parametrize(
    "values, told",
    [
        ([9, 3, 3, 3, 3], True),  # it stops, and puts back the second epoch's
        ([9, 3, 2, 3, 4], True),  # it puts back the third's at the end
        ([9, 3, 2, 1, 0], False),  # it changes nothing
    ],
)
def test_what_others_have_forgotten_is_told_where_it_counts(run, capsys, values, told):
    interruption = stop_before(1)
    stopping = keras.callbacks.EarlyStopping(
        "val", patience=2, restore_best_weights=True, mode="min"
    )
    beside = [rising(values), stopping]
    with pytest.raises(KeyboardInterrupt):
        train(network(), run, epochs=5, beside=[interruption, *beside])
    train(network(), run, epochs=5, beside=beside)
    assert ("solo vio las épocas desde la 2" in capsys.readouterr().out) == told
    train(network(), run, epochs=9, beside=[rising(range(9, 0, -1)), stopping])
    assert "solo vio" not in capsys.readouterr().out  # that fit was not interrupted


def stop_before(epoch):
    def stop(now, logs):
        if now == epoch:
            raise KeyboardInterrupt

    return keras.callbacks.LambdaCallback(on_epoch_begin=stop)


def test_a_history_of_one_s_own_does_no_harm(run):
    mine = keras.callbacks.History()
    first = network()
    train(first, run, beside=[mine])
    assert mine.epoch == [0, 1, 2] and read_training(run)["ended"]
    other = network()
    other.fit(X, Y, epochs=1, callbacks=[mine], verbose=0)  # elsewhere, with the same object
    assert read_training(run)["epochs"] == 3 and same_as_saved(first, run)


def same_as_saved(model, run):
    again = network()
    resume(again, run)
    return same(again, model)


def test_interrupted_within_the_first_epoch_it_begins_anew(tmp_path, monkeypatch):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    run = run_dir("t", settings())
    with pytest.raises(KeyboardInterrupt):
        train(network(), run, beside=[Stop()])
    again = run_dir("t", settings(resume=True))
    assert again == run and train(network(), again) == [0, 1, 2]
    assert [row["epoch"] for row in read_history(run)] == [1, 2, 3]


def test_a_second_phase_that_was_interrupted_is_gone_on_with_as_the_message_says(run):
    """A script freezes, trains, thaws, trains, and is killed; it is run again with --resume."""

    def thawed():
        model = network()
        model.layers[1].trainable = True
        model.compile(keras.optimizers.Adam(1e-3), "mse")
        return model

    def frozen():
        model = network()
        model.layers[1].trainable = False
        model.compile(keras.optimizers.Adam(1e-2), "mse")
        return model

    model = frozen()
    train(model, run, epochs=2)
    model.layers[1].trainable = True
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    with pytest.raises(KeyboardInterrupt):
        train(model, run, epochs=5, start=2, beside=[stop_before(3)])
    with pytest.raises(CourseError) as message:
        train(frozen(), run, epochs=2)
    assert "arma y compila la red como entonces" in str(message.value)
    assert "initial_epoch" not in str(message.value)  # its weights are nobody's
    again = thawed()
    assert train(again, run, epochs=5) == [3, 4]
    assert [row["epoch"] for row in read_history(run)] == [1, 2, 3, 4, 5]


# ---- what callbacks are given; the folder


def test_what_export_will_refuse_is_told_before_the_first_batch(run):
    half = keras.layers.Lambda(lambda x: x / 2, name="half")
    model = keras.Sequential([keras.Input((4,)), half, keras.layers.Dense(1)])
    model.compile("sgd", "mse")

    class Stop(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match=r"half \(Lambda\).*export no la guardará"):
        with pytest.raises(KeyboardInterrupt):
            train(model, run, beside=[Stop()])
    card = {"task": "regression", "unit": "u", "data": {"dataset": "a"}, "preparation": None}
    with pytest.raises(ValueError, match="Keras' own layers"):  # as it was told
        export(model, run, card=card)


def test_a_dataset_is_named_and_the_way_out_works(run):
    tf = pytest.importorskip("tensorflow")
    with pytest.raises(CourseError, match="tf.data.Dataset") as message:
        callbacks(run, tf.data.Dataset.from_tensors(X), seed=0)
    (line,) = [line for line in str(message.value).splitlines() if line.startswith("Qué hacer")]
    names = {"x": X, "y": Y, "s": SimpleNamespace(batch_size=16, seed=0)}
    exec("from course.datasets.batches import Batches", names)
    assert "batches = Batches(x, y, s.batch_size, s.seed)" in line
    exec("batches = Batches(x, y, s.batch_size, s.seed)", names)
    assert len(callbacks(run, names["batches"], seed=0)) == 2


@pytest.mark.parametrize("given", [X, (X, Y), None, iter(())])
def test_what_cannot_draw_an_epoch_is_named(run, given):
    with pytest.raises(CourseError, match=f"Llegó: {type(given).__name__}"):
        callbacks(run, given, seed=0)


def test_two_processes_never_get_one_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    usual, taken = run_folder._make, []

    def other_is_quicker(folder, **more):
        if not taken:
            taken.append(folder)
            folder.mkdir(parents=True)
        usual(folder, **more)

    monkeypatch.setattr(run_folder, "_make", other_is_quicker)
    assert run_dir("t", settings()).name == "t-2"


@pytest.mark.parametrize("way", ["file", "no rights"])
def test_a_folder_that_cannot_be_made_is_one_message(tmp_path, monkeypatch, way):
    monkeypatch.chdir(tmp_path)
    if way == "file":
        (tmp_path / "runs").write_text("")
    else:

        def refuse(*_, **__):
            raise PermissionError(errno.EACCES, "denied")

        monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(CourseError, match="No se pudo escribir"):
        run_dir("t", settings())


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), RuntimeError("Unable to flush")])
def test_a_full_disk_leaves_the_epoch_before(run, monkeypatch, error):
    model = network()
    usual = keras.Model.save_weights

    def save(self, path, **more):
        if int(self.optimizer.iterations) > 2:
            raise error
        usual(self, path, **more)

    monkeypatch.setattr(keras.Sequential, "save_weights", save)
    with pytest.raises(CourseError, match="el disco está lleno"):
        train(model, run)
    assert [p.name for p in (run / "checkpoints").iterdir()] == ["epoch_0001.weights.h5"]
    assert [row["epoch"] for row in read_history(run)] == [1]
    monkeypatch.undo()
    assert train(network(), run) == [1, 2]


def test_a_disk_without_room_is_known_before_it_is_written(run, monkeypatch):
    """HDF5 would print on the screen while Python throws its file away."""
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10))
    monkeypatch.setattr(keras.Sequential, "save_weights", lambda *_, **__: 1 / 0)
    with pytest.raises(CourseError, match="el disco está lleno"):
        train(network(), run)


def test_killed_between_two_files_the_epoch_is_trained_once(run, monkeypatch):
    """The weights of epoch 2 are there, `training.json` still says 1."""
    model = network()
    train(model, run, epochs=2)
    training = read_training(run) | {"epochs": 1, "ended": False, "weights": CHECKPOINT.format(1)}
    model.save_weights(run / training["weights"])
    files.write(run / "training.json", files.json_text(training))
    assert train(network(), run, epochs=2) == [1]
    assert [row["epoch"] for row in read_history(run)] == [1, 2]


def test_a_run_of_a_version_without_training_json_goes_on(run):
    train(network(), run, epochs=2)
    (run / "training.json").unlink()
    assert train(network(), run, epochs=3) == [2]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"epochs": "a"}'])
def test_a_damaged_training_json_is_a_message(run, text):
    (run / "training.json").write_text(text)
    with pytest.raises(CourseError, match="Qué hacer: "):
        resume(network(), run)


# ---- the words, where they appear


def test_a_notebook_is_told_of_cells_and_a_terminal_of_flags(tmp_path, monkeypatch, notebook):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/thesis.txt").write_text("mine")
    s = settings(run_dir=str(tmp_path / "runs"))
    monkeypatch.setenv("COURSE_RUN_DIR", s.run_dir)
    with pytest.raises(CourseError) as message:
        run_dir("t", s)
    assert "%env COURSE_RESUME=1" in str(message.value) and "--" not in str(message.value)
    monkeypatch.setenv("COURSE_RESUME", "1")
    for line in re.findall(r"import os; \S+ None\)", run_folder.anew()):
        exec(line)  # as the cell that the message asks for
    assert not {"COURSE_RESUME", "COURSE_RUN_DIR"} & set(os.environ)
    assert "escribe" not in run_folder.anew() and "«Ajustes»" in run_folder.anew()
    monkeypatch.delitem(sys.modules, "IPython")
    with pytest.raises(CourseError, match="--resume.*--run-dir"):
        run_dir("t", s)
    assert "--resume" in run_folder.anew()


def test_a_folder_in_which_nothing_was_trained_says_so_on_its_page(run):
    model = network()
    assert "no se ha entrenado nada" in page(model, run)


def page(model, run):
    """The run's page, as the last cell of a lesson writes it."""
    where = Origin("a", None, "sample", None, None, "t", True, "l", "c")
    report = evaluate_regressor(model, X, Y, unit="u", origin=where)
    return report.save(run).read_text(encoding="utf-8")
