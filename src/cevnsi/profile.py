"""Minimum of the profiled chi2 over contact parameters inside a box domain, at every point of a grid.

One mean nucleus. Each profiled parameter moves an amplitude of Eq. 10 along an interval, so its square moves along an
interval too, and the two charges (x, y) = (Q_e^2, Q_mu^2) fill a convex polygon: a rectangle, swept along the diagonal
where eps_emu (which enters both charges) is profiled over. In (s x, s y, s), with s = 1 + pull, Eq. 7 is a convex
quadratic and the polygon a cone, so chi2 minimised over the pull is quasi-convex in (x, y): its minimum is the
unconstrained one if that lies in the polygon, else the least over the edges, where it has a closed form.

Two nuclei. The four charges then depend on one direction per flavor; on each side of the point where a flavor's
amplitude changes sign chi2 is unimodal to the extent that the nuclei are alike, and nested golden sections find it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.interactions import (
    MATTER_PARAMETERS,
    OFF_DIAGONAL,
    PAIRS,
    ROWS,
    charge_amplitude,
    contact,
    quark_numbers,
)
from cevnsi.likelihood import Contraction
from cevnsi.nuclei import Nuclide

FloatArray = NDArray[np.float64]
Domain = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Direction:
    """Where one parameter may go at each grid point, and what it adds to a pair's amplitude there.

    amplitude = offset + slope * value with value in [low, high]; `part` is "" or "_imag".
    """

    pair: str
    part: str
    low: Any
    high: Any
    offset: dict[str, Any]  # by nuclide
    slope: dict[str, float]  # by nuclide


def _matter_direction(pair: str, matter: Any, domain: Domain, nuclides: tuple[Nuclide, ...]) -> Direction:
    """Eq. 11 fixes eps_u + eps_d = matter / 3 and leaves eps_u free inside both domains."""
    total = np.asarray(matter) / 3
    (u_low, u_high), (d_low, d_high) = domain[f"eps_{pair}_uV"], domain[f"eps_{pair}_dV"]
    low = np.maximum(u_low, total - d_high)
    high = np.maximum(low, np.minimum(u_high, total - d_low))  # rounding at the ends of the reach must not cross
    numbers = {n.name: quark_numbers(n) for n in nuclides}
    offset = {name: q["d"] * total for name, q in numbers.items()}
    return Direction(pair, "", low, high, offset, {name: q["u"] - q["d"] for name, q in numbers.items()})


def directions(parameters: Mapping[str, Any], domain: Domain, nuclides: tuple[Nuclide, ...]) -> list[Direction]:
    """Everything that is profiled over, once the matter parameters have fixed sums of pairs of it."""
    result = []
    tied: set[str] = set()
    for name in MATTER_PARAMETERS:
        if name in parameters:
            pair = name.split("_")[1]
            tied |= {f"eps_{pair}_uV", f"eps_{pair}_dV"}
            result.append(_matter_direction(pair, parameters[name], domain, nuclides))
    for name, (low, high) in domain.items():
        if name not in tied:
            _, pair, quark, *part = name.split("_")
            slope = {n.name: float(quark_numbers(n)[quark[0]]) for n in nuclides}
            result.append(Direction(pair, "_imag" if part else "", low, high, dict.fromkeys(slope, 0.0), slope))
    return result


def _fixed_amplitudes(
    nuclide: Nuclide, parameters: Mapping[str, Any], moving: list[Direction], sin2_theta_w: float
) -> dict[tuple[str, str], Any]:
    """Real and imaginary amplitude of every pair before the profiled parameters add to it."""
    epsilon = contact({name: value for name, value in parameters.items() if name not in MATTER_PARAMETERS})
    amplitudes: dict[tuple[str, str], Any] = {}
    for pair in PAIRS:
        amplitude = charge_amplitude(nuclide, pair, epsilon, sin2_theta_w)
        amplitudes[pair, ""] = np.real(amplitude)
        if pair in OFF_DIAGONAL:
            amplitudes[pair, "_imag"] = np.imag(amplitude)
    for direction in moving:
        key = (direction.pair, direction.part)
        amplitudes[key] = amplitudes[key] + direction.offset[nuclide.name]
    return amplitudes


def _square_interval(low: Any, high: Any) -> tuple[Any, Any]:
    """Least and greatest square of a number in [low, high]."""
    ends = np.square(low), np.square(high)
    return np.where((low <= 0) & (high >= 0), 0.0, np.minimum(*ends)), np.maximum(*ends)


def _charge_intervals(
    nuclide: Nuclide, parameters: Mapping[str, Any], domain: Domain, sin2_theta_w: float
) -> dict[str, tuple[Any, Any]]:
    """Least and greatest contribution to Q_e^2 alone, to Q_mu^2 alone, and to both ("emu")."""
    moving = directions(parameters, domain, (nuclide,))
    sums: dict[str, tuple[Any, Any]] = {"e": (0.0, 0.0), "mu": (0.0, 0.0), "emu": (0.0, 0.0)}
    for (pair, part), amplitude in _fixed_amplitudes(nuclide, parameters, moving, sin2_theta_w).items():
        low, high = amplitude, amplitude
        for direction in moving:
            if (direction.pair, direction.part) == (pair, part):
                reach = [direction.slope[nuclide.name] * end for end in (direction.low, direction.high)]
                low, high = low + np.minimum(*reach), high + np.maximum(*reach)
        target = "emu" if pair == "emu" else next((row for row, pairs in ROWS.items() if pair in pairs), None)
        if target is not None:  # tautau changes no rate: the source makes no nu_tau
            least, greatest = _square_interval(low, high)
            sums[target] = sums[target][0] + least, sums[target][1] + greatest
    return sums


def _edge_minimum(contraction: Contraction, start: tuple[Any, Any], along: tuple[float, float], length: Any) -> Any:
    """Least chi2 on the segment start + t * along, 0 <= t <= length: its stationary point, or an end.

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
    return np.minimum(np.minimum(at[0], at[1]), at[2])


def _polygon_minimum(contraction: Contraction, intervals: dict[str, tuple[Any, Any]]) -> Any:
    """Least chi2 over (x + z, y + z) with each of x, y, z in its interval."""
    (x1, x2), (y1, y2), (z1, z2) = intervals["e"], intervals["mu"], intervals["emu"]
    edges = [
        ((x1 + z1, y1 + z1), (1.0, 0.0), x2 - x1),
        ((x1 + z1, y1 + z1), (0.0, 1.0), y2 - y1),
        ((x1 + z2, y2 + z2), (1.0, 0.0), x2 - x1),
        ((x2 + z2, y1 + z2), (0.0, 1.0), y2 - y1),
    ]
    if np.any(z1 != z2):
        edges += [((x2 + z1, y1 + z1), (1.0, 1.0), z2 - z1), ((x1 + z1, y2 + z1), (1.0, 1.0), z2 - z1)]
    least: Any = np.inf
    for start, along, length in edges:
        least = np.minimum(least, _edge_minimum(contraction, start, along, length))
    b, g = contraction.data_template, contraction.template_template
    if np.linalg.cond(g) > 1e12:  # one bin: the minimum is a line, and crosses an edge if it meets the polygon
        return least
    x, y = np.linalg.solve(g, b)
    inside = np.maximum(np.maximum(z1, x - x2), y - y2) <= np.minimum(np.minimum(z2, x - x1), y - y1)
    return np.where(inside, contraction.data_data - b[0] * x - b[1] * y, least)


_GOLDEN = (np.sqrt(5) - 1) / 2
_GOLDEN_STEPS = 32  # leaves 2e-7 of the interval; chi2 is quadratic there, and the ends are tried besides


def _golden_minimum(function: Any, low: Any, high: Any) -> Any:
    """Least value of a unimodal function on [low, high], elementwise over arrays."""
    best = np.minimum(function(low), function(high))
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    f_left, f_right = function(left), function(right)
    for _ in range(_GOLDEN_STEPS):
        down = f_left < f_right
        low, high = np.where(down, low, left), np.where(down, right, high)
        probe = np.where(down, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        f_probe = function(probe)
        left, right = np.where(down, probe, right), np.where(down, left, probe)
        f_left, f_right = np.where(down, f_probe, f_right), np.where(down, f_left, f_probe)
    return np.minimum(best, np.minimum(f_left, f_right))


def _two_nuclei_minimum(
    contraction: Contraction, nuclides: tuple[Nuclide, ...], parameters: Mapping[str, Any], domain: Domain, sin2: float
) -> Any:
    """Least chi2 over one direction of eps_ee and one of eps_mumu; the configuration admits no other."""
    moving = directions(parameters, domain, nuclides)
    fixed = {n.name: _fixed_amplitudes(n, parameters, moving, sin2) for n in nuclides}
    by_row = {row: next((d for d in moving if d.pair == pair), None) for row, pair in (("e", "ee"), ("mu", "mumu"))}

    def charges(row: str, value: Any) -> list[Any]:
        """Charge squared of each nuclide with the row's direction at this value."""
        direction, result = by_row[row], []
        for n in nuclides:
            amplitudes = [fixed[n.name][key] for key in fixed[n.name] if key[0] in ROWS[row]]
            if direction is not None:
                amplitudes[0] = amplitudes[0] + direction.slope[n.name] * value  # the diagonal pair comes first
            result.append(sum(np.square(amplitude) for amplitude in amplitudes))
        return result

    def sectors(row: str) -> list[tuple[Any, Any]]:
        """The direction's interval cut where the mean amplitude vanishes."""
        direction = by_row[row]
        if direction is None:
            return [(0.0, 0.0)]
        amplitude = sum(fixed[n.name][direction.pair, ""] * direction.slope[n.name] for n in nuclides)
        zero = -amplitude / sum(direction.slope[n.name] ** 2 for n in nuclides)
        cut = np.clip(zero, direction.low, direction.high)
        return [(direction.low, cut), (cut, direction.high)]

    least: Any = np.inf
    for (e_low, e_high), (mu_low, mu_high) in product(sectors("e"), sectors("mu")):

        def over_mu(value: Any, low: Any = mu_low, high: Any = mu_high) -> Any:
            electron = charges("e", value)
            return _golden_minimum(lambda v: contraction.chi2([*electron, *charges("mu", v)]), low, high)

        least = np.minimum(least, _golden_minimum(over_mu, e_low, e_high))
    return least


def profiled_minimum(
    contraction: Contraction,
    nuclides: tuple[Nuclide, ...],
    parameters: Mapping[str, Any],
    domain: Domain,
    sin2_theta_w: float,
) -> Any:
    """Least chi2 over `domain` at fixed `parameters`, whose values broadcast; the contraction's templates are ordered
    (e, mu) by nuclide.
    """
    if len(nuclides) > 1:
        return _two_nuclei_minimum(contraction, nuclides, parameters, domain, sin2_theta_w)
    return _polygon_minimum(contraction, _charge_intervals(nuclides[0], parameters, domain, sin2_theta_w))
