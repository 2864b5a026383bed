"""What is wrong with an answer: first the exercise's own mistakes, then those of every exercise."""

import copy
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from course.exercises.answers import Objection, agree, arrays, show


@dataclass(frozen=True)
class Mistake:
    """A known way to go wrong: who answers as `wrong` does on every input is shown `diagnosis`.

    `wrong` takes what the right one takes. Of a slip that has a number in it, such as where to
    clip, it is a tuple of them.
    """

    wrong: Callable | tuple[Callable, ...]
    diagnosis: str  # Markdown

    @property
    def ways(self):
        """All of them."""
        return self.wrong if isinstance(self.wrong, tuple) else (self.wrong,)


@np.errstate(all="ignore")
def diagnose(exercise, trials):
    """What is wrong, with a call that shows it, or "" if every trial is right."""
    failed = [trial for trial in trials if not trial.is_right]
    if not failed:
        return ""
    said, shown = _known(exercise, trials)
    if not said:
        said, shown = _general(exercise, trials, failed)
    right = len(trials) - len(failed)
    some = f" (En {right} de {len(trials)} casos acierta; en este no.)" if right else ""
    return f"{said}\n{_evidence(exercise, shown[0])}{some}"


# ---- the exercise's own


def _known(exercise, trials):
    """The diagnosis that explains every trial, or all but one, which another mistake may have
    spoilt, and the failed trials that it explains; or "" and none.
    """
    numbers = [part for trial in trials for part in trial.got if part.size]
    if exercise.wants_function and numbers and not any(map(np.any, numbers)):
        return "", []  # nothing but zeros looks like whatever is mostly zero
    explained = [
        (mistake, _explained(exercise, way, trials))
        for mistake in exercise.mistakes
        for way in mistake.ways
    ]
    for unexplained in (0, 1):
        for mistake, those in explained:
            shown = [trial for trial in those if not trial.is_right]
            if len(those) + unexplained >= len(trials) and len(shown) > unexplained:
                return mistake.diagnosis, shown
    return "", []


def _explained(exercise, way, trials):
    """The trials that come out as this mistake's; none if it misses more than one."""
    those = []
    for tried, trial in enumerate(trials):
        if agree(trial.got, _wrong(exercise, way, trial)):
            those.append(trial)
        elif len(those) < tried:
            return []
    return those


def _wrong(exercise, way, trial):
    inputs = copy.deepcopy(trial.inputs)
    try:
        return arrays(exercise, way(*inputs), trial.inputs, len(trial.right))
    except (Objection, ArithmeticError, ValueError, LookupError):
        return []  # this mistake cannot be made on this input


# ---- without knowing the exercise


def _general(exercise, trials, failed):
    """What is wrong, and the failed trials that show it."""
    said = _empty(failed) or _zeros(trials) or _constant(exercise, trials) or _swapped(trials)
    if said:
        return said, failed
    other_shape = [trial for trial in failed if _shapes(trial.got) != _shapes(trial.right)]
    shown = other_shape or failed
    part = _wrong_part(shown[0])
    if other_shape:
        return _shape(shown[0].got[part], shown[0].right[part]), shown
    pairs = [(trial.got[part], trial.right[part]) for trial in trials]
    pairs = [(got.astype(float).reshape(right.shape), right.astype(float)) for got, right in pairs]
    said = (
        _not_finite(pairs)
        or _decimals(pairs)
        or _transformed(pairs)
        or _proportion(pairs)
        or _out_of_bounds(exercise, pairs)
        or _near(pairs)
        or (_constant_part(trials, part) if len(trials[0].right) > 1 else "")
        or "El resultado tiene la forma correcta, pero otros valores."
    )
    return said, shown


def _empty(failed):
    nothing = [
        got.size == 0 and right.size > 0
        for trial in failed
        for got, right in zip(trial.got, trial.right, strict=True)
    ]
    return "Tu función devuelve algo vacío, sin ningún número." if all(nothing) else ""


def _zeros(trials):
    """Whether nothing is left of fractions; what is right may be a whole number in one trial."""
    if len(trials[0].right) > 1 or any(trial.got[0].any() for trial in trials):
        return ""
    whole = [bool(np.trunc(trial.right[0]).any()) for trial in trials]
    if sum(whole) > 1 or all(whole) or any(_shapes(t.got) != _shapes(t.right) for t in trials):
        return ""
    return "Tu función devuelve siempre 0. ¿Perdiste los decimales con // o con int?"


def _constant(exercise, trials):
    parts = range(len(trials[0].got))
    if not all(_always_the_same([trial.got[part] for trial in trials]) for part in parts):
        return ""
    right = trials[0].right
    if not exercise.wants_function or all(agree(trial.right, right) for trial in trials):
        return ""
    return (
        "Tu función devuelve siempre lo mismo, sea cual sea la entrada (¿el resultado del "
        "ejemplo?). Calcúlalo a partir de lo que recibe."
    )


def _constant_part(trials, part):
    if not _always_the_same([trial.got[part] for trial in trials]):
        return ""
    if all(agree([trial.right[part]], [trials[0].right[part]]) for trial in trials):
        return ""
    return f"El resultado {part + 1} es siempre el mismo, sea cual sea la entrada."


def _always_the_same(arrays):
    """To the last digit: beside what is tiny, `agree` would take all that is tiny for the same."""
    return all(np.array_equal(array, arrays[0], equal_nan=True) for array in arrays)


def _swapped(trials):
    """Whether several results are right, each in another's place."""
    places = range(len(trials[0].right))
    for order in itertools.permutations(places):
        if all(agree([trial.got[i] for i in order], trial.right) for trial in trials):
            return (
                f"Tus {len(places)} resultados son los correctos, pero están cambiados: "
                "devuélvelos en el orden en que se piden."
            )
    return ""


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


def _decimals(pairs):
    """Whether the right numbers were cut or rounded; of zeros alone see `_zeros`."""
    cut = [np.trunc(right) for _, right in pairs]
    if any(map(np.any, cut)) and agree([got for got, _ in pairs], cut):
        return "Perdiste los decimales: ¿usaste // o int?"
    for places in range(1, 4):
        rounded = [right.round(places) for _, right in pairs]
        if any(map(np.any, rounded)) and all(map(_same_digits, (got for got, _ in pairs), rounded)):
            return "Redondeaste el resultado: devuélvelo con todos sus decimales."
    return ""


def _same_digits(got, rounded):
    return got.shape == rounded.shape and np.allclose(got, rounded, rtol=0, atol=1e-9)


# What was made of the right answer, in words.
_TRANSFORMS = {
    "Tienes el signo cambiado.": np.negative,
    "Los ejes están intercambiados: tu resultado es el traspuesto.": np.transpose,
    "Tu resultado está en el orden inverso.": np.flip,
    "Todo está corrido un lugar hacia adelante.": lambda right: _rolled(right, 1),
    "Todo está corrido un lugar hacia atrás.": lambda right: _rolled(right, -1),
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
    if not np.isfinite([got, right]).all() or np.ptp(right) == 0:
        return ""
    more = np.mean(got - right).round(6)
    if more and np.ptp(got - right) <= 1e-5 * max(abs(more), 1e-3):
        side = "más" if more > 0 else "menos"
        return f"Tu resultado tiene siempre {_spoken(abs(more))} de {side}: cuenta otra vez."
    factor = (got @ right) / (right @ right)
    shown = factor.round(4)
    if shown not in (0, 1) and agree([got], [factor * right]):
        times = {2: "el doble de lo correcto", 0.5: "la mitad de lo correcto"}.get(
            float(shown), f"{_spoken(shown)} veces lo correcto"
        )
        return f"Tu resultado es siempre {times}: mira por cuánto divides o multiplicas."
    return ""


def _spoken(value):
    """A number in a sentence, where it is no code: with a decimal comma."""
    return show(value).replace(".", ",")


def _out_of_bounds(exercise, pairs):
    low, high = exercise.bounds
    if all((low <= got).all() and (got <= high).all() for got, _ in pairs):
        return ""
    if high == np.inf:
        return "El resultado no puede ser negativo."
    return f"El resultado debe estar siempre entre {low} y {high}, y el tuyo no lo está."


def _near(pairs):
    """Whether all that came is near to what is right, as an approximation is."""
    if all((right == right.round()).all() for _, right in pairs):
        return ""  # counts: they are right, or are not
    if all(np.allclose(got, right, rtol=0.02, atol=1e-12) for got, right in pairs):
        return "Te acercas, a menos de un 2 %, pero no es exacto: ¿una aproximación?"
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
