"""IDX, the format of MNIST's four files, plain or gzipped.

Big-endian: two zero bytes, the type (8 is uint8), the rank, one 32-bit length per axis, the data.
"""

import gzip
import math
import os
import zlib

import numpy as np

from course.errors import CourseError

_MOST = 300_000  # items; EMNIST's digits, the longest of MNIST's sisters in IDX, have 280,000
_SIDE = 28  # pixels


def read_images(path):
    """Read a file of images.

    Args:
        path: the file; gzip is recognised by its first two bytes, not by its name.

    Returns:
        uint8 array, `(n, 28, 28)`.

    Raises:
        CourseError: it is not such a file, or it is damaged, empty or too large to be true.
    """
    return _read(path, "images", 3)


def read_labels(path, classes):
    """Read a file of labels, each below `classes`.

    Returns:
        uint8 array, `(n,)`.

    Raises:
        CourseError: as `read_images`, or a label is too high.
    """
    labels = _read(path, "labels", 1)
    if labels.max() >= classes:
        at = int(np.argmax(labels >= classes))
        raise _error(
            path,
            f"expected labels from 0 to {classes - 1}",
            f"label {labels[at]} at position {at} (the first is 0)",
        )
    return labels


def _read(path, what, rank):
    try:
        with open(path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        opener = gzip.open if zipped else open
        with opener(path, "rb") as file:
            shape = _shape(file.read(4 + 4 * rank), path, what, rank)
            size = math.prod(shape)
            _check_room(path, zipped, shape, size)
            data = file.read(size + 1)  # one more, to notice what is too long
    except (OSError, EOFError, zlib.error) as error:  # BadGzipFile is an OSError
        raise _error(path, f"expected {what} in IDX", f"it cannot be read ({error})") from error
    if len(data) != size:
        found = "more" if len(data) > size else f"{len(data):,}"
        raise _error(path, f"its header promises {size:,} bytes of {what}", f"{found} of them")
    return np.frombuffer(data, "uint8").reshape(shape).copy()  # frombuffer's own is read-only


def _shape(header, path, what, rank):
    """The lengths of the axes, with every promise of the header checked."""
    if not header:
        raise _error(path, f"expected {what} in IDX", "an empty file")
    magic, expected = int.from_bytes(header[:4], "big"), 0x800 + rank
    if magic != expected or len(header) < 4 + 4 * rank:
        received = f"{magic}" if len(header) >= 4 else f"{len(header)} bytes in all"
        if magic == expected:
            received = f"a header of {len(header)} bytes, not {4 + 4 * rank}"
        raise _error(path, f"a file of {what} in IDX begins with the number {expected}", received)
    shape = tuple(int.from_bytes(header[i : i + 4], "big") for i in range(4, len(header), 4))
    if not 0 < shape[0] <= _MOST:
        raise _error(path, f"expected 1 to {_MOST:,} {what}", f"a header that says {shape[0]:,}")
    if rank == 3 and shape[1:] != (_SIDE, _SIDE):
        rows, columns = shape[1:]
        raise _error(path, f"expected {_SIDE}×{_SIDE} pixels", f"{rows}×{columns}")
    return shape


def _check_room(path, zipped, shape, size):
    """Compare with what lies on the disk, before any memory is taken."""
    stored = os.path.getsize(path)
    # deflate packs at most 1032 bytes into one
    possible = 1032 * stored if zipped else stored - 4 - 4 * len(shape)
    if size > possible:
        received = f"{stored:,} gzipped bytes" if zipped else f"{possible:,} of them"
        raise _error(path, f"its header promises {size:,} bytes of data", received)


def _error(path, expected, received):
    return CourseError(
        f"{path}: {expected}. Received: {received}.\n"
        "The file is damaged or another one: put a fresh copy in its place "
        "(python -m course data fetch mnist brings one)."
    )
