"""Chi2 least over nuisances, of many points at once: Newton steps, the plain way for every statistic."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.statistics.likelihoods import Terms

# Chi2 terms of expected counts (n, bins).
Likelihood = Callable[[FloatArray], Terms]
# Expected counts (n, bins) and directions (n, nuisances, bins), at nuisances (n, nuisances) of points (n,).
Expected = Callable[[FloatArray, NDArray[np.intp]], tuple[FloatArray, FloatArray]]

# Sum over bins of a slope (n, bins) times second derivatives of the counts, (n, nuisances, nuisances), at nuisances
# (n, nuisances) of points (n,).
Crossed = Callable[[FloatArray, FloatArray, NDArray[np.intp]], FloatArray]

MOST_STEPS = 1000  # out of a saddle, where second derivatives lead up, steps are short
MOST_HALVINGS = 40
SMALLEST_GAIN = 1e-13  # over 1 + chi2, of a step: at less a point is done


@dataclass(frozen=True, kw_only=True)
class Profiled:
    """Chi2 (points,) at its least over the nuisances, and where these are there, (points, nuisances)."""

    chi2: FloatArray
    nuisances: FloatArray


def _solved(hessian: FloatArray, free: FloatArray) -> FloatArray:
    """Newton steps (n, nuisances); not numbers where a Hessian is singular, as two scales of one huge sample leave it.

    Point by point if any is, so that no other's digits depend on it.
    """
    try:
        return np.asarray(-np.linalg.solve(hessian, free[..., None])[..., 0], dtype=float)
    except np.linalg.LinAlgError:
        if len(hessian) == 1:
            return np.full(free.shape, np.nan)
        return np.concatenate([_solved(hessian[i : i + 1], free[i : i + 1]) for i in range(len(hessian))])


def _root_steps(
    directions: FloatArray, curvature: FloatArray, root: FloatArray, resting: NDArray[np.bool_], free: FloatArray
) -> FloatArray:
    """Newton steps (n, nuisances) by the triangle R of a Hessian R^T R, which keeps twice the digits of the Hessian.

    Those of two scales of one sample that is far too large: the Hessian is then singular but for rounding.
    """
    count = len(root)
    prior = np.broadcast_to(root, (len(free), count, count))
    rows = np.concatenate([directions.swapaxes(1, 2) * np.sqrt(curvature)[..., None], prior], axis=1)
    rows = np.concatenate([np.where(resting[:, None], 0.0, rows), resting[:, None] * np.eye(count)], axis=1)
    triangle: FloatArray = np.asarray(np.linalg.qr(rows, mode="r"))
    half = np.linalg.solve(triangle.swapaxes(1, 2), -free[..., None])
    return np.asarray(np.linalg.solve(triangle, half)[..., 0], dtype=float)


def _steps(hessian: FloatArray, resting: NDArray[np.bool_], free: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Newton steps (n, nuisances) against slopes of what does not rest, and their decrements (n,)."""
    diagonal = np.arange(free.shape[1])
    matrix = np.where(resting[:, :, None] | resting[:, None, :], 0.0, hessian)
    matrix[:, diagonal, diagonal] += resting
    step = _solved(matrix, free)
    return step, -(free * step).sum(axis=1)


def profile(
    likelihood: Likelihood,
    expected: Expected,
    precision: FloatArray,
    start: FloatArray,
    least: FloatArray | None = None,
    centre: FloatArray | float = 0.0,
    held: NDArray[np.bool_] | None = None,
    most: FloatArray | None = None,
    crossed: Crossed | None = None,
    by: FloatArray | None = None,
) -> Profiled:
    """Least chi2 over nuisances that start at (points, nuisances).

    All else of nuisances is (nuisances,), or a number.
    chi2 is the likelihood's plus the sum of precision * (theta - centre)^2; a precision of zero leaves a nuisance free.
    With `by` (nuisances, nuisances) theta are others, of which the nuisances with priors are `by` @ theta.
    A nuisance stays between its `least` and its `most`, and rests there while chi2 would fall beyond; one that is
    `held` stays where it starts. Directions are taken at the current nuisances, so a product of two (scale times shape)
    is iterated; steps are longer, and fewer, with what is `crossed` where that leads down.
    ArithmeticError where chi2 of a point still falls after very many steps.
    A scale is kept as theta, to 1e-16: of counts that are 1e11 times too many, chi2 is good to 1e-9 only.
    """
    points, count = start.shape
    floor = np.full(count, -np.inf) if least is None else least
    ceiling = np.full(count, np.inf) if most is None else most
    theta, stays = np.clip(start, floor, ceiling), np.zeros(count, bool) if held is None else held
    everything = np.arange(points)
    root = np.diag(np.sqrt(precision)) if by is None else np.sqrt(precision)[:, None] * by
    prior = np.diag(precision) if by is None else root.T @ root

    def value_at(at: FloatArray, which: NDArray[np.intp]) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        counts, directions = expected(at, which)
        chi2, slope, curvature = likelihood(counts)
        offset = at - centre
        pulls = np.zeros_like(offset)
        for one, row in zip(
            offset.T, prior, strict=True
        ):  # one by one: no digit may depend on how many points there are
            pulls += one[:, None] * row
        gradient = (directions @ slope[..., None])[..., 0] + 2 * pulls
        hessian = (directions * curvature[:, None, :]) @ directions.swapaxes(1, 2)
        bent = np.zeros((len(at), 0, 0)) if crossed is None else crossed(at, slope, which)
        return chi2 + (pulls * offset).sum(axis=1), gradient, hessian + 2 * prior, bent

    value, gradient, hessian, bent = value_at(theta, everything)
    if not count:
        return Profiled(chi2=value, nuisances=theta)
    final = np.full(points, np.inf)
    going, diagonal = everything, np.arange(count)
    for _ in range(MOST_STEPS):
        at = theta[going]
        resting = ((at <= floor) & (gradient > 0)) | ((at >= ceiling) & (gradient < 0)) | stays
        resting |= (hessian[:, diagonal, diagonal] == 0) & (gradient == 0)  # of what moves nothing here
        free = np.where(resting, 0.0, gradient)
        step, decrement = _steps(hessian if crossed is None else hessian + bent, resting, free)
        up = np.flatnonzero(~(decrement >= 0))
        if up.size and crossed is not None:
            step[up], decrement[up] = _steps(hessian[up], resting[up], free[up])
            up = np.flatnonzero(~(decrement >= 0))
        if up.size:
            counts, directions = expected(at[up], going[up])
            step[up] = _root_steps(directions, likelihood(counts)[2], np.sqrt(2) * root, resting[up], free[up])
            decrement[up] = -(free[up] * step[up]).sum(axis=1)
        trial = np.clip(at + step, floor, ceiling)
        found = value_at(trial, going)
        for _ in range(MOST_HALVINGS):  # where a step leads up, or to counts that are none
            worse = ~(found[0] <= value) & (decrement > SMALLEST_GAIN * (1 + np.abs(value)))
            if not worse.any():
                break
            step = np.where(worse[:, None], step / 2, step)
            trial = np.clip(at + step, floor, ceiling)
            again = value_at(trial[worse], going[worse])
            for old, new in zip(found, again, strict=True):
                old[worse] = new
        better = found[0] <= value
        theta[going] = np.where(better[:, None], trial, at)
        final[going] = np.where(better, found[0], value)
        # either may be nothing but rounding: the decrement where counts are huge, the gain at the end
        gain = np.where(better, value, 0.0) - np.where(better, found[0], 0.0)
        keep = np.minimum(decrement, gain) > SMALLEST_GAIN * (1 + np.where(better, found[0], 0.0))
        going = going[keep]
        value, gradient, hessian, bent = (each[keep] for each in found)
        if not going.size:
            break
    else:
        raise ArithmeticError(f"{going.size} of {points} profiles still fall after {MOST_STEPS} steps")
    return Profiled(chi2=final, nuisances=theta)
