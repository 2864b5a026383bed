"""What Keras, the environment or the folder bring along: the lesson's own network, or one message.

Each "Qué hacer" is done as it says, and what follows must be right.
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import keras
import pytest

from course import models
from course.errors import CourseError
from course.figures import style
from course.kaggle import first_cell
from course.training import place, settings
from tests import ROOT

CURVES = """
from course import figures
print(len(figures.png(figures.learning_curves({"loss": [2.0, 1.0]}, title="Curvas"))))
"""
LESSON = """
from course.training import settings
s = settings(epochs=13)
print(s.epochs, "— ² → ≥")
"""


def python(folder, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def next_step(text):
    return re.search(r"Qué hacer: (.+)", str(text))[1]


@pytest.fixture
def keras_as_it_comes(monkeypatch, tmp_path):
    """Keras' settings are put back, and its file is one of the test's own."""
    names = ("image_data_format", "floatx", "epsilon", "dtype_policy", "max_epochs")
    names += ("max_steps_per_epoch",)
    kept = {name: getattr(keras.config, name)() for name in names}
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    yield tmp_path / "keras.json"
    for name, value in kept.items():
        getattr(keras.config, f"set_{name}")(value)


CHANGES = [
    ("image_data_format", "channels_first"),
    ("floatx", "float16"),
    ("floatx", "float64"),
    ("epsilon", 0.1),
    ("dtype_policy", "float16"),
    ("dtype_policy", "float64"),
    ("max_epochs", 1),
    ("max_steps_per_epoch", 2),
]


@pytest.mark.parametrize("name, value", CHANGES)
def test_a_call_that_changes_networks_is_named_with_the_one_that_mends_it(
    keras_as_it_comes, name, value
):
    getattr(keras.config, f"set_{name}")(value)
    with pytest.raises(CourseError, match=f"{name} = {value!r}") as message:
        settings(epochs=1)
    step = next_step(message.value)
    exec(step.removeprefix("antes de los ajustes, escribe "), {"keras": keras})
    assert settings(epochs=1).epochs == 1


@pytest.mark.parametrize("name, value", CHANGES[:4])
def test_the_file_of_keras_is_named(keras_as_it_comes, name, value):
    getattr(keras.config, f"set_{name}")(value)
    keras_as_it_comes.write_text(json.dumps({name: value}))
    with pytest.raises(CourseError) as message:
        settings()
    found = re.match(r"en (\S+) escribe (.+), y repite la misma", next_step(message.value))
    path, line = found.groups()
    assert path == str(keras_as_it_comes)
    wanted = json.loads(f"{{{line}}}")
    assert list(wanted) == [name]
    getattr(keras.config, f"set_{name}")(wanted[name])  # what Keras reads next time
    settings()


def test_a_variable_of_keras_is_dropped(keras_as_it_comes, monkeypatch):
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "1")
    keras.config.set_max_epochs(1)
    with pytest.raises(CourseError) as message:
        settings()
    assert next_step(message.value) == "unset KERAS_MAX_EPOCHS, y repite la misma orden"


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float32"])
def test_mixed_precision_stays_allowed(keras_as_it_comes, policy):
    keras.config.set_dtype_policy(policy)
    settings()
    assert keras.config.dtype_policy().name == policy


@pytest.mark.parametrize(
    "build",
    [
        lambda: models.cnn((28, 28, 1), 10),
        lambda: models.vgg((28, 28, 1), 10),
        lambda: models.resnet((28, 28, 1), 10),
        lambda: models.unet((16, 16, 1), 2),
        lambda: models.unet((16, 16, 16, 1), 2, attention=True),
        lambda: models.transfer_classifier((32, 32, 3), 2, weights=None),
        lambda: models.vgg_block(keras.Input((8, 8, 1)), 4, 1, "a"),
        lambda: models.residual_block(keras.Input((8, 8, 4)), 4, "a"),
        lambda: models.conv_block(keras.Input((8, 8, 1)), 4, "a"),
        lambda: models.attention_gate(keras.Input((8, 8, 4)), keras.Input((4, 4, 4)), 2, "a"),
    ],
)
def test_no_builder_takes_the_height_for_the_channels(keras_as_it_comes, build):
    keras.config.set_image_data_format("channels_first")
    with pytest.raises(ValueError, match="\"channels_last\".*Received: 'channels_first'") as error:
        build()
    call = re.search(r"keras\.config\.set\S+\)", str(error.value))[0]
    exec(call, {"keras": keras})
    build()


def test_a_network_of_no_images_does_not_mind(keras_as_it_comes):
    keras.config.set_image_data_format("channels_first")
    assert models.mlp((8,), 1).count_params() > 0


def test_a_keras_that_does_not_load_is_one_message(tmp_path):
    """In processes of their own: a keras.json is read when Keras is imported."""
    cases = {
        "theano": '{"backend": "theano"}',
        "floatx": '{"floatx": "float8"}',
        "list": "[]",
        "epsilon": '{"epsilon": 1}',
        "variable": "{}",
    }

    def run(name):
        (tmp_path / name).mkdir()
        (tmp_path / name / "keras.json").write_text(cases[name])
        variables = {"KERAS_HOME": str(tmp_path / name), "KERAS_BACKEND": ""}
        if name == "variable":
            variables["KERAS_BACKEND"] = "mxnet"
        return python(tmp_path, "-m", "course", "run", "taller2", **variables)

    with ThreadPoolExecutor(2) as pool:
        done = dict(zip(cases, pool.map(run, cases), strict=True))
    for name, process in done.items():
        assert process.returncode == 2
        assert "Keras no se puede cargar (" in process.stderr
        step = next_step(process.stderr)
        path = tmp_path / name / "keras.json"
        expected = "unset KERAS_BACKEND" if name == "variable" else f"borra el archivo {path}"
        assert step.startswith(expected)


def test_the_lesson_of_a_keras_json_ends_before_training(tmp_path):
    text = '{"floatx": "float32", "backend": "tensorflow", "image_data_format": "channels_first"}'
    (tmp_path / "keras.json").write_text(text)
    done = python(
        tmp_path, "-m", "course", "run", "taller2", "--source", "sample", KERAS_HOME=str(tmp_path)
    )
    assert done.returncode == 2
    assert f'en {tmp_path / "keras.json"} escribe "image_data_format"' in done.stderr
    assert not (tmp_path / "runs").exists()


# ---- the environment


@pytest.mark.parametrize("backend", ["nonsense", "inline", "qt"])
def test_figures_need_no_backend(tmp_path, backend):
    """`inline` is what a notebook hands down to an environment that may lack IPython."""
    hide = tmp_path / "sitecustomize.py"
    hide.write_text(
        "import importlib.metadata as m\n"
        "usual = m.entry_points\n"
        "def none(**k): return () if 'matplotlib.backend' in k.values() else usual(**k)\n"
        "m.entry_points = none\n"
        "version = m.version\n"
        "def versions(name):\n"
        "    if name == 'matplotlib_inline': raise m.PackageNotFoundError(name)\n"
        "    return version(name)\n"
        "m.version = versions\n"
    )
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = python(tmp_path, "-c", CURVES, MPLBACKEND=backend, PYTHONPATH=paths)
    assert int(done.stdout) > 1000


def test_a_notebook_s_backend_is_kept():
    import matplotlib

    style._load_matplotlib()
    assert os.environ["MPLBACKEND"] == "agg" and matplotlib.get_backend().lower() == "agg"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_a_console_without_our_signs_shows_others(tmp_path, encoding):
    (tmp_path / "lesson.py").write_text(LESSON, encoding="utf-8")
    done = python(tmp_path, "lesson.py", PYTHONIOENCODING=encoding, COURSE_ID="7")
    assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith("13 ")
    done = python(tmp_path, "lesson.py", "--epocs", "3", PYTHONIOENCODING=encoding)
    assert done.returncode == 2 and "--epochs" in done.stderr


@pytest.mark.parametrize("names", ["ID NAME HOME USER DIR YEAR CODE TERM VERSION URL", "LR"])
def test_a_hub_s_variables_are_named_in_one_line(monkeypatch, capsys, names):
    for name in names.split():
        monkeypatch.setenv(f"COURSE_{name}", "x")
    assert settings(epochs=2).epochs == 2
    (line,) = capsys.readouterr().out.splitlines()
    before, _, listed = line.partition(": ")
    assert before == "No son ajustes de este taller y no se usan"
    assert set(listed.rstrip(".").split(", ")) == {f"COURSE_{name}" for name in names.split()}


@pytest.mark.parametrize(
    "name", ["EPOCS", "EPOCH", "BATCH", "BATCHSIZE", "EPOCAS", "RUNDIR", "SED"]
)
def test_a_variable_near_a_setting_s_name_is_an_error_and_goes_as_said(monkeypatch, tmp_path, name):
    (tmp_path / "lesson.py").write_text(LESSON.replace("epochs=13", "epochs=13, batch_size=1"))
    monkeypatch.setenv(f"COURSE_{name}", "3")
    with pytest.raises(CourseError, match="¿Querías decir") as message:
        settings(epochs=13, batch_size=1)
    step = next_step(message.value).removeprefix("para quitarla, escribe ")
    done = subprocess.run(
        ["sh", "-c", f"{step}; exec '{sys.executable}' lesson.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("13 "), done.stderr


@pytest.mark.parametrize(
    "where, unset, set_",
    [
        ("_on_windows", "set X= (en PowerShell: Remove-Item Env:X)", "set X=1 (en PowerShell: "),
        ("_below_a_notebook", 'import os; os.environ.pop("X", None)', "%env X=1"),
    ],
)
def test_a_variable_is_set_and_dropped_where_the_user_is(monkeypatch, where, unset, set_):
    assert (place.how_to_unset("X"), place.how_to_set("X", 1)) == ("unset X", "export X=1")
    monkeypatch.setattr(place, where, lambda: True)
    assert place.how_to_unset("X") == unset and place.how_to_set("X", 1).startswith(set_)


def test_a_file_called_course_beside_the_notebook_is_named(tmp_path, monkeypatch):
    cell = tmp_path / "cell.py"
    cell.write_text(first_cell.installed("git+https://example.org/x@v9", "hecho"), encoding="utf-8")
    for make in ("course.py", "course/__init__.py"):
        stray = tmp_path / make
        stray.parent.mkdir(exist_ok=True)
        stray.write_text("1")
        done = python(tmp_path, "-c", f"exec(open({str(cell)!r}, encoding='utf-8').read())")
        assert done.returncode == 1
        said = f"{os.path.realpath(stray)} no es el paquete course, y lo tapa: se llama igual.\n"
        assert said in done.stderr and "Qué hacer: dale otro nombre" in done.stderr
        stray.rename(stray.with_name("mine.py"))  # as the message says
        done = python(tmp_path, "-c", f"exec(open({str(cell)!r}, encoding='utf-8').read())")
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_a_folder_that_is_only_read_is_one_message(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir(mode=0o555)
    lesson = tmp_path / "lesson.py"
    lesson.write_text(
        "import os\n"
        "from course.training import run_dir, settings\n"
        "s = settings()\n"
        "print(run_dir('x', s))\n"
    )
    command = [sys.executable, str(lesson)]
    if os.geteuid() == 0:  # root may write anywhere
        drop = "--drop=cap_dac_override,cap_dac_read_search"
        command = ["capsh", drop, "--", "-c", " ".join(command)]
        if subprocess.run(["sh", "-c", "command -v capsh"], capture_output=True).returncode:
            pytest.skip("capsh is not here")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "--run-dir" in next_step(done.stderr), done.stderr
    again = [*command[:-1], f"{command[-1]} --run-dir {tmp_path / 'mine'}"]
    if os.geteuid():
        again = [*command, "--run-dir", str(tmp_path / "mine")]
    done = subprocess.run(again, cwd=scratch, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# ---- devices

UNEVEN = """
import keras, numpy as np, tensorflow as tf
from course.datasets.batches import Batches
from course.errors import CourseError
from course.training import all_devices

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
x = np.random.default_rng(0).normal(size=(64, 8, 8, 1)).astype("float32")
y = (x.mean((1, 2)) > 0).astype("float32")
for size in (5, 4):
    with all_devices(("CPU:0", "CPU:1"), batch_size=size) as strategy:
        print(size, getattr(strategy, "num_replicas_in_sync", 1))
        model = keras.Sequential([
            keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(),
            keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1, "sigmoid"),
        ])
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
for n, size in ((21, 4), (20, 5), (22, 4)):
    for shuffle in (True, False):
        try:
            model.fit(Batches(x[:n], y[:n], size, 0), epochs=1, verbose=0, shuffle=shuffle)
            print(n, size, "trains", sum(int(np.isnan(w).any()) for w in model.get_weights()))
        except CourseError as error:
            print(n, size, str(error).split("Qué hacer: ")[1])
"""


STRATEGIES = """
import keras, numpy as np, tensorflow as tf
from course.datasets.batches import Batches
from course.training import EpochSeeds

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])  # lives on to the end
one = tf.distribute.MirroredStrategy(["CPU:0"])
x, seen = np.arange(91, dtype="float32")[:, None], []

def loss(true, answer):
    see = lambda values: (seen[-1].extend(values.ravel()), np.float32(0))[1]
    tf.numpy_function(see, [true], tf.float32)
    return keras.losses.mean_squared_error(true, answer)

def network():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", loss)
    return model

def fit(model):
    seen.clear()
    batches = Batches(x, x[:, 0], 8, 0)
    mark = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: seen.append([]))
    model.fit(batches, epochs=3, verbose=0, callbacks=[EpochSeeds(0, batches), mark])
    print(batches.workers, [91 - len(set(epoch)) for epoch in seen])

fit(network())
with two.scope():
    model = network()
fit(model)
del model
fit(network())
with one.scope():
    model = network()
    fit(model)  # inside the scope, as tutorials do
"""


@pytest.mark.matrix
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="MirroredStrategy's job")
def test_a_strategy_counts_for_the_models_that_use_it(tmp_path):
    lines = python(tmp_path, "-c", STRATEGIES).stdout.splitlines()
    # of 91 examples two devices leave one out
    assert lines == ["2 [0, 0, 0]", "1 [1, 1, 1]", "2 [0, 0, 0]", "1 [0, 0, 0]"]


@pytest.mark.matrix
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="MirroredStrategy's job")
def test_several_devices_train_on_equal_parts_or_say_so_before(tmp_path):
    lines = python(tmp_path, "-c", UNEVEN).stdout.splitlines()
    assert lines[:2] == ["5 1", "4 2"]
    assert lines[2:] == [
        line
        for line in (
            "21 4 trains 0",
            "20 5 usa un batch_size que sea múltiplo de 2.",
            "22 4 trains 0",
        )
        for _ in range(2)
    ]
