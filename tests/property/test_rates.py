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
from cevnsi.physics.flux import FLAVORS, delayed_spectrum
from cevnsi.physics.form_factors import FORM_FACTORS
from cevnsi.physics.interactions.light_mediator import degenerate_coupling_per_mass, light_mediator
from cevnsi.physics.weak_charge import contact
from cevnsi.templates import Templates, build_templates
from points import mediator_chi2, predicted_counts

EDGES = np.array([6.0, 8.0, 20.0])
ACCEPTANCE = Acceptance(photoelectrons=np.array([0.0, 10.0, 30.0]), fraction=np.array([0.0, 0.4, 0.7]))
small = st.floats(-1, 1, allow_subnormal=False)
factor = st.floats(0.1, 10)


def build(
    exposure: Exposure, nuclei: str = "mean", form: str = "helm", acceptance: Acceptance = ACCEPTANCE
) -> Templates:
    response = unsmeared_response(EDGES, acceptance, exposure.light_yield_pe_per_kev)
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
    unit = light_mediator(np.array(0.0), mediator_mass_mev=mass, coupling=1.0)["u", "ee"]
    g = float(np.sqrt(10**log_eps / np.asarray(unit).real))
    mediator = [light_mediator(q2, mediator_mass_mev=mass, coupling=g) for q2 in used.recoils.momentum_transfer_squared]
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


def test_flavors_see_their_own_couplings(model: Callable[..., Model]) -> None:
    used = model("paper").dataset
    plain = used.by_flavor("contact", {})
    for pair, moved in (("ee", {"nu_e"}), ("mumu", {"nu_mu", "nu_mu_bar"}), ("emu", set(FLAVORS)), ("tautau", set())):
        changed = used.by_flavor("contact", {f"eps_{pair}_dV": 0.3})
        assert {f for f, a, b in zip(FLAVORS, plain, changed, strict=True) if (a != b).any()} == moved
