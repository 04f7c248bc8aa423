"""Least chi2 over contact couplings inside a domain, by descent: the plain way for any statistic and any nuclei.

Each nucleus has charges of its own, which move together but not alike. The minimum is found by descent
(`cevnsi.statistics.descent`) from each side of where an amplitude changes sign. Of one nucleus, chi2 minimised over
scales of signal and backgrounds is quasi-convex in the two charges, which its couplings fill a polygon of: there each
side has one minimum. A combination of couplings of several pairs moves along a curve among the charges, which may have
more of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations as combinations_of
from itertools import product
from typing import Protocol

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
from cevnsi.statistics.descent import FIRST_DAMPING, descend
from cevnsi.statistics.squares import WORST_CONDITION, entering, even, farthest_by_key, fewest

Amplitude = tuple[str, str]  # pair, and "" for the real or "_imag" for the imaginary part of its bracket in Eq. 10
# Ends broadcast with parameters; only where a matter parameter has a domain, too, all of them are single numbers.
Domain = Mapping[str, tuple[Real, Real]]
# Chi2 (n,), gradient (n, k) and Hessian (n, k, k) at charges squared (n, k), ordered (e, mu) by nucleus.
Answer = tuple[FloatArray, FloatArray, FloatArray]
ChargeDerivatives = Callable[[FloatArray], Answer]

ALL_OTHERS = "all_others"  # in a domain, stands for every contact coupling that enters a rate and nothing else names

DESCENTS_AT_ONCE = 20_000  # each of which needs some kilobytes
FREE_AT_ONCE = 2_000  # points, of couplings without bounds, which take a few dozen descents each
NEXT_TO_A_START = 0.5  # of the standard model's charges: starts whose amplitudes are closer lead to one minimum
CANCELLED = 1e-13  # of one quark's: what a combination leaves of an amplitude by rounding alone
MANY_STARTS = 64  # of one point: where there would be more, amplitudes of either sign start from one
SAME, SAME_PLACE = (
    1e-10,
    1e-6,
)  # of chi2 and of a variable, over one and itself: descents that have ended in one minimum


def spelled_out(
    domain: Mapping[str, tuple[float, float]], named: Iterable[str], combinations: Mapping[str, Combination] = {}
) -> dict[str, tuple[float, float]]:
    """A domain with `ALL_OTHERS` as the couplings that it stands for, where these are the axes and what is fixed.

    Real and imaginary parts. Both quarks of a matter parameter are among them, no part of a combination that is named.

    >>> list(spelled_out({"all_others": (-1, 1), "eps_emu_uV": (0, 1)}, ["eps_ee_dV"]))[:3]
    ['eps_emu_uV', 'eps_ee_uV', 'eps_mumu_dV']
    """
    found = {name: ends for name, ends in domain.items() if name != ALL_OTHERS}
    if ALL_OTHERS not in domain:
        return found
    taken = expanded(dict.fromkeys([*named, *found], 0.0), combinations)
    entering = {pair for pairs in ROWS.values() for pair in pairs}
    others = (name for name, made in CONTACT_PARAMETERS.items() if made.pair in entering and name not in taken)
    return {**found, **dict.fromkeys(others, domain[ALL_OTHERS])}


class Following(Protocol):
    """Chi2 along descents over charges: a step may start at the nuisances of the step before, as it is near."""

    def __call__(self, charges: FloatArray, which: NDArray[np.intp]) -> Answer:
        """What `ChargeDerivatives` give at charges squared (n, k), of descents with these numbers (n,)."""

    def improve(self, charges: FloatArray, which: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Look for a lower minimum over nuisances at the ends of descents (n,): which, (n,), have one to go on from.

        These ends are at charges squared (n, k).
        """

    def start_from(self, which: NDArray[np.intp], others: NDArray[np.intp]) -> None:
        """Let descents (n,) start where others are."""


@dataclass(frozen=True, kw_only=True)
class _Anew:
    """The plain way to follow a descent: every step by itself."""

    derivatives: ChargeDerivatives

    def __call__(self, charges: FloatArray, which: NDArray[np.intp]) -> Answer:
        return self.derivatives(charges)

    def improve(self, charges: FloatArray, which: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Nothing is lower than the least."""
        return np.zeros(len(charges), bool)

    def start_from(self, which: NDArray[np.intp], others: NDArray[np.intp]) -> None:
        """There is nothing to start from."""


# Least chi2 (n,) of a `Problem` of rows of so many points, between ends (n, d): by descents from `free_starts`.
InRows = Callable[["Problem", FloatArray, FloatArray, int], FloatArray]


def _all_apart(problem: "Problem", low: FloatArray, high: FloatArray, columns: int) -> FloatArray:
    """The plain way: every point by itself."""
    starts, apart = problem.free_starts(low, high)
    least: FloatArray = problem.minima(low, high, starts, apart)[0].min(axis=0)
    return least


@dataclass(frozen=True, kw_only=True)
class Direction:
    """Where one parameter may go at each grid point, and what one unit of it adds to amplitudes."""

    name: str
    low: Real  # of the shape of the grid, or what broadcasts to it
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
            before = by_nuclide.get(nuclide.name, 0.0)
            total = before + added
            by_nuclide[nuclide.name] = total if abs(total) > CANCELLED * abs(added) else 0.0
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
    slope: dict[Amplitude, dict[str, float]] = {(parameter.pair, ""): {nuclide.name: 1.0}}
    if _is_free(parameter, domain) and numbers["u"] != numbers["d"]:  # then their difference alone reaches everything
        return Direction(name=parameter.name, low=-np.inf, high=np.inf, slope=slope)
    least, most = (sum(domain[quark][side] for quark in parameter.quarks) for side in (0, 1))
    ends = np.maximum(least, within[0] / 3), np.minimum(most, within[1] / 3)
    split = [_free_interval(parameter, total, domain) for total in ends]
    at = [np.stack([numbers["u"] * u + numbers["d"] * (total - u) for u in of])
          for total, of in zip(ends, split, strict=True)]  # fmt: skip
    return Direction(name=parameter.name, low=at[0].min(axis=0), high=at[1].max(axis=0), slope=slope)


def _is_free(parameter: MatterParameter, domain: Domain) -> bool:
    """Whether neither quark of a matter parameter has a bound, so that the difference of the two has none."""
    return all(np.isneginf(domain[quark][0]) and np.isposinf(domain[quark][1]) for quark in parameter.quarks)


def _free_directions(parameter: MatterParameter, domain: Domain, nuclides: tuple[Nuclide, ...]) -> list[Direction]:
    """The sum of the quarks between the ends of a matter parameter's domain, all of it eps_d, and eps_u besides.

    Of one nucleus the second alone reaches everything.
    """
    numbers = {n.name: quark_numbers(n) for n in nuclides}
    key, (low, high) = (parameter.pair, ""), domain[parameter.name]
    apart = {name: float(q["u"] - q["d"]) for name, q in numbers.items()}
    total = {name: q["d"] / 3 for name, q in numbers.items()}
    made = [Direction(name=parameter.quarks[0], low=-np.inf, high=np.inf, slope={key: apart})]
    if len(nuclides) == 1 and any(apart.values()):
        return made
    return [*made, Direction(name=parameter.name, low=low, high=high, slope={key: total})]


def directions(
    parameters: Mapping[str, Real],
    domain: Domain,
    nuclides: tuple[Nuclide, ...],
    combinations: Mapping[str, Combination] = {},
    spanned: bool = False,
) -> list[Direction]:
    """Everything that is minimised over, once matter parameters have fixed, or bounded, sums of pairs of it.

    A sum that is bounded and nothing else is a direction of its own if what there is may be `spanned` by several of
    one amplitude, else all of the amplitude is one. Parameters and ends broadcast. ValueError where a combination moves
    what such a sum is of.
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
            elif spanned and _is_free(matter, domain):
                result += _free_directions(matter, domain, nuclides)
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
        if _is_free(matter, domain):  # the difference of the quarks takes any one amplitude to zero anywhere
            return [], 6 * abs(charge) / (numbers["u"] + numbers["d"])
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
                if not moved.get(key, 0.0):
                    continue
                by_ends = [moved[key] * end for end in ends]
                least, most = least + min(by_ends), most + max(by_ends)
            points += [-end / slope for end in (least, most) if np.isfinite(end)]
            scale = min(scale, abs(charge / slope))
    return points, scale


def fixed_amplitudes(
    nuclide: Nuclide,
    parameters: Mapping[str, Real],
    couplings: NucleonCouplings,
    combinations: Mapping[str, Combination] = {},
) -> dict[Amplitude, Real]:
    """Real and imaginary amplitude of every pair before what is minimised over adds to it (brackets of Eq. 10).

    Each in the shape that those parameters broadcast to which move it. ValueError of what is no contact parameter.
    """
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
    following: Callable[[], Following] | None = None,
    farthest: FloatArray | None = None,
    in_rows: InRows | None = None,
) -> FloatArray:
    """Least chi2 over a domain at fixed parameters, whose values broadcast, with the ends, to its shape (...).

    An end of a domain may be infinite. `farthest` (k,) is then a charge squared by row and nuclide that no minimum is
    beyond: descents stay where that of some nucleus is no more, as beyond those of all only grow. Where a matter
    parameter has a domain of its own, the minimum is at an end of it, or a local minimum inside. What `following` makes
    for every set of descents gives the same as the derivatives, only faster; so does `in_rows`, of points without ends.
    ValueError where an end is infinite but nothing says how far charges squared go, or `directions` have one.
    """
    bounded = [name for name in domain if name in MATTER_PARAMETERS and not _is_free(MATTER_PARAMETERS[name], domain)]
    rest = {name: ends for name, ends in domain.items() if name not in bounded}
    within = {name: _reached(name, domain) for name in bounded}
    least: Real = np.inf
    for chosen in product(*((None, *within[name]) for name in bounded)):
        held = {name: end for name, end in zip(bounded, chosen, strict=True) if end is not None}
        inside = {name: within[name] for name in bounded if name not in held}
        here = {**parameters, **held}
        follow = following or partial(_Anew, derivatives=derivatives)
        found = _local_minimum(
            derivatives, follow, nuclides, here, rest, inside, couplings, combinations, farthest, in_rows or _all_apart
        )
        least = np.minimum(least, found)
    return np.asarray(least)


def reach(name: str, domain: Domain) -> tuple[Real, Real]:
    """Least and greatest value of a matter parameter that the domains of its quarks allow (Eq. 11); ends broadcast.

    Both in the shape that these broadcast to, infinite where they are.
    """
    least, most = (3 * sum(domain[quark][side] for quark in MATTER_PARAMETERS[name].quarks) for side in (0, 1))
    return least, most


def _reached(name: str, domain: Domain) -> tuple[float, float]:
    """The part of a matter parameter's own domain that it can reach."""
    least, most = map(float, reach(name, domain))
    return max(float(domain[name][0]), least), min(float(domain[name][1]), most)


def _local_minimum(
    derivatives: ChargeDerivatives,
    following: Callable[[], Following],
    nuclides: tuple[Nuclide, ...],
    parameters: Mapping[str, Real],
    domain: Domain,
    inside: Domain,
    couplings: NucleonCouplings,
    combinations: Mapping[str, Combination],
    farthest: FloatArray | None,
    in_rows: InRows,
) -> Real:
    """Least of the local minima that descents from both signs of every amplitude that moves lead to.

    Only of those with each matter parameter of `inside` between its ends there.
    """
    moving = directions(parameters, domain, nuclides, combinations, spanned=True)
    by_nuclide = [fixed_amplitudes(n, parameters, couplings, combinations) for n in nuclides]
    keys = [key for key in by_nuclide[0] if key[0] != "tautau"]  # which changes no rate
    moving = [d for d in moving if any(any(d.slope[key].values()) for key in keys if key in d.slope)]
    values = [by[key] for by in by_nuclide for key in keys] + [end for d in moving for end in (d.low, d.high)]
    shape = np.broadcast_shapes(*map(np.shape, values))

    def flat(value: Real) -> FloatArray:
        return np.broadcast_to(np.asarray(value, float), shape).ravel()

    fixed = np.stack([np.stack([flat(by[key]) for by in by_nuclide], -1) for key in keys], 1)  # (n, keys, nuclei)
    slope = [[[d.slope[key][n.name] if key in d.slope else 0.0 for n in nuclides] for key in keys] for d in moving]
    charge = abs(float(np.mean([standard_model_charge(n, couplings) for n in nuclides])))
    problem = Problem(
        following=following,
        fixed=fixed,
        slope=np.array(slope).reshape(-1, len(keys), len(nuclides)),
        enters=np.array([[float(key[0] in pairs) for key in keys] for pairs in ROWS.values()]),
        size=np.array([0.3 * charge if key[0] in OFF_DIAGONAL else charge for key in keys]),
        charge=np.array([float(np.max(np.abs(standard_model_charge(n, couplings)))) or 1.0 for n in nuclides]),
    )
    if not moving:
        return derivatives(problem.charges(fixed))[0].reshape(shape)
    low, high = (
        np.stack([flat(end) for end in ends], 1) for ends in zip(*((d.low, d.high) for d in moving), strict=True)
    )
    names = [d.name for d in moving]
    bounded = {name: MATTER_PARAMETERS[name].quarks for name in inside}
    asked = np.array([any(name in quarks for quarks in bounded.values()) for name in names])
    endless = np.isinf(low) | np.isinf(high)
    if endless.any():
        if farthest is None:
            raise ValueError("a domain without an end; expected how far charges squared go")
        moved = np.asarray(problem.slope.any(axis=2))
        if entering(problem.enters, moved[endless.any(axis=0)]) > 1:
            numbers = np.array([list(quark_numbers(n).values()) for n in nuclides], float)
            problem, low, high, stay = problem.fewest(low, high, numbers, farthest, asked)
            names = [names[j] for j in stay]
        if not inside:
            return problem.least_of_free(low, high, farthest, shape, in_rows)
        low, high = problem.reached(low, high, farthest)
    most = max(DESCENTS_AT_ONCE // (2 ** len(problem.moved) + 2 ** low.shape[1]), 1)
    least = np.empty(len(fixed))
    for first in range(0, len(fixed), most):  # block by block, lest memory grow with the points
        part = slice(first, first + most)
        here = replace(problem, fixed=fixed[part])
        starts, apart = (
            here.free_starts(low[part], high[part]) if endless.any() else (here.starts(low[part], high[part]), None)
        )
        value, place = here.minima(low[part], high[part], starts, apart)
        for name, ends in inside.items():
            both = [j for j, each in enumerate(names) if each in bounded[name]]
            matter = 3 * place[:, :, both].sum(axis=2)
            margin = 1e-12 * (ends[1] - ends[0])  # the ends are tried by themselves
            value = np.where((matter >= ends[0] - margin) & (matter <= ends[1] + margin), value, np.inf)
        least[part] = value.min(axis=0)
    return least.reshape(shape)


def first_of_their_kind(value: FloatArray, place: FloatArray) -> NDArray[np.bool_]:
    """Which minima (starts, n), at places (starts, n, d), no earlier start of their problem has led to."""
    first = np.ones(value.shape, bool)
    for i in range(1, len(value)):
        with np.errstate(invalid="ignore"):  # of what is infinite
            same = np.abs(value[:i] - value[i]) <= SAME * (1 + np.abs(value[i]))
        same &= (np.abs(place[:i] - place[i]) <= SAME_PLACE * (1 + np.abs(place[i]))).all(axis=2)
        first[i] = ~same.any(axis=0)
    return first


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Chi2 and its derivatives as a function of what moves the amplitudes of several nuclei."""

    following: Callable[[], Following]  # made anew for every set of descents
    fixed: FloatArray  # (n, keys, nuclei), amplitudes before anything moves
    slope: FloatArray  # (d, keys, nuclei), what one unit of a variable adds to them
    enters: FloatArray  # (rows, keys), one where the square of an amplitude is part of a charge
    size: FloatArray  # (keys,), how large an amplitude of the mean of nuclei descents start from
    charge: FloatArray  # (nuclei,), that of the standard model
    once: frozenset[int] = frozenset()  # keys of which any start leads to the same minimum
    either: frozenset[int] = frozenset()  # keys of which either sign does

    @property
    def moved(self) -> list[int]:
        """Numbers of the amplitudes that move."""
        return [int(k) for k in np.flatnonzero(self.slope.any(axis=(0, 2)))]

    def minima(
        self,
        low: FloatArray,
        high: FloatArray,
        starts: FloatArray,
        active: NDArray[np.bool_] | None = None,
        follow: Following | None = None,
        first_damping: float = FIRST_DAMPING,
        within: float = np.inf,
    ) -> tuple[FloatArray, FloatArray]:
        """Local minima (starts, n), and variables there (starts, n, d), between ends (n, d); infinite of idle starts.

        From all starts at once, as a step of few problems costs as much as one of many. Other minima over nuisances are
        looked for where chi2 is within so much of the least of a problem.
        """
        many, n, d = starts.shape
        lows, highs = (np.tile(ends, (many, 1)) for ends in (low, high))
        place, value = starts.reshape(-1, d).copy(), np.full(many * n, np.inf)
        follow, going = follow or self.following(), np.arange(many * n)
        going = going if active is None else going[active.ravel()]
        while going.size:

            def at_step(at: FloatArray, which: NDArray[np.intp], going: NDArray[np.intp] = going) -> Answer:
                return self(follow, at, going[which], going[which] % n)

            value[going], place[going] = descend(at_step, place[going], lows[going], highs[going], first_damping)
            ends = self._apart(value.reshape(many, n), place.reshape(many, n, d), going)
            ends = ends[value[ends] <= value.reshape(many, n).min(axis=0)[ends % n] + within]
            going = ends[follow.improve(self.charges(self._amplitudes(place[ends], ends % n)), ends)]
        return value.reshape(many, n), place.reshape(many, n, d)

    @staticmethod
    def _apart(value: FloatArray, place: FloatArray, ended: NDArray[np.intp]) -> NDArray[np.intp]:
        """Of descents that have ended, those that no earlier start of their problem has led to the end of."""
        return ended[first_of_their_kind(value, place).ravel()[ended]]

    def starts(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """Variables (starts, n, d) between ends (n, d).

        At them the amplitudes that move, in the mean of nuclei, are next to either sign of their size. Where a variable
        moves several of them there are minima in corners of the box, too, which are further starts.
        """
        signs = [[-1, 1]] * len(self.moved)
        if 2 ** len(signs) > MANY_STARTS:
            mirrored = even(self.fixed, self.slope, low, high)
            signs = [[1] if k in mirrored else [-1, 1] for k in self.moved]
        sizes = self.size[self.moved]
        targets = [tuple((sizes * chosen).tolist()) for chosen in product(*signs)]
        if (self.slope.any(axis=2).sum(axis=1) <= 1).all():
            return np.stack([self._start(low, high, chosen) for chosen in targets])
        corners = [np.stack(ends, 1) for ends in product(*zip(low.T, high.T, strict=True))]
        nearest = self._nearest(low, high, np.array(targets)).reshape(len(targets), *low.shape)
        return np.concatenate([nearest, np.stack(corners)])

    def fewest(
        self,
        low: FloatArray,
        high: FloatArray,
        numbers: FloatArray,
        farthest: FloatArray,
        asked: NDArray[np.bool_],
    ) -> tuple["Problem", FloatArray, FloatArray, tuple[int, ...]]:
        """The problem of the squares that are enough where several have no end, its ends, and its first variables here.

        `cevnsi.statistics.squares` says why they are enough. Of ends (n, d), numbers of quarks (nuclei, 2), and the
        farthest charges squared (rows * nuclei,). Those that are asked for (d,) are among the first.
        """
        few = fewest(
            self.fixed,
            self.slope,
            self.enters,
            self.size,
            low,
            high,
            self.charge,
            numbers=numbers,
            farthest=farthest,
            asked=asked,
        )
        made = replace(
            self, fixed=few.fixed, slope=few.slope, enters=few.enters, size=few.size, once=few.once, either=few.either
        )
        return made, few.low, few.high, few.stay

    def reached(self, low: FloatArray, high: FloatArray, farthest: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Ends (n, d) of which none is infinite: beyond, the charge squared of every nucleus is more than `farthest`.

        Those that they are in the place of are (n, d), too, the farthest charges squared (rows * nuclei,).
        ValueError where two variables without an end move one amplitude, as then no single one of them says how far.
        """
        most = farthest_by_key(farthest, self.enters)
        unbounded = np.isinf(low).any(axis=0) | np.isinf(high).any(axis=0)
        if ((self.slope[unbounded] != 0).any(axis=2).sum(axis=0) > 1).any():
            raise ValueError("two couplings without bounds move one amplitude; expected one of them alone")
        ends = low.copy(), high.copy()
        for j in np.flatnonzero(unbounded):
            mine, first, last = self.slope[j] != 0, self.fixed.copy(), self.fixed.copy()
            for i in np.flatnonzero(~unbounded):
                both = np.stack([end[:, i, None, None] * self.slope[i] for end in (low, high)])
                first, last = first + both.min(axis=0), last + both.max(axis=0)
            step = np.where(mine, self.slope[j], 1.0)
            zeros = np.stack([-first / step, -last / step])[:, :, mine]  # (2, n, moved)
            room = (most / np.abs(step))[mine]
            least, greatest = (zeros - room).min(axis=(0, 2)), (zeros + room).max(axis=(0, 2))
            ends[0][:, j] = np.where(np.isinf(low[:, j]), np.minimum(least, high[:, j]), low[:, j])
            ends[1][:, j] = np.where(np.isinf(high[:, j]), np.maximum(greatest, ends[0][:, j]), high[:, j])
        return ends

    def least_of_free(
        self, low: FloatArray, high: FloatArray, farthest: FloatArray, shape: tuple[int, ...], in_rows: InRows
    ) -> FloatArray:
        """Least chi2 of all problems, of this shape, between ends (n, d) of which some variables have none.

        Of one nucleus they take its amplitude anywhere, so that problems which differ in nothing else are one, as are
        those of which squares without an end have left nothing that differs. ValueError as that of `reached`.
        """
        everywhere = (np.isinf(low) & np.isinf(high)).all(axis=0)
        if (self.slope.shape[2] == 1 and everywhere.any()) or self.once:
            alone = everywhere if self.slope.shape[2] == 1 else np.zeros_like(everywhere)
            fixed = np.where(self.slope[alone].any(axis=0), 0.0, self.fixed)
            rows = np.concatenate([fixed.reshape(len(fixed), -1), low, high], axis=1)
            _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
            if first.size < len(fixed):
                few = replace(self, fixed=fixed[first])
                least = few.least_of_free(low[first], high[first], farthest, first.shape, in_rows)
                return np.asarray(least[inverse.ravel()].reshape(shape))
        low, high = self.reached(low, high, farthest)
        columns = shape[-1] if len(shape) > 1 else 1
        if self.once:  # a form of less than full rank, as a neighbour's, is a saddle to start from
            in_rows = _all_apart
        most = max(FREE_AT_ONCE // columns, 1) * columns
        parts = [slice(first, first + most) for first in range(0, len(low), most)]
        return np.concatenate(
            [in_rows(replace(self, fixed=self.fixed[part]), low[part], high[part], columns) for part in parts]
        ).reshape(shape)

    def free_starts(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Variables (starts, n, d) where some had no end, and which starts, (starts, n), none before them is next to.

        Ends are (n, d), as `reached` has them.
        At them amplitudes of some nuclei are those of the standard model, of either sign: of one if one variable moves
        them, of two together if two do. One of each key of which any leads to the same minimum.
        """
        by_key = [self._free_starts_of(k, low, high) for k in self.moved]
        if np.prod([len(values) for values, _ in by_key]) > MANY_STARTS:
            by_key = [
                (values[:1], distinct[:1]) if k in self.either else (values, distinct)
                for k, (values, distinct) in zip(self.moved, by_key, strict=True)
            ]
        starts, apart = [], []
        for chosen in product(*(range(len(values)) for values, _ in by_key)):
            start = (low + high) / 2
            ok = np.ones(len(low), bool)
            for (values, distinct), k, i in zip(by_key, self.moved, chosen, strict=True):
                mine = self.slope[:, k].any(axis=1)
                start[:, mine] = values[i]
                ok &= distinct[i]
            starts.append(start)
            apart.append(ok)
        return np.stack(starts), np.stack(apart)

    def _free_starts_of(self, k: int, low: FloatArray, high: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """The same of the variables (starts, n, v) that move one amplitude."""
        mine = np.flatnonzero(self.slope[:, k].any(axis=1))
        fixed, slope = self.fixed[:, k], self.slope[mine, k]  # (n, nuclei), (v, nuclei)
        found: list[FloatArray] = []
        widest = int((high - low)[:, mine].min(axis=0).argmax())
        ends = low[:, mine[widest]], high[:, mine[widest]]
        for of in combinations_of(range(len(self.charge)), min(mine.size, len(self.charge))):
            matrix = slope[:, of].T
            if np.linalg.cond(matrix) > WORST_CONDITION or matrix[0, widest] == 0:
                continue
            if k in self.once and found:
                break
            for signs in self._signs(k, len(of)):
                wanted = np.array(signs) * self.charge[list(of)] - fixed[:, of]
                at = np.clip(wanted @ np.linalg.pinv(matrix).T, low[:, mine], high[:, mine])
                left = wanted[:, 0] - at @ matrix[0]  # where an end has kept one from going so far, the widest makes up
                at[:, widest] = np.clip(at[:, widest] + left / matrix[0, widest], *ends)
                found.append(at)
        values = np.stack(found)
        amplitudes = (fixed + values @ slope) / self.charge  # (starts, n, nuclei)
        distinct = np.ones(values.shape[:2], bool)
        for i in range(1, len(values)):
            near = (np.abs(amplitudes[:i] - amplitudes[i]) < NEXT_TO_A_START).all(axis=2)
            distinct[i] = ~(near & distinct[:i]).any(axis=0)
        return values, distinct

    def _signs(self, k: int, nuclei: int) -> list[tuple[float, ...]]:
        """Of one amplitude at so many nuclei, those that are worth a start."""
        if k in self.once:
            return [(1.0,) * nuclei]
        signs = list(product((-1.0, 1.0), repeat=nuclei))
        return signs[len(signs) // 2 :] if k in self.either else signs

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
        return np.asarray(by_row.reshape(len(amplitude), self.slope.shape[2] * len(self.enters)))

    def _amplitudes(self, at: FloatArray, which: NDArray[np.intp]) -> FloatArray:
        """Amplitudes (n, keys, nuclei) at (n, d) of these problems (n,)."""
        amplitude = self.fixed[which]
        for j, slope in enumerate(self.slope):
            amplitude += at[:, j, None, None] * slope
        return amplitude

    def __call__(
        self, follow: Following, at: FloatArray, descents: NDArray[np.intp], which: NDArray[np.intp]
    ) -> Answer:
        """Chi2 (n,), gradient (n, d) and Hessian (n, d, d) at (n, d) along descents of these problems (n,)."""
        d, amplitude = len(self.slope), self._amplitudes(at, which)
        entering = np.einsum("rk,jki->rijk", self.enters, self.slope)
        jacobian = 2 * np.einsum("nki,rijk->nrij", amplitude, entering).reshape(len(at), -1, d)
        value, by_charge, second = follow(self.charges(amplitude), descents)
        hessian = jacobian.swapaxes(1, 2) @ second @ jacobian
        together = 2 * np.einsum("rijk,lki->rijl", entering, self.slope)
        hessian += np.einsum("nc,cjl->njl", by_charge, together.reshape(-1, d, d))
        return value, np.einsum("nc,ncj->nj", by_charge, jacobian), hessian
