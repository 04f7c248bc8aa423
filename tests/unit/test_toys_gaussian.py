"""Toys of Eq. 7: how they are drawn, and what their statistic is distributed as where that is known."""

import math
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, localcontext
from itertools import pairwise
from math import inf

import numpy as np
import pytest
from scipy import stats

from cevnsi.arrays import FloatArray
from cevnsi.fast.contraction import Contraction, contraction_of
from cevnsi.fast.toys_gaussian import (
    MOST_COUNTS,
    TOYS_OF_A_BLOCK,
    Contracted,
    Problem,
    Rectangle,
    Toys,
    Truth,
    contract,
    draw,
    least,
    point,
    problem_of,
    statistic,
    statistics_of,
    table_of,
)
from cevnsi.model import Model
from cevnsi.physics.weak_charge import standard_model_charge
from cevnsi.statistics.thresholds import threshold
from points import chi2_of_counts
from toys import plain_draw, plain_least

BOTH_FREE = Rectangle(x=(0, inf), y=(0, inf))
MANY = 200_000


@pytest.fixture(scope="module")
def paper(model: Callable[..., Model]) -> Model:
    return model("paper")


@pytest.fixture(scope="module")
def problem(paper: Model) -> Problem:
    return problem_of(paper)


@pytest.fixture(scope="module")
def observed(paper: Model) -> Contraction:
    return contraction_of(paper, "contact", {})


@pytest.fixture(scope="module")
def charge_squared(paper: Model) -> float:
    (nuclide,) = paper.nuclides
    return float(standard_model_charge(nuclide, paper.couplings_at({}))) ** 2


def profiled(observed: Contraction, x: float, y: float) -> Truth:
    """A truth with the alpha that fits the data best there."""
    at, p = np.array([x, y]), observed.penalty
    s = (observed.data_template @ at + p) / (at @ observed.template_template @ at + p)
    return Truth(x=x, y=y, alpha=float(s - 1))


def critical(values: FloatArray, level: float = 0.9) -> tuple[float, float]:
    """Quantile of a statistic, and its error by the order statistics a standard deviation away."""
    ordered, spread = np.sort(values), math.sqrt(values.size * level * (1 - level))
    above, below = (ordered[int(values.size * level + side * spread)] for side in (1, -1))
    return float(np.quantile(values, level)), float(above - below) / 2


def poisson_probabilities(mean: float, most: int) -> FloatArray:
    """Of 0 to `most` counts, each from that before it in 40 digits, and of more than that."""
    with localcontext() as context:
        context.prec = 40
        exact = Decimal(mean)
        found = [(-exact).exp()]
        for count in range(1, most + 1):
            found.append(found[-1] * exact / count)
        return np.array([*found, 1 - sum(found)], dtype=np.float64)


@pytest.mark.parametrize("mean", [0.0, 1e-9, 0.3, 1.0, 17.2, 91.5, 4321.0, 1e5])
def test_a_table_is_a_poisson_distribution(mean: float) -> None:
    table = table_of(mean)
    edges = [0, *map(int, table.ends), 2**64]
    found = np.array([(end - start) / 2**64 for start, end in pairwise(edges)])
    known = poisson_probabilities(mean, table.least + found.size - 1)
    inner, below = known[table.least : -1], np.cumsum(known)[table.least : -1]
    # a probability is a product of up to a few thousand factors, and an end a sum from the nearer side
    rounding = 1e-12 * inner + 3e-16 * np.minimum(below, 1 - below + inner) + 2 / 2**64
    assert (np.abs(found - inner) <= rounding).all()
    assert known[: table.least].sum() <= 1e-18
    assert known[-1] <= 1e-18


@pytest.mark.parametrize("mean", [0.3, 17.2, 4321.0])
def test_leading_bits_and_all_bits_agree(mean: float) -> None:
    table, random = table_of(mean), np.random.default_rng(5)
    at_ends = np.concatenate([table.ends, table.ends - np.uint64(1), np.array([0, 2**64 - 1], np.uint64)])
    integers = np.concatenate([random.integers(0, 2**64, 100_000, dtype=np.uint64), at_ends])
    expected = table.least + np.searchsorted(table.ends, integers, side="right")
    np.testing.assert_array_equal(table.counts(integers), expected)


def test_drawn_counts_are_poisson(problem: Problem, observed: Contraction, charge_squared: float) -> None:
    truth = profiled(observed, charge_squared, charge_squared)
    toys = draw(problem, truth, MANY, np.random.default_rng(6))
    signal = (1 + truth.alpha) * charge_squared * problem.templates.sum(axis=0)
    means = np.concatenate([problem.anticoincidence + signal, problem.anticoincidence])
    both = np.concatenate([toys.coincidence, toys.anticoincidence])
    chances = []
    for mean, counts in zip(means, both, strict=True):
        values = np.arange(int(counts.max()) + 1)
        seen, expected = np.bincount(counts), MANY * stats.poisson.pmf(values, mean)
        usual = expected > 20
        rest = MANY - expected[usual].sum()
        chances.append(stats.chisquare([*seen[usual], seen[~usual].sum()], [*expected[usual], rest]).pvalue)
    assert stats.kstest(chances, "uniform").pvalue > 1e-3
    assert min(chances) > 1e-4
    correlations = np.corrcoef(np.concatenate([both, toys.centre[None]]))
    assert np.abs(correlations - np.eye(25)).max() < 5 / math.sqrt(MANY)
    assert stats.kstest(toys.centre, stats.norm(truth.alpha, 0.28).cdf).pvalue > 1e-3


def test_inner_products_are_those_of_the_data(paper: Model, problem: Problem, observed: Contraction) -> None:
    """One toy that is the data: its half counts are made whole by twice the data."""
    measured = paper.dataset.measurement
    twice = 2 * measured.observed, 2 * np.rint(problem.anticoincidence)
    toy = Toys(
        coincidence=(twice[0] + twice[1]).astype(np.int32)[:, None],
        anticoincidence=twice[1].astype(np.int32)[:, None],
        centre=np.zeros(1),
    )
    inner, weight = contract(problem, toy), 1 / (twice[0] + 2 * twice[1])
    e, mu = problem.templates
    assert inner.data_data[0] == pytest.approx((weight * twice[0] ** 2).sum(), rel=1e-14)
    np.testing.assert_allclose(inner.data_template[:, 0], problem.templates @ (weight * twice[0]), rtol=1e-14)
    sums = [(weight * e * e).sum(), (weight * e * mu).sum(), (weight * mu * mu).sum()]
    np.testing.assert_allclose(inner.template_template[:, 0], sums, rtol=1e-14)
    like = replace(measured, observed=twice[0], uncertainty=weight**-0.5)
    chi2 = chi2_of_counts(like, 1000 * e + 2000 * mu, problem.sigma_alpha)
    assert least(inner, point(1000, 2000))[0] == pytest.approx(chi2, rel=1e-13)


def test_the_data_as_a_toy(observed: Contraction) -> None:
    """What is fitted to toys is what is fitted to the data."""
    g = observed.template_template
    data = Contracted(
        data_data=np.array([observed.data_data]),
        data_template=observed.data_template[:, None],
        template_template=np.array([g[0, 0], g[0, 1], g[1, 1]])[:, None],
        centre=np.zeros(1),
        penalty=observed.penalty,
    )
    assert observed.stationary is not None
    x, y = observed.stationary
    assert least(data, BOTH_FREE)[0] == pytest.approx(float(np.asarray(observed.chi2([x, y]))), rel=1e-13)
    axis = np.linspace(0, 3000, 7)
    for each in axis:
        assert least(data, point(each, 500.0))[0] == pytest.approx(
            float(np.asarray(observed.chi2([each, 500.0]))), rel=1e-13
        )


def test_an_empty_bin_has_a_sigma_of_one() -> None:
    none = Toys(coincidence=np.zeros((1, 1), np.int32), anticoincidence=np.zeros((1, 1), np.int32), centre=np.zeros(1))
    one = Problem(templates=np.array([[1.0], [2.0]]), anticoincidence=np.array([0.1]), sigma_alpha=0.28)
    assert none.variance[0, 0] == 1
    assert least(contract(one, none), point(0.0, 0.0))[0] == 0
    assert least(contract(one, none), point(1.0, 0.0))[0] == pytest.approx(1 / (1 + 0.28**2), rel=1e-14)


def test_negative_signals_are_as_far_as_the_penalty_allows() -> None:
    """A centre of -2 asks for s < 0, which turns a deficit into a charge squared."""
    toy = Toys(
        coincidence=np.array([[20], [30]], np.int32),
        anticoincidence=np.array([[80], [50]], np.int32),
        centre=np.array([-2.0]),
    )
    two = Problem(templates=np.array([[1.0, 0.0], [0.0, 1.0]]), anticoincidence=np.full(2, 50.0), sigma_alpha=0.1)
    assert least(contract(two, toy), BOTH_FREE)[0] == pytest.approx(0, abs=1e-12)
    ordinary = contract(two, replace(toy, centre=np.zeros(1)))
    at_zero = 60**2 / 100 + 20**2 / 80
    assert at_zero < 1 / 0.1**2  # so that no s < 0 is worth its penalty
    assert least(ordinary, BOTH_FREE)[0] == pytest.approx(at_zero, rel=1e-13)


@pytest.mark.parametrize("apart", [0.0, 1e-5, 1e-4, 1e-2])
def test_templates_that_are_nearly_alike(apart: float) -> None:
    """Counts that are exactly those at (2, 3) have no chi2 there, however little the two charges do differently."""
    first = 1e6 * np.array([1.0, 2.0, 3.0])
    alike = Problem(
        templates=np.array([first, first * (1.5 + apart * np.array([1, 0, 1]))]),
        anticoincidence=np.full(3, 10.0),
        sigma_alpha=0.28,
    )
    signal = np.rint([2, 3] @ alike.templates).astype(np.int32)[:, None]
    inner = contract(alike, Toys(coincidence=signal, anticoincidence=np.zeros_like(signal), centre=np.zeros(1)))
    assert least(inner, Rectangle(x=(1, 4), y=(2, 5)))[0] == pytest.approx(0, abs=1e-6)  # of sums of 1e8
    assert least(inner, Rectangle(x=(2, 2), y=(0, 2.9)))[0] > 1e-3


@pytest.mark.parametrize("free", ["both", "plane", "box"])
def test_statistics_are_those_of_the_plain_way(problem: Problem, observed: Contraction, free: str) -> None:
    truth = profiled(observed, 600.0, 1400.0)
    rectangles = {
        "both": BOTH_FREE,
        "plane": Rectangle(x=(0, inf), y=(1400.0, 1400.0)),
        "box": Rectangle(x=(100.0, 2000.0), y=(0.0, 1500.0)),
    }
    toys = plain_draw(problem, truth, 300, np.random.default_rng(7))
    found = statistic(contract(problem, toys), point(600.0, 1400.0), rectangles[free])
    expected = plain_least(problem, toys, point(600.0, 1400.0)) - plain_least(problem, toys, rectangles[free])
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_plain_draws_have_the_same_statistic(problem: Problem, observed: Contraction, charge_squared: float) -> None:
    truth, tested = profiled(observed, charge_squared, charge_squared), point(charge_squared, charge_squared)
    plain = statistic(contract(problem, plain_draw(problem, truth, MANY, np.random.default_rng(8))), tested, BOTH_FREE)
    assert stats.ks_2samp(plain, statistics_of(problem, truth, tested, BOTH_FREE, MANY, 8)).pvalue > 1e-3


def test_blocks(problem: Problem) -> None:
    """Toys of a seed are the same however many there are, and each block has its own."""
    truth, tested = Truth(x=600.0, y=1400.0, alpha=0.1), point(600.0, 1400.0)
    many = statistics_of(problem, truth, tested, BOTH_FREE, 3 * TOYS_OF_A_BLOCK, 1)
    for toys in (0, 1, TOYS_OF_A_BLOCK, TOYS_OF_A_BLOCK + 1, 2 * TOYS_OF_A_BLOCK + 100):
        assert statistics_of(problem, truth, tested, BOTH_FREE, toys, 1).tobytes() == many[:toys].tobytes()
    assert np.unique(many).size == many.size
    assert not np.isin(many, statistics_of(problem, truth, tested, BOTH_FREE, many.size, 2)).any()
    for stream in ((0,), (1,), (0, 0)):
        assert not np.isin(many, statistics_of(problem, truth, tested, BOTH_FREE, many.size, 1, stream=stream)).any()


def test_a_block_is_drawn_contracted_and_fitted(problem: Problem) -> None:
    truth, tested = Truth(x=600.0, y=1400.0, alpha=0.1), point(600.0, 1400.0)
    random = np.random.Generator(np.random.SFC64(np.random.SeedSequence(3, spawn_key=(4, 5, 0))))
    expected = statistic(contract(problem, draw(problem, truth, TOYS_OF_A_BLOCK, random)), tested, BOTH_FREE)
    found = statistics_of(problem, truth, tested, BOTH_FREE, TOYS_OF_A_BLOCK, 3, stream=(4, 5))
    assert found.tobytes() == expected.tobytes()


def with_many_counts(problem: Problem) -> Problem:
    """The same with 1e4 times the counts."""
    return replace(problem, templates=1e4 * problem.templates, anticoincidence=1e4 * problem.anticoincidence)


@pytest.mark.parametrize("level", [0.6827, 0.9, 0.9545])
@pytest.mark.parametrize("n_dof", [1, 2])
def test_many_counts_have_the_usual_thresholds(
    problem: Problem, charge_squared: float, n_dof: int, level: float
) -> None:
    x = charge_squared
    free = BOTH_FREE if n_dof == 2 else Rectangle(x=(0, inf), y=(x, x))
    many = statistics_of(with_many_counts(problem), Truth(x=x, y=x, alpha=-0.1), point(x, x), free, MANY, 9)
    found, error = critical(many, level)
    assert found == pytest.approx(threshold(level, n_dof), abs=4 * error)
    assert error < 0.015 * found


def test_a_boundary_has_half_of_the_toys(problem: Problem, charge_squared: float) -> None:
    y = charge_squared
    free, truth = Rectangle(x=(0, inf), y=(y, y)), Truth(x=0.0, y=y, alpha=0.1)
    found = statistics_of(with_many_counts(problem), truth, point(0.0, y), free, MANY, 10)
    rest = found[found > 1e-9]
    assert rest.size / MANY == pytest.approx(
        0.5, abs=4 * 0.5 / math.sqrt(MANY) + 0.002
    )  # counts are not quite Gaussian
    assert stats.kstest(rest, stats.chi2(1).cdf).pvalue > 1e-3
    value, error = critical(found)
    assert value == pytest.approx(threshold(0.8, 1), abs=4 * error)


def on_contour(observed: Contraction, angle: float) -> tuple[float, float]:
    """Where chi2 is 4.61 above its least, in this direction from the best fit; ends at a wall."""
    assert observed.stationary is not None
    best, step = observed.stationary, np.array([math.cos(angle), math.sin(angle)])
    lowest = float(np.asarray(observed.chi2(best)))
    low, high = 0.0, float(np.min(np.where(step < 0, -best / np.minimum(step, -1e-12), 1e5)))
    for _ in range(60):
        middle = (low + high) / 2
        below = float(np.asarray(observed.chi2(best + middle * step))) - lowest < threshold(0.9, 2)
        low, high = (middle, high) if below else (low, middle)
    x, y = np.maximum(best + low * step, 0.0)
    return float(x), float(y)


def test_critical_values_along_the_contour(problem: Problem, observed: Contraction) -> None:
    """Those of 90 % along the contour of the paper's data that two numbers of degrees of freedom give 4.61 for."""
    values = []
    for i in range(12):
        x, y = on_contour(observed, 2 * math.pi * i / 12)
        truth = profiled(observed, x, y)
        (one, error), (other, _) = (
            critical(statistics_of(problem, truth, point(x, y), BOTH_FREE, 50_000, seed)) for seed in (11, 12)
        )
        assert one == pytest.approx(other, abs=4 * math.sqrt(2) * error)
        values.append(one)
    assert 2.9 < min(values) < 3.05
    assert 3.2 < max(values) < 3.35


def test_critical_values_of_one_flavor(problem: Problem, observed: Contraction, charge_squared: float) -> None:
    """Near 2.7 in the plane of one flavor where its charge is away from zero, about 1.6 at zero."""
    y = charge_squared
    found = {
        x: critical(
            statistics_of(problem, profiled(observed, x, y), point(x, y), Rectangle(x=(0, inf), y=(y, y)), MANY, 13)
        )
        for x in (0.0, 2500.0)
    }
    assert found[0.0][0] == pytest.approx(1.57, abs=0.05)
    assert found[2500.0][0] == pytest.approx(2.71, abs=0.05)


def test_why_the_auxiliary_measurement_is_drawn(problem: Problem, observed: Contraction) -> None:
    """Without it critical values of 90 % along the contour go from about 1.7 to 6; they are 3.0 to 3.3 with it."""
    values = {}
    for i in (0, 5):
        x, y = on_contour(observed, 2 * math.pi * i / 12)
        truth, tested = profiled(observed, x, y), point(x, y)
        for auxiliary in (True, False):
            toys = statistics_of(problem, truth, tested, BOTH_FREE, 50_000, 14, auxiliary=auxiliary)
            values[i, auxiliary] = critical(toys)[0]
    assert values[0, True] == pytest.approx(3.18, abs=0.06)
    assert values[5, True] == pytest.approx(3.20, abs=0.06)
    assert values[0, False] == pytest.approx(5.9, abs=0.2)
    assert values[5, False] == pytest.approx(1.74, abs=0.1)


def test_a_measurement_that_is_no_difference_of_counts_is_refused(model: Callable[..., Model]) -> None:
    with pytest.raises(ValueError, match="one nucleus"):
        problem_of(model("paper", nuclei="cs_and_i"))
    with pytest.raises(ValueError, match="one Gaussian data set"):
        problem_of(model("csi_2021"))


def test_what_cannot_be_drawn_is_refused(problem: Problem) -> None:
    random = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"counts at Truth\(x=1000.0, y=0.0, alpha=-50.0\): .* numbers from 0"):
        draw(problem, Truth(x=1000.0, y=0.0, alpha=-50.0), 1, random)
    with pytest.raises(ValueError, match="expected numbers from 0 to 1e"):
        draw(problem, Truth(x=100 * MOST_COUNTS, y=1e10, alpha=0.0), 1, random)
    with pytest.raises(ValueError, match="counts at"):
        draw(problem, Truth(x=math.nan, y=0.0, alpha=0.0), 1, random)
    with pytest.raises(ValueError, match="anticoincidence counts: -1"):
        replace(problem, anticoincidence=np.linspace(-1, 10, 12))
    with pytest.raises(ValueError, match=r"expected \(2, bins\)"):
        replace(problem, templates=problem.templates[:1])
    with pytest.raises(ValueError, match="sigma_alpha: 0"):
        replace(problem, sigma_alpha=0.0)


def test_rectangles_without_room_are_refused(problem: Problem) -> None:
    with pytest.raises(ValueError, match="x from 2 to 1"):
        Rectangle(x=(2, 1), y=(0, 1))
    with pytest.raises(ValueError, match="y from -inf"):
        Rectangle(x=(0, 1), y=(-inf, 1))
    with pytest.raises(ValueError, match="of all toys, or of none"):
        Rectangle(x=(0, 1), y=(0, np.array([1.0, inf])))
    truth = Truth(x=1.0, y=1.0, alpha=0.0)
    with pytest.raises(ValueError, match="y tested from 0 to 3; expected it inside 0 to 2"):
        statistics_of(problem, truth, Rectangle(x=(0, 1), y=(0, 3)), Rectangle(x=(0, 1), y=(0, 2)), 1, 1)
    rounded = Rectangle(x=(0, 1 + 1e-12), y=(0, 3))
    assert statistics_of(problem, truth, rounded, Rectangle(x=(0, 1), y=(0, 3)), 1, 1).size == 1
