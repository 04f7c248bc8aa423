"""Allowed regions and ranges: lines and intervals of delta chi2 on a grid. Sees tables only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Delta chi2 on the outer product of two axes; `log` says which are spaced (and interpolated) in log10."""

    names: tuple[str, str]
    axes: tuple[FloatArray, FloatArray]
    log: tuple[bool, bool]
    delta_chi2: FloatArray  # (first axis, second axis)

    def coordinate(self, i: int) -> FloatArray:
        """Axis i in the scale in which it is evenly spaced."""
        return np.log10(self.axes[i]) if self.log[i] else self.axes[i]

    def best_fit(self) -> tuple[float, float]:
        """The grid point of least chi2."""
        i, j = np.unravel_index(int(np.argmin(self.delta_chi2)), self.delta_chi2.shape)
        return float(self.axes[0][i]), float(self.axes[1][j])


def threshold(confidence_level: float, n_dof: int) -> float:
    """Delta chi2 of a region with this probability (quantile of the chi2 distribution).

    >>> [round(threshold(0.90, n), 2) for n in (2, 1)]
    [4.61, 2.71]
    """
    if n_dof == 1:
        return NormalDist().inv_cdf((1 - confidence_level) / 2) ** 2
    if n_dof == 2:
        return -2 * math.log1p(-confidence_level)
    from scipy.special import gammaincinv  # takes longer to import than most jobs take to run

    return float(2 * gammaincinv(n_dof / 2, confidence_level))


def contour_lines(grid: Grid, level: float) -> list[tuple[FloatArray, FloatArray]]:
    """Lines of equal delta chi2, linearly interpolated between grid points (in log10 along a log axis)."""
    x, y = grid.coordinate(0), grid.coordinate(1)
    lines: Any = contour_generator(x, y, grid.delta_chi2.T, name="serial").lines(level)
    scaled = [[10**c if log else c for c, log in zip(line.T, grid.log, strict=True)] for line in lines]
    return [(first, second) for first, second in scaled]


def contour_table(grid: Grid, levels: Sequence[tuple[float, int]]) -> dict[str, list[Any]]:
    """Contours at each (confidence level, n_dof), in the columns of contours/<scan>.csv."""
    table: dict[str, list[Any]] = {n: [] for n in ("confidence_level", "n_dof", "segment", *grid.names)}
    for confidence_level, n_dof in levels:
        for segment, line in enumerate(contour_lines(grid, threshold(confidence_level, n_dof))):
            n = line[0].size
            columns: list[Any] = [[confidence_level] * n, [n_dof] * n, [segment] * n, *line]
            for name, values in zip(table, columns, strict=True):
                table[name].extend(values)
    return table


def profile_onto(delta_chi2: FloatArray, axis: int) -> FloatArray:
    """Least delta chi2 along the other axis of a 2-d grid: a parabola through the lowest point and its neighbours."""
    z = delta_chi2 if axis == 0 else delta_chi2.T  # (kept, other)
    rows = np.arange(z.shape[0])
    j = z.argmin(axis=1)
    least: FloatArray = z[rows, j]
    if z.shape[1] < 3:
        return least
    inner = np.clip(j, 1, z.shape[1] - 2)
    before, lowest, after = z[rows, inner - 1], z[rows, inner], z[rows, inner + 1]
    curvature = before - 2 * lowest + after
    usable = (j == inner) & (curvature > 0)
    drop = np.where(usable, (after - before) ** 2 / (8 * np.where(usable, curvature, 1.0)), 0.0)
    return least - drop


def allowed_intervals(x: FloatArray, delta_chi2: FloatArray, level: float) -> list[tuple[float, float]]:
    """Intervals where a curve lies below a level, by monotone cubic interpolation; ends of the axis close them."""
    from scipy.interpolate import PchipInterpolator

    curve = PchipInterpolator(x, delta_chi2 - level)
    roots = np.asarray(curve.roots(extrapolate=False))
    cuts = np.unique(np.concatenate([x[:1], roots[np.isfinite(roots)], x[-1:]]))
    allowed = [(float(a), float(b)) for a, b in pairwise(cuts) if curve((a + b) / 2) < 0]
    merged: list[tuple[float, float]] = []
    for low, high in allowed:  # where the curve only touches the level, a double root, an interval is not split
        if merged and low - merged[-1][1] <= 1e-7 * (x[-1] - x[0]):
            merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    return merged


@dataclass(frozen=True)
class AllowedRange:
    """One row of ranges.csv. `ends_at_grid` says which ends are only the axis' own."""

    scan: str
    parameter: str
    confidence_level: float
    n_dof: int
    delta_chi2: float
    interval: int
    lower: float
    upper: float
    other_parameters: str  # "profiled", "zero" or "fixed"
    ends_at_grid: str


def _curves(grid: Grid, axis: int) -> dict[str, FloatArray]:
    """Delta chi2 along one axis: the other profiled, and the other at zero if zero is one of its points."""
    curves = {"profiled": profile_onto(grid.delta_chi2, axis)}
    other = 1 - axis
    nearest = int(np.argmin(np.abs(grid.axes[other])))
    if grid.names[other].startswith("eps_") and abs(grid.axes[other][nearest]) < 1e-12 * np.ptp(grid.axes[other]):
        curves["zero"] = grid.delta_chi2[:, nearest] if other == 1 else grid.delta_chi2[nearest]
    return curves


def _ends(x: FloatArray, log: bool, interval: tuple[float, float]) -> tuple[float, float, str]:
    """An interval in the axis' own units, and which of its ends are the axis' own."""
    sides = zip(("lower", "upper"), interval, (x[0], x[-1]), strict=True)
    at_grid = "+".join(side for side, end, limit in sides if end == limit)
    lower, upper = (float(10**end) if log else end for end in interval)
    return lower, upper, at_grid


def curve_ranges(
    scan: str,
    parameter: str,
    x: FloatArray,
    log: bool,
    delta_chi2: FloatArray,
    levels: Sequence[tuple[float, int]],
    others: str,
) -> list[AllowedRange]:
    """Allowed intervals of one parameter from delta chi2 at its values, or if `log` at their log10, x (points,)."""
    rows = []
    for confidence_level, n_dof in levels:
        level = threshold(confidence_level, n_dof)
        for i, interval in enumerate(allowed_intervals(x, delta_chi2, level)):
            lower, upper, at_grid = _ends(x, log, interval)
            rows.append(AllowedRange(scan, parameter, confidence_level, n_dof, level, i, lower, upper, others, at_grid))
    return rows


def allowed_ranges(scan: str, grid: Grid, levels: Sequence[tuple[float, int]]) -> list[AllowedRange]:
    """Allowed intervals of both axes of a grid: n_dof = 2 is the extent of the region, n_dof = 1 the range of one."""
    rows = []
    for axis, name in enumerate(grid.names):
        for others, curve in _curves(grid, axis).items():
            rows += curve_ranges(scan, name, grid.coordinate(axis), grid.log[axis], curve, levels, others)
    return rows


def scan_ranges(
    scan: str, grids: Sequence[Grid], levels: Sequence[tuple[float, int]], *, whole: bool
) -> list[AllowedRange]:
    """Allowed intervals of every parameter of a scan, each from the first of its grids that has the parameter.

    `whole` says that the grid is the scan itself and no projection, so that the other parameter can be set to zero.
    """
    rows: list[AllowedRange] = []
    for grid in grids:
        done = {row.parameter for row in rows}
        rows += [
            row
            for row in allowed_ranges(scan, grid, levels)
            if row.parameter not in done and (whole or row.other_parameters == "profiled")
        ]
    return rows
