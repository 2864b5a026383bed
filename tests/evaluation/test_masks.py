"""Marked pictures: each score by hand, groups, and what is refused."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from course.datasets.catalog import Origin
from course.errors import CourseError
from course.evaluation import evaluate_masks
from course.export import card as cards

OWN = Origin("folders", None, "/x", None, None, "imágenes propias: x", False, "?", "?")
NAMES = ("fondo", "piel", "lunar")


def network(answers, classes=3):
    """Answers with the classes that it was given, in blocks as they are asked for."""
    answers, asked = np.eye(classes)[answers], []

    def predict(images, batch_size, verbose):
        start = sum(map(len, asked))
        asked.append(images)
        return answers[start : start + len(images)]

    return SimpleNamespace(predict=predict, input_shape=(None, *answers.shape[1:3], 1))


def judge(truths, answers, names=NAMES, **options):
    n = len(truths)
    images = np.arange(truths.size, dtype="uint8").reshape(*truths.shape, 1)
    files = [f"{i}.png" for i in range(n)]
    return evaluate_masks(
        network(answers, len(names)), images, truths,
        class_names=names, files=files, origin=OWN, **options,
    )  # fmt: skip


def masks(*rows):
    return np.array(rows).reshape(len(rows), 2, 3)


TRUTHS = masks([0, 1, 1, 0, 2, 2], [0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0])
ANSWERS = masks([0, 1, 1, 0, 2, 0], [0, 0, 0, 1, 1, 2], [0, 0, 0, 0, 0, 0])


def test_scores_by_hand():
    report = judge(TRUTHS, ANSWERS)
    # piel: the same; one shared of two and two; nothing on both sides
    # lunar: one shared of two and one; a false alarm; nothing on both sides
    assert report.scores == {
        "dice_piel": pytest.approx((1 + 1 / 2 + 1) / 3),
        "dice_lunar": pytest.approx((2 / 3 + 0 + 1) / 3),
    }
    skin, mole = report.per_class
    assert (skin["n"], mole["n"]) == (2, 1)
    assert skin["median"] == 1 and mole["median"] == pytest.approx(2 / 3)
    assert skin["sensitivity"] == pytest.approx((1 + 1 / 2) / 2)  # not of the empty one
    assert mole["sensitivity"] == 1 / 2 and mole["precision"] == pytest.approx((1 + 0) / 2)
    assert [case["case"] for case in report.per_case] == ["1.png", "0.png", "2.png"]
    assert report.per_case[2]["lunar"] == {
        "dice": 1.0, "sensitivity": None, "precision": None, "pixels": 0,
    }  # fmt: skip
    assert "«piel» 0,83" in report.headline and "en 3\u00a0imágenes" in report.headline
    for truth, answer, row in zip(TRUTHS, ANSWERS, (0, 1), strict=False):
        expected = f1_score(truth.ravel() == 1, answer.ravel() == 1)
        case = next(case for case in report.per_case if case["case"] == f"{row}.png")
        assert case["piel"]["dice"] == pytest.approx(expected)


def test_groups_are_drawn_together():
    rng = np.random.default_rng(0)
    truths = rng.integers(0, 2, (40, 6, 6))
    answers = np.where(rng.random((40, 6, 6)) < 0.3, 1 - truths, truths)
    alone = judge(truths, answers, names=NAMES[:2])
    again = [np.concatenate([part] * 4) for part in (truths, answers)]
    copies = judge(*again, names=NAMES[:2], groups=np.tile(np.arange(40), 4))
    wide, same = (np.ptp(report.intervals["dice_piel"]) for report in (alone, copies))
    assert same == pytest.approx(wide) and copies.independent == 40
    assert np.ptp(judge(*again, names=NAMES[:2]).intervals["dice_piel"]) < 0.6 * wide


def test_the_page_the_card_and_the_table(tmp_path):
    names = ("fondo", "<b>", "lunar")
    report = judge(TRUTHS, ANSWERS, names=names)
    page = report.save(tmp_path).read_text(encoding="utf-8")
    assert "Segmentación de imágenes" in page and "Dice de «&lt;b&gt;»" in page
    assert "<b>" not in page and page.count("data:image/png") == 2
    rows = (tmp_path / "cases.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "file,class,dice,sensitivity,precision,pixels" and len(rows) == 7
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["class_names"][1] == "<b>"
    card = report.card(preparation="square", card_version=1, inputs=[], outputs=[])
    tensor = {"name": "x", "shape": [2, 3, 1], "dtype": "float32"}
    cards._check({**card, "inputs": [tensor], "outputs": [tensor]}, "card")
    assert card["task"] == "segmentation" and card["class_names"] == list(names)


def test_what_does_not_fit_is_a_message():
    with pytest.raises(CourseError, match="de 0 a 1. Llegó: .*hasta 2"):
        judge(TRUTHS, 0 * ANSWERS, names=NAMES[:2])
    nan = network(ANSWERS)
    nan.predict = lambda *_, **__: np.full((3, 2, 3, 3), np.nan)
    small = SimpleNamespace(predict=lambda *_, **__: np.zeros((3, 1, 3, 3)))
    for model, words in ((nan, "con NaN o infinitos"), (small, r"forma \(3, 1, 3, 3\)")):
        with pytest.raises(CourseError, match=words):
            evaluate_masks(
                model, np.zeros((3, 2, 3, 1)), TRUTHS,
                class_names=NAMES, files="abc", origin=OWN,
            )  # fmt: skip
    with pytest.raises(CourseError, match="No hay nada que evaluar"):
        judge(TRUTHS[:0].reshape(0, 2, 3), ANSWERS[:0])
