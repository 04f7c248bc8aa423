"""Least chi2 over contact couplings inside a domain, by descent: the plain way for any statistic and any nuclei.

Each nucleus has charges of its own, which move together but not alike. The minimum is found by descent
(`cevnsi.statistics.descent`) from each side of where a diagonal amplitude changes sign.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray, Real
from cevnsi.parameters import CONTACT_PARAMETERS, MATTER_PARAMETERS, OFF_DIAGONAL, PAIRS, MatterParameter, coupling_name
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import (
    ROW_OF_PAIR,
    ROWS,
    NucleonCouplings,
    charge_amplitude,
    contact,
    parts,
    quark_numbers,
    standard_model_charge,
)
from cevnsi.statistics.descent import descend

# Ends broadcast with parameters; only where a matter parameter has a domain, too, all of them are single numbers.
Domain = Mapping[str, tuple[Real, Real]]
# Chi2 (n,), gradient (n, k) and Hessian (n, k, k) at charges squared (n, k), ordered (e, mu) by nucleus.
ChargeDerivatives = Callable[[FloatArray], tuple[FloatArray, FloatArray, FloatArray]]


@dataclass(frozen=True, kw_only=True)
class Direction:
    """Where one parameter may go at each grid point, and what it adds to a pair's amplitude there.

    amplitude = offset + slope * value with value in [low, high]; `part` is "" or "_imag".
    """

    pair: str
    part: str
    low: Real
    high: Real
    offset: Mapping[str, Real]  # by nuclide
    slope: dict[str, float]  # by nuclide


def _matter_direction(
    parameter: MatterParameter, matter: Real, domain: Domain, nuclides: tuple[Nuclide, ...]
) -> Direction:
    """Eq. 11 fixes eps_u + eps_d = matter / 3 and leaves eps_u free inside both domains."""
    total = np.asarray(matter) / 3
    low, high = _free_interval(parameter, total, domain)
    numbers = {n.name: quark_numbers(n) for n in nuclides}
    offset = {name: q["d"] * total for name, q in numbers.items()}
    slope = {name: float(q["u"] - q["d"]) for name, q in numbers.items()}
    return Direction(pair=parameter.pair, part="", low=low, high=high, offset=offset, slope=slope)


def _free_interval(parameter: MatterParameter, total: Real, domain: Domain) -> tuple[Real, Real]:
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
    low, high, name = at[0].min(axis=0), at[1].max(axis=0), nuclide.name
    return Direction(pair=parameter.pair, part="", low=low, high=high, offset={name: 0.0}, slope={name: 1.0})


def directions(parameters: Mapping[str, Real], domain: Domain, nuclides: tuple[Nuclide, ...]) -> list[Direction]:
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
            part, offset = "_imag" if made.imaginary else "", dict.fromkeys(slope, 0.0)
            result.append(Direction(pair=made.pair, part=part, low=low, high=high, offset=offset, slope=slope))
    return result


def turning_points(
    name: str, domain: Mapping[str, tuple[float, float]], nuclides: tuple[Nuclide, ...], couplings: NucleonCouplings
) -> tuple[list[float], float]:
    """Where chi2 may turn along a contact parameter, and on what scale there.

    Points at which the amplitude that it moves can just vanish with everything else in its domain (without one: zero);
    the scale is that on which this amplitude changes by the SM charge. For the mean of several nuclei.
    """
    numbers = {q: float(np.mean([quark_numbers(n)[q] for n in nuclides])) for q in ("u", "d")}
    row = ROW_OF_PAIR[(MATTER_PARAMETERS[name] if name in MATTER_PARAMETERS else CONTACT_PARAMETERS[name]).pair]
    charge = float(np.mean([standard_model_charge(n, couplings, row) for n in nuclides]))
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


def fixed_amplitudes(
    nuclide: Nuclide, parameters: Mapping[str, Real], moving: list[Direction], couplings: NucleonCouplings
) -> dict[tuple[str, str], Real]:
    """Real and imaginary amplitude of every pair before what is minimised over adds to it."""
    epsilon = contact({name: value for name, value in parameters.items() if name not in MATTER_PARAMETERS})
    amplitudes: dict[tuple[str, str], Real] = {}
    for pair in PAIRS:
        amplitudes[pair, ""], imaginary = parts(charge_amplitude(nuclide, pair, epsilon, couplings))
        if pair in OFF_DIAGONAL:
            amplitudes[pair, "_imag"] = imaginary
    for direction in moving:
        key = (direction.pair, direction.part)
        amplitudes[key] = amplitudes[key] + direction.offset[nuclide.name]
    return amplitudes


def least_over_domain(
    derivatives: ChargeDerivatives,
    nuclides: tuple[Nuclide, ...],
    parameters: Mapping[str, Real],
    domain: Domain,
    couplings: NucleonCouplings,
) -> FloatArray:
    """Least chi2 over a domain at fixed parameters, whose values broadcast.

    Where a matter parameter has a domain of its own, the minimum is at an end of it, or a local minimum inside.
    """
    bounded = [name for name in domain if name in MATTER_PARAMETERS]
    rest = {name: ends for name, ends in domain.items() if name not in bounded}
    within = {name: _reached(name, domain) for name in bounded}
    least: Real = np.inf
    for chosen in product(*((None, *within[name]) for name in bounded)):
        held = {name: end for name, end in zip(bounded, chosen, strict=True) if end is not None}
        inside = {name: within[name] for name in bounded if name not in held}
        here = {**parameters, **held}
        least = np.minimum(least, _local_minimum(derivatives, nuclides, here, rest, inside, couplings))
    return np.asarray(least)


def reach(name: str, domain: Domain) -> tuple[Real, Real]:
    """Least and greatest value of a matter parameter that the domains of its quarks allow (Eq. 11); ends broadcast."""
    least, most = (3 * sum(domain[quark][side] for quark in MATTER_PARAMETERS[name].quarks) for side in (0, 1))
    return least, most


def _reached(name: str, domain: Domain) -> tuple[float, float]:
    """The part of a matter parameter's own domain that it can reach."""
    least, most = map(float, reach(name, domain))
    return max(float(domain[name][0]), least), min(float(domain[name][1]), most)


def _local_minimum(
    derivatives: ChargeDerivatives,
    nuclides: tuple[Nuclide, ...],
    parameters: Mapping[str, Real],
    domain: Domain,
    inside: Domain,
    couplings: NucleonCouplings,
) -> Real:
    """Least of the local minima that descents from both signs of every amplitude that moves lead to.

    Only of those with each matter parameter of `inside` between its ends there.
    """
    moving = directions(parameters, domain, nuclides)
    by_nuclide = [fixed_amplitudes(n, parameters, moving, couplings) for n in nuclides]
    keys = [key for key in by_nuclide[0] if key[0] != "tautau"]  # which changes no rate
    moving = [d for d in moving if (d.pair, d.part) in keys]
    values = [by[key] for by in by_nuclide for key in keys] + [end for d in moving for end in (d.low, d.high)]
    shape = np.broadcast_shapes(*map(np.shape, values))

    def flat(value: Real) -> FloatArray:
        return np.broadcast_to(np.asarray(value, float), shape).ravel()

    fixed = np.stack([np.stack([flat(by[key]) for by in by_nuclide], -1) for key in keys], 1)  # (n, keys, nuclei)
    problem = _Problem(
        derivatives=derivatives,
        fixed=fixed,
        slope=np.array([[d.slope[n.name] for n in nuclides] for d in moving]).reshape(-1, len(nuclides)),
        key=np.array([keys.index((d.pair, d.part)) for d in moving], dtype=np.intp),
        enters=np.array([[float(key[0] in pairs) for key in keys] for pairs in ROWS.values()]),
    )
    if not moving:
        return derivatives(problem.charges(fixed))[0].reshape(shape)
    low, high = (
        np.stack([flat(end) for end in ends], 1) for ends in zip(*((d.low, d.high) for d in moving), strict=True)
    )
    charge = abs(float(np.mean([standard_model_charge(n, couplings) for n in nuclides])))
    size: list[float] = [0.3 * charge if keys[k][0] in OFF_DIAGONAL else charge for k in problem.moved]
    starts = [problem.start(low, high, chosen) for chosen in product(*([-amplitude, amplitude] for amplitude in size))]
    # Those of all signs at once, as a step of few problems costs as much as one of many.
    value, place = descend(
        lambda at, which: problem(at, which % len(low)),
        np.concatenate(starts),
        np.tile(low, (len(starts), 1)),
        np.tile(high, (len(starts), 1)),
    )
    for name, ends in inside.items():
        both = [j for j, d in enumerate(moving) if d.pair == MATTER_PARAMETERS[name].pair and not d.part]
        matter = 3 * place[:, both].sum(axis=1)
        margin = 1e-12 * (ends[1] - ends[0])  # the ends are tried by themselves
        value = np.where((matter >= ends[0] - margin) & (matter <= ends[1] + margin), value, np.inf)
    return np.asarray(value.reshape(len(starts), *shape).min(axis=0))


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """Chi2 and its derivatives as a function of what moves the amplitudes of several nuclei."""

    derivatives: ChargeDerivatives
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

    def charges(self, amplitude: FloatArray) -> FloatArray:
        """Charges squared (n, rows * nuclei) of amplitudes (n, keys, nuclei)."""
        by_row = np.einsum("rk,nki->nri", self.enters, amplitude**2)
        return np.asarray(by_row.reshape(len(amplitude), -1))

    def __call__(self, at: FloatArray, which: NDArray[np.intp]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Chi2 (n,), gradient (n, d) and Hessian (n, d, d) at (n, d)."""
        amplitude = self.fixed[which]
        for j, k in enumerate(self.key):
            amplitude[:, k] += at[:, j, None] * self.slope[j]
        entering = self.enters[:, self.key]  # (rows, d)
        jacobian = 2 * np.einsum("rj,nji,ji->nrij", entering, amplitude[:, self.key], self.slope)
        jacobian = jacobian.reshape(len(at), -1, self.key.size)
        value, by_charge, second = self.derivatives(self.charges(amplitude))
        together = (self.key[:, None] == self.key) * 2 * np.einsum("rj,ji,li->rijl", entering, self.slope, self.slope)
        hessian = jacobian.swapaxes(1, 2) @ second @ jacobian
        hessian += np.einsum("nc,cjl->njl", by_charge, together.reshape(-1, self.key.size, self.key.size))
        return value, np.einsum("nc,ncj->nj", by_charge, jacobian), hessian
