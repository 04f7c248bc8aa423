"""The muon's anomalous magnetic moment from a vector mediator, for comparison in Fig. 2."""

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad

from cevnsi.constants import MUON_G2_DISCREPANCY, MUON_G2_UNCERTAINTY, MUON_MASS_MEV

FloatArray = NDArray[np.float64]


def moment_per_coupling_squared(mediator_mass_mev: float) -> float:
    """One-loop Delta a_mu / g^2 of a vector coupling to the muon (Leveille, Nucl. Phys. B 137 (1978) 63).

    1 / (8 pi^2) for a massless mediator, m_mu^2 / (12 pi^2 M^2) for a heavy one.
    """
    ratio = (mediator_mass_mev / MUON_MASS_MEV) ** 2

    def integrand(x: float) -> float:
        return 2 * x**2 * (1 - x) / (x**2 + (1 - x) * ratio)

    knee = min(float(np.sqrt(ratio)), 0.5)  # where the denominator's two terms meet
    return float(
        sum(quad(integrand, *ends, epsabs=0, epsrel=1e-10)[0] for ends in ((0.0, knee), (knee, 1.0))) / (8 * np.pi**2)
    )


def coupling_band(mediator_mass_mev: FloatArray, n_sigma: float = 2.0) -> tuple[FloatArray, FloatArray]:
    """Least and greatest coupling that explain the measured discrepancy within n_sigma, at each mass."""
    per_square = np.array([moment_per_coupling_squared(float(mass)) for mass in mediator_mass_mev])
    low, high = (MUON_G2_DISCREPANCY + sign * n_sigma * MUON_G2_UNCERTAINTY for sign in (-1, 1))
    return np.sqrt(low / per_square), np.sqrt(high / per_square)
