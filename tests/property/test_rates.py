"""Counts: linear in exposure and charge, blind to what the rate does not depend on."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.response import Acceptance, unsmeared_response
from cevnsi.experiments.targets import MEAN_OF_CSI, TARGETS
from cevnsi.model import Model
from cevnsi.parameters import OFF_DIAGONAL, QUARKS
from cevnsi.physics.cross_section import coherent_factor, least_neutrino_energy_mev, recoil_spectrum
from cevnsi.physics.flux import FLAVORS, delayed_spectrum, flux_moment
from cevnsi.physics.form_factors import FORM_FACTORS, RADIUS_FORM_FACTORS
from cevnsi.physics.interactions.light_mediator import LIGHT_MEDIATOR, degenerate_coupling_per_mass
from cevnsi.physics.weak_charge import NucleonCouplings, contact
from cevnsi.templates import Templates, build_templates
from points import mediator_chi2, predicted_counts

EDGES = np.array([6.0, 8.0, 20.0])
ACCEPTANCE = Acceptance(photoelectrons=np.array([0.0, 10.0, 30.0]), fraction=np.array([0.0, 0.4, 0.7]))
small = st.floats(-1, 1, allow_subnormal=False)
factor = st.floats(0.1, 10)


def build(
    exposure: Exposure, nuclei: str = "mean", form: str = "helm", acceptance: Acceptance = ACCEPTANCE
) -> Templates:
    response = unsmeared_response(EDGES, acceptance, exposure.pe_per_kev)
    return build_templates(target=TARGETS[nuclei], form_factor=FORM_FACTORS[form], exposure=exposure, response=response)


@given(name=st.sampled_from(["detector_mass_kg", "protons_on_target", "neutrinos_per_proton"]), by=factor)
def test_counts_are_linear_in_exposure(name: str, by: float) -> None:
    scaled = replace(CSI_2017, **{name: by * getattr(CSI_2017, name)})
    np.testing.assert_allclose(build(scaled).per_bin(), by * build(CSI_2017).per_bin(), rtol=1e-13)


@given(by=factor)
def test_counts_fall_with_the_square_of_the_distance(by: float) -> None:
    scaled = build(replace(CSI_2017, baseline_m=by * CSI_2017.baseline_m)).per_bin()
    np.testing.assert_allclose(scaled, build(CSI_2017).per_bin() / by**2, rtol=1e-13)


@given(by=st.floats(0.05, 1))
def test_counts_are_linear_in_acceptance(by: float) -> None:
    less = Acceptance(photoelectrons=ACCEPTANCE.photoelectrons, fraction=by * ACCEPTANCE.fraction)
    scaled = build(CSI_2017, acceptance=less)
    np.testing.assert_allclose(scaled.per_bin(), by * build(CSI_2017).per_bin(), rtol=1e-13)


@given(mass_exponent=st.floats(6, 9), nuclei=st.sampled_from(list(TARGETS)), log_eps=st.floats(-3, 0))
def test_heavy_mediator_is_contact(
    mass_exponent: float, nuclei: str, log_eps: float, model: Callable[..., Model]
) -> None:
    """Eq. 6 goes over into Eq. 10 with the same epsilon on the diagonal for u and d."""
    used, mass = model("paper", nuclei=nuclei).dataset, 10**mass_exponent
    unit = LIGHT_MEDIATOR.epsilon(np.array(0.0), mediator_mass_mev=mass, coupling=1.0)["u", "ee"]
    g = float(np.sqrt(10**log_eps / np.asarray(unit).real))
    mediator = [
        LIGHT_MEDIATOR.epsilon(q2, mediator_mass_mev=mass, coupling=g) for q2 in used.recoils.momentum_transfer_squared
    ]
    same = contact({f"eps_{pair}_{q}V": 10**log_eps for pair in ("ee", "mumu", "tautau") for q in QUARKS})
    found = used.by_flavor("light_mediator", {"mediator_mass_mev": mass, "coupling": g})
    # where the charge nearly cancels, of three terms of the size of the standard model's little is left
    terms = float(used.by_flavor("contact", {}).max())
    np.testing.assert_allclose(found, predicted_counts(used, mediator), rtol=1e-12, atol=1e-14 * terms)
    # Q^2 / M^2 < 1e-8 of one that is 1e-3 of them, and that squared at less
    contact_counts = predicted_counts(used, [same] * len(used.recoils.nuclides))
    np.testing.assert_allclose(found, contact_counts, rtol=1e-5, atol=1e-10 * terms)


@given(mass_exponent=st.floats(6, 9))
def test_eq_8_is_degenerate_with_the_standard_model(mass_exponent: float, model: Callable[..., Model]) -> None:
    used = model("paper")
    g = degenerate_coupling_per_mass(MEAN_OF_CSI, used.analysis.sin2_theta_w) * 10**mass_exponent
    flipped, plain = mediator_chi2(used, np.array(10**mass_exponent), np.array([g, 0.0]))
    assert flipped == pytest.approx(plain, rel=1e-6)  # Q^2 / M^2 < 1e-8, times a few


@given(
    pair=st.sampled_from(OFF_DIAGONAL),
    size=st.tuples(small, small),
    phase=st.floats(0, 2 * np.pi),
    nuclei=st.sampled_from(list(TARGETS)),
)
def test_a_common_phase_of_off_diagonal_couplings_drops_out(
    pair: str, size: tuple[float, float], phase: float, nuclei: str, model: Callable[..., Model]
) -> None:
    used = model("release", nuclei=nuclei).dataset
    plain = {f"eps_{pair}_{q}V": value for q, value in zip(QUARKS, size, strict=True)}
    turned = {name: value * np.exp(1j * phase) for name, value in plain.items()}
    counts = [predicted_counts(used, [contact(p)] * len(used.recoils.nuclides)) for p in (plain, turned)]
    np.testing.assert_allclose(counts[1], counts[0], rtol=1e-12)


@given(flavor=st.sampled_from(["nu_e", "nu_mu_bar"]), energy=st.floats(-100, 200))
def test_spectra_are_never_negative(flavor: str, energy: float) -> None:
    assert delayed_spectrum(flavor, np.array(energy)) >= -1e-18  # nu_e is zero at the end point, up to rounding


@given(
    radii=st.tuples(st.floats(3, 6), st.floats(3, 6)),
    couplings=st.tuples(small, small, small),
    epsilon=st.tuples(small, small),
)
def test_protons_and_neutrons_may_change_places(
    radii: tuple[float, float],
    couplings: tuple[float, float, float],
    epsilon: tuple[float, float],
    model: Callable[..., Model],
) -> None:
    """With their radii, their couplings, and u with d; of flavors that see the same proton."""
    made = model("release", form_factor="helm_rms_apart").dataset
    (nuclide,) = made.templates.nuclides
    g_p, g_n, off_diagonal = couplings
    counts = []
    for z, n, (r_p, r_n), (p, q), (u, d) in (
        (54, 76, radii, (g_p, g_n), epsilon),
        (76, 54, radii[::-1], (g_n, g_p), epsilon[::-1]),
    ):
        turned = replace(nuclide, protons=z, neutrons=n, proton_radius_fm=r_p, neutron_radius_fm=r_n)
        given = NucleonCouplings(proton={"e": p, "mu": p}, neutron=q)
        used = replace(made, couplings=given, templates=replace(made.templates, nuclides=(turned,)))
        point = {"eps_ee_uV": u, "eps_ee_dV": d, "eps_emu_uV": off_diagonal, "eps_emu_dV": off_diagonal}
        counts.append(used.by_flavor("contact", point))
    # amplitudes of up to 400, of which little may be left
    scale = float(made.templates.per_bin().max()) * 400**2
    np.testing.assert_allclose(counts[0], counts[1], rtol=1e-11, atol=1e-14 * scale)


@given(radius=st.floats(2, 7), by=st.floats(1.001, 1.3), form=st.sampled_from(list(RADIUS_FORM_FACTORS)))
def test_counts_fall_with_the_neutron_radius(radius: float, by: float, form: str, model: Callable[..., Model]) -> None:
    """In every bin: up to 9.1 fm the first zero of F, at q R_0 of 4.5, lies beyond the recoils."""
    used = model("release", form_factor=form).dataset
    less, more = (used.signal("contact", {"neutron_radius_mean_fm": value})[0] for value in (radius, radius * by))
    assert (more < less).all()


@given(recoil=st.floats(1e-5, 0.05), flavor=st.sampled_from(FLAVORS))
def test_full_kinematics_take_events_away(recoil: float, flavor: str) -> None:
    """And no more of them than 2 E_r / E_nu is worth where there are any."""
    at, form = np.array(recoil), FORM_FACTORS["helm"]
    written, full = (float(recoil_spectrum(flavor, at, MEAN_OF_CSI, form, name)) for name in ("as_written", "full"))
    inverse = flux_moment(flavor, 1, least_neutrino_energy_mev(at, MEAN_OF_CSI))
    most, rounding = coherent_factor(at, MEAN_OF_CSI, form) * np.array([2 * recoil * inverse, 1e-14])
    assert -rounding <= full <= written + rounding
    assert written - full <= most + rounding


def test_flavors_see_their_own_couplings(model: Callable[..., Model]) -> None:
    used = model("paper").dataset
    plain = used.by_flavor("contact", {})
    for pair, moved in (("ee", {"nu_e"}), ("mumu", {"nu_mu", "nu_mu_bar"}), ("emu", set(FLAVORS)), ("tautau", set())):
        changed = used.by_flavor("contact", {f"eps_{pair}_dV": 0.3})
        assert {f for f, a, b in zip(FLAVORS, plain, changed, strict=True) if (a != b).any()} == moved
