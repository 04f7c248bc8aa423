"""Sums over the bins of a data set of Poisson counts whose nuisances change shapes and arrival times, too.

Counts and their directions are those of `statistics.nuisances.Sample`, for a tile of points at once: small matrix
products of each point by itself, so that no point's last digit depends on what else is computed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.experiments.clock import Shares
from cevnsi.fast.newton import ChargeTerms, Places, Terms, factors_of
from cevnsi.model import DataSet
from cevnsi.statistics.nuisances import SIGNAL, Sides, gathered, spread

WORK_PER_TILE = 2**17  # values of directions, which stay in cache


@dataclass(frozen=True, kw_only=True, eq=False)
class _Moved:
    """A sample, and the numbers of a data set's own nuisances that move it."""

    scaled_by: Places
    shifted_by: Places
    kinked: Places  # which of the shifts have a kink
    arrival: tuple[int, Shares] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class ShapedPart:
    """What of a data set is the same at every point."""

    observed: FloatArray  # (bins,)
    numbers: Places  # (nuisances,), of its own, among those of all data sets
    moved: tuple[_Moved, ...]  # the signal and the backgrounds
    shapes: tuple[FloatArray, ...]  # of backgrounds, `_stacked`, (rows, cells)

    @cached_property
    def tile(self) -> int:
        """How many points are taken at once."""
        return max(WORK_PER_TILE // (max(self.numbers.size, 1) * self.observed.size), 1)


def _stacked(nominal: FloatArray, sides: Sequence[Sides]) -> FloatArray:
    """Rows of a shape (..., rows, cells): nominal, slopes of all shifts, and of those with a kink below it."""
    below = [-down for _, down in sides if down is not None]
    return np.stack([nominal, *(up for up, _ in sides), *below], axis=-2)


def shaped_part(dataset: DataSet, names: Sequence[str]) -> ShapedPart:
    """That of a data set, where the nuisances of all data sets have these names."""
    own = {nuisance.name: j for j, nuisance in enumerate(dataset.nuisances)}
    clock, moved, shapes = dataset.clock, [], []
    for sample in (SIGNAL, *dataset.measurement.backgrounds):
        if sample == SIGNAL:
            sides = {name: two[1] is not None for name, two in dataset.varied.items()}
        else:
            shifts = {n.name: n.shifts[sample] for n in dataset.nuisances if sample in n.shifts}
            sides = {name: down is not None for name, (_, down) in shifts.items()}
            nominal = dataset.measurement.backgrounds[sample]
            if clock is not None and sample in clock.shares:
                nominal = clock.shapes[sample]
            shapes.append(_stacked(nominal, list(shifts.values())))
        arrival = None
        if clock is not None and sample in clock.shares:
            arrival = own[clock.nuisance], clock.shares[sample]
        moved.append(
            _Moved(
                scaled_by=np.array([own[n.name] for n in dataset.nuisances if sample in n.scales], np.intp),
                shifted_by=np.array([own[name] for name in sides], np.intp),
                kinked=np.flatnonzero(list(sides.values())),
                arrival=arrival,
            )
        )
    return ShapedPart(
        observed=dataset.measurement.observed,
        numbers=np.array([names.index(name) for name in own], np.intp),
        moved=tuple(moved),
        shapes=tuple(shapes),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Shaped:
    """Such a data set at points, as `newton.Counted`."""

    part: ShapedPart
    coefficients: FloatArray  # (points, terms)
    templates: FloatArray  # (shapes, terms, rows, cells), `_stacked`
    shape: Places  # (points,), which of the shapes

    def raised(self, empty: float) -> "Shaped":
        """The same as if so much were observed in bins that are empty."""
        return replace(self, part=replace(self.part, observed=np.maximum(self.part.observed, empty)))

    def factors(self, scales: FloatArray) -> FloatArray:
        """What multiplies each sample, (samples, n), at scales (nuisances, n)."""
        return factors_of([self.part.numbers[moved.scaled_by] for moved in self.part.moved], scales)

    def _signal(self, which: Places) -> FloatArray:
        """Rows of the signal, (n, rows, cells)."""
        _, terms, rows, cells = self.templates.shape
        flat, coefficients = self.templates.reshape(len(self.templates), terms, -1), self.coefficients[which]
        found = np.empty((which.size, rows * cells))
        shape = self.shape[which]
        for one in np.unique(shape):
            mine = shape == one
            found[mine] = (coefficients[mine][:, None] @ flat[one])[:, 0]
        return found.reshape(-1, rows, cells)

    def _tiles(self, which: Places, scales: FloatArray, side: FloatArray) -> Iterator[tuple[slice, "_Counts"]]:
        """Counts at points (n,), of a tile at once."""
        numbers, size = self.part.numbers, self.part.tile
        for start in range(0, which.size, size):
            here = slice(start, start + size)
            theta = (scales[numbers, here] - 1).T
            toward = np.where(theta == 0, side[numbers, here].T, theta)
            cells = [self._signal(which[here]), *(shape[None] for shape in self.part.shapes)]
            samples = [
                _Sample.at(moved, one, theta, toward, factor[:, None])
                for moved, one, factor in zip(self.part.moved, cells, self.factors(scales[:, here]), strict=True)
            ]
            yield here, _Counts(observed=self.part.observed, samples=samples, theta=theta, toward=toward)

    def add(self, which: Places, scales: FloatArray, side: FloatArray, to: Terms) -> None:
        """Its chi2 and derivatives at points (n,), of scales and sides of kinks (nuisances, n)."""
        numbers = self.part.numbers
        square = np.ix_(numbers, numbers)
        for here, counts in self._tiles(which, scales, side):
            jump, bent = np.zeros_like(counts.theta), np.zeros((*counts.theta.shape, numbers.size))
            for sample in counts.samples:
                sample.bend(counts.residual, jump, bent)
            to.value[here] += counts.chi2
            to.slope[numbers, here] += (counts.directions @ counts.residual[..., None])[..., 0].T
            to.jump[numbers, here] += jump.T
            curvature = (counts.directions * counts.weight[:, None]) @ counts.directions.swapaxes(1, 2)
            to.curvature[..., here][square] += np.moveaxis(curvature, 0, 2)
            if to.bent is not None:
                to.bent[..., here][square] += np.moveaxis(bent, 0, 2)

    def by_charge(self, which: Places, scales: FloatArray, columns: Places, to: ChargeTerms) -> None:
        """Derivatives in charges squared, each of which multiplies one template of the signal.

        Scales are (nuisances, n), numbers of the charges (k,).
        """
        numbers = self.part.numbers
        for here, counts in self._tiles(which, scales, np.zeros_like(scales)):
            means = []
            for k, column in enumerate(columns):
                signal = counts.samples[0]
                one = _Sample.at(signal.moved, self.templates[0, k][None], counts.theta, counts.toward, signal.factor)
                mean, directions = one.counts(counts.directions.shape)
                means.append(mean)
                to.gradient[column, here] = (mean * counts.residual).sum(axis=1)
                both = counts.directions @ (counts.weight * mean)[..., None] + directions @ counts.residual[..., None]
                to.mixed[column][numbers, here] += both[..., 0].T
            for mean, row in zip(means, columns, strict=True):
                for other, column in zip(means, columns, strict=True):
                    to.hessian[row, column, here] = (counts.weight * mean * other).sum(axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Counts:
    """Expected counts at points (n,), and what chi2 takes from them."""

    observed: FloatArray  # (bins,)
    samples: Sequence["_Sample"]
    theta: FloatArray  # (n, nuisances)
    toward: FloatArray  # (n, nuisances), not negative where directions are those of the upper side of a kink

    @cached_property
    def _both(self) -> tuple[FloatArray, FloatArray]:
        mean, directions = self.samples[0].counts((*self.theta.shape, self.observed.size))
        for sample in self.samples[1:]:
            sample.add(mean, directions)
        return mean, directions

    @property
    def mean(self) -> FloatArray:
        """Expected counts, (n, bins)."""
        return self._both[0]

    @property
    def directions(self) -> FloatArray:
        """Their derivatives, (n, nuisances, bins)."""
        return self._both[1]

    @cached_property
    def _ratio(self) -> FloatArray:
        return np.where(self.observed > 0, self.observed / self.mean, 0.0)

    @cached_property
    def residual(self) -> FloatArray:
        """Derivatives of chi2 with respect to the counts, (n, bins)."""
        return np.asarray(2 * (1 - self._ratio))

    @cached_property
    def weight(self) -> FloatArray:
        """Second derivatives of chi2 with respect to the counts, (n, bins)."""
        return np.where(self.observed > 0, 2 * self._ratio / self.mean, 0.0)

    @property
    def chi2(self) -> FloatArray:
        """The Poisson deviance, (n,), not a number where counts cannot be."""
        seen = self.observed > 0
        logarithm = np.log(np.where(seen, self._ratio, 1.0))
        value = 2 * (self.mean - self.observed + self.observed * logarithm).sum(axis=1)
        impossible = (self.mean < 0) | ((self.mean <= 0) & seen)
        return np.where(impossible.any(axis=1), np.nan, value)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sample:
    """One sample at points (n,): its shape as it is moved, and what each of its shifts adds."""

    moved: _Moved
    factor: FloatArray  # (n, 1)
    rows: FloatArray  # (n, 1 + shifts, cells)
    beyond: FloatArray  # (n, kinked, cells), how much more those with a kink add on its other side
    shares: Mapping[int, FloatArray]  # of arrival, and its derivatives, (n, groups, times) by order

    @staticmethod
    def at(moved: _Moved, cells: FloatArray, theta: FloatArray, toward: FloatArray, factor: FloatArray) -> "_Sample":
        """Of `_stacked` cells (n or 1, rows, cells), at nuisances (n, nuisances) that scale it by a factor (n, 1)."""
        kinked, shifts = moved.kinked, moved.shifted_by.size
        rows, beyond = np.broadcast_to(cells, (len(theta), *cells.shape[1:])), cells[:, :0]
        if shifts:
            above = (toward[:, moved.shifted_by[kinked]] >= 0)[..., None]
            up, down = cells[:, 1 + kinked], cells[:, 1 + shifts :]
            beyond = np.where(above, down - up, up - down)
            rows = np.empty((len(theta), 1 + shifts, cells.shape[2]))
            rows[:] = cells[:, : 1 + shifts]
            rows[:, 1 + kinked] = np.where(above, up, down)
            for k, j in enumerate(moved.shifted_by, start=1):
                rows[:, 0] += theta[:, j, None] * rows[:, k]
        shares = {}
        if moved.arrival is not None:
            j, arrival = moved.arrival
            shares = {order: arrival.at(theta[:, j], order) for order in range(3)}
        return _Sample(moved=moved, factor=factor, rows=rows, beyond=beyond, shares=shares)

    def _spread(self, rows: FloatArray, order: int) -> FloatArray:
        """Rows (n, rows, cells) by bin, (n, rows, bins)."""
        if not self.shares:
            return rows
        return spread(rows.reshape(len(rows), -1), self.shares[order]).reshape(*rows.shape[:2], -1)

    def counts(self, shape: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
        """Counts (n, bins) and directions (n, nuisances, bins), of this shape."""
        mean, directions = np.zeros((shape[0], shape[2])), np.zeros(shape)
        self.add(mean, directions)
        return mean, directions

    def add(self, mean: FloatArray, directions: FloatArray) -> None:
        """Its counts and directions, to those of all samples."""
        by_bin = self._spread(self.rows, 0)
        mean += self.factor * by_bin[:, 0]
        for j in self.moved.scaled_by:
            directions[:, j] += by_bin[:, 0]
        for k, j in enumerate(self.moved.shifted_by, start=1):
            directions[:, j] += self.factor * by_bin[:, k]
        if self.moved.arrival is not None:
            directions[:, self.moved.arrival[0]] += self.factor * self._spread(self.rows[:, :1], 1)[:, 0]

    def _gathered(self, residual: FloatArray, order: int) -> FloatArray:
        """Residuals (n, bins) by cell, (n, cells)."""
        return gathered(residual, self.shares[order]) if self.shares else residual

    def bend(self, residual: FloatArray, jump: FloatArray, bent: FloatArray) -> None:
        """Its part of what slopes are more beyond kinks, and of residuals times the second derivatives of counts."""
        moved = self.moved
        if moved.shifted_by.size:
            gathered = self._gathered(residual, 0)[..., None]
            along = (self.rows[:, 1:] @ gathered)[..., 0]
            jump[:, moved.shifted_by[moved.kinked]] += self.factor * (self.beyond @ gathered)[..., 0]
            for i in moved.scaled_by:
                for k, j in enumerate(moved.shifted_by):
                    bent[:, i, j] += along[:, k]
                    bent[:, j, i] += along[:, k]
        if moved.arrival is None:
            return
        j = moved.arrival[0]
        once, twice = (self._gathered(residual, order)[..., None] for order in (1, 2))
        along = (self.rows @ once)[..., 0]
        for i in moved.scaled_by:
            bent[:, i, j] += along[:, 0]
            bent[:, j, i] += along[:, 0]
        for k, i in enumerate(moved.shifted_by, start=1):
            bent[:, i, j] += self.factor[:, 0] * along[:, k]
            bent[:, j, i] += self.factor[:, 0] * along[:, k]
        bent[:, j, j] += self.factor[:, 0] * (self.rows[:, :1] @ twice)[:, 0, 0]


def shaped(
    part: ShapedPart,
    templates: FloatArray,
    sides: Sequence[Sides],
    coefficients: Sequence[Real],
    shape: tuple[int, ...],
) -> Shaped:
    """That data set at points (...) of this shape, of templates and what nuisances add to them, (terms, ..., cells)."""
    together = _stacked(templates, sides)
    by_shape = together.reshape(len(together), -1, *together.shape[-2:])
    shapes = np.arange(by_shape.shape[1]).reshape(together.shape[1:-2])
    flat = [np.broadcast_to(np.asarray(c, float), shape).ravel() for c in coefficients]
    return Shaped(
        part=part,
        coefficients=np.stack(flat, axis=1),
        templates=np.ascontiguousarray(by_shape.swapaxes(0, 1)),
        shape=np.broadcast_to(shapes, shape).ravel(),
    )
