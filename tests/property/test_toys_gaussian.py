"""Minima of Eq. 7 of toys over rectangles, in closed form, against nonnegative least squares and random points."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cevnsi.fast.toys_gaussian import Problem, Rectangle, Toys, contract, least, statistic
from toys import eq_7_of_toy, plain_least

# chi2 is a difference of sums that are up to some 1e3 times itself, which nonnegative least squares take roots of
ROUNDING = 1e-9

seeds = st.integers(0, 2**32 - 1)
ends = st.sampled_from([0.0, 0.3, 1.0, 2.0, 5.0, 40.0])
highest = st.sampled_from([0.0, 0.3, 1.0, 2.0, 5.0, 40.0, inf])


@st.composite
def intervals(draw: st.DrawFn) -> tuple[float, float]:
    low, width = draw(ends), draw(highest)
    return low, low + width


rectangles = st.builds(lambda x, y: Rectangle(x=x, y=y), intervals(), intervals())


def any_toys(seed: int, bins: int, toys: int = 8) -> tuple[Problem, Toys]:
    """Templates alike or not, and counts with a signal, without, or with less than none; centres as far as they go."""
    random = np.random.default_rng(seed)
    templates = random.uniform(0, 2, (2, bins)) ** random.choice([0.3, 2.0])
    if random.random() < 0.3:
        templates[1] = templates[0] * (1.5 + random.choice([1e-6, 1e-4, 1e-2]) * templates[1])
    background, sign = random.choice([0.2, 3.0, 30.0]), random.choice([-1.0, 0.0, 1.0, 4.0], (1, toys))
    problem = Problem(
        templates=templates,
        anticoincidence=np.full(bins, background),
        sigma_alpha=float(random.choice([0.05, 0.28, 1.0])),
    )
    signal = sign * templates.sum(axis=0)[:, None]
    return problem, Toys(
        coincidence=random.poisson(background + np.maximum(signal, 0)).astype(np.int32),
        anticoincidence=random.poisson(background + np.maximum(-signal, 0)).astype(np.int32),
        centre=random.normal(0, random.choice([problem.sigma_alpha, 1.0, 3.0]), toys),
    )


@settings(max_examples=400)
@given(seed=seeds, bins=st.sampled_from([1, 2, 3, 12]), rectangle=rectangles)
def test_least(seed: int, bins: int, rectangle: Rectangle) -> None:
    problem, toys = any_toys(seed, bins)
    found = least(contract(problem, toys), rectangle)
    np.testing.assert_allclose(found, plain_least(problem, toys, rectangle), rtol=ROUNDING, atol=ROUNDING)


@settings(max_examples=100)
@given(seed=seeds, rectangle=rectangles)
def test_no_point_is_below(seed: int, rectangle: Rectangle) -> None:
    problem, toys = any_toys(seed, 4)
    found, random = least(contract(problem, toys), rectangle), np.random.default_rng(seed)
    for i in range(toys.centre.size):
        x, y = (float(random.uniform(low, np.minimum(high, 100.0))) for low, high in (rectangle.x, rectangle.y))
        assert eq_7_of_toy(problem, toys, i, x, y, random.uniform(-3, 3)) >= found[i] - ROUNDING


@given(seed=seeds, first=st.lists(st.tuples(intervals(), intervals()), min_size=8, max_size=8))
def test_each_toy_may_have_its_rectangle(
    seed: int, first: list[tuple[tuple[float, float], tuple[float, float]]]
) -> None:
    problem, toys = any_toys(seed, 4)
    finite = np.minimum(np.array(first), 1e3)  # (toys, axes, ends)
    each = Rectangle(x=(finite[:, 0, 0], finite[:, 0, 1]), y=(finite[:, 1, 0], finite[:, 1, 1]))
    inner = contract(problem, toys)
    one_by_one = [least(inner, Rectangle(x=tuple(x), y=tuple(y)))[i] for i, (x, y) in enumerate(finite.tolist())]
    np.testing.assert_allclose(least(inner, each), one_by_one, rtol=1e-11, atol=1e-11)


@given(seed=seeds, tested=rectangles, more=st.floats(0, 10))
def test_a_statistic_is_not_negative(seed: int, tested: Rectangle, more: float) -> None:
    problem, toys = any_toys(seed, 4)
    free = Rectangle(x=(0.0, tested.x[1] + more), y=(0.0, tested.y[1] + more))
    inner = contract(problem, toys)
    found = statistic(inner, tested, free)
    assert (found >= -ROUNDING).all()
    np.testing.assert_allclose(found, least(inner, tested) - least(inner, free), rtol=1e-10, atol=1e-10)


@pytest.mark.slow
@settings(max_examples=5000)
@given(seed=seeds, bins=st.integers(1, 20), rectangle=rectangles)
def test_least_of_many(seed: int, bins: int, rectangle: Rectangle) -> None:
    problem, toys = any_toys(seed, bins, toys=40)
    found = least(contract(problem, toys), rectangle)
    np.testing.assert_allclose(found, plain_least(problem, toys, rectangle), rtol=ROUNDING, atol=ROUNDING)
