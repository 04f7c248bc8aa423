"""Critical values of coarse points put together, interpolated, and used for contours, ranges and extents."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from cevnsi.arrays import FloatArray
from cevnsi.files.atomic import TableError
from cevnsi.files.tables import COVERED_RANGES
from cevnsi.model import Model
from cevnsi.parameters import Axis
from cevnsi.scans.axes import Coverage, Scan
from cevnsi.scans.chunks import as_grid, outer_columns
from cevnsi.scans.coverage import (
    CriticalLine,
    coarse_axes,
    coverage_of,
    coverage_text,
    covered_columns,
    covered_note,
    critical_column,
    critical_columns,
    critical_line_of,
    error_column,
    extents,
    has_lines,
    how_found,
    join_points,
    line_note,
    line_ranges,
)
from cevnsi.scans.critical import critical_points
from cevnsi.scans.limits import curve_ranges, curves, curves_by_grid, each_once, reference_of, scan_ranges
from cevnsi.scans.ranges import CoveredRange
from cevnsi.scans.regions import Grid, contour_lines, contour_table, over
from cevnsi.scans.rows import scan_rows
from cevnsi.statistics.thresholds import threshold

NAMES = ("eps_ee_dV", "eps_mumu_dV")
CRITICAL, ERROR = critical_column(0.9), error_column(0.9)


def plane(chunks: int = 1, **changes: Any) -> Scan:
    """Two contact couplings on 21 x 17 points, critical values at 5 x 3 of them."""
    axes = tuple(Axis(name=name, minimum=-1.0, maximum=1.0, points=n) for name, n in zip(NAMES, (21, 17), strict=True))
    scan = Scan(
        name="s",
        interaction="contact",
        axes=axes,
        projections=(NAMES,),
        confidence_levels=(0.9,),
        n_dof=(2, 1),
        chunks=chunks,
        coverage=Coverage(toys=500, points=dict(zip(NAMES, (5, 3), strict=True)), seed=1),
    )
    return replace(scan, **changes)


def masses() -> Scan:
    """One logarithmic axis of 31 points, critical values at 4 of them."""
    axis = Axis(name="coupling", minimum=1e-6, maximum=1e-3, points=31, scale="log")
    covered = Coverage(toys=500, points={"coupling": 4}, seed=1)
    return plane(interaction="light_mediator", axes=(axis,), projections=(("coupling",),), coverage=covered)


def parts_of(model: Model, scan: Scan) -> dict[str, dict[str, FloatArray]]:
    """What every chunk of the only grid has, by a path."""
    return {f"{k}.parquet": critical_points(model, scan, "s", k) for k in range(1, scan.chunks + 1)}


def sloped(scan: Scan, slopes: tuple[float, ...]) -> dict[str, FloatArray]:
    """Critical values at the coarse points of a grid that are a plane in its coordinates, with large errors."""
    columns = outer_columns([axis.coordinates() for axis in coarse_axes(scan, "s")])
    values = 4.0 + sum((slope * x for slope, x in zip(slopes, columns, strict=True)), np.zeros(columns[0].size))
    return {CRITICAL: values, ERROR: np.full(values.size, 0.4), "effective_toys": np.full(values.size, 300.0)}


def test_columns_are_named_by_level() -> None:
    assert critical_columns(plane(confidence_levels=(0.9, 0.9545))) == [
        "critical_delta_chi2_0.9",
        "critical_delta_chi2_error_0.9",
        "critical_delta_chi2_0.9545",
        "critical_delta_chi2_error_0.9545",
        "effective_toys",
    ]


def test_how_critical_values_were_found_is_said() -> None:
    assert coverage_text(how_found(plane(), "s")) == "Feldman-Cousins: 500 toys at each of 5 × 3 points"
    assert coverage_text(how_found(masses(), "s")) == "Feldman-Cousins: 500 toys at each of 4 points"
    with pytest.raises(ValueError, match="scan s has no coverage; expected one"):
        coverage_of(plane(coverage=None))


def test_lines_are_for_ranges_of_one_parameter() -> None:
    assert has_lines(plane())
    assert not has_lines(plane(ranges=False))
    assert not has_lines(plane(n_dof=(2,)))


@pytest.mark.parametrize("chunks", [1, 2, 7, 15, 20])
def test_points_are_the_same_from_any_chunks(chunks: int, model: Callable[..., Model]) -> None:
    """Also from more chunks than there are points, of which some are then empty."""
    whole = join_points(plane(), "s", parts_of(model("paper"), plane()))
    scan = plane(chunks)
    parts = parts_of(model("paper"), scan)
    joined = join_points(scan, "s", dict(reversed(parts.items())))
    for name, values in whole.items():
        np.testing.assert_array_equal(joined[name], values)
    assert list(joined) == critical_columns(scan)
    assert joined[CRITICAL].size == 15


def put(name: str, row: int, value: float) -> Callable[[dict[str, FloatArray]], None]:
    def change(columns: dict[str, FloatArray]) -> None:
        columns[name] = columns[name].copy()
        columns[name][row] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("place", 1, 0.0), "2.parquet: row 1: eps_ee_dV is 0.0, expected -1.0"),
        (put("place", 1, 15.0), "2.parquet: place 15; expected 0 to 14"),
        (put("place", 1, -1.0), "2.parquet: place -1; expected 0 to 14"),
        (put("place", 1, np.nan), "2.parquet: place nan; expected 0 to 14"),
        (put("eps_ee_dV", 2, 0.3), "2.parquet: row 2: eps_ee_dV is 0.3, expected"),
        (put(CRITICAL, 0, np.nan), "2.parquet: row 0: critical_delta_chi2_0.9 is nan"),
        (put(CRITICAL, 0, -1.0), "2.parquet: row 0: critical_delta_chi2_0.9 is -1.0"),
        (put(ERROR, 3, np.inf), "2.parquet: row 3: critical_delta_chi2_error_0.9 is inf"),
        (put("effective_toys", 3, 0.5), "2.parquet: row 3: effective_toys is 0.5"),
    ],
)
def test_a_bad_chunk_is_named(
    change: Callable[[dict[str, FloatArray]], None], said: str, model: Callable[..., Model]
) -> None:
    parts = parts_of(model("paper"), plane(2))
    change(parts["2.parquet"])
    with pytest.raises(TableError) as caught:
        join_points(plane(2), "s", parts)
    assert said in str(caught.value)
    assert "rm -f 2.parquet" in str(caught.value)


def test_points_that_are_missing_or_twice_are_named(model: Callable[..., Model]) -> None:
    parts = parts_of(model("paper"), plane(2))
    with pytest.raises(TableError, match=r"1.parquet: place 7 of 15 is in no chunk"):
        join_points(plane(2), "s", {"1.parquet": parts["1.parquet"]})
    with pytest.raises(TableError, match=r"again.parquet: place 0 is there twice"):
        join_points(plane(2), "s", {**parts, "again.parquet": parts["1.parquet"]})


def test_a_grid_has_the_plane_of_its_coarse_points() -> None:
    scan = plane()
    found = covered_columns(scan, "s", sloped(scan, (0.5, -0.25)))
    x, y = outer_columns([axis.values() for axis in scan.axes])
    np.testing.assert_allclose(found[CRITICAL], 4 + 0.5 * x - 0.25 * y, rtol=1e-13)
    assert set(found["effective_toys"]) == {300.0}
    assert list(found) == critical_columns(scan)


def test_a_log_axis_is_interpolated_in_its_logarithm() -> None:
    scan = masses()
    found = covered_columns(scan, "s", sloped(scan, (0.3,)))
    np.testing.assert_allclose(found[CRITICAL], 4 + 0.3 * np.log10(scan.axes[0].values()), rtol=1e-12)


def test_a_chunk_of_other_toys_has_another_note() -> None:
    section = {"chunks": 2, "coverage": {"toys": 500}}
    notes = [covered_note(plane(2), "s", 1, {}, {**section, "coverage": {"toys": n}}, []) for n in (500, 501)]
    assert notes[0] != notes[1]
    assert notes[0] | {"made_from": ""} == notes[1] | {"made_from": ""}
    assert notes[0]["grid"] == "s"
    assert line_note(plane(), {}, section, [])["lines"]


def round_grid(n: int = 81) -> Grid:
    """A paraboloid about zero, whose delta chi2 is the square of the distance."""
    x = np.linspace(-4, 4, n)
    return Grid(names=NAMES, axes=(x, x), log=(False, False), delta_chi2=x[:, None] ** 2 + x[None] ** 2)


def test_a_constant_threshold_is_a_number() -> None:
    grid = round_grid()
    for one, other in zip(contour_lines(grid, np.full((81, 81), 4.0)), contour_lines(grid, 4.0), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
    quantile = {(0.9, 2): np.full((81, 81), threshold(0.9, 2))}
    ours, plain = contour_table(grid, [(0.9, 2)], quantile), contour_table(grid, [(0.9, 2)])
    assert list(ours) == list(plain)
    np.testing.assert_allclose(ours["eps_ee_dV"], plain["eps_ee_dV"], atol=1e-12)


def test_a_contour_ends_where_delta_chi2_is_the_critical_value() -> None:
    grid = round_grid()
    critical = 4 + grid.axes[0][:, None] / 2 + np.zeros((1, 81))
    ((x, y),) = contour_lines(grid, critical)
    np.testing.assert_allclose(x**2 + y**2, 4 + x / 2, atol=0.1**2 / 2 + 1e-12)  # of a chord between points
    assert over(grid, critical).delta_chi2[40, 40] == -4


def test_extents_are_those_of_the_contour() -> None:
    grid = round_grid()
    critical = 4 + grid.axes[0][:, None] / 2 + np.zeros((1, 81))
    rows = extents("s", grid, {0.9: (critical, np.full((81, 81), 0.1))})
    ((x, y),) = contour_lines(grid, critical)
    assert [row.parameter for row in rows] == list(NAMES)
    for row, along in zip(rows, (x, y), strict=True):
        # its vertices are on lines of the grid, between which the extreme may lie a little further
        assert (row.lower, row.upper) == pytest.approx((along.min(), along.max()), abs=0.01)
        assert (row.other_parameters, row.method, row.n_dof) == ("profiled on grid", "feldman_cousins", 2)
        assert row.ends_at_grid == ""
        assert row.critical_error == pytest.approx(0.1)
    assert rows[0].delta_chi2 == pytest.approx(4 + rows[0].lower / 2)
    assert rows[0].delta_chi2_upper == pytest.approx(4 + rows[0].upper / 2)
    assert extents("s", grid, {0.9: (critical, critical)}, NAMES[:1])[0].parameter == NAMES[1]


def test_an_extent_may_end_with_the_grid_or_be_in_pieces() -> None:
    x = np.linspace(-1, 1, 21)
    ring = (np.abs(x[:, None]) - 0.6) ** 2 * 100 + x[None] ** 2
    rows = extents(
        "s", Grid(names=NAMES, axes=(x, x), log=(False, False), delta_chi2=ring), {0.9: (ring * 0 + 4, ring)}
    )
    first, second, third = rows
    assert [row.interval for row in rows] == [0, 1, 0]
    assert (first.lower, first.upper) == pytest.approx((-0.8, -0.4))
    assert (second.lower, second.upper) == pytest.approx((0.4, 0.8))
    assert (third.lower, third.upper, third.ends_at_grid) == (-1, 1, "lower+upper")
    assert (third.lower_set_by, third.upper_set_by) == ("eps_mumu_dV >= -1", "eps_mumu_dV <= 1")


def quantile_line(axis: Axis, height: float = threshold(0.9, 1), slope: float = 0.0) -> CriticalLine:
    x = axis.coordinates()
    return CriticalLine(coordinates=x, values=height + slope * x, errors=np.full(x.size, 0.2))


@pytest.mark.parametrize("others", [0, 1], ids=["profiled", "zero"])
def test_ranges_of_a_quantile_are_the_plain_ones(others: int, model: Callable[..., Model]) -> None:
    curve = curves(model("paper"), plane(), NAMES[1])[others]
    least = curve.lowest(*curve.samples())[1]
    plain = curve_ranges(curve, "s", least, [(0.9, 1)])
    ours = line_ranges(curve, "s", least, {0.9: quantile_line(curve.axis)})
    assert len(ours) == len(plain) > 0
    for one, other in zip(ours, plain, strict=True):
        assert (one.lower, one.upper) == pytest.approx((other.lower, other.upper), rel=1e-9)
        assert (one.method, other.method) == ("feldman_cousins", "wilks")
        assert (one.lower_set_by, one.ends_at_grid) == (other.lower_set_by, other.ends_at_grid)
        assert one.delta_chi2 == one.delta_chi2_upper == pytest.approx(other.delta_chi2)


def test_ends_of_ranges_are_roots_of_the_threshold_that_varies(model: Callable[..., Model]) -> None:
    curve = curves(model("paper"), plane(), NAMES[1])[1]
    least = curve.lowest(*curve.samples())[1]
    line = quantile_line(curve.axis, slope=0.7)
    rows = line_ranges(curve, "s", least, {0.9: line})
    assert rows
    for row in rows:
        ends = np.array([row.lower, row.upper])
        heights = curve(ends) - least
        np.testing.assert_allclose(heights, threshold(0.9, 1) + 0.7 * ends, rtol=1e-8)
        assert (row.delta_chi2, row.delta_chi2_upper) == pytest.approx(tuple(heights))
        assert (row.critical_error, row.critical_error_upper) <= (0.2, 0.2)


def test_a_line_is_read_in_any_order_and_in_logarithms() -> None:
    (axis,) = masses().axes
    value = np.array([1e-4, 1e-6, 1e-5, 1e-3])
    columns = {"value": value, CRITICAL: 4 + np.log10(value) / 10, ERROR: np.full(4, 0.3)}
    line = critical_line_of(axis, 0.9, columns)
    np.testing.assert_allclose(line(np.array([-5.5, -3.25])), [3.45, 3.675])
    linear = critical_line_of(replace(axis, scale="linear"), 0.9, columns)
    np.testing.assert_array_equal(linear.coordinates, np.sort(value))


def test_every_range_of_a_scan_has_its_curve_once(model: Callable[..., Model]) -> None:
    scan = plane()
    made = curves_by_grid(model("paper"), scan)
    found = [(grid, curve.axis.name, curve.others) for grid, curve in each_once(made)]
    assert found == [("s", name, others) for name in NAMES for others in ("profiled", "zero")]
    rows = scan_ranges(model("paper"), scan)
    assert {(row.parameter, row.other_parameters) for row in rows} == {each[1:] for each in found}
    assert np.isfinite(reference_of(model("paper"), scan, made))


def test_a_grid_covers_as_the_quantile_does_where_critical_values_are_its(model: Callable[..., Model]) -> None:
    """From points to contours, which are then those of a plain run."""
    scan = plane()
    chi2 = scan_rows(model("paper"), scan, 0, 21)
    grid = as_grid(scan, "s", (chi2 - chi2.min()).ravel())
    parts = parts_of(model("paper"), scan)
    for columns in parts.values():
        columns[CRITICAL][:] = threshold(0.9, 2)
    found = covered_columns(scan, "s", join_points(scan, "s", parts))
    critical = found[CRITICAL].reshape(chi2.shape)
    np.testing.assert_allclose(critical, threshold(0.9, 2))
    for one, other in zip(contour_lines(grid, critical), contour_lines(grid, threshold(0.9, 2)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_a_row_has_what_the_table_has() -> None:
    assert tuple(field.name for field in fields(CoveredRange)) == COVERED_RANGES.columns
