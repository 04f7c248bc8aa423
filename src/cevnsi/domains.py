"""Least chi2 over contact couplings inside a domain, by descent: the plain way for any statistic and any nuclei.

Each nucleus has charges of its own, which move together but not alike. The minimum is found by descent
(`cevnsi.statistics.descent`) from each side of where an amplitude changes sign. Of one nucleus, chi2 minimised over
scales of signal and backgrounds is quasi-convex in the two charges, which its couplings fill a polygon of: there each
side has one minimum. A combination of couplings of several pairs moves along a curve among the charges, which may have
more of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray, Real
from cevnsi.parameters import (
    CONTACT_PARAMETERS,
    MATTER_PARAMETERS,
    OFF_DIAGONAL,
    PAIRS,
    Combination,
    MatterParameter,
    expanded,
)
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

Amplitude = tuple[str, str]  # pair, and "" for the real or "_imag" for the imaginary part of its bracket in Eq. 10
# Ends broadcast with parameters; only where a matter parameter has a domain, too, all of them are single numbers.
Domain = Mapping[str, tuple[Real, Real]]
# Chi2 (n,), gradient (n, k) and Hessian (n, k, k) at charges squared (n, k), ordered (e, mu) by nucleus.
ChargeDerivatives = Callable[[FloatArray], tuple[FloatArray, FloatArray, FloatArray]]

DESCENTS_AT_ONCE = 20_000  # each of which needs some kilobytes


@dataclass(frozen=True, kw_only=True)
class Direction:
    """Where one parameter may go at each grid point, and what one unit of it adds to amplitudes."""

    name: str
    low: Real
    high: Real
    slope: Mapping[Amplitude, Mapping[str, float]]  # by amplitude and nuclide


def slopes(
    name: str, nuclides: tuple[Nuclide, ...], combinations: Mapping[str, Combination] = {}
) -> dict[Amplitude, dict[str, float]]:
    """What one unit of a contact parameter, or of a combination of some, adds to amplitudes, by nuclide (Eq. 10)."""
    result: dict[Amplitude, dict[str, float]] = {}
    for part, unit in expanded({name: 1.0}, combinations).items():
        made = CONTACT_PARAMETERS[part]
        by_nuclide = result.setdefault((made.pair, "_imag" if made.imaginary else ""), {})
        for nuclide in nuclides:
            added = float(unit) * quark_numbers(nuclide)[made.quark]
            by_nuclide[nuclide.name] = by_nuclide.get(nuclide.name, 0.0) + added
    return result


def _matter_direction(
    parameter: MatterParameter, matter: Real, domain: Domain, nuclides: tuple[Nuclide, ...]
) -> Direction:
    """Eq. 11 fixes eps_u + eps_d = matter / 3 and leaves eps_u free inside both domains."""
    low, high = _free_interval(parameter, np.asarray(matter) / 3, domain)
    numbers = {n.name: quark_numbers(n) for n in nuclides}
    slope = {name: float(q["u"] - q["d"]) for name, q in numbers.items()}
    return Direction(name=parameter.name, low=low, high=high, slope={(parameter.pair, ""): slope})


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
    low, high, slope = at[0].min(axis=0), at[1].max(axis=0), {(parameter.pair, ""): {nuclide.name: 1.0}}
    return Direction(name=parameter.name, low=low, high=high, slope=slope)


def directions(
    parameters: Mapping[str, Real],
    domain: Domain,
    nuclides: tuple[Nuclide, ...],
    combinations: Mapping[str, Combination] = {},
) -> list[Direction]:
    """Everything that is minimised over, once matter parameters have fixed, or bounded, sums of pairs of it.

    ValueError where a combination moves what such a sum is of.
    """
    result = []
    tied: set[str] = set()
    for name, matter in MATTER_PARAMETERS.items():
        if name in parameters or name in domain:
            for other in [*parameters, *domain]:
                if other in combinations and set(combinations[other].of) & set(matter.quarks):
                    raise ValueError(f"{other} moves couplings whose sum {name} is (Eq. 11); expected one or the other")
            tied |= {name, *matter.quarks}
            if name in parameters:
                result.append(_matter_direction(matter, parameters[name], domain, nuclides))
            else:
                (nuclide,) = nuclides  # of several, what the sum leaves is no interval of one amplitude
                result.append(_matter_span(matter, domain, nuclide))
    for name, (low, high) in domain.items():
        if name not in tied:
            result.append(Direction(name=name, low=low, high=high, slope=slopes(name, nuclides, combinations)))
    return result


def turning_points(
    name: str,
    domain: Mapping[str, tuple[float, float]],
    nuclides: tuple[Nuclide, ...],
    couplings: NucleonCouplings,
    combinations: Mapping[str, Combination] = {},
) -> tuple[list[float], float]:
    """Where chi2 may turn along a parameter, and on what scale there.

    Points at which an amplitude that it moves can just vanish with everything else in its domain (without one: zero);
    the scale is the least on which such an amplitude changes by the SM charge, infinite if none moves. For the mean of
    several nuclei.
    """
    numbers = {q: float(np.mean([quark_numbers(n)[q] for n in nuclides])) for q in ("u", "d")}

    def charge_of(pair: str) -> float:
        return float(np.mean([standard_model_charge(n, couplings, ROW_OF_PAIR[pair]) for n in nuclides]))

    if name in MATTER_PARAMETERS:  # eps_u + eps_d is given; one of the two is at an end of its domain
        matter, difference = MATTER_PARAMETERS[name], numbers["u"] - numbers["d"]
        charge = charge_of(matter.pair)
        rest = 0.0 if matter.pair in OFF_DIAGONAL else charge
        u, d = (domain[quark] for quark in matter.quarks)
        points = [-3 * (rest + difference * end) / numbers["d"] for end in u]
        points += [-3 * (rest - difference * end) / numbers["u"] for end in d]
        return points, 6 * abs(charge) / (numbers["u"] + numbers["d"])

    def mean_slopes(of: str) -> dict[Amplitude, float]:
        moved = slopes(of, nuclides, combinations)
        return {key: float(np.mean(list(by_nuclide.values()))) for key, by_nuclide in moved.items()}

    moving = (other for other in domain if other != name and (other in CONTACT_PARAMETERS or other in combinations))
    others = [(mean_slopes(other), domain[other]) for other in moving]
    points, scale = [], np.inf
    for key, slope in mean_slopes(name).items():
        if slope:
            charge = charge_of(key[0])
            least = most = 0.0 if key[0] in OFF_DIAGONAL else charge
            for moved, ends in others:
                by_ends = [moved.get(key, 0.0) * end for end in ends]
                least, most = least + min(by_ends), most + max(by_ends)
            points += [-least / slope, -most / slope]
            scale = min(scale, abs(charge / slope))
    return points, scale


def fixed_amplitudes(
    nuclide: Nuclide,
    parameters: Mapping[str, Real],
    couplings: NucleonCouplings,
    combinations: Mapping[str, Combination] = {},
) -> dict[Amplitude, Real]:
    """Real and imaginary amplitude of every pair before what is minimised over adds to it."""
    single = expanded(parameters, combinations)
    epsilon = contact({name: value for name, value in single.items() if name not in MATTER_PARAMETERS})
    amplitudes: dict[Amplitude, Real] = {}
    for pair in PAIRS:
        amplitudes[pair, ""], imaginary = parts(charge_amplitude(nuclide, pair, epsilon, couplings))
        if pair in OFF_DIAGONAL:
            amplitudes[pair, "_imag"] = imaginary
    for name, matter in MATTER_PARAMETERS.items():
        if name in parameters:  # all of it from eps_d: what eps_u then adds is minimised over
            key, all_of_d = (matter.pair, ""), quark_numbers(nuclide)["d"] * (np.asarray(parameters[name]) / 3)
            amplitudes[key] = amplitudes[key] + all_of_d
    return amplitudes


def least_over_domain(
    derivatives: ChargeDerivatives,
    nuclides: tuple[Nuclide, ...],
    parameters: Mapping[str, Real],
    domain: Domain,
    couplings: NucleonCouplings,
    combinations: Mapping[str, Combination] = {},
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
        found = _local_minimum(derivatives, nuclides, here, rest, inside, couplings, combinations)
        least = np.minimum(least, found)
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
    combinations: Mapping[str, Combination],
) -> Real:
    """Least of the local minima that descents from both signs of every amplitude that moves lead to.

    Only of those with each matter parameter of `inside` between its ends there.
    """
    moving = directions(parameters, domain, nuclides, combinations)
    by_nuclide = [fixed_amplitudes(n, parameters, couplings, combinations) for n in nuclides]
    keys = [key for key in by_nuclide[0] if key[0] != "tautau"]  # which changes no rate
    moving = [d for d in moving if any(key in keys for key in d.slope)]
    values = [by[key] for by in by_nuclide for key in keys] + [end for d in moving for end in (d.low, d.high)]
    shape = np.broadcast_shapes(*map(np.shape, values))

    def flat(value: Real) -> FloatArray:
        return np.broadcast_to(np.asarray(value, float), shape).ravel()

    fixed = np.stack([np.stack([flat(by[key]) for by in by_nuclide], -1) for key in keys], 1)  # (n, keys, nuclei)
    slope = [[[d.slope[key][n.name] if key in d.slope else 0.0 for n in nuclides] for key in keys] for d in moving]
    problem = _Problem(
        derivatives=derivatives,
        fixed=fixed,
        slope=np.array(slope).reshape(-1, len(keys), len(nuclides)),
        enters=np.array([[float(key[0] in pairs) for key in keys] for pairs in ROWS.values()]),
    )
    if not moving:
        return derivatives(problem.charges(fixed))[0].reshape(shape)
    low, high = (
        np.stack([flat(end) for end in ends], 1) for ends in zip(*((d.low, d.high) for d in moving), strict=True)
    )
    charge = abs(float(np.mean([standard_model_charge(n, couplings) for n in nuclides])))
    size: list[float] = [0.3 * charge if keys[k][0] in OFF_DIAGONAL else charge for k in problem.moved]
    targets = list(product(*([-amplitude, amplitude] for amplitude in size)))
    most = max(DESCENTS_AT_ONCE // (len(targets) + 2 ** len(moving)), 1)
    least = np.empty(len(fixed))
    for first in range(0, len(fixed), most):  # block by block, lest memory grow with the points
        part = slice(first, first + most)
        value, place = replace(problem, fixed=fixed[part]).minima(low[part], high[part], targets)
        for name, ends in inside.items():
            both = [j for j, d in enumerate(moving) if d.name in MATTER_PARAMETERS[name].quarks]
            matter = 3 * place[:, :, both].sum(axis=2)
            margin = 1e-12 * (ends[1] - ends[0])  # the ends are tried by themselves
            value = np.where((matter >= ends[0] - margin) & (matter <= ends[1] + margin), value, np.inf)
        least[part] = value.min(axis=0)
    return least.reshape(shape)


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """Chi2 and its derivatives as a function of what moves the amplitudes of several nuclei."""

    derivatives: ChargeDerivatives
    fixed: FloatArray  # (n, keys, nuclei), amplitudes before anything moves
    slope: FloatArray  # (d, keys, nuclei), what one unit of a variable adds to them
    enters: FloatArray  # (rows, keys), one where the square of an amplitude is part of a charge

    @property
    def moved(self) -> list[int]:
        """Numbers of the amplitudes that move."""
        return [int(k) for k in np.flatnonzero(self.slope.any(axis=(0, 2)))]

    def minima(
        self, low: FloatArray, high: FloatArray, targets: Sequence[Sequence[float]]
    ) -> tuple[FloatArray, FloatArray]:
        """Local minima (starts, n), and variables there (starts, n, d)."""
        starts, n = self.starts(low, high, targets), len(low)
        # From all starts at once, as a step of few problems costs as much as one of many.
        lows, highs = (np.tile(ends, (len(starts) // n, 1)) for ends in (low, high))
        value, place = descend(lambda at, which: self(at, which % n), starts, lows, highs)
        return value.reshape(-1, n), place.reshape(-1, *low.shape)

    def starts(self, low: FloatArray, high: FloatArray, targets: Sequence[Sequence[float]]) -> FloatArray:
        """Variables (starts * n, d), of all problems for each start.

        At them the amplitudes that move, in the mean of nuclei, are next to their targets. Where a variable moves
        several of them there are minima in corners of the box, too, which are further starts.
        """
        if (self.slope.any(axis=2).sum(axis=1) <= 1).all():
            return np.concatenate([self._start(low, high, chosen) for chosen in targets])
        corners = [np.stack(ends, 1) for ends in product(*zip(low.T, high.T, strict=True))]
        return np.concatenate([self._nearest(low, high, np.array(targets)), *corners])

    def _nearest(self, low: FloatArray, high: FloatArray, targets: FloatArray) -> FloatArray:
        """Those at targets (starts, moved), by least squares."""
        slope = self.slope[:, self.moved].mean(axis=2)
        away = (self.fixed[:, self.moved].mean(axis=2) - targets[:, None]).reshape(-1, len(self.moved))
        curvature = 2 * slope @ slope.T

        def distance(at: FloatArray, which: NDArray[np.intp]) -> tuple[FloatArray, FloatArray, FloatArray]:
            left = away[which] + at @ slope
            return (left**2).sum(axis=1), 2 * left @ slope.T, np.broadcast_to(curvature, (len(at), *curvature.shape))

        lows, highs = (np.tile(ends, (len(targets), 1)) for ends in (low, high))
        return descend(distance, (lows + highs) / 2, lows, highs)[1]

    def _start(self, low: FloatArray, high: FloatArray, targets: Sequence[float]) -> FloatArray:
        """One of them (n, d), in closed form where each variable moves one amplitude."""
        start, mean = (low + high) / 2, self.slope.mean(axis=2)
        for k, target in zip(self.moved, targets, strict=True):
            mine = np.flatnonzero(mean[:, k])
            slope = mean[mine, k]
            first = np.where(slope > 0, low[:, mine], high[:, mine])
            last = np.where(slope > 0, high[:, mine], low[:, mine])
            least, most = (self.fixed[:, k].mean(axis=1) + (ends * slope).sum(axis=1) for ends in (first, last))
            part = np.clip((target - least) / np.where(most > least, most - least, 1.0), 0.0, 1.0)[:, None]
            start[:, mine] = first + part * (last - first)
        return start

    def charges(self, amplitude: FloatArray) -> FloatArray:
        """Charges squared (n, rows * nuclei) of amplitudes (n, keys, nuclei)."""
        by_row = np.einsum("rk,nki->nri", self.enters, amplitude**2)
        return np.asarray(by_row.reshape(len(amplitude), -1))

    def __call__(self, at: FloatArray, which: NDArray[np.intp]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Chi2 (n,), gradient (n, d) and Hessian (n, d, d) at (n, d)."""
        d, amplitude = len(self.slope), self.fixed[which]
        for j, slope in enumerate(self.slope):
            amplitude += at[:, j, None, None] * slope
        entering = np.einsum("rk,jki->rijk", self.enters, self.slope)
        jacobian = 2 * np.einsum("nki,rijk->nrij", amplitude, entering).reshape(len(at), -1, d)
        value, by_charge, second = self.derivatives(self.charges(amplitude))
        hessian = jacobian.swapaxes(1, 2) @ second @ jacobian
        together = 2 * np.einsum("rijk,lki->rijl", entering, self.slope)
        hessian += np.einsum("nc,cjl->njl", by_charge, together.reshape(-1, d, d))
        return value, np.einsum("nc,ncj->nj", by_charge, jacobian), hessian
