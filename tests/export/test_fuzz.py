"""Bytes changed at random: the right answer or an error message, and nothing overwritten."""

import io
import json
import zipfile

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers
from PIL import Image

from course.datasets.pictures import read_image
from course.errors import CourseError
from course.export import export, load
from tests import FUZZ
from tests.fuzzing import one_input

QUICK = settings(
    max_examples=200 * FUZZ,
    deadline=None,  # the machine may be busy
    derandomize=True,  # the same few hundred each time
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 24, 3), "uint8")


@st.composite
def damages(draw):
    """A function that spoils some bytes: changed, cut off, doubled or pushed apart."""
    places = st.floats(0, 1, exclude_max=True)
    changes = draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4))
    kind = draw(st.sampled_from(["change", "change", "change", "cut", "insert", "double"]))

    def damage(content):
        spoiled = bytearray(content)
        if kind == "cut":
            return bytes(spoiled[: int(changes[0][0] * len(spoiled))])
        if kind == "double":
            return bytes(spoiled + spoiled[int(changes[0][0] * len(spoiled)) :])
        for place, value in changes:
            at = int(place * len(spoiled))
            spoiled[at : at + (kind == "change")] = bytes([value])
        return bytes(spoiled)

    return damage


# ---- pictures


def encoded(kind, **options):
    content = io.BytesIO()
    Image.fromarray(PIXELS).save(content, kind, **options)
    return content.getvalue()


@pytest.fixture(scope="module")
def exif():
    note = Image.Exif()
    note[0x0112] = 1
    return note


@QUICK
@given(damage=damages())
def test_a_spoiled_png_gives_the_same_picture_or_an_error(tmp_path, damage):
    path = tmp_path / "picture.png"
    path.write_bytes(encoded("PNG"))
    expected = read_image(path)
    spoiled = damage(path.read_bytes())
    path.write_bytes(spoiled)
    try:
        with one_input("PNG"):
            levels = read_image(path)
        assert np.array_equal(levels, expected)  # every chunk has its checksum
    except CourseError as error:
        assert str(path) in str(error) and "e esperaba" in str(error)
    assert path.read_bytes() == spoiled


@QUICK
@given(damage=damages())
def test_a_spoiled_jpg_gives_a_picture_or_an_error(tmp_path, exif, damage):
    path = tmp_path / "picture.jpg"
    spoiled = damage(encoded("JPEG", exif=exif))
    path.write_bytes(spoiled)
    try:
        with one_input("JPG"):
            levels = read_image(path)
        # a JPG has no checksum: another picture is all one can ask
        assert levels.ndim == 2 and levels.dtype == np.uint8 and min(levels.shape) >= 8
    except CourseError as error:
        assert str(path) in str(error) and "e esperaba" in str(error)
    assert path.read_bytes() == spoiled


@settings(QUICK, max_examples=100 * FUZZ)
@given(content=st.binary(max_size=300), head=st.sampled_from(["PNG", "JPEG", "GIF", "BMP", ""]))
def test_any_bytes_at_all_are_a_picture_or_an_error(tmp_path, content, head):
    path = tmp_path / "picture"
    path.write_bytes((encoded(head)[:40] if head else b"") + content)
    try:
        with one_input("picture of any bytes"):
            levels = read_image(path)
        assert levels.ndim == 2
    except CourseError as error:
        assert str(path) in str(error)


# ---- runs


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    model = keras.Sequential(
        [
            keras.Input((4,), name="row"),
            layers.Dense(3, activation="softmax", name="output"),
        ],
        name="tiny",
    )
    card = {
        "task": "classification",
        "class_names": ["a", "b", "c"],
        "data": {"dataset": "mnist", "source": "sample"},
        "preparation": None,
        "scores": {"accuracy": 0.5},
        "seed": 0,
    }
    return export(model, tmp_path_factory.mktemp("run"), card=card).parent


@pytest.fixture
def copy(run, tmp_path):
    for name in ("model.keras", "card.json"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    return tmp_path


ROW = np.array([[1.0, -2.0, 0.5, 3.0]], "float32")


def check(form, folder, expected):
    """The run loads, card and model fit, and its answers are right; or an error says why."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    try:
        with one_input(form):
            model, card = load(folder)
        assert np.array_equal(np.asarray(model(ROW)), expected)
        assert card["card_version"] == 1 and len(card["class_names"]) == 3
        assert card["inputs"] == [{"name": "row", "shape": [4], "dtype": "float32"}]
        assert isinstance(card["data"]["dataset"], str)
    except CourseError as error:
        assert str(folder) in str(error) and "Qué hacer: " in str(error)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.fixture(scope="module")
def answers(run):
    return np.asarray(load(run)[0](ROW))


@QUICK
@given(damage=damages())
def test_a_spoiled_card_is_still_a_card_or_an_error(copy, run, answers, damage):
    (copy / "card.json").write_bytes(damage((run / "card.json").read_bytes()))
    check("card.json", copy, answers)


@QUICK
@given(damage=damages())
def test_a_spoiled_model_answers_the_same_or_is_an_error(copy, run, answers, damage):
    (copy / "model.keras").write_bytes(damage((run / "model.keras").read_bytes()))
    check(".keras", copy, answers)


@settings(QUICK, max_examples=150 * FUZZ)
@given(damage=damages(), name=st.sampled_from(["config.json", "metadata.json"]))
def test_a_spoiled_config_with_right_checksums_is_a_model_or_an_error(copy, run, damage, name):
    with zipfile.ZipFile(run / "model.keras") as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    members[name] = damage(members[name])
    with zipfile.ZipFile(copy / "model.keras", "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    try:
        with one_input(".keras"):
            model, card = load(copy)
        # an activation may have become another: it is a model all the same
        assert isinstance(model, keras.Model) and model.output_shape == (None, 3)
    except CourseError as error:
        assert str(copy) in str(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
KEYS = ("card_version", "task", "class_names", "unit", "data", "preparation", "inputs", "outputs")


@QUICK
@given(key=st.sampled_from(KEYS), value=JSON)
def test_any_value_in_a_card_is_right_or_an_error(copy, run, answers, key, value):
    card = json.loads((run / "card.json").read_text(encoding="utf-8"))
    (copy / "card.json").write_text(json.dumps({**card, key: value}), encoding="utf-8")
    check("card.json", copy, answers)


# ---- runs of volumes

VOLUMES = {
    "task": "segmentation",
    "edition": "2020",
    "modalities": ["flair", "t1ce"],
    "regions": ["WT", "TC", "ET"],
    "patch": [32, 32],
    "held_out": ["BraTS20_Training_001"],
    "preparation": "brain",
    "data": {"dataset": "brats2020"},
}


@pytest.fixture(scope="module")
def volumes_run(tmp_path_factory):
    model = keras.Sequential([keras.Input((None, None, 2), name="slice"), layers.Conv2D(3, 1)])
    return export(model, tmp_path_factory.mktemp("volumes"), card=VOLUMES).parent


def check_volumes(folder):
    """There is an error message, or all of it can be relied on."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    try:
        with one_input("card.json"):
            model, card = load(folder)
        assert card["task"] == "segmentation" and card["preparation"] == "brain"
        assert card["regions"] == VOLUMES["regions"] and len(card["modalities"]) == 2
        assert isinstance(card["edition"], str) and model.output_shape[-1] == 3
        assert all(isinstance(name, str) for name in card["modalities"] + card["held_out"])
        sides = card["patch"] or [1, 1]
        assert len(sides) == 2 and all(type(side) is int and side > 0 for side in sides)
    except CourseError as error:
        assert str(folder) in str(error) and "Qué hacer: " in str(error)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.fixture
def volumes_copy(volumes_run, tmp_path):
    for name in ("model.keras", "card.json"):
        (tmp_path / name).write_bytes((volumes_run / name).read_bytes())
    return tmp_path


@settings(QUICK, max_examples=150 * FUZZ)
@given(damage=damages())
def test_a_spoiled_card_of_volumes_is_still_a_card_or_an_error(volumes_copy, volumes_run, damage):
    spoiled = damage((volumes_run / "card.json").read_bytes())
    (volumes_copy / "card.json").write_bytes(spoiled)
    check_volumes(volumes_copy)


@settings(QUICK, max_examples=150 * FUZZ)
@given(
    key=st.sampled_from([*VOLUMES]),
    value=JSON | st.sampled_from(["2021", "regression", [16, 16], [16] * 3, ["a", "b"], [], None]),
)
def test_any_value_in_a_card_of_volumes_is_right_or_an_error(volumes_copy, volumes_run, key, value):
    card = json.loads((volumes_run / "card.json").read_text(encoding="utf-8"))
    card[key] = value
    (volumes_copy / "card.json").write_text(json.dumps(card), encoding="utf-8")
    check_volumes(volumes_copy)
