"""Poisson chi2 least over nuisances that only scale samples, at all points of a grid.

Counts are then linear in the nuisances, so chi2 is convex in them, and half of it self-concordant where every bin that
counts has counted once or more. So Newton's decrement d = slope . curvature^-1 . slope says how far down a point has to
go still: by d / 2, but for about (d / 2)^(3/2) (Sec. 9.6 of S. Boyd and L. Vandenberghe, Convex Optimization,
Cambridge, 2004). A point is left as soon as that is nothing.

Most points start there: along a row the nuisances are smooth, found at few points and interpolated to those between
them. Sums over bins are matrix products of tiles of points, whose shape the data set alone says, so that no point's
last digit depends on what else is computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement, pairwise

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray, Real
from cevnsi.model import DataSet, Model, charge_derivatives, chi2_at
from cevnsi.physics.interaction import Values
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.weak_charge import ROWS
from cevnsi.statistics.nuisances import SIGNAL, held, precisions, unfitted

ENOUGH = 1e-8  # of a decrement, which leaves 3e-13 of chi2
ROUNDING = 1e-14  # of chi2, below which no decrement means anything
MOST_STEPS = 100
NEXT_TO_NOTHING = 0.95  # of the way to where a sample is nothing
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
        and not dataset.varied
        and dataset.clock is None
        and not any(nuisance.shifts for nuisance in dataset.nuisances)
        for dataset in model.datasets
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """A data set, bins that have counted something first; "over" is divided by the counts, where there are some.

    Shapes are what counts are a sum of: first those of the signal, its templates if no parameter shapes them, else all
    of it as one; then the backgrounds. All but that one are the same at every point.
    """

    order: Places  # (bins,)
    observed: FloatArray  # (seen,)
    counts: FloatArray  # (bins,), one where nothing is observed
    is_shaped: bool  # whether the signal is one shape, which depends on the point
    over: FloatArray  # (fixed, bins), over counts
    totals: FloatArray  # (fixed,)
    weights: FloatArray  # (fixed, seen): over counts, times counts
    products: FloatArray  # (pairs, seen): of two of them
    pair: Places  # (shapes, shapes): the number of a pair, those of fixed ones first
    backgrounds: int
    scaled_by: tuple[Places, ...]  # by sample, the signal and the backgrounds: numbers of the nuisances that scale it

    @property
    def tile(self) -> int:
        """How many points are taken at once."""
        work = max(len(self.products), 1) * max(self.observed.size, 1)
        return min(max(WORK_PER_TILE // work // COLUMNS_TOGETHER, 1) * COLUMNS_TOGETHER, MOST_PER_TILE)


def _part(dataset: DataSet, names: Sequence[str], interaction: str, is_shaped: bool) -> _Part:
    measured = dataset.measurement
    seen = measured.observed > 0
    order = np.argsort(~seen, kind="stable")
    observed = measured.observed[seen]
    counts = np.where(seen, measured.observed, 1.0)[order]
    templates = [] if is_shaped else list(dataset.term_templates(interaction, {}))
    fixed = np.array([*templates, *measured.backgrounds.values()]).reshape(-1, order.size)[:, order]
    over = fixed / counts
    pairs = list(combinations_with_replacement(range(len(over)), 2))
    if is_shaped:
        pairs = [(i + 1, j + 1) for i, j in pairs] + [(0, j) for j in range(1, len(over) + 1)] + [(0, 0)]
    shapes = len(over) + is_shaped
    pair = np.zeros((shapes, shapes), np.intp)
    for number, (i, j) in enumerate(pairs):
        pair[i, j] = pair[j, i] = number
    weights = over[:, : observed.size] * observed
    products = [weights[i] * over[j, : observed.size] for i, j in combinations_with_replacement(range(len(over)), 2)]
    by_name = {nuisance.name: nuisance for nuisance in dataset.nuisances}
    return _Part(
        order=order,
        observed=observed,
        counts=counts,
        is_shaped=is_shaped,
        over=over,
        totals=fixed.sum(axis=1),
        weights=weights,
        products=np.array(products).reshape(-1, observed.size),
        pair=pair,
        backgrounds=len(measured.backgrounds),
        scaled_by=tuple(
            np.array([j for j, name in enumerate(names) if name in by_name and sample in by_name[name].scales], np.intp)
            for sample in (SIGNAL, *measured.backgrounds)
        ),
    )


@lru_cache(maxsize=16)
def _parts(model: Model, interaction: str, is_shaped: bool) -> tuple[_Part, ...]:
    names = [nuisance.name for nuisance in model.nuisances]
    return tuple(_part(dataset, names, interaction, is_shaped) for dataset in model.datasets)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Signal:
    """Of a data set at some points: how much of each template is expected, and which of several shapes these have."""

    coefficients: FloatArray  # (terms, points)
    templates: FloatArray  # (shapes, terms, bins), over counts
    totals: FloatArray  # (terms, shapes)
    shape: Places  # (points,)


def _signal(part: _Part, templates: FloatArray, coefficients: Sequence[Real], shape: tuple[int, ...]) -> _Signal:
    """Of templates (terms, ..., bins) and their coefficients, at points (...) of this shape."""
    by_bin = templates.reshape(len(templates), -1, part.order.size)
    shapes = np.arange(by_bin.shape[1]).reshape(templates.shape[1:-1])
    return _Signal(
        coefficients=np.stack([np.broadcast_to(np.asarray(c, float), shape).ravel() for c in coefficients]),
        templates=np.ascontiguousarray(by_bin.swapaxes(0, 1)[..., part.order] / part.counts),
        totals=by_bin.sum(axis=2),
        shape=np.broadcast_to(shapes, shape).ravel(),
    )


def _sum(coefficients: FloatArray, values: FloatArray) -> FloatArray:
    """Sum of products (n,) of (terms, n) each, term by term, so that no digit depends on how many points there are."""
    total = np.zeros(coefficients.shape[1])
    for coefficient, value in zip(coefficients, values, strict=True):
        total += coefficient * value
    return total


def _sums_over_bins(part: _Part, signal: _Signal, which: Places, amounts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sums over bins at points (n,) of which amounts (shapes, n) of the shapes of a part are expected.

    Of n ln(mu / n), (n,), which is no finite number where counts mu cannot be; and of n / mu^2 times two shapes,
    (pairs, n). A matrix times a vector is left to einsum, as BLAS may share it out among threads.
    """
    seen, size, pairs, first = part.observed.size, part.tile, len(part.products), int(part.is_shaped)
    found = np.empty((part.pair.max(initial=-1) + 2, -(-which.size // size) * size))
    for start in range(0, which.size, size):
        here, amount = which[start : start + size], amounts[:, start : start + size]
        if here.size < size:
            here = np.pad(here, (0, size - here.size), mode="edge")
            amount = np.pad(amount, ((0, 0), (0, size - amount.shape[1])), mode="edge")
        out = found[:, start : start + size]
        ratio = part.over.T @ amount[first:]
        if part.is_shaped:
            of_signal = np.einsum("kp,pkb->bp", signal.coefficients[:, here], signal.templates[signal.shape[here]])
            ratio += amount[0] * of_signal
        ratio, rest = ratio[:seen], ratio[seen:]
        np.einsum("b,bp->p", part.observed, np.log(ratio), out=out[-1])
        out[-1][(rest < 0).any(axis=0)] = np.nan
        np.square(ratio, out=ratio)
        np.divide(1.0, ratio, out=ratio)
        np.matmul(part.products, ratio, out=out[:pairs])
        if part.is_shaped:
            ratio *= of_signal[:seen]
            np.matmul(part.weights, ratio, out=out[pairs:-2])
            ratio *= of_signal[:seen]
            np.einsum("b,bp->p", part.observed, ratio, out=out[-2])
    return found[-1, : which.size], found[:-1, : which.size]


def _factors(part: _Part, scales: FloatArray) -> FloatArray:
    """What multiplies each sample, (samples, n)."""
    factors = np.ones((len(part.scaled_by), scales.shape[1]))
    for factor, scaling in zip(factors, part.scaled_by, strict=True):
        if scaling.size:
            factor[:] = scales[scaling[0]]
            for j in scaling[1:]:
                factor += scales[j] - 1
    return factors


def _amounts(part: _Part, signal: _Signal, which: Places, factors: FloatArray) -> FloatArray:
    """How much of each shape is expected, (shapes, n)."""
    if part.is_shaped:
        return factors
    return np.concatenate([signal.coefficients[:, which] * factors[0], factors[1:]])


def _by_sample(part: _Part, signal: _Signal, which: Places, by_pair: FloatArray) -> FloatArray:
    """Sums of products of two samples, (samples, samples, n), from those of two shapes."""
    if part.is_shaped:
        return by_pair[part.pair]
    terms, of_signal = len(signal.coefficients), signal.coefficients[:, which]
    result = np.empty((part.backgrounds + 1, part.backgrounds + 1, which.size))
    result[1:, 1:] = by_pair[part.pair[terms:, terms:]]
    for b in range(part.backgrounds):
        result[0, b + 1] = result[b + 1, 0] = _sum(of_signal, by_pair[part.pair[:terms, terms + b]])
    result[0, 0] = _sum(of_signal, np.stack([_sum(of_signal, by_pair[part.pair[:terms, k]]) for k in range(terms)]))
    return result


@dataclass(frozen=True, kw_only=True, eq=False)
class _Problem:
    """Chi2 of all data sets at some points."""

    parts: Sequence[_Part]
    signals: Sequence[_Signal]
    precision: FloatArray  # (nuisances,)
    floor: FloatArray  # (nuisances, 1), of the scales
    first: FloatArray  # (nuisances, 1), scales before any is fitted
    held: NDArray[np.bool_]  # (nuisances, 1), those that stay there

    def terms(self, which: Places, scales: FloatArray) -> Terms:
        """At scales, infinite where counts cannot be."""
        count, theta = len(self.precision), scales - 1
        pulls = self.precision[:, None] * theta
        value, slope = _sum(pulls, theta), 2 * pulls
        curvature = np.zeros((count, count, which.size))
        curvature[np.arange(count), np.arange(count)] = 2 * self.precision[:, None]
        for part, signal in zip(self.parts, self.signals, strict=True):
            factors = _factors(part, scales)
            logarithm, by_pair = _sums_over_bins(part, signal, which, _amounts(part, signal, which, factors))
            second = _by_sample(part, signal, which, by_pair)
            totals = np.empty_like(factors)
            totals[0] = _sum(signal.coefficients[:, which], signal.totals[:, signal.shape[which]])
            totals[1:] = part.totals[len(part.totals) - part.backgrounds :, None]
            value += 2 * (_sum(factors, totals) - part.observed.sum() - logarithm)
            for s, scaling in enumerate(part.scaled_by):
                # n / mu times a sample is n / mu^2 times it times all samples
                along = 2 * (totals[s] - _sum(factors, second[s]))
                for j in scaling:
                    slope[j] += along
                    for t, others in enumerate(part.scaled_by):
                        for k in others:
                            curvature[j, k] += 2 * second[s, t]
        return np.where(np.isnan(value), np.inf, value), slope, curvature

    def room(self, scales: FloatArray, step: FloatArray) -> FloatArray:
        """The part of a step, (n,), at which the first sample that falls is nothing."""
        room = np.full(scales.shape[1], np.inf)
        for part in self.parts:
            for now, then in zip(_factors(part, scales), _factors(part, scales + step), strict=True):
                falls = (then < now) & (now > 0)
                room[falls] = np.minimum(room, now / (now - then))[falls]
        return room


def _problem(model: Model, parts: Sequence[_Part], signals: Sequence[_Signal]) -> _Problem:
    known = model.nuisances
    return _Problem(
        parts=parts,
        signals=signals,
        precision=precisions(known),
        floor=np.array([1 + nuisance.least for nuisance in known]).reshape(-1, 1),
        first=1 + unfitted(known).reshape(-1, 1),
        held=held(known).reshape(-1, 1),
    )


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


def _descend(problem: _Problem, which: Places, start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least chi2 (n,) of points, and scales there (nuisances, n), from a start; not a number where none is found.

    The first step is the one from what is not fitted to the start. One that leads up, or to counts that cannot be, is
    halved, or cut where a sample is next to nothing.
    """
    floor, least, count = problem.floor, np.full(which.size, np.nan), len(start)
    at = np.maximum(np.broadcast_to(problem.first, start.shape), floor)
    best = at.copy()
    going, step, part = np.arange(which.size), start - at, np.ones(which.size)
    value, decrement = np.full((2, which.size), np.inf)
    for _ in range(MOST_STEPS):
        trial = np.maximum(at + part * step, floor)
        found, slope, curvature = problem.terms(which[going], trial)
        better = np.isfinite(found) & (found <= value)
        resting = ((trial <= floor) & (slope > 0)) | problem.held
        slope[resting] = 0.0
        for j in range(count):
            curvature[j][:, resting[j]] = curvature[:, j][:, resting[j]] = 0.0
            curvature[j, j][resting[j]] = 1.0
        following = _newton(slope, curvature)
        at, step = np.where(better, trial, at), np.where(better, following, step)
        value = np.where(better, found, value)
        decrement = np.where(better, -(slope * following).sum(axis=0), decrement)
        shorter = part if better.all() else np.minimum(part / 2, NEXT_TO_NOTHING * problem.room(at, step))
        part = np.where(better, 1.0, shorter)
        done = np.isfinite(value) & (np.abs(decrement) <= np.maximum(ENOUGH, ROUNDING * np.abs(value)))
        ended = going[done]
        least[ended] = (value - decrement / 2)[done]
        best[:, ended] = np.maximum(at + step, floor)[:, done]
        keep = ~done
        if not keep.any():
            break
        going, at, step, part = going[keep], at[:, keep], step[:, keep], part[keep]
        value, decrement = value[keep], decrement[keep]
    return least, best


def _levels(columns: int) -> list[tuple[int, Places]]:
    """Columns of a row in the order in which they are found, and how far off are those that they start from."""
    found, stride = [(0, np.arange(0, columns, COLD))], COLD // 2
    while stride:
        found.append((stride, np.arange(stride, columns, 2 * stride)))
        stride //= 2
    return [(stride, level) for stride, level in found if level.size]


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
    terms = INTERACTIONS[interaction].terms
    parts = _parts(model, interaction, terms.shaped_by(parameters))
    signals = [
        _signal(
            part,
            dataset.term_templates(interaction, parameters),
            terms.coefficients(dataset.recoils, parameters),
            shape,
        )
        for dataset, part in zip(model.datasets, parts, strict=True)
    ]
    problem, count = _problem(model, parts, signals), len(model.nuisances)
    scales, chi2 = np.tile(problem.first[..., None], (1, rows, columns)), np.empty((rows, columns))
    places = np.arange(rows * columns).reshape(rows, columns)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # where counts cannot be
        for stride, found in _levels(columns):
            start = _between(scales, found, stride) if stride else scales[..., found]
            value, best = _descend(problem, places[:, found].ravel(), start.reshape(count, rows * found.size))
            chi2[:, found] = value.reshape(rows, found.size)
            scales[..., found] = best.reshape(count, rows, found.size)
        left = np.isnan(chi2).ravel()
        if left.any():
            points = {name: np.broadcast_to(value, shape).ravel()[left] for name, value in parameters.items()}
            chi2.ravel()[left] = chi2_at(model, interaction, points)
    return chi2.reshape(shape)


def derivatives_over_scales(
    model: Model, interaction: str, charges: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Chi2 (n,), gradient (n, k) and Hessian (n, k, k): `charge_derivatives` of a model that `has_scales_alone`.

    The interaction is that whose coefficients the charges (n, k) are, by row and nuclide of all data sets. A charge
    multiplies one shape, as does the scale of its sample, so all derivatives are sums of two shapes.
    """
    points, count, parts = len(charges), len(model.nuisances), _parts(model, interaction, False)
    every = np.arange(points)
    by_row = np.arange(charges.shape[1]).reshape(len(ROWS), -1)  # of nuclides
    ends = np.cumsum([0, *(len(dataset.templates.nuclides) for dataset in model.datasets)])
    mine = [by_row[:, first:last].ravel() for first, last in pairwise(ends)]
    signals = [
        _signal(part, dataset.term_templates(interaction, {}), list(charges.T[columns]), (points,))
        for dataset, part, columns in zip(model.datasets, parts, mine, strict=True)
    ]
    problem = _problem(model, parts, signals)
    gradient, hessian = np.zeros((charges.shape[1], points)), np.zeros((charges.shape[1], charges.shape[1], points))
    mixed = np.zeros((charges.shape[1], count, points))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # where counts cannot be
        chi2, scales = _descend(problem, every, np.tile(problem.first, (1, points)))
        own = problem.terms(every, scales)[2]
        for part, signal, columns in zip(parts, signals, mine, strict=True):
            factors = _factors(part, scales)
            amounts = _amounts(part, signal, every, factors)
            second = 2 * _sums_over_bins(part, signal, every, amounts)[1][part.pair]
            for k, column in enumerate(columns):
                along = 2 * part.totals[k] - _sum(amounts, second[k])
                gradient[column] = factors[0] * along
                hessian[column, columns] = factors[0] ** 2 * second[k, : columns.size]
                of_signal = _sum(signal.coefficients, second[k, : columns.size])
                mixed[column, part.scaled_by[0]] += along + factors[0] * of_signal
                for b, scaling in enumerate(part.scaled_by[1:], start=columns.size):
                    mixed[column, scaling] += factors[0] * second[k, b]
    resting = (scales <= problem.floor) | problem.held  # these do not follow
    mixed[np.broadcast_to(resting, mixed.shape)] = 0.0
    own[resting[:, None] | resting] = 0.0
    own[np.arange(count), np.arange(count)] += resting
    left = np.isnan(chi2)
    own[..., left] = np.eye(count)[..., None]
    follow = np.moveaxis(mixed, 2, 0)  # (n, k, nuisances)
    taken = follow @ np.linalg.solve(np.moveaxis(own, 2, 0), follow.swapaxes(1, 2))
    found = chi2, gradient.T.copy(), np.moveaxis(hessian, 2, 0) - taken
    if left.any():
        for mine_of, theirs in zip(found, charge_derivatives(model, charges[left]), strict=True):
            mine_of[left] = theirs
    return found
