"""Chi2 of expected counts in bins, and its derivatives: one function for each statistic."""

from collections.abc import Callable

import numpy as np

from cevnsi.arrays import FloatArray

# chi2 (...), and by bin its first and second derivative with respect to the expected counts, (..., bins) each
Terms = tuple[FloatArray, FloatArray, FloatArray]
# Terms of expected counts (..., bins), observed ones (bins,), and their uncertainty (bins,), None for Poisson counts.
Statistic = Callable[[FloatArray, FloatArray, FloatArray | None], Terms]


def gaussian(expected: FloatArray, observed: FloatArray, uncertainty: FloatArray | None) -> Terms:
    """Sum of ((observed - expected) / uncertainty)^2, the first term of Eq. 7."""
    if uncertainty is None:
        raise ValueError("gaussian: needs the uncertainty of every bin")
    weight = 1 / uncertainty**2
    residual = expected - observed
    weighted = weight * residual
    return (weighted * residual).sum(axis=-1), 2 * weighted, np.broadcast_to(2 * weight, expected.shape)


def poisson(expected: FloatArray, observed: FloatArray, uncertainty: FloatArray | None = None) -> Terms:
    """Poisson deviance, 2 (mu - n + n ln(n / mu)), 2 mu where n = 0.

    Of Baker and Cousins, Nucl. Instrum. Meth. 221 (1984) 437. Infinite where mu is negative, or zero while something is
    observed.
    """
    if uncertainty is not None:
        raise ValueError("poisson: counts have no uncertainty of their own; expected none")
    seen = observed > 0
    possible = np.where(seen, expected > 0, expected >= 0).all(axis=-1)
    mu = np.where(expected > 0, expected, 1.0)
    ratio = observed / mu
    logarithm = np.where(seen, observed * np.log(np.where(seen, ratio, 1.0)), 0.0)
    value = 2 * (np.where(expected > 0, mu, 0.0) - observed + logarithm).sum(axis=-1)
    return np.where(possible, value, np.inf), 2 * (1 - ratio), 2 * ratio / mu


STATISTICS: dict[str, Statistic] = {"gaussian": gaussian, "poisson": poisson}
