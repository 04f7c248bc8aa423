"""When neutrinos of stopped pions and muons arrive, of a proton pulse that is a Gaussian in time.

The pion lives for 26 ns, and the nu_mu of its decay are prompt; its muon lives for 2.2 us, and gives the others.
"""

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.constants import MUON_LIFETIME_US, PION_LIFETIME_US


def decayed(time_us: FloatArray, centre_us: float, width_us: float, lifetime_us: float) -> FloatArray:
    """What part has decayed by a time, of what a Gaussian pulse makes: an exponentially modified Gaussian.

    Times of any shape; the pulse's centre and width (its standard deviation) and the lifetime in us.
    """
    from scipy.special import erfcx, ndtr

    z, rate = (time_us - centre_us) / width_us, width_us / lifetime_us
    # Two forms of what is left, exp(rate (rate / 2 - z)) ndtr(z - rate): each overflows where the other is taken.
    early = np.exp(-(z**2) / 2) * erfcx(np.maximum(rate - z, 0) / np.sqrt(2)) / 2
    late = np.exp(np.minimum(rate * (rate / 2 - z), 0)) * ndtr(z - rate)
    return np.asarray(ndtr(z) - np.where(z > rate, late, early))


def decayed_twice(
    time_us: FloatArray, centre_us: float, width_us: float, first_us: float, second_us: float
) -> FloatArray:
    """The same of what decays with one lifetime into what decays with another, which is not as long; any shape."""
    first, second = (decayed(time_us, centre_us, width_us, lifetime) for lifetime in (first_us, second_us))
    return (second_us * second - first_us * first) / (second_us - first_us)


def arrival_of_flavors(edges_us: FloatArray, centre_us: float, width_us: float) -> dict[str, FloatArray]:
    """By flavor, the part that arrives in each bin of time (bins,), of a pulse that is a Gaussian; some may come later.

    Of edges (bins + 1,): nu_mu with the pion's lifetime, nu_e and nu_mu_bar with the muon's after it. All times in us.
    """
    prompt = np.diff(decayed(edges_us, centre_us, width_us, PION_LIFETIME_US))
    delayed = np.diff(decayed_twice(edges_us, centre_us, width_us, PION_LIFETIME_US, MUON_LIFETIME_US))
    return {"nu_e": delayed, "nu_mu": prompt, "nu_mu_bar": delayed}
