"""Values between the points of a coarse grid, with the errors of both the points and the interpolation."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cevnsi.arrays import FloatArray
from cevnsi.statistics.interpolation import JUMP_OF_ERRORS, LEAST_JUMP, Between, interpolated, jumps, missed

COARSE = (np.linspace(-1.0, 1.0, 5), np.linspace(0.0, 3.0, 4))
FINE = (np.linspace(-1.0, 1.0, 33), np.linspace(0.0, 3.0, 25))
SMALL = st.floats(-3, 3)


def plane(axes: tuple[FloatArray, ...], constant: float, *slopes: float) -> FloatArray:
    """constant + slopes . coordinates on a product of axes."""
    grids = np.meshgrid(*axes, indexing="ij")
    return constant + sum((slope * x for slope, x in zip(slopes, grids, strict=True)), np.zeros_like(grids[0]))


@given(constant=SMALL, slopes=st.tuples(SMALL, SMALL))
def test_a_plane_is_what_it_was(constant: float, slopes: tuple[float, float]) -> None:
    """With errors so large that no step of it is a jump."""
    between, errors = Between(COARSE, FINE), np.full((5, 4), 1.0)
    found, error = interpolated(between, plane(COARSE, constant, *slopes), errors)
    np.testing.assert_allclose(found, plane(FINE, constant, *slopes), rtol=0, atol=1e-13)
    assert (error <= 1 + 1e-12).all()
    assert error.min() == pytest.approx(0.5)  # of four, at the middle of a cell


@given(constant=SMALL, slope=SMALL)
def test_a_line_is_what_it_was(constant: float, slope: float) -> None:
    between, errors = Between(COARSE[:1], FINE[:1]), np.full(5, 1.0)
    found, error = interpolated(between, plane(COARSE[:1], constant, slope), errors)
    np.testing.assert_allclose(found, plane(FINE[:1], constant, slope), rtol=0, atol=1e-13)
    assert error.min() == pytest.approx(np.sqrt(0.5))


def test_at_the_points_are_their_values_and_errors() -> None:
    rng = np.random.default_rng(1)
    values, errors = rng.normal(4, 0.1, (5, 4)), rng.uniform(0.2, 0.3, (5, 4))
    found, error = interpolated(Between(COARSE, COARSE), values, errors)
    np.testing.assert_array_equal(found, values)
    np.testing.assert_array_equal(error, errors)


@pytest.mark.parametrize("parts", [1, 2, 5, 33])
def test_parts_of_a_grid_are_those_of_the_whole_bit_for_bit(parts: int) -> None:
    rng = np.random.default_rng(2)
    values, errors = rng.normal(4, 1, (5, 4)), np.full((5, 4), 0.1)
    whole = interpolated(Between(COARSE, FINE), values, errors)
    pieces = [interpolated(Between(COARSE, (x, FINE[1])), values, errors) for x in np.array_split(FINE[0], parts)]
    for i in (0, 1):
        np.testing.assert_array_equal(np.concatenate([piece[i] for piece in pieces]), whole[i])


def test_what_is_read_off_neighbours_says_how_far_interpolation_misses() -> None:
    """Of a parabola a step wide by its second difference over two, four times what it misses the middle by."""
    x = np.linspace(-1, 1, 5)
    np.testing.assert_allclose(missed((x,), x**2 / 2, np.zeros(5)), 0.125)
    middles = (x[1:] + x[:-1]) / 2
    found, error = interpolated(Between((x,), (middles,)), x**2 / 2, np.zeros(5))
    np.testing.assert_allclose(found - middles**2 / 2, 0.125 / 4)
    np.testing.assert_allclose(error, 0.125)


@given(kink=st.floats(-0.75, 0.75))
def test_a_kink_is_missed_by_no_more_than_is_said(kink: float) -> None:
    """But in the first and the last cell, in which the neighbour of one end is not there to say it."""
    x, fine = np.linspace(-1, 1, 9), np.linspace(-1, 1, 201)
    found, error = interpolated(Between((x,), (fine,)), np.abs(x - kink), np.zeros(9))
    assert (np.abs(found - np.abs(fine - kink)) <= error + 1e-12).all()


def test_both_axes_are_seen() -> None:
    x, y = COARSE
    values = np.square(x)[:, None] / 2 + np.square(y)[None] / 10
    np.testing.assert_allclose(missed(COARSE, values, np.zeros((5, 4))), np.hypot(0.125, 0.1))


def test_noise_is_not_taken_for_a_miss() -> None:
    rng = np.random.default_rng(3)
    errors = np.full(2001, 0.1)
    found = missed((np.arange(2001.0),), rng.normal(0, 0.1, 2001), errors)
    assert 0.01 < np.count_nonzero(found) / 2001 < 0.09  # two standard deviations: 4.6 %
    assert found[found > 0].min() > 0.1


def test_two_points_say_nothing_of_interpolation() -> None:
    found, error = interpolated(Between((np.array([0.0, 1.0]),), (np.array([0.5]),)), np.array([1.0, 1.2]), np.ones(2))
    assert [found.item(), error.item()] == pytest.approx([1.1, np.sqrt(0.5)])


def test_a_point_alone_is_the_same_everywhere() -> None:
    found, error = interpolated(Between((np.array([0.3]),), (np.array([-1.0, 5.0]),)), np.array([2.0]), np.array([0.1]))
    assert (found.tolist(), error.tolist()) == ([2.0, 2.0], [0.1, 0.1])


def test_beyond_the_ends_is_what_the_ends_have() -> None:
    found, _ = interpolated(
        Between(COARSE[:1], (np.array([-9.0, 9.0]),)), np.array([1, 1.1, 1.2, 1.3, 1.4]), np.ones(5)
    )
    assert found.tolist() == [1.0, 1.4]


@pytest.mark.parametrize(
    ("step", "error", "is_one"),
    [(1.0, 0.1, True), (0.4, 0.01, False), (1.0, 0.2, False), (-1.0, 0.1, True), (LEAST_JUMP, 0.0, False)],
)
def test_a_jump_is_large_both_in_errors_and_in_itself(step: float, error: float, is_one: bool) -> None:
    values, errors = np.array([2.0, 2.0 + step]), np.full(2, error)
    assert jumps(values, errors, 0).tolist() == [is_one]
    assert is_one == (abs(step) > max(JUMP_OF_ERRORS * np.sqrt(2) * error, LEAST_JUMP))


def test_nothing_is_interpolated_across_a_jump() -> None:
    x = np.arange(6.0)
    values, errors = np.array([2.7, 2.7, 2.7, 4.6, 4.6, 4.6]), np.full(6, 0.05)
    fine = np.array([1.5, 2.0, 2.2, 2.4, 2.6, 2.9, 3.0, 3.5])
    found, error = interpolated(Between((x,), (fine,)), values, errors)
    np.testing.assert_allclose(found, [2.7, 2.7, 2.7, 2.7, 4.6, 4.6, 4.6, 4.6])
    inside = np.hypot(0.05, 1.9)
    away = 0.05 * np.sqrt(0.5)  # the jump is no error of the cells beside it
    np.testing.assert_allclose(error, [away, 0.05, inside, inside, inside, inside, 0.05, away])


def test_a_cell_with_one_corner_that_jumps_is_not_interpolated() -> None:
    values, errors = np.full((3, 3), 2.7), np.full((3, 3), 0.05)
    values[2, 2] = 4.6
    axes = (np.arange(3.0), np.arange(3.0))
    fine = np.linspace(0, 2, 41)
    found, error = interpolated(Between(axes, (fine, fine)), values, errors)
    cell = (fine[:, None] > 1) & (fine[None] > 1)
    corner = (fine[:, None] >= 1.5) & (fine[None] >= 1.5)
    np.testing.assert_allclose(found, np.where(corner, 4.6, 2.7))
    inside = cell & (fine[:, None] < 2) & (fine[None] < 2)
    assert (error[inside] > 1.9).all()
    assert (error[~cell] <= 0.05 + 1e-12).all()
    assert error[-1, -1] == 0.05


def test_the_order_of_axes_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    for values in (rng.normal(4, 0.1, (5, 4)), rng.normal(4, 2, (5, 4))):
        errors = rng.uniform(0.05, 0.1, (5, 4))
        there = interpolated(Between(COARSE, FINE), values, errors)
        turned = interpolated(Between(COARSE[::-1], FINE[::-1]), values.T, errors.T)
        for one, other in zip(there, turned, strict=True):
            np.testing.assert_allclose(one, other.T, rtol=1e-12)


def test_the_least_of_the_points_about_a_place() -> None:
    values = np.arange(20.0).reshape(5, 4)
    found = Between(COARSE, FINE).least(values)
    for i, j in product((0, 4, 5, 31, 32), (0, 1, 8, 24)):
        first, second = FINE[0][i], FINE[1][j]
        near = (np.abs(COARSE[0] - first) < 0.5)[:, None] & (np.abs(COARSE[1] - second) < 1)
        assert found[i, j] == values[near].min()
