"""The differential cross section (Eq. 3)."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from cevnsi.arrays import FloatArray
from cevnsi.experiments.targets import MEAN_OF_CSI
from cevnsi.physics.cross_section import (
    KINEMATICS,
    coherent_factor,
    differential_cross_section,
    largest_recoil_mev,
    least_neutrino_energy_mev,
    momentum_transfer_squared,
    recoil_spectrum,
)
from cevnsi.physics.flux import END_POINT_MEV, FLAVORS, PROMPT_ENERGY_MEV, delayed_spectrum, flux_moment
from cevnsi.physics.form_factors import FORM_FACTORS
from cevnsi.physics.nuclei import Nuclide


def point_like(q2: FloatArray, nuclide: Nuclide) -> FloatArray:
    return np.ones_like(q2)


def test_momentum_transfer_is_sqrt_of_twice_mass_times_recoil() -> None:
    # about 50 MeV at 10 keV (Sec. 3.1): sqrt(2 * 121006 * 0.01)
    q = np.sqrt(momentum_transfer_squared(np.array(0.01), MEAN_OF_CSI))
    assert q == pytest.approx(49.195, abs=1e-3)


def test_total_cross_section_of_a_point_like_nucleus() -> None:
    # the integral of M (2 - M E_r / E^2) over 0 < E_r < 2 E^2 / M is 2 E^2, so sigma = G_F^2 / pi Q^2 E^2, and
    # G_F^2 / pi is 1.68617e-44 cm^2 / MeV^2 (1.1663788e-11^2 / 3.14159 * 0.389379e-21)
    energy, charge2 = 30.0, 1351.7
    largest = 2 * energy**2 / MEAN_OF_CSI.nuclear_mass_mev

    def rate(recoil: float) -> float:
        return float(differential_cross_section(np.array(recoil), np.array(energy), charge2, MEAN_OF_CSI, point_like))

    total = quad(rate, 0, largest, epsabs=0, epsrel=1e-10)[0]
    assert total == pytest.approx(charge2 * energy**2 * 1.68617e-44, rel=5e-6, abs=0)  # the constant has six digits


def test_zero_above_the_largest_recoil_and_proportional_to_the_charge() -> None:
    largest = 2 * 30.0**2 / MEAN_OF_CSI.nuclear_mass_mev
    recoil = np.array([0.5, 0.999, 1.001, 3.0]) * largest
    one = differential_cross_section(recoil, np.full(4, 30.0), 1.0, MEAN_OF_CSI, FORM_FACTORS["helm"])
    assert (one > 0).tolist() == [True, True, False, False]
    two = differential_cross_section(recoil, np.full(4, 30.0), 2.0, MEAN_OF_CSI, FORM_FACTORS["helm"])
    np.testing.assert_array_equal(two, 2 * one)


def test_the_form_factor_enters_squared() -> None:
    recoil = np.array([0.001, 0.01, 0.03])
    for form in FORM_FACTORS.values():
        ratio = coherent_factor(recoil, MEAN_OF_CSI, form) / coherent_factor(recoil, MEAN_OF_CSI, point_like)
        np.testing.assert_allclose(
            ratio, form(momentum_transfer_squared(recoil, MEAN_OF_CSI), MEAN_OF_CSI) ** 2, rtol=1e-13
        )


def squared_amplitude(energy: float, recoil: float, mass: float) -> float:
    """L_mu_nu P^mu P^nu with P = p + p' of a nucleus of spin zero, over its value at no recoil, from four-vectors.

    L_mu_nu = k_mu k'_nu + k'_mu k_nu - g_mu_nu k.k', whose antisymmetric part drops out.
    """
    metric, after = np.diag([1.0, -1.0, -1.0, -1.0]), energy - recoil
    momentum = np.sqrt(2 * mass * recoil + recoil**2)
    along = (energy**2 + momentum**2 - after**2) / (2 * energy)  # of the recoil, from |k'| = |k - p'|
    across = np.sqrt(momentum**2 - along**2)
    k = np.array([energy, energy, 0.0, 0.0])
    p, moved = np.array([mass, 0.0, 0.0, 0.0]), np.array([mass + recoil, along, across, 0.0])
    out, total = k + p - moved, p + moved

    def product(a: FloatArray, b: FloatArray) -> float:
        return float(a @ metric @ b)

    value = 2 * product(k, total) * product(out, total) - product(k, out) * product(total, total)
    return value / (8 * mass**2 * energy**2)


@pytest.mark.parametrize("mass", [500.0, MEAN_OF_CSI.nuclear_mass_mev])
def test_full_kinematics_is_the_amplitude_of_spin_zero(mass: float) -> None:
    """Also of a nucleus that is light enough for every term to count."""
    nuclide, energy = replace(MEAN_OF_CSI, nuclear_mass_mev=mass), 50.0
    whole = coherent_factor(np.array(0.0), nuclide, point_like)
    for part in (0.1, 0.5, 0.9):
        recoil = part * float(largest_recoil_mev(energy, nuclide, "full"))
        found = differential_cross_section(np.array(recoil), np.array(energy), 1.0, nuclide, point_like, "full") / whole
        assert float(found) == pytest.approx(2 * squared_amplitude(energy, recoil, mass), rel=1e-8)


@pytest.mark.parametrize("kinematics", KINEMATICS)
@pytest.mark.parametrize("energy", [5.0, 30.0, 52.0])
def test_the_largest_recoil_is_where_the_cross_section_ends(energy: float, kinematics: str) -> None:
    largest = float(largest_recoil_mev(energy, MEAN_OF_CSI, kinematics))
    printed = {
        "as_written": 2 * energy**2 / MEAN_OF_CSI.nuclear_mass_mev,
        "full": 2 * energy**2 / (MEAN_OF_CSI.nuclear_mass_mev + 2 * energy),
    }
    assert largest == pytest.approx(printed[kinematics], rel=1e-14)
    least = float(least_neutrino_energy_mev(np.array(largest), MEAN_OF_CSI, kinematics))
    assert least == pytest.approx(energy, rel=1e-12)
    inside, outside = (
        float(differential_cross_section(np.array(at), np.array(energy), 1.0, MEAN_OF_CSI, point_like, kinematics))
        for at in (largest * (1 - 1e-9), largest * (1 + 1e-9))
    )
    assert inside > 0
    assert outside == 0


@pytest.mark.parametrize("flavor", FLAVORS)
def test_full_kinematics_goes_over_into_eq_3_as_written(flavor: str) -> None:
    """The less the recoil energy is of the neutrinos', the better: their difference is the mean of E_r / E_nu."""
    mean_inverse = float(flux_moment(flavor, 1, np.array(0.0)))
    for recoil, error in ((1e-3, 0.1), (1e-4, 0.03), (1e-5, 0.01)):
        full, written = (
            float(recoil_spectrum(flavor, np.array(recoil), MEAN_OF_CSI, point_like, name))
            for name in ("full", "as_written")
        )
        assert (written - full) / written == pytest.approx(recoil * mean_inverse, rel=error)


@pytest.mark.parametrize("kinematics", KINEMATICS)
@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("form", FORM_FACTORS)
def test_the_recoil_spectrum_is_eq_3_folded_with_the_flux(flavor: str, form: str, kinematics: str) -> None:
    """`differential_cross_section` over neutrino energies against the closed form in moments."""
    largest = float(largest_recoil_mev(END_POINT_MEV, MEAN_OF_CSI, kinematics))
    for recoil in np.array([1e-4, 0.1, 0.3, 0.35, 0.7, 0.99, 1.01]) * largest:
        at = np.array(recoil)

        def eq_3(energy: float, at: FloatArray = at) -> float:
            f = FORM_FACTORS[form]
            return float(differential_cross_section(at, np.array(energy), 1.0, MEAN_OF_CSI, f, kinematics))

        if flavor == "nu_mu":
            expected = eq_3(PROMPT_ENERGY_MEV)
        else:
            least = min(float(least_neutrino_energy_mev(at, MEAN_OF_CSI, kinematics)), END_POINT_MEV)
            expected = quad(
                lambda e: float(delayed_spectrum(flavor, np.array(e))) * eq_3(e), least, END_POINT_MEV, epsabs=0
            )[0]
        found = float(recoil_spectrum(flavor, at, MEAN_OF_CSI, FORM_FACTORS[form], kinematics))
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-55)  # 1e-15 of what it is at small recoils
