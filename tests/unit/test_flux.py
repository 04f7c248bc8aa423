"""Spectra of pion and muon decay at rest (Eq. 2)."""

import numpy as np
import pytest
from scipy.integrate import quad

from cevnsi.constants import MUON_MASS_MEV, PION_MASS_MEV
from cevnsi.physics.flux import (
    END_POINT_MEV,
    FLAVORS,
    PROMPT_ENERGY_MEV,
    delayed_spectrum,
    flux_moment,
    flux_normalization,
)

DELAYED = ("nu_e", "nu_mu_bar")


def density(flavor: str, energy: float) -> float:
    return float(delayed_spectrum(flavor, np.array(energy)))


def test_flavors_are_one_prompt_and_two_delayed() -> None:
    assert sorted(FLAVORS) == sorted(("nu_mu", *DELAYED))


@pytest.mark.parametrize("flavor", DELAYED)
def test_integrates_to_one(flavor: str) -> None:
    total, error = quad(lambda e: density(flavor, e), 0, END_POINT_MEV)
    assert total == pytest.approx(1, abs=1e-12)  # a cubic, exact up to rounding
    assert error < 1e-10


@pytest.mark.parametrize(("flavor", "fraction"), [("nu_e", 3 / 10), ("nu_mu_bar", 7 / 20)])
def test_mean_energy(flavor: str, fraction: float) -> None:
    # of the muon mass: the integrals of x^3 (96 - 192 x) and of x^3 (48 - 64 x) over 0 < x < 1/2
    mean = quad(lambda e: e * density(flavor, e), 0, END_POINT_MEV)[0]
    assert mean == pytest.approx(fraction * MUON_MASS_MEV, rel=1e-12)


def test_end_point_is_half_the_muon_mass() -> None:
    assert pytest.approx(52.829, abs=5e-4) == END_POINT_MEV
    for flavor in DELAYED:
        assert density(flavor, END_POINT_MEV + 1e-6) == 0
        assert density(flavor, -1e-6) == 0


def test_nu_e_vanishes_at_the_end_point_and_nu_mu_bar_is_largest_there() -> None:
    assert density("nu_e", END_POINT_MEV) == pytest.approx(0, abs=1e-15)
    # 48 x^2 - 64 x^3 at x = 1/2 is 4, per muon mass
    assert density("nu_mu_bar", END_POINT_MEV) == pytest.approx(4 / MUON_MASS_MEV, rel=1e-12)
    energies = np.linspace(0, END_POINT_MEV, 1000)
    assert energies[delayed_spectrum("nu_mu_bar", energies).argmax()] == END_POINT_MEV
    peak = energies[delayed_spectrum("nu_e", energies).argmax()]
    assert peak == pytest.approx(MUON_MASS_MEV / 3, abs=0.06)  # d/dx of x^2 - 2 x^3; the step is 0.053 MeV


@pytest.mark.parametrize("flavor", DELAYED)
@pytest.mark.parametrize("power", [0, 1, 2])
@pytest.mark.parametrize("least", [0.0, 0.3, 20.0, 52.0, 52.82])
def test_moments_are_integrals_over_neutrino_energy(flavor: str, power: int, least: float) -> None:
    expected = quad(lambda e: density(flavor, e) / e**power, least, END_POINT_MEV, epsabs=0, epsrel=1e-11)[0]
    found = flux_moment(flavor, power, np.array(least))
    # the antiderivative is a difference of numbers up to 8, so its absolute error is a few 1e-15
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("power", [0, 1, 2])
def test_the_prompt_line_is_a_delta_function(power: int) -> None:
    assert PROMPT_ENERGY_MEV == (PION_MASS_MEV**2 - MUON_MASS_MEV**2) / (2 * PION_MASS_MEV)
    found = flux_moment("nu_mu", power, np.array([0.0, 29.0, PROMPT_ENERGY_MEV, 30.0]))
    np.testing.assert_allclose(found, np.array([1, 1, 1, 0]) * PROMPT_ENERGY_MEV**-power, rtol=1e-15)


@pytest.mark.parametrize("flavor", DELAYED)
@pytest.mark.parametrize("power", [0, 1, 2])
def test_nothing_lies_above_the_end_point(flavor: str, power: int) -> None:
    assert flux_moment(flavor, power, np.array([END_POINT_MEV, 60.0])).tolist() == [0, 0]


def test_normalization_is_neutrinos_over_a_sphere() -> None:
    # r N_POT / (4 pi L^2) with a sphere of radius 1 m: 4 pi 1e4 cm^2
    assert flux_normalization(1e20, 0.1, 1.0) == pytest.approx(1e19 / (4e4 * np.pi), rel=1e-14)
    assert flux_normalization(1e20, 0.1, 2.0) == pytest.approx(flux_normalization(1e20, 0.1, 1.0) / 4, rel=1e-14)
