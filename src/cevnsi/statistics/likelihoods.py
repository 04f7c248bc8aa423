"""Chi2 of expected counts in bins, and its derivatives: one function for each statistic."""

from collections.abc import Callable

import numpy as np

from cevnsi.arrays import FloatArray

# chi2 (...), and by bin its first and second derivative with respect to the expected counts, (..., bins) each
Terms = tuple[FloatArray, FloatArray, FloatArray]
# Terms of expected counts (..., bins), observed ones (bins,), and their uncertainty (bins,), None for Poisson counts.
Statistic = Callable[[FloatArray, FloatArray, FloatArray | None], Terms]


def gaussian(expected: FloatArray, observed: FloatArray, uncertainty: FloatArray | None) -> Terms:
    """Sum of ((observed - expected) / uncertainty)^2, the first term of Eq. 7; ValueError without an uncertainty.

    Expected counts are (..., bins), the others (bins,).
    """
    if uncertainty is None:
        raise ValueError("gaussian: needs the uncertainty of every bin")
    weight = 1 / uncertainty**2
    residual = expected - observed
    weighted = weight * residual
    return (weighted * residual).sum(axis=-1), 2 * weighted, np.broadcast_to(2 * weight, expected.shape)


def poisson(expected: FloatArray, observed: FloatArray, uncertainty: FloatArray | None = None) -> Terms:
    """Poisson deviance, 2 (mu - n + n ln(n / mu)), 2 mu where n = 0.

    Of Baker and Cousins, Nucl. Instrum. Meth. 221 (1984) 437, of expected counts mu (..., bins) and observed n (bins,).
    Infinite where mu is negative, or zero while something is observed. ValueError of counts with an uncertainty of
    their own.
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


def best_background(expected: FloatArray, observed: FloatArray, control: FloatArray, windows: float) -> FloatArray:
    """The b of `poisson_with_control` in each bin, (..., bins), of expected counts (..., bins) and others (bins,)."""
    share = 1 + windows
    half = (observed + control - share * expected) / 2
    root = np.sqrt(half**2 + share * control * np.clip(expected, 0.0, None))
    # of the two forms of the larger root of share b^2 - 2 half b = control * expected that which does not cancel
    denominator = np.where(half > 0, 1.0, root - half)
    apart = control * expected / np.where(denominator > 0, denominator, 1.0)
    return np.where(half > 0, (half + root) / share, apart)


def poisson_with_control(expected: FloatArray, observed: FloatArray, control: FloatArray, windows: float) -> Terms:
    """Poisson deviance of counts about expected + b, and of a control region about windows * b, at each bin's best b.

    The control region (bins,) holds `windows` times the background b that is under the signal, and no signal: an on-off
    measurement (T.-P. Li and Y.-Q. Ma, Astrophys. J. 272 (1983) 317), for any signal. b >= 0. Infinite where
    expected counts (..., bins) are negative: what is not background is a signal.
    """
    background = best_background(expected, observed, control, windows)
    mean = expected + background
    value, slope, on = poisson(mean, observed)
    off_value, _, off = poisson(windows * background, np.broadcast_to(control, np.shape(mean)))
    off = windows**2 * off
    resting = background == 0  # where b cannot follow
    together = on + off
    followed = on * off / np.where(together > 0, together, 1.0)
    possible = (expected >= 0).all(axis=-1)
    return np.where(possible, value + off_value, np.inf), slope, np.where(resting, on, followed)


STATISTICS: dict[str, Statistic] = {"gaussian": gaussian, "poisson": poisson}
