"""Files with bytes changed, lost, added: the right answer or one `CourseError`, and nothing else.

The right answer is what an independent, slow reading of the same bytes gives.
"""

import gzip
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.datasets import california, catalog, mnist, sign_mnist
from course.errors import CourseError
from tests import FUZZ, ROOT
from tests.fakes import SIGN_LABELS, housing_csv, pictures, sign_csv
from tests.fakes import idx as idx_bytes
from tests.fuzzing import one_input

IMAGES = idx_bytes(pictures(3))
LABELS = idx_bytes(np.array([3, 1, 4, 1, 5], "uint8"))
SIGN = sign_csv(pictures(5) // 16, SIGN_LABELS)
HOUSING = housing_csv()

# digits and separators turn one valid file into another: the mutations that hurt
BYTES = st.one_of(
    st.binary(max_size=6),
    st.text("0123456789", max_size=3).map(str.encode),
    st.text('0123456789,.-+eE\r\n"# \t', max_size=6).map(str.encode),
)


@st.composite
def mutated(draw, data, most=3):
    """The file with up to three places cut, overwritten or added to; often near its start."""
    out = bytearray(data)
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.one_of(st.integers(0, min(20, len(out))), st.integers(0, len(out))))
        new = draw(BYTES)
        same = st.just(len(new))  # as long as before: what most easily passes for a good file
        lost = draw(st.one_of(same, same, st.integers(0, 6), st.integers(0, len(out))))
        out[at : at + lost] = new
    return bytes(out)


def read(form, reader, path, data):
    """What a reader makes of these bytes, or None for an error; it must write nothing."""
    path.write_bytes(data)
    try:
        with one_input(form):
            return reader(path)
    except CourseError as error:
        assert str(path) in str(error) and "Llegó" in str(error)
        return None
    finally:
        assert path.read_bytes() == data
        assert [found.name for found in path.parent.iterdir()] == [path.name]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "file"


def idx_by_hand(data, rank):
    """An IDX file as nested lists of int, or None."""
    sides = [int(data[i : i + 4].hex() or "0", 16) for i in range(4, 4 + 4 * rank, 4)]
    size = int(np.prod([float(s) for s in sides]))
    if data[:4] != bytes([0, 0, 8, rank]) or len(data) != 4 + 4 * rank + size:
        return None
    return list(data[4 + 4 * rank :])


@given(data=mutated(IMAGES))
@settings(max_examples=300 * FUZZ, deadline=None)
def test_images(path, data):
    found = read("IDX", mnist.read_images, path, data)
    if found is not None:
        assert found.shape[1:] == (28, 28) and found.ravel().tolist() == idx_by_hand(data, 3)
    if data == IMAGES:
        assert found is not None


@given(data=mutated(LABELS))
@settings(max_examples=300 * FUZZ, deadline=None)
def test_labels(path, data):
    found = read("IDX", lambda p: mnist.read_labels(p, 10), path, data)
    expected = idx_by_hand(data, 1)
    valid = expected and max(expected) <= 9
    assert (found is not None) == bool(valid)
    if valid:
        assert found.tolist() == expected


@given(data=mutated(gzip.compress(IMAGES, mtime=0)))
@settings(max_examples=300 * FUZZ, deadline=None)
def test_gzipped_images(path, data):
    found = read("IDX in gzip", mnist.read_images, path, data)
    if found is not None:  # only the header of gzip, its time or name, can change unnoticed
        np.testing.assert_array_equal(found, pictures(3))


@given(data=mutated(IMAGES))
@settings(max_examples=200 * FUZZ, deadline=None)
def test_images_wrong_inside_a_good_gzip(path, data):
    plain = read("IDX", mnist.read_images, path, data)
    zipped = read("IDX in gzip", mnist.read_images, path, gzip.compress(data, compresslevel=1))
    assert (plain is None) == (zipped is None)
    if plain is not None:
        np.testing.assert_array_equal(plain, zipped)


def lines(data):
    return [line for line in re.split(r"\r\n|\r|\n", data.decode("latin-1")) if line]


@given(data=mutated(SIGN))
@settings(max_examples=300 * FUZZ, deadline=None)
def test_sign_csv(path, data):
    found = read("CSV", sign_mnist.read_csv, path, data)
    if found is None:
        assert data != SIGN
        return
    images, labels = found
    table = [[int(cell) for cell in line.split(",")] for line in lines(data)[1:]]
    assert images.reshape(len(images), -1).tolist() == [row[1:] for row in table]
    letters = [chr(ord("A") + row[0]) for row in table]
    assert [sign_mnist.CLASS_NAMES[label] for label in labels] == letters
    assert all(0 <= value <= 255 for row in table for value in row)


@given(data=mutated(HOUSING))
@settings(max_examples=400 * FUZZ, deadline=None)
def test_housing_csv(path, data):
    found = read("CSV", california.read_csv, path, data)
    if found is None:
        assert data != HOUSING
        return
    columns, values = found
    rows = [line.replace('"', "").split(",") for line in lines(data)[1:]]
    numbers = [[np.float32(cell or "nan") for cell in row[:8]] for row in rows]
    table = np.stack([columns[name] for name in california._HEADER[:8]], 1)
    np.testing.assert_array_equal(table, numbers)
    np.testing.assert_allclose(values, [float(row[8]) / 100_000 for row in rows], rtol=1e-6)
    assert columns["ocean_proximity"].tolist() == [row[9] for row in rows]


# ---- the catalogue, which teachers write by hand

ENTRIES = re.split(r"\n\n(?=\w)", (ROOT / "datasets.yaml").read_text(encoding="utf-8"))
# what YAML makes something else of: lists, keys, names and copies, dates, numbers
MARKS = st.sampled_from(
    [": ", "- ", "[", "]", "{", "}", "&a ", "*a", "<<: *a", "!!", "? ", "|", "\t", "'", '"', "#",
     "~", "1:2", "2026-13-45", "0x_", "0b", ".inf", "1e999", "!!set", "!!binary a", "\x00", "é"]
).map(str.encode)  # fmt: skip


def read_catalogue(path, data):
    """Its entries, or None for an error."""
    path.write_bytes(data)
    try:
        with one_input("YAML"):
            return catalog.load(path)
    except CourseError as error:
        assert str(path) in str(error)
        return None


@given(data=st.data())
@settings(max_examples=300 * FUZZ, deadline=None)
def test_catalogue(path, data):
    out = bytearray(data.draw(st.sampled_from(ENTRIES)), "utf-8")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(out)))
        out[at : at + data.draw(st.integers(0, 12))] = data.draw(BYTES | MARKS)
    for name, info in (read_catalogue(path, bytes(out)) or {}).items():
        assert name == info.name and info.version >= 1 and info.homepage.startswith("https://")
        assert all(file.path and ".." not in file.path for file in info.files)


COPIES = "\n".join(f"a{i}: &a{i} [{', '.join(9 * [f'*a{i - 1}'])}]" for i in range(1, 12))
NO_ENTRIES = {
    "no such month": "a: 2026-13-45",
    "no such hour": "a: 2026-11-23T99:00:00Z",
    "no number": "a: 0x_",
    "too many digits": "a: " + "1" * 5000,
    "no text": "a: !!int ''",
    "neither yes nor no": "a: !!bool maybe",
    "in itself": "a: &x [*x]",
    "copies of copies": f"a0: &a0 [x]\n{COPIES}",
    "copied keys": f"a0: &a0 {{b: c}}\n{COPIES.replace('[', '{<<: [').replace(']', ']}')}",
    "deep": "[" * 500,
    "deep and whole": f"a: {'[' * 500}{']' * 500}",
    "a key that is a list": "? [1, 2]\n: 3",
}


@pytest.mark.parametrize("text", NO_ENTRIES.values(), ids=[*NO_ENTRIES])
def test_what_yaml_stumbles_over_is_one_message(path, text):
    assert read_catalogue(path, text.encode()) is None
