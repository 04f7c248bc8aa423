"""Minimum of the profiled chi2 over contact parameters inside a box domain, at every point of a grid.

One mean nucleus. Each profiled parameter moves an amplitude of Eq. 10 along an interval, so its square moves along an
interval too, and the two charges (x, y) = (Q_e^2, Q_mu^2) fill a convex polygon: a rectangle, swept along the diagonal
where eps_emu (which enters both charges) is profiled over. In (s x, s y, s), with s = 1 + pull, Eq. 7 is a convex
quadratic and the polygon a cone, so chi2 minimised over the pull is quasi-convex in (x, y): its minimum is the
unconstrained one if that lies in the polygon, else the least over the edges, where it has a closed form.

Several nuclei. Each nucleus has charges of its own, which move together but not alike, so there is no such form: the
minimum is found by descent (`cevnsi.statistics.descent`) on each side of where a diagonal amplitude changes sign.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.parameters import CONTACT_PARAMETERS, MATTER_PARAMETERS, OFF_DIAGONAL, PAIRS, MatterParameter, coupling_name
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import ROWS, charge_amplitude, contact, quark_numbers, standard_model_charge
from cevnsi.statistics.descent import descend
from cevnsi.statistics.likelihood import Contraction

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


def _matter_direction(
    parameter: MatterParameter, matter: Any, domain: Domain, nuclides: tuple[Nuclide, ...]
) -> Direction:
    """Eq. 11 fixes eps_u + eps_d = matter / 3 and leaves eps_u free inside both domains."""
    total = np.asarray(matter) / 3
    low, high = _free_interval(parameter, total, domain)
    numbers = {n.name: quark_numbers(n) for n in nuclides}
    offset = {name: q["d"] * total for name, q in numbers.items()}
    return Direction(parameter.pair, "", low, high, offset, {name: q["u"] - q["d"] for name, q in numbers.items()})


def _free_interval(parameter: MatterParameter, total: Any, domain: Domain) -> tuple[Any, Any]:
    """Where eps_u may go inside both domains if eps_u + eps_d is this."""
    (u_low, u_high), (d_low, d_high) = (domain[quark] for quark in parameter.quarks)
    low = np.maximum(u_low, total - d_high)
    return low, np.maximum(low, np.minimum(u_high, total - d_low))  # rounding at the ends of the reach must not cross


def _matter_span(parameter: MatterParameter, domain: Domain, nuclide: Nuclide) -> Direction:
    """All that a pair's amplitude can be where a matter parameter has a domain of its own, for one nucleus.

    The amplitude grows with eps_u + eps_d whatever their difference, so its ends are at the ends of the sum.
    """
    numbers, within = quark_numbers(nuclide), domain[parameter.name]
    least, most = (sum(domain[quark][side] for quark in parameter.quarks) for side in (0, 1))
    ends = np.maximum(least, within[0] / 3), np.minimum(most, within[1] / 3)
    split = [_free_interval(parameter, total, domain) for total in ends]
    at = [np.stack([numbers["u"] * u + numbers["d"] * (total - u) for u in of])
          for total, of in zip(ends, split, strict=True)]  # fmt: skip
    name = nuclide.name
    return Direction(parameter.pair, "", at[0].min(axis=0), at[1].max(axis=0), {name: 0.0}, {name: 1.0})


def directions(parameters: Mapping[str, Any], domain: Domain, nuclides: tuple[Nuclide, ...]) -> list[Direction]:
    """Everything that is minimised over, once matter parameters have fixed, or bounded, sums of pairs of it."""
    result = []
    tied: set[str] = set()
    for name, matter in MATTER_PARAMETERS.items():
        if name in parameters or name in domain:
            tied |= {name, *matter.quarks}
            if name in parameters:
                result.append(_matter_direction(matter, parameters[name], domain, nuclides))
            else:
                (nuclide,) = nuclides  # of several, what the sum leaves is no interval of one amplitude
                result.append(_matter_span(matter, domain, nuclide))
    for name, (low, high) in domain.items():
        if name not in tied:
            made = CONTACT_PARAMETERS[name]
            slope = {n.name: float(quark_numbers(n)[made.quark]) for n in nuclides}
            part = "_imag" if made.imaginary else ""
            result.append(Direction(made.pair, part, low, high, dict.fromkeys(slope, 0.0), slope))
    return result


def turning_points(
    name: str, domain: Domain, nuclides: tuple[Nuclide, ...], sin2_theta_w: float
) -> tuple[list[float], float]:
    """Where chi2 may turn along a contact parameter, and on what scale there.

    Points at which the amplitude that it moves can just vanish with everything else in its domain (without one: zero);
    the scale is that on which this amplitude changes by the SM charge. For the mean of several nuclei.
    """
    numbers = {q: float(np.mean([quark_numbers(n)[q] for n in nuclides])) for q in ("u", "d")}
    charge = float(np.mean([standard_model_charge(n, sin2_theta_w) for n in nuclides]))
    if name in MATTER_PARAMETERS:  # eps_u + eps_d is given; one of the two is at an end of its domain
        matter, difference = MATTER_PARAMETERS[name], numbers["u"] - numbers["d"]
        rest = 0.0 if matter.pair in OFF_DIAGONAL else charge
        u, d = (domain[quark] for quark in matter.quarks)
        points = [-3 * (rest + difference * end) / numbers["d"] for end in u]
        points += [-3 * (rest - difference * end) / numbers["u"] for end in d]
        return points, 6 * abs(charge) / (numbers["u"] + numbers["d"])
    made = CONTACT_PARAMETERS[name]
    rest = 0.0 if made.pair in OFF_DIAGONAL else charge
    other = "u" if made.quark == "d" else "d"
    ends = domain.get(coupling_name(made.pair, other, made.imaginary), (0.0, 0.0))
    number = numbers[made.quark]
    return [-(rest + numbers[other] * end) / number for end in ends], abs(charge) / number


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


def _nuclei_minimum(
    contraction: Contraction, nuclides: tuple[Nuclide, ...], parameters: Mapping[str, Any], domain: Domain, sin2: float
) -> Any:
    """Least chi2 over the domain for several nuclei.

    Where a matter parameter has a domain of its own, the minimum is at an end of it, or a local minimum inside.
    """
    bounded = [name for name in domain if name in MATTER_PARAMETERS]
    rest = {name: ends for name, ends in domain.items() if name not in bounded}
    within = {name: _reached(name, domain) for name in bounded}
    least: Any = np.inf
    for chosen in product(*((None, *within[name]) for name in bounded)):
        held = {name: end for name, end in zip(bounded, chosen, strict=True) if end is not None}
        inside = {name: within[name] for name in bounded if name not in held}
        least = np.minimum(least, _local_minimum(contraction, nuclides, {**parameters, **held}, rest, inside, sin2))
    return least


def _reached(name: str, domain: Domain) -> tuple[float, float]:
    """The part of a matter parameter's domain that the domains of its quarks reach (Eq. 11)."""
    least, most = (3 * sum(domain[quark][side] for quark in MATTER_PARAMETERS[name].quarks) for side in (0, 1))
    return max(domain[name][0], least), min(domain[name][1], most)


def _local_minimum(
    contraction: Contraction,
    nuclides: tuple[Nuclide, ...],
    parameters: Mapping[str, Any],
    domain: Domain,
    inside: Domain,
    sin2: float,
) -> Any:
    """Least of the local minima that descents from both signs of every amplitude that moves lead to.

    Only of those with each matter parameter of `inside` between its ends there.
    """
    moving = directions(parameters, domain, nuclides)
    by_nuclide = [_fixed_amplitudes(n, parameters, moving, sin2) for n in nuclides]
    keys = [key for key in by_nuclide[0] if key[0] != "tautau"]  # which changes no rate
    moving = [d for d in moving if (d.pair, d.part) in keys]
    values = [by[key] for by in by_nuclide for key in keys] + [end for d in moving for end in (d.low, d.high)]
    shape = np.broadcast_shapes(*map(np.shape, values))

    def flat(value: Any) -> FloatArray:
        return np.broadcast_to(np.asarray(value, float), shape).ravel()

    fixed = np.stack([np.stack([flat(by[key]) for by in by_nuclide], -1) for key in keys], 1)  # (n, keys, nuclei)
    if not moving:
        charges = [sum(fixed[:, k, i] ** 2 for k in _keys_of(row, keys)) for row in ROWS for i in range(len(nuclides))]
        return contraction.chi2(charges).reshape(shape)
    low, high = (
        np.stack([flat(end) for end in ends], 1) for ends in zip(*((d.low, d.high) for d in moving), strict=True)
    )
    problem = _Problem(
        contraction,
        fixed,
        np.array([[d.slope[n.name] for n in nuclides] for d in moving]),
        np.array([keys.index((d.pair, d.part)) for d in moving]),
        np.array([[float(key[0] in pairs) for key in keys] for pairs in ROWS.values()]),
    )
    charge = abs(float(np.mean([standard_model_charge(n, sin2) for n in nuclides])))
    size: list[float] = [0.3 * charge if keys[k][0] in OFF_DIAGONAL else charge for k in problem.moved]
    targets = product(*([-amplitude, amplitude] for amplitude in size))
    sums = [([j for j, d in enumerate(moving) if d.pair == pair and not d.part], ends)
            for pair, ends in ((MATTER_PARAMETERS[name].pair, ends) for name, ends in inside.items())]  # fmt: skip
    least = np.full(len(low), np.inf)
    for chosen in targets:
        value, place = descend(problem, problem.start(low, high, chosen), low, high)
        for both, ends in sums:
            matter = 3 * place[:, both].sum(axis=1)
            margin = 1e-12 * (ends[1] - ends[0])  # the ends are tried by themselves
            value = np.where((matter >= ends[0] - margin) & (matter <= ends[1] + margin), value, np.inf)
        least = np.minimum(least, value)
    return least.reshape(shape)


def _keys_of(row: str, keys: list[tuple[str, str]]) -> list[int]:
    return [k for k, (pair, _) in enumerate(keys) if pair in ROWS[row]]


@dataclass(frozen=True)
class _Problem:
    """Chi2 and its derivatives as a function of what moves the amplitudes of several nuclei."""

    contraction: Contraction
    fixed: FloatArray  # (n, keys, nuclei), amplitudes before anything moves
    slope: FloatArray  # (d, nuclei), of the amplitude that a variable moves
    key: NDArray[np.intp]  # (d,), which amplitude that is
    enters: FloatArray  # (rows, keys), one where the square of an amplitude is part of a charge

    @property
    def moved(self) -> list[int]:
        """Numbers of the amplitudes that move."""
        return sorted(set(self.key.tolist()))

    def start(self, low: FloatArray, high: FloatArray, targets: Sequence[float]) -> FloatArray:
        """Variables (n, d) at which each moving amplitude, in the mean of nuclei, is next to its target."""
        start = np.empty_like(low)
        mean = self.slope.mean(axis=1)
        for k, target in zip(self.moved, targets, strict=True):
            mine = np.flatnonzero(self.key == k)
            first = np.where(mean[mine] > 0, low[:, mine], high[:, mine])
            last = np.where(mean[mine] > 0, high[:, mine], low[:, mine])
            least, most = (self.fixed[:, k].mean(axis=1) + (ends * mean[mine]).sum(axis=1) for ends in (first, last))
            part = np.clip((target - least) / np.where(most > least, most - least, 1.0), 0.0, 1.0)[:, None]
            start[:, mine] = first + part * (last - first)
        return start

    def __call__(self, at: FloatArray, which: NDArray[np.intp]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Chi2 (n,), gradient (n, d) and Hessian (n, d, d) at (n, d)."""
        amplitude = self.fixed[which]
        for j, k in enumerate(self.key):
            amplitude[:, k] += at[:, j, None] * self.slope[j]
        charge = np.einsum("rk,nki->nri", self.enters, amplitude**2).reshape(len(at), -1)
        entering = self.enters[:, self.key]  # (rows, d)
        jacobian = 2 * np.einsum("rj,nji,ji->nrij", entering, amplitude[:, self.key], self.slope)
        jacobian = jacobian.reshape(len(at), -1, self.key.size)
        value, by_charge, second = self.contraction.derivatives(charge)
        together = (self.key[:, None] == self.key) * 2 * np.einsum("rj,ji,li->rijl", entering, self.slope, self.slope)
        hessian = jacobian.swapaxes(1, 2) @ second @ jacobian
        hessian += np.einsum("nc,cjl->njl", by_charge, together.reshape(-1, self.key.size, self.key.size))
        return value, np.einsum("nc,ncj->nj", by_charge, jacobian), hessian


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
        return _nuclei_minimum(contraction, nuclides, parameters, domain, sin2_theta_w)
    return _polygon_minimum(contraction, _charge_intervals(nuclides[0], parameters, domain, sin2_theta_w))
