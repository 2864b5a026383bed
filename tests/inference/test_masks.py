"""What is written of an answer, and how little ET is none: by hand, and against every threshold."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.errors import CourseError
from course.evaluation import evaluate_segmenter
from course.inference import choose_least_et_ml, to_mask
from course.regions import EDITIONS, from_regions, to_regions

CENTIMETRE = (10.0, 10.0, 10.0)  # a voxel has 1 ml


def row(true_et, found_et, length=8, edition="2020"):
    """A case of one row, all of it core: so many voxels of ET there are, so many are answered."""
    true, found = (np.arange(length) < n for n in (true_et, found_et))
    regions = np.stack([np.ones(length), np.ones(length), true], axis=-1).astype("uint8")
    return SimpleNamespace(
        name=f"{true_et}, {found_et}",
        image=np.where(found, 2.0, 1.0).reshape(1, 1, length, 1),
        labels=from_regions(regions, edition)[None, None],
        spacing_mm=CENTIMETRE,
        edition=edition,
    )


def sees_twos(model, image):
    ones = np.ones(image.shape[:3])
    return np.stack([ones, ones, image[..., 0] == 2], axis=-1)


def chosen(*cases):
    return choose_least_et_ml(None, [row(*case) for case in cases], predict=sees_twos)


@pytest.mark.parametrize("edition", EDITIONS)
def test_too_little_et_is_core_and_the_other_regions_stay(edition):
    case = row(0, 3, edition=edition)
    answer = sees_twos(None, case.image)
    for least_ml, voxels in ((0, 3), (3, 3), (3.1, 0)):
        labels = to_mask(answer, case.image, edition, CENTIMETRE, least_ml)
        assert labels.dtype == "uint8"
        assert to_regions(labels, edition).sum(axis=(0, 1, 2)).tolist() == [8, 8, voxels]
    # half as long each way, an eighth of the volume
    labels = to_mask(answer, case.image, edition, (5, 5, 5), 0.4)
    assert to_regions(labels, edition)[..., 2].sum() == 0


def test_what_lies_in_the_air_does_not_count():
    case = row(0, 3)
    case.image[..., :2, :] = 0  # of the three voxels of ET, two
    answer = sees_twos(None, row(0, 3).image)
    assert to_mask(answer, case.image, "2020", CENTIMETRE, 1.5).tolist() == [[[0, 0] + [1] * 6]]


def test_the_geometric_mean_of_what_is_dropped_and_what_is_kept():
    # drops the 1 and the 2, keeps the 8
    assert chosen((0, 1), (0, 2), (6, 8), (8, 8)) == pytest.approx(4)


def test_a_case_is_given_up_where_two_others_gain():
    # dropping up to 3 ml costs the second case its Dice of 0.86, and gives two others 1
    assert chosen((0, 3), (4, 3), (0, 2), (6, 6)) == pytest.approx(18**0.5)


def test_a_speck_has_no_room_where_nothing_is_gained_by_dropping():
    # between one voxel, 1 ml, and the smallest answer, which is kept
    assert chosen((6, 4), (8, 8)) == pytest.approx(2)
    assert chosen((0, 0), (6, 8)) == pytest.approx(8**0.5)
    assert chosen((6, 5), (2, 1)) == 1  # one voxel is right there


def test_the_smallest_voxel_counts():
    thin, thick = row(6, 8), row(6, 8)
    thin.spacing_mm = (1.25, 10, 10)  # an eighth of a millilitre, and its answer 1 ml
    assert choose_least_et_ml(None, [thin, thick], predict=sees_twos) == pytest.approx(8**-0.5)


def test_nothing_is_dropped_where_nothing_is_answered():
    assert chosen((5, 0)) == 0
    assert chosen() == 0


def test_where_nothing_enhances_all_is_dropped():
    assert chosen((0, 1), (0, 4)) == pytest.approx(8)


def test_a_case_without_a_mask_cannot_decide():
    case = row(0, 1)
    case.labels = None
    with pytest.raises(CourseError, match="no tiene máscara"):
        choose_least_et_ml(None, [row(6, 6), case], predict=sees_twos)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=6))
def test_no_other_volume_scores_better_in_these_cases(pairs):
    cases = [row(*pair) for pair in pairs]

    def mean_dice(least_ml):
        """By the formula: both lie at the row's beginning, so the shorter is what they share."""
        total = 0
        for true, found in pairs:
            found = found if found >= least_ml else 0
            total += 2 * min(true, found) / (true + found) if true + found else 1
        return total / len(pairs)

    least_ml = choose_least_et_ml(None, cases, predict=sees_twos)
    assert mean_dice(least_ml) == pytest.approx(max(map(mean_dice, np.arange(0, 9.5, 0.5))))


def test_the_evaluation_scores_what_is_written():
    cases, origin = [row(0, 1), row(6, 6)], SimpleNamespace(title="x")
    for least_ml, dice in ((0, 0.5), (2, 1.0)):
        report = evaluate_segmenter(
            None, cases, origin=origin, predict=sees_twos, least_et_ml=least_ml
        )
        assert report.scores["dice_ET"] == dice
        assert report.scores["dice_WT"] == report.scores["dice_TC"] == 1
