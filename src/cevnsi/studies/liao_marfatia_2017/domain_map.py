"""Which domain of what is minimised over comes closest to Eq. 12, as the paper states none.

A domain is here one interval for every eps_uV and eps_dV, and its miss the largest distance of an end of a range from
the published one. Many domains are tried at once: chi2 takes arrays for the ends of a domain.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.files.tables import PUBLISHED_ENDS
from cevnsi.model import Model
from cevnsi.scans.axes import Scan
from cevnsi.statistics.thresholds import threshold
from cevnsi.studies.liao_marfatia_2017.sensitivity import Ends, common, ends_of

Published = Mapping[str, tuple[float, float]]  # lower and upper end by parameter

WIDEST = 2.0  # magnitude of a bound, up to which the best domain is looked for
STEPS = (0.05, 0.01, 0.002, 0.001)  # of bounds: a first grid, then finer ones about the best domain of the last
AROUND = 6  # steps to each side
MOST_MOVES = 20  # of what is tried, along a valley of the map
AS_GOOD = 1e-4  # of the miss, by which domains do not differ: what is published has two digits
KINDS = ("any", "limits", "symmetric")  # of domains: any, those in which chi2 makes all ends, and those about zero


@dataclass(frozen=True, kw_only=True)
class Misses:
    """How far domains miss the published ends at several thresholds; every array ends in (domains,)."""

    lower: FloatArray  # (domains,)
    upper: FloatArray  # (domains,)
    ends: Ends
    miss: FloatArray  # (thresholds, domains), the largest distance of an end from the published one
    worst: NDArray[np.intp]  # (thresholds, domains), which end that is

    def of_kind(self, kind: str, level: int) -> FloatArray:
        """The miss at a threshold, (domains,), infinite for domains that are not of a kind."""
        reach_only = self.ends.at_reach[level].any(axis=0) & (kind == "limits")
        return np.where(reach_only, np.inf, self.miss[level])

    def row(self, level: int, i: int) -> tuple[Any, ...]:
        """Bounds, miss, its end, which ends are only the reach, and the ends, as tables have them."""
        reach = [name for name, is_so in zip(PUBLISHED_ENDS, self.ends.at_reach[level, :, i], strict=True) if is_so]
        found = self.ends.values[level, :, i].tolist()
        worst = PUBLISHED_ENDS[self.worst[level, i]]
        return float(self.miss[level, i]), worst, "+".join(reach), *found


def misses(
    model: Model,
    scan: Scan,
    published: Published,
    lower: FloatArray,
    upper: FloatArray,
    levels: Sequence[float],
) -> Misses:
    """Of common domains [lower, upper], (n,) each; ArithmeticError as that of `ends_of`."""
    ends = ends_of(model, scan, common(scan, lower, upper), levels)
    stated = np.array([end for axis in scan.axes for end in published[axis.name]])
    distance = np.abs(ends.values - stated[:, None])
    worst = np.round(distance, 9).argmax(axis=1)  # of ends as far off but for rounding the first
    return Misses(lower=lower, upper=upper, ends=ends, miss=distance.max(axis=1), worst=worst)


def has_published_ends(scan: Scan, published: Published) -> bool:
    """Whether a scan is of the parameters of Eq. 12, which alone have ends to miss."""
    names = [f"{axis.name}_{side}" for axis in scan.axes for side in ("lower", "upper")]
    return names == list(PUBLISHED_ENDS) and all(axis.name in published for axis in scan.axes)


def domain_map(
    model: Model,
    scan: Scan,
    published: Published,
    lower: FloatArray,
    upper: FloatArray,
) -> Iterator[tuple[Any, ...]]:
    """Rows of `tables.DOMAIN_MAP`, for every pair of a lower and an upper bound and each level of the scan.

    Lower bounds are (n,), upper ones (k,).
    """
    if not has_published_ends(scan, published):
        return
    levels = [threshold(*level) for level in scan.levels()]
    low, high = (np.round(bound, 12).ravel() for bound in np.meshgrid(lower, upper, indexing="ij"))
    found = misses(model, scan, published, low, high, levels)
    for i, bounds in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        for k, level in enumerate(scan.levels()):
            yield *bounds, *level, levels[k], *found.row(k, i)


def _steps(first: float, last: float, step: float) -> FloatArray:
    """Multiples of a step from first to last, each the decimal number that it is."""
    return np.round(np.arange(round(first / step), round(last / step) + 1) * step, 6)


def _candidates(kind: str, step: float, about: tuple[float, float] | None) -> tuple[FloatArray, FloatArray]:
    """Bounds of the domains of a kind to try next, all that hold zero within or those about one."""
    if about is None:
        lower, upper = _steps(-WIDEST, -step, step), _steps(step, WIDEST, step)
    else:
        lower, upper = (_steps(end - AROUND * step, end + AROUND * step, step) for end in about)
        lower, upper = lower[(lower >= -WIDEST) & (lower < 0)], upper[(upper > 0) & (upper <= WIDEST)]
    if kind == "symmetric":
        return -upper, upper
    low, high = np.meshgrid(lower, upper, indexing="ij")
    return low.ravel(), high.ravel()


def _best_of(found: Misses, kind: str, level: int) -> int:
    """The narrowest of the domains of a kind that miss least, or of all if none is of it."""
    miss = found.of_kind(kind, level)
    good = np.flatnonzero(miss <= miss.min() + AS_GOOD)
    width = np.round(found.upper - found.lower, 9)[good]
    return int(good[np.lexsort((miss[good], width))[0]])


def _refined(
    model: Model,
    scan: Scan,
    published: Published,
    kind: str,
    level: float,
    start: tuple[float, float],
) -> tuple[Misses, int]:
    """The best domain of a kind about one, to the last of `STEPS`, among those that were tried beside it."""
    at = start
    for step in STEPS[1:]:
        for _ in range(MOST_MOVES):
            tried = misses(model, scan, published, *_candidates(kind, step, at), [level])
            i = _best_of(tried, kind, 0)
            moved, at = at, (float(tried.lower[i]), float(tried.upper[i]))
            if max(abs(a - b) for a, b in zip(moved, at, strict=True)) < (AROUND - 0.5) * step:
                break  # inside what was tried, and not at the end of it
    return tried, i


def _as_good(found: Misses, kind: str, moving: FloatArray, best: float, least: float) -> tuple[float, float]:
    """Between which values one bound may be while the miss stays the least."""
    good = found.of_kind(kind, 0) <= least + AS_GOOD
    bad = moving[~good]
    below, above = bad[bad < best].max(initial=-np.inf), bad[bad > best].min(initial=np.inf)
    within = moving[good & (moving > below) & (moving < above)]
    return min(best, *within.tolist()), max(best, *within.tolist())


def _freedom(
    model: Model, scan: Scan, published: Published, kind: str, level: float, best: tuple[float, float], least: float
) -> tuple[float, float, float, float]:
    """Between which values the lower and the upper bound may be, each with the other at its best; to `STEPS[1]`."""
    low, high = best
    if kind == "symmetric":  # no bound moves by itself
        return low, low, high, high
    steps = STEPS[1] * np.arange(-round(WIDEST / STEPS[1]), round(WIDEST / STEPS[1]) + 1)
    lower, upper = np.round(low + steps, 6), np.round(high + steps, 6)
    lower = np.append(-WIDEST, lower[(lower > -WIDEST) & (lower < 0)])
    upper = np.append(upper[(upper > 0) & (upper < WIDEST)], WIDEST)
    by_lower = misses(model, scan, published, lower, np.full(lower.size, high), [level])
    by_upper = misses(model, scan, published, np.full(upper.size, low), upper, [level])
    return *_as_good(by_lower, kind, lower, low, least), *_as_good(by_upper, kind, upper, high, least)


def best_domains(model: Model, scan: Scan, published: Published) -> Iterator[tuple[Any, ...]]:
    """Rows of `tables.DOMAIN_BEST`: the domain of each kind that comes closest to Eq. 12, at each level of a scan.

    Its bounds have three decimals, and do not depend on the points of any other grid. Of domains that are as good the
    narrowest is named, and between which values either bound may be, the other as it is, without the miss growing.
    """
    if not has_published_ends(scan, published):
        return
    levels = [threshold(*level) for level in scan.levels()]
    every = misses(model, scan, published, *_candidates("any", STEPS[0], None), levels)
    about_zero = misses(model, scan, published, *_candidates("symmetric", STEPS[0], None), levels)
    for k, level in enumerate(scan.levels()):
        for kind in KINDS:
            first = about_zero if kind == "symmetric" else every
            i = _best_of(first, kind, k)
            if not np.isfinite(first.of_kind(kind, k)[i]):
                continue  # in no domain that was tried does chi2 make all ends
            start = float(first.lower[i]), float(first.upper[i])
            found, i = _refined(model, scan, published, kind, levels[k], start)
            best = float(found.lower[i]), float(found.upper[i])
            freedom = _freedom(model, scan, published, kind, levels[k], best, float(found.miss[0, i]))
            yield kind, *level, levels[k], *best, *found.row(0, i), *freedom
