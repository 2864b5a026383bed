"""Does a file hold what its entry says, whatever its exact bytes are?

A hash of a mirror's copy may differ from Kaggle's for a line ending. These checks read the file:
magic, shape, rows and how often each label occurs. Each returns "" or what is wrong.
"""

import collections
import gzip
import math
import os
import struct
import tarfile
import zlib

_READ_BYTES = 1 << 20


def disagreement(path, content) -> str:
    """Compare a file with the `Content` of its entry.

    Args:
        path: the file; a name that ends in .gz is read through gzip.
        content: a `course.datasets.catalog.Content`.

    Returns:
        "" when they agree, otherwise one sentence about the first difference.
    """
    check = {"idx": _idx, "csv": _csv, "nifti": _nifti, "tar": _tar}[content.kind]
    opener = gzip.open if str(path).endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            return check(file, content)
    except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError) as error:
        return f"it cannot be read ({type(error).__name__})"


def _idx(file, content):
    """IDX: two zero bytes, the type (8: uint8), the rank, then each side as big-endian int32."""
    rank = len(content.shape)
    header = file.read(4 + 4 * rank)
    magic = int.from_bytes(header[:4], "big")
    if magic != 0x800 + rank:
        return f"its magic number is {magic}, not {0x800 + rank}"
    shape = tuple(int.from_bytes(header[i : i + 4], "big") for i in range(4, len(header), 4))
    if shape != content.shape:
        return f"its header says {shape}, not {content.shape}"
    size, counts = 0, collections.Counter()
    while chunk := file.read(_READ_BYTES):
        size += len(chunk)
        if content.histogram:
            counts.update(chunk)
    if size != math.prod(shape):
        return f"{size:,} values follow the header, not {math.prod(shape):,}"
    return _histogram(counts, content)


def _csv(file, content):
    names = _cells(file.readline()).removeprefix(b"\xef\xbb\xbf")
    if not names.startswith(content.header.encode()) or names.count(b",") + 1 != content.columns:
        return f"its header is not {content.header[:40]}… with {content.columns} columns"
    column = names.split(b",").index(content.counted.encode())
    counts, line, text_bytes = collections.Counter(), b"\n", len(names)
    for line in file:
        row = _cells(line)
        if not row:
            continue
        if row.count(b",") + 1 != content.columns:
            number = counts.total() + 1
            return f"row {number:,} has {row.count(b',') + 1} columns, not {content.columns}"
        counts[row.split(b",", column + 1)[column].decode("utf-8", "replace")] += 1
        text_bytes += len(row)
    if not line.endswith(b"\n") and text_bytes != content.text_bytes:
        return "its last row is cut"
    if counts.total() != content.rows:
        return f"it has {counts.total():,} rows, not {content.rows:,}"
    return _histogram(counts, content)


def _cells(line):
    """A line without its end, LF or CRLF, and without quotes."""
    return line.rstrip(b"\r\n").replace(b'"', b"")


def _nifti(file, content):
    """NIfTI-1: the header's length, 348, in either byte order, its magic at byte 344, its size."""
    header = file.read(348)
    order = {b"\x5c\x01\0\0": "<", b"\0\0\x01\x5c": ">"}.get(header[:4])
    if not order or header[344:347] not in (b"n+1", b"ni1"):
        return "it has no NIfTI-1 header"
    rank, *sides = struct.unpack_from(order + "8h", header, 40)
    (bits,) = struct.unpack_from(order + "h", header, 72)
    (start,) = struct.unpack_from(order + "f", header, 108)
    promised = 0
    if header[344:347] == b"n+1" and 1 <= rank <= 7 and 0 <= start < 1e9:
        promised = int(start) + math.prod(sides[:rank]) * bits // 8
    size = file.seek(0, os.SEEK_END)  # a gzip is read to the end: there it checks its checksum
    return f"it is cut short: {size:,} bytes, not {promised:,}" if size < promised else ""


def _tar(file, content):
    return "" if tarfile.is_tarfile(file) else "it is not a tar archive"


def _histogram(counts, content):
    found = {str(key): count for key, count in counts.items()}
    expected = {str(key): count for key, count in content.histogram.items()}
    if not expected or found == expected:
        return ""
    key = min(k for k in found.keys() | expected if found.get(k, 0) != expected.get(k, 0))
    return f"{key} occurs {found.get(key, 0):,} times, not {expected.get(key, 0):,}"
