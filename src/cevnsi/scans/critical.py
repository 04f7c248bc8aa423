"""Critical values of delta chi2 at points of a scan, and along ranges of one parameter.

A stand-in: the quantiles of a chi2 distribution, with the error that so many toys would leave on them.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.model import Model
from cevnsi.scans.axes import Coverage, Scan, share
from cevnsi.statistics.thresholds import threshold


def _error(confidence_level: float, n_dof: int, toys: int) -> float:
    """Of a quantile of this many draws from a chi2 distribution."""
    value = threshold(confidence_level, n_dof)
    density = math.exp(-value / 2) / 2 if n_dof == 2 else NormalDist().pdf(math.sqrt(value)) / math.sqrt(value)
    return math.sqrt(confidence_level * (1 - confidence_level) / toys) / density


def _columns(scan: Scan, coverage: Coverage, n_dof: int, points: int) -> dict[str, FloatArray]:
    columns = {}
    for level in scan.confidence_levels:
        columns[f"critical_delta_chi2_{level:g}"] = np.full(points, threshold(level, n_dof))
        columns[f"critical_delta_chi2_error_{level:g}"] = np.full(points, _error(level, n_dof, coverage.toys))
    columns["effective_toys"] = np.full(points, float(coverage.toys))
    return columns


def critical_points(
    model: Model,
    scan: Scan,
    grid: str,
    chunk: int,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> dict[str, FloatArray]:
    """Critical values at the coarse points of a grid that are in chunk 1 .. chunks of a scan, a row each.

    Columns are place, the flat index into the coarse grid (last axis fastest), the axes, critical_delta_chi2_<level>
    and critical_delta_chi2_error_<level> of each confidence level, and effective_toys.
    """
    assert scan.coverage is not None
    axes = [scan.coverage.coarse(axis).values() for axis in scan.onto(scan.drawn()[grid]).axes]
    place = np.arange(*share(math.prod(axis.size for axis in axes), chunk, scan.chunks))
    index = np.unravel_index(place, [axis.size for axis in axes])
    columns = {name: axis[i] for name, axis, i in zip(scan.drawn()[grid], axes, index, strict=True)}
    return {"place": place.astype(float), **columns, **_columns(scan, scan.coverage, len(axes), place.size)}


def critical_line(
    model: Model,
    scan: Scan,
    grid: str,
    name: str,
    others: str,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> dict[str, FloatArray]:
    """Critical values of one parameter of a grid, the other "profiled", at "zero" or none ("fixed"), a row each point.

    Columns are the parameter, and those of `critical_points` that follow the axes.
    """
    assert scan.coverage is not None
    axis = scan.coverage.coarse(scan.onto(scan.drawn()[grid]).axis(name))
    return {name: axis.values(), **_columns(scan, scan.coverage, 1, axis.points)}
