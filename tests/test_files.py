"""Files that are whole or not there, JSON without NaN, records built from mappings."""

import dataclasses
import errno
import gzip
import json
import os
from typing import Annotated, Literal

import numpy as np
import pytest

from course import files
from course.errors import CourseError


def below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


# ---- writing


def test_a_file_takes_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "a" / "numbers.npy"
    with files.whole(path) as part:
        np.save(part, [1, 2])  # np.save would add .npy to another ending
        assert part.suffix == ".npy" and not path.exists()
    assert np.load(path).tolist() == [1, 2]
    assert below(tmp_path) == ["a", "a/numbers.npy"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, OSError(errno.ENOSPC, "full")])
def test_what_stops_half_way_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "card.json"
    path.write_text("before")
    with pytest.raises((KeyboardInterrupt, ValueError, CourseError)):
        with files.whole(path) as part:
            part.write_text("half")
            raise error
    assert path.read_text() == "before" and below(tmp_path) == ["card.json"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.EDQUOT, "quota")])
def test_a_folder_is_whole_or_not_there(tmp_path, error):
    with files.whole_folder(tmp_path / "case") as part:
        (part / "image.npy").write_text("1")
    with pytest.raises((KeyboardInterrupt, CourseError)):
        with files.whole_folder(tmp_path / "other") as part:
            (part / "image.npy").write_text("1")
            raise error
    assert below(tmp_path) == ["case", "case/image.npy"]


def test_the_folder_of_a_quicker_process_stays(tmp_path):
    with files.whole_folder(tmp_path / "case") as part:
        (part / "mine").touch()
        (tmp_path / "case").mkdir()
        (tmp_path / "case" / "theirs").touch()
    assert below(tmp_path) == ["case", "case/theirs"]


def test_text_is_written_as_utf8_with_lf(tmp_path):
    files.write(tmp_path / "t", "ñ\n")
    files.write(tmp_path / "b", b"\0")
    assert (tmp_path / "t").read_bytes() == b"\xc3\xb1\n"
    assert (tmp_path / "b").read_bytes() == b"\0"


@pytest.mark.parametrize(
    "error, words",
    [
        (OSError(errno.ENOSPC, "No space left on device"), "el disco está lleno (quedan"),
        (OSError("64 requested and 0 written"), "el disco está lleno (quedan"),
        (PermissionError(errno.EACCES, "Permission denied"), "no tienes permiso"),
        (OSError(errno.EROFS, "Read-only file system"), "solo de lectura"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
    ],
)
def test_one_message_for_a_disk_that_refuses(tmp_path, error, words):
    text = str(files.cannot_write(tmp_path / "x" / "card.json", error))
    assert text.startswith(f"No se pudo escribir {tmp_path / 'x' / 'card.json'}: ")
    assert words in text and "Qué hacer: " in text


def test_a_file_where_a_folder_should_be_is_told(tmp_path):
    (tmp_path / "runs").touch()
    with pytest.raises(CourseError, match="es un archivo, no una carpeta"):
        files.write(tmp_path / "runs" / "a.txt", "a")
    with pytest.raises(CourseError, match="es un archivo, no una carpeta"):
        with files.whole_folder(tmp_path / "runs" / "case"):
            pass


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_rights_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(CourseError, match="no tienes permiso"):
        files.write(tmp_path / "a.txt", "a")


def test_a_full_disk_is_told():
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    with pytest.raises(CourseError, match="el disco está lleno"):
        with files.whole("/dev/shm/course-test"), open("/dev/full", "wb", buffering=0) as full:
            full.write(b"1")


# ---- reading


@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_gzip_is_known_by_its_first_bytes(tmp_path, name):
    path = tmp_path / name
    for data in (gzip.compress(b"digits"), b"digits"):
        path.write_bytes(data)
        with files.opened(path) as file:
            assert file.read() == b"digits"


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "no se puede leer como JSON"),
        ("[1]", "se esperaba un objeto"),
        ('{"a": 1, "b": 2, "a": 3}', "la clave 'a' está dos veces"),
        ('{"a": {"b": 2, "b": 3}}', "la clave 'b' está dos veces"),
        ("[" * 100_000, "no se puede leer como JSON"),
    ],
)
def test_what_is_no_json_object_is_told(tmp_path, text, words):
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(CourseError, match=words) as told:
        files.read_json(path)
    assert str(path) in str(told.value)


def test_notepad_s_mark_is_no_part_of_the_json(tmp_path):
    (tmp_path / "card.json").write_bytes(b"\xef\xbb\xbf{}")
    assert files.read_json(tmp_path / "card.json") == {}


def test_json_has_neither_nan_nor_numpy(tmp_path):
    value = {"a": np.float32(0.5), 2: (np.arange(2), tmp_path), "c": [float("inf"), None, True]}
    assert json.loads(files.json_text(value)) == {
        "a": 0.5, "2": [[0, 1], str(tmp_path)], "c": [None, None, True]
    }  # fmt: skip


# ---- records


@dataclasses.dataclass(frozen=True)
class Tensor:
    name: files.Text
    shape: tuple[int | None, ...]


@dataclasses.dataclass(frozen=True)
class Record:
    kind: Literal["idx", "csv"]
    handle: Annotated[str, files.Rule(lambda text: "/" in text, "dueño/nombre")]
    rows: files.Count = 1
    share: float = 0.0
    open: bool | None = None
    inputs: tuple[Tensor, ...] = ()
    labels: dict[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        if self.kind == "idx" and self.labels:
            raise ValueError("idx no lleva etiquetas.")


GOOD = {"kind": "csv", "handle": "ana/manos"}


def test_a_record_is_built_by_its_types():
    raw = {**GOOD, "share": 1, "inputs": [{"name": "x", "shape": [28, None]}], "labels": {"A": 0}}
    assert files.build(Record, raw, "here") == Record(
        "csv", "ana/manos", share=1.0, inputs=(Tensor("x", (28, None)),), labels={"A": 0}
    )


@pytest.mark.parametrize(
    "change, words",
    [
        ({"knd": "csv"}, "here: la clave 'knd' no se conoce. ¿Querías decir 'kind'? Se conocen: "),
        ({"kind": "zip"}, "here, kind: se esperaba 'idx' o 'csv'. Llegó: 'zip'."),
        ({"handle": "manos"}, "here, handle: se esperaba dueño/nombre. Llegó: 'manos'."),
        ({"handle": 3}, "here, handle: se esperaba un texto. Llegó: 3."),
        ({"rows": 0}, "here, rows: se esperaba un número entero desde 1. Llegó: 0."),
        ({"rows": True}, "here, rows: se esperaba un número entero. Llegó: True."),
        ({"rows": None}, "here, rows: se esperaba un número entero. Llegó: None."),
        ({"share": "1"}, "here, share: se esperaba un número. Llegó: '1'."),
        ({"open": 1}, "here, open: se esperaba true o false. Llegó: 1."),
        ({"inputs": {}}, "here, inputs: se esperaba una lista. Llegó: {}."),
        ({"inputs": [{"name": "x"}]}, "here, inputs, n.º 1: falta la clave 'shape'."),
        (
            {"inputs": [{"name": " ", "shape": []}]},
            "here, inputs, n.º 1, name: se esperaba un texto que no esté vacío. Llegó: ' '.",
        ),
        ({"labels": {"A": "0"}}, "here, labels, A: se esperaba un número entero. Llegó: '0'."),
        ({"kind": "idx", "labels": {"A": 0}}, "here: idx no lleva etiquetas."),
    ],
)
def test_what_does_not_fit_is_named(change, words):
    with pytest.raises(CourseError) as told:
        files.build(Record, {**GOOD, **change}, "here")
    assert str(told.value).startswith(words)


def test_a_missing_key_and_no_mapping_are_named():
    with pytest.raises(CourseError, match="^here: falta la clave 'kind'.$"):
        files.build(Record, {"handle": "a/b"}, "here")
    with pytest.raises(CourseError, match="^here: se esperaban claves con valores. Llegó: 3.$"):
        files.build(Record, 3, "here")


def test_other_keys_are_passed_over_where_they_may_be():
    assert files.build(Record, {**GOOD, "seed": 3}, "here", others=True) == Record(**GOOD)


def test_none_is_taken_where_the_type_says_so():
    assert files.build(Record, {**GOOD, "open": None}, "here").open is None
