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


def flux_moment(flavor: str, power: int, least_energy_mev: FloatArray) -> FloatArray:
    """Integral of the unit flux times E_nu^-power from a least energy on, in MeV^-power; power is 0, 1 or 2.

    least_energy_mev of any shape. Closed form, as the integrand is a polynomial in E_nu (Eq. 2).
    """
    if flavor == "nu_mu":
        return np.where(least_energy_mev <= PROMPT_ENERGY_MEV, PROMPT_ENERGY_MEV**-power, 0.0)
    a, b = _DELAYED[flavor]
    first, second = 3 - power, 4 - power  # exponents of the antiderivative in E / m_mu
    lower = np.minimum(least_energy_mev / MUON_MASS_MEV, 0.5)
    whole = a * 0.5**first / first + b * 0.5**second / second
    below = lower**first * (a / first + b / second * lower)
    return np.asarray((whole - below) / MUON_MASS_MEV**power)


def flux_normalization(protons_on_target: float, neutrinos_per_proton: float, baseline_m: float) -> float:
    """Neutrinos per flavor through one cm^2 at the detector, r N_POT / (4 pi L^2) (below Eq. 2)."""
    return float(neutrinos_per_proton * protons_on_target / (4 * np.pi * (baseline_m * 100) ** 2))
