"""Pseudo-data (toys) of Eq. 7 for one nucleus, and its minima over rectangles of charges squared.

Counts that are predicted are x P_e + y P_mu, with x = Q_e^2, y = Q_mu^2 and templates P per unit of charge squared:

    chi2 = sum over bins of (N - (1 + alpha) (x P_e + y P_mu))^2 / sigma^2 + ((alpha - centre) / sigma_alpha)^2

A toy counts C events in coincidence with the beam and AC in anticoincidence, N = C - AC and sigma^2 = C + AC, and its
auxiliary measurement finds alpha at `centre`; that of the data found it at zero.

With weights 1 / sigma^2, s = 1 + alpha, m = 1 + centre and a penalty p = 1 / sigma_alpha^2, chi2 least over alpha is
<N,N> + p m^2 - fall, as in `fast.contraction.profiled_chi2`, with s = u / v and

    fall = u^2 / v,   u = x <N,P_e> + y <N,P_mu> + p m,   v = x^2 <P_e,P_e> + 2 x y <P_e,P_mu> + y^2 <P_mu,P_mu> + p

The gradient of a fall vanishes where u does, at its minimum, and at one other point, its maximum: there alpha = centre,
and s x, s y fit the data best. The greatest fall in a rectangle is at that point, or else on an edge, along which u is
linear and v quadratic, so that the same holds. Nothing here asks for the sign of s: Eq. 7 does not bound alpha, so a
toy has a negative signal, by s < 0, if that is worth the penalty. An infinite rectangle has an edge at infinity too,
where s vanishes and s x, s y stay finite.

Arrays have toys last, so that a step is one pass over many of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray, Real
from cevnsi.fast.contraction import has_contraction
from cevnsi.model import Model
from cevnsi.statistics.nuisances import precisions

Counts = NDArray[np.int32]

TOYS_OF_A_BLOCK = 4096  # seeds go by block, so this is part of what a seed means; 0.6 kB a toy of 12 bins
BITS = 12  # of a random integer, by which a count is looked up: a few percent of the cells hold more than one
LEFT_OUT = 1e-18  # of a Poisson distribution, at most, beyond either end of its table: far below the rounding of 1
MOST_COUNTS = 1e8  # expected in a bin: a table of so many is 2 MB
ALIKE = 1e-12  # of <P_e,P_e> <P_mu,P_mu>: templates whose determinant is less are proportional but for rounding


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Where toys are drawn: the charges squared and alpha of Eq. 7."""

    x: float  # Q_e^2
    y: float  # Q_mu^2
    alpha: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Rectangle:
    """Charges squared that chi2 is least over, from low to high ends: floats, or one of each toy (toys,).

    One that is held has equal ends. A high end may be infinite, of all toys or of none.
    """

    x: tuple[Real, Real]  # Q_e^2
    y: tuple[Real, Real]  # Q_mu^2

    def __post_init__(self) -> None:
        """ValueError of ends between which there is nothing, or too much."""
        for name, (low, high) in {"x": self.x, "y": self.y}.items():
            if not (np.all(np.isfinite(low)) and np.all(np.less_equal(low, high))):
                raise ValueError(f"{name} from {low} to {high}; expected a finite low end, and a high one not below it")
            if np.any(np.isinf(high)) and not np.all(np.isinf(high)):
                raise ValueError(f"{name} up to {high}; expected finite ends of all toys, or of none")


def point(x: Real, y: Real) -> Rectangle:
    """The rectangle that is one point of charges squared, floats, or one of each toy, (toys,)."""
    return Rectangle(x=(x, x), y=(y, y))


@dataclass(frozen=True, kw_only=True, eq=False)
class Toys:
    """Pseudo-data: what was counted, and where the auxiliary measurement found alpha."""

    coincidence: Counts  # C, (bins, toys)
    anticoincidence: Counts  # AC, (bins, toys)
    centre: FloatArray  # (toys,)

    @property
    def observed(self) -> FloatArray:
        """N = C - AC, (bins, toys)."""
        return np.subtract(self.coincidence, self.anticoincidence, dtype=np.float64)

    @property
    def variance(self) -> FloatArray:
        """sigma^2 = C + AC, (bins, toys)."""
        # ASSUME: a bin in which a toy counts nothing has a sigma of one count; Eq. 7 divides by it
        return np.maximum(np.add(self.coincidence, self.anticoincidence, dtype=np.float64), 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Contracted:
    """Of each toy what chi2 needs: inner products with weights 1 / sigma^2, and the centre; (toys,) each."""

    data_data: FloatArray  # (toys,)
    data_template: FloatArray  # (2, toys)
    template_template: FloatArray  # (3, toys): <P_e,P_e>, <P_e,P_mu>, <P_mu,P_mu>
    centre: FloatArray  # (toys,)
    penalty: float  # 1 / sigma_alpha^2


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A Poisson distribution, to be drawn from by random integers of 64 bits.

    An integer's count is the least plus the number of ends that are not above it, which inverts the cumulative
    distribution. Mostly its leading bits tell.
    """

    least: int
    ends: NDArray[np.uint64]  # (ends,), where the next count begins
    by_leading_bits: Counts  # (2^BITS,), -1 where the other bits are needed

    def counts(self, integers: NDArray[np.uint64]) -> Counts:
        """Counts (n,) of integers (n,)."""
        found = self.by_leading_bits[(integers >> np.uint64(64 - BITS)).view(np.int64)]
        undecided = np.flatnonzero(found < 0)
        found[undecided] = self.least + np.searchsorted(self.ends, integers[undecided], side="right")
        return found


def table_of(mean: float) -> Table:
    """The table of a Poisson distribution with this mean, exact but for the rounding of doubles.

    It reaches so far that what is left out is less than LEFT_OUT by Bernstein's bounds: exp(-h^2 / 2 mean) for h below
    the mean, exp(-h^2 / (2 mean + 2 h / 3)) for h above.
    """
    nats = -math.log(LEFT_OUT)
    low = max(int(mean - math.sqrt(2 * nats * mean)), 0)
    high = int(mean + nats / 3 + math.sqrt(nats**2 / 9 + 2 * nats * mean)) + 1
    mode = int(mean)
    falling = np.cumprod(np.arange(mode, low, -1) / mean)[::-1] if mode > low else np.empty(0)
    rising = np.cumprod(mean / np.arange(mode + 1, high + 1))
    probability = np.concatenate([falling, [1.0], rising])
    probability /= probability.sum()
    below, above = np.cumsum(probability[:-1]), np.cumsum(probability[:0:-1])[::-1]  # up to a count, and more than it
    middle = int(np.searchsorted(below, 0.5))
    from_end = (above[middle:] * 2.0**64).astype(np.uint64)  # summed up from the end: a tail keeps its digits
    ends = np.concatenate([(below[:middle] * 2.0**64).astype(np.uint64), -from_end[from_end > 0]])
    ends_of_cell = np.bincount((ends >> np.uint64(64 - BITS)).view(np.int64), minlength=2**BITS)
    by_leading_bits = np.where(ends_of_cell == 0, low + np.cumsum(ends_of_cell), -1).astype(np.int32)
    return Table(least=low, ends=ends, by_leading_bits=by_leading_bits)


def _expected(what: str, means: FloatArray) -> FloatArray:
    """The same means; ValueError of such as cannot be counted."""
    if not ((means >= 0) & (means <= MOST_COUNTS)).all():
        raise ValueError(f"{what}: {means.min():g} to {means.max():g}; expected numbers from 0 to {MOST_COUNTS:g}")
    return means


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """What toys of Eq. 7 are drawn from and fitted by."""

    templates: FloatArray  # (2, bins), counts for Q_e^2 = 1 and for Q_mu^2 = 1
    anticoincidence: FloatArray  # (bins,), expected: those of the data
    sigma_alpha: float

    def __post_init__(self) -> None:
        """ValueError of shapes and numbers that no toys can be drawn from."""
        if self.anticoincidence.ndim != 1 or self.templates.shape != (2, self.anticoincidence.size):
            raise ValueError(
                f"templates {self.templates.shape} and anticoincidence counts {self.anticoincidence.shape}; expected "
                "(2, bins) and (bins,)"
            )
        if not 0 < self.sigma_alpha < np.inf:
            raise ValueError(f"sigma_alpha: {self.sigma_alpha!r}; expected a positive number")
        _expected("anticoincidence counts", self.anticoincidence)

    @cached_property
    def anticoincidence_tables(self) -> tuple[Table, ...]:
        """Of AC in each bin: the same at every truth."""
        return tuple(map(table_of, self.anticoincidence.tolist()))

    def coincidence_means(self, truth: Truth) -> FloatArray:
        """Expected C of each bin, (bins,); ValueError of less than none, or more than `MOST_COUNTS`."""
        signal = (1 + truth.alpha) * (truth.x * self.templates[0] + truth.y * self.templates[1])
        return _expected(f"counts at {truth}", self.anticoincidence + signal)

    def tables(self, truth: Truth) -> tuple[Table, ...]:
        """Of C in each bin, and then of AC; ValueError as that of `coincidence_means`."""
        return (*map(table_of, self.coincidence_means(truth).tolist()), *self.anticoincidence_tables)


def problem_of(model: Model) -> Problem:
    """That of a model whose chi2 is Eq. 7 with N = C - AC and sigma^2 = C + AC, of one nucleus; else ValueError."""
    if not has_contraction(model) or len(model.nuclides) != 1:
        raise ValueError("no toys of Eq. 7; expected one Gaussian data set of one nucleus, with a normalization alone")
    measured = model.dataset.measurement
    return Problem(
        templates=model.dataset.contact_templates,
        anticoincidence=(measured.errors**2 - measured.observed) / 2,
        sigma_alpha=float(precisions(model.nuisances)[0]) ** -0.5,
    )


def _draw(
    problem: Problem, truth: Truth, tables: Sequence[Table], toys: int, rng: np.random.Generator, auxiliary: bool
) -> Toys:
    integers = rng.integers(0, 2**64, (len(tables), toys), dtype=np.uint64)
    counts = np.empty(integers.shape, np.int32)
    for row, table, of_bin in zip(counts, tables, integers, strict=True):
        row[:] = table.counts(of_bin)
    centre = rng.normal(truth.alpha, problem.sigma_alpha, toys) if auxiliary else np.zeros(toys)
    bins = len(tables) // 2
    return Toys(coincidence=counts[:bins], anticoincidence=counts[bins:], centre=centre)


def draw(problem: Problem, truth: Truth, toys: int, rng: np.random.Generator, *, auxiliary: bool = True) -> Toys:
    """Toys at a truth: C ~ Poisson(AC + (1 + alpha) P), AC ~ Poisson(AC), centre ~ Normal(alpha, sigma_alpha).

    Without the auxiliary measurement the centre of every toy is zero, as that of the data is. That is a mistake: toys
    then all repeat what the data's centre happened to be off by. ValueError as that of `Problem.coincidence_means`.
    """
    return _draw(problem, truth, problem.tables(truth), toys, rng, auxiliary)


def contract(problem: Problem, toys: Toys) -> Contracted:
    """Inner products of toys and templates, of weights 1 / sigma^2."""
    (e, mu), observed = problem.templates, toys.observed
    weight = 1 / toys.variance
    weighted = weight * observed
    return Contracted(
        data_data=np.einsum("bt,bt->t", weighted, observed),
        data_template=np.einsum(
            "kb,bt->kt", problem.templates, weighted
        ),  # no digit depends on how many toys there are
        template_template=np.einsum("kb,bt->kt", np.stack([e * e, e * mu, mu * mu]), weight),
        centre=toys.centre,
        penalty=problem.sigma_alpha**-2,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Fall:
    """u^2 / v of toys, with u = b0 x + b1 y + c and v = g0 x^2 + 2 g1 x y + g2 y^2 + p; (toys,) each."""

    b: FloatArray
    c: FloatArray
    g: FloatArray
    p: float

    def at(self, x: Real, y: Real) -> FloatArray:
        """At a point."""
        (b0, b1), (g0, g1, g2) = self.b, self.g
        u = b0 * x + b1 * y + self.c
        return np.asarray(u * u / (g0 * x * x + 2 * g1 * x * y + g2 * y * y + self.p), np.float64)

    def along(self, axis: int, start: Real, other: Real, length: Real) -> FloatArray:
        """Greatest along an edge, where x (axis 0) or y (axis 1) goes from its start on, but for that at its end.

        With u = u0 + u1 t and v = v0 + 2 v1 t + v2 t^2 its maximum is where u1 v = u (v1 + v2 t), which is linear once
        squares cancel. Also at an end at infinity.
        """
        u1, v2 = self.b[axis], self.g[2 * axis]
        u0 = u1 * start + self.b[1 - axis] * other + self.c
        v1 = v2 * start + self.g[1] * other
        v0 = (v1 + self.g[1] * other) * start + self.g[2 - 2 * axis] * other * other + self.p
        numerator, denominator = u0 * v1 - u1 * v0, u1 * v1 - u0 * v2
        ahead = numerator * denominator > 0
        t = np.minimum(np.where(ahead, numerator, 0.0) / np.where(ahead, denominator, 1.0), length)
        u = u0 + u1 * t
        best = u * u / (v0 + (2 * v1 + v2 * t) * t)
        if np.any(np.isinf(length)):
            best = np.maximum(best, u1 * u1 / np.where(v2 > 0, v2, np.inf))
        return np.asarray(best, np.float64)


def _greatest_fall(contracted: Contracted, rectangle: Rectangle) -> FloatArray:
    """Greatest fall of each toy in a rectangle, (toys,)."""
    (x1, x2), (y1, y2) = rectangle.x, rectangle.y
    m, p = 1 + contracted.centre, contracted.penalty
    fall = _Fall(b=contracted.data_template, c=p * m, g=contracted.template_template, p=p)
    moves_x, moves_y = bool(np.any(np.less(x1, x2))), bool(np.any(np.less(y1, y2)))
    ends_x = [x1, x2] if moves_x and np.all(np.isfinite(x2)) else [x1]
    ends_y = [y1, y2] if moves_y and np.all(np.isfinite(y2)) else [y1]
    found = [fall.at(x, y) for x in ends_x for y in ends_y]
    if moves_x:
        found += [fall.along(0, x1, y, np.subtract(x2, x1)) for y in ends_y]
    if moves_y:
        found += [fall.along(1, y1, x, np.subtract(y2, y1)) for x in ends_x]
    best: FloatArray = np.maximum.reduce(found)
    if not (moves_x and moves_y):
        return best
    (b0, b1), (g0, g1, g2) = fall.b, fall.g
    determinant = g0 * g2 - g1 * g1
    apart = determinant > ALIKE * g0 * g2
    divisor = np.where(apart, determinant, np.inf)
    signal_x, signal_y = (g2 * b0 - g1 * b1) / divisor, (g0 * b1 - g1 * b0) / divisor  # s x and s y of the best fit
    x, y = (signal / np.where(m == 0, np.nan, m) for signal in (signal_x, signal_y))
    inside = apart & (x1 <= x) & (x <= x2) & (y1 <= y) & (y <= y2)
    best = np.where(inside, fall.at(np.where(inside, x, x1), np.where(inside, y, y1)), best)
    if len(ends_x) == len(ends_y) == 1:
        at_infinity = signal_x * signal_y >= 0
        best = np.where(at_infinity, np.maximum(best, b0 * signal_x + b1 * signal_y), best)
    return best


def least(contracted: Contracted, rectangle: Rectangle) -> FloatArray:
    """Least chi2 of each toy over alpha and a rectangle of charges squared, (toys,)."""
    highest = contracted.data_data + contracted.penalty * (1 + contracted.centre) ** 2
    return np.asarray(highest - _greatest_fall(contracted, rectangle), np.float64)


def statistic(contracted: Contracted, tested: Rectangle, free: Rectangle) -> FloatArray:
    """Least chi2 of each toy over the tested rectangle, less the least over the free one that holds it, (toys,)."""
    return np.asarray(_greatest_fall(contracted, free) - _greatest_fall(contracted, tested), np.float64)


def _check_inside(tested: Rectangle, free: Rectangle) -> None:
    """ValueError if the tested rectangle leaves the free one by more than rounding."""
    ends: Any = zip(("x", "y"), (tested.x, tested.y), (free.x, free.y), strict=True)
    for name, (first, last), (low, high) in ends:
        rounding = 1e-9 * (1 + np.abs(low))
        if np.any(first < low - rounding) or np.any(last > high * (1 + 1e-9) + rounding):
            raise ValueError(f"{name} tested from {first} to {last}; expected it inside {low} to {high}, which is free")


def statistics_of(
    problem: Problem,
    truth: Truth,
    tested: Rectangle,
    free: Rectangle,
    toys: int,
    seed: int,
    *,
    stream: tuple[int, ...] = (),
    auxiliary: bool = True,
) -> FloatArray:
    """Least chi2 over `tested`, less the least over `free`, of toys drawn at a truth, (toys,).

    The rectangles are of floats. A seed has many streams of toys, one for each point of a scan, say; the first toys of
    one are the same however many are asked for. ValueError of a tested rectangle that the free one does not hold, and
    of a truth that expects less than no counts.
    """
    _check_inside(tested, free)
    tables = problem.tables(truth)
    blocks = -(-toys // TOYS_OF_A_BLOCK)
    found = np.empty((blocks, TOYS_OF_A_BLOCK))
    for number, row in enumerate(found):
        random = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(*stream, number))))
        drawn = _draw(problem, truth, tables, TOYS_OF_A_BLOCK, random, auxiliary)
        row[:] = statistic(contract(problem, drawn), tested, free)
    return found.reshape(-1)[:toys]
