"""Critical values on grids and along ranges, from those of coarse points: files put together, interpolated, and used.

Sees tables but no toys, whose values `critical` makes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.files.atomic import TableError, make_anew
from cevnsi.parameters import Axis
from cevnsi.scans.axes import FELDMAN_COUSINS, Coverage, Scan
from cevnsi.scans.chunks import chunk_note, outer_columns
from cevnsi.scans.limits import Curve, curve_ranges
from cevnsi.scans.notes import column, grid_note
from cevnsi.scans.ranges import CoveredRange
from cevnsi.scans.regions import Grid, over
from cevnsi.statistics.interpolation import Between, interpolated

EFFECTIVE = "effective_toys"
ON_GRID = "profiled on grid"  # of the other parameter, in ranges that are the extent of a region of two


def critical_column(confidence_level: float) -> str:
    """Name of the column of critical values of a level.

    >>> critical_column(0.9), error_column(0.9)
    ('critical_delta_chi2_0.9', 'critical_delta_chi2_error_0.9')
    """
    return f"critical_delta_chi2_{confidence_level:g}"


def error_column(confidence_level: float) -> str:
    """Name of the column of their errors."""
    return f"critical_delta_chi2_error_{confidence_level:g}"


def critical_columns(scan: Scan) -> list[str]:
    """Those of every level of a scan, and how many toys they are worth."""
    pairs = [(critical_column(level), error_column(level)) for level in scan.confidence_levels]
    return [name for pair in pairs for name in pair] + [EFFECTIVE]


def coverage_of(scan: Scan) -> Coverage:
    """The coverage of a scan, which must have one: ValueError."""
    if scan.coverage is None:
        raise ValueError(f"scan {scan.name} has no coverage; expected one")
    return scan.coverage


def coarse_axes(scan: Scan, grid: str) -> list[Axis]:
    """Axes of a grid with the points that critical values are found at; ValueError of a scan without coverage."""
    return [coverage_of(scan).coarse(axis) for axis in scan.onto(scan.drawn()[grid]).axes]


def has_lines(scan: Scan) -> bool:
    """Whether ranges of one parameter are asked for."""
    return scan.ranges and 1 in scan.n_dof


def how_found(scan: Scan, grid: str) -> dict[str, Any]:
    """How the critical values of a grid are found, as the note of its file in coverage/ has it.

    ValueError of a scan without coverage.
    """
    coverage = coverage_of(scan)
    points = [axis.points for axis in coarse_axes(scan, grid)]
    return {"method": FELDMAN_COUSINS, "toys": coverage.toys, "points": points, "seed": coverage.seed}


def covered_grid_note(
    scan: Scan, grid: str, name: str, analysis: Mapping[str, Any], section: Mapping[str, Any], inputs: Sequence[str]
) -> dict[str, Any]:
    """What the file of a grid with critical values says of itself: as the grid's own, and how these are found."""
    said = grid_note(scan, grid, name, analysis, section, inputs)
    columns = list(said["columns"])
    for level in scan.confidence_levels:
        value = f"critical value of delta_chi2 at confidence level {level:g}, by toys"
        columns.append(column(critical_column(level), value))
        columns.append(column(error_column(level), "its statistical error, one standard deviation"))
    columns.append(column(EFFECTIVE, "toys without weights that would say as much, the fewest at points next to it"))
    return {**said, "columns": columns, **how_found(scan, grid)}


def coverage_text(how: Mapping[str, Any]) -> str:
    """The same in words.

    >>> coverage_text({"method": "feldman_cousins", "toys": 4000, "points": [41, 41], "seed": 1})
    'Feldman-Cousins: 4000 toys at each of 41 × 41 points'
    """
    return f"Feldman-Cousins: {how['toys']} toys at each of {' × '.join(map(str, how['points']))} points"


def covered_note(
    scan: Scan, grid: str, chunk: int, analysis: Mapping[str, Any], section: Mapping[str, Any], inputs: Sequence[str]
) -> dict[str, Any]:
    """What a chunk of coarse points was made from, so that one of another configuration or inputs is told apart."""
    return {**chunk_note(scan, chunk, analysis, section, inputs), "grid": grid}


def line_note(
    scan: Scan, analysis: Mapping[str, Any], section: Mapping[str, Any], inputs: Sequence[str]
) -> dict[str, Any]:
    """The same of the lines of a scan, which are one file."""
    return {**chunk_note(scan, 1, analysis, section, inputs), "lines": True}


def _check_values(path: str, columns: Mapping[str, FloatArray], names: Sequence[str]) -> None:
    """Refuse critical values that are none."""
    for name in names:
        least = 0.0 if name.startswith("critical_") else 1.0
        wrong = np.flatnonzero(~(np.isfinite(columns[name]) & (columns[name] >= least)))
        if wrong.size:
            found = columns[name][wrong[0]]
            raise TableError(f"{path}: row {wrong[0]}: {name} is {found}; {make_anew(path)}")


def join_points(scan: Scan, grid: str, parts: Mapping[str, Mapping[str, FloatArray]]) -> dict[str, FloatArray]:
    """Critical columns of all points of a coarse grid, (points,) in its order, from those of its chunks by their path.

    TableError names a chunk that has a point twice, none that it should have, or another value of a parameter.
    """
    axes = coarse_axes(scan, grid)
    size, expected = math.prod(axis.points for axis in axes), outer_columns([axis.values() for axis in axes])
    names = critical_columns(scan)
    joined = {name: np.full(size, np.nan) for name in names}
    seen = np.zeros(size, np.int64)
    for path, columns in parts.items():
        outside = np.flatnonzero(~((columns["place"] >= 0) & (columns["place"] < size)))
        if outside.size:
            found = columns["place"][outside[0]]
            raise TableError(f"{path}: place {found:g}; expected 0 to {size - 1}; {make_anew(path)}")
        place = columns["place"].astype(np.int64)
        for axis, values in zip(axes, expected, strict=True):
            wrong = np.flatnonzero(columns[axis.name] != values[place])
            if wrong.size:
                i = int(wrong[0])
                found, wanted = columns[axis.name][i], values[place[i]]
                raise TableError(f"{path}: row {i}: {axis.name} is {found}, expected {wanted}; {make_anew(path)}")
        _check_values(path, columns, names)
        np.add.at(seen, place, 1)
        if (seen > 1).any():
            again = int(np.argmax(seen > 1))
            raise TableError(f"{path}: place {again} is there twice; expected once; {make_anew(path)}")
        for name in names:
            joined[name][place] = columns[name]
    if not seen.all():
        last = list(parts)[-1]
        missing = int(np.argmin(seen))
        raise TableError(f"{last}: place {missing} of {size} is in no chunk of its grid; {make_anew(last)}")
    return joined


def covered_columns(scan: Scan, grid: str, points: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Critical columns at every point of a grid, (rows,) each, from those of the coarse points, (points,) each.

    `cevnsi.statistics.interpolation` says how.
    """
    coarse, fine = coarse_axes(scan, grid), scan.onto(scan.drawn()[grid]).axes
    between = Between([axis.coordinates() for axis in coarse], [axis.coordinates() for axis in fine])
    shape = [axis.points for axis in coarse]
    columns: dict[str, FloatArray] = {}
    for level in scan.confidence_levels:
        values, errors = (points[name(level)].reshape(shape) for name in (critical_column, error_column))
        found, error = interpolated(between, values, errors)
        columns[critical_column(level)], columns[error_column(level)] = found.ravel(), error.ravel()
    columns[EFFECTIVE] = between.least(points[EFFECTIVE].reshape(shape)).ravel()
    return columns


@dataclass(frozen=True, kw_only=True)
class CriticalLine:
    """Critical values of one level along one parameter, at coordinates (points,) that increase."""

    coordinates: FloatArray  # of the axis: log10 of a value on a log axis
    values: FloatArray  # (points,), of delta chi2
    errors: FloatArray  # (points,), one standard deviation

    def at(self, coordinate: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values and errors at coordinates, (k,)."""
        return interpolated(Between([self.coordinates], [coordinate]), self.values, self.errors)

    def __call__(self, coordinate: FloatArray) -> FloatArray:
        """Values at coordinates, (k,)."""
        return self.at(coordinate)[0]


def critical_line_of(axis: Axis, level: float, columns: Mapping[str, FloatArray]) -> CriticalLine:
    """A line from columns value, critical_delta_chi2_<level> and its error, (points,) in whichever order of rows."""
    coordinates = np.log10(columns["value"]) if axis.scale == "log" else np.asarray(columns["value"])
    order = np.argsort(coordinates)
    return CriticalLine(
        coordinates=coordinates[order],
        values=columns[critical_column(level)][order],
        errors=columns[error_column(level)][order],
    )


def line_ranges(curve: Curve, scan: str, least: float, lines: Mapping[float, CriticalLine]) -> list[CoveredRange]:
    """Allowed intervals of one parameter, whose ends are roots of chi2 - least - critical value; lines by level."""
    levels = [(level, 1) for level in lines]
    found = []
    for row in curve_ranges(curve, scan, least, levels, list(lines.values())):
        ends = np.array([row.lower, row.upper])
        coordinates = np.log10(ends) if curve.axis.scale == "log" else ends
        values, errors = lines[row.confidence_level].at(coordinates)
        found.append(
            CoveredRange(
                **{name: value for name, value in vars(row).items() if name not in ("method", "delta_chi2")},
                delta_chi2=float(values[0]),
                critical_error=float(errors[0]),
                delta_chi2_upper=float(values[1]),
                critical_error_upper=float(errors[1]),
            )
        )
    return found


def extents(
    scan: str, grid: Grid, critical: Mapping[float, tuple[FloatArray, FloatArray]], skip: Sequence[str] = ()
) -> list[CoveredRange]:
    """How far the region of two parameters goes along each, but those to `skip`, read off the points of its grid.

    Critical values and errors by level, in the shape of the grid. Along a parameter that is where delta chi2 less the
    critical value is below zero at some point of the other axis, by straight lines between points: the extent of the
    contours, as far as the points show them.
    """
    rows = []
    for i, name in enumerate(grid.names):
        if name in skip:
            continue
        x = grid.coordinate(i)
        for level, (values, errors) in critical.items():
            above = over(grid, values).delta_chi2
            place = np.expand_dims(above.argmin(axis=1 - i), 1 - i)
            lowest, value, error = (np.take_along_axis(a, place, 1 - i).ravel() for a in (above, values, errors))
            for number, (left, right) in enumerate(_below_zero(x, lowest)):
                lower, upper = grid.unscaled(i, np.array([left, right])).tolist()
                first, last = grid.axes[i][[0, -1]].tolist()
                ends = [("lower", lower == first), ("upper", upper == last)]
                heights, wide = (np.interp([left, right], x, along).tolist() for along in (value, error))
                row = CoveredRange(
                    scan=scan,
                    parameter=name,
                    confidence_level=level,
                    n_dof=2,
                    delta_chi2=heights[0],
                    interval=number,
                    lower=lower,
                    upper=upper,
                    other_parameters=ON_GRID,
                    ends_at_grid="+".join(side for side, is_end in ends if is_end),
                    lower_set_by=f"{name} >= {first:g}" if ends[0][1] else "",
                    upper_set_by=f"{name} <= {last:g}" if ends[1][1] else "",
                    critical_error=wide[0],
                    delta_chi2_upper=heights[1],
                    critical_error_upper=wide[1],
                )
                rows.append(row)
    return rows


def _below_zero(x: FloatArray, y: FloatArray) -> list[tuple[float, float]]:
    """Intervals where straight lines between points are below zero; an end of x closes one."""
    inside = y < 0
    crossing = np.flatnonzero(inside[:-1] != inside[1:])
    roots = x[crossing] + (x[crossing + 1] - x[crossing]) * y[crossing] / (y[crossing] - y[crossing + 1])
    ends = [*x[:1][inside[:1]], *roots, *x[-1:][inside[-1:]]]
    return list(zip(map(float, ends[::2]), map(float, ends[1::2]), strict=True))
