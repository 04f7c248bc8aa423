"""Between the points of a coarse grid, of one axis or two: values that are known there with errors of their own.

Linear in the coordinates, between the two or four points about a place. The error is that of the points carried
through their weights, in quadrature with that of interpolating, which is measured: at each point, what the mean of its
neighbours misses it by, along each axis, where that is more than `BEYOND_STATISTICS` of its own error. Straight lines
over half of that distance miss a smooth function by a quarter of it at most, and a kink by all of it.

Where neighbours differ by more than both `JUMP_OF_ERRORS` of the error of their difference and `LEAST_JUMP` the values
jump: between them nothing is interpolated. A cell with such an edge has the value of its nearest point, and as an error
of interpolating the most by which another of its points differs from that.
"""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray

BEYOND_STATISTICS = 2.0  # standard deviations: noise alone is beyond in one of twenty points
JUMP_OF_ERRORS = 5.0
ROUNDING = 1e-9  # of a cell: a place that is so near to a point is at it
LEAST_JUMP = 0.5  # in delta chi2; a threshold of one parameter at 90 % is 2.7

Bools = NDArray[np.bool_]


def _apart(values: FloatArray, axis: int) -> tuple[FloatArray, FloatArray]:
    """All but the last and all but the first along an axis: neighbours."""
    n = values.shape[axis]
    return np.take(values, range(n - 1), axis), np.take(values, range(1, n), axis)


def jumps(values: FloatArray, errors: FloatArray, axis: int) -> Bools:
    """Whether values jump from each point to the next along an axis; of their shape, with one fewer along it.

    Values and errors are in the shape of a coarse grid, one axis or two.
    """
    (first, second), (first_error, second_error) = _apart(values, axis), _apart(errors, axis)
    step = np.abs(second - first)
    return (step > JUMP_OF_ERRORS * np.hypot(first_error, second_error)) & (step > LEAST_JUMP)


def _missed_along(x: FloatArray, values: FloatArray, errors: FloatArray) -> FloatArray:
    """What interpolating along the first axis misses each point by, beyond statistics; x is (points,), increasing.

    At an end, and beside a jump, where a point has not two neighbours to say it, that of the neighbour that has.
    """
    if x.size < 3:
        return np.zeros_like(values)
    jump = jumps(values, errors, 0)
    share = ((x[1:-1] - x[:-2]) / (x[2:] - x[:-2])).reshape(-1, *[1] * (values.ndim - 1))
    missed = values[1:-1] - (1 - share) * values[:-2] - share * values[2:]
    noise = np.sqrt(errors[1:-1] ** 2 + ((1 - share) * errors[:-2]) ** 2 + (share * errors[2:]) ** 2)
    beyond = np.abs(missed) > BEYOND_STATISTICS * noise
    known = np.full(values.shape, np.nan)
    inner = np.sqrt(np.where(beyond, missed**2 - noise**2, 0.0))
    known[1:-1] = np.where(jump[:-1] | jump[1:], np.nan, inner)
    before, after = np.full_like(known, np.nan), np.full_like(known, np.nan)
    before[1:] = np.where(jump, np.nan, known[:-1])
    after[:-1] = np.where(jump, np.nan, known[1:])
    beside = np.fmax(before, after)
    return np.nan_to_num(np.where(np.isnan(known), beside, known))


def missed(axes: Sequence[FloatArray], values: FloatArray, errors: FloatArray) -> FloatArray:
    """What interpolating misses each point of a coarse grid by, in its shape, of all its axes in quadrature.

    An axis is (points,), increasing, in coordinates; values and errors are in the shape of the grid.
    """
    along = [
        np.moveaxis(_missed_along(x, np.moveaxis(values, i, 0), np.moveaxis(errors, i, 0)), 0, i)
        for i, x in enumerate(axes)
    ]
    return np.sqrt(sum((each**2 for each in along), np.zeros_like(values)))


class Between:
    """Places of a fine grid between the points of a coarse one: axes of coordinates, increasing, of each.

    A place beyond the ends of the coarse axes has what their ends have. Methods take values or errors in the shape of
    the coarse grid, and return those of every place, in the shape of the fine one.
    """

    def __init__(self, coarse: Sequence[FloatArray], fine: Sequence[FloatArray]) -> None:
        """Cell and share of every fine point along each axis, (points,) of each; ends need not be the same."""
        self.axes = tuple(coarse)
        self.shape = tuple(x.size for x in fine)
        self._first, self._share = [], []
        for points, x in zip(coarse, fine, strict=True):
            first = np.clip(np.searchsorted(points, x, side="right") - 1, 0, max(points.size - 2, 0))
            second = np.minimum(first + 1, points.size - 1)
            width = np.where(second > first, points[second] - points[first], 1.0)
            self._first.append(first)
            share = (x - points[first]) / width
            self._share.append(np.where(share < ROUNDING, 0.0, np.where(share > 1 - ROUNDING, 1.0, share)))

    def _along(self, i: int, side: int) -> tuple[NDArray[np.intp], FloatArray]:
        """Points on one side of every place along axis i, and their weights."""
        points = np.minimum(self._first[i] + side, self.axes[i].size - 1)
        return points, self._share[i] if side else 1 - self._share[i]

    def _corners(self) -> Iterator[tuple[tuple[NDArray[np.intp], ...], FloatArray]]:
        """Index of the coarse grid, and weights (fine points), of each corner of the cells about every place."""
        for sides in product((0, 1), repeat=len(self.axes)):
            chosen = [self._along(i, side) for i, side in enumerate(sides)]
            weight = np.ones(self.shape)
            for i, (_, along) in enumerate(chosen):
                weight = weight * along.reshape([-1 if i == j else 1 for j in range(len(self.shape))])
            yield np.ix_(*(points for points, _ in chosen)), weight

    def mean(self, values: FloatArray) -> FloatArray:
        """Linear interpolation of the coarse grid's values, in the shape of the fine one."""
        return sum((weight * values[place] for place, weight in self._corners()), np.zeros(self.shape))

    def carried(self, errors: FloatArray) -> FloatArray:
        """Errors of independent values after it, in the shape of the fine grid."""
        return np.sqrt(sum(((weight * errors[place]) ** 2 for place, weight in self._corners()), np.zeros(self.shape)))

    def least(self, values: FloatArray) -> FloatArray:
        """The least of the values that are interpolated between, in the shape of the fine grid."""
        found = np.full(self.shape, np.inf)
        for place, weight in self._corners():
            found = np.minimum(found, np.where(weight > 0, values[place], np.inf))
        return found

    def nearest(self, values: FloatArray) -> FloatArray:
        """That of the nearest point, in the shape of the fine grid; of two as near, the further one along an axis."""
        chosen = [
            np.where(share < 0.5, self._along(i, 0)[0], self._along(i, 1)[0]) for i, share in enumerate(self._share)
        ]
        return values[np.ix_(*chosen)]

    def farthest(self, values: FloatArray, center: FloatArray) -> FloatArray:
        """The most by which a value that is interpolated between differs from another at the place.

        The other and the result are in the shape of the fine grid.
        """
        found = np.zeros(self.shape)
        for place, weight in self._corners():
            found = np.maximum(found, np.where(weight > 0, np.abs(values[place] - center), 0.0))
        return found

    def across(self, values: FloatArray, errors: FloatArray) -> Bools:
        """Whether values jump along an edge of the cell that a place is inside of, or on; errors say what is a jump.

        In the shape of the fine grid.
        """
        found = np.zeros(self.shape, np.bool_)
        for i, points in enumerate(self.axes):
            if points.size < 2:
                continue
            jump = jumps(values, errors, i)
            inside = (self._share[i] > 0) & (self._share[i] < 1)
            for sides in product((0, 1), repeat=len(self.axes) - 1):
                others = iter(sides)
                places, used = [], np.ones(self.shape, np.bool_)
                for j in range(len(self.axes)):
                    there, weight = (self._first[j], inside) if j == i else self._along(j, next(others))
                    places.append(there)
                    used = used & (weight > 0).reshape([-1 if k == j else 1 for k in range(len(self.shape))])
                found |= used & jump[np.ix_(*places)]
        return found


def interpolated(between: Between, values: FloatArray, errors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values and their errors at the places of a fine grid from those at the points of a coarse one, in its shape."""
    mean = between.mean(values)
    error = np.hypot(between.carried(errors), between.mean(missed(between.axes, values, errors)))
    jump = between.across(values, errors)
    if not jump.any():
        return mean, error
    near = between.nearest(values)
    far = np.hypot(between.nearest(errors), between.farthest(values, near))
    return np.where(jump, near, mean), np.where(jump, far, error)
