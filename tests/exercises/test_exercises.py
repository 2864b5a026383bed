"""Each exercise, answered rightly, in known wrong ways, and with rubbish.

The answers are in `answers`, a table for each taller.
"""

import builtins
import contextlib
import importlib
import inspect
import itertools
import math
import pkgutil
import re
import signal
import subprocess
import sys
import threading
import time

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from course import exercises
from course.errors import CourseError
from course.exercises import ejercicio, limit
from course.exercises.exercise import check
from course.exercises.python_errors import meaning
from course.kaggle import lessons, notebooks
from tests.exercises import answers

ALL = {
    exercise.number: exercise
    for module in pkgutil.iter_modules(exercises.__path__)
    if module.name.startswith("taller")
    for exercise in importlib.import_module(f"course.exercises.{module.name}").EXERCISES
}
ANSWERS = {
    number: answer
    for module in pkgutil.iter_modules(answers.__path__)
    for number, answer in importlib.import_module(
        f"tests.exercises.answers.{module.name}"
    ).ANSWERS.items()
}
FEW, MANY = range(3), range(40)  # whatever is drawn, the verdict is the same
LATER = pytest.param(range(5, 40), marks=pytest.mark.matrix, id="35 more")

each = pytest.mark.parametrize("exercise", ALL.values(), ids=ALL)
functions = pytest.mark.parametrize(
    "exercise", [e for e in ALL.values() if e.wants_function], ids=lambda e: e.number
)


def verdicts(exercise, answer, seeds=FEW):
    return [check(exercise, answer, np.random.default_rng(seed)) for seed in seeds]


def told(exercise, verdict):
    """The diagnosis alone: not her call and what came of it, nor the line where her code failed."""
    _, first, *more = verdict.splitlines()
    return more[0] if first.startswith(f"Con {exercise.name}(") else first


def test_every_exercise_has_answers():
    assert list(ALL) == list(ANSWERS)
    for number, answer in ANSWERS.items():
        assert len(answer.right) >= 2 and len(answer.wrong) >= 8, number


# ---- what is answered


@each
def test_the_solution_is_right(exercise):
    for verdict in verdicts(exercise, exercise.solution):
        assert verdict and "¡correcto!" in verdict, verdict


@each
def test_a_right_answer_is_right_however_it_is_written(exercise):
    for answer in ANSWERS[exercise.number].right:
        for verdict in verdicts(exercise, answer):
            assert verdict and "¡correcto!" in verdict, verdict


@pytest.mark.parametrize("seeds", [pytest.param(range(5), id="5"), LATER])
@each
def test_a_wrong_answer_gets_its_own_diagnosis(exercise, seeds, monkeypatch):
    # a third of the time would be spent on watchdogs that have nothing to do
    monkeypatch.setattr("course.exercises.answers.limited", contextlib.nullcontext)
    for answer, words in ANSWERS[exercise.number].wrong:
        for verdict in verdicts(exercise, answer, seeds):
            assert not verdict and "todavía no" in verdict, verdict
            ways = "|".join(map(re.escape, words.split("|")))
            assert re.search(rf"(?<!\w)({ways})", told(exercise, verdict)), (words, verdict)


@each
def test_every_known_mistake_can_be_told_from_the_others(exercise):
    texts = [mistake.diagnosis for mistake in exercise.mistakes]
    assert len(set(texts)) == len(texts) >= 2
    for mistake in exercise.mistakes:
        for way in mistake.ways:
            answer = way if exercise.wants_function else way(*exercise.example)
            for verdict in verdicts(exercise, answer):
                assert not verdict and mistake.diagnosis in verdict, (mistake.diagnosis, verdict)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (np.negative, "signo cambiado"),
        (lambda right: 2 * right, "el doble"),
        (lambda right: right / 3, "0,3333 veces"),
        (lambda right: right + 0.5, "siempre 0,5 de más"),
        (np.flip, "orden inverso"),
        (lambda right: np.roll(right, 1), "corrido un lugar hacia adelante"),
        (lambda right: right[:, None], "un eje de más"),
        (lambda right: right[1:], "falta uno en un eje"),
        (np.mean, "promediaste de más"),
        (np.trunc, "Perdiste los decimales"),
        (lambda right: right.round(2), "Redondeaste"),
    ],
)
def test_what_was_made_of_the_right_answer_is_told(made, words):
    for verdict in verdicts(ALL["0.1"], lambda z: made(np.logaddexp(0, z)), MANY):
        assert not verdict and words in verdict, verdict


@pytest.mark.parametrize("number", ["0.1", "4.3"])
def test_what_is_tiny_is_neither_zero_nor_always_the_same(number):
    exercise = ALL[number]
    for verdict in verdicts(exercise, lambda *inputs: 1e-12 * exercise.right(*inputs)):
        assert not verdict and "siempre" not in told(exercise, verdict), verdict


def test_the_layer_of_keras_is_told_where_it_differs():
    def standardize(train, new):
        import keras

        layer = keras.layers.Normalization()
        layer.adapt(train)
        return layer(train), layer(new)

    verdict = check(ALL["1.3"], standardize, np.random.default_rng(0))
    assert "hace la capa `Normalization` de Keras" in verdict


def test_the_given_cell_with_one_mend_is_read_as_any_other():
    from course.exercises import taller4

    namespace = {"np": np}
    source = inspect.getsource(taller4._as_given).replace("channels, height", "channels, channels")
    exec(source, namespace)
    verdict = check(ALL["4.4"], namespace["_as_given"], np.random.default_rng(0))
    assert "Ya está bien: los canales" in verdict and "Quedan 2 errores a la vista" in verdict


# ---- errors


@pytest.mark.parametrize(
    ("answer", "words", "python"),
    [
        (lambda z: max(z, 0), "ni verdadero ni falso", "The truth value of an array"),
        (lambda z: z + np.zeros(7), "keepdims=True", "could not be broadcast"),
        (lambda z: math.exp(1000), "se desborda", "math range error"),
        (lambda z: [1] + (2,), "[a, *b]", "can only concatenate list"),
        (lambda z: 2.0 ^ z, "se escribe **", "bitwise_xor"),
        (lambda z: nump.exp(z), "todavía", "name 'nump' is not defined"),  # noqa: F821
        (lambda z: z[99], "de 0 a n - 1", "IndexError"),
        (lambda z: z[0.5], "entero", "only integers"),
        (lambda z: {}["a"], "no tiene esa clave", "KeyError: 'a'"),
        (lambda z: 1 / 0, "Divides por cero", "ZeroDivisionError"),
        (lambda z: [1].shape, "np.array(...)", "'list' object has no attribute"),
        (lambda z: z.append(1), "np.nombre(arreglo)", "'numpy.ndarray' object"),
        (lambda z: z @ np.zeros((9, 2)), "columnas de la primera", "matmul"),
        (lambda z: z.sum(axis=3), "Ese eje no existe", "AxisError"),
        (lambda z: z(1), "no es una función", "not callable"),
        (lambda z: [2 * x for x in 3], "un solo número", "not iterable"),
        (lambda z: math.exp(z), "un solo número", "TypeError"),
        (lambda z: [1, 2] / 2, "Con listas y tuplas", "unsupported operand"),
        (lambda z: (1, 2) * 0.5, "una tupla o un texto", "non-int of type"),
        (lambda z: z.reshape(99), "la cantidad de números", "cannot reshape"),
        (lambda z: np.expp(z), "bien escrito", "has no attribute 'expp'"),
        (lambda z: keras.ops.add(np.ones(3, "float32"), np.ones(4, "float32")), "forma", "Error"),
    ],
)
def test_an_error_is_said_in_spanish_with_the_original_beneath(answer, words, python):
    verdict = check(ALL["0.1"], answer, np.random.default_rng(0))
    spanish = meaning(verdict.error)  # her line, which is shown as well, has the words too
    assert words in spanish and python in f"{type(verdict.error).__name__}: {verdict.error}"
    assert f"\n{spanish}\nPython dice: {type(verdict.error).__name__}" in verdict


def test_an_input_is_answered_by_nobody():
    verdict = check(ALL["0.1"], lambda z: float(input("z: ")), np.random.default_rng(0))
    assert "con input()" in verdict and input is builtins.input


# ---- endless


def forever(z):
    while True:
        pass


def forever_in_a_generator(z):
    x = 0
    while x < 1:
        x = 0 * x
    yield x


def forever_and_caught(z):
    while True:
        try:
            forever(z)
        except Exception:
            pass


@pytest.mark.parametrize("answer", [forever, forever_in_a_generator, forever_and_caught])
def test_an_endless_answer_ends(answer, monkeypatch):
    monkeypatch.setattr("course.exercises.answers.SECONDS", 0.2)
    verdict = check(ALL["0.1"], answer, np.random.default_rng(0))
    assert not verdict and "no terminó en 0.2 segundos, en la línea" in verdict


def test_numbers_without_end_are_not_awaited():
    verdict = check(ALL["0.1"], lambda z: itertools.count(), np.random.default_rng(0))
    assert "números sin fin" in verdict


def test_a_call_that_cannot_be_interrupted_is_announced(monkeypatch, capsys):
    monkeypatch.setattr("course.exercises.answers.SECONDS", 0.1)
    verdict = check(ALL["0.1"], lambda z: time.sleep(1.5), np.random.default_rng(0))
    assert "no terminó" in verdict and "no se puede interrumpir" in capsys.readouterr().out


def test_an_import_is_not_cut_in_two(monkeypatch, tmp_path):
    (tmp_path / "slowly_loaded.py").write_text("import time; time.sleep(0.7)")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("course.exercises.answers.SECONDS", 0.5)

    def answer(z):
        import slowly_loaded  # noqa: F401

        return np.logaddexp(0, z)

    assert check(ALL["0.1"], answer, np.random.default_rng(0))


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process")
def test_ctrl_c_is_still_ctrl_c():
    code = """
import sys
from course.exercises import ejercicio
screen = sys.stdout
def forever(z):
    print("now", file=screen, flush=True)
    while True: pass
ejercicio("0.1").comprobar(forever)
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"now\n"
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=9)
    assert error.rstrip().endswith(b"KeyboardInterrupt") and time.monotonic() - start < 8


def test_what_ends_in_time_leaves_nothing_behind():
    for _ in range(50):
        with limit.at_most(1, print):
            pass
    time.sleep(0.01)
    for _ in range(5):
        with contextlib.suppress(limit.TooLong), limit.at_most(0.001, print):
            time.sleep(0.001)  # about as long: it may be too late or not
        sum(range(1000))  # nothing is raised here
    for _ in range(100):
        with contextlib.suppress(limit.TooLong), limit.at_most(0, print):
            pass  # it may be too late before this is reached
    assert not [thread for thread in threading.enumerate() if "_watch" in thread.name]


# ---- rubbish


def raises(*inputs):
    return 1 / 0


def returns_nothing(*inputs):
    inputs = list(inputs)


def prints(*inputs):
    print("el resultado es 3")


def changes_its_input(exercise):
    def answer(*inputs):
        for value in inputs:
            if isinstance(value, np.ndarray):
                value[...] = 0
        return exercise.right(*inputs)

    return answer


@each
@pytest.mark.parametrize("answer", [None, ...])
def test_nothing_written_yet(exercise, answer):
    for verdict in verdicts(exercise, answer):
        assert not verdict and "está vacío" in verdict


@each
def test_a_text(exercise):
    for verdict in verdicts(exercise, "hola"):
        assert not verdict and "un texto" in verdict and "'hola'" in verdict


@functions
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (3.5, "sin paréntesis"),
        (lambda: 3, "Tu función recibe ()"),
        (raises, "se detuvo, en la línea"),
        (raises, "return 1 / 0.\nDivides por cero"),
        (raises, "\nPython dice: ZeroDivisionError: division by zero\n"),
        (returns_nothing, "return"),
        (prints, "imprime 'el resultado es 3'"),
        (lambda *inputs: "640", "un texto: '640'"),
        (lambda *inputs: [[1, 2], [3]], "mismo largo"),
        (lambda *inputs: [1, None], "un arreglo de números"),
        (lambda *inputs: max, "paréntesis"),
        (lambda *inputs: {"a": 1}, "un diccionario"),
        (lambda *inputs: np.random.default_rng().normal(size=(3, 1, 4, 1)), "forma"),
    ],
)
def test_rubbish_gets_a_message_that_names_it(exercise, answer, words):
    if exercise.read or isinstance(exercise.right(*exercise.example), tuple):
        words = ""  # an exercise that takes several results says so in its own way
    for verdict in verdicts(exercise, answer):
        assert not verdict and "todavía no" in verdict
        assert words in verdict, verdict


def test_nothing_at_all_is_said_to_be_empty():
    verdict = check(ALL["2.5"], lambda confusion: [], np.random.default_rng(0))
    assert not verdict and "algo vacío" in verdict


def test_too_few_results_are_counted():
    for verdict in verdicts(ALL["1.2"], lambda train, new: new):
        assert not verdict and "Se esperan 2 resultados" in verdict


@pytest.mark.parametrize("kernel", [np.zeros((3, 1, 4, 1)), 3, [[1, 0, -1]], lambda image: 3])
def test_a_value_that_is_no_kernel(kernel):
    for verdict in verdicts(ALL["0.5"], kernel):
        assert not verdict and re.search("3×3|llegó una función", verdict), verdict


def test_the_exception_is_kept():
    verdict = check(ALL["0.1"], raises, np.random.default_rng(0))
    assert isinstance(verdict.error, ZeroDivisionError) and verdict.error.__traceback__


@functions
def test_the_example_s_output_is_not_enough(exercise):
    output = exercise.right(*exercise.example)
    for verdict in verdicts(exercise, lambda *inputs: output):
        assert not verdict, verdict


@functions
def test_a_function_that_changes_its_input_gets_a_message(exercise):
    if any(isinstance(value, np.ndarray) and value.any() for value in exercise.example):
        for verdict in verdicts(exercise, changes_its_input(exercise)):
            assert not verdict and "cambia lo que recibe" in verdict


NUMBERS = st.one_of(st.floats(), st.integers(), st.booleans(), st.complex_numbers())
ANYTHING = st.one_of(
    st.recursive(
        st.one_of(NUMBERS, st.text(max_size=3), st.none()),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.tuples(inner, inner),
            st.dictionaries(st.text(max_size=2), inner, max_size=2),
        ),
        max_leaves=6,
    ),
    arrays(st.sampled_from(["float64", "float16", "int8", "bool", "U2"]), array_shapes(min_side=0)),
)


@settings(max_examples=150, deadline=None)
@given(exercise=st.sampled_from(list(ALL.values())), output=ANYTHING)
def test_no_answer_stops_a_check(exercise, output):
    answer = (lambda *inputs: output) if exercise.wants_function else output
    verdict = check(exercise, answer, np.random.default_rng(0))
    assert exercise.title in verdict
    assert re.search("está vacío|todavía no|¡correcto!", verdict)


# ---- what a student sees


def test_an_exercise_is_found_however_its_number_is_written():
    assert ejercicio("0.1") is ejercicio(0.1) is ejercicio(" 0,1 ") is ALL["0.1"]


@pytest.mark.parametrize("number", ["0.99", "9.1", 2, None, "", "taller2", "0.1.1", -1.5])
def test_an_unknown_number_is_an_error_message(number):
    with pytest.raises(CourseError) as caught:
        ejercicio(number)
    assert "No hay un ejercicio" in str(caught.value)
    assert "0.1" in str(caught.value)


def test_hints_come_one_after_the_other(capsys):
    exercise = ejercicio("0.1")
    exercise._hints_given = 0
    for number, hint in enumerate(exercise.hints, 1):
        assert hint in ejercicio("0.1").pista()
        assert f"Pista {number} de 3" in capsys.readouterr().out
    assert "No quedan más pistas" in exercise.pista()


@each
def test_statement_and_solution_are_shown(exercise, capsys):
    statement, solution = exercise._repr_markdown_(), exercise.solucion()
    assert exercise.title in statement and len(exercise.hints) >= 2
    assert exercise.name in solution and exercise.explanation in solution
    assert capsys.readouterr().out.strip() == solution.strip()
    if exercise.wants_function:
        assert f"Por ejemplo, `{exercise.name}(" in statement


def test_a_verdict_is_printed_once(capsys):
    verdict = ejercicio("0.1").comprobar(np.exp)
    assert capsys.readouterr().out.strip() == verdict
    assert verdict._ipython_display_() is None


# ---- the lessons ask them


@each
def test_the_lesson_asks_it(exercise, capsys):
    path = lessons.find(f"taller{exercise.number.partition('.')[0]}")
    cells = notebooks.cells(path)
    (i,) = (i for i, cell in enumerate(cells) if f"**Ejercicio {exercise.number}." in cell.source)
    text, code = (cell.source for cell in cells[i : i + 2])
    wanted = f"**Ejercicio {exercise.number}. {exercise.title}.** {exercise.statement}"
    assert re.sub(r"\s+", " ", wanted) in re.sub(r"\s+", " ", text)
    assert cells[i + 1].cell_type == "code" and cells[i + 1].metadata == {"tags": ["ejercicio"]}
    assert code.endswith(f'ejercicio("{exercise.number}").comprobar({exercise.name})')
    exec(code, {"ejercicio": ejercicio, "np": np})  # as it stands, unedited
    assert re.search("está vacío|todavía no", capsys.readouterr().out)  # no error
