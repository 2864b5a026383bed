"""A test part known again: how many cases it has, and a checksum of what they hold."""

import hashlib

import numpy as np

_ROWS = 4096  # converted at a time


def of_arrays(inputs, targets) -> dict:
    """The fingerprint of what a classifier or a regressor is scored on.

    A number counts, not its type, nor an axis of one: uint8 and float32 images, with a channel axis
    or without, are the same data. Order counts.

    Args:
        inputs: Array `(n, …)`, or dict from a column's name to an array `(n,)`, of numbers or text.
        targets: `(n,)`.

    Returns:
        `{"n": …, "sha256": …}`, for the card.

    Example:

    >>> one = of_arrays(np.zeros((2, 4), "uint8"), [0, 1])
    >>> one["n"], one == of_arrays(np.zeros((2, 4, 1)), np.array([0.0, 1.0]))
    (2, True)
    """
    columns = inputs if isinstance(inputs, dict) else {"": inputs}
    checksum = hashlib.sha256()
    for name in sorted(columns):
        checksum.update(name.encode())
        _add(checksum, columns[name])
    _add(checksum, targets)
    return {"n": len(targets), "sha256": checksum.hexdigest()}


def of_cases(truths) -> dict:
    """The fingerprint of what a segmenter is scored on: `{case's name: its `of_labels`}`.

    The order of the cases does not count. The images are left out: normalised, their last bits
    depend on the machine.
    """
    checksum = hashlib.sha256()
    for name in sorted(truths):
        checksum.update(f"{name}:{truths[name]};".encode())
    return {"n": len(truths), "sha256": checksum.hexdigest()}


def of_labels(labels) -> str:
    """The checksum of one case's labels, for `of_cases`."""
    labels = np.asarray(labels)
    checksum = hashlib.sha256(str(labels.shape).encode())
    checksum.update(np.ascontiguousarray(labels, "uint8"))
    return checksum.hexdigest()


def first(inputs, targets, n):
    """The first `n` cases, which is what a lesson's `--limit` keeps."""
    if isinstance(inputs, dict):
        return {name: column[:n] for name, column in inputs.items()}, targets[:n]
    return inputs[:n], targets[:n]


def _add(checksum, values):
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        checksum.update("\0".join(map(str, values.ravel())).encode())
        return
    for start in range(0, len(values), _ROWS):
        checksum.update(np.ascontiguousarray(values[start : start + _ROWS], "<f4"))
