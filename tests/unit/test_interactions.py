"""Weak charges (Eqs. 4, 6, 8, 10, 11) and the names of the parameters."""

from typing import Any

import numpy as np
import pytest

from cevnsi.config.check import schema
from cevnsi.constants import G_FERMI, SIN2_THETA_W
from cevnsi.experiments.targets import MEAN_OF_CSI
from cevnsi.parameters import CONTACT_PARAMETERS, MATTER_PARAMETERS, STANDARD_MODEL_PARAMETERS, by_name
from cevnsi.physics.interactions import INTERACTIONS, parameter
from cevnsi.physics.interactions.light_mediator import LIGHT_MEDIATOR, degenerate_coupling_per_mass
from cevnsi.physics.nuclei import CESIUM, IODINE, Nuclide
from cevnsi.physics.vector_mediator import mediator_coupling_scale
from cevnsi.physics.weak_charge import (
    NEUTRON_COUPLING,
    charge_amplitude,
    contact,
    matter_parameter,
    proton_coupling,
    quark_numbers,
    standard_model_charge,
    tree_couplings,
    weak_charge_squared,
)

NUCLIDES = (MEAN_OF_CSI, CESIUM, IODINE)
TREE = tree_couplings(SIN2_THETA_W)
Q2 = np.array([700.0, 2000.0, 9000.0])  # MeV^2, within what the bins cover


def test_interactions_are_those_of_the_schema() -> None:
    scans = schema()["properties"]["scans"]["additionalProperties"]["properties"]
    assert scans["interaction"]["enum"] == list(INTERACTIONS)


def test_parameter_names() -> None:
    # six pairs, two quarks; an imaginary part for the three off-diagonal pairs
    assert len(CONTACT_PARAMETERS) == len(set(CONTACT_PARAMETERS)) == 6 * 2 + 3 * 2
    assert {"eps_ee_uV", "eps_mumu_dV", "eps_etau_dV_imag"} <= set(CONTACT_PARAMETERS)
    assert "eps_ee_uV_imag" not in CONTACT_PARAMETERS
    assert list(CONTACT_PARAMETERS)[:2] == [
        "eps_ee_dV",
        "eps_ee_uV",
    ]  # the order of axes: the paper's abscissa comes first
    assert list(MATTER_PARAMETERS)[:2] == ["eps_ee_matter", "eps_mumu_matter"]
    assert set(INTERACTIONS["contact"].own) == {*CONTACT_PARAMETERS, *MATTER_PARAMETERS}
    assert list(INTERACTIONS["light_mediator"].own) == ["mediator_mass_mev", "coupling"]
    for interaction in INTERACTIONS.values():
        assert list(interaction.parameters) == [*interaction.own, *interaction.further, *STANDARD_MODEL_PARAMETERS]


def test_a_name_is_one_parameter_in_all_interactions() -> None:
    for interaction in INTERACTIONS.values():
        for name, made in interaction.parameters.items():
            assert made.name == name
            assert parameter(name) is made
    owners = [frozenset(interaction.own) for interaction in INTERACTIONS.values()]
    assert len(owners) == len(set(owners))  # each is found by what it alone has
    assert parameter("eps_xx") == by_name("eps_xx")


def test_a_mediator_is_looked_for_where_fig_2_is(config: dict[str, Any]) -> None:
    axes = config["scans"]["light_mediator"]["axes"]
    assert {name: parameter(name).usual for name in axes} == {
        name: (axis["min"], axis["max"]) for name, axis in axes.items()
    }


def test_standard_model_charge_by_hand() -> None:
    # Eq. 4 for the mean nucleus: 54 (1/2 - 2 * 0.23857) - 76 / 2 = -36.76556
    assert standard_model_charge(MEAN_OF_CSI, tree_couplings(0.23857)) == pytest.approx(-36.76556, abs=1e-10)
    assert proton_coupling(0.25) == 0
    assert NEUTRON_COUPLING == -0.5


@pytest.mark.parametrize(("nuclide", "u", "d"), [(MEAN_OF_CSI, 184, 206), (CESIUM, 188, 211), (IODINE, 180, 201)])
def test_quark_numbers(nuclide: Nuclide, u: int, d: int) -> None:
    assert quark_numbers(nuclide) == {"u": u, "d": d}  # 2 Z + N and Z + 2 N
    assert u + d == 3 * nuclide.mass_number


def eq10(nuclide: Nuclide, row: str, eps: dict[str, complex]) -> float:
    """Eq. 10 as printed, with the modulus where the sum over beta is complex."""
    z, n = nuclide.protons, nuclide.neutrons
    gp, gn = 0.5 - 2 * SIN2_THETA_W, -0.5
    diagonal = {"e": "ee", "mu": "mumu"}[row]
    others = {"e": ("emu", "etau"), "mu": ("emu", "mutau")}[row]

    def value(pair: str, quark: str) -> complex:
        return eps.get(f"{pair}_{quark}", 0.0)

    total = abs(
        z * (gp + 2 * value(diagonal, "u") + value(diagonal, "d"))
        + n * (gn + value(diagonal, "u") + 2 * value(diagonal, "d"))
    )
    squares = total**2
    for pair in others:
        amplitude = z * (2 * value(pair, "u") + value(pair, "d")) + n * (value(pair, "u") + 2 * value(pair, "d"))
        squares += abs(amplitude) ** 2
    return squares


@pytest.mark.parametrize("nuclide", NUCLIDES)
@pytest.mark.parametrize("row", ["e", "mu"])
def test_charge_squared_is_eq_10(nuclide: Nuclide, row: str) -> None:
    rng = np.random.default_rng(10)
    names = [n for n in CONTACT_PARAMETERS if not n.endswith("_imag")]
    parameters: dict[str, Any] = {name: rng.uniform(-1, 1) for name in names}
    parameters |= {n: rng.uniform(-1, 1) for n in CONTACT_PARAMETERS if n.endswith("_imag")}
    eps = {name[len("eps_") : -1]: complex(parameters[name], parameters.get(f"{name}_imag", 0.0)) for name in names}
    found = weak_charge_squared(nuclide, row, contact(parameters), TREE)
    assert found == pytest.approx(eq10(nuclide, row, eps), rel=1e-13)  # rounding of sums of a few hundred


@pytest.mark.parametrize("nuclide", NUCLIDES)
@pytest.mark.parametrize("row", ["e", "mu"])
def test_zero_couplings_are_the_standard_model(nuclide: Nuclide, row: str) -> None:
    expected = standard_model_charge(nuclide, TREE) ** 2
    zero = contact(dict.fromkeys(CONTACT_PARAMETERS, 0.0))
    assert weak_charge_squared(nuclide, row, {}, TREE) == expected
    assert weak_charge_squared(nuclide, row, zero, TREE) == expected
    mediator = LIGHT_MEDIATOR.epsilon(Q2, mediator_mass_mev=10.0, coupling=0.0)
    np.testing.assert_array_equal(weak_charge_squared(nuclide, row, mediator, TREE), expected)


def test_electron_couplings_leave_muon_neutrinos_alone() -> None:
    epsilon = contact({"eps_ee_uV": 0.3, "eps_etau_dV": 0.2})
    plain, changed = (
        {row: weak_charge_squared(MEAN_OF_CSI, row, couplings, TREE) for row in ("e", "mu")}
        for couplings in ({}, epsilon)
    )
    assert changed["mu"] == plain["mu"]
    assert changed["e"] != plain["e"]


def test_tau_couplings_alone_change_nothing() -> None:
    epsilon = contact({"eps_tautau_uV": 0.3, "eps_tautau_dV": -0.7})
    for row in ("e", "mu"):
        assert weak_charge_squared(MEAN_OF_CSI, row, epsilon, TREE) == weak_charge_squared(MEAN_OF_CSI, row, {}, TREE)


@pytest.mark.parametrize("pair", ["emu", "etau", "mutau"])
def test_phases_of_off_diagonal_couplings_drop_out(pair: str) -> None:
    # the standard model has no off-diagonal part to interfere with, so a common phase cannot be seen
    size = {"u": 0.3, "d": -0.2}
    plain = contact({f"eps_{pair}_{q}V": value for q, value in size.items()})
    turned = contact(
        {f"eps_{pair}_{q}V": value * np.cos(0.7) for q, value in size.items()}
        | {f"eps_{pair}_{q}V_imag": value * np.sin(0.7) for q, value in size.items()}
    )
    for row in ("e", "mu"):
        expected = weak_charge_squared(MEAN_OF_CSI, row, plain, TREE)
        assert weak_charge_squared(MEAN_OF_CSI, row, turned, TREE) == pytest.approx(expected, rel=1e-14)


def test_relative_phase_of_u_and_d_is_seen() -> None:
    aligned = contact({"eps_etau_uV": 0.3, "eps_etau_dV": 0.3})
    crossed = contact({"eps_etau_uV": 0.3, "eps_etau_dV_imag": 0.3})
    u, d = 184 * 0.3, 206 * 0.3
    sm = standard_model_charge(MEAN_OF_CSI, TREE) ** 2
    assert weak_charge_squared(MEAN_OF_CSI, "e", aligned, TREE) - sm == pytest.approx((u + d) ** 2, rel=1e-13)
    assert weak_charge_squared(MEAN_OF_CSI, "e", crossed, TREE) - sm == pytest.approx(u**2 + d**2, rel=1e-13)


def test_complex_couplings_and_their_parts_are_the_same() -> None:
    parts = contact({"eps_etau_dV": 0.2, "eps_etau_dV_imag": 0.3})
    whole = contact({"eps_etau_dV": 0.2 + 0.3j})
    assert parts == whole == {("d", "etau"): 0.2 + 0.3j}


def test_values_broadcast() -> None:
    epsilon = contact({"eps_ee_uV": np.zeros((4, 1)), "eps_etau_dV": np.zeros((1, 3))})
    assert np.shape(weak_charge_squared(MEAN_OF_CSI, "e", epsilon, TREE)) == (4, 3)


def test_unknown_parameter_is_named() -> None:
    with pytest.raises(ValueError, match=r"unknown contact parameter 'eps_ee_sV'; expected one of eps_ee_dV"):
        contact({"eps_ee_sV": 1.0})


def test_complex_diagonal_coupling_is_refused() -> None:
    with pytest.raises(ValueError, match=r"eps_ee_uV = 1j is complex; a diagonal coupling is real"):
        contact({"eps_ee_uV": 1j})


def test_amplitude_of_off_diagonal_pairs_has_no_standard_model_part() -> None:
    assert charge_amplitude(MEAN_OF_CSI, "etau", {}, TREE) == 0
    assert charge_amplitude(MEAN_OF_CSI, "ee", {}, TREE) == standard_model_charge(MEAN_OF_CSI, TREE)


@pytest.mark.parametrize("nuclide", NUCLIDES)
def test_mediator_charge_is_eq_6(nuclide: Nuclide) -> None:
    mass, g = 30.0, 2e-4
    shift = 3 * g**2 / (2 * np.sqrt(2) * G_FERMI * (Q2 + mass**2))
    z, n = nuclide.protons, nuclide.neutrons
    expected = (z * (0.5 - 2 * SIN2_THETA_W + shift) + n * (-0.5 + shift)) ** 2
    epsilon = LIGHT_MEDIATOR.epsilon(Q2, mediator_mass_mev=mass, coupling=g)
    for row in ("e", "mu"):
        np.testing.assert_allclose(weak_charge_squared(nuclide, row, epsilon, TREE), expected, rtol=1e-12)


def test_heavy_mediator_is_a_contact_interaction() -> None:
    mass, ratio = 1e6, 1e-3  # M and g / M in MeV and 1 / MeV; Q^2 / M^2 is below 1e-8
    g = mass * ratio * 1e-3
    value = (g / mass) ** 2 / (2 * np.sqrt(2) * G_FERMI)
    same = contact({f"eps_{pair}_{q}V": value for pair in ("ee", "mumu", "tautau") for q in "ud"})
    mediator = LIGHT_MEDIATOR.epsilon(Q2, mediator_mass_mev=mass, coupling=g)
    for row in ("e", "mu"):
        expected = weak_charge_squared(MEAN_OF_CSI, row, same, TREE)
        np.testing.assert_allclose(weak_charge_squared(MEAN_OF_CSI, row, mediator, TREE), expected, rtol=1e-7)


def test_light_mediator_depends_on_its_coupling_only() -> None:
    scale = mediator_coupling_scale(Q2, 1e-3)
    np.testing.assert_allclose(scale, 1 / (2 * np.sqrt(2) * G_FERMI * Q2), rtol=1e-8)  # M^2 / Q^2 is 1e-9


@pytest.mark.parametrize("nuclide", NUCLIDES)
def test_eq_8_flips_the_sign_of_the_charge(nuclide: Nuclide) -> None:
    per_mass = degenerate_coupling_per_mass(nuclide, SIN2_THETA_W)
    gp = 0.5 - 2 * SIN2_THETA_W
    printed = -4 * np.sqrt(2) * (nuclide.protons * gp - nuclide.neutrons / 2) / (3 * nuclide.mass_number) * G_FERMI
    assert per_mass**2 == pytest.approx(printed, rel=1e-13, abs=0)
    mass = 1e8  # MeV; Q^2 / M^2 is below 1e-12
    epsilon = LIGHT_MEDIATOR.epsilon(Q2, mediator_mass_mev=mass, coupling=per_mass * mass)
    charge = charge_amplitude(nuclide, "ee", epsilon, TREE)
    np.testing.assert_allclose(charge, -standard_model_charge(nuclide, TREE), rtol=1e-10)


def test_matter_parameter_is_eq_11() -> None:
    assert matter_parameter(0.2, 0.1) == pytest.approx(0.9, rel=1e-15)
    np.testing.assert_array_equal(matter_parameter(np.array([1.0, 2.0]), -1.0), [0.0, 3.0])
