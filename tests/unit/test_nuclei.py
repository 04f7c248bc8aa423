"""Target nuclei and the constants behind them."""

import pytest

from cevnsi import constants
from cevnsi.config.check import schema
from cevnsi.experiments.targets import MEAN_OF_CSI, TARGETS
from cevnsi.physics.nuclei import ARGON, CESIUM, IODINE


def test_the_mean_nucleus_lies_between_cesium_and_iodine() -> None:
    for mean, cesium, iodine in (
        (MEAN_OF_CSI.protons, CESIUM.protons, IODINE.protons),
        (MEAN_OF_CSI.neutrons, CESIUM.neutrons, IODINE.neutrons),
        (MEAN_OF_CSI.mass_number, CESIUM.mass_number, IODINE.mass_number),
    ):
        assert mean == (cesium + iodine) / 2


def test_radii() -> None:
    assert [(n.proton_radius_fm, n.neutron_radius_fm) for n in (CESIUM, IODINE)] == [(4.804, 5.01), (4.749, 4.94)]
    assert MEAN_OF_CSI.proton_radius_fm == pytest.approx(4.7765, rel=1e-15)
    assert MEAN_OF_CSI.neutron_radius_fm == pytest.approx(4.975, rel=1e-15)


def test_nuclear_masses_are_atomic_masses_less_the_electrons() -> None:
    # Cs-133 and I-127 nuclei from the mass excesses of AME2020, -88070.943 and -88983.217 keV, to their last digit
    for nuclide, excess_mev in ((CESIUM, -88.070943), (IODINE, -88.983217)):
        atom = nuclide.mass_number * constants.ATOMIC_MASS_UNIT_MEV + excess_mev
        expected = atom - nuclide.protons * constants.ELECTRON_MASS_MEV
        assert nuclide.nuclear_mass_mev == pytest.approx(expected, abs=1e-6)


def test_the_mean_nucleus_weighs_half_a_formula_unit() -> None:
    # electrons and the mean of Z (54) are the whole difference: 54 m_e = 27.6 MeV in 121 GeV
    half = (CESIUM.nuclear_mass_mev + IODINE.nuclear_mass_mev) / 2
    assert MEAN_OF_CSI.nuclear_mass_mev - half == pytest.approx(54 * constants.ELECTRON_MASS_MEV, abs=0.01)


def test_argon() -> None:
    assert (ARGON.protons, ARGON.neutrons, ARGON.neutron_radius_fm) == (18, 22, 3.36)
    # AME2020's mass excess, -35039.8948 keV
    atom = 40 * constants.ATOMIC_MASS_UNIT_MEV - 35.0398948
    assert ARGON.nuclear_mass_mev == pytest.approx(atom - 18 * constants.ELECTRON_MASS_MEV, abs=1e-5)
    assert ARGON.proton_radius_fm == pytest.approx((3.4274**2 + 22 / 18 * 0.1161) ** 0.5, abs=5e-4)
    # m N_A / M by hand: 24400 / 39.948 * 6.02214076e23
    assert TARGETS["argon"].n_nuclei(24.4) == pytest.approx((3.678288e26,), rel=1e-6)


@pytest.mark.parametrize("name", ["mean", "cs_and_i"])
def test_every_choice_has_two_nuclei_in_a_formula_unit(name: str) -> None:
    total = sum(TARGETS[name].n_nuclei(14.6))
    # 2 m N_A / M_CsI by hand: 2 * 14600 / 259.80992 * 6.02214076e23
    assert total == pytest.approx(6.768275e25, rel=1e-6)


def test_nuclei_are_those_of_the_schema() -> None:
    analyses = schema()["properties"]["analyses"]["additionalProperties"]["properties"]
    assert analyses["nuclei"]["enum"] == list(TARGETS)


def test_particle_masses_give_the_published_prompt_energy() -> None:
    prompt = (constants.PION_MASS_MEV**2 - constants.MUON_MASS_MEV**2) / (2 * constants.PION_MASS_MEV)
    assert prompt == pytest.approx(29.792, abs=5e-4)  # MeV, textbook value of the pion-decay line
