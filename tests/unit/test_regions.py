"""Allowed regions and ranges of known surfaces."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2 as chi2_distribution

from cevnsi.regions import (
    Grid,
    allowed_intervals,
    allowed_ranges,
    contour_lines,
    contour_table,
    profile_onto,
    scan_ranges,
    threshold,
)

FloatArray = NDArray[np.float64]
LEVELS = [(0.9, 2), (0.9, 1)]


def paraboloid(x: FloatArray, y: FloatArray, center: tuple[float, float], width: tuple[float, float]) -> FloatArray:
    result: FloatArray = ((x[:, None] - center[0]) / width[0]) ** 2 + ((y[None, :] - center[1]) / width[1]) ** 2
    return result


def linear_grid(
    center: tuple[float, float] = (0.2, -0.3), width: tuple[float, float] = (0.3, 0.2), n: int = 161
) -> Grid:
    x, y = np.linspace(-2, 2, n), np.linspace(-2, 2, n + 40)
    return Grid(("eps_ee_dV", "eps_ee_uV"), (x, y), (False, False), paraboloid(x, y, center, width))


@pytest.mark.parametrize("n_dof", [1, 2, 3, 7])
@pytest.mark.parametrize("confidence_level", [0.5, 0.68, 0.9, 0.9545, 0.999])
def test_threshold_is_the_quantile_of_chi2(confidence_level: float, n_dof: int) -> None:
    expected = chi2_distribution.ppf(confidence_level, n_dof)
    assert threshold(confidence_level, n_dof) == pytest.approx(expected, rel=1e-10)


def test_two_sigma_of_two_parameters() -> None:
    assert threshold(0.9545, 2) == pytest.approx(6.18, abs=5e-3)
    assert threshold(0.9, 2) == pytest.approx(-2 * np.log(0.1), rel=1e-13)  # exponential for two


@pytest.mark.parametrize("n_dof", [1, 2, 3])
@pytest.mark.parametrize("level", [90, 1, 0, -0.5, np.nan, np.inf, 1.0])
def test_a_threshold_is_of_a_probability(level: float, n_dof: int) -> None:
    with pytest.raises(ValueError, match=rf"confidence level: {level!r}; expected a probability between 0 and 1"):
        threshold(level, n_dof)


@pytest.mark.parametrize("n_dof", [0, -1, 1.5, 0.5, np.nan, np.inf, -np.inf, False])
def test_a_threshold_is_for_some_degrees_of_freedom(n_dof: Any) -> None:
    with pytest.raises(ValueError, match=rf"n_dof: {n_dof!r}; expected a whole number, 1 or more"):
        threshold(0.9, n_dof)


@pytest.mark.parametrize("n_dof", [1, 2, 3])
def test_a_whole_number_may_be_a_float(n_dof: int) -> None:
    for same in (float(n_dof), np.int64(n_dof), np.float64(n_dof)):
        assert threshold(0.9, same) == threshold(0.9, n_dof)  # type: ignore[arg-type]


def test_contour_of_a_paraboloid_is_an_ellipse() -> None:
    center, width, level = (0.2, -0.3), (0.3, 0.2), 4.61
    lines = contour_lines(linear_grid(center, width), level)
    assert len(lines) == 1
    x, y = lines[0]
    assert (x[0], y[0]) == (x[-1], y[-1])  # closed
    found = ((x - center[0]) / width[0]) ** 2 + ((y - center[1]) / width[1]) ** 2
    # a straight line between grid points misses a parabola by at most h^2 / 4 w^2, and lies below it
    steps = (4 / 160, 4 / 200)
    bound = max((h / w) ** 2 / 4 for h, w in zip(steps, width, strict=True))
    assert (found <= level + 1e-12).all()
    assert (found >= level - bound - 1e-12).all()
    area = abs(np.sum(x[1:] * y[:-1] - x[:-1] * y[1:])) / 2
    exact = np.pi * level * width[0] * width[1]
    assert area == pytest.approx(exact, rel=bound / level + 2e-3)  # less by the level's error and by the chords


def test_contour_on_log_axes_is_an_ellipse_in_log10() -> None:
    u, v = np.linspace(0, 4, 121), np.linspace(-6, -1, 151)
    center, width, level = (2.0, -3.5), (0.4, 0.5), 6.18
    grid = Grid(("mediator_mass_mev", "coupling"), (10**u, 10**v), (True, True), paraboloid(u, v, center, width))
    np.testing.assert_allclose(grid.coordinate(0), u, atol=1e-14)
    (line,) = contour_lines(grid, level)
    x, y = np.log10(line[0]), np.log10(line[1])
    found = ((x - center[0]) / width[0]) ** 2 + ((y - center[1]) / width[1]) ** 2
    bound = max((4 / 120 / width[0]) ** 2, (5 / 150 / width[1]) ** 2) / 4  # as above
    assert (found <= level + 1e-11).all()
    assert (found >= level - bound).all()
    assert grid.best_fit() == pytest.approx((1e2, 10**-3.5), rel=1e-12)


def test_one_log_axis_leaves_the_other_linear() -> None:
    u, y = np.linspace(0, 4, 81), np.linspace(-1, 1, 81)
    grid = Grid(("a", "b"), (10**u, y), (True, False), paraboloid(u, y, (2.0, 0.0), (0.5, 0.3)))
    (line,) = contour_lines(grid, 1.0)
    assert line[0].min() == pytest.approx(10**1.5, rel=5e-3)  # the level's error, 0.0025, in decades
    assert line[1].min() == pytest.approx(-0.3, rel=5e-3)


def test_no_line_where_nothing_crosses() -> None:
    assert contour_lines(linear_grid(), 1e9) == []


def test_contour_table_has_a_row_per_point() -> None:
    grid = linear_grid()
    table = contour_table(grid, LEVELS)
    assert list(table) == ["confidence_level", "n_dof", "segment", "eps_ee_dV", "eps_ee_uV"]
    assert len({len(column) for column in table.values()}) == 1
    for confidence_level, n_dof in LEVELS:
        rows = [i for i, n in enumerate(table["n_dof"]) if n == n_dof]
        assert {table["confidence_level"][i] for i in rows} == {confidence_level}
        (line,) = contour_lines(grid, threshold(confidence_level, n_dof))
        np.testing.assert_array_equal([table["eps_ee_dV"][i] for i in rows], line[0])
        np.testing.assert_array_equal([table["eps_ee_uV"][i] for i in rows], line[1])


def test_segments_are_numbered() -> None:
    x = np.linspace(-2, 2, 81)
    wells = Grid(("a", "b"), (x, x), (False, False), ((x**2 - 1) ** 2)[:, None] + (x**2)[None, :])
    table = contour_table(wells, [(0.1, 2)])  # threshold 0.21: below the saddle at 1
    assert set(table["segment"]) == {0, 1}
    sides = {
        segment: {x > 0 for s, x in zip(table["segment"], table["a"], strict=True) if s == segment}
        for segment in (0, 1)
    }
    assert sides in ({0: {True}, 1: {False}}, {0: {False}, 1: {True}})


@pytest.mark.parametrize("axis", [0, 1])
def test_profile_finds_the_floor_of_a_valley_between_grid_points(axis: int) -> None:
    x, y = np.linspace(-1, 1, 21), np.linspace(-1, 1, 33)
    tilted = (x[:, None] - 0.3) ** 2 + (y[None, :] - 0.37 * x[:, None]) ** 2 * 5
    if axis == 1:
        tilted = (y[None, :] - 0.3) ** 2 + (x[:, None] - 0.37 * y[None, :]) ** 2 * 5
    kept = (x, y)[axis]
    np.testing.assert_allclose(profile_onto(tilted, axis), (kept - 0.3) ** 2, atol=1e-14)  # exact for a parabola


def test_profile_at_an_edge_or_on_a_flat_is_the_grid_point() -> None:
    falling = np.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [5.0, 5.0, 5.0]])
    np.testing.assert_array_equal(profile_onto(falling, 0), [1.0, 1.0, 5.0])
    np.testing.assert_array_equal(profile_onto(falling[:, :2], 0), [2.0, 1.0, 5.0])  # two points have no parabola
    bent = np.array([[1.0, 2.0, 4.0], [4.0, 2.0, 1.0]])  # the parabola's lowest point lies beyond the axis
    np.testing.assert_array_equal(profile_onto(bent, 0), [1.0, 1.0])


def test_double_well_has_two_intervals() -> None:
    x = np.linspace(-2, 2, 401)
    (a, b), (c, d) = allowed_intervals(x, (x**2 - 1) ** 2, 0.5)
    inner, outer = np.sqrt(1 - np.sqrt(0.5)), np.sqrt(1 + np.sqrt(0.5))
    # a monotone cubic is good to h^3 of the third derivative where it is monotone: 1e-6 * 40
    np.testing.assert_allclose([a, b, c, d], [-outer, -inner, inner, outer], atol=5e-5)


def test_a_barrier_that_only_touches_the_level_does_not_split() -> None:
    x = np.linspace(-2, 2, 401)  # 0 is a grid point, where the barrier is 1
    ((low, high),) = allowed_intervals(x, (x**2 - 1) ** 2, 1.0)
    assert (low, high) == pytest.approx((-np.sqrt(2), np.sqrt(2)), abs=5e-5)
    assert len(allowed_intervals(x, (x**2 - 1) ** 2, 1.0 - 1e-6)) == 2


def test_a_well_that_only_touches_the_level_is_not_allowed() -> None:
    x = np.linspace(-2, 2, 401)
    assert allowed_intervals(x, x**2 + 1.0, 1.0) == []


def test_a_floor_at_the_level_is_not_below_it() -> None:
    assert allowed_intervals(np.arange(4.0), np.array([2.0, 1.0, 1.0, 2.0]), 1.0) == []


def test_all_and_none_allowed() -> None:
    x = np.linspace(-2, 2, 41)
    assert allowed_intervals(x, x**2, 5.0) == [(-2.0, 2.0)]
    assert allowed_intervals(x, x**2 + 6.0, 5.0) == []


def test_an_interval_may_end_at_the_axis() -> None:
    x = np.linspace(0, 2, 201)
    ((low, high),) = allowed_intervals(x, x**2, 1.0)
    assert low == 0.0
    assert high == pytest.approx(1.0, abs=1e-6)  # a monotone cubic through a parabola


def rows_of(grid: Grid, parameter: str, n_dof: int, others: str = "profiled") -> list[Any]:
    found = allowed_ranges("scan", grid, LEVELS)
    return [r for r in found if (r.parameter, r.n_dof, r.other_parameters) == (parameter, n_dof, others)]


@pytest.mark.parametrize(("axis", "parameter"), [(0, "eps_ee_dV"), (1, "eps_ee_uV")])
@pytest.mark.parametrize("n_dof", [1, 2])
def test_range_of_a_gaussian(axis: int, parameter: str, n_dof: int) -> None:
    center, width = (0.2, -0.3), (0.3, 0.2)
    (row,) = rows_of(linear_grid(center, width), parameter, n_dof)
    half = np.sqrt(threshold(0.9, n_dof)) * width[axis]
    # the monotone cubic's slopes are harmonic means, off by h^2 / 8 of the true slope's change: below 1e-4 here
    assert (row.lower, row.upper) == pytest.approx((center[axis] - half, center[axis] + half), abs=1e-4)
    assert (row.scan, row.interval, row.ends_at_grid) == ("scan", 0, "")
    assert (row.confidence_level, row.delta_chi2) == (0.9, threshold(0.9, n_dof))


def test_other_parameter_at_zero() -> None:
    center, width = (0.2, -0.3), (0.3, 0.2)
    (row,) = rows_of(linear_grid(center, width), "eps_ee_dV", 2, "zero")
    left = threshold(0.9, 2) - (center[1] / width[1]) ** 2  # what the slice at eps_ee_uV = 0 has left
    half = np.sqrt(left) * width[0]
    assert (row.lower, row.upper) == pytest.approx((center[0] - half, center[0] + half), abs=2e-4)


@pytest.mark.parametrize(
    ("names", "start"),
    [(("mediator_mass_mev", "coupling"), -2.0), (("eps_ee_dV", "eps_ee_uV"), -1.99)],
    ids=["not couplings of zero in the SM", "zero is no grid point"],
)
def test_no_zero_slice(names: tuple[str, str], start: float) -> None:
    x = np.linspace(start, 2, 41)
    grid = Grid(names, (x, x), (False, False), paraboloid(x, x, (0.2, 0.3), (0.3, 0.3)))
    assert {r.other_parameters for r in allowed_ranges("scan", grid, LEVELS)} == {"profiled"}


@pytest.mark.parametrize(
    ("center", "ends"), [((0.0, 0.0), ""), ((-1.9, 0.0), "lower"), ((1.9, 0.0), "upper")], ids=["inside", "low", "high"]
)
def test_ends_at_the_grid_are_marked(center: tuple[float, float], ends: str) -> None:
    (row,) = rows_of(linear_grid(center), "eps_ee_dV", 2)
    assert row.ends_at_grid == ends
    if ends == "lower":
        assert row.lower == -2.0


def test_both_ends_at_the_grid() -> None:
    (row,) = rows_of(linear_grid(width=(50.0, 0.2)), "eps_ee_dV", 2)
    assert (row.lower, row.upper, row.ends_at_grid) == (-2.0, 2.0, "lower+upper")


def test_ranges_on_a_log_axis_are_in_its_own_units() -> None:
    u = np.linspace(-3, 3, 301)
    grid = Grid(("a", "b"), (10**u, 10**u), (True, True), paraboloid(u, u, (0.5, 0.0), (0.4, 0.3)))
    (row,) = rows_of(grid, "a", 1)
    half = np.sqrt(threshold(0.9, 1)) * 0.4
    assert (np.log10(row.lower), np.log10(row.upper)) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-4)


def test_several_intervals_are_numbered() -> None:
    x = np.linspace(-2, 2, 201)
    grid = Grid(("a", "b"), (x, x), (False, False), 20 * ((x**2 - 1) ** 2)[:, None] + (x**2)[None, :])
    rows = rows_of(grid, "a", 2)
    assert [r.interval for r in rows] == [0, 1]
    assert rows[0].upper < 0 < rows[1].lower


def test_each_parameter_comes_from_its_first_grid() -> None:
    x = np.linspace(-2, 2, 81)

    def pair(first: str, second: str, center: float) -> Grid:
        return Grid((first, second), (x, x), (False, False), paraboloid(x, x, (center, center), (0.3, 0.3)))

    grids = [pair("eps_ee_dV", "eps_ee_uV", 0.1), pair("eps_ee_dV", "eps_mumu_dV", 0.9)]
    rows = scan_ranges("four", grids, [(0.9, 2)], whole=False)
    assert [r.parameter for r in rows] == ["eps_ee_dV", "eps_ee_uV", "eps_mumu_dV"]
    assert (rows[0].lower + rows[0].upper) / 2 == pytest.approx(0.1, abs=1e-4)  # as for the range of a Gaussian
    assert (rows[2].lower + rows[2].upper) / 2 == pytest.approx(0.9, abs=1e-4)
    assert {r.other_parameters for r in rows} == {"profiled"}  # a projection has no slice at zero
    assert {r.other_parameters for r in scan_ranges("two", grids[:1], [(0.9, 2)], whole=True)} == {"profiled", "zero"}
