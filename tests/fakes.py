"""Tiny files, byte for byte in the formats of the real ones: the readers are what is tested."""

import gzip
import pathlib
import struct

import numpy as np

MNIST_TRAIN, MNIST_TEST = 5, 3  # pictures
SIGN_LABELS = (0, 8, 10, 24, 3)  # as in the files: A, I, K, Y, D
HOUSING_HEADER = (
    "longitude,latitude,housing_median_age,total_rooms,total_bedrooms,population,households,"
    "median_income,median_house_value,ocean_proximity"
)
# made up; the third row lacks total_bedrooms as 207 of the real ones do
HOUSING_ROWS = (
    "-122.1,37.9,41.0,880.0,129.0,322.0,126.0,8.25,450000.0,NEAR BAY",
    "-118.3,34.0,52.0,3104.0,687.0,1388.0,658.0,3.5,350000.0,<1H OCEAN",
    "-119.8,36.7,25.0,1500.0,,900.0,280.0,2.0,75000.0,INLAND",
    "-117.2,32.8,17.0,2000.0,400.0,1100.0,390.0,4.125,225000.0,NEAR OCEAN",
    "-118.3,33.4,30.0,700.0,140.0,340.0,160.0,2.5,300000.0,ISLAND",
    "-121.5,38.6,8.0,2600.0,500.0,1500.0,480.0,3.0,125000.0,INLAND",
)


def pictures(n, seed=0):
    """Noise, uint8 `(n, 28, 28)`."""
    return np.random.default_rng(seed).integers(0, 256, (n, 28, 28)).astype("uint8")


def idx(array):
    """The IDX bytes of a uint8 array."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder, form="dotted", gz=False):
    """The four files of MNIST, three or five pictures each.

    Args:
        folder: made if need be.
        form: "dotted" (train-images.idx3-ubyte), "dashed", or "nested" (in a folder of its name).
        gz: compress each as the original download is.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, what was written.
    """
    parts = []
    for prefix, n in (("train", MNIST_TRAIN), ("t10k", MNIST_TEST)):
        images, labels = pictures(n, seed=n), (np.arange(n) * 3 % 10).astype("uint8")
        for kind, array in (("images", images), ("labels", labels)):
            name = f"{prefix}-{kind}-idx{array.ndim}-ubyte"
            path = {
                "dotted": f"{prefix}-{kind}.idx{array.ndim}-ubyte",
                "dashed": name,
                "nested": f"{name}/{name}",
            }[form]
            data = gzip.compress(idx(array), mtime=0) if gz else idx(array)
            _write(pathlib.Path(folder, path + ".gz" * gz), data)
        parts.append((images, labels))
    return tuple(parts)


def sign_csv(images, labels, newline="\r\n"):
    """The bytes of a Sign Language MNIST file; `labels` as in the file, 0–24 without 9."""
    lines = [",".join(["label", *(f"pixel{i}" for i in range(1, 785))])]
    for image, label in zip(images, labels, strict=True):
        lines.append(",".join(map(str, [label, *image.ravel()])))
    return (newline.join(lines) + newline).encode()


def write_sign_mnist(folder, nested=False, newline="\r\n"):
    """Both files of Sign Language MNIST, five pictures each; returns the images of each."""
    written = []
    for seed, part in enumerate(("train", "test")):
        images, name = pictures(len(SIGN_LABELS), seed), f"sign_mnist_{part}"
        path = f"{name}/{name}.csv" if nested else f"{name}.csv"
        _write(pathlib.Path(folder, path), sign_csv(images, SIGN_LABELS, newline))
        written.append(images)
    return written


def housing_csv(rows=HOUSING_ROWS, newline="\n"):
    """The bytes of a housing.csv."""
    return (newline.join([HOUSING_HEADER, *rows]) + newline).encode()


def write_housing(folder, rows=HOUSING_ROWS):
    _write(pathlib.Path(folder, "housing.csv"), housing_csv(rows))


def _write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
