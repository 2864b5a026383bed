import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from course.evaluation.intervals import bootstrap, of_mean, regression_scores, wilson, wilson_groups


@pytest.mark.parametrize(
    ("right", "total"), [(0, 1), (1, 1), (0, 7), (7, 7), (9, 10), (9952, 10000)]
)
def test_wilson_agrees_with_scipy(right, total):
    expected = stats.binomtest(right, total).proportion_ci(method="wilson")
    assert wilson(right, total) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_wilson_contains_a_perfect_score():
    for total in range(1, 300):
        assert wilson(total, total)[1] == 1 and wilson(0, total)[0] == 0


def test_groups_of_any_sizes_are_covered():
    """Groups of one to nine samples, in each all right or all wrong: 95 % of the intervals hold."""
    rng = np.random.default_rng(0)
    sizes = rng.geometric(0.5, 200).clip(max=9)
    groups, held = np.repeat(np.arange(200), sizes), []
    for _ in range(1000):
        right = np.repeat(rng.random(200) < 0.8, sizes)
        low, high = wilson_groups(right.mean(), groups)
        held.append(low <= 0.8 <= high)
    assert 0.93 < np.mean(held) < 0.97
    assert wilson_groups(0.9, np.arange(10)) == pytest.approx(wilson(9, 10))


def test_the_mean_of_a_high_and_a_low_share_is_covered():
    """Of 60 and 40 samples, one share near 1, where a bootstrap's interval is too narrow."""
    rng = np.random.default_rng(0)
    held = []
    for _ in range(1000):
        right = rng.binomial(60, 0.98), rng.binomial(40, 0.7)
        pairs = list(zip(right, (60, 40), strict=True))
        low, high = of_mean([k / n for k, n in pairs], [wilson(k, n) for k, n in pairs])
        held.append(low <= 0.84 <= high)
    assert 0.93 < np.mean(held) < 0.98
    low, high = of_mean([1, 1], [wilson(60, 60), wilson(40, 40)])
    assert 0.93 < low < high == 1


def test_scores_by_hand():
    # errors 0, 0, 1: SSE 1; targets spread 2 around their mean
    scores = regression_scores(np.array([1.0, 2, 3]), {"a": np.array([1.0, 2, 4])})["a"]["scores"]
    assert scores == pytest.approx({"r2": 0.5, "rmse": np.sqrt(1 / 3), "mae": 1 / 3})


def test_scores_agree_with_scikit_learn():
    rng = np.random.default_rng(7)
    truth = rng.normal(50, 2, 300)
    answers = {"a": truth + rng.normal(0, 1, 300), "b": rng.normal(50, 2, 300)}
    table = regression_scores(truth, answers)
    for name, answer in answers.items():
        assert table[name]["scores"] == pytest.approx(
            {
                "r2": metrics.r2_score(truth, answer),
                "rmse": metrics.root_mean_squared_error(truth, answer),
                "mae": metrics.mean_absolute_error(truth, answer),
            }
        )


def test_intervals_agree_with_a_bootstrap_of_scikit_learns_scores():
    rng = np.random.default_rng(3)
    truth = rng.normal(0, 1, 400)
    answer = truth + rng.normal(0, 0.5, 400)
    ours = regression_scores(truth, {"a": answer})["a"]["intervals"]
    draws = rng.integers(400, size=(500, 400))
    for name, score in (
        ("r2", metrics.r2_score),
        ("rmse", metrics.root_mean_squared_error),
        ("mae", metrics.mean_absolute_error),
    ):
        low, high = np.percentile([score(truth[i], answer[i]) for i in draws], [2.5, 97.5])
        # two independent sets of resamples: their ends differ by a small part of the width
        assert ours[name] == pytest.approx((low, high), abs=0.25 * (high - low))


def test_two_models_are_compared_on_the_same_resamples():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200)
    answer = truth + rng.normal(0, 0.7, 200)
    table = regression_scores(truth, {"a": answer, "same": answer, "worse": answer + 0.1})
    assert table["same"]["behind"] == 0 and table["same"]["behind_interval"] == (0, 0)
    low, high = table["worse"]["behind_interval"]
    wide = table["a"]["intervals"]["r2"]
    assert low < table["worse"]["behind"] < high and high - low < (wide[1] - wide[0]) / 2
    assert table == regression_scores(truth, {"a": answer, "same": answer, "worse": answer + 0.1})


@pytest.mark.parametrize("constant", [0.0, 0.1, 5e6])
def test_a_constant_target_has_no_r2(constant):
    table = regression_scores(np.full(9, constant), {"a": np.full(9, constant + 1)})["a"]
    assert np.isnan(table["scores"]["r2"]) and table["intervals"]["r2"] is None
    assert table["scores"]["mae"] == pytest.approx(1) and table["intervals"]["mae"] is not None


def test_one_case_has_scores_and_no_interval():
    table = regression_scores(np.array([2.0]), {"a": np.array([2.5])})["a"]
    assert np.isnan(table["scores"]["r2"]) and table["scores"]["rmse"] == 0.5
    assert set(table["intervals"].values()) == {None}


def test_two_cases_do_not_warn():
    # half of the resamples hold one case twice: they have no R²
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = regression_scores(np.array([1.0, 2]), {"a": np.array([1.0, 2.5])})["a"]
    assert np.isfinite(table["intervals"]["r2"]).all()


def test_a_bootstrap_of_a_mean_agrees_with_scipy():
    values = np.random.default_rng(1).normal(0.8, 0.1, 12)
    for statistic in (np.mean, np.median):
        expected = stats.bootstrap(
            (values,), statistic, n_resamples=9999, method="percentile", random_state=0
        ).confidence_interval
        received = bootstrap(values, statistic, times=9999)
        assert received == pytest.approx((expected.low, expected.high), abs=0.01)


def test_a_bootstrap_by_hand_and_of_too_few():
    # of two cases a resample has the mean 0, 1/2 or 1, a quarter of them at each end
    assert bootstrap([0, 1]) == (0.0, 1.0)
    assert bootstrap([0.25, 0.25, np.nan]) == (0.25, 0.25)
    for few in ([], [0.5], [0.5, np.nan]):
        assert bootstrap(few) is None
    assert bootstrap([0.1, 0.7, 0.9]) == bootstrap([0.1, 0.7, 0.9])
