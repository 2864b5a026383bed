"""Does a file hold what its entry says: files of a few bytes, each with one thing wrong."""

import gzip

import numpy as np
import pytest

from course.datasets.catalog import Content
from course.datasets.download import contents
from tests.brats_fakes import nifti

TABLE = b"label,pixel1\r\n3,0\r\n5,255\r\n3,17\r\n"
TABLE_CONTENT = Content(
    kind="csv", header="label,pixel1", columns=2, rows=3, text_bytes=24, counted="label",
    histogram={3: 2, 5: 1},
)  # fmt: skip
DIGITS = b"\0\0\x08\x01" + b"\0\0\0\x04" + bytes([7, 2, 1, 2])
DIGITS_CONTENT = Content(kind="idx", shape=(4,), histogram={1: 1, 2: 2, 7: 1})
VOXELS = np.zeros((2, 3, 4), "int16")
SCAN = b"\x5c\x01\0\0" + bytes(340) + b"n+1\0" + bytes(8)


# ---- what a file holds


@pytest.mark.parametrize(
    "data, problem",
    [
        (DIGITS, ""),
        (gzip.compress(DIGITS, mtime=0), ""),
        (b"\0\0\x08\x03" + DIGITS[4:], "its magic number is 2051, not 2049"),
        (DIGITS[:7] + b"\x05" + DIGITS[8:], "its header says (5,), not (4,)"),
        (DIGITS[:-1], "3 values follow the header, not 4"),
        (DIGITS[:-1] + b"\x07", "2 occurs 1 times, not 2"),
        (gzip.compress(DIGITS, mtime=0)[:-9], "it cannot be read (EOFError)"),
        (b"", "its magic number is 0, not 2049"),
    ],
)
def test_idx_contents(tmp_path, data, problem):
    path = tmp_path / ("file.gz" if data[:2] == b"\x1f\x8b" else "file")
    path.write_bytes(data)
    assert contents.disagreement(path, DIGITS_CONTENT) == problem


@pytest.mark.parametrize(
    "data, problem",
    [
        (TABLE, ""),
        (TABLE.replace(b"\r\n", b"\n"), ""),
        (b"\xef\xbb\xbf" + TABLE, ""),
        (TABLE.replace(b"label,pixel1", b'"label","pixel1"'), ""),
        (TABLE + b"\r\n", ""),
        (TABLE[:-2], ""),  # whole, but for the last line's end
        (TABLE[:-3], "its last row is cut"),
        (TABLE[:-5], "row 3 has 1 columns, not 2"),
        (TABLE[:-6], "it has 2 rows, not 3"),
        (TABLE[14:], "its header is not label,pixel1… with 2 columns"),
        (b"", "its header is not label,pixel1… with 2 columns"),
    ],
)
def test_csv_contents(tmp_path, data, problem):
    (tmp_path / "file").write_bytes(data)
    assert contents.disagreement(tmp_path / "file", TABLE_CONTENT) == problem


@pytest.mark.parametrize(
    "data, problem",
    [
        (SCAN, ""),
        (gzip.compress(SCAN, mtime=0), ""),
        (b"\0\0\x01\x5c" + SCAN[4:], ""),  # the other byte order
        (gzip.compress(SCAN, mtime=0)[:-9], "it cannot be read (EOFError)"),
        (SCAN[:344], "it has no NIfTI-1 header"),
        (nifti(VOXELS), ""),
        (nifti(VOXELS, order=">")[:-1], "it is cut short: 399 bytes, not 400"),
        (nifti(VOXELS)[:-5], "it is cut short: 395 bytes, not 400"),
        (b"", "it has no NIfTI-1 header"),
    ],
)
def test_nifti_contents(tmp_path, data, problem):
    path = tmp_path / ("scan.nii.gz" if data[:2] == b"\x1f\x8b" else "scan.nii")
    path.write_bytes(data)
    assert contents.disagreement(path, Content(kind="nifti")) == problem


def test_a_file_that_is_not_there_cannot_be_read(tmp_path):
    problem = "it cannot be read (FileNotFoundError)"
    assert contents.disagreement(tmp_path / "none.csv", TABLE_CONTENT) == problem
    (tmp_path / "none.tar").write_bytes(b"x")
    assert contents.disagreement(tmp_path / "none.tar", Content(kind="tar")) == (
        "it is not a tar archive"
    )
