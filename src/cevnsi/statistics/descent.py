"""Minima inside boxes, of many small problems at once: Newton steps on a smooth function, kept in the box."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray

# Value (n,), gradient (n, d) and Hessian (n, d, d) at points (n, d) of the problems with these numbers (n,).
Derivatives = Callable[[FloatArray, NDArray[np.intp]], tuple[FloatArray, FloatArray, FloatArray]]

MOST_STEPS = 1000
SMALLEST_GAIN = 1e-13  # predicted, over 1 + |value|, at which a problem is done: well below what a chi2 is asked for
NEXT_TO_AN_END = 1e-12  # of the box's width
FIRST_DAMPING, LARGEST_DAMPING = 1.0, 1e12  # over the largest curvature


def levels(columns: int, cold: int) -> list[tuple[int, NDArray[np.intp]]]:
    """Columns (k,) of a row in the order in which they are found, and how far off are those that they start from.

    The first, every `cold` (a power of two), start from nothing.

    >>> [(stride, found.tolist()) for stride, found in levels(6, 4)]
    [(0, [0, 4]), (2, [2]), (1, [1, 3, 5])]
    """
    found, stride = [(0, np.arange(0, columns, cold))], cold // 2
    while stride:
        found.append((stride, np.arange(stride, columns, 2 * stride)))
        stride //= 2
    return [(stride, level) for stride, level in found if level.size]


def _snapped(at: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Places in the box, at an end of it where they are beside one but for rounding: there is no room for a step."""
    beside = NEXT_TO_AN_END * (high - low)
    return np.where(at <= low + beside, low, np.where(at >= high - beside, high, at))


def _step(
    at: FloatArray, low: FloatArray, high: FloatArray, gradient: FloatArray, hessian: FloatArray, damping: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Step (n, d) of every problem, and the gradient in the variables that may move.

    A variable at an end of the box rests there if the gradient pushes it outwards. One that it pulls inwards while the
    step of all together would take it out moves by itself, as if the others did not feel it.
    """
    resting = ((at <= low) & (gradient > 0)) | ((at >= high) & (gradient < 0))
    free, alone = np.where(resting, 0.0, gradient), resting
    diagonal = np.eye(at.shape[1], dtype=bool)
    while True:
        apart = (alone[:, :, None] | alone[:, None, :]) & ~diagonal
        curvature, direction = np.linalg.eigh(np.where(apart, 0.0, hessian))
        size = np.abs(curvature)
        size += (damping * size.max(axis=1) + np.finfo(float).tiny)[:, None]
        along = (direction.swapaxes(1, 2) @ free[:, :, None])[..., 0] / size
        step = np.where(resting, 0.0, -(direction @ along[:, :, None])[..., 0])
        blocked = ((at <= low) & (step < 0)) | ((at >= high) & (step > 0))
        if not (blocked & ~alone).any():
            return np.where(blocked, 0.0, step), free
        alone = alone | blocked


def descend(
    derivatives: Derivatives,
    start: FloatArray,
    low: FloatArray,
    high: FloatArray,
    first_damping: float = FIRST_DAMPING,
) -> tuple[FloatArray, FloatArray]:
    """Value (n,) and place (n, d) of the local minimum that each problem's start leads to; start, low, high are (n, d).

    A step is -(abs(H) + damping)^-1 gradient, with the magnitudes of the Hessian's eigenvalues, so that it leads down
    and away from saddles; it goes as far as the box lets it, and is taken if the value falls. It stays in the box.
    Starts that are next to their minimum need little damping from the first.
    """
    at = _snapped(start, low, high)
    problem = np.arange(len(at))
    value, gradient, hessian = derivatives(at, problem)
    least, place, damping = value.copy(), at.copy(), np.full(len(at), first_damping)
    for _ in range(MOST_STEPS):
        step, free = _step(at, low, high, gradient, hessian, damping)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # what does not move has all the room
            room = np.where(step > 0, (high - at) / step, np.where(step < 0, (low - at) / step, np.inf))
        part = np.minimum(room.min(axis=1), 1.0)[:, None]
        trial = _snapped(at + part * step, low, high)
        at_trial = derivatives(trial, problem)
        better = at_trial[0] < value
        gain = -(free * step).sum(axis=1)
        at = np.where(better[:, None], trial, at)
        value = np.where(better, at_trial[0], value)
        gradient = np.where(better[:, None], at_trial[1], gradient)
        hessian = np.where(better[:, None, None], at_trial[2], hessian)
        damping = np.where(better, damping / 5, damping * 3)
        least[problem], place[problem] = value, at
        going = (gain > SMALLEST_GAIN * (1 + np.abs(value))) & (damping < LARGEST_DAMPING)
        if not going.any():
            break
        problem, at, value, gradient = problem[going], at[going], value[going], gradient[going]
        hessian, damping, low, high = hessian[going], damping[going], low[going], high[going]
    return least, place
