"""Arrival times that are known but for an offset: what of each sample falls in which bin of time, against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cevnsi.arrays import FloatArray

if TYPE_CHECKING:
    from scipy.interpolate import CubicSpline


@dataclass(frozen=True, kw_only=True, eq=False)
class Shares:
    """What of each group arrives in each bin of time, smooth in the offset: a cubic spline between its nodes.

    Where it swings below zero by more than any node is, it is cut, lest 1e-9 of a signal 1e10 times too large be fewer
    counts than none.
    """

    offsets: FloatArray  # (nodes,), increasing, in the unit of the nuisance
    values: FloatArray  # (nodes, groups, times), parts of one

    @cached_property
    def spline(self) -> "CubicSpline":
        """Of the offset, (groups, times)."""
        from scipy.interpolate import CubicSpline

        return CubicSpline(self.offsets, self.values, axis=0)

    @cached_property
    def _floor(self) -> float:
        return min(float(self.values.min()), 0.0)

    def at(self, offset: FloatArray | float, derivative: int = 0) -> FloatArray:
        """Shares, or a derivative of theirs, at offsets (...) between the nodes, (..., groups, times)."""
        found = np.asarray(self.spline(offset, nu=derivative))
        return found if derivative else np.maximum(found, self._floor)


@dataclass(frozen=True, kw_only=True, eq=False)
class Clock:
    """An offset of the time axis that a nuisance is, and what moves with it.

    A sample that moves is known by cell, of energy and group, the group faster; groups are kinds of arrival.
    """

    nuisance: str
    shares: Mapping[str, Shares]  # by sample; of the signal, the groups are the columns of the response's arrival
    shapes: Mapping[str, FloatArray]  # (cells,) of each background that moves, counts

    def check(self, least: float, most: float) -> None:
        """Refuse offsets where shares are not known: ValueError."""
        for sample, shares in self.shares.items():
            first, last = float(shares.offsets[0]), float(shares.offsets[-1])
            if not first <= least <= most <= last:
                raise ValueError(
                    f"nuisance {self.nuisance}: from {least:g} to {most:g}; expected offsets at which shares of "
                    f"{sample} are known, {first:g} to {last:g}"
                )
