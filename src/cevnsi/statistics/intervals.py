"""Minima of a function of one variable, and where it lies below a level: found on the function, bracketed by samples.

Many functions at once: `function(x, row)` takes points (k,) and the numbers (k,) of the functions to be taken there.
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray

Rows = NDArray[np.intp]
Function = Callable[[FloatArray, Rows], FloatArray]

NEXT_TO_END = 1e-4  # of the distance between samples: where it is asked whether a function falls from an end on
ROUNDING = 1e-10  # of a function, over one and its value


def local_minima(samples: FloatArray) -> tuple[Rows, Rows]:
    """Row and place, (minima,) each, of every sample inside a row (rows, points) that neither neighbour is below."""
    inner = samples[:, 1:-1]
    row, place = np.nonzero((inner <= samples[:, :-2]) & (inner <= samples[:, 2:]))
    return row, place + 1


def parabolic(samples: FloatArray) -> FloatArray:
    """Least value (rows,) of rows (rows, points) of even steps: a parabola through the lowest sample and neighbours."""
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


def _brackets(
    function: Function, x: FloatArray, samples: FloatArray, most: float, least: float
) -> tuple[Rows, FloatArray, FloatArray]:
    """Row, sample and bracket (3, k) of the minima that `refine` finds."""
    x, samples = _denser_at_ends(function, x, samples, most, least)
    row, place = local_minima(samples)
    before, value, after = (samples[row, place + step] for step in (-1, 0, 1))
    dip = np.maximum(before, after) - value
    near = (value >= least) & (value - dip <= most) & (dip > ROUNDING * (1 + np.abs(value)))
    place = place[near]
    return row[near], value[near], x[np.stack([place - 1, place, place + 1])]


def _minima(
    function: Callable[[FloatArray, Any], FloatArray], bracket: FloatArray, value: FloatArray, which: NDArray[Any]
) -> tuple[FloatArray, FloatArray]:
    """Point and value of the minimum in each bracket, of function(x, which); the sample where none is below it."""
    if not value.size:
        return bracket[1], value
    from scipy.optimize import elementwise  # takes longer to import than many a job takes to run

    found = elementwise.find_minimum(function, tuple(bracket), args=(which,))
    better = np.isfinite(found.f_x) & (found.f_x < value)
    return np.where(better, found.x, bracket[1]), np.where(better, found.f_x, value)


def refine(
    function: Function, x: FloatArray, samples: FloatArray, most: float = np.inf, least: float = -np.inf
) -> tuple[Rows, FloatArray, FloatArray]:
    """Row, point and value of the minimum that each sampled local minimum brackets, (minima,) each.

    x is (points,), increasing, samples are (rows, points). Only of samples from `least` on that may hide a minimum
    below `most`: it is deeper than the sample by no more than that is below its neighbours. Dips of the size of
    rounding are none. Of a minimum that rounding hides from the search, the sample is returned.
    """
    row, value, bracket = _brackets(function, x, samples, most, least)
    return row, *_minima(function, bracket, value, row)


def least_value(function: Function, x: FloatArray, samples: FloatArray) -> FloatArray:
    """Least value of each function between the ends of x, (rows,): the ends', or that of a bracketed minimum.

    x is (points,), increasing, and samples are (rows, points).
    """
    lowest: FloatArray = samples.min(axis=1)
    row, _, value = refine(function, x, samples)
    np.minimum.at(lowest, row, value)
    return lowest


def _rising_or_falling(
    function: Callable[[FloatArray], FloatArray], place: FloatArray, left: Rows, level: float
) -> tuple[FloatArray, FloatArray]:
    """Brackets of roots about samples `left` and the next, further apart where approximate samples put them wrong."""
    low, high = left.copy(), left + 1
    for _ in range(3 if left.size else 0):
        same = (function(place[low]) < level) == (function(place[high]) < level)
        if not same.any():
            break
        low, high = (
            np.where(same, np.maximum(low - 1, 0), low),
            np.where(same, np.minimum(high + 1, place.size - 1), high),
        )
    return place[low], place[high]


def _with_turns(
    function: Callable[[FloatArray], FloatArray], x: FloatArray, samples: FloatArray, levels: Sequence[float]
) -> list[tuple[FloatArray, FloatArray]]:
    """Points and values of the samples and, for each level, of the minima below and the maxima above that they bracket.

    Searched for at all levels at once, as a step of a search costs more than its points.
    """
    sides = list(product(levels, (1.0, -1.0)))

    def brackets(level: float, sign: float) -> tuple[Rows, FloatArray, FloatArray]:
        return _brackets(lambda at, row: sign * function(at), x, sign * samples[None], sign * level, sign * level)

    _, values, around = zip(*(brackets(*side) for side in sides), strict=True)
    signs = np.repeat([sign for _, sign in sides], [value.size for value in values])
    at, value = _minima(
        lambda at, sign: sign * function(at), np.concatenate(around, axis=1), np.concatenate(values), signs
    )
    cuts = np.cumsum([value.size for value in values])[1:-1:2]  # two sides a level
    made = []
    for turns in zip(np.split(at, cuts), np.split(signs * value, cuts), strict=True):
        place, order = np.unique(np.concatenate([x, turns[0]]), return_index=True)
        made.append((place, np.concatenate([samples, turns[1]])[order]))
    return made


def below(
    function: Callable[[FloatArray], FloatArray], x: FloatArray, samples: FloatArray, levels: Sequence[float]
) -> list[list[tuple[float, float]]]:
    """Intervals where one function lies below each of several levels; an end of x closes one, any other end is a root.

    Samples (points,), at x (points,), that are fine enough to bracket each minimum and each maximum find every
    interval, also one that lies between two samples, and split none. They may be approximate, as long as they tell
    where to look.
    """
    from scipy.optimize import elementwise

    def above(at: FloatArray, height: FloatArray) -> FloatArray:
        return function(at) - height

    curves = list(zip(_with_turns(function, x, samples, levels), levels, strict=True))
    low, high, near = [], [], []
    for (place, values), level in curves:
        inside = values < level
        crossing = np.flatnonzero(inside[:-1] != inside[1:])
        left, right = _rising_or_falling(function, place, crossing, level)
        low.append(left)
        high.append(right)
        near.append(place[crossing + inside[crossing]])
    sizes, roots = [points.size for points in near], np.concatenate(near)
    if roots.size:
        bracket, height = (np.concatenate(low), np.concatenate(high)), np.repeat(levels, sizes)
        found = elementwise.find_root(above, bracket, args=(height,))
        # no root where a sample is the level itself to the last digit
        roots = np.where(np.isfinite(found.x), found.x, roots)
    intervals = []
    for ((place, values), level), inner in zip(curves, np.split(roots, np.cumsum(sizes)[:-1]), strict=True):
        ends = [*place[:1][values[:1] < level], *inner, *place[-1:][values[-1:] < level]]
        intervals.append(list(zip(map(float, ends[::2]), map(float, ends[1::2]), strict=True)))
    return intervals
