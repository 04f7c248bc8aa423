"""Poisson chi2 least over nuisances, at all points of a grid: `chi2_at` and `charge_derivatives`, only faster.

Most points start at their end: along a row the nuisances are smooth, found at few points and interpolated to those
between them. A data set whose nuisances only scale samples has sums of its own (`poisson_scales`); any other those of
`poisson_shapes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import cycle, pairwise

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray, Real
from cevnsi.fast.newton import ChargeTerms, Counted, Descended, Places, Problem, descend
from cevnsi.fast.poisson_scales import Scaled, ScaledPart, has_scales_alone, scaled_part, scaled_signal
from cevnsi.fast.poisson_shapes import Shaped, ShapedPart, shaped, shaped_part
from cevnsi.model import BARRIERS, DataSet, Led, Model, charge_derivatives, chi2_at
from cevnsi.physics.interaction import Values
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.weak_charge import ROWS
from cevnsi.statistics.descent import levels
from cevnsi.statistics.nuisances import centres, held, limits, precisions, unfitted

COLD = 64  # points of a row from one that starts with nothing to the next
FAR = 0.1  # of the span of a nuisance with `starts`: neighbours that are farther apart may have two minima between them
# Of what the prior alone pulls a nuisance back by: a kink that changes the slope by less could only stop it, where it
# is, if it changed it ten times as much at zero.
WEAK = 0.1
LIKE = 1.0  # of chi2: a point that starts farther up is not asked how strong its kinks are, but looked at on both sides
COARSE = 16  # columns from its neighbours at which a point is looked at on both sides of kinks, whatever these say
SMOOTH = 1e-3  # of chi2: a point that starts from its neighbours farther up is not like them
NEAR = 1e-2  # of chi2: where the sides of a kink differ by more, as neighbours say, one is not looked at
LOWER = 1e-10  # of chi2, over one and its value: by what another minimum over nuisances is lower, and no rounding
ARRAYS_BY_POINT = 6  # in units of the few dozen that `VALUES_AT_ONCE` is of


def is_handled(model: Model) -> bool:
    """Whether all data sets of a model are Poisson counts without a control region, and all priors about zero."""
    if centres(model.nuisances).any():
        return False
    return all(dataset.statistic == "poisson" and dataset.measurement.control is None for dataset in model.datasets)


@lru_cache(maxsize=16)
def _parts(model: Model, interaction: str, is_shaped: bool) -> tuple[ScaledPart | ShapedPart, ...]:
    names = [nuisance.name for nuisance in model.nuisances]
    return tuple(
        scaled_part(dataset, names, interaction, is_shaped)
        if has_scales_alone(dataset)
        else shaped_part(dataset, names)
        for dataset in model.datasets
    )


def _at_points(
    part: ScaledPart | ShapedPart,
    dataset: DataSet,
    interaction: str,
    parameters: Values,
    coefficients: Sequence[Real],
    shape: tuple[int, ...],
) -> Scaled | Shaped:
    """A data set at points (...) of this shape, of which the terms have coefficients."""
    templates = dataset.term_templates(interaction, parameters)
    if isinstance(part, ScaledPart):
        return Scaled(part=part, signal=scaled_signal(part, templates, coefficients, shape))
    sides = dataset.term_sides(interaction, parameters)
    return shaped(part, templates, list(sides.values()), coefficients, shape)


def _problem(led: Led, parts: Sequence[Counted]) -> Problem:
    known, by = led.model.nuisances, led.by
    least, most = limits(known)
    prior = np.diag(precisions(known))
    return Problem(
        parts=parts,
        prior=prior if by is None else by.T @ prior @ by,
        floor=1 + least[:, None],
        ceiling=1 + most[:, None],
        first=1 + unfitted(known)[:, None],
        held=held(known)[:, None],
        kinked=led.model.kinked[:, None],
        bends=bool(led.model.shaping.any()),
    )


def _between(scales: FloatArray, columns: Places, stride: int) -> FloatArray:
    """Scales (nuisances, rows, n) at columns from those a stride to both sides, and three of them: their cubic."""
    last = scales.shape[2] - 1
    left, right = scales[..., columns - stride], scales[..., np.minimum(columns + stride, last)]
    guess = np.where(columns + stride <= last, (left + right) / 2, left)
    inside = (columns >= 3 * stride) & (columns + 3 * stride <= last)
    far = scales[..., columns[inside] - 3 * stride] + scales[..., columns[inside] + 3 * stride]
    guess[..., inside] = (9 * (left + right)[..., inside] - far) / 16
    return guess


def _take(found: Descended, where: Places, other: Descended) -> None:
    """Take what descents of some of the points have found, where it is less."""
    lower = ~(found.chi2[where] <= other.chi2) & ~np.isnan(other.chi2)
    found.chi2[where[lower]] = other.chi2[lower]
    found.scales[:, where[lower]] = other.scales[:, lower]


def _beyond(problem: Problem, which: Places, found: Descended, look: NDArray[np.bool_], gap: FloatArray) -> None:
    """Look on the other side of each kink, by nuisance and point, (nuisances, n).

    The gap is how much more chi2 is above a kink than below it, infinite where one of the sides has no minimum but the
    kink itself, which a descent crosses where that leads down. It is put right where it is looked at.
    """
    for j in np.flatnonzero(problem.kinked[:, 0] & ~problem.held[:, 0]):
        weak = np.abs(found.jump[j]) <= WEAK * 2 * problem.prior[j, j] * np.abs(found.scales[j] - 1)
        weak &= found.fallen < LIKE
        gap[j, weak] = np.inf
        some = np.flatnonzero(look[j] & ~weak & ~np.isnan(found.chi2))
        if some.size:
            other = descend(problem, which[some], found.scales[:, some], int(j))
            more = other.chi2 - found.chi2[some]
            more[(other.scales[j] == 1) & (more > -SMOOTH)] = np.inf
            gap[j, some] = np.where(np.isnan(more), 0.0, np.where(found.scales[j, some] < 1, more, -more))
            lower = np.flatnonzero((other.scales[j] == 1) & (found.scales[j, some] != 1) & (more < 0))
            _take(found, some, other)
            if lower.size:  # and perhaps back, as others have gone beyond theirs
                _take(found, some[lower], descend(problem, which[some[lower]], other.scales[:, lower]))


def _may_be_none(one: FloatArray, other: FloatArray) -> NDArray[np.bool_]:
    """Whether a gap of `_beyond` may be next to nothing where those of two neighbours are these, of either sign."""
    least = np.minimum(np.abs(one), np.abs(other)) - np.abs(one - other)
    return np.asarray((one != other) & ~(least > NEAR) | (np.abs(one) <= NEAR))


def _cold(model: Model, problem: Problem, which: Places) -> Descended:
    """Descents of points (n,) from what is not fitted, or from each of the `starts` of a nuisance that has some.

    Scales alone come first where there is more: of a signal far too large shapes would be bent beyond any counts.
    """
    scales_alone = replace(problem, held=problem.held | model.shaping[:, None])
    starts = [np.tile(problem.first, (1, which.size))]
    for j, nuisance in enumerate(model.nuisances):
        if nuisance.starts and not problem.held[j, 0]:
            starts = [start.copy() for start in starts for _ in nuisance.starts]
            for start, value in zip(starts, cycle(nuisance.starts), strict=False):
                start[j] = 1 + value
    if problem.bends:
        starts = [descend(scales_alone, which, start).scales for start in starts]
    found, every = descend(problem, which, starts[0]), np.arange(which.size)
    for start in starts[1:]:
        _take(found, every, descend(problem, which, start))
    return found


def _walled(model: Model, problem: Problem, which: Places) -> Descended:
    """Descents of points (n,) whose shapes let nothing be expected in a bin that is empty, as `Model.profiled` does it.

    Beyond that wall chi2 is infinite. As if less and less were observed in empty bins the minimum goes along it.
    """
    found = None
    for empty in BARRIERS:
        parts = [part.raised(empty) if isinstance(part, Shaped) else part for part in problem.parts]
        raised = replace(problem, parts=parts)
        found = _cold(model, raised, which) if found is None else descend(raised, which, found.scales)
        if empty in BARRIERS[:: len(BARRIERS) - 1]:  # the first and the last
            _beyond(raised, which, found, np.ones_like(found.scales, bool), np.zeros_like(found.scales))
    assert found is not None
    value = problem.terms(which, found.scales, np.where(found.scales < 1, -1.0, 1.0)).value
    return replace(found, chi2=np.where(np.isnan(found.chi2), np.nan, value))


def _take_apart(
    model: Model, problem: Problem, which: Places, found: Descended, neighbours: Sequence[FloatArray]
) -> None:
    """Start from each neighbour (nuisances, n) where these are far apart in a nuisance with `starts`."""
    apart, (left, right) = np.zeros(which.size, bool), neighbours
    for j, nuisance in enumerate(model.nuisances):
        if nuisance.starts:
            apart |= np.abs(left[j] - right[j]) > FAR * (problem.ceiling[j] - problem.floor[j])
    some = np.flatnonzero(apart)
    for start in neighbours if some.size else ():
        _take(found, some, descend(problem, which[some], start[:, some]))


def least_over_nuisances(model: Model, interaction: str, parameters: Values) -> FloatArray:
    """Chi2 at parameters, which broadcast: `chi2_at` of a model that `is_handled`.

    Of two or more dimensions the last is a row: its points start from one another, so whoever cuts a grid leaves rows
    whole. Points of one dimension stand alone. Where counts cannot be, or no minimum is found, it is the plain way.
    """
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters.values()))
    rows, columns = (int(np.prod(shape[:-1])), shape[-1]) if len(shape) > 1 else (int(np.prod(shape)), 1)
    terms, plain, led = INTERACTIONS[interaction].terms, model, model.led
    model = led.model
    parts = [
        _at_points(part, dataset, interaction, parameters, terms.coefficients(dataset.recoils, parameters), shape)
        for dataset, part in zip(model.datasets, _parts(model, interaction, terms.shaped_by(parameters)), strict=True)
    ]
    problem, count = _problem(led, parts), len(model.nuisances)
    scales, chi2 = np.tile(problem.first[..., None], (1, rows, columns)), np.empty((rows, columns))
    places, gaps = np.arange(rows * columns).reshape(rows, columns), np.zeros_like(scales)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # where counts cannot be
        for stride, found in levels(columns, COLD):
            here, shape_here = places[:, found].ravel(), (rows, found.size)
            if stride:
                sides = found - stride, np.where(found + stride < columns, found + stride, found - stride)
                left, right = (scales[..., side].reshape(count, here.size) for side in sides)
                best = descend(problem, here, _between(scales, found, stride).reshape(count, here.size))
                _take_apart(model, problem, here, best, (left, right))
                if (lost := np.flatnonzero(np.isnan(best.chi2))).size:
                    _take(best, lost, _cold(model, problem, here[lost]))
                one, other = (gaps[..., side].reshape(count, here.size) for side in sides)
                gap, look = (one + other) / 2, _may_be_none(one, other)
                alone = np.broadcast_to(found + stride >= columns, shape_here).ravel()  # a neighbour on one side only
                look[:, alone | ~(best.fallen < SMOOTH) | (stride >= COARSE)] = True
            else:
                best = _cold(model, problem, here)
                gap = np.zeros((count, here.size))
                look = np.ones_like(gap, bool)
            _beyond(problem, here, best, look, gap)
            gaps[..., found] = gap.reshape(count, *shape_here)
            chi2[:, found] = best.chi2.reshape(shape_here)
            scales[..., found] = best.scales.reshape(count, *shape_here)
        if problem.bends and (lost := np.flatnonzero(np.isnan(chi2))).size:
            chi2.ravel()[lost] = _walled(model, problem, lost).chi2
        missed = np.isnan(chi2).ravel() | led.below((scales.reshape(count, rows * columns) - 1).T)
        if missed.any():
            points = {name: np.broadcast_to(value, shape).ravel()[missed] for name, value in parameters.items()}
            chi2.ravel()[missed] = chi2_at(plain, interaction, points)
    return chi2.reshape(shape)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Charged:
    """Chi2 of a model that `is_handled` against the nuisances at charges squared."""

    plain: Model
    charges: FloatArray  # (n, k), by row and nuclide of all data sets
    parts: Sequence[Scaled | Shaped]
    columns: Sequence[Places]  # which of the charges each data set has
    problem: Problem

    @property
    def every(self) -> Places:
        """Numbers of all points."""
        return np.arange(len(self.charges))

    def best(self) -> Descended:
        """The least chi2 of each point, from all starts and on both sides of every kink."""
        found = _cold(self.plain.led.model, self.problem, self.every)
        _beyond(self.problem, self.every, found, np.ones_like(found.scales, bool), np.zeros_like(found.scales))
        return found

    def derivatives(self, best: Descended) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Chi2 (n,), its gradient (n, k) and Hessian (n, k, k), and how scales follow charges, (n, k, nuisances)."""
        (points, charges), count, every = self.charges.shape, len(self.problem.prior), self.every
        found = ChargeTerms(
            gradient=np.zeros((charges, points)),
            hessian=np.zeros((charges, charges, points)),
            mixed=np.zeros((charges, count, points)),
        )
        terms = self.problem.terms(every, best.scales, np.where(best.scales < 1, -1.0, 1.0))
        for part, columns in zip(self.parts, self.columns, strict=True):
            part.by_charge(every, best.scales, columns, found)
        own = terms.curvature if terms.bent is None else terms.curvature + terms.bent
        resting = (best.scales <= self.problem.floor) | (best.scales >= self.problem.ceiling) | self.problem.held
        resting |= self.problem.kinked & (best.scales == 1)  # these do not follow
        found.mixed[np.broadcast_to(resting, found.mixed.shape)] = 0.0
        own[resting[:, None] | resting] = 0.0
        own[np.arange(count), np.arange(count)] += resting
        left = np.isnan(best.chi2) | self.plain.led.below((best.scales - 1).T)
        own[..., left] = np.eye(count)[..., None]
        mixed = np.moveaxis(found.mixed, 2, 0)  # (n, k, nuisances)
        following = np.linalg.solve(np.moveaxis(own, 2, 0), mixed.swapaxes(1, 2))
        value, gradient = best.chi2.copy(), found.gradient.T.copy()
        hessian = np.moveaxis(found.hessian, 2, 0) - mixed @ following
        if left.any():
            plain = charge_derivatives(self.plain, self.charges[left])
            for mine, theirs in zip((value, gradient, hessian), plain, strict=True):
                mine[left] = theirs
        return value, gradient, hessian, np.asarray(-following.swapaxes(1, 2), float)


def _charged(model: Model, interaction: str, charges: FloatArray) -> _Charged:
    """That of the interaction whose coefficients the charges are."""
    led = model.led
    by_row = np.arange(charges.shape[1]).reshape(len(ROWS), -1)  # of nuclides
    ends = np.cumsum([0, *(len(dataset.templates.nuclides) for dataset in model.datasets)])
    columns = [by_row[:, first:last].ravel() for first, last in pairwise(ends)]
    parts = [
        _at_points(part, dataset, interaction, {}, list(charges.T[mine]), (len(charges),))
        for dataset, part, mine in zip(led.model.datasets, _parts(led.model, interaction, False), columns, strict=True)
    ]
    return _Charged(plain=model, charges=charges, parts=parts, columns=columns, problem=_problem(led, parts))


def derivatives_over_nuisances(
    model: Model, interaction: str, charges: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Chi2 (n,), gradient (n, k) and Hessian (n, k, k): `charge_derivatives` of a model that `is_handled`.

    The interaction is that whose coefficients the charges (n, k) are, by row and nuclide of all data sets.
    """
    charged = _charged(model, interaction, charges)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # where counts cannot be
        return charged.derivatives(charged.best())[:3]


@dataclass(kw_only=True, eq=False)
class Following:
    """`derivatives_over_nuisances` along descents over charges, as `cevnsi.domains.Following`.

    The nuisances of a step start where those of the step before go to, to first order in the charges. So a descent
    stays in one of the minima that there may be over nuisances; `improve` looks for others where it ends.
    """

    model: Model
    interaction: str
    known: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))  # (descents,)
    value: FloatArray = field(default_factory=lambda: np.zeros(0))  # (descents,)
    scales: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))  # (descents, nuisances)
    charges: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))  # (descents, k) at which these are
    follow: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 0)))  # (descents, k, nuisances)

    def _make_room(self, descents: int, k: int) -> None:
        more, count = descents - self.known.size, len(self.model.nuisances)
        if more <= 0:
            return
        self.known = np.append(self.known, np.zeros(more, bool))
        self.value = np.append(self.value, np.full(more, np.inf))
        for name, shape in (("scales", (count,)), ("charges", (k,)), ("follow", (k, count))):
            old = getattr(self, name).reshape(-1, *shape)
            setattr(self, name, np.concatenate([old, np.zeros((more, *shape))]))

    def _remember(self, which: Places, charges: FloatArray, best: Descended, follow: FloatArray) -> None:
        """Where descents (n,) are, if that is lower than where they were."""
        lower = best.chi2 <= self.value[which]
        these = which[lower]
        self.known[these], self.value[these] = True, best.chi2[lower]
        self.scales[these], self.charges[these] = best.scales.T[lower], charges[lower]
        self.follow[these] = follow[lower]

    def _started(self, charged: _Charged, which: Places) -> Descended:
        """From where the last steps lead to; cold, and of scales alone first, where there was none."""
        known = np.flatnonzero(self.known[which])
        moved = charged.charges[known] - self.charges[which[known]]
        start = np.tile(charged.problem.first, (1, which.size))
        start[:, known] = (self.scales[which[known]] + np.einsum("nk,nkj->nj", moved, self.follow[which[known]])).T
        new = np.flatnonzero(~self.known[which])
        if new.size and charged.problem.bends:
            shaping = self.model.led.model.shaping[:, None]
            scales_alone = replace(charged.problem, held=charged.problem.held | shaping)
            start[:, new] = descend(scales_alone, new, start[:, new]).scales
        start = np.clip(start, charged.problem.floor, charged.problem.ceiling)
        found = descend(charged.problem, charged.every, start)
        if (lost := np.flatnonzero(np.isnan(found.chi2))).size:
            _take(found, lost, _cold(self.model.led.model, charged.problem, lost))
        return found

    def __call__(self, charges: FloatArray, which: Places) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Chi2 (n,), gradient (n, k) and Hessian (n, k, k) of descents with these numbers (n,)."""
        self._make_room(int(which.max(initial=-1)) + 1, charges.shape[1])
        charged = _charged(self.model, self.interaction, charges)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # where counts cannot be
            best = self._started(charged, which)
            *found, follow = charged.derivatives(best)
        self._remember(which, charges, best, follow)
        value, gradient, hessian = found
        return value, gradient, hessian

    def improve(self, charges: FloatArray, which: Places) -> NDArray[np.bool_]:
        """Look for lower chi2 over nuisances at (n, k), from all starts and on both sides of kinks: where it is, (n,).

        Descents go on from there.
        """
        charged = _charged(self.model, self.interaction, charges)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            here, best = self._started(charged, which).chi2, charged.best()
        lower = best.chi2 < here - LOWER * (1 + np.abs(here))
        some = which[lower]
        self.value[some], self.scales[some], self.charges[some] = best.chi2[lower], best.scales.T[lower], charges[lower]
        self.follow[some] = 0.0
        return np.asarray(lower)

    def start_from(self, which: Places, others: Places) -> None:
        """Let descents (n,) start at the nuisances of others."""
        self._make_room(int(which.max(initial=-1)) + 1, self.charges.shape[1])
        self.known[which], self.value[which] = self.known[others], np.inf
        for name in ("scales", "charges", "follow"):
            values = getattr(self, name)
            values[which] = values[others]
