"""What `fit` and an evaluation are given becomes arrays once: by place, never by label."""

import sys

import numpy as np

from course.errors import CourseError


def as_array(values, name):
    """One array of whatever holds numbers or text in rows.

    A table of pandas is read row by row as it stands, whatever its index says. Text becomes dtype
    `object`, the only one that Keras takes. A memory map stays on the disk.

    Args:
        values: Array, list, tuple, tensor of any backend, Series or numeric DataFrame of pandas.
        name: What a message calls it.

    Returns:
        NumPy array with at least one axis.

    Raises:
        CourseError: It is no such thing: a data set of TensorFlow or PyTorch, batches of Keras, a
            generator, a sparse matrix, rows of different lengths, or cells that are missing.

    Example:

    >>> as_array((1.5, 2), "targets").tolist(), as_array(["INLAND"], "ocean").dtype.name
    ([1.5, 2.0], 'object')
    """
    keras = sys.modules.get("keras")  # where it is not loaded there is nothing of its own
    if hasattr(values, "as_numpy_iterator"):
        raise CourseError(
            f"{name}: se esperaban arreglos. Llegó un tf.data.Dataset.\n"
            "Qué hacer: júntalo antes en arreglos. Si sus elementos son lotes (x, y):\n"
            "    x, y = map(np.concatenate, zip(*datos.as_numpy_iterator()))\n"
            "y si son ejemplos sueltos, con np.stack en lugar de np.concatenate."
        )
    if keras and isinstance(values, keras.utils.PyDataset):
        raise CourseError(
            f"{name}: se esperaban arreglos. Llegaron lotes ({type(values).__name__}), que vienen "
            "en el orden del entrenamiento.\n"
            "Qué hacer: da los arreglos de los que se sacan; de los de Batches, batches.inputs y "
            "batches.targets."
        )
    if np.ma.is_masked(values):
        raise CourseError(
            f"{name}: hay celdas enmascaradas, que no tienen valor.\n"
            "Qué hacer: rellénalas, por ejemplo con values.filled(0), o quita esas filas."
        )
    if keras and keras.ops.is_tensor(values):
        values = keras.ops.convert_to_numpy(values)
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise CourseError(
            f"{name}: sus filas no tienen todas la misma forma ({error}).\n"
            "Qué hacer: llévalas al mismo tamaño antes."
        ) from error
    if array.ndim == 0:
        raise CourseError(
            f"{name}: se esperaba un arreglo con una fila por ejemplo. Llegó: "
            f"{type(values).__name__}.\n"
            "Qué hacer: conviértelo antes; un generador con np.array(list(…)), una matriz dispersa "
            "con su método toarray()."
        )
    return _text_or_numbers(array, values, name)


def as_arrays(values, name):
    """As `as_array`; of a dict, one array for each key.

    Example:

    >>> {key: array.shape for key, array in as_arrays({"rooms": [1, 2]}, "inputs").items()}
    {'rooms': (2,)}
    """
    if isinstance(values, dict):
        return {key: as_array(column, f"{name}[{key!r}]") for key, column in values.items()}
    return as_array(values, name)


def check_lengths(**arrays):
    """Refuse arrays, or dicts of them, that do not have one row for each example.

    Raises:
        CourseError: It names the two that differ.

    Example:

    >>> check_lengths(inputs={"rooms": np.zeros(3)}, targets=np.zeros(3))
    """
    lengths = {}
    for name, array in arrays.items():
        columns = array if isinstance(array, dict) else {None: array}
        for key, column in columns.items():
            lengths[name if key is None else f"{name}[{key!r}]"] = len(column)
    first = next(iter(lengths))
    for name, length in lengths.items():
        if length != lengths[first]:
            raise CourseError(
                f"Se esperaba una fila por ejemplo en todos. Llegó: {first} con {lengths[first]}, "
                f"{name} con {length}.\n"
                "Qué hacer: mira sus formas con .shape; ¿vienen de la misma parte de los datos?"
            )


def _text_or_numbers(array, values, name):
    """The array, if each cell of it is a number, or each a text."""
    if array.dtype.kind == "U":
        return array.astype(object)
    if array.dtype != object:
        return array
    kinds = {type(cell) for cell in array.ravel()}
    if kinds <= {str, bytes, np.str_, np.bytes_}:
        return array
    try:
        return array.astype("float64")  # numbers that pandas keeps as objects; None becomes NaN
    except (TypeError, ValueError) as error:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        if array.ndim == 2 and hasattr(values, "columns"):
            raise CourseError(
                f"{name}: esta tabla mezcla números y texto ({names}), y un arreglo no puede.\n"
                "Qué hacer: pasa cada columna por su lado, dict(tabla)."
            ) from error
        raise CourseError(
            f"{name}: se esperaban solo números o solo texto. Llegaron: {names}.\n"
            "Qué hacer: mira qué celdas son, y rellena o quita las que faltan."
        ) from error
