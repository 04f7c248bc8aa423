"""Allowed regions and ranges of known surfaces, and grids that are too coarse for them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2 as chi2_distribution

from cevnsi.arrays import FloatArray
from cevnsi.config.check import parse_scan
from cevnsi.model import Model
from cevnsi.parameters import Axis
from cevnsi.scans import limits
from cevnsi.scans.axes import Scan
from cevnsi.scans.chunks import as_grid
from cevnsi.scans.limits import best_fits, least_of, scan_ranges
from cevnsi.scans.ranges import AllowedRange
from cevnsi.scans.regions import (
    FEWEST_STEPS,
    FEWEST_STEPS_OF_PIECE,
    Grid,
    coarseness,
    contour_lines,
    contour_table,
    small_pieces,
)
from cevnsi.scans.rows import scan_rows
from cevnsi.statistics.thresholds import threshold

LEVELS = [(0.9, 2), (0.9, 1)]


def paraboloid(x: FloatArray, y: FloatArray, center: tuple[float, float], width: tuple[float, float]) -> FloatArray:
    result: FloatArray = ((x[:, None] - center[0]) / width[0]) ** 2 + ((y[None, :] - center[1]) / width[1]) ** 2
    return result


def linear_grid(
    center: tuple[float, float] = (0.2, -0.3), width: tuple[float, float] = (0.3, 0.2), n: int = 161
) -> Grid:
    x, y = np.linspace(-2, 2, n), np.linspace(-2, 2, n + 40)
    return Grid(
        names=("eps_ee_dV", "eps_ee_uV"), axes=(x, y), log=(False, False), delta_chi2=paraboloid(x, y, center, width)
    )


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
    grid = Grid(
        names=("mediator_mass_mev", "coupling"),
        axes=(10**u, 10**v),
        log=(True, True),
        delta_chi2=paraboloid(u, v, center, width),
    )
    np.testing.assert_allclose(grid.coordinate(0), u, atol=1e-14)
    (line,) = contour_lines(grid, level)
    x, y = np.log10(line[0]), np.log10(line[1])
    found = ((x - center[0]) / width[0]) ** 2 + ((y - center[1]) / width[1]) ** 2
    bound = max((4 / 120 / width[0]) ** 2, (5 / 150 / width[1]) ** 2) / 4  # as above
    assert (found <= level + 1e-11).all()
    assert (found >= level - bound).all()
    assert grid.lowest_point() == pytest.approx((1e2, 10**-3.5), rel=1e-12)


def test_one_log_axis_leaves_the_other_linear() -> None:
    u, y = np.linspace(0, 4, 81), np.linspace(-1, 1, 81)
    grid = Grid(
        names=("a", "b"), axes=(10**u, y), log=(True, False), delta_chi2=paraboloid(u, y, (2.0, 0.0), (0.5, 0.3))
    )
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
    wells = Grid(
        names=("a", "b"), axes=(x, x), log=(False, False), delta_chi2=((x**2 - 1) ** 2)[:, None] + (x**2)[None, :]
    )
    table = contour_table(wells, [(0.1, 2)])  # threshold 0.21: below the saddle at 1
    assert set(table["segment"]) == {0, 1}
    sides = {
        segment: {x > 0 for s, x in zip(table["segment"], table["a"], strict=True) if s == segment}
        for segment in (0, 1)
    }
    assert sides in ({0: {True}, 1: {False}}, {0: {False}, 1: {True}})


# Ranges of surfaces whose least value over any parameter is known: where chi2 is asked for, it is of the surface.

PLANE = ("eps_ee_dV", "eps_ee_uV")
CENTER, WIDTH = (0.2, -0.3), (0.3, 0.2)


def scan_of(
    names: tuple[str, ...] = PLANE,
    reach: tuple[float, float] = (-2.0, 2.0),
    scale: str = "linear",
    levels: tuple[int, ...] = (2, 1),
    points: int = 11,
) -> Scan:
    interaction = "contact" if names[0].startswith("eps_") else "light_mediator"
    axes = tuple(Axis(name=name, minimum=reach[0], maximum=reach[1], points=points, scale=scale) for name in names)
    return Scan(
        name="scan", interaction=interaction, axes=axes, projections=(names,), confidence_levels=(0.9,), n_dof=levels
    )


@pytest.fixture
def surface(monkeypatch: pytest.MonkeyPatch, model: Callable[..., Model]) -> Callable[..., Model]:
    """Makes chi2 2.5 and a sum of terms, one a parameter, each given as a function and where that is least."""

    def use(terms: dict[str, tuple[Callable[[Any], Any], float]]) -> Model:
        def least(
            _: Model, interaction: str, at: dict[str, Any], domain: Any, over: Any = (), *rest: Any
        ) -> FloatArray:
            chi2: Any = 2.5
            for name, (term, center) in terms.items():
                axis = next((axis for axis in over if axis.name == name), None)
                chi2 = chi2 + term(at[name] if axis is None else np.clip(center, axis.minimum, axis.maximum))
            return np.broadcast_to(chi2, np.broadcast_shapes(*map(np.shape, at.values()))).astype(float)

        monkeypatch.setattr(limits, "least_chi2", least)
        return model("paper")

    return use


def parabola(center: float, width: float, log: bool = False) -> tuple[Callable[[Any], Any], float]:
    return (lambda x: (((np.log10(x) if log else x) - center) / width) ** 2), 10**center if log else center


def double_well(depth: float = 1.0) -> tuple[Callable[[Any], Any], float]:
    """Zero at -1 and 1, `depth` between them."""
    return (lambda x: depth * (x**2 - 1) ** 2), 1.0


def gaussian(
    center: tuple[float, float] = CENTER, width: tuple[float, float] = WIDTH, names: tuple[str, ...] = PLANE
) -> dict[str, tuple[Callable[[Any], Any], float]]:
    return {name: parabola(c, w) for name, c, w in zip(names, center, width, strict=True)}


def rows_of(model: Model, scan: Scan, parameter: str, n_dof: int = 2, others: str = "profiled") -> list[AllowedRange]:
    found = scan_ranges(model, scan)
    return [r for r in found if (r.parameter, r.n_dof, r.other_parameters) == (parameter, n_dof, others)]


@pytest.mark.parametrize(("axis", "parameter"), list(enumerate(PLANE)))
@pytest.mark.parametrize("n_dof", [1, 2])
@pytest.mark.parametrize("points", [2, 11, 401])
def test_range_of_a_gaussian(axis: int, parameter: str, n_dof: int, points: int, surface: Callable[..., Model]) -> None:
    (row,) = rows_of(surface(gaussian()), scan_of(points=points), parameter, n_dof)
    half = np.sqrt(threshold(0.9, n_dof)) * WIDTH[axis]
    assert (row.lower, row.upper) == pytest.approx((CENTER[axis] - half, CENTER[axis] + half), abs=1e-12)
    assert (row.scan, row.interval, row.ends_at_grid) == ("scan", 0, "")
    assert (row.confidence_level, row.delta_chi2) == (0.9, threshold(0.9, n_dof))
    assert (row.lower_set_by, row.upper_set_by, row.warning) == ("", "", "")


@pytest.mark.parametrize(("axis", "parameter"), list(enumerate(PLANE)))
def test_other_parameter_at_zero(axis: int, parameter: str, surface: Callable[..., Model]) -> None:
    (row,) = rows_of(surface(gaussian()), scan_of(), parameter, others="zero")
    left = threshold(0.9, 2) - (CENTER[1 - axis] / WIDTH[1 - axis]) ** 2  # what the slice through zero has left
    half = np.sqrt(left) * WIDTH[axis]
    assert (row.lower, row.upper) == pytest.approx((CENTER[axis] - half, CENTER[axis] + half), abs=1e-12)


def test_a_slice_at_zero_that_is_excluded_has_no_interval(surface: Callable[..., Model]) -> None:
    used = surface(gaussian(center=(0.2, -0.9)))  # at eps_ee_uV = 0 the least delta chi2 is 20
    assert rows_of(used, scan_of(), "eps_ee_dV", others="zero") == []
    assert len(rows_of(used, scan_of(), "eps_ee_uV", others="zero")) == 1


MEDIATOR = ("mediator_mass_mev", "coupling")


@pytest.mark.parametrize(
    ("names", "reach"),
    [(MEDIATOR, (-2.0, 2.0)), (PLANE, (0.01, 2.0)), (PLANE, (-2.0, -0.01))],
    ids=["not couplings of zero in the SM", "zero is below the axes", "zero is above the axes"],
)
def test_no_zero_slice(names: tuple[str, ...], reach: tuple[float, float], surface: Callable[..., Model]) -> None:
    rows = scan_ranges(surface(gaussian(names=names)), scan_of(names, reach))
    assert {r.other_parameters for r in rows} == {"profiled"}


@pytest.mark.parametrize(("reach", "points"), [((-1.99, 2.0), 41), ((-1.0, 3.0), 8), ((0.0, 2.0), 5), ((-2.0, 0.0), 5)])
def test_zero_need_be_no_point_of_an_axis(
    reach: tuple[float, float], points: int, surface: Callable[..., Model]
) -> None:
    used = surface(gaussian(center=(0.0, 0.0)))
    (row,) = rows_of(used, scan_of(reach=reach, points=points), "eps_ee_dV", others="zero")
    half = np.sqrt(threshold(0.9, 2)) * WIDTH[0]
    assert (row.lower, row.upper) == pytest.approx((max(-half, reach[0]), min(half, reach[1])), abs=1e-12)


@pytest.mark.parametrize(
    ("center", "ends"), [((0.0, 0.0), ""), ((-1.9, 0.0), "lower"), ((1.9, 0.0), "upper")], ids=["inside", "low", "high"]
)
def test_ends_at_the_grid_are_marked(center: tuple[float, float], ends: str, surface: Callable[..., Model]) -> None:
    (row,) = rows_of(surface(gaussian(center)), scan_of(), "eps_ee_dV")
    assert row.ends_at_grid == ends
    set_by = {"lower": "eps_ee_dV >= -2", "upper": "eps_ee_dV <= 2"}
    assert row.lower_set_by == (set_by["lower"] if ends == "lower" else "")
    assert row.upper_set_by == (set_by["upper"] if ends == "upper" else "")
    assert (row.lower == -2.0) == (ends == "lower")
    assert (row.upper == 2.0) == (ends == "upper")


def test_both_ends_at_the_grid(surface: Callable[..., Model]) -> None:
    (row,) = rows_of(surface(gaussian(width=(50.0, 0.2))), scan_of(), "eps_ee_dV")
    assert (row.lower, row.upper, row.ends_at_grid) == (-2.0, 2.0, "lower+upper")


@pytest.mark.parametrize("points", [2, 11, 301])
def test_ranges_on_a_log_axis_are_in_its_own_units(points: int, surface: Callable[..., Model]) -> None:
    terms = {"mediator_mass_mev": parabola(0.5, 0.4, log=True), "coupling": parabola(0.0, 0.3, log=True)}
    scan = scan_of(MEDIATOR, (1e-3, 1e3), "log", points=points)
    used = surface(terms)
    for name, center, width in (("mediator_mass_mev", 0.5, 0.4), ("coupling", 0.0, 0.3)):
        (row,) = rows_of(used, scan, name, 1)
        half = np.sqrt(threshold(0.9, 1)) * width
        assert (np.log10(row.lower), np.log10(row.upper)) == pytest.approx((center - half, center + half), abs=1e-9)


def test_several_intervals_are_numbered(surface: Callable[..., Model]) -> None:
    used = surface({"eps_ee_dV": double_well(20.0), "eps_ee_uV": parabola(0.0, 1.0)})
    rows = rows_of(used, scan_of(), "eps_ee_dV")
    assert [r.interval for r in rows] == [0, 1]
    inner, outer = (np.sqrt(1 + sign * np.sqrt(threshold(0.9, 2) / 20)) for sign in (-1, 1))
    expected = [(-outer, -inner), (inner, outer)]
    np.testing.assert_allclose([(r.lower, r.upper) for r in rows], expected, atol=1e-12)


def test_each_parameter_has_its_rows_once_from_all_planes_together(surface: Callable[..., Model]) -> None:
    names = ("eps_ee_dV", "eps_ee_uV", "eps_mumu_dV")
    used = surface({name: parabola(c, 0.3) for name, c in zip(names, (0.1, 0.5, 0.9), strict=True)})
    planes = (names[:2], (names[0], names[2]))
    four = replace(scan_of(names, levels=(2,)), name="four", projections=planes)
    rows = scan_ranges(used, four)
    assert [r.parameter for r in rows] == list(names)
    half = 0.3 * np.sqrt(threshold(0.9, 2))
    expected = [(c - half, c + half) for c in (0.1, 0.5, 0.9)]
    np.testing.assert_allclose([(r.lower, r.upper) for r in rows], expected, atol=1e-12)
    assert {r.other_parameters for r in rows} == {"profiled"}  # a projection has no slice at zero
    assert {r.scan for r in rows} == {"four"}
    two = scan_ranges(surface(gaussian()), scan_of())
    assert {r.other_parameters for r in two} == {"profiled", "zero"}


# Whether a grid is fine enough for what is shown of it.


def step_of(grid: Grid, axis: int) -> float:
    return float(np.ptp(grid.coordinate(axis)) / (grid.axes[axis].size - 1))


def grid_with(width: tuple[float, float], *, log: tuple[bool, bool] = (False, False), n: int = 41) -> Grid:
    """An ellipse of delta chi2 1 in the middle of a grid of steps of 0.1, whose half axes are so many steps."""
    x = np.linspace(-2, 2, n)
    step = 4 / (n - 1)
    delta = paraboloid(x, x, (0.0, 0.0), (width[0] * step, width[1] * step))
    axes = [10**x if is_log else x for is_log in log]
    return Grid(names=("a", "b"), axes=(axes[0], axes[1]), log=log, delta_chi2=delta)


@pytest.mark.parametrize("log", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize(
    ("half_axes", "small"),
    [((0.8, 0.8), 1), ((0.8, 5.0), 1), ((5.0, 0.8), 1), ((1.3, 1.3), 0), ((1.3, 5.0), 0), ((5.0, 5.0), 0)],
)
def test_a_piece_under_two_steps_wide_along_either_axis_is_small(
    half_axes: tuple[float, float], small: int, log: tuple[bool, bool]
) -> None:
    assert FEWEST_STEPS_OF_PIECE == 2
    assert small_pieces(grid_with(half_axes, log=log), 1.0) == (small, 1)


def test_every_piece_is_counted() -> None:
    grid = grid_with((5.0, 5.0))
    delta = grid.delta_chi2.copy()
    delta[2, 2] = delta[2, 38] = delta[38, 3] = 0.0  # single points
    delta[18:23, 18:23] += 2 * (np.abs(np.arange(-2, 3))[:, None] + np.abs(np.arange(-2, 3)) < 2)  # a hole
    lone = replace(grid, delta_chi2=delta)
    assert small_pieces(lone, 1.0) == (3, 5)
    assert small_pieces(lone, 1e9) == (0, 0)  # nothing crosses


def a_row(grid: Grid, name: str, lower: float, upper: float, **changes: Any) -> AllowedRange:
    chosen: dict[str, Any] = {
        "confidence_level": 0.9,
        "n_dof": 1,
        "delta_chi2": 1.0,
        "interval": 0,
        "other_parameters": "profiled",
    }
    chosen |= {"ends_at_grid": "", **changes}
    return AllowedRange(scan="s", parameter=name, lower=lower, upper=upper, **chosen)


def test_a_fine_grid_is_not_coarse() -> None:
    grid = grid_with((5.0, 5.0))
    rows = [a_row(grid, name, -0.5, 0.5, other_parameters=others) for name in "ab" for others in ("profiled", "zero")]
    assert coarseness(grid, 0.0, rows) == {}
    assert coarseness(grid, 0.0499, rows) == {}
    assert coarseness(grid, 0.0, []) == {}


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("name", "axis"), [("a", 0), ("b", 1)])
def test_an_interval_of_few_steps_is_told(name: str, axis: int, log: bool) -> None:
    grid = grid_with((5.0, 5.0), log=(log, log))
    half = FEWEST_STEPS / 2 * step_of(grid, axis)
    for factor, told in ((0.99, True), (1.01, False)):
        ends = (-half * factor, half * factor)
        rows = [a_row(grid, name, *(10**end if log else end for end in ends))]
        said = coarseness(grid, 0.0, rows)
        assert list(said) == ([(0.9, 1, name, "profiled")] if told else [])
        assert all(text == "the grid is too coarse: an interval is 3 steps wide" for text in said.values())


def test_the_narrowest_of_several_intervals_counts() -> None:
    grid = grid_with((5.0, 5.0))
    delta = np.minimum(grid.delta_chi2, np.roll(grid.delta_chi2, 14, axis=0))  # a second ellipse at 1.4
    rows = [a_row(grid, "a", -0.5, 0.5), a_row(grid, "a", 1.4, 1.55, interval=1)]
    (said,) = coarseness(replace(grid, delta_chi2=delta), 0.0, rows).values()
    assert said == "the grid is too coarse: an interval is 1.5 steps wide"


@pytest.mark.parametrize("others", ["profiled", "zero"])
def test_a_grid_that_shows_another_number_of_intervals_is_told(others: str) -> None:
    grid = grid_with((5.0, 5.0))
    rows = [a_row(grid, "a", -0.5, 0.0, other_parameters=others)]
    assert coarseness(grid, 0.0, rows) == {}
    rows.append(a_row(grid, "a", 0.1, 0.5, other_parameters=others, interval=1))
    assert coarseness(grid, 0.0, rows) == {
        (0.9, 1, "a", others): "the grid is too coarse: its points alone show 1 intervals"
    }


@pytest.mark.parametrize(("name", "axis"), [("a", 0), ("b", 1)])
def test_the_slice_at_zero_is_the_line_of_points_next_to_it(name: str, axis: int) -> None:
    """A wall along zero leaves two intervals there, whatever there is beside it."""
    grid = grid_with((5.0, 5.0))
    delta = grid.delta_chi2.copy()
    delta[(20, slice(19, 22)) if axis == 1 else (slice(19, 22), 20)] = 10.0
    walled = replace(grid, delta_chi2=delta)
    ends = [(-0.5, -0.2), (0.2, 0.5)]
    rows = [a_row(grid, name, *pair, other_parameters="zero", interval=i) for i, pair in enumerate(ends)]
    assert "points alone" not in "".join(coarseness(walled, 0.0, rows).values())
    whole = [a_row(grid, name, -0.5, 0.5)]
    assert "points alone" not in "".join(coarseness(walled, 0.0, whole).values())
    swapped = [replace(row, other_parameters="profiled") for row in rows]
    (said,) = coarseness(walled, 0.0, swapped).values()
    assert "its points alone show 1 intervals" in said


def test_a_least_chi2_that_no_point_has_is_told() -> None:
    grid = grid_with((5.0, 5.0))
    rows = [a_row(grid, name, -0.5, 0.5) for name in "ab"]
    said = coarseness(grid, 0.0501, rows)
    assert said == {
        (0.9, 1, name, "profiled"): "the grid is too coarse: its least chi2 is 0.05 above the best fit's"
        for name in "ab"
    }


def test_each_level_is_judged_by_itself() -> None:
    """A contour of small pieces at one level leaves the others' rows alone."""
    grid = grid_with((5.0, 5.0))
    rows = [a_row(grid, "a", -0.5, 0.5), a_row(grid, "a", -0.2, 0.2, confidence_level=0.5, delta_chi2=0.02)]
    (key,) = coarseness(grid, 0.0, rows)
    assert key == (0.5, 1, "a", "profiled")
    assert coarseness(grid, 0.0, rows)[key] == (
        "the grid is too coarse: 1 of 1 pieces of the contour are under 2 steps wide"
    )


@pytest.mark.slow
@pytest.mark.parametrize("analysis", ["paper", "release"])
def test_the_published_grids_are_fine_enough(
    analysis: str, config: dict[str, Any], model: Callable[..., Model]
) -> None:
    for name in config["analyses"][analysis]["scans"]:
        scan = parse_scan(name, config["scans"][name])
        assert said_of(model(analysis), scan) == {}, name


def said_of(model: Model, scan: Scan) -> dict[tuple[float, int, str, str], str]:
    """What `coarseness` says of a scan's own grid, as the workflow asks it."""
    chi2 = scan_rows(model, scan, 0, scan.shape[0])
    excess = float(chi2.min()) - least_of(model, scan)
    return coarseness(as_grid(scan, scan.name, chi2 - chi2.min()), excess, scan_ranges(model, scan))


@pytest.mark.slow
@pytest.mark.parametrize("analysis", ["paper", "release"])
def test_a_strip_that_falls_between_masses_is_told(
    analysis: str, config: dict[str, Any], model: Callable[..., Model]
) -> None:
    """With 41 masses the strip, along which one allowed coupling follows another, comes apart into beads."""
    scan = parse_scan("light_mediator", config["scans"]["light_mediator"])
    mass, coupling = scan.axes
    said = said_of(model(analysis), replace(scan, axes=(replace(mass, points=41), coupling)))
    assert set(said) == {(0.9545, n_dof, name, "profiled") for n_dof in (1, 2) for name in MEDIATOR}
    for key, text in said.items():
        pieces = "22 of 23" if key[1] == 1 else "1 of 3"
        assert f"{pieces} pieces of the contour are under 2 steps wide" in text


def test_a_best_fit_says_what_its_grid_misses(config: dict[str, Any], model: Callable[..., Model]) -> None:
    """The excess that `coarseness` is told is over the best fit between the points, and never negative."""
    for name in ("ee_d_u", "mumu_d_u", "ee_mumu_d"):
        scan = parse_scan(name, config["scans"][name])
        for points in (5, 41):
            coarse = replace(scan, axes=tuple(replace(axis, points=points) for axis in scan.axes))
            least = scan_rows(model("paper"), coarse, 0, points).min()
            excesses = [least - fit.chi2 for fit in best_fits(model("paper"), coarse)]
            assert min(excesses) >= -1e-12
            assert np.ptp(excesses) < 1e-9


def test_the_points_of_a_log_axis_are_exact_also_next_to_its_ends() -> None:
    """A line along an end of the grid is interpolated, and may lie beyond it by rounding."""
    axis = np.geomspace(3e-6, 0.7, 31)
    grid = Grid(names=("coupling", "eps_ee_dV"), axes=(axis, axis), log=(True, False), delta_chi2=np.zeros((31, 31)))
    points = grid.coordinate(0)
    np.testing.assert_array_equal(grid.unscaled(0, points), axis)
    beyond = np.array([np.nextafter(points[0], -np.inf), np.nextafter(points[-1], np.inf)])
    np.testing.assert_array_equal(grid.unscaled(0, beyond), axis[[0, -1]])
    np.testing.assert_array_equal(grid.unscaled(1, beyond), beyond)
