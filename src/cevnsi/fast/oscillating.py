"""Templates between a few values of a parameter in which every weight oscillates, instead of at every value.

A mean of sines and cosines, none of which turns faster than w, is on an interval of half width h its polynomial through
n Chebyshev points but for an error of about J_n(w h), which beyond n = w h falls faster than any power (DLMF 10.12;
Eq. 4.9 of L. N. Trefethen, Approximation Theory and Approximation Practice, SIAM, 2013). The intervals are always the
same, so that no digit depends on what else is asked for.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray
from cevnsi.fast.condensed import chebyshev_angles, shares
from cevnsi.model import DataSet
from cevnsi.physics.interaction import Turning, Values
from cevnsi.physics.interactions import INTERACTIONS

HALF_WIDTH = 64.0  # w h
POINTS = 110  # 4 sum_{k >= n} |J_k(w h)| is then below 1e-16
MOST_INTERVALS = 4  # on either side of zero; what is beyond takes as many points as most scans have values


@lru_cache(maxsize=32)
def _interval(dataset: DataSet, interaction: str, turning: Turning, i: int) -> tuple[FloatArray, FloatArray]:
    """Values of the parameter (points,) in the i-th interval, and templates there, (terms, bins, points)."""
    half = HALF_WIDTH / turning.fastest(dataset.recoils)
    values = half * (2 * i + 1 + np.cos(chebyshev_angles(POINTS)))
    templates = dataset.term_templates(interaction, {turning.name: values})
    return values, np.ascontiguousarray(np.moveaxis(templates, 1, -1))


def between_values(dataset: DataSet, interaction: str, parameters: Values) -> FloatArray | None:
    """`DataSet.term_templates` at what shapes them, (terms, ..., bins).

    None where that is not what turns alone, or one of its values is too far from zero.
    """
    terms = INTERACTIONS[interaction].terms
    turning = terms.turning
    if turning is None or set(terms.shaping) & parameters.keys() != {turning.name}:
        return None
    values = parameters[turning.name]
    at = np.ravel(values)
    which = np.floor(at * turning.fastest(dataset.recoils) / (2 * HALF_WIDTH))
    if not (abs(which + 0.5) < MOST_INTERVALS).all():
        return None
    found: list[tuple[NDArray[np.bool_], FloatArray]] = []
    for i in np.unique(which).tolist():
        points, templates = _interval(dataset, interaction, turning, int(i))
        mine = which == i
        share = shares(at[mine][:, None], points)
        found.append((mine, np.einsum("pk,tbk->tpb", share, templates)))
    whole = np.empty((found[0][1].shape[0], at.size, found[0][1].shape[-1]))
    for mine, templates in found:
        whole[:, mine] = templates
    return whole.reshape(len(whole), *np.shape(values), -1)
