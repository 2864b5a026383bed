import json
import re
import types

import keras
import numpy as np
import pytest
from sklearn import metrics

from course.datasets import catalog, chest_xray
from course.errors import CourseError
from course.evaluation import choose_threshold, evaluate_classifier, two_classes
from course.evaluation.intervals import bootstrap_groups, wilson
from course.evaluation.run import evaluate
from course.export import card as cards
from course.export import export

NAMES = ["sano", "enfermo"]
XRAYS = catalog.Origin(
    "chest_xray", None, "kaggle", "a/b", 2, "Radiografías", False, "CC BY 4.0", "Kermany"
)
DRAWN = types.SimpleNamespace(title="muestra: dibujos", made_up=True)


def judge(probabilities, positives, positive="enfermo", origin=XRAYS, **options):
    """The report on samples of which the network says how likely they are `enfermo`."""
    p = np.asarray(probabilities)
    answers = np.stack([1 - p, p], axis=1)
    model = types.SimpleNamespace(predict=lambda images, **_: answers)
    images = np.zeros((len(p), 4, 4), "uint8")
    labels = np.asarray(positives, int)
    return evaluate_classifier(
        model, images, labels, class_names=NAMES, origin=origin, positive=positive, **options
    )


def noisy(n=400, seed=3):
    """Positives, and probabilities in steps of a hundredth: many are equal."""
    rng = np.random.default_rng(seed)
    positives = rng.random(n) < 0.6
    scores = 1 / (1 + np.exp(-rng.normal(np.where(positives, 1, -1), 1.5)))
    return positives, np.round(scores, 2)


# ---- arrays


def test_the_curve_and_its_area_agree_with_scikit_learn():
    positives, probabilities = noisy()
    expected = metrics.roc_curve(positives, probabilities, drop_intermediate=False)
    for ours, theirs in zip(two_classes.roc(positives, probabilities), expected, strict=True):
        assert ours == pytest.approx(theirs)
    weights = np.random.default_rng(1).integers(0, 4, len(positives))
    area = two_classes.area(positives, probabilities)
    assert area(weights) == pytest.approx(
        metrics.roc_auc_score(positives, probabilities, sample_weight=weights)
    )
    assert two_classes.brier(positives, probabilities) == pytest.approx(
        metrics.brier_score_loss(positives, probabilities)
    )


def test_the_calibration_by_hand():
    low, high = two_classes.calibration(
        [0, 1, 1, 0, 1], [0.05, 0.05, 0.95, 1.0, 1.0], groups=[0, 1, 2, 3, 3]
    )
    assert (low["from"], low["to"], low["n"]) == (0, 0.1, 2)
    assert (low["predicted"], low["observed"]) == (pytest.approx(0.05), 0.5)
    assert (high["from"], high["to"], high["n"]) == (0.9, 1, 3)
    # one picture of one patient and two of another: they count as 9 / (1 + 4)
    assert high["interval"] == pytest.approx(wilson(2 / 3 * 1.8, 1.8))


@pytest.mark.parametrize(
    ("positives", "probabilities", "threshold"),
    [
        ([0, 0, 1, 1], [0.1, 0.25, 0.75, 0.9], 0.5),
        # 0.3 and 0.6 are equally good, the lower one misses nobody
        ([0, 1, 0, 1], [0.1, 0.5, 0.6, 0.9], 0.3),
        ([1, 0, 0, 0, 1], [0.2, 0.4, 0.5, 0.6, 0.8], 0.7),
        # no better than chance, and still between two probabilities
        ([1, 0], [0.2, 0.4], 0.3),
    ],
)
def test_the_threshold_by_hand(positives, probabilities, threshold):
    assert choose_threshold(positives, probabilities) == pytest.approx(threshold)


def test_the_chosen_threshold_is_the_best_of_all():
    positives, probabilities = noisy()

    def balanced(threshold):
        return metrics.balanced_accuracy_score(positives, probabilities >= threshold)

    chosen = choose_threshold(positives, probabilities)
    assert balanced(chosen) == pytest.approx(max(map(balanced, np.unique(probabilities))))


def test_neighbours_in_float32_stay_apart():
    low = np.float32(0.3)
    probabilities = np.array([low, np.nextafter(low, np.float32(1))])
    threshold = choose_threshold([0, 1], probabilities)
    assert judge(probabilities, [0, 1], threshold=threshold).scores["accuracy"] == 1


@pytest.mark.parametrize(
    ("positives", "probabilities", "words"),
    [
        ([1, 1], [0.2, 0.3], "Llegó: 2, y todos son"),
        ([0, 0], [0.2, 0.3], "Llegó: 2, y ninguno es"),
        ([], [], "Llegó: 0"),
        ([0, 1], [0.7, 0.7], "Llegó: 70,00"),
    ],
)
def test_there_must_be_something_to_choose(positives, probabilities, words):
    with pytest.raises(CourseError, match=words):
        choose_threshold(positives, probabilities)


@pytest.mark.parametrize(
    ("positives", "probabilities"),
    [([0, 2], [0.1, 0.2]), ([0, 1], [0.5, 1.5]), ([0, 1], [0.5, np.nan])],
)
def test_what_is_no_share_is_refused(positives, probabilities):
    with pytest.raises(ValueError, match="Expected"):
        choose_threshold(positives, probabilities)


def test_groups_are_drawn_whole():
    # two patients: all pictures of one are found, none of the other's; four draws in sixteen
    found = np.repeat([1.0, 0.0], 8)

    def mean(weights):
        assert set(weights) <= {0, 1, 2} and len(set(weights[:8])) == 1
        return found @ weights / weights.sum()

    assert bootstrap_groups(mean, np.repeat(["ana", "luis"], 8)) == (0, 1)
    assert bootstrap_groups(lambda weights: 1.0, [1, 2, 3]) is None  # always perfect: how sure?
    assert bootstrap_groups(lambda weights: weights[0], [5, 5]) is None


# ---- the report


def test_a_report_by_hand():
    # truth s s e e e; with 0.3 the network says s e e e s
    report = judge([0.1, 0.4, 0.3, 0.8, 0.2], [0, 0, 1, 1, 1], threshold=0.3)
    assert report.confusion == [[1, 1], [1, 2]]
    assert report.scores["sensitivity"] == 2 / 3 and report.scores["specificity"] == 0.5
    assert report.scores["accuracy"] == 0.6
    assert "2\u00a0errores en 5" in report.figures["mistakes"].texts[2].get_text()
    assert report.scores["auc"] == pytest.approx(4 / 6)  # of the six pairs, two are the other way
    assert report.intervals["sensitivity"] == pytest.approx(wilson(2, 3))
    low, high = report.intervals["balanced_accuracy"]
    assert report.scores["balanced_accuracy"] == pytest.approx(7 / 12) and low < 7 / 12 < high
    values = json.loads(json.dumps(report.as_dict()))
    assert (values["positive"], values["threshold"]) == ("enfermo", 0.3)
    assert [row["n"] for row in values["calibration"]] == [1, 1, 1, 1, 1]
    assert report.card()["positive"] == "enfermo" and report.card()["threshold"] == 0.3


def test_without_a_class_to_look_for_nothing_changes():
    report = judge([0.1, 0.4, 0.3, 0.8, 0.5], [0, 0, 1, 1, 1], positive=None)
    assert report.confusion == [[2, 0], [2, 1]]  # a half is the first class, as argmax has it
    assert set(report.scores) == {"accuracy", "balanced_accuracy", "log_loss"}
    assert set(report.figures) == {"confusion", "mistakes"} and "positive" not in report.card()
    assert judge([0.5], [1]).scores["accuracy"] == 1  # from the threshold on it is the class
    assert judge([1.004, -0.004], [1, 0]).scores["brier"] == 0  # as float16 rounds


def test_the_area_counts_patients_and_not_pictures():
    positives, probabilities = noisy(n=60)
    eightfold = np.repeat(positives, 8), np.repeat(probabilities, 8)
    alone = judge(probabilities, positives).intervals["auc"]
    patients = np.repeat([f"p{i:02}" for i in range(60)], 8)
    together = judge(*eightfold[::-1], groups=patients).intervals["auc"]
    pictures = judge(*eightfold[::-1]).intervals["auc"]
    assert together == pytest.approx(alone)
    assert pictures[1] - pictures[0] < (together[1] - together[0]) / 2


def test_the_headline_and_the_page_name_class_threshold_and_patients(tmp_path):
    groups, noun = ["a", "a", "b", "c", "d"], ("paciente", "pacientes")
    given = {"threshold": 0.3, "groups": groups, "group_noun": noun}
    report = judge([0.1, 0.4, 0.3, 0.8, 0.2], [0, 0, 1, 1, 1], **given)
    first, second, third = str(report).replace("\u00a0", " ").splitlines()
    assert first.startswith("enfermo: sensibilidad 66,7 % (95 %: 20,8 % a 93,9 %) · especificidad")
    assert first.endswith("en 5 imágenes de 4 pacientes") and str(report).encode("cp1252")
    assert second == "  con el umbral de 30,0 %: se le escapan 1 de 3; 1 falsa alarma"
    assert third.startswith("  exactitud 60,0 % (con 95 % de confianza entre")
    page = report.save(tmp_path).read_text(encoding="utf-8").replace("\u00a0", " ")
    for words in (
        "de 3 imágenes de «enfermo» la red encontró 2",
        "de 2 de «sano» señaló 1 por error",
        "Responde «enfermo» desde una probabilidad de 30,0 %",
        "Las imágenes son de 4 pacientes: para el intervalo, las de cada paciente cuentan juntas.",
        "quien responde siempre 60,0 % obtiene 0,240",
        'alt="Curva ROC, área 0,667. Con el umbral de 30,0 %, sensibilidad 66,7 %',
    ):
        assert words in page, words
    drawn = judge([0.1, 0.9], [0, 1], origin=DRAWN, groups=["a", "b"], group_noun=noun)
    assert drawn.group_noun is None  # nobody was drawn


def test_one_class_alone_has_no_curve(tmp_path):
    report = judge([0.2, 0.9], [1, 1])
    assert report.scores["specificity"] is None and np.isnan(report.scores["auc"])
    assert "roc" not in report.figures
    assert "especificidad –" in report.headline
    assert "El umbral" not in report.save(tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("names", "options", "words"),
    [
        ("abc", {"positive": "a"}, "se esperaban dos clases.*Llegó: 3 clases"),
        ("abc", {"threshold": 0.3}, "se esperaban dos clases.*Llegó: 3 clases"),
        ("ab", {"positive": "B"}, "'a' o 'b'. Llegó: 'B'"),
        ("ab", {"threshold": 0.3}, "la clase que se busca.*Llegó: None"),
        ("ab", {"positive": "b", "threshold": 1}, "menor que 1.*Llegó: 1"),
        ("ab", {"positive": "b", "threshold": "0.3"}, "menor que 1.*Llegó: '0.3'"),
        ("ab", {"positive": "b", "threshold": float("nan")}, "menor que 1.*Llegó: nan"),
    ],
)
def test_what_cannot_be_looked_for_is_refused(names, options, words):
    given = {"class_names": list(names), "origin": XRAYS}
    with pytest.raises(CourseError, match=words):
        evaluate_classifier(None, np.zeros((1, 4, 4)), [0], **given, **options)


def test_what_an_error_advises_can_be_typed():
    given = {"probabilities": [0.1, 0.6, 0.4, 0.8], "positives": [0, 0, 1, 1]}

    def advice(**options):
        with pytest.raises(CourseError) as error:
            judge(**given, **options)
        return str(error.value).partition("Qué hacer: ")[2]

    name = re.search(r"positive='(\w+)'", advice(positive="gato", threshold=0.3))[1]
    assert judge(**given, positive=name, threshold=0.3).positive == name == "enfermo"
    assert "choose_threshold, o quítalo: es 0.5" in advice(threshold=30)
    threshold = choose_threshold(given["positives"], given["probabilities"])
    assert judge(**given, threshold=threshold).scores["balanced_accuracy"] == 0.75
    assert judge(**given).threshold == 0.5


# ---- a run, scored again


def test_a_run_is_scored_again_with_its_class_and_its_threshold(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.AveragePooling2D(4),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    (x_train, y_train, _), (x, y, patients) = chest_xray.load_data("sample", size=32)
    p = model.predict(x_train[..., None], verbose=0)[:, 1]
    threshold = choose_threshold(y_train == 1, p)
    report = evaluate_classifier(
        model, x, y, class_names=chest_xray.CLASS_NAMES[2], groups=patients,
        origin=catalog.origin("chest_xray", "sample"), positive="neumonía", threshold=threshold,
    )  # fmt: skip
    export(model, tmp_path, card=report.card(preparation=None))
    again, page = evaluate(tmp_path)
    assert (again.positive, again.threshold) == ("neumonía", threshold)
    assert again.scores == pytest.approx(report.scores) and again.note == ""
    assert again.intervals == report.intervals and again.confusion == report.confusion
    assert "Clase que se busca" in page.read_text(encoding="utf-8")
    # an earlier card says nothing of it; a wrong one is refused
    card = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    old = {key: value for key, value in card.items() if key not in ("positive", "threshold")}
    (tmp_path / "card.json").write_text(json.dumps(old), encoding="utf-8")
    assert evaluate(tmp_path)[0].positive is None
    for wrong in ({"positive": "gato"}, {"positive": "normal", "threshold": 2.0}):
        (tmp_path / "card.json").write_text(json.dumps(old | wrong), encoding="utf-8")
        with pytest.raises(CourseError, match="card.json"):
            cards.read_run(tmp_path)
