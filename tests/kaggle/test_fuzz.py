"""A lesson's metadata with bytes changed, lost, added: they are read, or one message says why."""

import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.errors import CourseError
from course.kaggle import lessons
from tests import FUZZ
from tests.fuzzing import one_input

GOOD = (lessons.KERNELS / "taller2_cnn_mnist" / lessons.METADATA).read_bytes()
MARKS = st.sampled_from(['"', ",", ":", "{", "}", "[", "]", "null", "true", "0", "\\u00", "\ufeff"])
JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = JSON | st.lists(JSON, max_size=2) | st.dictionaries(st.text(max_size=5), JSON, max_size=2)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lesson")
    name = "taller2_cnn_mnist.py"
    return shutil.copy(lessons.KERNELS / "taller2_cnn_mnist" / name, folder / name)


@st.composite
def mutated(draw):
    """The file with up to three places cut, overwritten or added to."""
    out = bytearray(GOOD)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(out)))
        new = draw(st.binary(max_size=4) | MARKS.map(str.encode))
        out[at : at + draw(st.integers(0, 6))] = new
    return bytes(out)


KEYS = st.sampled_from([*json.loads(GOOD), "keywords", "docker_image"])
CHANGED = st.builds(
    lambda key, value: json.dumps({**json.loads(GOOD), key: value}).encode(), KEYS, JSON
)


@given(data=mutated() | CHANGED)
@settings(max_examples=200 * FUZZ, deadline=None)
def test_metadata(lesson, data):
    path = lesson.with_name(lessons.METADATA)
    path.write_bytes(data)
    try:
        with one_input("kernel-metadata.json"):
            about = lessons.metadata(lesson)
    except CourseError as error:
        assert str(path) in str(error) and "Qué hacer: " in str(error)
        return
    assert about.id == "taller-2-una-red-convolucional-que-lee-mnist"
    assert about.code_file == lesson.name and set(about.dataset_sources) <= {"mnist"}
