"""Poisson chi2 least over nuisances that only scale samples, at all points of a grid.

Counts are then linear in the nuisances, so chi2 is convex in them, and half of it self-concordant where every bin that
counts has counted once or more. So Newton's decrement d = slope . curvature^-1 . slope says how far down a point has to
go still: by d / 2, but for about (d / 2)^(3/2) (Sec. 9.6 of S. Boyd and L. Vandenberghe, Convex Optimization,
Cambridge, 2004). A point is left as soon as that is nothing.

Most points start there: along a row the nuisances are smooth, found at few points and interpolated to those between
them. Sums over bins are matrix products of tiles of points, whose shape the data set alone says, so that no point's
last digit depends on what else is computed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.model import DataSet, Model, chi2_at
from cevnsi.physics.interaction import Values
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.statistics.nuisances import SIGNAL, precisions

ENOUGH = 1e-8  # of a decrement, which leaves 3e-13 of chi2
ROUNDING = 1e-14  # of chi2, below which no decrement means anything
MOST_STEPS = 100
SMALLEST_PART = 2.0**-40  # of a step; where none leads down is no minimum inside
COLD = 64  # points of a row from one that starts with nothing to the next
# Points of a tile: what BLAS leaves to a single thread, and no more than keeps a few arrays by bin in cache.
MOST_PER_TILE, WORK_PER_TILE = 256, 2**18
ARRAYS_BY_POINT = 6  # in units of the few dozen that `VALUES_AT_ONCE` is of
COLUMNS_TOGETHER = 16  # a multiple of what matrix kernels take at a time, so that no point of a tile is a leftover

Places = NDArray[np.intp]
# Chi2 (n,), slope (nuisances, n) and curvature (nuisances, nuisances, n) of points (n,) at scales (nuisances, n).
# A scale is one plus a nuisance, which keeps its digits next to zero, as that of a signal that is far too large.
Terms = tuple[FloatArray, FloatArray, FloatArray]


def has_scales_alone(model: Model) -> bool:
    """Whether a model is of Poisson counts without a control region, and its nuisances only scale samples."""
    return all(
        dataset.statistic == "poisson"
        and dataset.measurement.control is None
        and not dataset.shifted
        and not any(nuisance.shifts for nuisance in dataset.nuisances)
        for dataset in model.datasets
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """A data set: bins that have counted something first, and what is divided by their counts is so."""

    order: Places  # (bins,)
    observed: FloatArray  # (seen,)
    counts: FloatArray  # (bins,), one where nothing is observed
    backgrounds: FloatArray  # (backgrounds, bins), over counts
    totals: FloatArray  # (backgrounds,)
    pairs: tuple[tuple[int, int], ...]  # of backgrounds
    weights: FloatArray  # (pairs + backgrounds, seen): products of pairs, then backgrounds, both times the counts
    scaled_by: tuple[Places, ...]  # by sample, the signal first: numbers of the nuisances that scale it

    @property
    def tile(self) -> int:
        """How many points are taken at once."""
        work = max(len(self.weights), 1) * max(self.observed.size, 1)
        return min(max(WORK_PER_TILE // work // COLUMNS_TOGETHER, 1) * COLUMNS_TOGETHER, MOST_PER_TILE)


def _part(dataset: DataSet, names: Sequence[str]) -> _Part:
    measured = dataset.measurement
    seen = measured.observed > 0
    order = np.argsort(~seen, kind="stable")
    observed = measured.observed[seen]
    counts = np.where(seen, measured.observed, 1.0)[order]
    backgrounds = np.array(list(measured.backgrounds.values())).reshape(-1, order.size)[:, order]
    over = backgrounds / counts
    pairs = tuple(combinations_with_replacement(range(len(over)), 2))
    products = [over[i] * over[j] for i, j in pairs]
    by_name = {nuisance.name: nuisance for nuisance in dataset.nuisances}
    scaled_by = [
        np.array([j for j, name in enumerate(names) if name in by_name and sample in by_name[name].scales], np.intp)
        for sample in (SIGNAL, *measured.backgrounds)
    ]
    return _Part(
        order=order,
        observed=observed,
        counts=counts,
        backgrounds=over,
        totals=backgrounds.sum(axis=1),
        pairs=pairs,
        weights=np.array([*products, *over]).reshape(-1, order.size)[:, : observed.size] * observed,
        scaled_by=tuple(scaled_by),
    )


@lru_cache(maxsize=16)
def _parts(model: Model) -> tuple[_Part, ...]:
    names = [nuisance.name for nuisance in model.nuisances]
    return tuple(_part(dataset, names) for dataset in model.datasets)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Signal:
    """Of a data set at some points: a few templates, and which of them and how much of each is expected at each."""

    templates: FloatArray  # (shapes, terms, bins), over the counts, bins in the order of the part
    totals: FloatArray  # (terms, shapes)
    shape: Places  # (points,)
    coefficients: FloatArray  # (terms, points)

    def total(self, which: Places) -> FloatArray:
        """Counts in all bins, (n,)."""
        return _sum(self.coefficients[:, which], self.totals[:, self.shape[which]])

    def over_counts(self, which: Places) -> FloatArray:
        """(bins, n)."""
        coefficients = self.coefficients[:, which]
        if len(self.templates) == 1:
            return np.asarray(self.templates[0].T @ coefficients)
        return np.asarray(np.einsum("kp,pkb->bp", coefficients, self.templates[self.shape[which]]))


def _sum(coefficients: FloatArray, templates: FloatArray) -> FloatArray:
    """Term by term, so that no digit depends on how many points there are."""
    total = coefficients[0] * templates[0]
    for coefficient, template in zip(coefficients[1:], templates[1:], strict=True):
        total += coefficient * template
    return np.asarray(total)


def _signal(dataset: DataSet, part: _Part, interaction: str, parameters: Values, shape: tuple[int, ...]) -> _Signal:
    terms = INTERACTIONS[interaction].terms
    templates = dataset.term_templates(interaction, parameters)  # (terms, ..., bins)
    shapes = np.arange(templates[0, ..., 0].size).reshape(templates.shape[1:-1])
    coefficients = terms.coefficients(dataset.recoils, parameters)
    by_bin = templates.reshape(len(templates), -1, part.order.size)
    return _Signal(
        templates=np.ascontiguousarray(by_bin.swapaxes(0, 1)[..., part.order] / part.counts),
        totals=by_bin.sum(axis=2),
        shape=np.broadcast_to(shapes, shape).ravel(),
        coefficients=np.stack([np.broadcast_to(np.asarray(c, float), shape).ravel() for c in coefficients]),
    )


def _products(part: _Part, signal: _Signal, which: Places, factors: FloatArray) -> tuple[FloatArray, ...]:
    """Sums over bins at points (n,) whose samples are scaled by factors (samples, n).

    Sum of n ln(mu / n), (n,), not a number or infinite where counts mu cannot be; and of n / mu^2 times products of
    backgrounds (pairs, n), of signal and background (backgrounds, n), and of the signal with itself (n,).
    """
    seen, size, pairs = part.observed.size, part.tile, len(part.pairs)
    found = np.empty((len(part.weights) + 2, -(-which.size // size) * size))
    for start in range(0, which.size, size):
        here = which[start : start + size]
        scales = factors[:, start : start + size]
        if here.size < size:
            here = np.pad(here, (0, size - here.size), mode="edge")
            scales = np.pad(scales, ((0, 0), (0, size - scales.shape[1])), mode="edge")
        out = found[:, start : start + size]
        of_signal = signal.over_counts(here)
        ratio = part.backgrounds.T @ scales[1:]
        ratio += scales[0] * of_signal
        ratio, rest, of_signal = ratio[:seen], ratio[seen:], of_signal[:seen]
        np.matmul(part.observed, np.log(ratio), out=out[-1])
        out[-1][(rest < 0).any(axis=0)] = np.nan
        np.square(ratio, out=ratio)
        np.divide(1.0, ratio, out=ratio)
        np.matmul(part.weights[:pairs], ratio, out=out[:pairs])
        ratio *= of_signal
        np.matmul(part.weights[pairs:], ratio, out=out[pairs:-2])
        ratio *= of_signal
        np.matmul(part.observed, ratio, out=out[-2])
    found = found[:, : which.size]
    return found[-1], found[:pairs], found[pairs:-2], found[-2]


def _terms(
    parts: Sequence[_Part], signals: Sequence[_Signal], precision: FloatArray, which: Places, scales: FloatArray
) -> Terms:
    """Chi2 and its derivatives at scales, infinite where counts cannot be."""
    count, theta = len(precision), scales - 1
    pulls = precision[:, None] * theta
    value, slope = (pulls * theta).sum(axis=0), 2 * pulls
    curvature = np.zeros((count, count, which.size))
    curvature[np.arange(count), np.arange(count)] = 2 * precision[:, None]
    for part, signal in zip(parts, signals, strict=True):
        factors = np.ones((len(part.scaled_by), which.size))
        for factor, scaling in zip(factors, part.scaled_by, strict=True):
            if scaling.size:
                factor[:] = scales[scaling[0]]
                for j in scaling[1:]:
                    factor += theta[j]
        logarithm, of_pairs, mixed, own = _products(part, signal, which, factors)
        second = np.empty((len(factors), len(factors), which.size))
        second[0, 0], second[0, 1:], second[1:, 0] = own, mixed, mixed
        for k, (i, j) in enumerate(part.pairs):
            second[i + 1, j + 1] = second[j + 1, i + 1] = of_pairs[k]
        totals = np.concatenate([signal.total(which)[None], np.tile(part.totals[:, None], which.size)])
        value = value + 2 * (_sum(factors, totals) - part.observed.sum() - logarithm)
        for s, scaling in enumerate(part.scaled_by):
            # n / mu times a sample is n / mu^2 times it times all samples
            along = 2 * (totals[s] - _sum(factors, second[s]))
            for j in scaling:
                slope[j] += along
                for t, others in enumerate(part.scaled_by):
                    for k in others:
                        curvature[j, k] += 2 * second[s, t]
    return np.where(np.isnan(value), np.inf, value), slope, curvature


def _newton(slope: FloatArray, curvature: FloatArray) -> FloatArray:
    """Steps (nuisances, n), by Gauss's elimination without pivots, as the curvature is positive."""
    matrix, step, count = curvature.copy(), -slope, len(slope)
    for i in range(count):
        for j in range(i + 1, count):
            factor = matrix[i, j] / matrix[i, i]
            matrix[j, j:] -= factor * matrix[i, j:]
            step[j] -= factor * step[i]
    for i in reversed(range(count)):
        for j in range(i + 1, count):
            step[i] -= matrix[i, j] * step[j]
        step[i] /= matrix[i, i]
    return step


def _descend(
    terms: Callable[[Places, FloatArray], Terms], which: Places, start: FloatArray, floor: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Least chi2 (n,) of points, and scales there (nuisances, n), from a start; not a number where none is found.

    The first step is the one from one to the start, which is shortened as any is where it leads to no counts.
    """
    least, count = np.full(which.size, np.nan), len(floor)
    at = np.maximum(np.ones_like(start), floor)
    best = at.copy()
    going, step, part = np.arange(which.size), start - at, np.ones(which.size)
    value, decrement = np.full(which.size, np.inf), np.full(which.size, np.inf)
    for _ in range(MOST_STEPS):
        trial = np.maximum(at + part * step, floor)
        found, slope, curvature = terms(which[going], trial)
        better = np.isfinite(found) & (found <= value)
        resting = (trial <= floor) & (slope > 0)
        slope[resting] = 0.0
        for j in range(count):
            curvature[j][:, resting[j]] = curvature[:, j][:, resting[j]] = 0.0
            curvature[j, j][resting[j]] = 1.0
        following = _newton(slope, curvature)
        at, step = np.where(better, trial, at), np.where(better, following, step)
        value = np.where(better, found, value)
        decrement = np.where(better, -(slope * following).sum(axis=0), decrement)
        part = np.where(better, 1.0, part / 2)
        done = decrement <= np.maximum(ENOUGH, ROUNDING * np.abs(value))
        ended = going[done]
        least[ended] = (value - decrement / 2)[done]
        best[:, ended] = np.maximum(at + step, floor)[:, done]
        keep = ~done & (part > SMALLEST_PART)
        if not keep.any():
            break
        going, at, step, part = going[keep], at[:, keep], step[:, keep], part[keep]
        value, decrement = value[keep], decrement[keep]
    return least, best


def _levels(columns: int) -> list[Places]:
    """Columns of a row in the order in which they are found: some, then those in the middle, again and again."""
    found, stride = [np.arange(0, columns, COLD)], COLD
    while stride > 1:
        found.append(np.arange(stride // 2, columns, stride))
        stride //= 2
    return [level for level in found if level.size]


def _between(scales: FloatArray, columns: Places, stride: int) -> FloatArray:
    """Scales (nuisances, rows, n) at columns from those a stride to both sides, and three of them: their cubic."""
    last = scales.shape[2] - 1
    left, right = scales[..., columns - stride], scales[..., np.minimum(columns + stride, last)]
    guess = np.where(columns + stride <= last, (left + right) / 2, left)
    inside = (columns >= 3 * stride) & (columns + 3 * stride <= last)
    far = scales[..., columns[inside] - 3 * stride] + scales[..., columns[inside] + 3 * stride]
    guess[..., inside] = (9 * (left + right)[..., inside] - far) / 16
    return guess


def least_over_scales(model: Model, interaction: str, parameters: Values) -> FloatArray:
    """Chi2 at parameters, which broadcast: `chi2_at` of a model that `has_scales_alone`.

    Of two or more dimensions the last is a row: its points start from one another, so whoever cuts a grid leaves rows
    whole. Points of one dimension stand alone. Where counts cannot be, or no minimum is found, it is the plain way.
    """
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters.values()))
    rows, columns = (int(np.prod(shape[:-1])), shape[-1]) if len(shape) > 1 else (int(np.prod(shape)), 1)
    parts = _parts(model)
    signals = [
        _signal(dataset, part, interaction, parameters, shape)
        for dataset, part in zip(model.datasets, parts, strict=True)
    ]
    precision, floor = precisions(model.nuisances), np.array([[1 + n.least] for n in model.nuisances]).reshape(-1, 1)
    scales, chi2 = np.ones((len(precision), rows, columns)), np.empty((rows, columns))
    places = np.arange(rows * columns).reshape(rows, columns)

    def terms(which: Places, at: FloatArray) -> Terms:
        return _terms(parts, signals, precision, which, at)

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # where counts cannot be
        for level, found in enumerate(_levels(columns)):
            start = scales[..., found] if not level else _between(scales, found, COLD >> level)
            which, flat = places[:, found].ravel(), start.reshape(len(precision), -1)
            value, best = _descend(terms, which, flat, floor)
            chi2[:, found] = value.reshape(rows, -1)
            scales[..., found] = best.reshape(len(precision), rows, -1)
    left = np.isnan(chi2).ravel()
    if left.any():
        points = {name: np.broadcast_to(value, shape).ravel()[left] for name, value in parameters.items()}
        chi2.ravel()[left] = chi2_at(model, interaction, points)
    return chi2.reshape(shape)
