import json
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from course.datasets.catalog import Origin
from course.errors import CourseError
from course.evaluation import evaluate_classifier, evaluate_regressor

MNIST = Origin("mnist", None, "kaggle", "owner/slug", 1, "MNIST", False, "CC0", "LeCun")
HOUSES = Origin(
    "california", None, "sample", None, None, "muestra: tabla inventada", True, "CC0", "nobody"
)
NAN = float("nan")


class Model:
    """Answers with what it was given, and remembers what it was asked."""

    def __init__(self, answers, input_shape=None):
        self.answers = np.asarray(answers)
        if input_shape:
            self.input_shape = input_shape

    def predict(self, inputs, batch_size=None, verbose="auto"):
        self.asked, self.batch_size, self.verbose = inputs, batch_size, verbose
        return self.answers


def classify(
    probabilities, labels, names="ab", origin=MNIST, images=None, input_shape=None, groups=None
):
    model = Model(probabilities, input_shape)
    images = np.zeros((len(labels), 4, 4), "uint8") if images is None else images
    report = evaluate_classifier(
        model, images, labels, class_names=names, origin=origin, groups=groups
    )
    return report, model


def regress(predictions, targets, **options):
    options = {"unit": "m", "origin": MNIST, **options}
    inputs = options.pop("inputs", np.zeros((len(targets), 2)))
    return evaluate_regressor(Model(predictions), inputs, targets, **options)


# ---- classifiers


def test_a_classifier_by_hand():
    # truth a a a b; answers a a b b
    report, _ = classify([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.5, 0.5001]], [0, 0, 0, 1])
    assert report.scores["accuracy"] == 0.75
    assert report.scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert report.confusion == [[2, 1], [0, 1]]
    weak, strong = report.per_class
    assert weak == {
        "class": "a",
        "n": 3,
        "recall": pytest.approx(2 / 3),
        "recall_interval": weak["recall_interval"],
        "precision": 1.0,
        "confused_with": "b",
        "confused_times": 1,
    }
    assert strong["class"] == "b" and strong["confused_with"] is None
    assert strong["precision"] == 0.5
    assert report.per_case == [
        {
            "index": 2,
            "true": "a",
            "predicted": "b",
            "probability": pytest.approx(0.8),
            "true_probability": pytest.approx(0.2),
        }
    ]


def test_a_classifier_agrees_with_scikit_learn_and_scipy():
    rng = np.random.default_rng(5)
    labels, names = rng.integers(0, 6, 500), list("ABCDEF")
    probabilities = rng.dirichlet(np.ones(6), 500)
    probabilities[np.arange(500), labels] += 0.6
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    report, _ = classify(probabilities, labels, names)
    answers = probabilities.argmax(axis=1)
    assert report.scores == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(labels, answers),
            "balanced_accuracy": metrics.balanced_accuracy_score(labels, answers),
            "log_loss": metrics.log_loss(labels, probabilities),
        }
    )
    assert report.confusion == metrics.confusion_matrix(labels, answers).tolist()
    right = int((labels == answers).sum())
    wilson = stats.binomtest(right, 500).proportion_ci(method="wilson")
    assert report.intervals["accuracy"] == pytest.approx((wilson.low, wilson.high))
    precision, recall, _, n = metrics.precision_recall_fscore_support(labels, answers)
    rows = {row["class"]: row for row in report.per_class}
    for label, name in enumerate(names):
        assert rows[name]["precision"] == pytest.approx(precision[label])
        assert rows[name]["recall"] == pytest.approx(recall[label])
        assert rows[name]["n"] == n[label]
    recalls = [row["recall"] for row in report.per_class]
    assert recalls == sorted(recalls)
    believed = [case["true_probability"] for case in report.per_case]
    assert len(believed) == min(20, 500 - right) and believed == sorted(believed)


def test_images_of_one_photograph_count_once_in_the_intervals():
    # two photographs of a, three of b, four images each; one of a's is taken for b in all of them
    answers = np.repeat([[1, 0], [0, 1], [0, 1], [0, 1], [0, 1]], 4, axis=0)
    labels, groups = np.repeat([0, 0, 1, 1, 1], 4), np.repeat([7, 3, 5, 9, 1], 4)
    report, _ = classify(answers, labels, groups=groups)
    assert report.scores["accuracy"] == 0.8 and (report.n, report.independent) == (20, 5)
    wilson = stats.binomtest(4, 5).proportion_ci(method="wilson")
    assert report.intervals["accuracy"] == pytest.approx((wilson.low, wilson.high))
    wilson = stats.binomtest(1, 2).proportion_ci(method="wilson")
    assert report.per_class[0]["recall_interval"] == pytest.approx((wilson.low, wilson.high))
    with pytest.raises(CourseError, match="groups: se esperaban 1 elementos.*Llegó: 2"):
        classify([[1, 0]], [0], groups=[0, 1])


def test_predict_is_asked_once_in_large_batches_and_in_silence():
    _, model = classify([[1, 0]], [0])
    assert (model.batch_size, model.verbose) == (256, 0)


@pytest.mark.parametrize(
    ("images", "input_shape", "asked"),
    [
        ((2, 4, 4), (None, 4, 4, 1), (2, 4, 4, 1)),
        ((2, 4, 4, 1), (None, 4, 4, 1), (2, 4, 4, 1)),
        ((2, 4, 4, 3), (None, None, None, 3), (2, 4, 4, 3)),
        ((2, 4, 4), (None, 4, 4), (2, 4, 4)),
        ((2, 4, 4), None, (2, 4, 4)),
    ],
)
def test_the_channel_axis_is_added_where_the_model_has_one(images, input_shape, asked):
    images = np.full(images, 7, "uint8")
    _, model = classify([[1, 0], [1, 0]], [0, 0], images=images, input_shape=input_shape)
    assert model.asked.shape == asked and model.asked.dtype == np.uint8


@pytest.mark.parametrize("images", [(1, 5, 5), (1, 4, 4, 3), (1, 4, 4, 1, 1)])
def test_images_of_another_size_are_refused(images):
    with pytest.raises(CourseError, match=r"espera imágenes de forma \(4, 4, 1\)"):
        classify([[1, 0]], [0], images=np.zeros(images), input_shape=(None, 4, 4, 1))


def test_one_sample():
    report, _ = classify([[0.9, 0.1]], [0])
    assert report.scores["accuracy"] == 1 and report.n == 1
    assert report.intervals["accuracy"] == pytest.approx((0.2065, 1), abs=1e-4)
    assert report.headline.replace("\u00a0", " ") == (
        "Exactitud 100 % en 1 imagen (con 95 % de confianza entre 20,7 % y 100 %)"
    )


def test_an_absent_class_has_no_recall_and_comes_last():
    # nobody is b, one a is called b; nobody is c or called c
    report, _ = classify([[0.2, 0.8, 0], [1, 0, 0]], [0, 0], names="abc")
    assert [row["class"] for row in report.per_class] == ["a", "b", "c"]
    present, called, absent = report.per_class
    assert present["recall"] == 0.5 == report.scores["balanced_accuracy"]
    assert called["recall"] is None is called["recall_interval"] and called["precision"] == 0
    assert absent["recall"] is None is absent["precision"]
    assert "NaN" not in json.dumps(report.as_dict(), allow_nan=False)


def test_no_mistakes_at_all():
    report, _ = classify([[0.9, 0.1], [0.4, 0.6]], [0, 1])
    assert report.per_case == []
    assert "Ningún error" in report.figures["mistakes"].texts[2].get_text()
    assert report.alt["mistakes"] == "Las respuestas menos seguras: no hubo errores."
    assert report.alt["confusion"].endswith("ningún error.")


def test_a_certain_mistake_has_a_finite_loss():
    report, _ = classify([[0.0, 1.0]], [0])
    assert report.scores["log_loss"] == pytest.approx(-np.log(1e-7))


def test_float16_probabilities_are_probabilities():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(24), 50).astype("float16")
    report, _ = classify(probabilities, probabilities.argmax(axis=1), names=range(24))
    assert report.scores["accuracy"] == 1 and report.per_class[0]["class"] == "0"


def test_nan_probabilities_say_what_happened_and_what_to_try():
    with pytest.raises(CourseError) as error:
        classify([[NAN, NAN], [0.5, 0.5]], [0, 0])
    text = str(error.value)
    assert "2 de 4" in text and "tasa de aprendizaje" in text and "Adam(1e-4)" in text


@pytest.mark.parametrize(
    ("probabilities", "labels", "expected"),
    [
        ([[3.2, -1.0]], [0], "softmax"),  # logits
        ([[0.9, 0.9]], [0], "softmax"),  # independent sigmoids
        ([[0.5, 0.3, 0.2]], [0], "cada una de 2 clases"),
        ([[0.7]], [0], "cada una de 2 clases"),
        ([[1, 0]], [2], "de 0 a 1"),
        ([[1, 0]], [-1], "de 0 a 1"),
        ([[1, 0]], [0.5], "de 0 a 1"),
        ([[1, 0]], [[1, 0]], "argmax"),  # one-hot
        (np.zeros((0, 2)), [], "conjunto de prueba está vacío"),
    ],
)
def test_what_is_no_answer_or_no_label_is_refused(probabilities, labels, expected):
    with pytest.raises(CourseError, match=expected):
        classify(probabilities, labels)


def test_images_and_labels_of_different_length_are_refused():
    with pytest.raises(CourseError, match="images: se esperaban 2 elementos.*Llegó: 3"):
        classify([[1, 0]], [0, 1], images=np.zeros((3, 4, 4)))


# ---- regressors


def test_a_regressor_by_hand():
    report = regress([[1.0], [2.0], [5.0]], [1, 2, 3], baselines={"media": [2, 2, 2]})
    assert report.scores == pytest.approx({"r2": -1, "rmse": np.sqrt(4 / 3), "mae": 2 / 3})
    assert report.baselines["media"]["scores"] == pytest.approx(
        {"r2": 0, "rmse": np.sqrt(2 / 3), "mae": 2 / 3}
    )
    assert report.baselines["media"]["behind"] == pytest.approx(-1)
    assert report.per_case[0] == {
        "index": 2, "true": 3.0, "predicted": 5.0, "error": 2.0, "inputs": None,
    }  # fmt: skip


def test_the_worst_cases_show_their_columns():
    inputs = {"rooms": np.array([1.0, NAN], "float32"), "sea": np.array(["NEAR", "INLAND"])}
    report = regress([0, 9], [0, 1], inputs=inputs)
    assert report.per_case[0]["inputs"] == {
        "rooms": pytest.approx(NAN, nan_ok=True),
        "sea": "INLAND",
    }
    assert report.as_dict()["per_case"][0]["inputs"]["rooms"] is None


def test_a_constant_target_has_no_r2():
    report = regress([1, 1.5, 1], [1, 1, 1])
    assert np.isnan(report.scores["r2"]) and report.intervals["r2"] is None
    assert report.scores["mae"] == pytest.approx(1 / 6)
    assert report.headline.startswith("R² sin definir, RMSE 0,289 m, en 3")
    assert report.as_dict()["scores"]["r2"] is None


def test_one_case_has_no_interval():
    report = regress([2], [1])
    assert report.scores["rmse"] == 1 and set(report.intervals.values()) == {None}


@pytest.mark.parametrize("lost", [NAN, float("inf")])
def test_predictions_that_are_not_finite_say_why(lost):
    with pytest.raises(CourseError, match="(?s)1 de 2.*tasa de aprendizaje diez veces menor"):
        regress([1, lost], [1, 2])


@pytest.mark.parametrize(
    ("predictions", "targets", "options", "expected"),
    [
        ([1, 2], [1, NAN], {}, "valores verdaderos: 1 de 2"),
        ([1, 2, 3], [1, 2], {}, r"se esperaban 2, una por.*\(3,\)"),
        ([[1, 2]], [1, 2], {}, r"se esperaban 2, una por.*\(1, 2\)"),
        ([1, 2], [1, 2], {"baselines": {"media": [1]}}, "Predicciones de media: se esperaban 2"),
        ([1, 2], [1, 2], {"baselines": {"media": [1, NAN]}}, "predicciones de media: 1 de 2"),
        ([1, 2], [1, 2], {"inputs": {"rooms": np.zeros(3)}}, "rooms: se esperaban 2 elementos"),
        ([], [], {}, "conjunto de prueba está vacío"),
    ],
)
def test_what_does_not_fit_a_regression_is_refused(predictions, targets, options, expected):
    with pytest.raises(CourseError, match=expected):
        regress(predictions, targets, **options)


# ---- both


def test_every_figure_carries_the_origin():
    for report in (
        classify([[0.2, 0.8]], [0], origin=HOUSES)[0],
        regress([1, 2], [1, 3], origin=HOUSES),
    ):
        assert set(report.figures) == set(report.alt)
        for figure in report.figures.values():
            assert figure.get_label().endswith(" — muestra: tabla inventada")


def test_evaluation_needs_no_tensorflow():
    code = "import sys, course.evaluation; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
