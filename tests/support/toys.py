"""Toys of Eq. 7 the plain way: numpy's Poisson counts, and minima toy by toy."""

from itertools import product

import numpy as np
from scipy.optimize import nnls

from cevnsi.arrays import FloatArray
from cevnsi.fast.toys_gaussian import Problem, Rectangle, Toys, Truth


def plain_draw(problem: Problem, truth: Truth, toys: int, rng: np.random.Generator) -> Toys:
    """Toys at a truth."""
    predicted = truth.x * problem.templates[0] + truth.y * problem.templates[1]
    off, shape = problem.anticoincidence, (toys, problem.anticoincidence.size)
    return Toys(
        coincidence=rng.poisson(off + (1 + truth.alpha) * predicted, shape).T.astype(np.int32),
        anticoincidence=rng.poisson(off, shape).T.astype(np.int32),
        centre=rng.normal(truth.alpha, problem.sigma_alpha, toys),
    )


def eq_7_of_toy(problem: Problem, toys: Toys, i: int, x: float, y: float, alpha: float) -> float:
    """Eq. 7 as written, of one toy at a point."""
    total = ((alpha - float(toys.centre[i])) / problem.sigma_alpha) ** 2
    for b, (e, mu) in enumerate(problem.templates.T):
        on, off = int(toys.coincidence[b, i]), int(toys.anticoincidence[b, i])
        variance = on + off if on + off > 0 else 1
        total += (on - off - (1 + alpha) * (x * e + y * mu)) ** 2 / variance
    return float(total)


def plain_least(problem: Problem, toys: Toys, rectangle: Rectangle) -> FloatArray:
    """Least chi2 (toys,) over alpha and a rectangle of floats, by nonnegative least squares.

    With s = 1 + alpha, what (s x, s y, s) can be is a cone that its corners span, and its mirror image where s < 0. An
    infinite side is spanned by its direction.
    """
    columns = []
    for x, y in product(rectangle.x, rectangle.y):
        corner = (float(np.isinf(x)), float(np.isinf(y)), 0.0) if np.isinf(x) or np.isinf(y) else (x, y, 1.0)
        columns.append(corner)
        if np.isinf(x) and np.isinf(y):
            columns += [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0)]
    spanned = np.unique(np.array(columns, dtype=np.float64), axis=0)  # (corners, 3)
    counts = spanned[:, :2] @ problem.templates  # (corners, bins)
    sigma = np.sqrt(toys.variance)
    least = []
    for i in range(toys.centre.size):
        design = np.column_stack([counts / sigma[:, i], spanned[:, 2] / problem.sigma_alpha]).T
        design /= np.linalg.norm(design, axis=0)
        wanted = np.append(toys.observed[:, i] / sigma[:, i], (1 + toys.centre[i]) / problem.sigma_alpha)
        least.append(min(float(nnls(sign * design, wanted)[1]) ** 2 for sign in (1, -1)))
    return np.array(least)
