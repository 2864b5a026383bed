"""What is wrong with an answer: first the exercise's own mistakes, then those of every exercise."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from course.exercises.answers import Objection, agree, arrays, show


@dataclass(frozen=True)
class Mistake:
    """A known way to go wrong: who answers as `wrong` does on every input is shown `diagnosis`."""

    wrong: Callable  # takes what the right one takes
    diagnosis: str  # Markdown


@np.errstate(all="ignore")
def diagnose(exercise, trials):
    """What is wrong, with a call that shows it, or "" if every trial is right."""
    failed = [trial for trial in trials if not trial.is_right]
    if not failed:
        return ""
    said, shown = _known(exercise, trials)
    if not said:
        other_shape = [trial for trial in failed if _shapes(trial.got) != _shapes(trial.right)]
        shown = other_shape or failed
        said = _constant(exercise, trials) or _general(trials, shown[0])
    right = len(trials) - len(failed)
    some = f" (En {right} de {len(trials)} casos acierta; en este no.)" if right else ""
    return f"{said}\n{_evidence(exercise, shown[0])}{some}"


def _known(exercise, trials):
    """The diagnosis that explains every trial, or all but one, which another mistake may have
    spoilt, and the failed trials that it explains; or "" and none.
    """
    explained = [
        [trial for trial in trials if agree(trial.got, _wrong(exercise, mistake, trial))]
        for mistake in exercise.mistakes
    ]
    for unexplained in (0, 1):
        for mistake, those in zip(exercise.mistakes, explained, strict=True):
            shown = [trial for trial in those if not trial.is_right]
            if len(those) + unexplained >= len(trials) and len(shown) > unexplained:
                return mistake.diagnosis, shown
    return "", []


def _wrong(exercise, mistake, trial):
    inputs = copy.deepcopy(trial.inputs)
    try:
        return arrays(exercise, mistake.wrong(*inputs), trial.inputs, len(trial.right))
    except (Objection, ArithmeticError, ValueError, LookupError):
        return []  # this mistake cannot be made on this input


def _constant(exercise, trials):
    first = trials[0]
    if not all(agree(trial.got, first.got) for trial in trials):
        return ""
    if not exercise.wants_function or all(agree(trial.right, first.right) for trial in trials):
        return ""
    return (
        "Tu función devuelve siempre lo mismo, sea cual sea la entrada (¿el resultado del "
        "ejemplo?). Calcúlalo a partir de lo que recibe."
    )


def _general(trials, shown):
    """The first part that is wrong, looked at without knowing the exercise."""
    part = _wrong_part(shown)
    pairs = [(trial.got[part], trial.right[part]) for trial in trials]
    if _shapes([shown.got[part]]) != _shapes([shown.right[part]]):
        return _shape(shown.got[part], shown.right[part])
    pairs = [(got.astype(float).reshape(right.shape), right.astype(float)) for got, right in pairs]
    return (
        _not_finite(pairs)
        or _transformed(pairs)
        or _proportion(pairs)
        or _range(pairs)
        or "El resultado tiene la forma correcta, pero otros valores."
    )


def _wrong_part(trial):
    """Which of several results is wrong, one of the wrong shape first."""
    parts = range(len(trial.right))
    got, right = _shapes(trial.got), _shapes(trial.right)
    wrong = [i for i in parts if got[i] != right[i]]
    return [*wrong, *(i for i in parts if not agree([trial.got[i]], [trial.right[i]]))][0]


def _shapes(arrays):
    """The shapes; a single number is one however many brackets are around it."""
    return [() if array.size == 1 else array.shape for array in arrays]


def _shape(got, right):
    more = {a - b for a, b in zip(got.shape, right.shape, strict=False)} - {0}
    if right.ndim == 0:
        why = "se espera un solo número. ¿Falta sumar o promediar?"
    elif got.ndim == 0:
        why = "llegó un solo número. ¿Sumaste o promediaste de más?"
    elif got.shape == right.shape[::-1]:
        why = "los ejes están intercambiados."
    elif got.size == right.size:
        why = "son los mismos números en otra forma, con un eje de más o de menos."
    elif got.ndim == right.ndim and more in ({1}, {-1}):
        why = f"{'sobra' if more == {1} else 'falta'} uno en un eje. Cuenta otra vez."
    else:
        why = "mira qué eje se reduce y cuál se conserva."
    return f"La forma de tu resultado es {got.shape} y debe ser {right.shape}: {why}"


def _not_finite(pairs):
    if any(np.isnan(got).any() and not np.isnan(right).any() for got, right in pairs):
        return "Aparece NaN: ¿0/0, inf - inf, o el logaritmo de un negativo?"
    if any(np.isinf(got).any() and not np.isinf(right).any() for got, right in pairs):
        return "Aparece inf: un exponente demasiado grande, o una división por cero."
    return ""


# What was made of the right answer, in words.
_TRANSFORMS = {
    "Tienes el signo cambiado.": np.negative,
    "Los ejes están intercambiados: tu resultado es el traspuesto.": np.transpose,
    "Tu resultado está en el orden inverso.": np.flip,
    "Todo está corrido un lugar hacia adelante.": lambda right: _rolled(right, 1),
    "Todo está corrido un lugar hacia atrás.": lambda right: _rolled(right, -1),
    "Perdiste los decimales: ¿usaste // o int?": np.trunc,
    "Redondeaste el resultado: devuélvelo con sus decimales.": np.round,
}


def _transformed(pairs):
    for said, transform in _TRANSFORMS.items():
        if all(agree([got], [transform(right)]) for got, right in pairs):
            return said
    if all(agree([np.sort(got, axis=None)], [np.sort(right, axis=None)]) for got, right in pairs):
        return "Los valores son los correctos, pero en otro orden."
    return ""


def _rolled(right, steps):
    return np.roll(right, steps, axis=0) if right.ndim else right


def _proportion(pairs):
    """One difference or one factor between all that came and all that is right."""
    got, right = (np.concatenate([np.ravel(pair[i]) for pair in pairs]) for i in (0, 1))
    if np.ptp(right) == 0:
        return ""
    more = np.mean(got - right)
    if np.ptp(got - right) <= 1e-5 * max(abs(more), 1e-3):
        side = "más" if more > 0 else "menos"
        return f"Tu resultado tiene siempre {show(abs(more).round(6))} de {side}: cuenta otra vez."
    factor = (got @ right) / (right @ right)
    if abs(factor) > 1e-6 and agree([got], [factor * right]):
        times = {2: "el doble de lo correcto", 0.5: "la mitad de lo correcto"}.get(
            float(factor.round(4)), f"{show(factor.round(4))} veces lo correcto"
        )
        return f"Tu resultado es siempre {times}: mira por cuánto divides o multiplicas."
    return ""


def _range(pairs):
    low = min(right.min(initial=np.inf) for _, right in pairs)
    high = max(right.max(initial=-np.inf) for _, right in pairs)
    for bottom, top, what in ((0, 1, "0 y 1"), (-1, 1, "-1 y 1")):
        if bottom <= low and high <= top and high > low:
            if any(got.min(initial=0) < bottom or got.max(initial=0) > top for got, _ in pairs):
                return f"El resultado debe estar entre {what}: ¿olvidaste normalizar?"
    if low >= 0 and any(got.min(initial=0) < 0 for got, _ in pairs):
        return "El resultado no puede ser negativo."
    return ""


def _evidence(exercise, trial):
    """The call, what came and what is right; of long arrays only the first place that differs."""
    inputs = ", ".join(map(show, trial.inputs))
    shown = f"{exercise.name}({inputs})" if exercise.wants_function else inputs
    head = f"Con {shown}, " + (f"{exercise.compared}: " if exercise.compared else "")
    part = _wrong_part(trial)
    got, right = trial.got[part], trial.right[part]
    if len(trial.right) > 1:
        head = f"{head}en el resultado {part + 1} de {len(trial.right)} "
    if right.size > 12 and got.shape == right.shape:
        place = next(i for i in np.ndindex(right.shape) if not agree([got[i]], [right[i]]))
        head, got, right = f"{head}en la posición {list(place)} ", got[place], right[place]
    return f"{head}obtienes {show(got)}; lo correcto es {show(right)}."
