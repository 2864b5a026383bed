"""Whole cases scored region by region: values for a pencil, empty regions, one case at a time."""

import csv
import gc
import json
import math
import re
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from course.datasets.catalog import Origin
from course.errors import CourseError
from course.evaluation import evaluate_segmenter
from course.evaluation.page.lesson import REPORTS
from course.regions import from_regions, to_regions

BRATS = Origin("brats2020", None, "kaggle", "owner/slug", 1, "BraTS 2020", False, "?", "Menze")
SYNTHETIC = Origin(
    "brats2020", None, "sample", None, None, "cerebros sintéticos, no son pacientes", True, "x", "y"
)
SHAPE = (8, 16, 12)


def box(low, high):
    mask = np.zeros(SHAPE, bool)
    mask[tuple(slice(*ends) for ends in zip(low, high, strict=True))] = True
    return mask


def nested(shift=0, enhancing=True):
    """WT 4×8×6 = 192 voxels, TC 2×4×4 = 32, ET 2×2×2 = 8; `shift` moves all along W."""
    regions = [
        box((2, 4, 1 + shift), (6, 12, 7 + shift)),
        box((3, 6, 2 + shift), (5, 10, 6 + shift)),
        box((3, 7, 3 + shift), (5, 9, 5 + shift)) & enhancing,
    ]
    return np.stack(regions, axis=-1)


def case(name="a", regions=None, spacing_mm=(1.0, 1.0, 1.0), edition="2020"):
    regions = nested() if regions is None else regions
    image = np.random.default_rng(0).uniform(1, 2, (*SHAPE, 2)).astype("float32")
    labels = from_regions(regions, edition)
    return SimpleNamespace(
        name=name, image=image, labels=labels, spacing_mm=spacing_mm, edition=edition
    )


def evaluate(answers, cases=None, origin=BRATS):
    """A report of a network that gives these answers, one a case."""
    cases = [case()] if cases is None else cases
    answers = iter(answers)
    return evaluate_segmenter(
        None, iter(cases), origin=origin, predict=lambda model, image: next(answers)
    )


def scores(report, name="a"):
    [row] = [row for row in report.per_case if row["case"] == name]
    return row["regions"]


# ---- values for a pencil


def test_a_perfect_answer():
    report = evaluate([nested().astype("float32")])
    assert report.task == "segmentation" and report.n == 1
    for region, voxels in {"WT": 192, "TC": 32, "ET": 8}.items():
        assert scores(report)[region] == {
            "dice": 1,
            "hd95_mm": 0,
            "sensitivity": 1,
            "precision": 1,
            "volume_true_ml": voxels / 1000,
            "volume_predicted_ml": voxels / 1000,
        }
        assert report.scores[f"dice_{region}"] == 1 and report.scores[f"hd95_mm_{region}"] == 0
        # one case says nothing about the spread of others
        assert report.intervals[f"dice_{region}"] is report.intervals[f"hd95_mm_{region}"] is None


def test_a_shifted_cube_in_millimetres():
    # two voxels of 1.5 mm along W: WT keeps 4 of 6 columns, TC 2 of 4, ET none of 2
    report = evaluate([nested(shift=2).astype("float32")], [case(spacing_mm=(3.0, 1.0, 1.5))])
    rows = scores(report)
    assert [rows[region]["dice"] for region in ("WT", "TC", "ET")] == [4 / 6, 2 / 4, 0]
    assert rows["WT"]["sensitivity"] == rows["WT"]["precision"] == 4 / 6
    assert rows["WT"]["volume_true_ml"] == pytest.approx(192 * 4.5 / 1000)
    assert rows["ET"]["hd95_mm"] == 3  # both columns of the one lie 3 mm from the other's


def test_sensitivity_and_precision_are_not_mixed_up():
    bigger = nested().astype("float32")
    bigger[2:6, 4:12, 7:9, 0] = 1  # WT 256 voxels instead of 192
    row = scores(evaluate([bigger]))["WT"]
    assert row["sensitivity"] == 1 and row["precision"] == 192 / 256
    assert row["dice"] == pytest.approx(2 * 192 / (192 + 256))
    assert (row["volume_true_ml"], row["volume_predicted_ml"]) == (0.192, 0.256)


def test_what_is_scored_is_what_would_be_written():
    answer = np.zeros((*SHAPE, 3), "float32")
    answer[..., 2] = nested()[..., 0]  # says only "enhancing": as labels that is WT and TC too
    rows = scores(evaluate([answer]))
    assert rows["WT"]["dice"] == 1
    assert rows["TC"]["precision"] == 32 / 192 and rows["ET"]["precision"] == 8 / 192


@pytest.mark.parametrize("edition", ["2015", "2020", "2023", "msd"])
def test_classes_are_scored_as_regions(edition):
    one = case(edition=edition)
    labels = sorted({"2015": (0, 1, 2, 3, 4), "2020": (0, 1, 2, 4)}.get(edition, (0, 1, 2, 3)))
    answer = (one.labels[..., None] == labels).astype("float32")
    report = evaluate([answer], [one])
    assert [report.scores[f"dice_{region}"] for region in ("WT", "TC", "ET")] == [1, 1, 1]


# ---- nothing


def test_a_case_without_enhancing_tumour_counts_by_the_rules_of_brats():
    without = nested(enhancing=False)
    one_voxel = without.astype("float32")
    one_voxel[3, 7, 3, 2] = 1
    cases = [case(name, without) for name in "ab"] + [case("c")]
    answers = [without.astype("float32"), one_voxel, without.astype("float32")]
    report = evaluate(answers, cases)
    diagonal = math.sqrt(8**2 + 16**2 + 12**2)
    both, extra, missed = (scores(report, name)["ET"] for name in "abc")
    assert (both["dice"], both["hd95_mm"]) == (1, 0)
    assert both["sensitivity"] is None and both["precision"] is None
    assert (extra["dice"], extra["precision"], extra["sensitivity"]) == (0, 0, None)
    assert extra["hd95_mm"] == missed["hd95_mm"] == pytest.approx(diagonal)
    assert (missed["dice"], missed["sensitivity"], missed["precision"]) == (0, 0, None)
    row = report.per_class[2]
    assert row["region"] == "ET" and row["dice"]["mean"] == pytest.approx(1 / 3)
    assert row["sensitivity"]["n"] == 1 and row["sensitivity"]["mean"] == 0
    assert row["sensitivity"]["mean_interval"] is None and row["dice"]["mean_interval"] == (0, 1)


def test_nothing_anywhere_is_a_report_too(tmp_path):
    nothing = np.zeros((*SHAPE, 3), bool)
    report = evaluate([nothing.astype("float32")], [case(regions=nothing)])
    assert report.scores["dice_WT"] == 1 and scores(report)["WT"]["sensitivity"] is None
    assert "–" in report.save(tmp_path).read_text(encoding="utf-8")


# ---- means, medians, the order


@pytest.fixture(scope="module")
def five():
    """Cases shifted by 0 to 4 columns, not in this order: WT shares 6, 5, 4, 3, 2 of 6 columns."""
    shifts = dict(zip("abcde", (2, 0, 4, 1, 3), strict=True))
    return evaluate(
        [nested(shift).astype("float32") for shift in shifts.values()],
        [case(name) for name in shifts],
        origin=SYNTHETIC,
    )


def test_means_and_medians_over_cases_with_intervals(five):
    row = five.per_class[0]
    values = [scores(five, name)["WT"]["dice"] for name in "bdaec"]
    assert values == [1, 5 / 6, 4 / 6, 3 / 6, 2 / 6]
    assert row["dice"]["mean"] == pytest.approx(4 / 6) == five.scores["dice_WT"]
    assert row["dice"]["median"] == pytest.approx(4 / 6)
    for which in ("mean", "median"):
        low, high = row["dice"][f"{which}_interval"]
        assert 2 / 6 <= low < 4 / 6 < high <= 1
    assert five.intervals["dice_WT"] == row["dice"]["mean_interval"]
    assert evaluate([nested().astype("float32")] * 2, [case("a"), case("b")]).intervals[
        "dice_WT"
    ] == (1, 1)


def test_the_worst_case_comes_first_and_best_middle_and_worst_are_shown(five):
    assert [row["case"] for row in five.per_case] == list("ceadb")
    lines = five.alt["cases"].replace("\u00a0", " ").split(". ")
    assert [line.split(",")[0] for line in lines if ": " in line] == [
        "El mejor: b",
        "El intermedio: a",
        "El peor: c",
    ]
    assert "Dice WT 1,00 · TC 1,00 · ET 1,00" in lines and "corte 3" in five.alt["cases"]
    assert len(five.figures["cases"].axes[0].images) == 9
    assert set(five.figures) == set(five.alt) == {"cases", "dice_by_case"} < REPORTS
    for figure in five.figures.values():
        assert figure.get_label().endswith("— cerebros sintéticos, no son pacientes")


def test_the_headline_names_each_region_its_interval_and_made_up_data(five):
    line = five.headline.replace("\u00a0", " ")
    low, high = (f"{end:.2f}".replace(".", ",") for end in five.intervals["dice_WT"])
    assert line.startswith(f"Dice medio WT 0,67 (95 %: {low}–{high}) · TC ")
    assert line.endswith(" en 5 casos — cerebros sintéticos, no son pacientes")
    one = evaluate([nested().astype("float32")])
    assert one.headline.replace("\u00a0", " ") == "Dice WT 1,00 · TC 1,00 · ET 1,00 en 1 caso"
    card = five.card(edition="2020")
    assert (card["regions"], card["edition"]) == (["WT", "TC", "ET"], "2020")
    assert card["data"] == SYNTHETIC.as_dict() and card["scores"] == five.scores
    assert str(five).encode("cp1252") and len(str(five).splitlines()) == 5


def test_a_dice_is_never_rounded_to_perfect(five):
    assert five.score_text("dice", 0.9996) == "0,9996" and five.score_text("dice", 1.0) == "1,00"
    assert five.score_text("dice_WT", 0.0004) == "0,0004" and five.score_text("dice", 0.0) == "0,00"
    assert five.score_text("hd95_mm_ET", 12.34) == "12,3" and five.score_text("dice", None) == "–"


# ---- the folder and the page


def test_save_writes_the_page_json_and_a_table_of_the_cases(five, tmp_path):
    page = re.sub('base64,[^"]*', "", five.save(tmp_path).read_text(encoding="utf-8"))
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    assert files == [
        "cases.csv", "figures/cases.png", "figures/dice_by_case.png", "report.html", "report.json",
    ]  # fmt: skip
    for text in ("Segmentación de tumores", "Datos inventados.", "cases.csv", "El mejor, el"):
        assert text in page
    assert "None" not in page and "nan" not in page
    saved = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert saved["task"] == "segmentation" and saved["scores"]["dice_WT"] == pytest.approx(2 / 3)
    assert saved["per_case"][0]["regions"]["ET"]["dice"] == 0
    with open(tmp_path / "cases.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 15 and [row["region"] for row in rows[:3]] == ["WT", "TC", "ET"]
    assert rows[0]["case"] == "c" and float(rows[0]["dice"]) == pytest.approx(1 / 3)


def test_names_are_text_and_many_cases_are_cut_on_the_page_only(tmp_path):
    cases = [case(f"<b>{i}") for i in range(32)]
    report = evaluate([nested().astype("float32")] * 32, cases)
    page = report.save(tmp_path).read_text(encoding="utf-8")
    assert "<b>" not in page and page.count("&lt;b&gt;") >= 30
    assert "Los 30 peores de 32 casos" in page
    assert len((tmp_path / "cases.csv").read_text(encoding="utf-8").splitlines()) == 1 + 96


# ---- one case at a time


def test_never_more_than_one_case_is_held():
    alive = []

    class Array(np.ndarray):
        """So that it can be referred to weakly."""

    def cases():
        for i in range(4):
            gc.collect()
            assert sum(reference() is not None for reference in alive) == 0
            one = case(str(i))
            one.image = one.image.view(Array)
            alive.append(weakref.ref(one.image))
            yield one
            del one

    def predict(model, image):
        return nested().astype("float32")

    report = evaluate_segmenter(None, cases(), origin=BRATS, predict=predict)
    assert report.n == 4 and len(alive) == 4


def test_a_real_network_is_asked_slice_by_slice():
    import keras

    model = keras.Sequential([keras.Input((None, None, 2)), keras.layers.Conv2D(3, 1)])
    model.set_weights([np.zeros((1, 1, 2, 3)), np.ones(3)])  # all of the box is tumour
    report = evaluate_segmenter(model, [case()], origin=BRATS)
    everything = np.prod(SHAPE)
    assert scores(report)["WT"]["precision"] == pytest.approx(192 / everything)
    assert scores(report)["WT"]["sensitivity"] == 1


# ---- what is refused


def test_no_cases_a_case_without_a_mask_and_foreign_labels_are_errors():
    with pytest.raises(CourseError, match="al menos un caso"):
        evaluate([], [])
    blind = case("BraTS20_007")
    blind.labels = None
    with pytest.raises(CourseError, match="BraTS20_007 no tiene máscara"):
        evaluate([nested()], [blind])
    foreign = case()
    foreign.labels[0, 0, 0] = 3
    with pytest.raises(CourseError, match="2020"):
        evaluate([nested()], [foreign])


def test_an_answer_of_another_shape_is_a_value_error():
    with pytest.raises(ValueError, match="an answer for each voxel of a"):
        evaluate([nested()[1:]])
    with pytest.raises(ValueError, match="3 regions or 4 classes"):
        evaluate([np.zeros((*SHAPE, 2))])


def test_labels_come_back_as_they_were():
    labels = case().labels
    assert (from_regions(to_regions(labels, "2020"), "2020") == labels).all()
