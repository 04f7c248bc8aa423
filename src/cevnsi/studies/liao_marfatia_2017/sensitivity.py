"""How far allowed ranges of matter parameters depend on the bound put on what is minimised over.

N != Z makes the free direction matter: at fixed eps_u + eps_d the charge still moves by (N - Z) per unit of
eps_d - eps_u, so with one nucleus and no bound on both no end of Eq. 12 exists.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray, Real
from cevnsi.domains import Domain, reach
from cevnsi.model import Model
from cevnsi.physics.weak_charge import quark_numbers, standard_model_charge
from cevnsi.scans.axes import Scan
from cevnsi.scans.chi2 import chi2
from cevnsi.scans.limits import relative_error
from cevnsi.statistics.thresholds import threshold

CL_PAPER = 0.90  # of Figs. 3 and 4 and Eq. 12
FEWEST_SAMPLES = 65  # of the reach of a sum (Eq. 11), the outermost allowed one of which is next to an end
SAMPLES_AT_ONCE = 4096  # of all domains, lest memory grow with their number
SMALLEST_BOUND, LARGEST_BOUND = 0.01, 3.0  # between which a published end is looked for


def bounded(scan: Scan, low: float, high: float) -> Scan:
    """A scan of matter parameters with all that it minimises over in [low, high], and axes over all they then reach."""
    axes = tuple(replace(axis, minimum=6 * low, maximum=6 * high, scale="linear") for axis in scan.axes)  # Eq. 11
    return replace(scan, axes=axes, domain=dict.fromkeys(scan.domain, (low, high)))


@dataclass(frozen=True, kw_only=True)
class Ends:
    """Least and greatest allowed values of matter parameters, the lower and the upper one of each axis."""

    values: FloatArray  # (thresholds, ends, domains)
    at_reach: NDArray[np.bool_]  # the same shape: whether an end is only that of the reach of the domain (Eq. 11)


def common(scan: Scan, lower: FloatArray, upper: FloatArray) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Domains (n,) that are one interval for all that a scan minimises over."""
    return dict.fromkeys(scan.domain, (lower, upper))


def _middle(model: Model) -> float:
    """The matter parameter at which equal eps_uV and eps_dV cancel the SM charge (Eqs. 10, 11); the mean of nuclei."""
    couplings = model.couplings_at({})
    return float(
        np.mean([-6 * standard_model_charge(n, couplings) / sum(quark_numbers(n).values()) for n in model.nuclides])
    )


def _samples_of(model: Model, names: Sequence[str], domain: Domain, levels: Sequence[float]) -> int:
    """How many samples of the reach see every allowed part: one of them at least in the narrowest.

    About either solution for a charge that is some `_middle` wide, counts with a relative error r allow r sqrt(delta
    chi2) of it, as they go with its square; a domain with room makes that wider.
    """
    narrowest = _middle(model) * min(relative_error(model), 1.0) * math.sqrt(min(levels))
    widest = max(float(np.max(np.subtract(*reach(name, domain)[::-1]))) for name in names)
    return max(FEWEST_SAMPLES, math.ceil(widest / narrowest) + 1)


def _ends_of(
    model: Model, scan: Scan, name: str, domain: Domain, levels: Sequence[float], samples: int
) -> tuple[Any, Any]:
    """Both ends of one parameter, (thresholds, 2, domains), and whether they are those of the reach."""
    from scipy.optimize import elementwise

    bounds = [np.asarray(bound, float) for interval in domain.values() for bound in interval]

    def above(at: FloatArray, level: FloatArray, *bounds: FloatArray) -> FloatArray:
        within = zip(bounds[::2], bounds[1::2], strict=True)
        return chi2(model, scan.interaction, {**scan.fixed, name: at}, dict(zip(domain, within, strict=True))) - level

    least = chi2(model, scan.interaction, scan.fixed, domain)  # between the ends of all that moves
    x = np.linspace(*reach(name, domain), samples)  # (samples, domains)
    inside = above(x, least, *bounds) < np.asarray(levels)[:, None, None]  # (thresholds, samples, domains)
    if not inside.any(axis=1).all():
        raise ArithmeticError(f"{name}: none of {samples} samples of its reach is allowed; expected one at least")
    first, last = inside.argmax(axis=1), samples - 1 - inside[:, ::-1].argmax(axis=1)
    place = np.stack([first, last], axis=1)  # (thresholds, 2, domains)
    beyond = np.stack([first - 1, last + 1], axis=1)
    at_reach = (beyond < 0) | (beyond >= samples)
    values = np.take_along_axis(x[None], place, axis=1)
    level, side, n = np.nonzero(~at_reach)
    if n.size:
        bracket = x[place[level, side, n], n], x[beyond[level, side, n], n]
        height = least[n] + np.asarray(levels)[level]
        found = elementwise.find_root(above, bracket, args=(height, *(bound[n] for bound in bounds)))
        values[level, side, n] = found.x
    return values, at_reach


def ends_of(model: Model, scan: Scan, domain: Domain, levels: Sequence[float]) -> Ends:
    """Ends of both axes of a scan in domains whose ends are arrays (n,), at several delta chi2.

    The outermost values that are allowed, as `scan_ranges` finds them in one domain after another. ArithmeticError
    where none of the samples is allowed.
    """
    parts = []
    samples = _samples_of(model, [axis.name for axis in scan.axes], domain, levels)
    at_once = max(SAMPLES_AT_ONCE // samples, 1)
    for start in range(0, max(np.size(end) for ends in domain.values() for end in ends), at_once):
        some = slice(start, start + at_once)
        part = {name: (np.asarray(low)[some], np.asarray(high)[some]) for name, (low, high) in domain.items()}
        made = [_ends_of(model, scan, axis.name, part, levels, samples) for axis in scan.axes]
        parts.append([np.concatenate(each, axis=1) for each in zip(*made, strict=True)])
    values, at_reach = (np.concatenate(each, axis=2) for each in zip(*parts, strict=True))
    return Ends(values=values, at_reach=at_reach)


def domain_sensitivity(model: Model, scan: Scan, bounds: FloatArray) -> Iterator[tuple[Any, ...]]:
    """Rows of `tables.SENSITIVITY`: least and greatest allowed value of each axis for each bound, of (bounds,)."""
    levels = [(*level, threshold(*level)) for level in scan.levels()]
    found = ends_of(model, scan, common(scan, -bounds, bounds), [level[-1] for level in levels])
    names, sides = list(enumerate(axis.name for axis in scan.axes)), list(enumerate(("lower", "upper")))
    for i, bound in enumerate(np.round(bounds, 12).tolist()):
        for (a, name), (k, level), (s, side) in product(names, enumerate(levels), sides):
            end, at_reach = found.values[k, 2 * a + s, i], found.at_reach[k, 2 * a + s, i]
            yield name, bound, *level, side, float(end), "yes" if at_reach else "no"


def domain_matches(model: Model, scan: Scan, published: Mapping[str, tuple[float, float]]) -> Iterator[tuple[Any, ...]]:
    """Rows of `tables.DOMAIN_MATCHES`: the least bound at which an end of a range is the published one.

    A "limit" has chi2 rise to the threshold there. The end is only the "reach" where the published value is as far as
    the bound lets the sum go (Eq. 11), and still allowed.
    """
    for name, level in product([axis.name for axis in scan.axes], scan.levels()):
        if name not in published:
            continue
        delta_chi2, ends = threshold(*level), np.array(published[name])
        first = np.abs(ends) / 6  # the bound whose reach they are
        is_reach = _excess(model, scan, {name: ends}, first) < delta_chi2
        bounds = _bounds(model, scan, [name], lambda _, end: end, ends, first, delta_chi2)
        for side, end, at_reach, bound, least in zip(
            ("lower", "upper"), ends.tolist(), is_reach, bounds.tolist(), first.tolist(), strict=True
        ):
            kind = "reach" if at_reach else "limit" if np.isfinite(bound) else "none"
            yield name, side, *level, delta_chi2, end, least if at_reach else bound, kind


def _excess(model: Model, scan: Scan, at: Mapping[str, Real], bound: FloatArray) -> FloatArray:
    """Least delta chi2 at values of parameters, what is minimised over within plus or minus bounds; (n,) each."""
    domain = dict.fromkeys(scan.domain, (-bound, bound))
    here = chi2(model, scan.interaction, {**scan.fixed, **at}, domain)
    return here - chi2(model, scan.interaction, scan.fixed, domain)


def _bounds(
    model: Model,
    scan: Scan,
    names: Sequence[str],
    value_at: Callable[[FloatArray, FloatArray], FloatArray],
    side: FloatArray,
    least: FloatArray,
    delta_chi2: float | FloatArray,
) -> FloatArray:
    """Bounds (n,), from some on, at which chi2 is a level at `value_at(bound, side)` of all names; NaN if none is."""
    from scipy.optimize import elementwise

    def above(bound: FloatArray, side: FloatArray, *level: FloatArray) -> FloatArray:
        return _excess(model, scan, dict.fromkeys(names, value_at(bound, side)), bound) - level[0]

    level = np.broadcast_to(np.asarray(delta_chi2, float), side.shape)
    bracket = least, np.full_like(least, LARGEST_BOUND)
    found = elementwise.find_root(above, bracket, args=(side, level))
    return np.where(found.success, found.x, np.nan)


def narrowest_limits(model: Model, scan: Scan) -> dict[tuple[str, str, int], float]:
    """Ends of ranges in the narrowest symmetric domains in which chi2, and not the reach of the domain, makes them.

    By parameter, side and degrees of freedom (1 and 2); NaN where no domain does.
    """
    wanted = list(product(("lower", "upper"), (1, 2)))
    side = np.array([-6.0 if name == "lower" else 6.0 for name, _ in wanted])
    level = np.array([threshold(CL_PAPER, n_dof) for _, n_dof in wanted])
    found: dict[tuple[str, str, int], float] = {}
    for axis in scan.axes:
        first = np.full_like(side, SMALLEST_BOUND)
        bounds = _bounds(model, scan, [axis.name], lambda bound, side: side * bound, side, first, level)
        found |= {(axis.name, *key): end for key, end in zip(wanted, (side * bounds).tolist(), strict=True)}
    return found


def hole(model: Model, scan: Scan) -> Iterator[tuple[Any, ...]]:
    """Rows of `tables.DOMAIN_HOLE`: the point where all weak charges can vanish, and what a domain does to it.

    Equal eps_uV and eps_dV cancel the SM charge of every flavor there (Eqs. 10 and 11; of several nuclei the mean).
    Their difference moves it by N - Z alone, so that a narrow domain leaves too few events and the region a hole. The
    bound is that of the narrowest symmetric domain without one. No rows where the domain does not reach the point.
    """
    place = _middle(model)
    names = [axis.name for axis in scan.axes]
    if not all(low <= place <= high for low, high in (reach(name, scan.domain) for name in names)):
        return
    own = chi2(model, scan.interaction, {**scan.fixed, **dict.fromkeys(names, place)}, scan.domain)
    excess = float(own - chi2(model, scan.interaction, scan.fixed, scan.domain))
    levels = [(*level, threshold(*level)) for level in scan.levels()]
    delta_chi2 = np.array([level[-1] for level in levels])
    equal = np.full(delta_chi2.shape, abs(place) / 6)  # which leaves the couplings no room
    bounds = _bounds(model, scan, names, lambda _, at: at, np.full_like(equal, place), equal, delta_chi2)
    for level, bound in zip(levels, bounds.tolist(), strict=True):
        yield scan.name, place, excess, *level, bound
