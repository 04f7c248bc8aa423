"""How far allowed ranges of matter parameters depend on the bound put on what is minimised over.

N != Z makes the free direction matter: at fixed eps_u + eps_d the charge still moves by (N - Z) per unit of
eps_d - eps_u, so with one nucleus and no bound on both no end of Eq. 12 exists.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.model import Model
from cevnsi.scans.axes import Scan
from cevnsi.scans.limits import allowed, curves, least_of
from cevnsi.statistics.thresholds import threshold

CL_PAPER = 0.90  # of Figs. 3 and 4 and Eq. 12
SMALLEST_BOUND, LARGEST_BOUND = 0.01, 3.0  # between which a published end is looked for


def bounded(scan: Scan, low: float, high: float) -> Scan:
    """A scan of matter parameters with all that it minimises over in [low, high], and axes over all they then reach."""
    axes = tuple(replace(axis, minimum=6 * low, maximum=6 * high, scale="linear") for axis in scan.axes)  # Eq. 11
    return replace(scan, axes=axes, domain=dict.fromkeys(scan.domain, (low, high)))


def domain_sensitivity(model: Model, scan: Scan, bounds: FloatArray) -> Iterator[tuple[Any, ...]]:
    """Rows of `tables.SENSITIVITY`: least and greatest allowed value of each axis for each bound."""
    thresholds = [threshold(*level) for level in scan.levels()]
    for bound in bounds.tolist():
        within = bounded(scan, -bound, bound)
        least = least_of(model, within)
        for axis in within.axes:
            found, _ = allowed(curves(model, within, axis.name)[0], least, thresholds)
            for level, delta_chi2, intervals in zip(scan.levels(), thresholds, found, strict=True):
                outermost = zip(("lower", "upper"), (intervals[0][0], intervals[-1][1]), strict=True)
                for side, end in outermost:
                    at_reach = "yes" if abs(end) == 6 * bound else "no"
                    yield axis.name, float(np.round(bound, 12)), *level, delta_chi2, side, end, at_reach


def domain_matches(model: Model, scan: Scan, published: Mapping[str, tuple[float, float]]) -> Iterator[tuple[Any, ...]]:
    """Rows of `tables.DOMAIN_MATCHES`: the least bound at which an end of a range is the published one.

    A "limit" has chi2 rise to the threshold there. The end is only the "reach" where the published value is as far as
    the bound lets the sum go (Eq. 11), and still allowed.
    """
    for name, (confidence_level, n_dof) in product([axis.name for axis in scan.axes], scan.levels()):
        level = threshold(confidence_level, n_dof)
        for side, end in zip(("lower", "upper"), published.get(name, ()), strict=False):
            bound, kind = _match(model, scan, name, end, level)
            yield name, side, confidence_level, n_dof, level, end, bound, kind


def _excess(model: Model, scan: Scan, name: str, end: float, bound: float) -> float:
    """Least delta chi2 at a value of one parameter, all that is minimised over within plus or minus the bound."""
    within = bounded(scan, -bound, bound)
    curve = curves(model, within, name)[0]
    return float(curve(np.array([end]))[0]) - least_of(model, within)


def _match(model: Model, scan: Scan, name: str, end: float, level: float) -> tuple[float, str]:
    reach = abs(end) / 6
    if _excess(model, scan, name, end, reach) < level:
        return reach, "reach"
    bound = _root(lambda b: _excess(model, scan, name, end, b) - level, reach, LARGEST_BOUND)
    return bound, "limit" if np.isfinite(bound) else "none"


def narrowest_limit(model: Model, scan: Scan, name: str, side: str, n_dof: int) -> float:
    """The end of a range in the narrowest symmetric domain in which chi2, and not the reach of the domain, makes it."""
    level, sign = threshold(CL_PAPER, n_dof), -6 if side == "lower" else 6
    bound = _root(lambda b: _excess(model, scan, name, sign * b, b) - level, SMALLEST_BOUND, LARGEST_BOUND)
    return sign * bound


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function of one number changes its sign; NaN if it does not."""
    from scipy.optimize import brentq

    if function(low) * function(high) > 0:
        return float("nan")
    return float(brentq(function, low, high, xtol=1e-10))
