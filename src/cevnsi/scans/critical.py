"""Critical values of delta chi2 by toys, at points of a scan: the construction of G. J. Feldman and R. D. Cousins.

Phys. Rev. D 57 (1998) 3873, physics/9711021, with nuisances as the data want them at each point. The statistic of a toy
is chi2 at the point less the least chi2 anywhere: couplings go as far as they like, whatever the ends of the axes.

Toys of one point say something of another, too, with weights (arXiv:2303.11290). So points that are near each other, by
what is expected there, share a pool of toys, each of which is then fitted freely but once.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.fast.toys import Packed, packed
from cevnsi.model import Model
from cevnsi.scans.axes import Coverage, Scan, share
from cevnsi.scans.hypotheses import Fits, Hypotheses, hypotheses_of
from cevnsi.statistics.toys import critical, effective_toys
from cevnsi.toys import Means, draw, drawn_centres, log_ratio, means_of

TOYS_TOGETHER = 500  # that are drawn at once, with a seed of their own: more take memory, fewer time
FARTHEST = 0.9  # of D between a pool and a point that uses it: of its toys exp(-0.81) count, 44 %
SAME = 1e-9  # of D^2: the same counts

Numbers = NDArray[np.intp]


def column(confidence_level: float, error: bool = False) -> str:
    """Name of the column of a critical value, or of its error.

    >>> column(0.9), column(0.9545, error=True)
    ('critical_delta_chi2_0.9', 'critical_delta_chi2_error_0.9545')
    """
    return f"critical_delta_chi2_{'error_' if error else ''}{confidence_level:g}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Statistics:
    """Statistics of toys at a point, and how much each toy counts there, (toys,) each."""

    statistic: FloatArray
    weights: FloatArray

    def columns(self, confidence_levels: Sequence[float]) -> dict[str, float]:
        """Critical values with their errors, and how many toys without weights would say as much."""
        found = {}
        for level in confidence_levels:
            found[column(level)], found[column(level, error=True)] = critical(self.statistic, self.weights, level)
        return {**found, "effective_toys": effective_toys(self.weights)}


def asimov(model: Model, fits: Fits) -> Packed:
    """The toy in which everything is as it is expected."""
    means, truth = means_of(model, fits.truth), fits.truth
    observed, own, weight = [], [], []
    for dataset, mean in zip(model.datasets, means, strict=True):
        counts = mean.counts if mean.without is None else mean.counts - mean.without
        observed.append(counts)
        made = [dataset.sidebands[name].made(values[None])[0] for name, values in mean.sidebands.items()]
        own.append(made[0] if made else np.zeros(counts.size))
        uncertainty = dataset.measurement.uncertainty
        weight.append(np.zeros(counts.size) if uncertainty is None else 1 / uncertainty**2)
    centres = np.where(drawn_centres(model) > 0, truth.nuisances, 0.0)
    return Packed(
        observed=np.concatenate(observed)[None],
        weight=np.concatenate(weight)[None],
        own=np.concatenate(own)[None],
        centres=centres[None],
    )


def _random(seed: int, *numbers: int) -> np.random.Generator:
    """Of what has these numbers in a scan, whoever computes it, and beside whatever else."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=numbers))


def pool_statistics(
    tests: Hypotheses, points: Sequence[Fits], toys: int, seed: int, *numbers: int, auxiliary: bool = True
) -> list[Statistics]:
    """Statistics at points from toys of the first of them, with weights at all others."""
    model, first = tests.model, points[0]
    begin = [fits.fitter.hessian(asimov(model, fits), fits.place) for fits in points]
    statistic, logarithm = np.empty((len(points), toys)), np.zeros((len(points), toys))
    for number, start in enumerate(range(0, toys, TOYS_TOGETHER)):
        some = slice(start, min(start + TOYS_TOGETHER, toys))
        drawn = draw(model, first.truth, some.stop - start, _random(seed, *numbers, number), auxiliary=auxiliary)
        statistic[:, some] = _statistics(tests, points, begin, packed(model, drawn))
        for k, fits in enumerate(points[1:], start=1):
            logarithm[k, some] = log_ratio(model, drawn, first.truth, fits.truth)
    weights = np.exp(logarithm - logarithm.max(axis=1, keepdims=True))
    return [Statistics(statistic=t, weights=w) for t, w in zip(statistic, weights, strict=True)]


def _statistics(tests: Hypotheses, points: Sequence[Fits], begin: Sequence[FloatArray], toys: Packed) -> FloatArray:
    """Chi2 at points less the least anywhere, (points, toys)."""
    null, least = np.empty((len(points), len(toys.observed))), np.full(len(toys.observed), np.inf)
    low, high = (end[None] for end in tests.free)
    for k, (fits, hessian) in enumerate(zip(points, begin, strict=True)):
        of = fits.fitter
        null[k], place, hessians = of.least(toys, fits.low[None], fits.high[None], fits.place[None], hessian[None])
        if k == 0:
            least, _, hessians = of.least(toys, low, high, place, hessians, tests.mirrors(of))
            for other in tests.free_fitters:
                value, _, _ = other.least(toys, low, high, place, hessians, tests.mirrors(other))
                least = np.minimum(least, value)
    # what is least at a point is least anywhere, if nothing better was found
    return np.asarray(null - np.minimum(least, null.min(axis=0)))


def _distances(model: Model, means: Sequence[Sequence[Means]], nuisances: FloatArray) -> Callable[[int], FloatArray]:
    """D^2 from one of several truths to each, (truths,), as `toys.distance_squared` has it."""
    counts, is_poisson = [], []
    for i, dataset in enumerate(model.datasets):
        measured = dataset.measurement
        poisson = measured.uncertainty is None or measured.is_difference
        of_all = [np.array([each[i].counts for each in means])]
        if means[0][i].without is not None:
            of_all.append(np.array([each[i].without for each in means]))
        of_all += [np.array([each[i].sidebands[name] for each in means]) for name in means[0][i].sidebands]
        if not poisson:
            of_all[0] = of_all[0] / measured.errors
        counts += of_all
        is_poisson += [poisson] * len(of_all)
    width = drawn_centres(model)
    some = width > 0
    pulls = nuisances[:, some] / width[some]

    def squared(k: int) -> FloatArray:
        total = ((pulls - pulls[k]) ** 2).sum(axis=1)
        for values, poisson in zip(counts, is_poisson, strict=True):
            moved = (values - values[k]) ** 2
            if poisson:
                moved = np.where(moved > 0, moved / np.where(values[k] > 0, values[k], 1e-300), 0.0)
            total += moved.sum(axis=1)
        return np.asarray(total)

    return squared


def pools(model: Model, points: Sequence[Fits]) -> list[list[int]]:
    """Points by number that share toys, those of the first: each point is once in one pool, within `FARTHEST` of it."""
    truths = [fits.truth for fits in points]
    nuisances = np.array([truth.nuisances for truth in truths])
    squared = _distances(model, [means_of(model, truth) for truth in truths], nuisances)
    left, made = np.ones(len(points), bool), []
    while left.any():
        k = int(np.flatnonzero(left)[0])
        near = left & (squared(k) <= FARTHEST**2)
        # of those it is near to that which is near to most
        best = max(
            np.flatnonzero(near)[:: max(near.sum() // 8, 1)],
            key=lambda j: int((left & (squared(j) <= FARTHEST**2)).sum()),
        )
        distance = squared(int(best))
        mine = left & (distance <= FARTHEST**2)
        mine[best] = True
        if not mine[k]:
            distance = squared(k)
            mine, best = near, np.intp(k)
        others = [int(j) for j in np.flatnonzero(mine) if j != best]
        made.append([int(best), *others])
        left &= ~mine
    return made


def _coarse(axes: Sequence[FloatArray]) -> list[FloatArray]:
    """Columns of all points, last axis fastest."""
    return [values.ravel() for values in np.meshgrid(*axes, indexing="ij")]


def _coverage(scan: Scan) -> Coverage:
    if scan.coverage is None:
        raise ValueError(f"{scan.name}: has no coverage; expected toys, points and a seed")
    return scan.coverage


def _points(
    tests: Hypotheses,
    columns: Mapping[str, FloatArray],
    coverage: Coverage,
    number: int,
    part: tuple[int, int],
    threads: int,
    progress: Callable[[float], None] | None,
    levels: Sequence[float],
) -> dict[str, FloatArray]:
    """Critical values at some of the points in columns, those of pools that one chunk of several has."""
    count = next(iter(columns.values())).size
    points = [tests.at({name: float(values[i]) for name, values in columns.items()}) for i in range(count)]
    shared_by = pools(tests.model, points)
    first, last = share(len(shared_by), *part)
    mine, lock, done = shared_by[first:last], Lock(), 0
    total = sum(map(len, mine))

    def work(pool: Sequence[int]) -> list[tuple[int, dict[str, float]]]:
        nonlocal done
        found = pool_statistics(tests, [points[i] for i in pool], coverage.toys, coverage.seed, number, pool[0])
        rows = [(i, statistics.columns(levels)) for i, statistics in zip(pool, found, strict=True)]
        if progress is not None:
            with lock:
                done += len(pool)
                progress(done / total)
        return rows

    if threads == 1:
        listed = [work(pool) for pool in mine]
    else:
        with ThreadPoolExecutor(threads) as executor:
            listed = list(executor.map(work, mine))
    rows = sorted((row for rows in listed for row in rows), key=lambda row: row[0])
    place = np.array([i for i, _ in rows], np.intp)
    found = {name: np.array([values[name] for _, values in rows]) for name in (rows[0][1] if rows else {})}
    return {"place": place.astype(float), **{name: values[place] for name, values in columns.items()}, **found}


def critical_points(
    model: Model,
    scan: Scan,
    grid: str,
    chunk: int,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> dict[str, FloatArray]:
    """Critical values at those of the coverage's points of a grid whose pools one chunk of the scan has.

    Columns are the place among all points, the last axis fastest; the axes; two of each confidence level, as `column`
    names them; then effective_toys. Every point is in one chunk, and its values do not depend on how many there are.
    """
    coverage, plane = _coverage(scan), scan.onto(scan.grids()[grid])
    axes = [replace(axis, points=coverage.points[axis.name]).values() for axis in plane.axes]
    names = [axis.name for axis in plane.axes]
    number, tests = list(scan.grids()).index(grid), hypotheses_of(model, plane, names)
    columns = dict(zip(names, _coarse(axes), strict=True))
    return _points(tests, columns, coverage, number, (chunk, scan.chunks), threads, progress, scan.confidence_levels)


def critical_line(
    model: Model,
    scan: Scan,
    grid: str,
    name: str,
    others: str,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> dict[str, FloatArray]:
    """Critical values along one parameter of a grid, as those of a plane.

    Others are "profiled", which toys then are, too; or "zero" or "fixed".
    """
    coverage, plane = _coverage(scan), scan.onto(scan.grids()[grid])
    axis = replace(plane.axis(name), points=coverage.points[name])
    of_plane = list(scan.grids()).index(grid), [a.name for a in plane.axes].index(name)
    number = len(scan.grids()) + 4 * of_plane[0] + 2 * of_plane[1] + int(others != "profiled")
    tests = hypotheses_of(model, plane, [name], others)
    columns = {name: axis.values()}
    found = _points(tests, columns, coverage, number, (1, 1), threads, progress, scan.confidence_levels)
    del found["place"]
    return found
