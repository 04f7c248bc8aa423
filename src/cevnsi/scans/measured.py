"""Coverage as it is: how often a region holds what toys are drawn of, other toys than made its critical values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.fast.poisson_draws import poisson_draws
from cevnsi.model import Model
from cevnsi.physics.interactions import parameter
from cevnsi.scans.axes import Scan
from cevnsi.scans.coverage import coverage_of, critical_column
from cevnsi.scans.critical import TOYS_TOGETHER, Statistics, blocks_of, pool_statistics, random_of, statistics_of
from cevnsi.scans.hypotheses import Fits, Hypotheses, hypotheses_of
from cevnsi.scans.regions import Grid
from cevnsi.statistics.nuisances import held, limits, precisions
from cevnsi.statistics.thresholds import threshold
from cevnsi.toys import draw

OFF = {"profiled": 0.0, "up": 1.0, "down": -1.0}  # by how many of their widths nuisances are moved
CRITICAL, MEASURED = 1_000_000, 2_000_000  # first of the numbers of seeds, beyond those of any grid
METHODS = ("wilks", "feldman_cousins")


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


ON_CONTOUR = 3  # truths there


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


def moved_nuisances(model: Model, at: FloatArray, widths: float) -> FloatArray:
    """Nuisances (nuisances,) that are known from elsewhere, so many of their widths off, as far as they may go."""
    precision, (least, most) = precisions(model.nuisances), limits(model.nuisances)
    known = (precision > 0) & ~held(model.nuisances)
    width = np.where(known, 1 / np.sqrt(np.where(known, precision, 1.0)), 0.0)
    moved: FloatArray = np.clip(at + widths * width, least, most)
    return moved


def _measured(tests: Hypotheses, fits: Fits, toys: int, seed: int, number: int, threads: int) -> FloatArray:
    """Statistics (toys,) at the truth of a fit."""

    def work(block: tuple[int, slice]) -> FloatArray:
        k, some = block
        rng, count = random_of(seed, MEASURED + number, k), some.stop - some.start
        drawn = draw(tests.model, fits.truth, TOYS_TOGETHER, rng, counts=poisson_draws).first(count)
        return np.asarray(statistics_of(tests, [fits], drawn)[0], dtype=float)

    with ThreadPoolExecutor(threads) as pool:
        found: FloatArray = np.concatenate(list(pool.map(work, blocks_of(toys))))
    return found


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
    measure that, which are drawn with these nuisances, and with all of them a width off.
    """
    coverage, plane = coverage_of(scan), scan.onto(scan.grids()[grid])
    names = [axis.name for axis in plane.axes]
    tests, rows = hypotheses_of(model, plane, names), list[Measured]()
    of_grid = list(scan.grids()).index(grid)
    for i, (truth, values) in enumerate(truths.items()):
        fits, number = tests.at(values), 100 * of_grid + 10 * i
        critical = pool_statistics(tests, [fits], coverage.toys, coverage.seed, CRITICAL + number, threads=threads)[0]
        for j, (off, widths) in enumerate(OFF.items()):
            dims = fits.fitter.dims
            place = np.concatenate([fits.place[:dims], moved_nuisances(model, fits.place[dims:], widths)])
            moved = replace(fits, place=place)
            statistic = _measured(tests, moved, toys, seed, number + j, threads)
            rows += _rows(scan, grid, truth, names, values, off, critical, statistic)
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
                coverage_error=sqrt(max(part * (1 - part), 1 / count) / count),
                toys=count,
            )
