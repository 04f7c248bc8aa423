"""Vector mediators: their charges, the loop that makes some of them, and what they have to do with one another."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from cevnsi.config.check import parse_scan
from cevnsi.constants import FINE_STRUCTURE, G_FERMI, SIN2_THETA_W
from cevnsi.model import Model, chi2_at
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.kinetic_mixing import LEPTON_MASSES_MEV, induced_proton_charge, mixing_integral
from cevnsi.physics.vector_mediator import MASS, TIMES_EQ_6, mediator_coupling_scale
from cevnsi.physics.weak_charge import COUPLINGS
from cevnsi.scans.chi2 import chi2
from cevnsi.scans.rows import scan_rows
from points import predicted_counts

PAIRS = [("e", "mu"), ("e", "tau"), ("mu", "tau")]
MEDIATORS = [name for name, made in INTERACTIONS.items() if TIMES_EQ_6.name in made.further]
DIFFERENCES = {"l_mu_minus_l_tau": ("mu", "tau"), "l_e_minus_l_mu": ("e", "mu"), "l_e_minus_l_tau": ("e", "tau")}
CHOSEN = {"charge_u": 0.5, "charge_d": -1.5, "charge_nu_e": 0.3, "charge_nu_mu": -2.0}


def coupling_of(name: str) -> str:
    return next(other for other in INTERACTIONS[name].own if other.endswith("coupling"))


def point(name: str, mass_mev: Any, coupling: Any, **more: Any) -> dict[str, Any]:
    """Parameters of a mediator, charges as above where it has any."""
    charges = CHOSEN if name == "own_charges" else {}
    return {MASS.name: mass_mev, coupling_of(name): coupling, **charges, **more}


def expected_products(name: str, q2: np.ndarray) -> dict[tuple[str, str], Any]:
    """Charges of quarks times those of neutrinos times the factor of Eq. 6, written out."""
    if name in DIFFERENCES:
        first, second = DIFFERENCES[name]
        proton = 2 * induced_proton_charge(q2, first, second)
        electric = {"u": 2 / 3, "d": -1 / 3}
        return {
            (quark, 2 * lepton): sign * charge * proton
            for quark, charge in electric.items()
            for lepton, sign in ((first, 1), (second, -1))
        }
    by_name: dict[str, dict[str, float]] = {
        "light_mediator": {"u": 1, "d": 1, "ee": 1, "mumu": 1},
        "b_minus_l": {"u": 2 / 3, "d": 2 / 3, "ee": -1, "mumu": -1},
        "own_charges": {"u": 1.0, "d": -3.0, "ee": 0.3, "mumu": -2.0},
    }
    of = by_name[name]
    return {(quark, pair): of[quark] * of[pair] for quark in "ud" for pair in ("ee", "mumu")}


@pytest.mark.parametrize(("lighter", "heavier"), PAIRS)
@pytest.mark.parametrize("q2", [0.0, 1e-3, 1.0, 900.0, 1e4, 1e7])
def test_the_loop_is_its_integral(q2: float, lighter: str, heavier: str) -> None:
    light, heavy = (LEPTON_MASSES_MEV[name] ** 2 for name in (lighter, heavier))

    def integrand(x: float) -> float:
        inside = x * (1 - x)
        return float(
            2 * inside * np.log((heavy + inside * q2) / (light + inside * q2))
        )  # twice: the other half is alike

    ends = [0.0, *np.geomspace(1e-7, 0.5, 12)]
    expected = sum(quad(integrand, *piece, epsrel=1e-12)[0] for piece in pairwise(ends))
    # both are at rounding; at the largest Q^2 of an electron's loop 64 nodes are off by 2e-12
    assert mixing_integral(np.array(q2), lighter, heavier) == pytest.approx(expected, rel=1e-11)
    assert mixing_integral(np.array(q2), heavier, lighter) == pytest.approx(-expected, rel=1e-11)


def test_limits_of_the_loop() -> None:
    for lighter, heavier in PAIRS:
        light, heavy = (LEPTON_MASSES_MEV[name] for name in (lighter, heavier))
        at_rest = induced_proton_charge(np.array(0.0), lighter, heavier)
        assert at_rest == pytest.approx(FINE_STRUCTURE / (3 * np.pi) * np.log((heavy / light) ** 2), rel=1e-14)
        far = 1e3 * heavy**2  # of the difference of masses 6 m^2 / Q^2 is left, at most, as (m^2 / Q^2) ln enters
        assert 0 < mixing_integral(np.array(far), lighter, heavier) < 6e-3
    slope = (mixing_integral(np.array(1e-2), "e", "tau") - mixing_integral(np.array(0.0), "e", "tau")) / 1e-2
    # -1 / (30 m^2) of the electron; the next order is 3 Q^2 / (28 m^2) of it, 0.4 %
    assert slope == pytest.approx(-1 / (30 * LEPTON_MASSES_MEV["e"] ** 2), rel=5e-3)


def test_its_sign_and_size_are_those_of_charge_radii_in_the_standard_model() -> None:
    """Loops of e and of mu by the charged current, which nu_e and nu_mu feel with a charge of one (Eq. 9)."""
    proton = COUPLINGS["radiative"](SIN2_THETA_W).proton
    # 0.0401 - 0.0318, each rounded to half of its last digit
    assert induced_proton_charge(np.array(0.0), "e", "mu") == pytest.approx(proton["e"] - proton["mu"], abs=1e-4)


@pytest.mark.parametrize("name", MEDIATORS)
def test_epsilon_is_eq_6_times_charges(name: str) -> None:
    q2, mass, g = np.array([0.0, 400.0, 8000.0]), 30.0, 2e-4
    found = INTERACTIONS[name].epsilon(q2, **point(name, mass, g))
    for (quark, pair), product in expected_products(name, q2).items():
        expected = product * g**2 / (2 * np.sqrt(2) * G_FERMI * (q2 + mass**2))
        np.testing.assert_allclose(found[quark, pair], expected, rtol=1e-14)


@pytest.mark.parametrize("name", MEDIATORS)
def test_a_heavy_mediator_is_its_contact_couplings(name: str, model: Callable[..., Model]) -> None:
    used = model("release", nuclei="cs_and_i").dataset
    mass, g = 1e7, 3e2 if name in DIFFERENCES else 20.0
    found = used.by_flavor(name, point(name, mass, g))
    # Q^2 / M^2 is below 1e-10
    scale = float(mediator_coupling_scale(np.array(0.0), mass)) * g**2
    epsilon = [
        {key: scale * product for key, product in expected_products(name, q2).items()}
        for q2 in used.recoils.momentum_transfer_squared
    ]
    np.testing.assert_allclose(found, predicted_counts(used, epsilon), rtol=1e-8)
    assert np.abs(found.sum(axis=1) / used.by_flavor("contact", {}).sum(axis=1) - 1).max() > 0.1
    if name in DIFFERENCES:
        return
    couplings = {f"eps_{pair}_{quark}V": float(value) for (quark, pair), value in epsilon[0].items()}
    np.testing.assert_allclose(found, used.by_flavor("contact", couplings), rtol=1e-8)
    # and these with the opposite sign beside it leave the standard model
    opposite = {name: -value for name, value in couplings.items()}
    left = used.by_flavor(name, point(name, mass, g, **opposite))
    np.testing.assert_allclose(left, used.by_flavor("contact", {}), rtol=1e-8)


@pytest.mark.parametrize("name", MEDIATORS)
@pytest.mark.parametrize("form_factor", ["helm", "helm_rms_apart"])
def test_no_coupling_is_the_standard_model(name: str, form_factor: str, model: Callable[..., Model]) -> None:
    for couplings in ("tree", "radiative"):
        used = model("release", form_factor=form_factor, couplings=couplings).dataset
        expected = used.by_flavor("contact", {})
        np.testing.assert_allclose(used.by_flavor(name, point(name, 10.0, 0.0)), expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("name", "quark", "neutrino"),
    [("light_mediator", 0.5, 1.0), ("b_minus_l", 1 / 3, -1.0), ("b_minus_l", -1.0, 1 / 3)],
)
def test_other_mediators_are_own_charges(name: str, quark: float, neutrino: float, model: Callable[..., Model]) -> None:
    """Those of half a quark's charge in Eq. 6 as printed, as others have twice that."""
    used = model("release", nuclei="cs_and_i").dataset
    charges = {"charge_u": quark, "charge_d": quark, "charge_nu_e": neutrino, "charge_nu_mu": neutrino}
    found = used.signal("own_charges", {MASS.name: 20.0, "vector_coupling": 2e-4, **charges})[0]
    np.testing.assert_allclose(found, used.signal(name, point(name, 20.0, 2e-4))[0], rtol=1e-13)


@pytest.mark.parametrize("name", MEDIATORS)
def test_the_factor_of_eq_6_is_one_of_the_coupling_squared(name: str, model: Callable[..., Model]) -> None:
    used, usual = model("paper").dataset, 1.0 if name == "light_mediator" else 2.0
    expected = used.signal(name, point(name, 20.0, 1e-4))[0]
    for times in (1.0, 2.0, 3.0):
        g = 1e-4 * np.sqrt(usual / times)
        found = used.signal(name, point(name, 20.0, g, times_eq_6=times))[0]
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_what_a_mediator_couples_to_is_what_it_moves(model: Callable[..., Model]) -> None:
    """B - L adds to the standard model's counts, the universal one takes from them first, as a loop's of nu_mu does."""
    used = model("paper").dataset
    standard = used.by_flavor("contact", {}).sum(axis=1)

    def moved(name: str, g: float) -> np.ndarray:
        return np.asarray(used.by_flavor(name, point(name, 50.0, g)).sum(axis=1) / standard - 1)

    assert (moved("b_minus_l", 1e-5) > 0).all()
    assert (moved("light_mediator", 1e-5) < 0).all()
    nu_e, *of_muons = moved("l_mu_minus_l_tau", 1e-4)
    assert nu_e == pytest.approx(0, abs=1e-14)
    assert max(of_muons) < 0
    nu_e, *of_muons = moved("l_e_minus_l_mu", 1e-4)
    assert nu_e < 0 < min(of_muons)
    nu_e, *of_muons = moved("l_e_minus_l_tau", 1e-4)
    assert nu_e < 0
    assert of_muons == pytest.approx([0, 0], abs=1e-14)


@pytest.mark.parametrize("name", MEDIATORS)
def test_antineutrinos_have_the_charge_of_neutrinos(name: str, model: Callable[..., Model]) -> None:
    """Complex conjugate couplings beside it, of which only moduli count."""
    recoils, more = model("release").dataset.recoils, {"eps_mutau_uV": 0.2, "eps_mutau_dV_imag": -0.3}
    terms = INTERACTIONS[name].terms
    weights = terms.weights(recoils, point(name, 10.0, 1e-4, **more))
    conjugate = terms.weights(recoils, point(name, 10.0, 1e-4, **{**more, "eps_mutau_dV_imag": 0.3}))
    for weight, other in zip(weights, conjugate, strict=True):
        by_flavor = np.broadcast_to(weight, (3, *weight.shape[-2:]))  # nu_e, nu_mu, nu_mu_bar, or one of all
        np.testing.assert_array_equal(by_flavor[1], by_flavor[2])
        np.testing.assert_allclose(weight, other, rtol=1e-15)


def scan_of(name: str, more: Mapping[str, Any], axes: Mapping[str, Any]) -> Any:
    section = {"interaction": name, "axes": dict(axes), "fixed": dict(more), "chunks": 1}
    return parse_scan("grid", section)


@pytest.mark.parametrize("name", MEDIATORS)
@pytest.mark.parametrize("analysis", ["release", "lar_2020"])
def test_a_grid_is_the_plain_way(
    analysis: str, name: str, model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with a contact coupling beside it, of either pair."""
    used, random = model(analysis), np.random.default_rng(5)
    most = 1e-2 if name in DIFFERENCES else 1e-3
    axes = {
        MASS.name: {"min": 1.0, "max": 1e4, "points": 4, "scale": "log"},
        coupling_of(name): {"min": 1e-6, "max": most, "points": 5, "scale": "log"},
    }
    charges = CHOSEN if name == "own_charges" else {}
    for more in ({}, {"eps_ee_dV": float(random.uniform(-0.1, 0.1)), "eps_mutau_uV": 0.1, "times_eq_6": 1.5}):
        scan = scan_of(name, {**charges, **more}, axes)
        grid = scan_rows(used, scan, 0, 4)
        mass, coupling = (scan.axis(axis).values() for axis in axes)
        with monkeypatch.context() as patched:
            patched.setitem(INTERACTIONS, name, replace(INTERACTIONS[name], expansion=None))
            plain = chi2_at(used, name, {**scan.fixed, MASS.name: mass[:, None], coupling_of(name): coupling})
        # of up to 1e4 times the standard model's counts; descents end within 1e-8 of their least
        np.testing.assert_allclose(grid, plain, rtol=1e-7)


def test_data_below_the_standard_model_like_what_takes_from_it(model: Callable[..., Model]) -> None:
    """L_mu - L_tau, by about 1 sigma; arXiv:2103.10196 has 1.4 of CsI 2017 with argon and totals of CsI 2020."""
    used = model("csi_2017")
    standard = float(chi2(used, "contact", {}, {}))
    couplings = np.geomspace(1e-4, 1e-2, 41)
    least = float(chi2(used, "l_mu_minus_l_tau", point("l_mu_minus_l_tau", 10.0, couplings), {}).min())
    assert 0.7 < np.sqrt(standard - least) < 1.4
    adding = float(chi2(used, "b_minus_l", point("b_minus_l", 10.0, couplings / 100), {}).min())
    assert adding > standard  # of counts that are too many already


def test_a_mediator_beside_contact_couplings_is_no_domain_of_theirs(model: Callable[..., Model]) -> None:
    """One that is an axis besides is sampled and followed down, as any parameter that has no domain."""
    used = model("release")
    scan = parse_scan(
        "s",
        {
            "interaction": "b_minus_l",
            "combinations": {"eps_ee_V": {"eps_ee_uV": 1, "eps_ee_dV": 1}},
            "axes": {
                "b_minus_l_coupling": {"min": 1e-6, "max": 1e-4, "points": 3, "scale": "log"},
                "mediator_mass_mev": {"min": 5, "max": 50, "points": 3, "scale": "log"},
                "eps_ee_V": {"min": -0.3, "max": 0.3, "points": 25},
            },
            "projections": [["mediator_mass_mev", "b_minus_l_coupling"]],
            "chunks": 1,
        },
    )
    found = scan_rows(used, scan.onto(scan.projections[0]), 0, 3)
    mass, coupling = (scan.axis(name).values() for name in scan.projections[0])
    tied = np.linspace(-0.3, 0.3, 4001)  # whose steps are 1e-4 of chi2 at most
    at = {"eps_ee_uV": tied, "eps_ee_dV": tied}
    brute = chi2(
        used, "b_minus_l", {MASS.name: mass[:, None, None], coupling_of("b_minus_l"): coupling[:, None], **at}, {}
    )
    np.testing.assert_allclose(found, brute.min(axis=-1), rtol=1e-5)
    assert (found <= brute.min(axis=-1) * (1 + 1e-12)).all()
