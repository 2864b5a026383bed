"""What is exported loads anywhere and answers the same; what is wrong is an error message."""

import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from keras import layers

from course.errors import CourseError
from course.export import card as cards
from course.export import export, load

DIGITS = {
    "task": "classification",
    "class_names": ["a", "b", "c"],
    "data": {"dataset": "mnist", "variant": "mnist", "source": "sample"},
    "preparation": "digit",
    "scores": {"accuracy": np.float32(0.5), "loss": float("nan")},
    "seed": 7,
}
HOUSES = {
    "task": "regression",
    "unit": "100 000 $",
    "data": {"dataset": "california", "source": "sample"},
    "preparation": None,
}


@keras.saving.register_keras_serializable("course_test")
class OwnLoss(keras.losses.Loss):
    """A loss that is registered here and nowhere else."""

    def call(self, y_true, y_pred):
        return keras.ops.mean((y_true - y_pred) ** 2, axis=-1)


def tiny(name="tiny"):
    return keras.Sequential(
        [
            keras.Input((4, 4, 1), name="pixels"),
            layers.Rescaling(1 / 255, name="scale"),
            layers.Flatten(name="flatten"),
            layers.Dense(3, activation="softmax", name="output"),
        ],
        name=name,
    )


def from_columns():
    """Taller 1's shape: numbers with an adapted Normalization, a category with learned words."""
    words = layers.StringLookup(output_mode="one_hot", name="words")
    words.adapt(np.array(["bay", "inland", "ocean"]))
    scale = layers.Normalization(axis=None, name="scale")
    scale.adapt(np.array([1.0, 3.0, 5.0]))
    inputs = {
        "rooms": keras.Input((), name="rooms"),
        "place": keras.Input((), name="place", dtype="string"),
    }
    row = layers.Concatenate(name="row")(
        [layers.Reshape((1,), name="column")(scale(inputs["rooms"])), words(inputs["place"])]
    )
    return keras.Model(inputs, layers.Dense(1, name="output")(row), name="houses")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with one exported tiny model, to be copied by who wants to spoil it."""
    return export(tiny(), tmp_path_factory.mktemp("run"), card=DIGITS).parent


@pytest.fixture
def spoiled(run, tmp_path):
    for name in ("model.keras", "card.json"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    return tmp_path


def in_a_fresh_process(code, folder):
    """Run code where `course` cannot be imported (-I ignores the current folder and PYTHONPATH)."""
    hidden = "import sys; sys.modules['course'] = None\n"
    return subprocess.run(
        [sys.executable, "-I", "-W", "error::ImportWarning", "-c", hidden + code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )


# ---- export


def test_a_compiled_model_loads_with_plain_keras_where_course_is_not(tmp_path):
    model = tiny()
    model.compile("adam", loss=OwnLoss())  # saved as it is, it would not load elsewhere
    images = np.arange(32, dtype="float32").reshape(2, 4, 4, 1)
    model.fit(images, np.eye(3)[:2], verbose=0)
    houses = from_columns()
    houses.compile("adam", loss=OwnLoss())
    export(model, tmp_path / "digits", card=DIGITS)
    export(houses, tmp_path / "houses", card=HOUSES)
    answer = in_a_fresh_process(
        """
import json, keras, numpy as np, tensorflow as tf
model = keras.saving.load_model("digits/model.keras")
images = np.arange(32, dtype="float32").reshape(2, 4, 4, 1)
print(json.dumps(np.asarray(model(images)).tolist()))
houses = keras.saving.load_model("houses/model.keras")
row = {"rooms": tf.constant([1.0, 5.0]), "place": tf.constant(["ocean", "moon"])}
print(json.dumps(np.asarray(houses(row)).tolist()))
print(model.compiled, houses.compiled, model.name, houses.name)
""",
        tmp_path,
    )
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    row = {"rooms": np.array([1.0, 5.0]), "place": np.array(["ocean", "moon"])}
    np.testing.assert_allclose(json.loads(lines[0]), model(images), rtol=1e-5)
    np.testing.assert_allclose(json.loads(lines[1]), houses(row), rtol=1e-5)
    assert lines[2] == "False False tiny houses"
    assert model.compiled  # the lesson's own model stays as it was


def test_the_card_says_what_the_model_takes_and_where_it_is_from(run):
    model, card = load(run)
    assert isinstance(model, keras.Sequential) and not model.compiled
    expected = {
        "card_version": 1,
        "name": "tiny",
        "inputs": [{"name": "pixels", "shape": [4, 4, 1], "dtype": "float32"}],
        "parameters": 16 * 3 + 3,
        "range": [0, 255],
        "class_names": ["a", "b", "c"],
        "data": DIGITS["data"],
        "scores": {"accuracy": 0.5, "loss": None},  # JSON has no NaN
        "seed": 7,
    }
    assert {key: card[key] for key in expected} == expected
    assert [output["shape"] for output in card["outputs"]] == [[3]]
    assert card["versions"]["keras"] == keras.__version__
    assert set(card["versions"]) == {"python", "keras", "tensorflow", "numpy", "course"}
    assert card["created"].endswith("+00:00")
    assert card["commit"] is None or len(card["commit"].removesuffix("-dirty")) == 40


def test_several_inputs_are_named_in_the_card(tmp_path):
    export(from_columns(), tmp_path, card=HOUSES)
    card = load(tmp_path)[1]
    assert {item["name"]: item["dtype"] for item in card["inputs"]} == {
        "rooms": "float32",
        "place": "string",
    }
    assert card["unit"] == "100 000 $" and card["range"] is None


@pytest.mark.parametrize("wrap", ["sequential", "functional"])
def test_augmentation_around_the_model_is_left_behind(tmp_path, wrap):
    model = tiny()
    shake = keras.Sequential(
        [layers.RandomRotation(0.1, seed=1), layers.RandomTranslation(0.1, 0.1, seed=2)]
    )
    if wrap == "sequential":
        wrapped = keras.Sequential([keras.Input((4, 4, 1)), shake, model])
    else:
        pixels = keras.Input((4, 4, 1))
        wrapped = keras.Model(pixels, model(shake(pixels)))
    export(wrapped, tmp_path, card=DIGITS)
    copy, card = load(tmp_path)
    assert card["name"] == copy.name == "tiny"
    assert [layer.name for layer in copy.layers] == ["scale", "flatten", "output"]


def shaken_inside():
    """Augmentation among the layers, in a nested model too, and an answer at a size of its own."""
    return keras.Sequential(
        [
            keras.Input((4, 4, 1), name="pixels"),
            layers.RandomFlip(),
            keras.Sequential([layers.RandomRotation(0.1), layers.Rescaling(1 / 255)], name="ready"),
            layers.GaussianNoise(0.1),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ],
        name="inside",
    )


def shaken_graph():
    pixels = keras.Input((4, 4, 1), name="pixels")
    left = layers.RandomContrast(0.2)(layers.RandomZoom(0.1)(pixels))
    right = layers.Conv2D(2, 3, padding="same", name="conv")(pixels)
    rows = layers.Flatten()(layers.Concatenate()([left, right]))
    return keras.Model(pixels, layers.Dense(3, activation="softmax")(rows), name="graph")


@pytest.mark.parametrize("make", [shaken_inside, shaken_graph])
def test_augmentation_among_the_layers_is_left_behind(tmp_path, make):
    model = make()
    before = [layer.name for layer in model.layers]
    images = np.random.default_rng(0).uniform(0, 255, (5, 4, 4, 1)).astype("float32")
    export(model, tmp_path, card=DIGITS)
    copy, card = load(tmp_path)
    assert "Random" not in zipfile.ZipFile(tmp_path / "model.keras").read("config.json").decode()
    np.testing.assert_allclose(copy(images), model(images, training=False), rtol=1e-5)
    assert card["name"] == model.name and card["inputs"][0]["name"] == "pixels"
    assert [layer.name for layer in model.layers] == before  # the lesson's own stays as it was
    assert model.layers[-1].output is not None


def test_what_cannot_be_exported_is_said_before_anything_is_written(spoiled):
    before = {path.name: path.read_bytes() for path in spoiled.iterdir()}
    lambdas = keras.Sequential([keras.Input((3,)), layers.Lambda(lambda x: x), layers.Softmax()])
    of_the_model = [
        (lambdas, DIGITS, "own layers. Received: Lambda"),
        (keras.Sequential([layers.Dense(3)]), DIGITS, "built"),
    ]
    of_the_card = [
        (tiny(), {**DIGITS, "task": "guessing"}, "task: se esperaba 'classification' o"),
        (tiny(), {**DIGITS, "class_names": ["a", "b"]}, "2 clases y el modelo tiene 3 salidas"),
        (tiny(), {**DIGITS, "class_names": ["a", "b", "b"]}, "nombres distintos"),
        (tiny(), {**DIGITS, "preparation": "wash"}, "preparation: se esperaba 'digit' o 'photo'"),
        (tiny(), {**DIGITS, "data": None}, "data: se esperaba"),
        (tiny(), {**HOUSES, "unit": 5}, "unit: se esperaba un texto. Llegó: 5"),
    ]
    cases = [(ValueError, *case) for case in of_the_model]
    cases += [(CourseError, *case) for case in of_the_card]
    for kind, model, card, words in cases:
        with pytest.raises(kind, match=words):
            export(model, spoiled, card=card)
        assert {path.name: path.read_bytes() for path in spoiled.iterdir()} == before


def test_a_copy_that_answers_differently_does_not_count(spoiled, monkeypatch):
    before = (spoiled / "model.keras").read_bytes()
    load_model = keras.saving.load_model

    def wrong(*args, **options):
        copy = load_model(*args, **options)
        copy.set_weights([weight + np.arange(3) for weight in copy.get_weights()])
        return copy

    monkeypatch.setattr(keras.saving, "load_model", wrong)
    with pytest.raises(RuntimeError, match="answers differently"):
        export(tiny(), spoiled, card=DIGITS)
    assert (spoiled / "model.keras").read_bytes() == before
    assert sorted(path.name for path in spoiled.iterdir()) == ["card.json", "model.keras"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CourseError, match="No se pudo escribir .*file"):
        export(tiny(), tmp_path / "file", card=DIGITS)


# ---- load


def test_a_missing_folder_model_or_card_is_named(run, tmp_path):
    with pytest.raises(CourseError, match="nowhere no existe: se esperaba la carpeta"):
        load(tmp_path / "nowhere")
    with pytest.raises(CourseError, match="model.keras es un archivo"):
        load(run / "model.keras")
    with pytest.raises(CourseError, match=r"no hay model.keras.*\n.*--resume"):
        load(tmp_path)
    (tmp_path / "model.keras").write_bytes((run / "model.keras").read_bytes())
    with pytest.raises(CourseError, match="no hay card.json"):
        load(tmp_path)


def refused(folder, words):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(CourseError, match=words) as error:
        load(folder)
    assert str(folder) in str(error.value) and "Qué hacer: " in str(error.value)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "no se puede leer como JSON"),
        ("{", "no se puede leer como JSON"),
        ("[" * 100_000, "no se puede leer como JSON"),
        ("\xff", "no se puede leer como JSON"),
        ("[1]", "se esperaba un objeto"),
        ("{}", "falta la clave 'card_version'"),
        (
            '{"card_version": true, "task": ""}',
            "card_version: se esperaba un número entero",
        ),
        (
            '{"card_version": 2, "task": ""}',
            "se esperaba 1: otra la lee la versión del kit",
        ),
        ('{"card_version": 1}', "falta la clave 'task'"),
    ],
)
def test_a_card_that_is_none_is_refused(spoiled, text, words):
    (spoiled / "card.json").write_text(text, encoding="latin-1")
    refused(spoiled, words)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"task": ["classification"]}, "task: se esperaba 'classification' o"),
        ({"class_names": "abc"}, "class_names: se esperaba una lista"),
        ({"class_names": ["a", "b"]}, "nombra 2 clases y el modelo tiene 3 salidas"),
        ({"task": "regression"}, "falta la clave 'unit'"),
        ({"data": {"source": "sample"}}, "data: se esperaba.*dataset"),
        ({"preparation": 3}, "preparation: se esperaba 'digit' o"),
        ({"inputs": []}, "inputs: se esperaba al menos una"),
        ({"inputs": [{"name": "pixels"}]}, "inputs, n.º 1: falta la clave 'shape'"),
        (
            {"inputs": [{"name": "pixels", "shape": [28, 28, 1], "dtype": "float32"}]},
            "no son de la misma corrida: según ella, inputs es",
        ),
        (
            {"outputs": [{"name": "y", "shape": [10], "dtype": "float32"}]},
            "no son de la misma corrida: según ella, outputs es",
        ),
    ],
)
def test_a_card_that_does_not_fit_is_refused(spoiled, change, words):
    card = json.loads((spoiled / "card.json").read_text(encoding="utf-8"))
    (spoiled / "card.json").write_text(json.dumps({**card, **change}), encoding="utf-8")
    refused(spoiled, words)


def test_a_card_that_notepad_has_saved_is_read(spoiled):
    card = (spoiled / "card.json").read_text(encoding="utf-8")
    (spoiled / "card.json").write_text(card, encoding="utf-8-sig")
    assert load(spoiled)[1]["name"] == "tiny"


def test_a_model_file_that_is_none_is_refused(spoiled):
    path = spoiled / "model.keras"
    whole = path.read_bytes()
    for content in (b"", b"not a model", whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(content)
        refused(spoiled, "no es un modelo que Keras .* pueda cargar")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "a zip, but no model")
    refused(spoiled, "no es un modelo que Keras .* pueda cargar")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", bytes(5_000_000))
    refused(spoiled, "más de cien veces su tamaño")


def test_one_changed_byte_of_a_weight_is_noticed(spoiled):
    path = spoiled / "model.keras"
    content = bytearray(path.read_bytes())
    kernel = load(spoiled)[0].get_layer("output").get_weights()[0].tobytes()
    content[content.index(kernel) + 5] ^= 1
    path.write_bytes(content)
    refused(spoiled, "está dañado, en model.weights.h5")


def rewrite(path, change):
    """Save a `.keras` again with its config changed, checksums right."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_model_that_carries_code_is_refused_and_not_run(spoiled, monkeypatch):
    monkeypatch.chdir(spoiled)
    mark = spoiled / "ran"
    run_me = layers.Lambda(lambda x: __import__("pathlib").Path("ran").touch() or x)
    model = keras.Sequential([keras.Input((4, 4, 1)), run_me])
    assert mark.exists()  # whoever builds or loads it runs it
    mark.unlink()
    model.save(spoiled / "model.keras")
    refused(spoiled, r"trae código \(Lambda\).*no se cargó")
    assert not mark.exists()


@pytest.mark.parametrize(
    "key, value, words",
    [
        ("class_name", "TFSMLayer", r"trae código \(TFSMLayer\)"),
        ("module", "os", r"trae código \(Dense\)"),
        ("registered_name", "course_test>OwnLoss", r"trae código \(course_test>OwnLoss\)"),
        ("class_name", "Dence", "no es un modelo que Keras .* pueda cargar"),
    ],
)
def test_a_layer_of_someone_else_s_is_refused(spoiled, key, value, words):
    rewrite(
        spoiled / "model.keras",
        lambda config: config["config"]["layers"][-1].__setitem__(key, value),
    )
    refused(spoiled, words)


def test_a_layer_alone_is_not_a_model(spoiled):
    def only_the_layer(config):
        dense = config["config"]["layers"][-1]
        config.clear()
        config.update(dense)

    rewrite(spoiled / "model.keras", only_the_layer)
    refused(spoiled, "Llegó: Dense|no es un modelo que Keras")


# ---- volumes

BRAINS = {
    "task": "segmentation",
    "edition": "2020",
    "modalities": ["flair", "t1ce"],
    "regions": ["WT", "TC", "ET"],
    "patch": None,
    "held_out": ["BraTS20_Training_003"],
    "preparation": "brain",
    "data": {"dataset": "brats2020"},
}


@pytest.mark.parametrize("rank", [2, 3])
def test_a_network_of_several_megabytes_and_free_sizes(rank, tmp_path):
    from course.models import attention_unet

    model = attention_unet((None,) * rank + (2,), 3, (16, 64, 96), output_activation="sigmoid")
    path = export(model, tmp_path, card={**BRAINS, "patch": [32] * rank})
    assert path.stat().st_size > 1e6
    loaded, card = load(tmp_path)
    assert card["inputs"][0]["shape"] == [None] * rank + [2] and card["range"] is None
    example = np.random.default_rng(0).normal(size=(1, *(20,) * rank, 2)).astype("float32")
    np.testing.assert_allclose(loaded(example), model(example, training=False), atol=1e-5)


@pytest.mark.parametrize("outputs, fits", [(3, True), (4, True), (2, False), (5, False)])
def test_a_network_answers_with_regions_or_with_the_edition_s_labels(tmp_path, outputs, fits):
    model = keras.Sequential([keras.Input((None, None, 2)), layers.Conv2D(outputs, 1)])
    if fits:
        export(model, tmp_path, card=BRAINS)
    else:
        expected = r"3 \(regions\) o 4 \(etiquetas de 2020\) salidas"
        with pytest.raises(CourseError, match=expected):
            export(model, tmp_path, card=BRAINS)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"edition": "2019"}, "edition: se esperaba '2015' o"),
        ({"modalities": ["flair"]}, "1 modalidades y el modelo recibe 2 canales"),
        (
            {"modalities": ["flair", "flair"]},
            "modalities: se esperaba una lista de nombres",
        ),
        ({"regions": ["WT", "ET", "TC"]}, "regions: se esperaba"),
        ({"patch": [24, 16]}, "patch es .24, 16. y el modelo recibe .16, None."),
        ({"patch": [16, 16, 16]}, "patch es"),
        ({"patch": [16.0, 16]}, "patch: se esperaba dos o tres lados"),
        ({"patch": [True, 16]}, "patch: se esperaba dos o tres lados"),
        ({"held_out": "all"}, "held_out: se esperaba una lista"),
        ({"held_out": ["a", "a"]}, "held_out: se esperaba una lista"),
        ({"preparation": None}, "preparation: se esperaba 'brain'"),
        ({"preparation": "photo"}, "preparation: se esperaba 'brain'"),
    ],
)
def test_a_card_of_volumes_is_as_strict_as_the_others(changes, words):
    model = keras.Sequential([keras.Input((16, None, 2)), layers.Conv2D(3, 1)])
    assert cards.complete({**BRAINS, "patch": [16, 24]}, model)["patch"] == [16, 24]
    with pytest.raises(CourseError, match=words):
        cards.complete({**BRAINS, **changes}, model)


@pytest.mark.parametrize("key", ["modalities", "regions", "patch", "held_out", "preparation"])
def test_a_card_of_brats_lacks_nothing(key):
    model = keras.Sequential([keras.Input((None, None, 2)), layers.Conv2D(3, 1)])
    lacking = {name: value for name, value in BRAINS.items() if name != key}
    with pytest.raises(CourseError, match=f"falta la clave '{key}'"):
        cards.complete(lacking, model)


# ---- masks of anything else

CELLS = {
    "task": "segmentation",
    "class_names": ["fondo", "célula"],
    "preparation": "photo",
    "data": {"dataset": "cells"},
}
OTHER_REGIONS = {
    "task": "segmentation",
    "regions": ["WT"],
    "modalities": ["flair", "t1ce"],
    "patch": [32, 32],
    "held_out": ["BraTS20_Training_003"],
    "preparation": "brain",
    "data": {"dataset": "brats2020"},
}


@pytest.mark.parametrize(
    "card, channels, outputs", [(CELLS, 1, 2), (CELLS, 3, 2), (OTHER_REGIONS, 2, 1)]
)
def test_a_segmentation_of_other_regions_or_data_is_exported(tmp_path, card, channels, outputs):
    model = keras.Sequential([keras.Input((None, None, channels)), layers.Conv2D(outputs, 1)])
    export(model, tmp_path, card=card)
    loaded, read = load(tmp_path)
    assert {key: read[key] for key in card} == card and "edition" not in read
    assert loaded.output_shape[-1] == outputs


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"class_names": None}, "falta la clave 'regions' o 'class_names'"),
        ({"class_names": ["célula", "célula"]}, "class_names: se esperaba una lista de nombres"),
        ({"class_names": ["a", "b", "c"]}, r"3 \(class_names\) salidas y el modelo tiene 2"),
        ({"modalities": ["rojo", "verde"]}, "2 modalidades y el modelo recibe 1 canales"),
        ({"patch": [8, 8, 8]}, "su patch es"),
        ({"held_out": [1]}, "held_out: se esperaba una lista"),
        ({"preparation": "wash"}, "preparation: se esperaba"),
        ({"edition": "2020"}, "falta la clave 'modalities'"),  # then it is BraTS, with all of it
    ],
)
def test_what_such_a_card_says_must_still_fit(changes, words):
    model = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(2, 1)])
    with pytest.raises(CourseError, match=words):
        cards.complete({**CELLS, **changes}, model)
