"""Critical values of delta chi2 by toys, at points of a scan: the construction of G. J. Feldman and R. D. Cousins.

Phys. Rev. D 57 (1998) 3873, physics/9711021, with nuisances as the data want them at each point. The statistic of a toy
is chi2 at the point less the least chi2 anywhere: couplings go as far as they like, whatever the ends of the axes.

Toys of one point say something of another, too, with weights (arXiv:2303.11290). So points that are near each other, by
what is expected there, share a pool of toys, each of which is then fitted freely but once.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.fast import toys_gaussian
from cevnsi.fast.poisson_draws import poisson_draws
from cevnsi.fast.toys import Packed, packed
from cevnsi.fast.toys_gaussian import Rectangle, problem_of
from cevnsi.model import Model
from cevnsi.scans.axes import Scan, share
from cevnsi.scans.chunks import outer_columns
from cevnsi.scans.coverage import (
    EFFECTIVE,
    coarse_axes,
    coverage_of,
    critical_column,
    critical_columns,
    error_column,
)
from cevnsi.scans.hypotheses import Fits, Hypotheses, hypotheses_of
from cevnsi.scans.processes import in_processes, shared
from cevnsi.statistics.toys import critical, effective_toys
from cevnsi.toys import Means, Toys, Truth, as_expected, draw, drawn_centres, log_ratio, means_of

TOYS_TOGETHER = 500  # that are drawn at once, with a seed of their own: more take memory, fewer time
FARTHEST = 0.9  # of D between a pool and a point that uses it: of its toys exp(-0.81) count, 44 %


@dataclass(frozen=True, kw_only=True, eq=False)
class Statistics:
    """Statistics of toys at a point, and how much each toy counts there, (toys,) each."""

    statistic: FloatArray
    weights: FloatArray

    def critical(self, confidence_level: float) -> tuple[float, float]:
        """The critical value at a level, and its error."""
        return critical(self.statistic, self.weights, confidence_level)

    def columns(self, confidence_levels: Sequence[float]) -> dict[str, float]:
        """Critical values with their errors, and how many toys without weights would say as much."""
        found = {}
        for level in confidence_levels:
            found[critical_column(level)], found[error_column(level)] = self.critical(level)
        return {**found, EFFECTIVE: effective_toys(self.weights)}


def asimov(model: Model, fits: Fits) -> Packed:
    """The toy in which everything is as it is expected at a point; NoSuchCounts if that is fewer counts than none."""
    return packed(model, as_expected(model, fits.truth))


def random_of(seed: int, *numbers: int) -> np.random.Generator:
    """Of what has these numbers in a scan, whoever computes it, and beside whatever else."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=numbers))


def of_toys(
    model: Model,
    truth: Truth,
    toys: int,
    seed: int,
    *numbers: int,
    made: Callable[[Toys], FloatArray],
    auxiliary: bool = True,
    threads: int = 1,
) -> FloatArray:
    """What is made of toys of a truth, (..., toys), in blocks that are drawn at once, each with a seed of its own.

    NoSuchCounts where a truth expects fewer counts than none.
    """

    def work(k: int) -> FloatArray:
        rng = random_of(seed, *numbers, k)
        # all of a block, so that the first of them do not depend on how many are asked for
        drawn = draw(model, truth, TOYS_TOGETHER, rng, auxiliary=auxiliary, counts=poisson_draws)
        return made(drawn.first(min(TOYS_TOGETHER, toys - k * TOYS_TOGETHER)))

    with ThreadPoolExecutor(threads) as executor:
        found: FloatArray = np.concatenate(list(executor.map(work, range(-(-toys // TOYS_TOGETHER)))), axis=-1)
    return found


def pool_statistics(
    tests: Hypotheses,
    points: Sequence[Fits],
    toys: int,
    seed: int,
    *numbers: int,
    auxiliary: bool = True,
    threads: int = 1,
) -> list[Statistics]:
    """Statistics at points, (toys,) each, from toys of the first of them, with weights at all others.

    NoSuchCounts where one expects fewer counts than none.
    """
    model, first = tests.model, points[0]
    statistics = statistics_at(tests, points)

    def made(drawn: Toys) -> FloatArray:
        likelier = [log_ratio(model, drawn, first.truth, fits.truth) for fits in points[1:]]
        return np.stack([statistics(drawn), [np.zeros(len(drawn.centres)), *likelier]])

    statistic, logarithm = of_toys(
        model, first.truth, toys, seed, *numbers, made=made, auxiliary=auxiliary, threads=threads
    )
    weights = np.exp(logarithm - logarithm.max(axis=1, keepdims=True))
    return [Statistics(statistic=t, weights=w) for t, w in zip(statistic, weights, strict=True)]


def statistics_at(tests: Hypotheses, points: Sequence[Fits]) -> Callable[[Toys], FloatArray]:
    """What makes statistics of toys at points, (points, toys): chi2 there less the least anywhere."""
    # second derivatives that fits begin with
    begin = [fits.fitter.hessian(asimov(tests.model, fits), fits.place) for fits in points]
    return lambda drawn: _statistics(tests, points, begin, packed(tests.model, drawn))


def _statistics(tests: Hypotheses, points: Sequence[Fits], begin: Sequence[FloatArray], toys: Packed) -> FloatArray:
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
    """Points by number that share toys, those of the first: each point is once in one pool, within `FARTHEST` of it.

    NoSuchCounts where fewer counts than none are expected at one.
    """
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


def in_eq_7(tests: Hypotheses, fits: Fits) -> tuple[toys_gaussian.Truth, Rectangle, Rectangle]:
    """A point of Eq. 7 as its closed form has it: the truth, and the charges squared that are tested, and free."""
    x, y = (fits.place[:2] * tests.unit).tolist()
    tested, free = (
        Rectangle(x=(float(low[0]), float(high[0])), y=(float(low[1]), float(high[1])))
        for low, high in ((low * tests.unit, high * tests.unit) for low, high in ((fits.low, fits.high), tests.free))
    )
    return toys_gaussian.Truth(x=x, y=y, alpha=float(fits.place[2])), tested, free


def _points(
    tests: Hypotheses,
    columns: Mapping[str, FloatArray],
    scan: Scan,
    number: int,
    part: tuple[int, int],
    workers: int,
    progress: Callable[[float], None] | None,
) -> dict[str, FloatArray]:
    """Critical values at some of the points in columns, those of pools that one chunk of several has."""
    coverage, names = coverage_of(scan), critical_columns(scan)
    count = next(iter(columns.values())).size
    points = [tests.at({name: float(values[i]) for name, values in columns.items()}) for i in range(count)]
    problem = problem_of(tests.model) if tests.is_of_eq_7 else None
    shared_by = [[i] for i in range(count)] if problem else pools(tests.model, points)
    first, last = share(len(shared_by), *part)
    found = shared((count, len(names)))

    def work(pool: Sequence[int]) -> None:
        of_pool, of_first = [points[i] for i in pool], (number, pool[0])
        if problem:  # in closed form, so fast that points need not share toys
            made = toys_gaussian.statistics_of(
                problem, *in_eq_7(tests, of_pool[0]), coverage.toys, coverage.seed, stream=of_first
            )
            each = [Statistics(statistic=made, weights=np.ones(made.size))]
        else:
            each = pool_statistics(tests, of_pool, coverage.toys, coverage.seed, *of_first)
        for i, statistics in zip(pool, each, strict=True):
            values = statistics.columns(scan.confidence_levels)
            found[i] = [values[name] for name in names]

    in_processes(work, shared_by[first:last], workers, progress)
    place = np.array(sorted(i for pool in shared_by[first:last] for i in pool), np.intp)
    return {
        "place": place.astype(float),
        **{name: values[place] for name, values in columns.items()},
        **dict(zip(names, found[place].T, strict=True)),
    }


def critical_points(
    model: Model,
    scan: Scan,
    grid: str,
    chunk: int,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> dict[str, FloatArray]:
    """Critical values at those of the coverage's points of a grid whose pools one chunk of the scan has.

    Columns, (points,) each, are the place among all points, the last axis fastest; the axes; of each confidence level
    the critical value and its error; and effective_toys. Every point is in one chunk, and its values do not depend on
    how many there are. ValueError of a scan that toys cannot be fitted with.
    """
    axes = coarse_axes(scan, grid)
    names = [axis.name for axis in axes]
    number, tests = list(scan.grids()).index(grid), hypotheses_of(model, scan.onto(names), names)
    columns = dict(zip(names, outer_columns([axis.values() for axis in axes]), strict=True))
    return _points(tests, columns, scan, number, (chunk, scan.chunks), threads, progress)


def critical_line(
    model: Model,
    scan: Scan,
    grid: str,
    name: str,
    others: str,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> dict[str, FloatArray]:
    """Critical values along one parameter of a grid, as those of a plane, in columns (points,).

    Others are "profiled", which toys then are, too; or "zero" or "fixed", so that a point of the plane is tested: delta
    chi2 of such a range counts from the least of the plane. ValueError of a scan that toys cannot be fitted with.
    """
    plane = scan.onto(scan.grids()[grid])
    axis, names = coverage_of(scan).coarse(plane.axis(name)), [a.name for a in plane.axes]
    tested = [name] if others == "profiled" else names
    # numbers of seeds: those of grids come first, then four of each grid
    number = len(scan.grids()) + 4 * list(scan.grids()).index(grid) + 2 * names.index(name) + int(tested == names)
    tests = hypotheses_of(model, plane, tested)
    columns = {each: axis.values() if each == name else np.zeros(axis.points) for each in tested}
    found = _points(tests, columns, scan, number, (1, 1), threads, progress)
    return {key: values for key, values in found.items() if key not in {"place", *names} - {name}}
