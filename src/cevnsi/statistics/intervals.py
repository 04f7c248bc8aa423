"""Minima of a function of one variable, and where it lies below a level: found on the function, bracketed by samples.

Many functions at once: `function(x, row)` takes points (k,) and the numbers (k,) of the functions to be taken there.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray

Rows = NDArray[np.intp]
Function = Callable[[FloatArray, Rows], FloatArray]

NEXT_TO_END = 1e-4  # of the distance between samples: where it is asked whether a function falls from an end on
ROUNDING = 1e-10  # of a function, over one and its value


def local_minima(samples: FloatArray) -> tuple[Rows, Rows]:
    """Row and place of every sample inside a row (rows, points) that neither neighbour is below."""
    inner = samples[:, 1:-1]
    row, place = np.nonzero((inner <= samples[:, :-2]) & (inner <= samples[:, 2:]))
    return row, place + 1


def parabolic(samples: FloatArray) -> FloatArray:
    """Least value of each row (rows, points) of even steps: a parabola through the lowest sample and its neighbours."""
    rows = np.arange(len(samples))
    place = samples.argmin(axis=1)
    least: FloatArray = samples[rows, place]
    if samples.shape[1] < 3:
        return least
    inner = np.clip(place, 1, samples.shape[1] - 2)
    before, lowest, after = (samples[rows, inner + step] for step in (-1, 0, 1))
    curvature = before - 2 * lowest + after
    usable = (place == inner) & (curvature > 0)
    drop = np.where(usable, (after - before) ** 2 / (8 * np.where(usable, curvature, 1.0)), 0.0)
    return least - drop


def _denser_at_ends(
    function: Function, x: FloatArray, samples: FloatArray, most: float, least: float
) -> tuple[FloatArray, FloatArray]:
    """The samples, and one more beside an end from which some function may fall before it rises (see `refine`)."""
    rows = np.arange(len(samples))
    for end, inner in ((0, 1), (-1, -2)):
        if x.size < 2:
            break
        first, rise = samples[:, end], samples[:, inner] - samples[:, end]
        if ((rise >= 0) & (first >= least) & (first - rise <= most)).any():
            at = x[end] + NEXT_TO_END * (x[inner] - x[end])
            place = 1 if end == 0 else x.size - 1
            there = function(np.full(rows.size, at), rows)
            x, samples = np.insert(x, place, at), np.insert(samples, place, there, axis=1)
    return x, samples


def refine(
    function: Function, x: FloatArray, samples: FloatArray, most: float = np.inf, least: float = -np.inf
) -> tuple[Rows, FloatArray, FloatArray]:
    """Row, point and value of the minimum that each sampled local minimum brackets; x is (points,), increasing.

    Only of samples from `least` on that may hide a minimum below `most`: it is deeper than the sample by no more than
    that is below its neighbours. Dips of the size of rounding are none. Of a minimum that rounding hides from the
    search, the sample is returned.
    """
    x, samples = _denser_at_ends(function, x, samples, most, least)
    row, place = local_minima(samples)
    before, value, after = (samples[row, place + step] for step in (-1, 0, 1))
    dip = np.maximum(before, after) - value
    near = (value >= least) & (value - dip <= most) & (dip > ROUNDING * (1 + np.abs(value)))
    row, place, at, value = row[near], place[near], x[place[near]], value[near]
    if not row.size:
        return row, at, value
    from scipy.optimize import elementwise  # takes longer to import than many a job takes to run

    found = elementwise.find_minimum(function, (x[place - 1], at, x[place + 1]), args=(row,))
    better = np.isfinite(found.f_x) & (found.f_x < value)
    return row, np.where(better, found.x, at), np.where(better, found.f_x, value)


def least_value(function: Function, x: FloatArray, samples: FloatArray) -> FloatArray:
    """Least value of each function between the ends of x, (rows,): the ends', or that of a bracketed minimum."""
    lowest: FloatArray = samples.min(axis=1)
    row, _, value = refine(function, x, samples)
    np.minimum.at(lowest, row, value)
    return lowest


def _rising_or_falling(
    function: Callable[[FloatArray], FloatArray], place: FloatArray, left: Rows, level: float
) -> tuple[FloatArray, FloatArray]:
    """Brackets of roots about samples `left` and the next, further apart where approximate samples put them wrong."""
    low, high = left.copy(), left + 1
    for _ in range(3):
        same = (function(place[low]) < level) == (function(place[high]) < level)
        if not same.any():
            break
        low, high = (
            np.where(same, np.maximum(low - 1, 0), low),
            np.where(same, np.minimum(high + 1, place.size - 1), high),
        )
    return place[low], place[high]


def below(
    function: Callable[[FloatArray], FloatArray], x: FloatArray, samples: FloatArray, level: float
) -> list[tuple[float, float]]:
    """Intervals where one function lies below a level; an end of x closes one, any other end is a root.

    Samples (points,) that are fine enough to bracket each minimum and each maximum find every interval, also one that
    lies between two samples, and split none. They may be approximate, as long as they tell where to look.
    """
    from scipy.optimize import elementwise

    _, low_x, low = refine(lambda at, row: function(at), x, samples[None], level, level)
    _, high_x, high = refine(lambda at, row: -function(at), x, -samples[None], -level, -level)
    place, order = np.unique(np.concatenate([x, low_x, high_x]), return_index=True)
    inside = np.concatenate([samples, low, -high])[order] < level
    crossing = np.flatnonzero(inside[:-1] != inside[1:])
    roots: list[float] = []
    if crossing.size:
        bracket = _rising_or_falling(function, place, crossing, level)
        found = elementwise.find_root(lambda at: function(at) - level, bracket)
        # no root where a sample is the level itself to the last digit
        roots = np.where(np.isfinite(found.x), found.x, place[crossing + inside[crossing]]).tolist()
    cuts = [*([float(place[0])] if inside[0] else []), *roots, *([float(place[-1])] if inside[-1] else [])]
    return list(zip(cuts[::2], cuts[1::2], strict=True))
