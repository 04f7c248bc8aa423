"""Counts from an interaction's weights at a few recoils, instead of at every node of the templates.

On a <= Q^2 <= b, a weight whose poles all lie at Q^2 <= 0, such as a propagator 1 / (Q^2 + M^2), is its polynomial
through n Chebyshev points but for an error that falls like rho^-n, rho = (sqrt(b) + sqrt(a)) / (sqrt(b) - sqrt(a)),
whatever the mass (Eqs. 8.3 and 8.4 of L. N. Trefethen, Approximation Theory and Approximation Practice, SIAM, 2013). So
each node's events are shared out among those points, once.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.model import DataSet
from cevnsi.physics.interaction import Recoils
from cevnsi.templates import Templates

RHO_TO_MINUS_N = 1e-18  # far below rounding, as a double pole on the ellipse costs about another factor of n


@dataclass(frozen=True, kw_only=True)
class Condensed:
    """A few recoils, and what a weight of one at each of them counts in each bin."""

    recoils: Recoils
    events: FloatArray  # (flavors, nuclides, bins of energy and time, points)
    templates: Templates  # what spreads counts over further bins

    def counts(self, weights: Sequence[FloatArray]) -> FloatArray:
        """Counts of each term, (terms, ..., bins), for weights as of `Templates.counts`, at these recoils.

        That is (..., flavors or 1, nuclides or 1, points).
        """
        counts = []
        for weight in weights:
            flavors, nuclides = weight.shape[-3:-1]
            events = self.events.sum(axis=0, keepdims=True) if flavors == 1 else self.events
            total: Real = 0.0
            for i, j in np.ndindex(events.shape[:2]):  # by einsum, as `Templates` does, and for the same reason
                total = total + np.einsum("...k,bk->...b", weight[..., i, min(j, nuclides - 1), :], events[i, j])
            counts.append(self.templates.spread(np.asarray(total)))
        return np.stack(np.broadcast_arrays(*counts))


def chebyshev_angles(n: int) -> FloatArray:
    """Of n Chebyshev points, (n,); these are their cosines, between -1 and 1."""
    return np.asarray((np.arange(n) + 0.5) * np.pi / n)


def shares(at: FloatArray, points: FloatArray) -> FloatArray:
    """What each of n Chebyshev points has in the polynomial through them, (..., n).

    Where `at` is, (..., 1); the points (..., n) are those of any interval. By the second barycentric form.
    """
    n = points.shape[-1]
    gap = at - points
    gap[gap == 0] = np.finfo(float).tiny  # what is a point is its own polynomial
    share = (-1.0) ** np.arange(n) * np.sin(chebyshev_angles(n)) / gap
    share /= share.sum(axis=-1, keepdims=True)
    return np.asarray(share)


@lru_cache(maxsize=16)
def condensed(dataset: DataSet) -> Condensed | None:
    """Of a data set; None where it takes as many recoils as there are nodes, next to Q^2 = 0."""
    templates = dataset.templates
    nodes = templates.momentum_transfer_squared  # (nuclides, nodes)
    low, high = nodes.min(axis=1, keepdims=True), nodes.max(axis=1, keepdims=True)
    inverse = ((np.sqrt(high) - np.sqrt(low)) / (np.sqrt(high) + np.sqrt(low))).max()  # 1 / rho
    n = math.ceil(math.log(RHO_TO_MINUS_N) / math.log(max(inverse, RHO_TO_MINUS_N)))
    if n >= nodes.shape[1]:
        return None
    points = (high + low) / 2 + (high - low) / 2 * np.cos(chebyshev_angles(n))  # (nuclides, points)
    share = shares(nodes[:, :, None], points[:, None])  # (nuclides, nodes, points)
    events = np.einsum("bk,fnkp->fnbp", templates.detected, templates.events[..., None] * share)
    if templates.arrival is not None:
        in_time = events[:, :, :, None] * templates.arrival[:, None, None, :, None]
        events = in_time.reshape(*events.shape[:2], -1, n)
    recoils = replace(dataset.recoils, momentum_transfer_squared=points, spectra={})  # which are not smooth
    return Condensed(recoils=recoils, events=events, templates=templates)
