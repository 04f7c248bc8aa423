"""Coverage as it is: how often a region holds what toys are drawn of, other toys than made its critical values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.model import Model
from cevnsi.physics.interactions import parameter
from cevnsi.scans.axes import FELDMAN_COUSINS, WILKS, Scan
from cevnsi.scans.coverage import coverage_of, critical_column
from cevnsi.scans.critical import Statistics, of_toys, pool_statistics, statistics_at
from cevnsi.scans.hypotheses import Fits, hypotheses_of
from cevnsi.scans.regions import Grid
from cevnsi.statistics.nuisances import limits, widths
from cevnsi.statistics.thresholds import threshold
from cevnsi.statistics.toys import error_of_part
from cevnsi.toys import NoSuchCounts, means_of

OFF = {"profiled": 0.0, "up": 1.0, "down": -1.0}  # by how many of their widths nuisances are moved
CRITICAL, MEASURED = 1_000_000, 2_000_000  # first of the numbers of seeds, beyond those of any grid
METHODS = (WILKS, FELDMAN_COUSINS)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One row of measured coverage: how often regions of a method hold this truth."""

    grid: str
    truth: str
    first: str  # name of the first parameter
    first_value: float
    second: str  # empty on a line
    second_value: float
    nuisances: str  # of `OFF`
    method: str  # of `METHODS`
    confidence_level: float
    delta_chi2: float  # at which the region ends there
    coverage: float
    coverage_error: float
    toys: int
    moved_by: float  # widths that nuisances are off, less than asked for where counts would be fewer than none


ON_CONTOUR = 3  # truths there
TENTHS = tuple(k / 10 for k in range(10, -1, -1))  # of how far nuisances are moved, tried one after another


def truths_of(grid: Grid, contour: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Where coverage is looked at: the standard model, the least of a grid, and points along its longest contour.

    `contour` has the columns of contours/<scan>.csv, and none on a line. No standard model of what is not zero there.
    """
    truths = {}
    if all(parameter(name).zero_is_standard_model for name in grid.names):
        truths["standard_model"] = dict.fromkeys(grid.names, 0.0)
    truths["least_of_grid"] = dict(zip(grid.names, grid.lowest_point(), strict=True))
    if len(contour.get("segment", ())):
        columns = {name: np.asarray(contour[name]) for name in ("confidence_level", "n_dof", "segment", *grid.names)}
        first = (columns["confidence_level"] == columns["confidence_level"][0]) & (columns["n_dof"] == len(grid.names))
        segments, counts = np.unique(columns["segment"][first], return_counts=True)
        mine = np.flatnonzero(first & (columns["segment"] == segments[counts.argmax()]))
        for k in range(ON_CONTOUR):
            at = mine[k * mine.size // ON_CONTOUR]
            truths[f"contour_{k + 1}"] = {name: float(columns[name][at]) for name in grid.names}
    return truths


def off(model: Model, fits: Fits, times: float) -> tuple[Fits, float]:
    """A truth with nuisances so many of their widths off, or as many tenths of that as counts allow, and how many.

    AssertionError if even where they were counts would be fewer than none, which no fit of data is.
    """
    dims = fits.fitter.dims
    for part in TENTHS:
        place = np.concatenate([fits.place[:dims], moved_nuisances(model, fits.place[dims:], part * times)])
        moved = replace(fits, place=place)
        try:
            means_of(model, moved.truth)
        except NoSuchCounts:
            continue
        return moved, part * times
    raise AssertionError("the data's own fit expects fewer counts than none")


def moved_nuisances(model: Model, at: FloatArray, times: float) -> FloatArray:
    """Nuisances (nuisances,), so many widths off, as far as they may go, those that are known from elsewhere."""
    moved: FloatArray = np.clip(at + times * widths(model.nuisances), *limits(model.nuisances))
    return moved


def measure(
    model: Model,
    scan: Scan,
    grid: str,
    truths: Mapping[str, Mapping[str, float]],
    toys: int,
    seed: int,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> list[Measured]:
    """How often both methods' regions of a grid hold each of some truths, which are points of its axes by name.

    A region holds the truth of a toy where the toy's statistic is no more than the critical value there: that of a chi2
    distribution with as many degrees of freedom as axes, or of toys with nuisances as the data want them. Other toys
    measure that, which are drawn with these nuisances, and with all of them a width off, or what of it counts allow.
    ValueError of a scan that toys cannot be fitted with.
    """
    coverage, plane = coverage_of(scan), scan.onto(scan.grids()[grid])
    names = [axis.name for axis in plane.axes]
    tests, rows = hypotheses_of(model, plane, names), list[Measured]()
    of_grid = list(scan.grids()).index(grid)
    for i, (truth, values) in enumerate(truths.items()):
        fits, number = tests.at(values), 100 * of_grid + 10 * i
        critical = pool_statistics(tests, [fits], coverage.toys, coverage.seed, CRITICAL + number, threads=threads)[0]
        for j, (which, times) in enumerate(OFF.items()):
            moved, found = off(model, fits, times)
            made, of_row = statistics_at(tests, [moved]), MEASURED + number + j
            statistic = of_toys(model, moved.truth, toys, seed, of_row, made=made, threads=threads)[0]
            rows += _rows(scan, grid, truth, names, values, which, found, critical, statistic)
            if progress is not None:
                progress((len(OFF) * i + j + 1) / (len(OFF) * len(truths)))
    return rows


def _rows(
    scan: Scan,
    grid: str,
    truth: str,
    names: Sequence[str],
    values: Mapping[str, float],
    nuisances: str,
    moved_by: float,
    critical: Statistics,
    statistic: FloatArray,
) -> Iterator[Measured]:
    found, count = critical.columns(scan.confidence_levels), statistic.size
    for level in scan.confidence_levels:
        ends = threshold(level, len(names)), found[critical_column(level)]
        for method, end in zip(METHODS, ends, strict=True):
            part = float((statistic <= end).mean())
            yield Measured(
                grid=grid,
                truth=truth,
                first=names[0],
                first_value=values[names[0]],
                second=names[1] if len(names) > 1 else "",
                second_value=values[names[1]] if len(names) > 1 else np.nan,
                nuisances=nuisances,
                method=method,
                confidence_level=level,
                delta_chi2=end,
                coverage=part,
                coverage_error=error_of_part(part, count),
                toys=count,
                moved_by=moved_by,
            )
