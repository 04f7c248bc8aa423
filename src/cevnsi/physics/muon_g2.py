"""The muon's anomalous magnetic moment from a vector mediator, for comparison in Fig. 2."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.constants import MUON_G2_DISCREPANCY, MUON_G2_UNCERTAINTY, MUON_MASS_MEV

# Keys of cevnsi.references: of the formula, and of the discrepancy that Fig. 2 shows.
REFERENCES, REFERENCES_OF_FIG_2 = ("leveille_1978",), ("jegerlehner_nyffeler_2009",)


@dataclass(frozen=True, kw_only=True)
class Discrepancy:
    """Delta a_mu, what is measured less what the standard model has, and one standard deviation of it."""

    value: float = MUON_G2_DISCREPANCY
    uncertainty: float = MUON_G2_UNCERTAINTY

    def ends(self, n_sigma: float) -> tuple[float, float]:
        """Least and greatest Delta a_mu of a vector mediator, which is never negative, within n_sigma.

        ValueError where there is none.
        """
        low, high = (self.value + sign * n_sigma * self.uncertainty for sign in (-1, 1))
        if high <= 0:
            raise ValueError(f"muon g-2: at most {high:g} within {n_sigma:g} sigma; expected more than zero")
        return max(low, 0.0), high


OF_FIG_2 = Discrepancy()


def _integral_to_half(integrand: Callable[[FloatArray], FloatArray], knee: FloatArray) -> FloatArray:
    """Integral over [0, 1/2] of what changes at `knee` (..., 1): Gauss-Legendre below it, and above it in log x."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    at, weight = (nodes + 1) / 2, weights / 2  # on [0, 1]
    knee = np.clip(knee, 1e-12, 0.25)
    below, above = knee * at, knee * (0.5 / knee) ** at
    result: FloatArray = (weight * (knee * integrand(below) + np.log(0.5 / knee) * above * integrand(above))).sum(-1)
    return result


def moment_per_coupling_squared(mediator_mass_mev: FloatArray | float) -> FloatArray:
    """One-loop Delta a_mu / g^2 of a vector coupling to the muon (Leveille, Nucl. Phys. B 137 (1978) 63).

    1 / (8 pi^2) for a massless mediator, m_mu^2 / (12 pi^2 M^2) for a heavy one; the shape is that of the mass, in MeV.
    """
    ratio = (np.asarray(mediator_mass_mev)[..., None] / MUON_MASS_MEV) ** 2

    def integrand(x: FloatArray, rest: FloatArray) -> FloatArray:
        value: FloatArray = 2 * x**2 * rest / (x**2 + rest * ratio)
        return value

    # the denominator's two terms meet at x = M / m_mu of a light mediator, at 1 - x = (m_mu / M)^2 of a heavy one
    lower = _integral_to_half(lambda x: integrand(x, 1 - x), np.sqrt(ratio))
    upper = _integral_to_half(lambda rest: integrand(1 - rest, rest), 1 / np.maximum(ratio, 1.0))
    return (lower + upper) / (8 * np.pi**2)


def coupling_band(
    mediator_mass_mev: FloatArray, discrepancy: Discrepancy = OF_FIG_2, n_sigma: float = 2.0
) -> tuple[FloatArray, FloatArray]:
    """Least and greatest coupling to muons that explain a discrepancy within n_sigma, in the shape of masses in MeV.

    The least is zero where there may be none. ValueError where no coupling does.
    """
    per_square = moment_per_coupling_squared(mediator_mass_mev)
    low, high = discrepancy.ends(n_sigma)
    return np.sqrt(low / per_square), np.sqrt(high / per_square)
