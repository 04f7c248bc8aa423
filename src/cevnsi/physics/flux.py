"""Neutrinos from pion and muon decay at rest (Eq. 2), and their integrals over energy."""

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.constants import MUON_MASS_MEV, PION_MASS_MEV

FLAVORS = ("nu_e", "nu_mu", "nu_mu_bar")
PROMPT_ENERGY_MEV = (PION_MASS_MEV**2 - MUON_MASS_MEV**2) / (2 * PION_MASS_MEV)  # nu_mu line, Eq. 2
END_POINT_MEV = MUON_MASS_MEV / 2  # of nu_e and nu_mu_bar

# Spectra of muon decay, density(x) = x^2 (a + b x) / m_mu with x = E / m_mu (Eq. 2 divided by its normalization)
_DELAYED = {"nu_mu_bar": (48.0, -64.0), "nu_e": (96.0, -192.0)}


def delayed_spectrum(flavor: str, neutrino_energy_mev: FloatArray) -> FloatArray:
    """Energy density of nu_e or nu_mu_bar per MeV, normalized to one; zero beyond the end point (Eq. 2)."""
    a, b = _DELAYED[flavor]
    x = neutrino_energy_mev / MUON_MASS_MEV
    return np.where((x >= 0) & (x <= 0.5), x**2 * (a + b * x), 0.0) / MUON_MASS_MEV


def recoil_factor(flavor: str, recoil_energy_mev: FloatArray, nuclear_mass_mev: float) -> FloatArray:
    """Integral of the unit flux times 2 - M E_r / E_nu^2, the energy dependence of Eq. 3.

    recoil_energy_mev of any shape; the lower end is the least neutrino energy, sqrt(M E_r / 2). Closed form, as the
    integrand is a polynomial in E_nu.
    """
    ratio = nuclear_mass_mev * recoil_energy_mev / MUON_MASS_MEV**2
    if flavor == "nu_mu":
        return np.clip(2 - ratio * (MUON_MASS_MEV / PROMPT_ENERGY_MEV) ** 2, 0.0, None)
    a, b = _DELAYED[flavor]
    lower = np.minimum(np.sqrt(ratio / 2), 0.5)

    def antiderivative(x: FloatArray | float) -> FloatArray:
        """Of x^2 (a + b x) (2 - ratio / x^2) = 2 a x^2 + 2 b x^3 - ratio (a + b x)."""
        return 2 * a * x**3 / 3 + b * x**4 / 2 - ratio * (a * x + b * x**2 / 2)

    return antiderivative(0.5) - antiderivative(lower)


def flux_normalization(protons_on_target: float, neutrinos_per_proton: float, baseline_m: float) -> float:
    """Neutrinos per flavor through one cm^2 at the detector, r N_POT / (4 pi L^2) (below Eq. 2)."""
    return float(neutrinos_per_proton * protons_on_target / (4 * np.pi * (baseline_m * 100) ** 2))
