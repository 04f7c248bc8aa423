"""Toys of Eq. 7 drawn at one truth, weighted as if they were drawn at another.

Toys are then drawn once, and their least chi2 over what is free is found once, for many tested points (L. Berns,
arXiv:2303.11290). A weight is the ratio of a toy's probabilities, of its coincidence counts and its centre; that of
anticoincidence counts is the same at any truth. Of toys of several truths together it is the inverse of the mean of the
inverse weights.
"""

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.fast.toys_gaussian import Problem, Toys, Truth


def log_weights(problem: Problem, toys: Toys, drawn_at: Truth, truth: Truth) -> FloatArray:
    """Logarithm of the weight at a truth of each toy, (toys,), that was drawn with its auxiliary measurement elsewhere.

    Minus infinity for a toy that cannot be at the truth. ValueError where some of the truth's toys could not be drawn.
    """
    from scipy.special import xlogy  # takes longer to import than many a job takes to run

    before, after = problem.coincidence_means(drawn_at), problem.coincidence_means(truth)
    if np.any((before == 0) & (after > 0)):
        raise ValueError(
            f"toys drawn at {drawn_at}, where a bin has none; expected some in all bins that have at {truth}"
        )
    ratio = after / np.where(before > 0, before, 1.0)
    of_counts = xlogy(toys.coincidence, ratio[:, None]).sum(axis=0) - (after - before).sum()
    between = (truth.alpha + drawn_at.alpha) / 2
    of_centre = (truth.alpha - drawn_at.alpha) * (toys.centre - between) / problem.sigma_alpha**2
    return np.asarray(of_counts + of_centre, np.float64)


def effective_toys(log_weight: FloatArray) -> float:
    """How many toys of equal weight say as much as these: (sum of weights)^2 / sum of squared weights."""
    weight = np.exp(log_weight - log_weight.max())
    return float(weight.sum() ** 2 / (weight**2).sum())
