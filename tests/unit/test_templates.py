"""Templates, bins and sums; their values are held by tests/paper/test_quadrature.py."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad

from cevnsi.experiments.csi_2017 import CSI_2017
from cevnsi.experiments.exposure import Exposure
from cevnsi.experiments.response import Acceptance, unsmeared_response
from cevnsi.experiments.targets import MEAN_OF_CSI, TARGETS
from cevnsi.model import Model
from cevnsi.physics.cross_section import KINEMATICS, largest_recoil_mev, recoil_spectrum
from cevnsi.physics.flux import END_POINT_MEV, FLAVORS, PROMPT_ENERGY_MEV
from cevnsi.physics.form_factors import helm
from cevnsi.physics.interactions.light_mediator import LIGHT_MEDIATOR
from cevnsi.physics.weak_charge import standard_model_charge, tree_couplings
from cevnsi.templates import Templates, build_templates, luminosities_per_cm2

FULL = Acceptance(photoelectrons=np.array([0.0, 200.0]), fraction=np.array([1.0, 1.0]))


def build(edges: list[float], exposure: Exposure = CSI_2017, nuclei: str = "mean") -> Templates:
    response = unsmeared_response(np.array(edges), FULL, exposure.pe_per_kev)
    return build_templates(target=TARGETS[nuclei], form_factor=helm, exposure=exposure, response=response)


def test_nodes_are_seen_in_their_bins_alone() -> None:
    edges = np.array([0, 2, 5, 7.25])
    built = build(edges.tolist())
    photoelectrons = built.recoil_energy_mev * 1170
    assert (np.diff(built.recoil_energy_mev) > 0).all()
    for row, low, high in zip(built.detected, edges[:-1], edges[1:], strict=True):
        np.testing.assert_array_equal(row > 0, (low < photoelectrons) & (photoelectrons < high))
    np.testing.assert_array_equal(built.detected.sum(axis=0), 1)


@pytest.mark.parametrize("edges", [[1.99, 3.49], [1.99, 3.49, 5.0], [0.1, 0.3, 0.7, 1.1]])
def test_edges_that_rounding_almost_repeats(edges: list[float]) -> None:
    # 1.99 + 3 * 0.5 is one rounding step below 3.49: a segment of no length, whose nodes round onto the edge
    built = build(edges)
    assert built.detected.any(axis=1).all()
    whole = build([edges[0], edges[-1]]).per_bin().sum()
    assert built.per_bin().sum() == pytest.approx(whole, rel=1e-9)  # other segments: another quadrature error


def test_bins_add_up() -> None:
    fine, coarse = build([3, 4, 5.5, 9, 20, 60]), build([3, 5.5, 60])
    sums = fine.per_bin()
    merged = np.stack([sums[..., :2].sum(axis=-1), sums[..., 2:].sum(axis=-1)], axis=-1)
    np.testing.assert_allclose(merged, coarse.per_bin(), rtol=1e-11)  # other segments: quadrature error below 1e-11


def test_nothing_beyond_the_largest_recoil() -> None:
    sums = build([16, 18, 50, 54.5, 60]).per_bin()[:, 0]  # (flavors, bins)
    prompt, nu_e, nu_mu_bar = (sums[FLAVORS.index(name)] for name in ("nu_mu", "nu_e", "nu_mu_bar"))
    assert (prompt > 0).tolist() == [True, False, False, False]  # 2 E^2 / M of the line is 17.2 photoelectrons
    for delayed in (nu_e, nu_mu_bar):
        assert (delayed > 0).tolist() == [True, True, True, False]  # and of the end point 53.97


def test_full_kinematics_ends_earlier() -> None:
    """By 2 E / M of the largest recoils, which are 17.164 and 53.971 photoelectrons as written."""
    edges = np.array([0, 17.1555, 17.1635, 53.924, 53.9705])
    response = unsmeared_response(edges, FULL, CSI_2017.pe_per_kev)
    written, full = (
        build_templates(target=TARGETS["mean"], form_factor=helm, exposure=CSI_2017, response=response, kinematics=name)
        for name in ("as_written", "full")
    )
    delayed, prompt = FLAVORS.index("nu_mu_bar"), FLAVORS.index("nu_mu")
    for flavor, last in ((prompt, 1), (delayed, 3)):
        assert written.per_bin()[flavor, 0, last] > 0
        assert full.per_bin()[flavor, 0, last] == 0
        assert full.per_bin()[flavor, 0, last - 1] > 0


@pytest.mark.parametrize("kinematics", KINEMATICS)
@pytest.mark.parametrize(("flavor", "low", "high"), [("nu_mu", 16.0, 18.0), ("nu_mu_bar", 53.0, 55.0)])
def test_the_largest_recoil_is_a_kink_of_the_quadrature(flavor: str, low: float, high: float, kinematics: str) -> None:
    response = unsmeared_response(np.array([low, high]), FULL, CSI_2017.pe_per_kev)
    target = TARGETS["mean"]
    made = build_templates(target=target, form_factor=helm, exposure=CSI_2017, response=response, kinematics=kinematics)
    energy = PROMPT_ENERGY_MEV if flavor == "nu_mu" else END_POINT_MEV
    end = float(largest_recoil_mev(energy, MEAN_OF_CSI, kinematics))

    def spectrum(recoil: float) -> float:  # per 1e-40 cm^2, for quad
        return 1e40 * float(recoil_spectrum(flavor, np.array(recoil), MEAN_OF_CSI, helm, kinematics))

    (luminosity,) = luminosities_per_cm2(CSI_2017, target)
    expected = luminosity * 1e-40 * quad(spectrum, low / 1170, end, epsabs=0, epsrel=1e-12)[0]
    assert made.per_bin()[FLAVORS.index(flavor), 0, 0] == pytest.approx(expected, rel=1e-9)


def test_selected_bins_are_the_same_bins() -> None:
    built = build([0, 2, 4, 6, 8, 10], nuclei="cs_and_i")
    part = built.select(slice(2, 4))
    np.testing.assert_allclose(part.per_bin(), built.per_bin()[..., 2:4], rtol=1e-14)  # summed in other halves
    assert part.momentum_transfer_squared.shape == (2, part.recoil_energy_mev.size)
    assert part.recoil_energy_mev.min() * 1170 > 4  # what is seen in no bin is left out
    assert part.recoil_energy_mev.max() * 1170 < 8


def test_a_bin_in_which_nothing_is_seen_counts_nothing() -> None:
    half = Acceptance(photoelectrons=np.array([0.0, 8.0, 8.0, 20.0]), fraction=np.array([0.0, 0.0, 0.5, 0.5]))
    response = unsmeared_response(np.array([6.0, 8.0, 10.0]), half, 1.17)
    built = build_templates(target=TARGETS["mean"], form_factor=helm, exposure=CSI_2017, response=response)
    sums = built.counts(1.0)
    assert sums[0] == 0
    assert sums[1] == pytest.approx(build([8, 10]).counts(1.0)[0] / 2, rel=1e-12)


def test_momentum_transfer_is_that_of_the_nodes() -> None:
    built = build([6, 8], nuclei="cs_and_i")
    for row, nuclide in zip(built.momentum_transfer_squared, built.nuclides, strict=True):
        np.testing.assert_allclose(row, 2 * nuclide.nuclear_mass_mev * built.recoil_energy_mev, rtol=1e-14)


@pytest.mark.parametrize("shape", [(), (1,), (3, 1, 1), (3, 2, 1), (1, 2, 1), (4, 1, 2, 1), (2, 3, 3, 2, 1)])
def test_counts_are_the_sum_over_flavors_and_nuclides(shape: tuple[int, ...]) -> None:
    built = build([6, 8, 12], nuclei="cs_and_i")
    weight = np.random.default_rng(1).uniform(0.5, 2, shape)
    np.testing.assert_allclose(built.counts(weight), built.per_bin(weight).sum(axis=(-3, -2)), rtol=1e-13)


def test_counts_of_a_point_do_not_depend_on_the_others() -> None:
    built = build([6, 8, 12], nuclei="cs_and_i")
    weight = np.random.default_rng(2).uniform(0.5, 2, (7, 3, 2, built.recoil_energy_mev.size))
    together = built.counts(weight)
    for i in range(7):
        assert built.counts(weight[i : i + 1]).tobytes() == together[i].tobytes()


def test_a_constant_charge_multiplies_the_sums(model: Callable[..., Model]) -> None:
    used = model("paper", nuclei="cs_and_i").dataset
    charges = [float(standard_model_charge(n, tree_couplings(0.23857))) ** 2 for n in used.templates.nuclides]
    expected = np.einsum("fnb,n->fb", used.templates.per_bin(), charges)
    np.testing.assert_allclose(used.by_flavor("contact", {}), expected, rtol=1e-13)


def test_a_charge_may_depend_on_the_momentum_transfer(model: Callable[..., Model]) -> None:
    used = model("paper").dataset
    epsilon = LIGHT_MEDIATOR.epsilon(used.recoils.momentum_transfer_squared[0], mediator_mass_mev=20.0, coupling=1e-4)
    charge = (
        standard_model_charge(MEAN_OF_CSI, tree_couplings(used.sin2_theta_w))
        + 3 * MEAN_OF_CSI.mass_number * epsilon["u", "ee"]
    )
    expected = (used.templates.events[:, 0] * charge**2) @ used.templates.detected.T
    found = used.by_flavor("light_mediator", {"mediator_mass_mev": 20.0, "coupling": 1e-4})
    np.testing.assert_allclose(found, expected, rtol=1e-12)
