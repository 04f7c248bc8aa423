"""Detector response: what of a recoil is seen in which bin."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.measurement import ROUNDING


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """Surviving fraction against photoelectrons: straight lines between points, a repeated abscissa is a step."""

    photoelectrons: FloatArray  # (points,), not decreasing
    fraction: FloatArray  # (points,), in [0, 1]

    def __post_init__(self) -> None:
        """Refuse what is no acceptance: ValueError."""
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
        """Fraction at each value, of any shape; at a step the value of its upper side."""
        x, y = self.photoelectrons, self.fraction
        right = np.clip(np.searchsorted(x, photoelectrons, side="right"), 1, x.size - 1)
        left = right - 1
        width = np.where(x[right] > x[left], x[right] - x[left], 1.0)
        weight = np.clip((photoelectrons - x[left]) / width, 0.0, 1.0)
        return y[left] * (1 - weight) + y[right] * weight


@dataclass(frozen=True, kw_only=True)
class Logistic:
    """Surviving fraction a / (1 + exp(-k (x - x_0))) of x photoelectrons; half of it from 5 to 6, none below.

    As COHERENT gives its CsI detector's (arXiv:1804.09459).
    """

    plateau: float  # a
    steepness: float  # k, per photoelectron
    midpoint: float  # x_0, in photoelectrons

    def without_step(self, photoelectrons: FloatArray) -> FloatArray:
        """The smooth factor of the fraction, of any shape."""
        with np.errstate(over="ignore"):  # an infinite exp makes a fraction of zero
            return np.asarray(self.plateau / (1 + np.exp(-self.steepness * (photoelectrons - self.midpoint))))

    def __call__(self, photoelectrons: FloatArray) -> FloatArray:
        """Fraction at each value, of any shape; at a step the value of its upper side."""
        half, whole = LOGISTIC_STEPS_PE
        step = np.where(photoelectrons >= whole, 1.0, np.where(photoelectrons >= half, 0.5, 0.0))
        return step * self.without_step(photoelectrons)


LOGISTIC_STEPS_PE = (5.0, 6.0)  # where the step in front of the logistic goes from 0 to 1/2, and from 1/2 to 1
Fraction = Callable[[FloatArray], FloatArray]  # of what is accepted, against photoelectrons
Curve = Callable[[FloatArray], FloatArray]  # visible energy in keVee of recoil energies in MeV


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a release itself expects of the standard model's signal, to which a prediction is scaled bin by bin.

    A prediction has these counts if it is that of `templates.REFERENCE_FORM_FACTOR` and so on and of this exposure, and
    so many times as many if it is more, in each bin of energy and time.
    """

    counts: FloatArray  # (bins,)
    exposure: Exposure


@dataclass(frozen=True, kw_only=True)
class Response:
    """What part of recoils of some energy is seen in each bin of energy, and when.

    Where bins have further axes, between those of energy and time, what is seen is spread over these by shares, or as a
    reference says.
    """

    detected: Callable[[FloatArray], FloatArray]  # recoil energies in MeV (nodes,) to (energy bins, nodes)
    recoil_energies_mev: FloatArray  # (kinks,), increasing: where `detected` has steps or kinks; outside it is zero
    longest_segment_mev: float  # over which it is smooth enough for a few nodes
    arrival: Mapping[str, FloatArray] | None = None  # (time bins,) by flavor, the part that arrives in each
    shares: FloatArray | None = None  # (energy bins, further bins, time bins)
    reference: Reference | None = None

    def reaches(self, seen: NDArray[np.bool_], arrives: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which bins (bins,) a signal reaches that is seen in some bins of energy and arrives in some bins of time.

        These are (energy bins,) and (time bins,).
        """
        reached = np.logical_and.outer(seen, arrives)[:, None]
        if self.shares is not None:
            reached = reached & (self.shares > 0)
        if self.reference is not None:
            reached = reached & (self.reference.counts.reshape(len(seen), -1, len(arrives)) > 0)
        return reached.ravel()


LONGEST_SEGMENT_PE = 0.5
NODES_OF_PE = 4  # Gauss-Legendre in photoelectrons, in each of such segments


def unsmeared_response(bin_edges_pe: FloatArray, acceptance: Acceptance, light_yield_pe_per_kev: float) -> Response:
    """A recoil gives its mean number of photoelectrons (Eq. 5), and is accepted with the fraction at that number.

    Edges are (energy bins + 1,). ValueError if they are not where the acceptance is known.
    """
    covered, (low, high) = acceptance.photoelectrons, bin_edges_pe[[0, -1]]
    missed = ROUNDING * (high - low)
    if not (covered[0] <= low + missed and high - missed <= covered[-1]):
        ends = f"[{covered[0]:.10g}, {covered[-1]:.10g}]"
        raise ValueError(f"acceptance covers {ends}; the bins need [{low:.10g}, {high:.10g}]")
    return sharp_response(bin_edges_pe, acceptance, covered, light_yield_pe_per_kev)


def sharp_response(
    bin_edges_pe: FloatArray, fraction: Fraction, kinks_pe: FloatArray, light_yield_pe_per_kev: float
) -> Response:
    """As `unsmeared_response`, of any accepted fraction, which is smooth between its kinks.

    Edges are (energy bins + 1,), kinks (kinks,), of which those outside count for nothing.
    """
    pe_per_mev = light_yield_pe_per_kev * 1e3

    def detected(recoil_energy_mev: FloatArray) -> FloatArray:
        photoelectrons = recoil_energy_mev * pe_per_mev
        inside = (bin_edges_pe[:-1, None] <= photoelectrons) & (photoelectrons < bin_edges_pe[1:, None])
        return inside * fraction(photoelectrons)

    low, high = bin_edges_pe[[0, -1]]
    kinks = np.unique(np.concatenate([bin_edges_pe, kinks_pe[(kinks_pe > low) & (kinks_pe < high)]]))
    return Response(
        detected=detected, recoil_energies_mev=kinks / pe_per_mev, longest_segment_mev=LONGEST_SEGMENT_PE / pe_per_mev
    )


SMEARINGS = ("none", "poisson")  # of the number of photoelectrons of a recoil
# Where the accepted fraction is read for a recoil of some mean that gives n photoelectrons.
READ_AT: dict[str, Callable[[FloatArray, int], FloatArray]] = {
    "true": lambda mean, n: mean,
    "count": lambda mean, n: np.full_like(mean, n),
    "bin_centre": lambda mean, n: np.full_like(mean, n + 0.5),  # of a bin of one photoelectron, [n, n + 1)
}
SMEARED_BEYOND = 12.0  # standard deviations of a Poisson count above the last bin, where nothing is seen in it any more


def poisson_response(
    bin_edges_pe: FloatArray, fraction: Fraction, kinks_pe: FloatArray, light_yield_pe_per_kev: float, *, read_at: str
) -> Response:
    """A recoil gives a Poisson number of photoelectrons about its mean (Eq. 5); a bin has those in [low, high).

    Each is accepted with the fraction at one of `READ_AT`, which is smooth between its kinks, (kinks,). Edges are
    (energy bins + 1,).
    """
    from scipy.special import gammaln, xlogy

    pe_per_mev, high = light_yield_pe_per_kev * 1e3, float(bin_edges_pe[-1])
    counts = [range(math.ceil(low), math.ceil(end)) for low, end in pairwise(bin_edges_pe.tolist())]

    def detected(recoil_energy_mev: FloatArray) -> FloatArray:
        mean = recoil_energy_mev * pe_per_mev

        def seen(n: int) -> FloatArray:
            return np.exp(xlogy(n, mean) - mean - gammaln(n + 1)) * fraction(READ_AT[read_at](mean, n))

        return np.stack([sum((seen(n) for n in mine), np.zeros_like(mean)) for mine in counts])

    ends = np.array([0.0, high + SMEARED_BEYOND * (1 + np.sqrt(high))])
    kinks = np.concatenate([ends, kinks_pe]) if read_at == "true" else ends
    return Response(
        detected=detected,
        recoil_energies_mev=np.sort(kinks) / pe_per_mev,
        longest_segment_mev=LONGEST_SEGMENT_PE / pe_per_mev,
    )


@dataclass(frozen=True, kw_only=True)
class GammaLaw:
    """Photoelectrons of an energy E in keVee: a gamma law of mean E / a and shape 1 + b E (arXiv:2110.07730)."""

    kevee_per_pe: float  # a
    shape_per_kevee: float  # b

    def density(self, photoelectrons: FloatArray, energy_kevee: FloatArray) -> FloatArray:
        """Per photoelectron; photoelectrons above zero and energies in keVee broadcast. Of no energy there are none."""
        from scipy.special import gammaln, xlogy

        shape = 1 + self.shape_per_kevee * energy_kevee
        scale = np.where(energy_kevee > 0, energy_kevee / self.kevee_per_pe / shape, 1.0)
        at = photoelectrons / scale
        return np.where(energy_kevee > 0, np.exp(xlogy(shape - 1, at) - at - gammaln(shape)) / scale, 0.0)


def polynomial(coefficients: Sequence[float]) -> Curve:
    """A quenching curve, energy in keVee of recoils in MeV: 1000 (c_1 T + c_2 T^2 + ...), without a constant.

    It takes any shape; c_i is in MeV^(1 - i).
    """

    def visible(recoil_energy_mev: FloatArray) -> FloatArray:
        total = np.zeros_like(recoil_energy_mev)
        for coefficient in reversed(coefficients):
            total = (total + coefficient) * recoil_energy_mev
        return 1e3 * total

    return visible


def gamma_response(
    bin_edges_pe: FloatArray,
    efficiency: Fraction,
    kinks_pe: FloatArray,
    visible_kevee: Curve,
    law: GammaLaw,
    highest_recoil_mev: float,
) -> Response:
    """A recoil gives a visible energy, and photoelectrons about it by a gamma law, accepted with their own efficiency.

    The efficiency is smooth between its kinks, (kinks,), and is integrated over every bin: it may not be read at the
    middle of a wide one. Edges are (energy bins + 1,); recoils above the highest are not looked at. ValueError if the
    visible energy grows so fast that it takes too many nodes.
    """
    inside = kinks_pe[(kinks_pe > bin_edges_pe[0]) & (kinks_pe < bin_edges_pe[-1])]
    ends = np.unique(np.concatenate([bin_edges_pe, inside]))
    counts = np.maximum(np.ceil(np.diff(ends) / LONGEST_SEGMENT_PE).astype(int), 1)
    pieces = (np.linspace(*both, n + 1) for both, n in zip(pairwise(ends), counts, strict=True))
    edges = np.unique(np.concatenate(list(pieces)))
    abscissa, weight = np.polynomial.legendre.leggauss(NODES_OF_PE)
    half = np.diff(edges)[:, None] / 2
    x = (edges[:-1, None] + half * (1 + abscissa)).ravel()
    accepted = (half * weight).ravel() * efficiency(x)
    place = np.searchsorted(bin_edges_pe, x, side="right") - 1

    def detected(recoil_energy_mev: FloatArray) -> FloatArray:
        seen = accepted[:, None] * law.density(x[:, None], visible_kevee(recoil_energy_mev))
        return np.stack([seen[place == b].sum(axis=0) for b in range(bin_edges_pe.size - 1)])

    def mean_pe(recoil_energy_mev: FloatArray) -> FloatArray:
        return visible_kevee(recoil_energy_mev) / law.kevee_per_pe

    return Response(
        detected=detected,
        recoil_energies_mev=np.array([0.0, highest_recoil_mev]),
        longest_segment_mev=_longest_segment_mev(mean_pe, highest_recoil_mev, LONGEST_SEGMENT_PE, "PE"),
    )


MOST_SEGMENTS = 5_000  # of a curve; the releases have less than 200, and what is seen at each node is kept


def _longest_segment_mev(seen: Curve, highest_recoil_mev: float, longest: float, unit: str) -> float:
    """Recoils over which what is seen moves by so much where it is steepest; ValueError for too many of these."""
    steepest = float(np.diff(seen(np.linspace(0, highest_recoil_mev, 101))).max()) * 100 / highest_recoil_mev
    if (segments := highest_recoil_mev * steepest / longest) > MOST_SEGMENTS:
        raise ValueError(
            f"scintillation: up to {steepest:.3g} {unit} for a MeV, which takes {segments:.3g} pieces of {longest:g} "
            f"{unit} up to {highest_recoil_mev:.3g} MeV; expected at most {MOST_SEGMENTS}"
        )
    return longest / steepest


LONGEST_SEGMENT_KEVEE = 0.5


def gaussian_response(
    bin_edges_kevee: FloatArray,
    efficiency: Fraction,
    kinks_kevee: FloatArray,
    visible_kevee: Curve,
    resolution: float,
    highest_recoil_mev: float,
) -> Response:
    """A recoil gives a visible energy E in keVee, and is seen about it by a Gaussian of sigma = resolution * sqrt(E).

    It is accepted with the efficiency at E itself, which is smooth between its kinks, (kinks,), and nothing below the
    first; E grows with the recoil. Edges are (energy bins + 1,), the resolution is in keVee^(1/2); recoils above the
    highest are not looked at. ValueError if none gives as much as the first kink, or if E grows so fast that it takes
    too many nodes.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr

    def detected(recoil_energy_mev: FloatArray) -> FloatArray:
        energy = visible_kevee(recoil_energy_mev)
        sigma = resolution * np.sqrt(energy)
        below = ndtr((bin_edges_kevee[:, None] - energy) / np.where(sigma > 0, sigma, 1.0))
        return np.diff(below, axis=0) * np.where(sigma > 0, efficiency(energy), 0.0)

    def beyond(recoil_mev: float, energy: float) -> float:
        return float(visible_kevee(np.array([recoil_mev]))[0]) - energy

    inside = [kink for kink in kinks_kevee.tolist() if beyond(highest_recoil_mev, kink) > 0]
    if not inside:
        raise ValueError(f"efficiency: none below {kinks_kevee[0]:g} keVee; expected recoils that give as much")
    recoils = [brentq(beyond, 0.0, highest_recoil_mev, args=(kink,), xtol=1e-15, rtol=1e-14) for kink in inside]
    return Response(
        detected=detected,
        recoil_energies_mev=np.array([*recoils, highest_recoil_mev]),
        longest_segment_mev=_longest_segment_mev(visible_kevee, highest_recoil_mev, LONGEST_SEGMENT_KEVEE, "keVee"),
    )
