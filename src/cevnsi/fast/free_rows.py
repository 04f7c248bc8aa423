"""Least chi2 over couplings without bounds, of rows of points: as `cevnsi.domains` finds it by point, only faster.

Few columns of a row are descended to from all starts. Those between start from the minima, of lower and higher ones,
that their neighbours have: in each of these amplitudes change little from one point to the next. So do points that are
asked for later, between those of a row.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.domains import Answer, Following, Problem, first_of_their_kind
from cevnsi.statistics.descent import levels

COLD = 8  # columns from one that is descended to from all starts to the next
KEPT = 6  # minima of a point, the lowest
NEXT_TO_IT = 1e-3  # damping of a descent from beside its minimum
ALIKE = 0.5  # of the standard model's charges: amplitudes of two neighbours that are closer are of one minimum
NEAR = 2  # columns: neighbours no farther apart say which of their minima may be the least between them
CLOSE = 1.0  # of chi2 above the least: a minimum may be two, each with nuisances of its own
LIKELY = 10.0  # of chi2 above the least: a minimum that only one neighbour has is followed from there


@dataclass(frozen=True, kw_only=True)
class _Numbered:
    """Descents that are numbered from another number on."""

    follow: Following
    first: int

    def __call__(self, charges: FloatArray, which: NDArray[np.intp]) -> Answer:
        return self.follow(charges, which + self.first)

    def improve(self, charges: FloatArray, which: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Those of these descents."""
        return self.follow.improve(charges, which + self.first)

    def start_from(self, which: NDArray[np.intp], others: NDArray[np.intp]) -> None:
        """Let descents start where others of any are."""
        self.follow.start_from(which + self.first, others)


@dataclass(frozen=True, kw_only=True)
class _Minima:
    """The lowest minima of points, (kept, n); infinite where there are no more."""

    value: FloatArray
    place: FloatArray  # (kept, n, d), from where the amplitudes that a variable moves are least
    descent: NDArray[np.intp]  # the number of the descent that has led there

    def take(self, columns: NDArray[np.intp]) -> "_Minima":
        """Those of these points; none where a number is negative."""
        value = np.where(columns >= 0, self.value[:, columns], np.inf)
        return _Minima(value=value, place=self.place[:, columns], descent=self.descent[:, columns])

    @property
    def gap(self) -> FloatArray:
        """How far each is above the least of its point."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.value - self.value.min(axis=0))


def _middle(problem: Problem) -> FloatArray:
    """Where the amplitudes that each variable moves are least together, (n, d), were it the only one."""
    scaled = problem.slope / problem.charge
    moved = np.einsum("jki,nki->nj", scaled, problem.fixed / problem.charge)
    return np.asarray(-moved / np.einsum("jki,jki->j", scaled, scaled))


def _lowest(value: FloatArray, place: FloatArray, middle: FloatArray, first: int) -> _Minima:
    """Of the ends of descents (starts, n) at places (starts, n, d), numbered from `first` on."""
    value = np.where(first_of_their_kind(value, place), value, np.inf)
    if len(value) < KEPT:
        more = KEPT - len(value)
        value = np.concatenate([value, np.full((more, value.shape[1]), np.inf)])
        place = np.concatenate([place, np.zeros((more, *place.shape[1:]))])
    order = np.argsort(value, axis=0, kind="stable")[:KEPT]
    return _Minima(
        value=np.take_along_axis(value, order, 0),
        place=np.take_along_axis(place, order[..., None], 0) - middle,
        descent=first + order * value.shape[1] + np.arange(value.shape[1]),
    )


def _between(
    left: _Minima, right: _Minima, unit: FloatArray, near: bool
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.intp]]:
    """Places (starts, n, d) to start from between neighbours, which are worth it, and descents whose nuisances to take.

    A minimum that both have starts in the middle. Of neighbours that are `near` only if it may be the least between
    them as its height changes; one of one neighbour alone if it is likely.
    """
    start, back = left.place.copy(), right.place.copy()
    one, other = left.gap, right.gap
    most = LIKELY if near else np.finfo(float).max
    worth, again = one <= most, other <= most
    taken = np.zeros(other.shape, bool)
    for i in range(KEPT):
        for j in range(KEPT):
            same = (np.abs(left.place[i] - right.place[j]) <= ALIKE * unit).all(axis=1)
            same &= np.isfinite(one[i]) & np.isfinite(other[j]) & ~taken[j]
            start[i, same] = back[j, same] = (left.place[i] + right.place[j])[same] / 2
            with np.errstate(invalid="ignore"):  # of those that are not the same
                may = np.minimum(one[i], other[j]) <= np.abs(one[i] - other[j]) + 1
            worth[i] = np.where(same, may | (not near), worth[i])
            again[j] = np.where(same, other[j] <= CLOSE, again[j])
            taken[j] |= same
    of = np.concatenate([left.descent, right.descent])
    return np.concatenate([start, back]), np.concatenate([worth, again]), of


@dataclass(frozen=True, kw_only=True)
class _Found:
    """Problems whose minima are known, and the descents that have led there."""

    problem: Problem
    kept: _Minima
    follow: Following
    descents: int


def _unit(problem: Problem) -> FloatArray:
    """How far each variable (d,) goes while it moves some amplitude by the standard model's charge."""
    return np.asarray(1 / np.abs(problem.slope / problem.charge).max(axis=(1, 2)))


def _from_neighbours(
    problem: Problem,
    low: FloatArray,
    high: FloatArray,
    neighbours: tuple[_Minima, _Minima],
    numbered: _Numbered,
    near: bool,
) -> _Minima:
    """Minima of points from those of two neighbours of each."""
    middle = _middle(problem)
    starts, active, of = _between(*neighbours, _unit(problem), near)
    starts, going = np.clip(starts + middle, low, high), np.flatnonzero(active.ravel())
    numbered.start_from(going, of.ravel()[going])
    value, place = problem.minima(low, high, starts, active, numbered, NEXT_TO_IT, LIKELY)
    return _lowest(value, place, middle, numbered.first)


def _in_rows(problem: Problem, low: FloatArray, high: FloatArray, columns: int) -> _Found:
    """Of rows of so many columns, between ends (n, d)."""
    n, d = low.shape
    kept = _Minima(value=np.full((KEPT, n), np.inf), place=np.zeros((KEPT, n, d)), descent=np.zeros((KEPT, n), np.intp))
    follow, descents = problem.following(), 0
    by_column = np.arange(n).reshape(-1, columns)
    for stride, found in levels(columns, COLD):
        here = by_column[:, found].ravel()
        part = replace(problem, fixed=problem.fixed[here])
        numbered = _Numbered(follow=follow, first=descents)
        if stride:
            beyond = np.where(found + stride < columns, by_column[:, np.minimum(found + stride, columns - 1)], -1)
            both = kept.take(here - stride), kept.take(beyond.ravel())
            lowest = _from_neighbours(part, low[here], high[here], both, numbered, stride <= NEAR)
            descents += 2 * KEPT * here.size
        else:
            starts, active = part.free_starts(low[here], high[here])
            value, place = part.minima(low[here], high[here], starts, active, numbered)
            lowest = _lowest(value, place, _middle(part), descents)
            descents += value.size
        kept.value[:, here], kept.place[:, here], kept.descent[:, here] = lowest.value, lowest.place, lowest.descent
    return _Found(problem=problem, kept=kept, follow=follow, descents=descents)


def least_in_rows(problem: Problem, low: FloatArray, high: FloatArray, columns: int) -> FloatArray:
    """Least chi2 (n,), of rows of so many columns, between ends (n, d)."""
    return np.asarray(_in_rows(problem, low, high, columns).kept.value.min(axis=0))


@dataclass(kw_only=True, eq=False)
class AlongCurve:
    """`least_in_rows` of one curve: points alone start from the minima of the nearest two of the row before them."""

    found: _Found | None = None

    def __call__(self, problem: Problem, low: FloatArray, high: FloatArray, columns: int) -> FloatArray:
        """Least chi2 (n,) of rows of so many columns, between ends (n, d)."""
        if columns > 1:
            self.found = _in_rows(problem, low, high, columns)
            return np.asarray(self.found.kept.value.min(axis=0))
        if self.found is None:
            return least_in_rows(problem, low, high, columns)
        known = self.found.problem.fixed / problem.charge
        away = np.abs(problem.fixed[:, None] / problem.charge - known).max(axis=(2, 3))  # (n, those of the row)
        nearest = np.argsort(away, axis=1, kind="stable")[:, :2]
        both = self.found.kept.take(nearest[:, 0]), self.found.kept.take(nearest[:, 1])
        numbered = _Numbered(follow=self.found.follow, first=self.found.descents)
        return np.asarray(_from_neighbours(problem, low, high, both, numbered, near=True).value.min(axis=0))
