"""Critical values of weighted toys: quantiles, and how well they are known."""

import numpy as np
import pytest
from scipy import stats

from cevnsi.arrays import FloatArray
from cevnsi.statistics.toys import KNOWN_TO, critical, effective_toys, quantile

LEVEL = 0.9


def drawn(seed: int, toys: int = 500) -> tuple[FloatArray, FloatArray]:
    """Statistics, some of them alike, with weights, some of them zero."""
    rng = np.random.default_rng(seed)
    statistic = np.round(rng.chisquare(2, toys), 2)
    return statistic, np.where(rng.random(toys) < 0.1, 0.0, rng.exponential(1.0, toys))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("probability", [0.01, 0.5, 0.9, 0.9545, 1.0])
def test_quantiles_are_those_of_the_inverted_distribution(seed: int, probability: float) -> None:
    statistic, weights = drawn(seed)
    for w in (weights, np.ones(weights.size)):
        expected = np.quantile(statistic, probability, method="inverted_cdf", weights=w)
        assert quantile(statistic, w, probability) == expected
        assert quantile(statistic, 7.3 * w, probability) == expected


def test_a_quantile_covers_no_less_than_it_says() -> None:
    """However the steps of a distribution fall, as those of counts."""
    statistic = np.repeat([0.0, 1.0, 2.0], [80, 10, 10]).astype(float)
    assert quantile(statistic, np.ones(100), 0.9) == 1.0
    assert quantile(statistic, np.ones(100), 0.91) == 2.0
    assert quantile(statistic, np.ones(100), 0.8) == 0.0


def test_toys_of_one_weight_count_each() -> None:
    assert effective_toys(np.full(40, 0.3)) == pytest.approx(40)
    assert effective_toys(np.array([1.0, 0, 0, 0])) == 1
    assert effective_toys(np.array([1.0, 1, 0, 0])) == 2


@pytest.mark.parametrize("weighted", [False, True])
def test_errors_are_how_far_values_scatter(weighted: bool) -> None:
    """Of a known distribution, over many sets of toys; weights are to another of its widths."""
    toys, sets, width = 2000, 300, 1.15
    found = []
    rng = np.random.default_rng(5)
    wanted = stats.chi2.ppf(LEVEL, 1) * (width if weighted else 1.0)
    for _ in range(sets):
        statistic = rng.chisquare(1, toys)
        weights = np.ones(toys)
        if weighted:
            weights = stats.chi2.pdf(statistic / width, 1) / width / stats.chi2.pdf(statistic, 1)
        found.append(critical(statistic, weights, LEVEL))
    values, errors = np.array(found).T
    assert abs(values.mean() - wanted) < 4 * values.std() / np.sqrt(sets) + 0.005  # a step of an inverted distribution
    # weights of what is far out are the larger, which the number of toys that they are worth does not know
    assert errors.mean() == pytest.approx(values.std(), rel=0.25 if weighted else 0.15)


def test_errors_are_infinite_where_toys_are_too_few() -> None:
    statistic = np.arange(8.0)
    assert critical(statistic, np.ones(8), LEVEL) == (7.0 + KNOWN_TO, np.inf)  # 0.9 + 0.11 > 1
    assert critical(statistic, np.ones(8), 0.1) == (KNOWN_TO, np.inf)
    value, error = critical(np.arange(100.0), np.ones(100), LEVEL)
    assert value == 89 + KNOWN_TO
    assert error == pytest.approx(3.0, abs=0.5)  # 3 % of the toys, on each side
    lone = np.concatenate([[1e6], np.ones(99)])  # whose weight is nearly all
    assert critical(np.arange(100.0), lone, LEVEL) == (KNOWN_TO, np.inf)
