"""Is anything of the test part in the training part? Then the score says too much."""

import warnings

from course.errors import CourseError
from course.spanish import count, percent


def tell_shared(train, test, what, where, todo):
    """Warn of test examples that stand, equal to the last bit, in the training part too.

    Args:
        train: hashable examples: the bytes of an image, the values of a row.
        test: the same.
        what: singular and plural of an example, Spanish.
        where: names the data in the message.
        todo: what to do about it.

    Raises:
        CourseError: All of them do: it is the training part that would be scored.

    Example:

    >>> tell_shared([b"a", b"b"], [b"c"], ("imagen", "imágenes"), "aquí", "nada.")
    """
    known, test = set(train), list(test)
    shared = sum(example in known for example in test)
    if not shared:
        return
    text = (
        f"{where}: de {count(len(test), *what)} de prueba, {percent(shared / len(test), 1)} "
        f"({count(shared, *what)}) también están, iguales, entre las de entrenamiento."
    )
    if shared == len(test):
        raise CourseError(f"{text} Medir con ellas no diría nada.\nQué hacer: {todo}")
    warnings.warn(
        f"{text} El puntaje saldrá mejor de lo que es.\nQué hacer: {todo}",
        UserWarning,
        stacklevel=3,
    )
