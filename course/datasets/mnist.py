"""MNIST and its sisters: 28×28 grey pictures of one sign each."""

import numpy as np

from course.datasets import idx
from course.datasets.download import sources
from course.datasets.download.fetch import fetch, locate
from course.errors import CourseError, nearest

CLASS_NAMES = tuple("0123456789")

_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BALANCED = (*CLASS_NAMES, *_UPPER, *"abdefghnqrt")  # the other small letters look like capitals
# Spanish, as they are read in figures
_CLASS_NAMES = {
    "mnist": CLASS_NAMES,
    "fashion_mnist": (
        *("camiseta", "pantalón", "suéter", "vestido", "abrigo"),
        *("sandalia", "camisa", "zapatilla", "bolso", "botín"),
    ),
    "kmnist": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    "emnist/balanced": _BALANCED,
    "emnist/bymerge": _BALANCED,
    "emnist/byclass": (*CLASS_NAMES, *_UPPER, *_UPPER.lower()),
    "emnist/letters": tuple(_UPPER),
    "emnist/digits": CLASS_NAMES,
    "emnist/mnist": CLASS_NAMES,
}
_FILES = {
    "train": ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
    "test": ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
}


def load_data(source="kaggle", variant="mnist"):
    """Load handwritten digits, or one of MNIST's sisters.

    Args:
        source: "kaggle" (fetched once, then offline), "tfds" (through tensorflow-datasets),
            "sample" (1,797 digits that come with scikit-learn, no download), or a folder that holds
            the four IDX files, plain or .gz.
        variant: with source "tfds", a sister: "fashion_mnist", "kmnist", "emnist/letters" …

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 `(n, 28, 28)`, light ink on black 0, and uint8
        `(n,)`, counted from 0.

    Raises:
        CourseError: an unknown source or variant, or a file that is missing, damaged or another
            one.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data(source="sample")
    >>> x_train.shape, y_train.dtype.name
    ((1438, 28, 28), 'uint8')
    """
    source = sources.resolve(source, ("kaggle", "tfds", "sample"))
    class_names(variant)
    if source == "tfds":
        return _from_tfds(variant)
    if variant != "mnist":
        raise CourseError(
            f'variant: "{variant}" comes through tensorflow-datasets only. Received source: '
            f'{source}\nNext: mnist.load_data(source="tfds", variant="{variant}")'
        )
    if source == "sample":
        from course.datasets.samples import digits

        return digits.load_data()
    folder = fetch("mnist", source=source if source == "kaggle" else str(source))
    return _from_folder(folder, "train"), _from_folder(folder, "test")


def class_names(variant="mnist"):
    """What each label of a variant means, in the order of the labels.

    Raises:
        CourseError: there is no such variant.

    Example:

    >>> class_names("emnist/letters")[:3]
    ('A', 'B', 'C')
    """
    if variant in _CLASS_NAMES:
        return _CLASS_NAMES[variant]
    family = [name for name in _CLASS_NAMES if name.startswith(f"{variant}/")]
    hint = f" Did you mean {family[0]}?" if family else nearest(variant, _CLASS_NAMES)
    raise CourseError(
        f"variant: expected one of {', '.join(_CLASS_NAMES)}. Received: {variant!r}.{hint}"
    )


def _from_folder(folder, part):
    images_path, labels_path = (locate(folder, "mnist", file) for file in _FILES[part])
    images = idx.read_images(images_path)
    labels = idx.read_labels(labels_path, classes=10)
    if len(images) != len(labels):
        raise CourseError(
            f"{images_path} holds {len(images):,} images and {labels_path} {len(labels):,} labels. "
            "Expected one label per image.\nThey do not belong together: put fresh copies of both "
            "in their place (python -m course data fetch mnist brings them)."
        )
    return images, labels


def _from_tfds(variant):
    try:
        import tensorflow_datasets as tfds

        train, test = tfds.load(variant, split=["train", "test"], batch_size=1024)
        pairs = [_arrays(tfds.as_numpy(part)) for part in (train, test)]
    except Exception as error:  # of the network, the disk, protobuf, TensorFlow: any class at all
        reason = str(error).strip().splitlines()
        raise CourseError(
            f"{variant} could not be had through tensorflow-datasets "
            f"({type(error).__name__}: {reason[0] if reason else 'no reason given':.200}).\n"
            "Next: check the network and the free space on the disk, then the same command again.\n"
            "Without it: --source kaggle (MNIST only) or --source sample (embedded)."
        ) from error
    return tuple(_as_mnist(images, labels, variant) for images, labels in pairs)


def _arrays(batches):
    columns = [(batch["image"], batch["label"]) for batch in batches]
    return tuple(np.concatenate(column) for column in zip(*columns, strict=True))


def _as_mnist(images, labels, variant):
    """`(n, 28, 28, 1)` and int64 to this module's shapes, upright and counted from 0."""
    images = images[..., 0]
    if variant.startswith("emnist/"):
        images = images.transpose(0, 2, 1).copy()  # EMNIST is stored column by column
    if variant == "emnist/letters":
        labels = labels - 1  # there A is 1
    return images, labels.astype("uint8")
