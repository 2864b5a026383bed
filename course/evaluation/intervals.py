"""How sure a score is: Wilson's interval of a proportion, a bootstrap; over samples or groups."""

import math

import numpy as np


def wilson(successes, total):
    """Wilson's 95 % interval of a proportion; it holds right up to 0 and 1 and for few samples.

    >>> low, high = wilson(9, 10)
    >>> round(low, 4), round(high, 4)
    (0.5958, 0.9821)
    """
    z = 1.959963984540054  # the normal distribution's 97.5th percentile
    share = successes / total
    center = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    reach = z / (1 + z**2 / total) * math.sqrt(share * (1 - share) / total + (z / total) ** 2 / 4)
    # rounding must not leave an interval that excludes a perfect score
    return max(0.0, min(center - reach, share)), min(1.0, max(center + reach, share))


def wilson_groups(share, groups):
    """Wilson's 95 % interval of a share of samples that come in groups, such as one patient's.

    Those of a group are taken to be all right or all wrong together, so the interval is rather too
    wide than too narrow: as many samples count as Kish's effective sample size (Survey Sampling,
    1965). Of groups of one size each counts once.

    Args:
        share: Of the samples, 0 to 1.
        groups: `(n,)`: which samples belong together.

    >>> wilson_groups(0.5, [1, 1, 2, 2]) == wilson(1, 2)
    True
    """
    sizes = np.unique(np.asarray(groups), return_counts=True)[1]
    effective = float(sizes.sum() ** 2 / (sizes**2).sum())
    return wilson(share * effective, effective)


def of_mean(shares, intervals):
    """The interval of a mean of shares of different samples, from the interval of each.

    Zou and Donner (Statistics in Medicine 27, 2008); unlike a bootstrap it is right up to 0 and 1.

    >>> low, high = of_mean([0.5, 0.9], [(0.4, 0.6), (0.9, 1.0)])
    >>> round(low, 4), round(high, 4)
    (0.65, 0.7707)
    """
    mean, (low, high) = sum(shares) / len(shares), zip(*intervals, strict=True)
    below, above = (math.dist(shares, ends) / len(shares) for ends in (low, high))
    return mean - below, mean + above


_TIMES = 1000  # resamples, the same ones every time


def bootstrap(values, statistic=np.mean, times=_TIMES):
    """The middle 95 % of a statistic over resamples of the cases, drawn with replacement.

    A case whose number is NaN does not count. None for fewer than two cases, which say nothing
    about their spread.

    >>> bootstrap([0.5, 0.5, 0.5]), bootstrap([0.9])
    ((0.5, 0.5), None)
    """
    values = np.asarray(values, "float64")
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return None
    drawn = np.random.default_rng(0).integers(len(values), size=(times, len(values)))
    return _middle(statistic(values[drawn], axis=1), len(values))


def bootstrap_groups(statistic, groups):
    """The middle 95 % of a statistic over resamples of whole groups, drawn with replacement.

    Args:
        statistic: Function from weights `(n,)`, how often each case was drawn, to a number; NaN
            where a resample has none.
        groups: `(n,)`: which cases are drawn together, such as the pictures of one patient.

    Returns:
        `(low, high)`; None for fewer than two groups, and where all resamples agree, for they say
        nothing then about how sure a perfect score is.

    >>> bootstrap_groups(lambda weights: weights @ [1.0, 1.0, 0.0] / weights.sum(), [7, 7, 8])
    (0.0, 1.0)
    """
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    n, rng = len(names), np.random.default_rng(0)
    draws = (np.bincount(rng.integers(n, size=n), minlength=n)[group_of] for _ in range(_TIMES))
    interval = _middle(np.array([statistic(weights) for weights in draws]), n)
    return interval if interval and interval[0] < interval[1] else None


def regression_scores(targets, answers):
    """R², RMSE and MAE of several models, each with the middle 95 % of a bootstrap over the cases.

    The resamples are the same for all models and in every call, so that a difference between two
    models has an interval of its own, narrower than the two intervals suggest. `answers` has each
    model's predictions, `(n,)` as the targets.

    Returns:
        `{name: {"scores": {"r2", "rmse", "mae"}, "intervals": {…}}}`; every model but the first
        also has "behind", what its R² lacks of the first one's, and "behind_interval". An interval
        is None for a single case. With a constant target the R² is NaN and has none either.
    """
    n, rng = len(targets), np.random.default_rng(0)
    centered = targets - targets.mean()
    errors = np.stack([values - targets for values in answers.values()])
    columns = np.stack([centered, centered**2, *errors**2, *np.abs(errors)], axis=1)
    draws = [np.bincount(rng.integers(n, size=n), minlength=n) @ columns for _ in range(_TIMES)]
    smallest = 1e-12 * (centered**2).sum() if np.ptp(targets) else np.inf
    exact = _scores(columns.sum(axis=0), n, smallest)
    drawn = _scores(np.stack(draws, axis=1), n, smallest)
    table = {}
    for i, name in enumerate(answers):
        table[name] = {
            "scores": {key: float(values[i]) for key, values in exact.items()},
            "intervals": {key: _middle(values[i], n) for key, values in drawn.items()},
        }
        if i:
            table[name]["behind"] = float(exact["r2"][0] - exact["r2"][i])
            table[name]["behind_interval"] = _middle(drawn["r2"][0] - drawn["r2"][i], n)
    return table


def _scores(sums, n, smallest):
    """r2, rmse, mae, `(models, …)`, from the sums of target, target², errors² and |errors|.

    A spread of the targets that is not above `smallest` counts as none: R² is NaN.
    """
    squares, absolutes = np.split(sums[2:], 2)
    spread = sums[1] - sums[0] ** 2 / n
    spread = np.where(spread > smallest, spread, np.nan)
    return {"r2": 1 - squares / spread, "rmse": np.sqrt(squares / n), "mae": absolutes / n}


def _middle(values, n):
    values = values[np.isfinite(values)]
    if n < 2 or not len(values):
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
