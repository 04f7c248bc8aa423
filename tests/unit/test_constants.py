"""Every number of nature, to its last digit, against another source than the one it was taken from."""

import numpy as np
import pytest
import scipy.constants as codata
from scipy.constants import physical_constants

from cevnsi import constants
from cevnsi.experiments.targets import CSI_MOLAR_MASS_G

MEV = codata.e * 1e6  # J
U_IN_MEV = 1.66053906660e-27 * codata.c**2 / MEV  # CODATA 2018 in kg; MeV are exact in it since 2019


def test_exact_numbers() -> None:
    further = codata.hbar * codata.c / MEV * 1e15 - constants.HBARC_MEV_FM  # what CODATA's three dots stand for
    assert 0 <= further < 1e-7
    assert constants.AVOGADRO == codata.N_A


def test_masses_of_leptons_and_the_unit_of_atomic_masses() -> None:
    for value, name, decimals in (
        (constants.ELECTRON_MASS_MEV, "electron mass energy equivalent in MeV", 8),
        (constants.MUON_MASS_MEV, "muon mass energy equivalent in MeV", 7),
        (constants.TAU_MASS_MEV, "tau energy equivalent", 2),
    ):
        assert round(physical_constants[name][0], decimals) == value
    # which CODATA 2022 moves by 7e-10
    assert physical_constants["fine-structure constant"][0] == pytest.approx(constants.FINE_STRUCTURE, rel=1e-9)
    assert round(U_IN_MEV, 8) == constants.ATOMIC_MASS_UNIT_MEV
    newer = physical_constants["atomic mass constant energy equivalent in MeV"][0]  # 5 of its sigma in CODATA 2022
    assert newer == pytest.approx(constants.ATOMIC_MASS_UNIT_MEV, rel=2e-9)


def test_the_fermi_constant_is_that_of_the_muon_lifetime() -> None:
    """To its uncertainty by the formula, in which corrections are to second order; the digits are MuLan's."""
    ratio = (constants.ELECTRON_MASS_MEV / constants.MUON_MASS_MEV) ** 2
    phase_space = 1 - 8 * ratio + 8 * ratio**3 - ratio**4 - 12 * ratio**2 * np.log(ratio)
    alpha = 1 / 135.901 / np.pi  # at the muon's mass; coefficients of van Ritbergen and Stuart, hep-ph/9904240
    width = phase_space * (1 - 1.80793 * alpha + 6.64 * alpha**2) * constants.MUON_MASS_MEV**5 / (192 * np.pi**3)
    lifetime = 2.1969811e-6 * MEV / codata.hbar  # PDG 2023
    assert np.sqrt(1 / (width * lifetime)) == pytest.approx(constants.G_FERMI, abs=6e-18)  # its uncertainty
    mulan = 1.1663788e-5  # GeV^-2, D. M. Webber et al., Phys. Rev. Lett. 106 (2011) 041803
    assert mulan * 1e-6 == pytest.approx(constants.G_FERMI, rel=1e-12, abs=0)
    assert physical_constants["Fermi coupling constant"][0] * 1e-6 == pytest.approx(constants.G_FERMI, abs=6e-18)


def test_the_pion_is_as_heavy_as_its_decay_at_rest_says() -> None:
    momentum = 29.79200  # MeV of the muon, 0.00011; K. Assamagan et al., Phys. Rev. D 53 (1996) 6065
    mass = momentum + np.hypot(momentum, constants.MUON_MASS_MEV)
    assert mass == pytest.approx(constants.PION_MASS_MEV, abs=2.3e-4)  # with the 0.00018 of the average
    assert pytest.approx(0.13957039 * 1e3, rel=1e-12) == constants.PION_MASS_MEV  # GeV, mass_width_2022 of the PDG


@pytest.mark.parametrize(
    ("mass_u", "listed", "nucleons", "excess_kev", "weight", "decimals"),
    [
        (constants.CESIUM_133_MASS_U, 132_905_451.958, 133, -88070.943, 132.90545196, 8),
        (constants.IODINE_127_MASS_U, 126_904_472.592, 127, -88983.217, 126.90447, 5),
    ],
)
def test_atomic_masses(
    mass_u: float, listed: float, nucleons: int, excess_kev: float, weight: float, decimals: int
) -> None:
    """As the IAEA lists them (Live Chart of Nuclides), by the mass excess of AME2020, and in IUPAC's atomic weights.

    Cs and I have one stable isotope, so that their weights are its.
    """
    assert mass_u == pytest.approx(listed * 1e-6, rel=1e-13)
    # the excess has three decimals of a keV, 0.5e-9 u
    assert nucleons + excess_kev / (1e3 * U_IN_MEV) == pytest.approx(mass_u, rel=0, abs=6e-10)
    assert round(mass_u, decimals) == weight


def test_the_molar_mass_is_that_of_the_two_atoms() -> None:
    total = round(constants.CESIUM_133_MASS_U, 8) + round(constants.IODINE_127_MASS_U, 5)
    assert pytest.approx(total, rel=1e-13) == CSI_MOLAR_MASS_G


def test_the_weak_mixing_angle_is_that_of_low_momentum_transfer() -> None:
    # calculated: 0.23868, with 0.00005 of the value at the Z, J. Erler and R. Ferro-Hernandez, JHEP 03 (2018) 196
    assert pytest.approx(0.23868, abs=1.5e-4) == constants.SIN2_THETA_W
    assert constants.SIN2_THETA_W == 0.23857  # its last digits rest on the source that constants.py names alone


def test_the_discrepancy_of_the_muon_is_measured_less_calculated() -> None:
    measured, error = 116592080e-11, 63e-11  # G. W. Bennett et al., Phys. Rev. D 73 (2006) 072003
    calculated, its_error = 116591790e-11, 65e-11  # of the theory, in the same review
    assert measured - calculated == pytest.approx(constants.MUON_G2_DISCREPANCY, rel=1e-6)
    assert np.hypot(error, its_error) == pytest.approx(constants.MUON_G2_UNCERTAINTY, abs=0.1e-10)
