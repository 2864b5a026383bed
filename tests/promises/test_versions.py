"""What one supported Keras exports, another one loads, and both give the same answers.

The other Keras is that of the interpreter that COURSE_OTHER_PYTHON names. Each interpreter exports
every builder's network with its answers; the other loads the files with plain Keras.
"""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import pytest
from keras import layers
from packaging.requirements import Requirement

from course.errors import CourseError
from course.export import export, load

OTHER = os.environ.get("COURSE_OTHER_PYTHON")  # read now: a test has no settings of the shell
HOME = Path(__file__).parents[2]
needs_other = [
    pytest.mark.matrix,
    pytest.mark.skipif(not OTHER, reason="COURSE_OTHER_PYTHON names no other interpreter"),
]

NETWORKS = """
import json, sys
import keras, numpy as np
from keras import layers
from pathlib import Path
from course import models
from course.export import export

def columns():
    words = layers.StringLookup(vocabulary=["bay", "inland"], output_mode="one_hot")
    learned = layers.StringLookup(output_mode="one_hot", num_oov_indices=2)
    learned.adapt(np.array(["a", "b", "b"]))
    scale = layers.Normalization()
    scale.adapt(np.array([[1.0], [3.0], [5.0]]))
    rooms = keras.Input((1,), name="rooms")
    sea, place = (keras.Input((1,), name=n, dtype="string") for n in ("sea", "place"))
    known = keras.ops.log1p(keras.ops.where(keras.ops.isnan(rooms), 2.0, rooms))
    row = layers.Concatenate()([scale(known), words(sea), learned(place)])
    network = models.mlp((row.shape[-1],), 1, units=(8,), dropout=0.1)
    return keras.Model({"rooms": rooms, "sea": sea, "place": place}, network(row), name="casas")

def others():
    x = inputs = keras.Input((12, 12, 2), name="pixels")
    for layer in (
        layers.SeparableConv2D(4, 3, padding="same"), layers.DepthwiseConv2D(3, padding="same"),
        layers.LayerNormalization(), layers.GroupNormalization(2), layers.BatchNormalization(),
        layers.PReLU(), layers.LeakyReLU(), layers.Conv2DTranspose(4, 3, strides=2),
        layers.ZeroPadding2D(), layers.Cropping2D(2), layers.Resizing(6, 6),
        layers.Reshape((36, 4)),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.TimeDistributed(layers.Dense(4, kernel_regularizer="l2")),
        layers.TimeDistributed(layers.Dense(4, kernel_constraint="non_neg")),
        layers.GRU(3), layers.Dense(2), layers.Softmax(),
    ):
        x = layer(x)
    return keras.Model(inputs, x)

def half():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return models.cnn((28, 28, 1), 3, filters=(4, 8))
    finally:
        keras.config.set_dtype_policy("float32")

def transfer():
    return models.transfer_classifier((32, 32, 1), 2, backbone="MobileNetV2", weights=None)

small = dict(filters=(4, 8))
deep = dict(small, output_activation="sigmoid")
def build():
    return {
        "mlp": models.mlp((4,), 2, units=(8,)),
        "cnn": models.cnn((28, 28, 1), 3, **small),
        "vgg": models.vgg((28, 28, 1), 3, repeats=(1, 1), units=(8,), **small),
        "resnet": models.resnet((28, 28, 1), 3, repeats=(1, 1), **small),
        "unet": models.unet((16, 16, 2), 3, **deep),
        "unet3d": models.unet((8, 8, 8, 2), 3, **deep),
        "attention": models.attention_unet((None, None, 2), 3, **deep),
        "attention3d": models.attention_unet((8, 8, 8, 2), 3, **deep),
        "transfer": transfer(), "columns": columns(), "others": others(), "half": half(),
    }

def inputs_of(name, model):
    rng = np.random.default_rng(0)
    if name == "columns":
        return {
            "rooms": np.array([[1.0], [np.nan]], "float32"),
            "sea": np.array([["bay"], ["moon"]]), "place": np.array([["b"], ["z"]]),
        }
    return rng.uniform(0, 255, (2, *(n or 16 for n in model.input_shape[1:]))).astype("float32")

def answer(name, model):
    inputs = inputs_of(name, model)
    if isinstance(inputs, dict):
        inputs = {k: keras.ops.convert_to_tensor(v) for k, v in inputs.items()}
    return np.asarray(model(inputs, training=False), "float32")

folder = Path(sys.argv[1])
for name, model in build().items():
    segments = "unet" in name or "attention" in name
    outputs = model.output_shape[-1]
    card = {"preparation": None, "data": {"dataset": "demo"}}
    card["class_names"] = [*map(str, range(outputs))]
    card["task"] = "segmentation" if segments else "classification"
    if name == "columns":
        card["task"], card["unit"] = "regression", "m"
    export(model, folder / name, card=card)
    np.save(folder / name / "answer.npy", answer(name, model))
"""

PLAIN = """
import json, sys
sys.modules["course"] = None
import keras, numpy as np
from pathlib import Path
{inputs}
worst = {{}}
for path in sorted(Path(sys.argv[1]).glob("*/model.keras")):
    expected = np.load(path.with_name("answer.npy"))
    found = answer(path.parent.name, keras.saving.load_model(path))
    scale = 1e-2 if path.parent.name == "half" else 1e-4
    worst[path.parent.name] = bool(np.allclose(found, expected, rtol=scale, atol=scale * 1e-2))
print(json.dumps([keras.__version__, worst]))
"""


def python(interpreter, code, *arguments):
    done = subprocess.run(
        [interpreter, "-c", code, *map(str, arguments)],
        cwd=HOME,
        env={**os.environ, "PYTHONPATH": str(HOME), "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def plain():
    start, end = NETWORKS.index("def inputs_of"), NETWORKS.index("folder = ")
    return PLAIN.format(inputs=NETWORKS[start:end])


@pytest.mark.parametrize(
    "direction",
    [
        pytest.param("to the other", marks=needs_other),
        pytest.param("from the other", marks=needs_other),
    ],
)
def test_every_builder_s_export_loads_with_plain_keras_and_answers_the_same(direction, tmp_path):
    ends = [sys.executable, OTHER]
    writer, reader = ends if direction == "to the other" else ends[::-1]
    python(writer, NETWORKS, tmp_path)
    version, equal = json.loads(python(reader, plain(), tmp_path).splitlines()[-1])
    made = json.loads((tmp_path / "cnn" / "card.json").read_text(encoding="utf-8"))["versions"]
    assert made["keras"] != version, "both interpreters have one Keras: nothing was compared"
    assert len(equal) == 12 and all(equal.values()), equal


DEFAULTS = """
import inspect, json, keras
found = {}
for room in (keras.layers, keras.initializers, keras.regularizers, keras.constraints):
    for name, kind in vars(room).items():
        if inspect.isclass(kind):
            arguments = inspect.signature(kind.__init__).parameters.values()
            found[name] = {a.name: repr(a.default) for a in arguments if a.default is not a.empty}
print(json.dumps(found))
"""


@pytest.mark.matrix
@pytest.mark.skipif(not OTHER, reason="COURSE_OTHER_PYTHON names no other interpreter")
def test_no_default_that_export_leaves_out_is_another_in_the_other_keras():
    ours, theirs = (
        json.loads(python(each, DEFAULTS).splitlines()[-1]) for each in (sys.executable, OTHER)
    )
    changed = [
        (name, key, ours[name][key], theirs[name][key])
        for name in ours.keys() & theirs.keys()
        for key in ours[name].keys() & theirs[name].keys()
        if ours[name][key] != theirs[name][key]
    ]
    assert len(ours.keys() & theirs.keys()) > 100 and not changed


# ---- in one Keras

DIGITS = {
    "task": "classification",
    "class_names": ["a", "b"],
    "data": {"dataset": "demo"},
    "preparation": None,
}


def small():
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2DTranspose(2, 3, kernel_initializer="he_normal"),
            layers.BatchNormalization(momentum=0.9),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )


def configs(folder):
    """Class name → its config, of each part of an exported model."""
    with zipfile.ZipFile(folder / "model.keras") as archive:
        stack, found = [json.loads(archive.read("config.json"))], {}
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack += item.values()
            if isinstance(item.get("config"), dict):
                found[item["class_name"]] = item["config"]
        elif isinstance(item, list):
            stack += item
    return found


def test_what_holds_its_default_is_left_out_and_all_else_stays(tmp_path):
    export(small(), tmp_path, card=DIGITS)
    found = configs(tmp_path)
    newer = "renorm renorm_clipping renorm_momentum output_padding input_axes output_axes"
    newer += " quantization_config salt oov_method"
    assert not {key for config in found.values() for key in config} & set(newer.split())
    assert found["BatchNormalization"]["momentum"] == 0.9
    assert found["Rescaling"]["offset"] == 0.0  # this class looks for it
    assert "HeNormal" in found


@pytest.mark.skipif(
    tuple(map(int, keras.__version__.split(".")[:2])) < (3, 15),
    reason="renorm came with Keras 3.15",
)
def test_what_a_newer_keras_really_does_stays_in_the_file(tmp_path):
    model = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(renorm=True)])
    export(keras.Sequential([model, layers.Dense(2)]), tmp_path, card=DIGITS)
    assert configs(tmp_path)["BatchNormalization"]["renorm"] is True


def made_by(folder, version):
    """A run whose card names another Keras and whose file holds what this one does not know."""
    export(small(), folder, card=DIGITS)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    card["versions"]["keras"] = version
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    with zipfile.ZipFile(folder / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][-1]["config"]["of_tomorrow"] = True
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("version", ["99.1.0", "3.0.5"])
def test_a_file_of_another_keras_names_both_and_the_command(version, tmp_path):
    made_by(tmp_path, version)
    with pytest.raises(CourseError) as message:
        load(tmp_path)
    text = str(message.value)
    assert f"Keras {version}" in text and f"Keras {keras.__version__}" in text
    wanted = Requirement(re.search(r'pip install "(.*?)"', text).group(1)).specifier
    assert wanted.contains(version) and not wanted.contains(keras.__version__)


@pytest.mark.parametrize("versions", [{"keras": 3}, ["3.99"], {"keras": "3.9; rm -rf"}, None])
def test_a_card_without_a_version_gives_the_usual_message(versions, tmp_path):
    made_by(tmp_path, "99.1.0")
    card = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    (tmp_path / "card.json").write_text(json.dumps({**card, "versions": versions}))
    with pytest.raises(
        CourseError, match="(?s)no es un modelo que Keras.*copia otra vez"
    ) as message:
        load(tmp_path)
    assert "pip install" not in str(message.value)


def test_a_damaged_file_of_another_keras_is_called_damaged(tmp_path):
    made_by(tmp_path, "99.1.0")
    path = tmp_path / "model.keras"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CourseError, match="copia otra vez") as message:
        load(tmp_path)
    assert "pip install" not in str(message.value)
