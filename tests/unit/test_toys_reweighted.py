"""Reweighted toys against fresh ones and against probabilities written out."""

import math
from collections.abc import Callable
from dataclasses import replace
from math import inf

import numpy as np
import pytest
from scipy import stats

from cevnsi.arrays import FloatArray
from cevnsi.fast.toys_gaussian import Problem, Rectangle, Truth, contract, draw, point, problem_of, statistic
from cevnsi.fast.toys_reweighted import effective_toys, log_weights
from cevnsi.model import Model

HERE, THERE = Truth(x=1350.0, y=1350.0, alpha=-0.1), Truth(x=1000.0, y=1200.0, alpha=0.05)


@pytest.fixture(scope="module")
def problem(model: Callable[..., Model]) -> Problem:
    return problem_of(model("paper"))


def test_weights_are_ratios_of_probabilities(problem: Problem) -> None:
    toys = draw(problem, HERE, 50, np.random.default_rng(1))

    def log_probability(truth: Truth) -> FloatArray:
        means = problem.anticoincidence + (1 + truth.alpha) * ([truth.x, truth.y] @ problem.templates)
        counts = np.asarray(stats.poisson.logpmf(toys.coincidence, means[:, None])).sum(axis=0)
        return np.asarray(counts + stats.norm.logpdf(toys.centre, truth.alpha, problem.sigma_alpha))

    expected = log_probability(THERE) - log_probability(HERE)
    np.testing.assert_allclose(log_weights(problem, toys, HERE, THERE), expected, rtol=1e-11, atol=1e-11)
    np.testing.assert_array_equal(log_weights(problem, toys, HERE, HERE), np.zeros(50))


def test_a_reweighted_critical_value_is_that_of_fresh_toys(problem: Problem) -> None:
    free, tested = Rectangle(x=(0, inf), y=(0, inf)), point(THERE.x, THERE.y)
    toys, fresh = (draw(problem, truth, 200_000, np.random.default_rng(2 + i)) for i, truth in enumerate((HERE, THERE)))
    weights = np.exp(log_weights(problem, toys, HERE, THERE))
    size = effective_toys(np.log(weights))
    assert weights.mean() == pytest.approx(1, abs=4 * weights.std() / math.sqrt(200_000))
    there = np.quantile(statistic(contract(problem, fresh), tested, free), [0.6827, 0.9])
    found = statistic(contract(problem, toys), tested, free)
    for level, value in zip((0.6827, 0.9), there, strict=True):
        below = weights[found < value].sum() / weights.sum()
        assert below == pytest.approx(level, abs=4 * math.sqrt(level * (1 - level) * (1 / size + 1 / 200_000)))


def test_effective_toys(problem: Problem) -> None:
    """As many as there are of equal weight, one if one has it all, and exp(-D^2) of them a distance D away."""
    assert effective_toys(np.full(7, -1000.0)) == pytest.approx(7, rel=1e-14)
    assert effective_toys(np.array([0.0, -inf, -800.0])) == 1
    toys = draw(problem, HERE, 200_000, np.random.default_rng(4))
    before, after = problem.coincidence_means(HERE), problem.coincidence_means(THERE)
    distance = ((after - before) ** 2 / before).sum() + ((THERE.alpha - HERE.alpha) / problem.sigma_alpha) ** 2
    found = effective_toys(log_weights(problem, toys, HERE, THERE)) / 200_000
    assert found == pytest.approx(math.exp(-distance), rel=0.02)  # exactly so of Poisson counts and a Gaussian centre
    assert 0.1 < found < 0.9


def test_bins_without_counts() -> None:
    one = Problem(templates=np.ones((2, 1)), anticoincidence=np.zeros(1), sigma_alpha=0.28)
    some, none = Truth(x=1.0, y=1.0, alpha=0.0), Truth(x=0.0, y=0.0, alpha=0.0)
    toys = replace(draw(one, some, 3, np.random.default_rng(5)), coincidence=np.array([[0, 1, 2]], np.int32))
    np.testing.assert_allclose(log_weights(one, toys, some, none), [2.0, -inf, -inf], rtol=1e-14)
    with pytest.raises(ValueError, match="where a bin has none"):
        log_weights(one, toys, none, some)
