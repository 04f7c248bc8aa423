"""Minima and intervals of functions of one variable whose answers are known."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cevnsi.arrays import FloatArray
from cevnsi.statistics.intervals import below, least_value, local_minima, parabolic, refine

X = np.linspace(-2, 2, 41)


def double_well(x: FloatArray) -> FloatArray:
    """(x^2 - 1)^2: zero at -1 and 1, one in between."""
    return (x * x - 1) ** 2


def of(function: Any, level: float, x: FloatArray = X) -> list[tuple[float, float]]:
    return below(function, x, function(x), [level])[0]


INNER, OUTER = np.sqrt(1 - np.sqrt(0.5)), np.sqrt(1 + np.sqrt(0.5))


@pytest.mark.parametrize("points", [7, 41, 400])
def test_ends_are_roots_whatever_the_samples(points: int) -> None:
    found = of(double_well, 0.5, np.linspace(-2, 2, points))
    np.testing.assert_allclose(found, [(-OUTER, -INNER), (INNER, OUTER)], atol=1e-12)


@pytest.mark.parametrize("points", [7, 41, 400])
def test_levels_do_not_see_one_another(points: int) -> None:
    """All are searched at once: below the wells, in both, at their barrier, in one well that ends cut, above."""
    x = np.linspace(-2, 2, points) + 0.013
    levels = [-1.0, 1e-5, 0.5, 1.0, 4.0, 100.0]
    together = below(double_well, x, double_well(x), levels)
    assert together == [of(double_well, level, x) for level in levels]
    assert [len(found) for found in together] == [0, 2, 2, 2, 1, 1]


def test_an_interval_between_two_samples_is_found() -> None:
    level = 1e-5  # both wells are 0.003 wide, the samples 0.1 apart and none in a well but at its bottom
    x = X + 0.013
    found = below(double_well, x, double_well(x), [level])[0]
    assert len(found) == 2
    half = np.sqrt(1 + np.sqrt(level)) - np.sqrt(1 - np.sqrt(level))
    np.testing.assert_allclose(np.diff(found)[:, 0], half, rtol=1e-9)


def test_a_barrier_between_two_samples_splits() -> None:
    x = X + 0.05  # the barrier's top, at 0, is between samples that lie below the level
    level = 1 - 1e-5
    assert (double_well(x[np.abs(x) < 0.2]) < level).all()
    (_, first), (second, _) = below(double_well, x, double_well(x), [level])[0]
    assert first == pytest.approx(-second, rel=1e-6)
    assert second == pytest.approx(np.sqrt(1 - np.sqrt(level)), rel=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.013, 0.05])
def test_a_barrier_that_does_not_reach_the_level_does_not_split(shift: float) -> None:
    x = X + shift
    ((low, high),) = below(double_well, x, double_well(x), [1 + 1e-9])[0]
    assert (low, high) == pytest.approx((-np.sqrt(2), np.sqrt(2)), abs=1e-8)


def test_ends_of_the_axis_close_an_interval() -> None:
    x = np.linspace(0.5, 1.2, 11)
    ((low, high),) = below(double_well, x, double_well(x), [0.5])[0]
    assert low == pytest.approx(INNER, abs=1e-12)
    assert high == 1.2


def test_all_and_nothing() -> None:
    assert of(lambda x: x**2, 5.0) == [(-2.0, 2.0)]
    assert of(lambda x: x**2 + 6, 5.0) == []
    assert of(lambda x: 0 * x, 5.0) == [(-2.0, 2.0)]
    assert of(lambda x: 0 * x + 5.0, 5.0) == []  # at the level is not below it


def test_a_root_that_is_a_sample() -> None:
    ((low, high),) = of(lambda x: np.abs(x), 0.5)  # both ends are samples
    assert (low, high) == pytest.approx((-0.5, 0.5), abs=1e-12)


def test_approximate_samples_only_tell_where_to_look() -> None:
    samples = double_well(X) + 0.05 * np.sin(40 * X)
    np.testing.assert_allclose(below(double_well, X, samples, [0.5])[0], [(-OUTER, -INNER), (INNER, OUTER)], atol=1e-12)


@pytest.mark.slow
@given(
    st.lists(st.floats(-1.9, 1.9), min_size=1, max_size=4, unique=True).filter(
        lambda roots: len(roots) < 2 or np.diff(sorted(roots)).min() > 0.12
    )
)
def test_intervals_of_a_polynomial(roots: list[float]) -> None:
    """Every crossing of a polynomial that has these simple roots, none closer than two samples."""

    def function(x: FloatArray) -> FloatArray:
        return np.asarray(np.prod([x - root for root in roots], axis=0))

    x = np.linspace(-2, 2, 81)
    found = [end for interval in below(function, x, function(x), [0.0])[0] for end in interval]
    expected = ([-2.0] if len(roots) % 2 else []) + sorted(roots)
    expected += [2.0] if len(expected) % 2 else []
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_minima_of_many_functions_at_once() -> None:
    centres = np.array([-0.31, 0.0, 0.77, 5.0])

    def function(x: FloatArray, row: Any) -> FloatArray:
        return np.asarray((x - centres[row]) ** 2 + centres[row])

    samples = (X - centres[:, None]) ** 2 + centres[:, None]
    row, place, value = refine(function, X, samples)
    assert row.tolist() == [0, 1, 2]  # the last falls to the end of the axis
    np.testing.assert_allclose(place, centres[:3], atol=1e-7)
    np.testing.assert_allclose(value, centres[:3], atol=1e-13)
    np.testing.assert_allclose(least_value(function, X, samples), [*centres[:3], 9.0 + 5.0], atol=1e-13)


def test_only_minima_that_may_matter_are_followed() -> None:
    calls: list[int] = []

    def function(x: FloatArray, row: Any) -> FloatArray:
        calls.append(x.size)
        return np.cos(7 * x) + x

    x = np.linspace(-2, 2, 161)
    samples = (np.cos(7 * x) + x)[None]
    _, everywhere, _ = refine(function, x, samples)
    _, low, _ = refine(function, x, samples, -1.5)
    _, high, _ = refine(function, x, samples, np.inf, -1.5)
    assert len(everywhere) == 4
    np.testing.assert_allclose(np.sort([*low, *high]), everywhere, atol=1e-7)
    calls.clear()
    assert refine(function, x, samples, -10.0)[0].size == 0
    assert calls == []


@pytest.mark.parametrize("height", [0.0, 7.0, 1e6])
def test_dips_of_rounding_are_no_minima(height: float) -> None:
    random = np.random.default_rng(1)
    flat = height + 2e-15 * (1 + height) * random.standard_normal((1, 200))
    assert local_minima(flat)[0].size > 10
    assert refine(lambda x, row: height + 0 * x, np.linspace(0, 1, 200), flat)[0].size == 0
    assert least_value(lambda x, row: height + 0 * x, np.linspace(0, 1, 200), flat)[0] == flat.min()


def test_each_of_equal_least_samples_is_a_minimum() -> None:
    """And neither end is one, as it has no neighbour."""
    row, place = local_minima(np.array([[3.0, 1.0, 1.0, 3.0], [0.0, 1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 0.0]]))
    assert row.tolist() == [0, 0]
    assert place.tolist() == [1, 2]


def test_a_parabola_between_samples_is_exact_for_one() -> None:
    centre = np.linspace(-1.9, 1.9, 33)
    np.testing.assert_allclose(parabolic((X - centre[:, None]) ** 2), 0, atol=1e-15)


def test_a_parabola_at_an_edge_or_on_a_flat_is_the_sample() -> None:
    falling = np.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [5.0, 5.0, 5.0]])
    np.testing.assert_array_equal(parabolic(falling), [1.0, 1.0, 5.0])
    np.testing.assert_array_equal(parabolic(falling[:, :2]), [2.0, 1.0, 5.0])  # two points have no parabola
