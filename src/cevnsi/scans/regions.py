"""Allowed regions: lines of delta chi2 on a grid, and whether the grid is fine enough for them. Sees tables only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from contourpy import contour_generator

from cevnsi.arrays import FloatArray
from cevnsi.scans.ranges import AllowedRange
from cevnsi.statistics.thresholds import threshold


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Delta chi2 on one axis or the product of two; `log` says which are spaced (and interpolated) in log10."""

    names: tuple[str, ...]
    axes: tuple[FloatArray, ...]  # (points,) each
    log: tuple[bool, ...]
    delta_chi2: FloatArray  # (first axis, second axis if there is one)

    def coordinate(self, i: int) -> FloatArray:
        """Axis i, (points,), in the scale in which it is evenly spaced: log10 of it on a log axis."""
        return self.scaled(i, self.axes[i])

    def scaled(self, i: int, values: FloatArray) -> FloatArray:
        """Values along axis i, of any shape, in the scale in which it is evenly spaced."""
        return np.log10(values) if self.log[i] else values

    def unscaled(self, i: int, coordinates: FloatArray) -> FloatArray:
        """Values along axis i at coordinates between its ends, of any shape; the axis' own points are exact."""
        if not self.log[i]:
            return coordinates
        points = self.coordinate(i)
        inside = np.clip(coordinates, points[0], points[-1])  # interpolated along an end, they may miss it by rounding
        place = np.searchsorted(points, inside)
        return np.where(points[place] == inside, self.axes[i][place], 10**inside)

    def step(self, i: int) -> float:
        """The mean distance of neighbours along axis i, in the scale in which it is evenly spaced."""
        return float(np.ptp(self.coordinate(i))) / (self.axes[i].size - 1)

    def lowest_point(self) -> tuple[float, ...]:
        """The grid point of least chi2, which is no best fit: that lies between points."""
        place = np.unravel_index(int(np.argmin(self.delta_chi2)), self.delta_chi2.shape)
        return tuple(float(axis[i]) for axis, i in zip(self.axes, place, strict=True))


def over(grid: Grid, critical: FloatArray) -> Grid:
    """The grid of delta chi2 less a threshold that varies, in the shape of the grid: a region is where that is < 0."""
    return replace(grid, delta_chi2=grid.delta_chi2 - critical)


def contour_lines(grid: Grid, level: float | FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    """Lines where delta chi2 is a level, linearly interpolated between grid points (in log10 along a log axis).

    The level is a number, or one of each point, in the shape of the grid.
    """
    if isinstance(level, np.ndarray):
        return contour_lines(over(grid, level), 0.0)
    x, y = grid.coordinate(0), grid.coordinate(1)
    lines: Any = contour_generator(x, y, grid.delta_chi2.T, name="serial").lines(level)
    return [(grid.unscaled(0, line[:, 0]), grid.unscaled(1, line[:, 1])) for line in lines]


def filled_region(grid: Grid, low: float, high: float) -> list[tuple[FloatArray, Any]]:
    """Polygons where delta chi2 is between two levels, by the interpolation of `contour_lines`.

    Each as its points, (points, 2), and the codes by which matplotlib tells an outline from its holes, (points,).
    """
    x, y = grid.coordinate(0), grid.coordinate(1)
    made: Any = contour_generator(x, y, grid.delta_chi2.T, name="serial", fill_type="OuterCode").filled(low, high)
    return [
        (np.column_stack([grid.unscaled(i, points[:, i]) for i in (0, 1)]), codes)
        for points, codes in zip(*made, strict=True)
    ]


def contour_table(
    grid: Grid, levels: Sequence[tuple[float, int]], critical: Mapping[tuple[float, int], FloatArray] | None = None
) -> dict[str, list[Any]]:
    """Contours at each (confidence level, n_dof), in the columns of contours/<scan>.csv.

    At the quantile of a chi2 distribution, or at critical values where they are given, in the shape of the grid.
    """
    table: dict[str, list[Any]] = {n: [] for n in ("confidence_level", "n_dof", "segment", *grid.names)}
    for confidence_level, n_dof in levels:
        level = critical[confidence_level, n_dof] if critical is not None else threshold(confidence_level, n_dof)
        for segment, line in enumerate(contour_lines(grid, level)):
            n = line[0].size
            columns: list[Any] = [[confidence_level] * n, [n_dof] * n, [segment] * n, *line]
            for name, values in zip(table, columns, strict=True):
                table[name].extend(values)
    return table


TOO_COARSE = "the grid is too coarse"  # how a warning of it begins
FEWEST_STEPS = 3  # of a grid across an interval, and
FEWEST_STEPS_OF_PIECE = 2  # across a piece of its contour, for a grid to show them
LARGEST_EXCESS = 0.05  # of the least chi2 on a grid over that of the best fit, in delta chi2


def small_pieces(grid: Grid, level: float) -> tuple[int, int]:
    """Pieces of a contour that are under two steps of the grid wide along some axis, and all of its pieces.

    None of a grid of one axis, which has no contour.
    """
    if len(grid.axes) == 1:
        return 0, 0
    lines = contour_lines(grid, level)
    least = [FEWEST_STEPS_OF_PIECE * grid.step(i) for i in (0, 1)]
    small = [any(np.ptp(grid.scaled(i, along)) < least[i] for i, along in enumerate(line)) for line in lines]
    return sum(small), len(lines)


def _intervals_on_grid(grid: Grid, row: AllowedRange) -> int:
    """How many intervals the grid's own points show in the place of a row's."""
    i = grid.names.index(row.parameter)
    if len(grid.axes) == 1:
        curve = grid.delta_chi2
    elif row.other_parameters == "profiled":
        curve = grid.delta_chi2.min(axis=1 - i)
    else:
        nearest = int(np.argmin(np.abs(grid.axes[1 - i])))
        curve = grid.delta_chi2[:, nearest] if i == 0 else grid.delta_chi2[nearest]
    inside = np.concatenate([[False], curve < row.delta_chi2])
    return int(np.count_nonzero(inside[1:] & ~inside[:-1]))


def coarseness(grid: Grid, excess: float, rows: Sequence[AllowedRange]) -> dict[tuple[float, int, str, str], str]:
    """Where a grid is too coarse for what its figure and its intervals show, in words.

    By confidence level, n_dof, parameter and what the other parameter does; `rows` are the grid's exact intervals,
    `excess` its least chi2 over that of the best fit.
    """
    found = {}
    keys = dict.fromkeys((r.confidence_level, r.n_dof, r.parameter, r.other_parameters) for r in rows)
    pieces_at = {level: small_pieces(grid, level) for level in {r.delta_chi2 for r in rows}}
    for key in keys:
        mine = [r for r in rows if (r.confidence_level, r.n_dof, r.parameter, r.other_parameters) == key]
        i = grid.names.index(key[2])
        widths = [np.ptp(grid.scaled(i, np.array([r.lower, r.upper]))) for r in mine]
        said = []
        small, pieces = pieces_at[mine[0].delta_chi2]
        if small:
            said.append(f"{small} of {pieces} pieces of the contour are under {FEWEST_STEPS_OF_PIECE} steps wide")
        narrowest = float(min(widths)) / grid.step(i)
        if narrowest < FEWEST_STEPS:
            said.append(f"an interval is {narrowest:.2g} steps wide")
        on_grid = _intervals_on_grid(grid, mine[0])
        if on_grid != len(mine):
            said.append(f"its points alone show {on_grid} intervals")
        if excess > LARGEST_EXCESS:
            said.append(f"its least chi2 is {excess:.2g} above the best fit's")
        if said:
            found[key] = f"{TOO_COARSE}: {', '.join(said)}"
    return found


def is_warned_of(ranges: Mapping[str, Any], scan: str, grid: str, levels: Sequence[tuple[float, int]]) -> bool:
    """Whether ranges.csv, whose columns these are, warns that a grid is too coarse at one of these levels."""
    rows = zip(*(ranges[name] for name in ("scan", "confidence_level", "n_dof", "warning")), strict=True)
    return any(
        name == scan
        and tuple(level) in levels
        and any(each.startswith(f"{grid}: {TOO_COARSE}") for each in warning.split("; "))
        for name, *level, warning in rows
    )
