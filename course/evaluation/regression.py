"""How well a network predicts a number: a model and arrays in, a Report out."""

import numpy as np

from course import figures
from course.evaluation import checks, fingerprint
from course.evaluation.intervals import regression_scores
from course.evaluation.report import WORST, Report
from course.spanish import count, number


def evaluate_regressor(model, inputs, targets=None, *, unit, origin, baselines=None):
    """Judge a model that predicts a number, beside others that predicted the same test targets.

    Args:
        model: Has `predict`; answers `(n,)` or `(n, 1)`.
        inputs: Array `(n, …)`, or dict from a column's name to an array `(n,)`, raw as the model
            takes them.
        targets: Numbers, `(n,)` or `(n, 1)`.
        unit: What the targets are measured in, Spanish.
        origin: `catalog.Origin` of the data.
        baselines: Dict from a name to its predictions, `(n,)`.

    Returns:
        A `Report`. Scores: r2, rmse, mae. Intervals: the middle 95 % of a bootstrap over the test
        cases, as `course.evaluation.intervals.regression_scores` says.

    Arrays may be lists, tuples, tensors, columns of pandas or memory maps: they are read by place.

    Raises:
        CourseError: For no cases, a `tf.data.Dataset`, lengths that differ, values that are not
            finite.

    Example:

    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace(predict=lambda x, **_: np.array([1.0, 2.0, 4.0]))
    >>> origin = SimpleNamespace(title="casas")
    >>> report = evaluate_regressor(model, np.zeros((3, 2)), [1, 2, 3], unit="m", origin=origin)
    >>> report.scores["r2"]
    0.5
    """
    inputs, targets = checks.rows(inputs, "inputs"), checks.finite_targets(targets)
    columns = inputs if isinstance(inputs, dict) else {"inputs": inputs}
    checks.same_length(len(targets), columns)
    answered = _predict(model, inputs)
    answers = {
        name: checks.finite_predictions(values, name, len(targets))
        for name, values in {"la red evaluada": answered, **(baselines or {})}.items()
    }
    table = regression_scores(targets, answers)
    network, predictions = table.pop("la red evaluada"), answers["la red evaluada"]
    errors = predictions - targets
    worst = np.argsort(-np.abs(errors), kind="stable")[:WORST]
    return Report(
        task="regression",
        origin=origin,
        n=len(targets),
        scores=network["scores"],
        intervals=network["intervals"],
        baselines=table,
        test_data=fingerprint.of_arrays(inputs, targets),
        unit=unit,
        per_case=[
            {
                "index": int(i),
                "true": float(targets[i]),
                "predicted": float(predictions[i]),
                "error": float(errors[i]),
                "inputs": _inputs_of(inputs, i),
            }
            for i in worst
        ],
        figures={
            "predicted_against_true": figures.predicted_against_true(
                targets, predictions, unit=unit, title=f"Predicho y verdadero — {origin.title}"
            ),
            "residuals": figures.residuals(
                targets, predictions, unit=unit, title=f"Los errores de la red — {origin.title}"
            ),
        },
        alt={
            "predicted_against_true": "Predicción frente a valor verdadero, "
            f"{count(len(targets), 'caso', 'casos')}.",
            "residuals": f"Predicción menos verdad: de {number(errors.min())} a "
            f"{number(errors.max())}, mediana {number(np.median(errors))} ({unit}).",
        },
    )


def _predict(model, inputs):
    if isinstance(getattr(model, "input", None), dict):  # a model of Keras: here it may be loaded
        from course.models import without_words, words_to_numbers

        model, inputs = without_words(model), words_to_numbers(model, inputs)
    return model.predict(inputs, batch_size=256, verbose=0)


def _inputs_of(inputs, i):
    """The raw columns of one case, or None where the inputs have no names."""
    if not isinstance(inputs, dict):
        return None
    return {name: values[i : i + 1].tolist()[0] for name, values in inputs.items()}
