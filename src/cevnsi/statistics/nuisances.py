"""Nuisance parameters: what each multiplies and shifts, and what is known of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray

SIGNAL = "signal"  # the sample that an interaction changes; any other is a background

# What a nuisance of +1, and one of -1, adds to a shape; linear in between and beyond. Without the second they are
# mirror images, else the shape has a kink at zero.
Sides = tuple[FloatArray, FloatArray | None]


@dataclass(frozen=True, kw_only=True)
class Nuisance:
    """One nuisance theta, which is 0 where nothing is known better; one name is one parameter wherever it stands."""

    name: str
    sigma: float | None  # of its Gaussian prior; None: free
    fixed: float | None = None  # the value that it is held at, without a prior; None: it is fitted
    scales: tuple[str, ...] = ()  # samples that it multiplies by 1 + theta; of several nuisances the thetas add up
    # By sample, (bins,), or (cells,) of one that a clock moves: what is added to its shape.
    shifts: Mapping[str, Sides] = field(default_factory=dict)
    least: float = -math.inf  # below which it has no meaning, such as -1 of a scale
    most: float = math.inf
    centre: float = 0.0  # of its prior, what an auxiliary measurement has found: zero in data, not so in toys
    starts: tuple[float, ...] = ()  # from which minima are looked for, where there may be several; else from zero

    def __post_init__(self) -> None:
        """Refuse what is no nuisance: ValueError."""
        if self.sigma is not None and not 0 < self.sigma < math.inf:
            raise ValueError(f"nuisance {self.name}: sigma is {self.sigma:g}; expected a positive, finite number")
        if self.fixed is not None and not (self.least <= self.fixed <= self.most and abs(self.fixed) < math.inf):
            least = "" if self.least == -math.inf else f", {self.least:g} or more"
            most = "" if self.most == math.inf else f", {self.most:g} or less"
            raise ValueError(f"nuisance {self.name}: fixed at {self.fixed:g}; expected a finite number{least}{most}")


def precisions(nuisances: Sequence[Nuisance]) -> FloatArray:
    """1 / sigma^2 of each, (nuisances,); zero of a free one, and of one that is held."""
    return np.array([0.0 if n.sigma is None or n.fixed is not None else n.sigma**-2 for n in nuisances])


def widths(nuisances: Sequence[Nuisance]) -> FloatArray:
    """Sigma of the prior of each, (nuisances,); zero of one that is free, or held."""
    precision = precisions(nuisances)
    return np.where(precision > 0, 1 / np.sqrt(np.where(precision > 0, precision, 1.0)), 0.0)


def centres(nuisances: Sequence[Nuisance]) -> FloatArray:
    """What the auxiliary measurement of each has found, (nuisances,)."""
    return np.array([nuisance.centre for nuisance in nuisances], float)


def centres_by(nuisances: Sequence[Nuisance], by: FloatArray | None) -> FloatArray:
    """The same, (nuisances,), of others, of which the nuisances are `by` (nuisances, nuisances) times these."""
    found = centres(nuisances)
    return found if by is None else np.asarray(np.linalg.solve(by, found), float)


def held(nuisances: Sequence[Nuisance]) -> NDArray[np.bool_]:
    """Which of them are not fitted, (nuisances,)."""
    return np.array([nuisance.fixed is not None for nuisance in nuisances], dtype=bool)


def limits(nuisances: Sequence[Nuisance]) -> tuple[FloatArray, FloatArray]:
    """Between which values each may be, (nuisances,) twice."""
    return np.array([n.least for n in nuisances], float), np.array([n.most for n in nuisances], float)


def unfitted(nuisances: Sequence[Nuisance]) -> FloatArray:
    """Where each is before it is fitted, (nuisances,): zero, or where it is held."""
    return np.array([0.0 if nuisance.fixed is None else nuisance.fixed for nuisance in nuisances])


FREE = "free"  # in the place of a sigma


def adjusted(nuisances: Sequence[Nuisance], changes: Mapping[str, Mapping[str, float | str]]) -> tuple[Nuisance, ...]:
    """Nuisances with another `sigma` (a number, or `FREE`), or `fixed` at a value, by name; ValueError of another's."""
    known = [nuisance.name for nuisance in nuisances]
    for name in changes:
        if name not in known:
            raise ValueError(f"nuisances.{name}: is none of these counts; expected some of {', '.join(known)}")
    made = []
    for nuisance in nuisances:
        change = changes.get(nuisance.name, {})
        if "sigma" in change:
            nuisance = replace(nuisance, sigma=None if change["sigma"] == FREE else float(change["sigma"]))
        if "fixed" in change:
            nuisance = replace(nuisance, fixed=float(change["fixed"]))
        made.append(nuisance)
    return tuple(made)


# In which nuisances of one name must agree, as they are one.
COMMON = ("sigma", "fixed", "least", "most", "centre", "starts")


class Arrival(Protocol):
    """What of each group arrives in each bin of time, against an offset."""

    def at(self, offset: FloatArray, derivative: int = 0) -> FloatArray:
        """Shares or a derivative of theirs at offsets (n,), (n, groups, times)."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The shape of one sample at some points, (points, bins) or (1, bins), and how nuisances move it.

    Its counts are (1 + sum of theta that scale it) * (shape + sum of theta times the shift on its side). Where it has
    an arrival the shape is by cell, of energy and group, and these are spread over bins of energy and time.
    """

    shape: FloatArray  # counts
    scaled_by: FloatArray  # (nuisances,), one where it multiplies the sample
    shifts: Mapping[int, Sides]  # by the number of the nuisance, as the shape
    arrival: tuple[int, Arrival] | None = None  # the number of the nuisance that is its offset, and the shares

    def counts(
        self, theta: FloatArray, which: NDArray[np.intp], side: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Counts (n, bins) and directions (n, nuisances, bins) at nuisances (n, nuisances) of these points.

        At a kink directions are those of a side (nuisances,), positive or negative; left out, the positive one.
        """
        cells, directions = self._cells(theta, which, side)
        if self.arrival is None:
            return cells, directions
        j, arrival = self.arrival
        shares = arrival.at(theta[:, j])
        directions = spread(directions, shares[:, None])
        directions[:, j] += spread(cells, arrival.at(theta[:, j], 1))
        return spread(cells, shares), directions

    def _slopes(self, theta: FloatArray, which: NDArray[np.intp], side: FloatArray | None) -> dict[int, FloatArray]:
        """What one unit of each nuisance of the shape adds to it, (n, bins) each, on the side where it is."""
        slopes = {}
        for j, (up, down) in self.shifts.items():
            slopes[j] = _at(up, which)
            if down is not None:
                here = theta[:, j] if side is None else np.where(theta[:, j] == 0, side[j], theta[:, j])
                slopes[j] = np.where(here[:, None] >= 0, slopes[j], -_at(down, which))
        return slopes

    def _cells(
        self, theta: FloatArray, which: NDArray[np.intp], side: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Counts and directions before they are spread over time, by bin or by cell."""
        factor, moved = 1 + (theta * self.scaled_by).sum(axis=1)[:, None], _at(self.shape, which)
        slopes = self._slopes(theta, which, side)
        for j, slope in slopes.items():
            moved = moved + theta[:, j, None] * slope
        directions = self.scaled_by[:, None] * moved[:, None, :] + np.zeros((len(theta), 1, 1))
        for j, slope in slopes.items():
            directions[:, j] += factor * slope
        return factor * moved, directions

    def crossed(
        self, theta: FloatArray, slope: FloatArray, which: NDArray[np.intp], side: FloatArray | None = None
    ) -> FloatArray:
        """Sum over bins of slope (n, bins) times the second derivatives of the counts, (n, nuisances, nuisances).

        Nuisances are (n, nuisances), a side (nuisances,), as of `counts`. Scale times shape is all that is not linear,
        and the offset of its arrival.
        """
        count = self.scaled_by.size
        result = np.zeros((len(which), count, count))
        if self.arrival is not None:
            j, arrival = self.arrival
            cells, directions = self._cells(theta, which, side)
            once, twice = (gathered(slope, arrival.at(theta[:, j], derivative)) for derivative in (1, 2))
            along = (directions @ once[..., None])[..., 0]
            result[:, j] += along
            result[:, :, j] += along
            result[:, j, j] += (cells * twice).sum(axis=1)
            slope = gathered(slope, arrival.at(theta[:, j]))
        for j, shift in self._slopes(theta, which, side).items():
            product = (slope * shift).sum(axis=1)[:, None] * self.scaled_by
            result[:, j] += product
            result[:, :, j] += product
        return result


def spread(cells: FloatArray, shares: FloatArray) -> FloatArray:
    """Cells (..., energies * groups) over bins (..., energies * times), by shares (..., groups, times)."""
    by_group = cells.reshape(*cells.shape[:-1], -1, shares.shape[-2])
    return np.asarray((by_group @ shares).reshape(*cells.shape[:-1], -1))


def gathered(values: FloatArray, shares: FloatArray) -> FloatArray:
    """Sums over times of values (n, energies * times) times shares (n, groups, times), (n, energies * groups)."""
    by_time = values.reshape(len(values), -1, shares.shape[-1])
    return np.asarray((by_time @ shares.swapaxes(1, 2)).reshape(len(values), -1))


def _at(values: FloatArray, which: NDArray[np.intp]) -> FloatArray:
    return values if len(values) == 1 else values[which]
