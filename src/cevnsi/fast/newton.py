"""Least chi2 over nuisances at many points at once, by Newton steps that end where Newton's decrement is nothing.

Half of a Poisson chi2 that is linear in its nuisances is self-concordant where every bin that counts has counted once
or more. So the decrement d = slope . curvature^-1 . slope says how far down a point has to go still: by d / 2, but for
about (d / 2)^(3/2) (Sec. 9.6 of S. Boyd and L. Vandenberghe, Convex Optimization, Cambridge, 2004). Where counts are
not linear this holds once d is small. A point is left as soon as that is nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray

ENOUGH = 1e-8  # of a decrement, which leaves 3e-13 of chi2
ROUNDING = 1e-14  # of chi2, below which no decrement means anything
MOST_STEPS = 50
MOST_ELIMINATED = 6  # nuisances
NEXT_TO_NOTHING = 0.95  # of the way to where a sample is nothing

Places = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class Terms:
    """Chi2 and its derivatives at points (n,), to which each data set adds its own.

    A scale is one plus a nuisance, which keeps its digits next to zero, as that of a signal that is far too large.
    """

    value: FloatArray  # (n,), not a number where counts cannot be
    slope: FloatArray  # (nuisances, n), at a kink on the side that is asked for
    jump: FloatArray  # (nuisances, n), how much more it is on the other side, where there is a kink
    curvature: FloatArray  # (nuisances, nuisances, n), as if counts were linear: never negative
    bent: FloatArray | None  # of its shape, what their second derivatives add to it; None of counts that are linear


@dataclass(frozen=True, kw_only=True, eq=False)
class ChargeTerms:
    """Derivatives of chi2 in charges squared at fixed nuisances, to which each data set adds those of its own."""

    gradient: FloatArray  # (charges, n)
    hessian: FloatArray  # (charges, charges, n)
    mixed: FloatArray  # (charges, nuisances, n)


class Counted(Protocol):
    """A data set at points."""

    def add(self, which: Places, scales: FloatArray, side: FloatArray, to: Terms) -> None:
        """Its part at points (n,) of which the nuisances have scales, and sides of kinks, (nuisances, n)."""

    def by_charge(self, which: Places, scales: FloatArray, columns: Places, to: ChargeTerms) -> None:
        """The same of charges squared, where these are its coefficients; scales are (nuisances, n).

        They are those with the numbers `columns`, (k,), of the charges of all data sets.
        """

    def factors(self, scales: FloatArray) -> FloatArray:
        """What multiplies each of its samples, (samples, n), at scales (nuisances, n)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Chi2 of all data sets at some points. Arrays are (nuisances, 1), of scales, where nothing else is said."""

    parts: Sequence[Counted]
    prior: FloatArray  # (nuisances, nuisances): what the priors' part of chi2 is a quadratic form of
    floor: FloatArray  # may be infinite, as the ceiling
    ceiling: FloatArray
    first: FloatArray  # before any is fitted
    held: NDArray[np.bool_]  # those that stay there
    kinked: NDArray[np.bool_]
    bends: bool  # whether counts are not linear in the nuisances

    def terms(self, which: Places, scales: FloatArray, side: FloatArray) -> Terms:
        """At points (n,), of scales and sides of kinks (nuisances, n)."""
        count, theta = len(self.prior), scales - 1
        pulls = np.zeros_like(theta)
        for i, j in np.argwhere(self.prior):  # one by one, so that no digit depends on how many points there are
            pulls[i] += self.prior[i, j] * theta[j]
        curvature = np.zeros((count, count, which.size))
        curvature[:] = 2 * self.prior[..., None]
        found = Terms(
            value=summed(pulls, theta),
            slope=2 * pulls,
            jump=np.zeros_like(pulls),
            curvature=curvature,
            bent=np.zeros_like(curvature) if self.bends else None,
        )
        for part in self.parts:
            part.add(which, scales, side, found)
        return found

    def room(self, scales: FloatArray, step: FloatArray) -> FloatArray:
        """The part of a step (nuisances, n) from scales (nuisances, n), (n,), at which the first sample is nothing."""
        room = np.full(scales.shape[1], np.inf)
        for part in self.parts:
            for now, then in zip(part.factors(scales), part.factors(scales + step), strict=True):
                falls = (then < now) & (now > 0)
                room[falls] = np.minimum(room, now / (now - then))[falls]
        return room


def summed(coefficients: FloatArray, values: FloatArray) -> FloatArray:
    """Sum of products (n,) of (terms, n) each, term by term, so that no digit depends on how many points there are."""
    total = np.zeros(coefficients.shape[1])
    for coefficient, value in zip(coefficients, values, strict=True):
        total += coefficient * value
    return total


def factors_of(scaled_by: Sequence[Places], scales: FloatArray) -> FloatArray:
    """What multiplies each sample, (samples, n), where these nuisances scale it, at scales (nuisances, n)."""
    factors = np.ones((len(scaled_by), scales.shape[1]))
    for factor, scaling in zip(factors, scaled_by, strict=True):
        if scaling.size:
            factor[:] = scales[scaling[0]]
            for j in scaling[1:]:
                factor += scales[j] - 1
    return factors


def _solved(slope: FloatArray, curvature: FloatArray) -> FloatArray:
    """Steps (nuisances, n) by LAPACK, point by point; not numbers where a curvature is singular."""
    try:
        return np.asarray(np.linalg.solve(curvature.transpose(2, 0, 1), -slope.T[..., None])[..., 0].T, float)
    except np.linalg.LinAlgError:
        if slope.shape[1] == 1:
            return np.full(slope.shape, np.nan)
        each = range(slope.shape[1])
        return np.concatenate([_solved(slope[:, i : i + 1], curvature[..., i : i + 1]) for i in each], axis=1)


def _steps(slope: FloatArray, curvature: FloatArray) -> FloatArray:
    """Newton's (nuisances, n); of few nuisances by Gauss's elimination without pivots, as the curvature is positive.

    That takes all points at once, in steps whose number grows with the square of the nuisances.
    """
    if len(slope) > MOST_ELIMINATED:
        return _solved(slope, curvature)
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


def _downhill(found: Terms, resting: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Steps (nuisances, n) of what does not rest, and their decrements (n,).

    With the second derivatives of the counts where these lead down, and without them where they do not.
    """
    slope = np.where(resting, 0.0, found.slope)

    def made(curvature: FloatArray, rests: NDArray[np.bool_], slope: FloatArray) -> tuple[FloatArray, FloatArray]:
        for j, mine in enumerate(rests):
            curvature[j][:, mine] = curvature[:, j][:, mine] = 0.0
            curvature[j, j][mine] = 1.0
        step = _steps(slope, curvature)
        return step, -summed(slope, step)

    if found.bent is None:
        return made(found.curvature, resting, slope)
    step, decrement = made(found.curvature + found.bent, resting, slope)
    up = np.flatnonzero(~(decrement >= 0))
    if up.size:
        step[:, up], decrement[up] = made(found.curvature[..., up], resting[:, up], slope[:, up])
    return step, decrement


@dataclass(frozen=True, kw_only=True, eq=False)
class Descended:
    """Where descents have ended."""

    chi2: FloatArray  # (n,), not a number where no minimum is found
    scales: FloatArray  # (nuisances, n)
    fallen: FloatArray  # (n,), how far from their start; not finite if chi2 was none there
    jump: FloatArray  # (nuisances, n), how much slopes differ between the sides of a kink, as `Terms` have it


def descend(problem: Problem, which: Places, start: FloatArray, beyond: int | None = None) -> Descended:
    """Least chi2 of points (n,) from a start (nuisances, n).

    The first step is the one from what is not fitted to the start. One that leads up, or to counts that cannot be, is
    halved, or cut where a sample is next to nothing. A nuisance with a kink stops there, and goes on if the other side
    leads down. One of them may be sent to the side beyond its kink, where it then stays.
    """
    least, at = np.full(which.size, np.nan), np.clip(problem.first, problem.floor, problem.ceiling)
    at = np.broadcast_to(at, start.shape)
    best, jump = at.copy(), np.zeros(start.shape)
    side, turns = np.where(start < 1, -1.0, 1.0), problem.kinked & ~problem.held
    if beyond is not None:
        start, turns = start.copy(), turns.copy()
        side[beyond], start[beyond], turns[beyond] = -side[beyond], 1.0, False
    going, step, part = np.arange(which.size), start - at, np.ones(which.size)
    value, decrement, first = np.full((3, which.size), np.inf)
    for number in range(MOST_STEPS):
        low = np.where(problem.kinked & (side > 0), np.maximum(problem.floor, 1.0), problem.floor)
        high = np.where(problem.kinked & (side < 0), np.minimum(problem.ceiling, 1.0), problem.ceiling)
        trial = np.clip(at + part * step, low, high)
        found = problem.terms(which[going], trial, side)
        first = found.value if number == 0 else first
        better = np.isfinite(found.value) & (found.value <= value)
        resting = ((trial <= low) & (found.slope > 0)) | ((trial >= high) & (found.slope < 0)) | problem.held
        diagonal = np.einsum("jjn->jn", found.curvature)
        resting |= (diagonal == 0) & (found.slope == 0)  # what moves nothing here
        turning = turns & (trial == 1) & resting & ((found.slope + found.jump) * side > 0) & better
        following, falls = _downhill(found, resting)
        again = turning.any(axis=0)
        following[:, again], falls[again] = 0.0, np.inf
        at, step = np.where(better, trial, at), np.where(better, following, step)
        value = np.where(better, found.value, value)
        decrement = np.where(better, falls, decrement)
        shorter = part if better.all() else np.minimum(part / 2, NEXT_TO_NOTHING * problem.room(at, step))
        part = np.where(better, 1.0, shorter)
        done = np.isfinite(value) & (np.abs(decrement) <= np.maximum(ENOUGH, ROUNDING * np.abs(value)))
        ended = going[done]
        least[ended] = (value - decrement / 2)[done]
        best[:, ended], jump[:, ended] = np.clip(at + step, low, high)[:, done], found.jump[:, done]
        side = np.where(turning, -side, side)
        keep = ~done
        if not keep.any():
            break
        going, at, step, part = going[keep], at[:, keep], step[:, keep], part[keep]
        value, decrement, side = value[keep], decrement[keep], side[:, keep]
    return Descended(chi2=least, scales=best, fallen=first - least, jump=jump)
