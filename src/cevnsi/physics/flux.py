"""Neutrinos from pion and muon decay at rest (Eq. 2), and their integrals over energy."""

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray, Real
from cevnsi.constants import MUON_MASS_MEV, PION_MASS_MEV

REFERENCES = ("liao_marfatia_2017",)  # keys of cevnsi.references: Eq. 2

FLAVORS = ("nu_e", "nu_mu", "nu_mu_bar")
PROMPT_ENERGY_MEV = (PION_MASS_MEV**2 - MUON_MASS_MEV**2) / (2 * PION_MASS_MEV)  # nu_mu line, Eq. 2
END_POINT_MEV = MUON_MASS_MEV / 2  # of nu_e and nu_mu_bar

# Spectra of muon decay, density(x) = x^2 (a + b x) / m_mu with x = E / m_mu (Eq. 2 divided by its normalization)
_DELAYED = {"nu_mu_bar": (48.0, -64.0), "nu_e": (96.0, -192.0)}

# Of exponential integrals: up to here a power series, whose terms cancel the more the larger it is, beyond a continued
# fraction, which takes the longer the smaller it is. With these both are within 5e-14.
LARGEST_OF_SERIES, TERMS_OF_SERIES, STEPS_OF_FRACTION = 4.0, 40, 48


def delayed_spectrum(flavor: str, neutrino_energy_mev: FloatArray) -> FloatArray:
    """Energy density of nu_e or nu_mu_bar per MeV, normalized to one; zero beyond the end point (Eq. 2); any shape."""
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


def _of_series(z: NDArray[np.complex128]) -> list[NDArray[np.complex128]]:
    """E_2 to E_5 of complex numbers next to zero, from the series of E_1 (DLMF 6.6.2) and upwards (DLMF 8.19.12)."""
    term = np.ones_like(z)
    found: NDArray[np.complex128] = np.asarray(-np.euler_gamma - np.log(z), np.complex128)
    for k in range(1, TERMS_OF_SERIES):
        term = -term * z / k
        found = found - term / k
    orders = []
    for n in range(1, 5):
        found = (np.exp(-z) - z * found) / n
        orders.append(found)
    return orders


def _of_fraction(z: NDArray[np.complex128]) -> list[NDArray[np.complex128]]:
    """E_2 to E_5 of complex numbers far from zero: E_5 by a continued fraction, and downwards (DLMF 8.19.12).

    That of DLMF 8.19.17 with every second step left out, 1 / (z + n - n / (z + n + 2 - 2 (n + 1) / (z + n + 4 - ...))).
    """
    n, above = 5, np.exp(-z)
    below = z + n + 2 * STEPS_OF_FRACTION
    for k in range(STEPS_OF_FRACTION, 0, -1):
        below = z + n + 2 * (k - 1) - k * (n + k - 1) / below
    orders = [above / below]
    for n in (4, 3, 2):
        orders.insert(0, (above - n * orders[0]) / z)
    return orders


def _cosine_integrals(x: FloatArray, frequency: FloatArray) -> list[FloatArray]:
    """Integrals of t^n cos(frequency / t) from 0 to x, n = 0 to 3; x and frequency zero or more, any shape.

    With t = x / u they are x^(n + 1) times the real part of E_(n + 2)(i frequency / x) (DLMF 8.19.3).
    """
    x, frequency = np.broadcast_arrays(x, frequency)
    with np.errstate(divide="ignore", invalid="ignore"):  # where x is zero, and so its powers
        size = np.where(x > 0, frequency / x, 0.0)
    size = np.maximum(size, np.finfo(float).tiny)  # a logarithm that is multiplied by it
    found = np.empty((4, *size.shape))
    for some, orders in ((size <= LARGEST_OF_SERIES, _of_series), (size > LARGEST_OF_SERIES, _of_fraction)):
        if some.any():
            found[:, some] = np.real(orders(1j * size[some]))
    return [x ** (n + 1) * each for n, each in enumerate(found)]


def oscillating_moments(flavor: str, least_energy_mev: FloatArray, phase_mev: Real) -> list[FloatArray]:
    """`flux_moment` of powers 0, 1 and 2, of the flux times sin^2(phase / E_nu), in MeV^-power.

    least_energy_mev and phase_mev of shapes that broadcast. Closed form for any phase, as sin^2 is half of one less the
    cosine of twice as much, and energies are powers; relative to the whole flux within 1e-13.
    """
    plain = [flux_moment(flavor, power, least_energy_mev) for power in (0, 1, 2)]
    if flavor == "nu_mu":
        return [np.sin(phase_mev / PROMPT_ENERGY_MEV) ** 2 * moment for moment in plain]
    frequency = np.abs(2 * np.asarray(phase_mev)) / MUON_MASS_MEV
    lower = np.minimum(least_energy_mev / MUON_MASS_MEV, 0.5)
    ends = _cosine_integrals(np.array(0.5), frequency), _cosine_integrals(lower, frequency)
    cosines = [upto - below for upto, below in zip(*ends, strict=True)]
    a, b = _DELAYED[flavor]
    return [
        np.asarray((moment - (a * cosines[2 - power] + b * cosines[3 - power]) / MUON_MASS_MEV**power) / 2)
        for power, moment in enumerate(plain)
    ]


def flux_normalization(protons_on_target: float, neutrinos_per_proton: float, baseline_m: float) -> float:
    """Neutrinos per flavor through one cm^2 at the detector, in cm^-2: r N_POT / (4 pi L^2) (below Eq. 2)."""
    return float(neutrinos_per_proton * protons_on_target / (4 * np.pi * (baseline_m * 100) ** 2))
