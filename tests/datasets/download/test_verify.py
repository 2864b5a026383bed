"""Does a file hold what its entry says: files of a few bytes, each with one thing wrong.

The readers say what a file holds; one with a catalogue in its hand compares.
"""

import gzip

import numpy as np
import pytest

from course.datasets.catalog import Content, FileInfo
from course.datasets.download.inventory import content_of
from course.datasets.download.verify import disagreement
from tests.brats_fakes import nifti
from tests.fakes import HOUSING_ROWS, housing_csv, sign_csv

PICTURES = np.zeros((3, 28, 28), "uint8")
PICTURES[:, -1, -1] = 0, 255, 17
TABLE = sign_csv(PICTURES, (3, 5, 3))
TABLE_CONTENT = Content(
    "sign", rows=3, text_bytes=len(TABLE.replace(b"\r\n", b"")), histogram={3: 2, 5: 1}
)
DIGITS = b"\0\0\x08\x01" + b"\0\0\0\x04" + bytes([7, 2, 1, 2])
DIGITS_CONTENT = Content("idx", shape=(4,), histogram={1: 1, 2: 2, 7: 1})
HOUSES_CONTENT = Content(
    "housing",
    rows=6,
    histogram={"NEAR BAY": 1, "<1H OCEAN": 1, "INLAND": 2, "NEAR OCEAN": 1, "ISLAND": 1},
)
SCAN = nifti(np.zeros((2, 3, 4), "int16"))


def problem_of(path, data, content):
    path.write_bytes(data)
    return disagreement(path, FileInfo(path.name, content=content), content_of)


@pytest.mark.parametrize(
    "data, problem",
    [
        (DIGITS, ""),
        (gzip.compress(DIGITS, mtime=0), ""),
        (b"\0\0\x08\x03" + DIGITS[4:], "empieza con el número 2049. Llegó: 2051"),
        (DIGITS[:7] + b"\x03" + DIGITS[8:-1], "su forma es (3,), no (4,)"),
        (DIGITS[:-1], "promete 4 bytes de etiquetas. Llegó: 3"),
        (DIGITS[:-1] + b"\x07", "2 está 1 veces, no 2"),
        (gzip.compress(DIGITS, mtime=0)[:-9], "no se puede leer"),
        (b"", "un archivo vacío"),
    ],
)
def test_what_an_idx_file_holds(tmp_path, data, problem):
    name = "file.gz" if data[:2] == b"\x1f\x8b" else "file"
    found = problem_of(tmp_path / name, data, DIGITS_CONTENT)
    assert problem in found and bool(problem) == bool(found)


def test_images_are_known_by_their_shape(tmp_path):
    data = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (2, 28, 28)) + bytes(2 * 784)
    assert problem_of(tmp_path / "a", data, Content("idx", shape=(2, 28, 28))) == ""
    assert "(2, 28, 28), no (3, 28, 28)" in problem_of(
        tmp_path / "a", data, Content("idx", shape=(3, 28, 28))
    )


@pytest.mark.parametrize(
    "data, problem",
    [
        (TABLE, ""),
        (TABLE.replace(b"\r\n", b"\n"), ""),
        (b"\xef\xbb\xbf" + TABLE, ""),
        (TABLE.replace(b"label,pixel1,", b'"label","pixel1",'), ""),
        (TABLE + b"\r\n", ""),
        (TABLE[:-2], ""),  # whole, but for the last line's end
        (TABLE[:-3], "bytes de texto"),  # 17 became 1
        (TABLE[:-5], "la línea 4 tiene 784 valores, no 785"),
        (TABLE[: TABLE.rindex(b"\r\n3,")], "tiene 2 filas, no 3"),
        (TABLE.replace(b"\r\n5,", b"\r\n3,"), "3 está 3 veces, no 2"),
        (TABLE[14:], "una primera línea con"),
        (b"", "un archivo vacío"),
    ],
)
def test_what_a_table_of_signs_holds(tmp_path, data, problem):
    found = problem_of(tmp_path / "file", data, TABLE_CONTENT)
    assert problem in found and bool(problem) == bool(found)


@pytest.mark.parametrize(
    "data, problem",
    [
        (housing_csv(), ""),
        (housing_csv(newline="\r\n").rstrip(), ""),
        (housing_csv(HOUSING_ROWS[:5]), "tiene 5 filas, no 6"),
        (housing_csv()[:-2], "'INLAN' en la línea 7"),
        (housing_csv((*HOUSING_ROWS[:5], HOUSING_ROWS[4])), "INLAND está 1 veces, no 2"),
        (b"", "un archivo vacío"),
    ],
)
def test_what_the_houses_hold(tmp_path, data, problem):
    found = problem_of(tmp_path / "file", data, HOUSES_CONTENT)
    assert problem in found and bool(problem) == bool(found)


@pytest.mark.parametrize(
    "data, problem",
    [
        (SCAN, ""),
        (gzip.compress(SCAN, mtime=0), ""),
        (nifti(np.zeros((2, 3, 4), "int16"), order=">"), ""),
        (gzip.compress(SCAN, mtime=0)[:-9], "no se puede leer"),
        (SCAN[:344], "NIfTI"),
        (nifti(np.zeros((2, 3, 4), "int16"), order=">")[:-1], "399"),
        (SCAN[:-5], "395"),
        (b"", "NIfTI"),
    ],
)
def test_what_a_scan_holds(tmp_path, data, problem):
    name = "scan.nii.gz" if data[:2] == b"\x1f\x8b" else "scan.nii"
    found = problem_of(tmp_path / name, data, Content("nifti"))
    assert problem in found and bool(problem) == bool(found)


def test_a_file_that_is_not_there_or_is_no_tar(tmp_path):
    file = FileInfo("none.csv", content=TABLE_CONTENT)
    assert "no se puede leer" in disagreement(tmp_path / "none.csv", file, content_of)
    assert "un archivo tar" in problem_of(tmp_path / "a.tar", b"x", Content("tar"))
