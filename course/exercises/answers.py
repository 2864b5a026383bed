"""A student's answer, called and turned into arrays; where that fails, a message says why."""

import builtins
import contextlib
import copy
import dis
import inspect
import io
import itertools
import sys
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from course.exercises.limit import SECONDS, TooLong, at_most
from course.exercises.python_errors import meaning

_IDLE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
_SHOWN = 40  # numbers of an array that are still read
_MOST = 1_000_000  # numbers that are taken of a generator, which may have no end


class Objection(Exception):
    """Why an answer cannot be compared at all, in Spanish."""


@dataclass
class Trial:
    """One call: its inputs, what came and what is right, a list of arrays each (mostly one)."""

    inputs: tuple
    got: list
    right: list

    @property
    def is_right(self):
        return agree(self.got, self.right)


def is_empty(answer):
    """Whether nothing was written yet: `...`, `None`, or a function without a body."""
    if answer is None or answer is ...:
        return True
    steps = dis.get_instructions(answer) if hasattr(answer, "__code__") else []
    steps = [(step.opname, step.argval) for step in steps]
    return bool(steps) and all(
        name in _IDLE and ("CONST" not in name or value in (None, ...)) for name, value in steps
    )


def is_unchanged(exercise, answer):
    """Whether the answer is still the function with mistakes that the lesson gives."""
    hers, cell = (getattr(f, "__code__", None) for f in (answer, exercise.unchanged))
    return bool(hers and cell) and _said_by(hers) == _said_by(cell)


def _said_by(code):
    """What a function's code says, alike for a notebook's cell and a file that imports NumPy too:
    Python compiles a call of what the same text imports in another way.
    """
    jumps = {*dis.hasjrel, *dis.hasjabs}
    steps = (step for step in dis.get_instructions(code) if step.opcode not in jumps)
    return [step.argval for step in steps if step.argval is not None]


def given(exercise, answer, cases):
    """A `Trial` for each case, or an `Objection`."""
    if exercise.wants_function:
        _check_callable(exercise, answer, cases[0])
    elif callable(answer):
        raise Objection(f"Se espera el valor mismo, {exercise.name}, y llegó una función.")
    trials = []
    for inputs in cases:
        right = arrays(exercise, exercise.right(*copy.deepcopy(inputs)), inputs)
        output = _called(exercise, answer, inputs) if exercise.wants_function else answer
        trials.append(Trial(inputs, arrays(exercise, output, inputs, len(right)), right))
    return trials


def arrays(exercise, output, inputs, parts=None):
    """What is compared of an output for `inputs`: a list of as many arrays as `parts` says.

    By default a tuple is as many as it holds, anything else is one. An `Objection` says that it is
    no number or array of numbers, or that there are too few or too many.
    """
    if exercise.read:
        try:
            output = exercise.read(output, *copy.deepcopy(inputs))
        except Objection:
            raise
        except Exception as error:  # rubbish that it did not foresee: never hers to debug
            said = f"Tu respuesta no se puede leer. Llegó {describe(output)}."
            raise Objection(said) from error
    if parts is None:
        parts = len(output) if isinstance(output, tuple) else 1
    if parts == 1:
        return [numbers(output)]
    separate = list(output.values()) if isinstance(output, dict) else output
    if not isinstance(separate, tuple | list):  # a stack of them
        separate = list(numbers(separate)) if getattr(separate, "shape", ()) else ()
    if len(separate) != parts:
        raise Objection(f"Se esperan {parts} resultados: return a, b… Llegó {describe(output)}.")
    return [numbers(part) for part in separate]


def numbers(output):
    """An array from a number, a list, a tuple, NumPy, or a tensor of any backend.

    A dictionary with the keys 0, 1, 2… is a list.
    """
    if hasattr(output, "detach"):  # PyTorch's, which may carry a gradient
        output = output.detach().cpu()
    if isinstance(output, dict) and output and set(output) == set(range(len(output))):
        output = [output[i] for i in range(len(output))]
    if isinstance(output, Iterator | range):
        output = _listed(output)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow's __array__ is NumPy 1's
            array = np.asarray(output)
    except (TypeError, ValueError):
        raise Objection(
            f"Se espera un arreglo, con filas del mismo largo. Llegó {describe(output)}."
        ) from None
    if array.dtype.kind not in "biuf":
        raise Objection(f"Se espera un número o un arreglo de números. Llegó {describe(output)}.")
    return array


def agree(got, right):
    """Whether two lists of arrays are equal: counts exactly, the rest as its dtype allows."""
    return len(got) == len(right) and all(map(_close, got, right))


def show(value):
    """A value as a student would type it, on one line.

    >>> show(np.array([[1, 0.333333333], [0, 2]])), show(np.zeros((9, 9)))
    ('[[1, 0.333333], [0, 2]]', 'un arreglo de forma (9, 9)')
    """
    if isinstance(value, tuple):
        return f"({', '.join(map(show, value))}{',' * (len(value) == 1)})"
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or array.dtype.kind == "b" and array.ndim == 0:
        return str(value) if array.dtype.kind == "b" else repr(value)
    if array.size > _SHOWN:
        return f"un arreglo de forma {array.shape}"
    if array.ndim:
        return f"[{', '.join(map(show, array))}]"
    whole = np.isfinite(array) and array == array.round() and abs(array) < 1e15
    return str(int(array)) if whole else f"{array.item():.6g}"


def call(name, inputs, output):
    """`name(inputs) = output`, in words."""
    return f"{name}({', '.join(map(show, inputs))}) da {show(output)}"


def describe(value):
    """What kind of thing was received, in Spanish."""
    known = {str: "un texto", dict: "un diccionario", list: "una lista", tuple: "una tupla"}
    if callable(value):
        return "una función (¿le faltaron los paréntesis?)"
    kind = known.get(type(value), f"algo de tipo {type(value).__name__}")
    return f"{kind}: {repr(value):.80}"


def _check_callable(exercise, answer, inputs):
    if not callable(answer):
        raise Objection(
            "Se entrega la función misma, sin paréntesis ni argumentos: "
            f"{exercise.name}. Llegó {describe(answer)}."
        )
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # some built-in functions have none
        return
    try:
        signature.bind(*inputs)
    except TypeError:
        raise Objection(
            f"Tu función recibe {signature}, y aquí se la llama con {len(inputs)} "
            f"valor{'es' * (len(inputs) > 1)}, en este orden: "
            f"{inspect.signature(exercise.solution)}."
        ) from None


def _called(exercise, function, inputs):
    """What her function returns; she may print, but neither fail nor change what she was given."""
    said, hers = io.StringIO(), copy.deepcopy(inputs)
    shown = f"{exercise.name}({', '.join(map(show, inputs))})"
    try:
        with limited(SECONDS), contextlib.redirect_stdout(said), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with without_input():
                output = function(*hers)
            if isinstance(output, Iterator):  # a generator runs only now
                output = _listed(output)
    except Objection:
        raise
    except TooLong as error:
        raise Objection(
            f"Con {shown} tu función no terminó en {SECONDS} segundos{_line(error, function)}. "
            "¿Hay un while cuya condición no cambia nunca?"
        ) from None
    except (Exception, SystemExit) as error:
        means = meaning(error)
        raise Objection(
            f"Con {shown} tu función se detuvo{_line(error, function)}."
            + (f"\n{means}" if means else "")
            + f"\nPython dice: {original(error)}"
        ) from error
    if output is None or output is ...:
        printed = said.getvalue().strip()
        raise Objection(
            f"Tu función imprime {printed[:80]!r} pero no devuelve nada: cambia print por return."
            if printed
            else "Tu función no devuelve nada (None): ¿le falta el return al final?"
        )
    for before, after in zip(inputs, hers, strict=True):
        if not _same(before, after):
            raise Objection(
                f"Tu función cambia lo que recibe: entró {show(before)} y quedó {show(after)}. "
                "Quien la llamó todavía necesita esos datos: trabaja en una copia, x = x.copy()."
            )
    return output


def original(error):
    """An exception as Python says it, on one line."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said:.200}" if said else type(error).__name__


def limited(seconds):
    """Let her code be stopped after so many seconds, or say that it cannot be."""
    screen = sys.stdout  # not the one that her prints go to

    def notice(seconds):
        print(
            f"Tu código lleva {seconds} segundos en una operación que no se puede interrumpir "
            "desde aquí. Espera, o detenla tú: Ctrl-C, o el botón de detener del cuaderno.",
            file=screen,
            flush=True,
        )

    return at_most(seconds, notice)


@contextlib.contextmanager
def without_input():
    """Let `input()` be an `Objection`: nobody answers during a check."""

    def nobody_answers(*prompt):
        raise Objection(
            "Tu código pide algo con input(), y aquí nadie responde: lo que tu función necesita le "
            "llega como argumento."
        )

    usual, builtins.input = builtins.input, nobody_answers
    try:
        yield
    finally:
        builtins.input = usual


def _listed(iterator):
    first = list(itertools.islice(iterator, _MOST))
    if len(first) == _MOST:
        raise Objection("Tu función devuelve números sin fin: ¿cuándo termina el yield?")
    return first


def _line(error, function):
    """The line of her own file or cell where it happened."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    if not own:
        return ""
    text = f": {own[-1].line}" if own[-1].line else ""
    return f", en la línea {own[-1].lineno}{text}"


def _close(got, right):
    if right.size == 1 and got.size == 1:
        got = got.reshape(right.shape)
    if got.shape != right.shape:
        return False
    got, loose = got.astype(float), 1e-2 if got.dtype == np.float16 else 1e-4
    if right.dtype.kind in "biu":
        return np.allclose(got, right, rtol=0, atol=1e-3)
    return np.allclose(got, right, rtol=loose, atol=loose / 100, equal_nan=True)


def _same(before, after):
    before, after = np.asarray(before), np.asarray(after)
    floats = before.dtype.kind == after.dtype.kind == "f"
    return np.array_equal(before, after, equal_nan=floats)
