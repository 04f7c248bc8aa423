"""Nuisance parameters: what each multiplies and shifts, and what is known of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray

SIGNAL = "signal"  # the sample that an interaction changes; any other is a background


@dataclass(frozen=True, kw_only=True)
class Nuisance:
    """One nuisance theta, which is 0 where nothing is known better; one name is one parameter wherever it stands."""

    name: str
    sigma: float | None  # of its Gaussian prior; None: free
    fixed: float | None = None  # the value that it is held at, without a prior; None: it is fitted
    scales: tuple[str, ...] = ()  # samples that it multiplies by 1 + theta; of several nuisances the thetas add up
    shifts: Mapping[str, FloatArray] = field(default_factory=dict)  # (bins,) by sample: what one unit adds to its shape
    least: float = -math.inf  # below which it has no meaning, such as -1 of a scale

    def __post_init__(self) -> None:
        """Refuse what is no nuisance."""
        if self.sigma is not None and not 0 < self.sigma < math.inf:
            raise ValueError(f"nuisance {self.name}: sigma is {self.sigma:g}; expected a positive, finite number")
        if self.fixed is not None and not self.least <= self.fixed < math.inf:
            least = "" if self.least == -math.inf else f", {self.least:g} or more"
            raise ValueError(f"nuisance {self.name}: fixed at {self.fixed:g}; expected a finite number{least}")


def precisions(nuisances: Sequence[Nuisance]) -> FloatArray:
    """1 / sigma^2 of each, (nuisances,); zero of a free one, and of one that is held."""
    return np.array([0.0 if n.sigma is None or n.fixed is not None else n.sigma**-2 for n in nuisances])


def held(nuisances: Sequence[Nuisance]) -> NDArray[np.bool_]:
    """Which of them are not fitted, (nuisances,)."""
    return np.array([nuisance.fixed is not None for nuisance in nuisances], dtype=bool)


def unfitted(nuisances: Sequence[Nuisance]) -> FloatArray:
    """Where each is before it is fitted, (nuisances,): zero, or where it is held."""
    return np.array([0.0 if nuisance.fixed is None else nuisance.fixed for nuisance in nuisances])


FREE = "free"  # in the place of a sigma


def adjusted(nuisances: Sequence[Nuisance], changes: Mapping[str, Mapping[str, float | str]]) -> tuple[Nuisance, ...]:
    """Nuisances with another `sigma` (a number, or `FREE`), or `fixed` at a value, by name."""
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


COMMON = ("sigma", "fixed", "least")  # in which nuisances of one name must agree, as they are one


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The shape of one sample at some points, (points, bins) or (1, bins), and how nuisances move it.

    Its counts are (1 + sum of theta that scale it) * (shape + sum of theta * shift).
    """

    shape: FloatArray
    scaled_by: FloatArray  # (nuisances,), one where it multiplies the sample
    shifts: Mapping[int, FloatArray]  # by the number of the nuisance, as the shape

    def counts(self, theta: FloatArray, which: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        """Counts (n, bins) and directions (n, nuisances, bins) at nuisances (n, nuisances) of these points."""
        factor = 1 + (theta * self.scaled_by).sum(axis=1)[:, None]
        moved = _at(self.shape, which)
        for j, shift in self.shifts.items():
            moved = moved + theta[:, j, None] * _at(shift, which)
        directions = self.scaled_by[:, None] * moved[:, None, :] + np.zeros((len(theta), 1, 1))
        for j, shift in self.shifts.items():
            directions[:, j] += factor * _at(shift, which)
        return factor * moved, directions

    def crossed(self, slope: FloatArray, which: NDArray[np.intp]) -> FloatArray:
        """Sum over bins of slope (n, bins) times the second derivatives of the counts, (n, nuisances, nuisances).

        Scale times shape is all that is not linear.
        """
        count = self.scaled_by.size
        result = np.zeros((len(which), count, count))
        for j, shift in self.shifts.items():
            product = (slope * _at(shift, which)).sum(axis=1)[:, None] * self.scaled_by
            result[:, j] += product
            result[:, :, j] += product
        return result


def _at(values: FloatArray, which: NDArray[np.intp]) -> FloatArray:
    return values if len(values) == 1 else values[which]
