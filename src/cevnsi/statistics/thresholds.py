"""Delta chi2 at which regions and ranges end."""

import math
from statistics import NormalDist


def threshold(confidence_level: float, n_dof: int) -> float:
    """Delta chi2 of a region with this probability (quantile of the chi2 distribution).

    ValueError of what is no probability between zero and one, and of degrees of freedom that are no whole number.

    >>> [round(threshold(0.90, n), 2) for n in (2, 1)]
    [4.61, 2.71]
    """
    if not 0 < confidence_level < 1:
        raise ValueError(f"confidence level: {confidence_level!r}; expected a probability between 0 and 1")
    if not (n_dof >= 1 and n_dof % 1 == 0):
        raise ValueError(f"n_dof: {n_dof!r}; expected a whole number, 1 or more")
    if n_dof == 1:
        return NormalDist().inv_cdf((1 - confidence_level) / 2) ** 2
    if n_dof == 2:
        return -2 * math.log1p(-confidence_level)
    from scipy.special import gammaincinv  # takes longer to import than most jobs take to run

    return float(2 * gammaincinv(n_dof / 2, confidence_level))
