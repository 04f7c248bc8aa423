"""Minimum of Eq. 7 over contact parameters inside a box domain, at every point of a grid, for one mean nucleus.

Each parameter moves an amplitude of Eq. 10 along an interval, so its square moves along an interval too, and
the two charges (x, y) = (Q_e^2, Q_mu^2) fill a convex polygon: a rectangle, swept along the diagonal where eps_emu
(which enters both charges) is minimised over. In (s x, s y, s), with s = 1 + pull, Eq. 7 is a convex quadratic and the
polygon a cone, so chi2 minimised over the pull is quasi-convex in (x, y): its minimum is the unconstrained one if that
lies in the polygon, else the least over the edges, where it has a closed form.
"""

from collections.abc import Mapping

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.domains import Domain, directions, fixed_amplitudes, slopes
from cevnsi.fast.contraction import Contraction
from cevnsi.parameters import Combination
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import ROWS, NucleonCouplings

MOST_EDGES = 6  # of a polygon, which are minimised along together


def handles(nuclides: tuple[Nuclide, ...], domain: Domain, combinations: Mapping[str, Combination] = {}) -> bool:
    """Whether charges fill a polygon: of one nucleus, with nothing in the domain that moves several amplitudes."""
    alone = all(len(slopes(name, nuclides, combinations)) == 1 for name in domain if name in combinations)
    return len(nuclides) == 1 and alone


def _square_interval(low: Real, high: Real) -> tuple[Real, Real]:
    """Least and greatest square of a number in [low, high]."""
    ends = np.square(low), np.square(high)
    return np.where((low <= 0) & (high >= 0), 0.0, np.minimum(*ends)), np.maximum(*ends)


def charge_intervals(
    nuclide: Nuclide,
    parameters: Mapping[str, Real],
    domain: Domain,
    couplings: NucleonCouplings,
    combinations: Mapping[str, Combination],
    farthest: float,
) -> dict[str, tuple[Real, Real]]:
    """Least and greatest contribution to Q_e^2 alone, to Q_mu^2 alone, and to both ("emu") (Eq. 10).

    Each in the shape that what moves it broadcasts to, or a number; none is infinite but for an infinite farthest.
    ValueError as those of `directions` and `contact`.
    """
    moving = directions(parameters, domain, (nuclide,), combinations)
    sums: dict[str, tuple[Real, Real]] = {"e": (0.0, 0.0), "mu": (0.0, 0.0), "emu": (0.0, 0.0)}
    for key, amplitude in fixed_amplitudes(nuclide, parameters, couplings, combinations).items():
        pair, low, high = key[0], amplitude, amplitude
        for direction in moving:
            if slope := direction.slope.get(key, {}).get(nuclide.name, 0.0):
                first, last = slope * direction.low, slope * direction.high
                low, high = low + np.minimum(first, last), high + np.maximum(first, last)
        target = "emu" if pair == "emu" else next((row for row, pairs in ROWS.items() if pair in pairs), None)
        if target is not None:  # tautau changes no rate: the source makes no nu_tau
            least, greatest = _square_interval(low, high)
            if np.isinf(greatest).any():  # beyond the farthest chi2 only grows
                greatest = np.where(np.isinf(greatest), np.maximum(farthest, least), greatest)
            sums[target] = sums[target][0] + least, sums[target][1] + greatest
    return sums


def _edge_minimum(
    contraction: Contraction, start: tuple[FloatArray, FloatArray], along: tuple[FloatArray, FloatArray], length: Real
) -> FloatArray:
    """Least chi2 on each segment start + t * along, 0 <= t <= length: at its stationary point, or an end.

    chi2 falls and rises with (B + t b1)^2 / (G + 2 t g1 + t^2 g2), which is stationary where
    b1 (G + 2 t g1 + t^2 g2) = (B + t b1) (g1 + t g2): linear in t once the squares cancel.
    """
    b, g, penalty = contraction.data_template, contraction.template_template, contraction.penalty
    (x, y), (u, v) = start, along
    b0, b1 = b[0] * x + b[1] * y + penalty, b[0] * u + b[1] * v
    g0 = g[0, 0] * x * x + 2 * g[0, 1] * x * y + g[1, 1] * y * y + penalty
    g1 = g[0, 0] * x * u + g[0, 1] * (x * v + y * u) + g[1, 1] * y * v
    g2 = g[0, 0] * u * u + 2 * g[0, 1] * u * v + g[1, 1] * v * v
    denominator = b1 * g1 - b0 * g2
    # a vanishing denominator puts the stationary point at infinity: an end is the minimum, and ends are tried anyway
    t = np.clip((b0 * g1 - b1 * g0) / np.where(denominator == 0, np.inf, denominator), 0.0, length)
    at = [contraction.chi2([x + step * u, y + step * v]) for step in (t, 0.0, length)]
    least: FloatArray = np.minimum(np.minimum(at[0], at[1]), at[2])
    return least


def _polygon_minimum(contraction: Contraction, intervals: dict[str, tuple[Real, Real]]) -> FloatArray:
    """Least chi2 over (x + z, y + z) with each of x, y, z in its interval."""
    (x1, x2), (y1, y2), (z1, z2) = intervals["e"], intervals["mu"], intervals["emu"]
    edges = [
        (x1 + z1, y1 + z1, 1.0, 0.0, x2 - x1),
        (x1 + z1, y1 + z1, 0.0, 1.0, y2 - y1),
        (x1 + z2, y2 + z2, 1.0, 0.0, x2 - x1),
        (x2 + z2, y1 + z2, 0.0, 1.0, y2 - y1),
    ]
    if np.any(z1 != z2):
        edges += [(x2 + z1, y1 + z1, 1.0, 1.0, z2 - z1), (x1 + z1, y2 + z1, 1.0, 1.0, z2 - z1)]
    shape = np.broadcast_shapes(*(np.shape(end) for interval in intervals.values() for end in interval))
    made = np.empty((5, len(edges), *shape))  # all edges at once: a grid costs its points, a single point its calls
    for i, edge in enumerate(edges):
        for part, value in zip(made, edge, strict=True):
            part[i] = value
    least: FloatArray = _edge_minimum(contraction, (made[0], made[1]), (made[2], made[3]), made[4]).min(axis=0)
    if contraction.stationary is None:
        return least
    x, y = contraction.stationary
    b = contraction.data_template
    inside = np.maximum(np.maximum(z1, x - x2), y - y2) <= np.minimum(np.minimum(z2, x - x1), y - y1)
    return np.where(inside, contraction.data_data - b[0] * x - b[1] * y, least)


def polygon_minimum(
    contraction: Contraction,
    nuclide: Nuclide,
    parameters: Mapping[str, Real],
    domain: Domain,
    couplings: NucleonCouplings,
    combinations: Mapping[str, Combination] = {},
    farthest: float = np.inf,
) -> FloatArray:
    """Least chi2 over `domain` at fixed `parameters`, whose values broadcast; the contraction has (e, mu).

    Of what `handles` says yes to. Where an end of the domain is infinite, charges squared go as far as the farthest.
    """
    intervals = charge_intervals(nuclide, parameters, domain, couplings, combinations, farthest)
    return _polygon_minimum(contraction, intervals)
