"""Detector response: what of a recoil is seen in which bin."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.experiments.measurement import ROUNDING


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """Surviving fraction against photoelectrons: straight lines between points, a repeated abscissa is a step."""

    photoelectrons: FloatArray  # (points,), not decreasing
    fraction: FloatArray  # (points,), in [0, 1]

    def __post_init__(self) -> None:
        """Refuse what is no acceptance."""
        x, y = self.photoelectrons, self.fraction
        if not (np.shape(x) == np.shape(y) and np.size(x) >= 2):
            raise ValueError(
                f"acceptance: shapes {np.shape(x)} and {np.shape(y)}; expected one shape, of 2 points or more"
            )
        if not (np.diff(x) >= 0).all():
            raise ValueError(f"acceptance: photoelectrons {x}; expected numbers that do not decrease")
        if not ((y >= 0) & (y <= 1)).all():
            raise ValueError(f"acceptance: fractions {y}; expected numbers in [0, 1]")

    def __call__(self, photoelectrons: FloatArray) -> FloatArray:
        """Fraction at each value; at a step the value of its upper side."""
        x, y = self.photoelectrons, self.fraction
        right = np.clip(np.searchsorted(x, photoelectrons, side="right"), 1, x.size - 1)
        left = right - 1
        width = np.where(x[right] > x[left], x[right] - x[left], 1.0)
        weight = np.clip((photoelectrons - x[left]) / width, 0.0, 1.0)
        return y[left] * (1 - weight) + y[right] * weight


@dataclass(frozen=True, kw_only=True)
class Response:
    """What part of recoils of some energy is seen in each bin of energy."""

    detected: Callable[[FloatArray], FloatArray]  # recoil energies in MeV (nodes,) to (energy bins, nodes)
    recoil_energies_mev: FloatArray  # increasing: where `detected` has steps or kinks; outside of them it is zero
    longest_segment_mev: float  # over which it is smooth enough for a few nodes


LONGEST_SEGMENT_PE = 0.5


def unsmeared_response(bin_edges_pe: FloatArray, acceptance: Acceptance, light_yield_pe_per_kev: float) -> Response:
    """A recoil gives its mean number of photoelectrons (Eq. 5), and is accepted with the fraction at that number."""
    covered, (low, high) = acceptance.photoelectrons, bin_edges_pe[[0, -1]]
    missed = ROUNDING * (high - low)
    if not (covered[0] <= low + missed and high - missed <= covered[-1]):
        ends = f"[{covered[0]:.10g}, {covered[-1]:.10g}]"
        raise ValueError(f"acceptance covers {ends}; the bins need [{low:.10g}, {high:.10g}]")
    pe_per_mev = light_yield_pe_per_kev * 1e3

    def detected(recoil_energy_mev: FloatArray) -> FloatArray:
        photoelectrons = recoil_energy_mev * pe_per_mev
        inside = (bin_edges_pe[:-1, None] <= photoelectrons) & (photoelectrons < bin_edges_pe[1:, None])
        return inside * acceptance(photoelectrons)

    kinks = np.unique(np.concatenate([bin_edges_pe, covered[(covered > low) & (covered < high)]]))
    return Response(
        detected=detected, recoil_energies_mev=kinks / pe_per_mev, longest_segment_mev=LONGEST_SEGMENT_PE / pe_per_mev
    )
