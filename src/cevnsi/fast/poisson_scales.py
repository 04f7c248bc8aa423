"""Sums over the bins of a data set of Poisson counts whose nuisances only scale samples, at many points.

They are matrix products of tiles of points, whose shape the data set alone says, so that no point's last digit depends
on what else is computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.fast.newton import ChargeTerms, Places, Terms, factors_of, summed
from cevnsi.model import DataSet
from cevnsi.statistics.nuisances import SIGNAL

# Points of a tile: what BLAS leaves to a single thread, and no more than keeps a few arrays by bin in cache.
MOST_PER_TILE, WORK_PER_TILE = 256, 2**18
COLUMNS_TOGETHER = 16  # a multiple of what matrix kernels take at a time, so that no point of a tile is a leftover


def has_scales_alone(dataset: DataSet) -> bool:
    """Whether nuisances of Poisson counts without a control region only scale samples."""
    return (
        dataset.statistic == "poisson"
        and dataset.measurement.control is None
        and not dataset.varied
        and dataset.clock is None
        and not any(nuisance.shifts for nuisance in dataset.nuisances)
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class ScaledPart:
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
    scaled_by: tuple[Places, ...]  # (nuisances,) by sample, the signal and the backgrounds: numbers of those that scale

    @property
    def tile(self) -> int:
        """How many points are taken at once."""
        work = max(len(self.products), 1) * max(self.observed.size, 1)
        return min(max(WORK_PER_TILE // work // COLUMNS_TOGETHER, 1) * COLUMNS_TOGETHER, MOST_PER_TILE)


def scaled_part(dataset: DataSet, names: Sequence[str], interaction: str, is_shaped: bool) -> ScaledPart:
    """That of a data set, where the nuisances of all data sets have these names."""
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
    return ScaledPart(
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


@dataclass(frozen=True, kw_only=True, eq=False)
class ScaledSignal:
    """Of a data set at some points: how much of each template is expected, and which of several shapes these have."""

    coefficients: FloatArray  # (terms, points)
    templates: FloatArray  # (shapes, terms, bins), over counts
    totals: FloatArray  # (terms, shapes)
    shape: Places  # (points,)


def scaled_signal(
    part: ScaledPart, templates: FloatArray, coefficients: Sequence[Real], shape: tuple[int, ...]
) -> ScaledSignal:
    """Of templates (terms, ..., bins) and their coefficients, at points (...) of this shape."""
    by_bin = templates.reshape(len(templates), -1, part.order.size)
    shapes = np.arange(by_bin.shape[1]).reshape(templates.shape[1:-1])
    return ScaledSignal(
        coefficients=np.stack([np.broadcast_to(np.asarray(c, float), shape).ravel() for c in coefficients]),
        templates=np.ascontiguousarray(by_bin.swapaxes(0, 1)[..., part.order] / part.counts),
        totals=by_bin.sum(axis=2),
        shape=np.broadcast_to(shapes, shape).ravel(),
    )


def sums_over_bins(
    part: ScaledPart, signal: ScaledSignal, which: Places, amounts: FloatArray
) -> tuple[FloatArray, FloatArray]:
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


def amounts_of(part: ScaledPart, signal: ScaledSignal, which: Places, factors: FloatArray) -> FloatArray:
    """How much of each shape is expected, (shapes, n), at factors of samples (samples, n)."""
    if part.is_shaped:
        return factors
    return np.concatenate([signal.coefficients[:, which] * factors[0], factors[1:]])


def _by_sample(part: ScaledPart, signal: ScaledSignal, which: Places, by_pair: FloatArray) -> FloatArray:
    """Sums of products of two samples, (samples, samples, n), from those of two shapes."""
    if part.is_shaped:
        return by_pair[part.pair]
    terms, of_signal = len(signal.coefficients), signal.coefficients[:, which]
    result = np.empty((part.backgrounds + 1, part.backgrounds + 1, which.size))
    result[1:, 1:] = by_pair[part.pair[terms:, terms:]]
    for b in range(part.backgrounds):
        result[0, b + 1] = result[b + 1, 0] = summed(of_signal, by_pair[part.pair[:terms, terms + b]])
    result[0, 0] = summed(of_signal, np.stack([summed(of_signal, by_pair[part.pair[:terms, k]]) for k in range(terms)]))
    return result


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaled:
    """Such a data set at points, as `newton.Counted`."""

    part: ScaledPart
    signal: ScaledSignal

    def factors(self, scales: FloatArray) -> FloatArray:
        """What multiplies each sample, (samples, n), at scales (nuisances, n)."""
        return factors_of(self.part.scaled_by, scales)

    def add(self, which: Places, scales: FloatArray, side: FloatArray, to: Terms) -> None:
        """Its chi2 and derivatives at points (n,) with scales (nuisances, n); there are no kinks."""
        part, signal = self.part, self.signal
        factors = factors_of(part.scaled_by, scales)
        logarithm, by_pair = sums_over_bins(part, signal, which, amounts_of(part, signal, which, factors))
        second = _by_sample(part, signal, which, by_pair)
        totals = np.empty_like(factors)
        totals[0] = summed(signal.coefficients[:, which], signal.totals[:, signal.shape[which]])
        totals[1:] = part.totals[len(part.totals) - part.backgrounds :, None]
        to.value[:] += 2 * (summed(factors, totals) - part.observed.sum() - logarithm)
        for s, scaling in enumerate(part.scaled_by):
            # n / mu times a sample is n / mu^2 times it times all samples
            along = 2 * (totals[s] - summed(factors, second[s]))
            for j in scaling:
                to.slope[j] += along
                for t, others in enumerate(part.scaled_by):
                    for k in others:
                        to.curvature[j, k] += 2 * second[s, t]

    def by_charge(self, which: Places, scales: FloatArray, columns: Places, to: ChargeTerms) -> None:
        """Derivatives in charges squared: one multiplies one shape, as the scale of its sample does.

        So all of them are sums of two shapes. Scales are (nuisances, n), numbers of the charges (k,).
        """
        part, signal, factors = self.part, self.signal, factors_of(self.part.scaled_by, scales)
        amounts = amounts_of(part, signal, which, factors)
        second = 2 * sums_over_bins(part, signal, which, amounts)[1][part.pair]
        for k, column in enumerate(columns):
            along = 2 * part.totals[k] - summed(amounts, second[k])
            to.gradient[column] = factors[0] * along
            to.hessian[column, columns] = factors[0] ** 2 * second[k, : columns.size]
            of_signal = summed(signal.coefficients[:, which], second[k, : columns.size])
            to.mixed[column, part.scaled_by[0]] += along + factors[0] * of_signal
            for b, scaling in enumerate(part.scaled_by[1:], start=columns.size):
                to.mixed[column, scaling] += factors[0] * second[k, b]
