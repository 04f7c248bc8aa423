"""Critical values from statistics of toys, which may have weights, and how well they are known."""

import numpy as np

from cevnsi.arrays import FloatArray


def effective_toys(weights: FloatArray) -> float:
    """How many toys without weights would say as much as these (toys,): (sum w)^2 / sum w^2."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def error_of_part(part: float, toys: int) -> float:
    """Statistical error of the part of so many toys that something holds for; of none or all of them that of one."""
    return float(np.sqrt(max(part * (1 - part), 1 / toys) / toys))


def quantile(statistic: FloatArray, weights: FloatArray, probability: float) -> float:
    """The least of the values (toys,) that so much of the weight is at or below: no region of it covers less."""
    order = np.argsort(statistic, kind="stable")
    share = np.cumsum(weights[order])
    place = int(np.searchsorted(share, probability * share[-1] * (1 - 1e-12)))
    return float(statistic[order[min(place, statistic.size - 1)]])


KNOWN_TO = 1e-6  # of chi2: how well fits find it, so that a region holds what nothing tells from the best fit


def critical(statistic: FloatArray, weights: FloatArray, confidence_level: float) -> tuple[float, float]:
    """The critical value at a confidence level, and its statistical error, of statistics and weights (toys,).

    That is half the distance of the quantiles one standard deviation of the part of toys below apart, whatever the
    distribution; infinite where toys are too few to say.
    """
    count = effective_toys(weights)
    spread = np.sqrt(confidence_level * (1 - confidence_level) / count)
    value = quantile(statistic, weights, confidence_level) + KNOWN_TO
    if confidence_level + spread >= 1 or confidence_level <= spread:
        return value, np.inf
    ends = [quantile(statistic, weights, confidence_level + side * spread) for side in (-1, 1)]
    return value, (ends[1] - ends[0]) / 2
