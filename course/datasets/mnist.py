"""MNIST and its sisters: 28×28 grey pictures of one sign each."""

import math
import zlib

import numpy as np

from course import files
from course.datasets import catalog
from course.datasets.catalog import Content
from course.datasets.download.fetch import fetch_files, resolve
from course.datasets.overlap import tell_shared
from course.errors import CourseError, nearest
from course.spanish import count, number

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
_FILES = (
    ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
    ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
)
_MOST = 300_000  # items; EMNIST's digits, the longest of MNIST's sisters in IDX, have 280,000
_SIDE = 28  # pixels


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
        CourseError: An unknown source or variant, or a file that is missing, damaged or another
            one.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data(source="sample")
    >>> x_train.shape, y_train.dtype.name
    ((1438, 28, 28), 'uint8')
    """
    source = resolve(source, ("kaggle", "tfds", "sample"))
    class_names(variant)
    if source == "tfds":
        return _from_tfds(variant)
    if variant != "mnist":
        raise CourseError(
            f'variant: "{variant}" solo viene por tensorflow-datasets. Llegó con source: {source}.'
            f'\nQué hacer: mnist.load_data(source="tfds", variant="{variant}")'
        )
    if source == "sample":
        from course.datasets.samples import digits

        return digits.load_data()
    folder, paths = fetch_files(catalog.get("mnist"), source, content_of=content_of)
    train, test = (_part(paths[images], paths[labels]) for images, labels in _FILES)
    pictures = (map(np.ndarray.tobytes, images) for images, _ in (train, test))
    todo = "pon una parte de prueba que no esté en la de entrenamiento."
    tell_shared(*pictures, ("imagen", "imágenes"), folder, todo)
    return train, test


def class_names(variant="mnist"):
    """What each label of a variant means, in the order of the labels.

    Raises:
        CourseError: There is no such variant.

    Example:

    >>> class_names("emnist/letters")[:3]
    ('A', 'B', 'C')
    """
    if variant in _CLASS_NAMES:
        return _CLASS_NAMES[variant]
    family = [name for name in _CLASS_NAMES if name.startswith(f"{variant}/")]
    hint = f" ¿Querías decir {family[0]}?" if family else nearest(variant, _CLASS_NAMES)
    raise CourseError(
        f"variant: se esperaba una de {', '.join(_CLASS_NAMES)}. Llegó: {variant!r}.{hint}"
    )


def _part(images_path, labels_path):
    images, labels = read_images(images_path), read_labels(labels_path, classes=10)
    if len(images) != len(labels):
        raise CourseError(
            f"{images_path} tiene {count(len(images), 'imagen', 'imágenes')} y {labels_path} "
            f"{count(len(labels), 'etiqueta', 'etiquetas')}. Se esperaba una etiqueta por imagen.\n"
            "No son pareja: pon en su lugar copias nuevas de los dos "
            "(python -m course data fetch mnist las trae)."
        )
    return images, labels


# ---- IDX, the format of the four files, plain or gzipped
#
# Big-endian: two zero bytes, the type (8 is uint8), the rank, one 32-bit length per axis, the data.


def read_images(path):
    """Read a file of images, plain or gzipped, as uint8 `(n, 28, 28)`."""
    return _read(path, "imágenes", 3)


def read_labels(path, classes):
    """Read a file of labels, each below `classes`, as uint8 `(n,)`."""
    labels = _read(path, "etiquetas", 1)
    if labels.max() >= classes:
        at = int(np.argmax(labels >= classes))
        raise _error(
            path,
            f"se esperaban etiquetas de 0 a {classes - 1}",
            f"la etiqueta {labels[at]} en la posición {at} (la primera es la 0)",
        )
    return labels


def content_of(path, file) -> Content:
    """What a file holds, to be compared with its `FileInfo` in the catalogue."""
    if len(file.content.shape) == 3:
        return Content("idx", shape=read_images(path).shape)
    labels = _read(path, "etiquetas", 1)
    values, counts = np.unique(labels, return_counts=True)
    histogram = dict(zip(values.tolist(), counts.tolist(), strict=True))
    return Content("idx", shape=labels.shape, histogram=histogram)


def _read(path, what, rank):
    try:
        with files.opened(path) as file:
            shape = _shape(file.read(4 + 4 * rank), path, what, rank)
            size = math.prod(shape)
            data = file.read(size + 1)  # one more, to notice what is too long
    except (OSError, EOFError, zlib.error) as error:  # BadGzipFile is an OSError
        raise _error(path, f"se esperaban {what} en IDX", f"no se puede leer ({error})") from error
    if len(data) != size:
        found = "más" if len(data) > size else number(len(data), 0)
        raise _error(path, f"su cabecera promete {number(size, 0)} bytes de {what}", found)
    return np.frombuffer(data, "uint8").reshape(shape).copy()  # frombuffer's own is read-only


def _shape(header, path, what, rank):
    """The lengths of the axes, with every promise of the header checked."""
    if len(header) < 4 + 4 * rank:
        found = f"{len(header)} bytes en total" if header else "un archivo vacío"
        raise _error(path, f"se esperaban {what} en IDX", found)
    magic, *shape = (int.from_bytes(header[i : i + 4], "big") for i in range(0, len(header), 4))
    if magic != 0x800 + rank:
        expected = f"un archivo de {what} en IDX empieza con el número {0x800 + rank}"
        raise _error(path, expected, str(magic))
    if not 0 < shape[0] <= _MOST:
        most = f"se esperaban de 1 a {number(_MOST, 0)} {what}"
        raise _error(path, most, f"una cabecera que dice {number(shape[0], 0)}")
    if rank == 3 and shape[1:] != [_SIDE, _SIDE]:
        rows, columns = shape[1:]
        raise _error(path, f"se esperaban {_SIDE}×{_SIDE} píxeles", f"{rows}×{columns}")
    return shape


def _error(path, expected, received):
    return CourseError(
        f"{path}: {expected}. Llegó: {received}.\n"
        "Qué hacer: está dañado o es otro archivo; pon en su lugar una copia nueva "
        "(python -m course data fetch mnist la trae)."
    )


# ---- tensorflow-datasets


def _from_tfds(variant):
    try:
        import tensorflow_datasets as tfds

        train, test = tfds.load(variant, split=["train", "test"], batch_size=1024)
        pairs = [_arrays(tfds.as_numpy(part)) for part in (train, test)]
    except Exception as error:  # of the network, the disk, protobuf, TensorFlow: any class at all
        reason = str(error).strip().splitlines()
        raise CourseError(
            f"{variant} no se pudo traer por tensorflow-datasets "
            f"({type(error).__name__}: {reason[0] if reason else 'sin motivo':.200}).\n"
            "Qué hacer: revisa la red y el espacio libre en el disco y repite la misma orden.\n"
            "Sin ella: --source kaggle (solo MNIST) o --source sample (incluida)."
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
