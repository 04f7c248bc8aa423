"""Each fast way against the plain one, at random points."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from cevnsi.domains import least_over_domain
from cevnsi.experiments.measurement import Measurement
from cevnsi.fast.contraction import contract, has_contraction, profiled_chi2
from cevnsi.model import Model, charge_derivatives, chi2_at
from cevnsi.parameters import CONTACT_PARAMETERS, MATTER_PARAMETERS, NEUTRON_RADII
from cevnsi.physics.form_factors import RADIUS_FORM_FACTORS
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.scans.chi2 import chi2
from cevnsi.statistics.nuisances import SIGNAL, Nuisance

NUCLEI = ["mean", "cs_and_i"]


def test_inner_products_broadcast() -> None:
    found = profiled_chi2(5.0, np.ones((3, 1)), np.ones((1, 4)), 2.0)
    assert np.shape(found) == (3, 4)
    np.testing.assert_allclose(found, 5 + 2 - 9 / 3, rtol=1e-15)


def test_a_contraction_holds_sums_over_bins(model: Callable[..., Model]) -> None:
    used = model("paper")
    measurement, pair = used.dataset.measurement, used.dataset.contact_templates
    inner, weight = contract(used, pair), used.dataset.measurement.errors**-2
    assert inner.data_data == pytest.approx((weight * measurement.observed**2).sum(), rel=1e-14)
    np.testing.assert_allclose(inner.data_template, pair @ (weight * measurement.observed), rtol=1e-14)
    np.testing.assert_allclose(inner.template_template, (pair * weight) @ pair.T, rtol=1e-14)
    assert inner.penalty == pytest.approx(0.28**-2, rel=1e-15)


@pytest.mark.parametrize("nuclei", NUCLEI)
@pytest.mark.parametrize("analysis", ["paper", "release"])
def test_contact_couplings(analysis: str, nuclei: str, model: Callable[..., Model]) -> None:
    used, random = model(analysis, nuclei=nuclei), np.random.default_rng(1)
    point = {name: random.uniform(-2, 2, 200) for name in CONTACT_PARAMETERS}
    np.testing.assert_allclose(chi2(used, "contact", point, {}), chi2_at(used, "contact", point), rtol=1e-12)


@pytest.mark.parametrize("nuclei", NUCLEI)
def test_a_light_mediator(nuclei: str, model: Callable[..., Model]) -> None:
    used, random = model("release", nuclei=nuclei), np.random.default_rng(2)
    point = {"mediator_mass_mev": 10 ** random.uniform(0, 4, 200), "coupling": 10 ** random.uniform(-6, -2, 200)}
    # the quotient of sums loses what cancels in it, the pull what 1 + alpha leaves of it: at most 1e8 times the SM here
    np.testing.assert_allclose(
        chi2(used, "light_mediator", point, {}), chi2_at(used, "light_mediator", point), rtol=1e-9
    )


@pytest.mark.parametrize("nuclei", NUCLEI)
def test_derivatives_in_the_charges(nuclei: str, model: Callable[..., Model]) -> None:
    """The contraction's, the plain way's, and difference quotients of it."""
    used, random = model("release", nuclei=nuclei), np.random.default_rng(3)
    charges = random.uniform(100, 3000, (5, 2 * len(used.nuclides)))
    plain = charge_derivatives(used, charges)
    for fast, expected in zip(contract(used, used.dataset.contact_templates).derivatives(charges), plain, strict=True):
        np.testing.assert_allclose(fast, expected, rtol=1e-9, atol=1e-13)
    for k in range(charges.shape[1]):
        step = np.eye(charges.shape[1])[k]
        up, down = charge_derivatives(used, charges + step), charge_derivatives(used, charges - step)
        np.testing.assert_allclose(plain[1][:, k], (up[0] - down[0]) / 2, rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(plain[2][:, k], (up[1] - down[1]) / 2, rtol=1e-4, atol=1e-11)


@pytest.mark.parametrize("nuclei", NUCLEI)
@pytest.mark.parametrize("seed", range(5))
def test_domains(seed: int, nuclei: str, model: Callable[..., Model]) -> None:
    """The polygon and the contraction's derivatives against descent on the plain chi2."""
    used, random = model("paper", nuclei=nuclei), np.random.default_rng(seed)
    names = random.choice([name for name in CONTACT_PARAMETERS if "tautau" not in name], 4, replace=False).tolist()
    domain = {name: tuple(np.sort(random.uniform(-1, 1, 2)).tolist()) for name in names}
    point = {"eps_mutau_dV": random.uniform(-0.5, 0.5, 6)} if "eps_mutau_dV" not in domain else {}
    plain = least_over_domain(partial(charge_derivatives, used), used.nuclides, point, domain, used.couplings_at({}))
    np.testing.assert_allclose(chi2(used, "contact", point, domain), plain, rtol=1e-9)


@pytest.mark.parametrize("low", range(6, 30, 2))
def test_the_domain_of_one_bin(low: int, model: Callable[..., Model]) -> None:
    """Charges along a line fit alike: if it crosses the domain chi2 is zero, else least at an edge.

    Of some bins the matrix of the two templates is singular to the last digit, of others but for rounding.
    """
    used, random = model("paper", photoelectron_range=(low, low + 2)), np.random.default_rng(low)
    middle = random.uniform(-0.2, 0.4, 3)
    names = ("eps_ee_dV", "eps_mumu_uV", "eps_emu_dV")
    domain = {name: (m - 0.05, m + 0.05) for name, m in zip(names, middle.tolist(), strict=True)}
    point = {"eps_etau_dV": np.linspace(0, 0.3, 7)}
    plain = least_over_domain(partial(charge_derivatives, used), used.nuclides, point, domain, used.couplings_at({}))
    np.testing.assert_allclose(chi2(used, "contact", point, domain), plain, rtol=1e-9, atol=1e-11)


def other(model: Model, **changed: Any) -> Model:
    return replace(model, datasets=(replace(model.dataset, **changed),))


def test_without_nuisances_chi2_is_the_statistic(model: Callable[..., Model]) -> None:
    used = other(model("paper"), nuisances=())
    measured, point = used.dataset.measurement, {"eps_ee_dV": np.linspace(-1, 1, 5)}
    counts = used.dataset.signal("contact", point)[0]
    expected = (((measured.observed - counts) / measured.errors) ** 2).sum(axis=1)
    np.testing.assert_allclose(chi2_at(used, "contact", point), expected, rtol=1e-12)


def test_only_eq_7_has_a_contraction(model: Callable[..., Model]) -> None:
    used = model("paper")
    measured, (scale,) = used.dataset.measurement, used.nuisances
    assert has_contraction(used)
    background = replace(measured, backgrounds={"neutrons": np.ones(measured.observed.size)})
    counts = Measurement(axes=measured.axes, observed=np.maximum(measured.observed, 0))
    second = Nuisance(name="second", sigma=1.0, scales=(SIGNAL,))
    for model_of_another in (
        other(used, measurement=background),
        other(used, measurement=counts, statistic="poisson"),
        other(used, nuisances=()),
        other(used, nuisances=(scale, second)),
        other(used, nuisances=(replace(scale, sigma=None),)),
        other(used, nuisances=(replace(scale, least=-1.0),)),
        other(used, varied={scale.name: (used.dataset.templates, None)}),
        replace(used, datasets=(used.dataset, used.dataset)),
    ):
        assert not has_contraction(model_of_another)


@pytest.mark.parametrize("form_factor", ["klein_nystrand", *RADIUS_FORM_FACTORS])
@pytest.mark.parametrize("name", INTERACTIONS)
def test_the_terms_of_an_interaction_are_its_charges_squared(
    name: str, form_factor: str, model: Callable[..., Model]
) -> None:
    """An expansion counts what epsilon at every node does (Eq. 10)."""
    used, random = model("release", nuclei="cs_and_i", form_factor=form_factor), np.random.default_rng(4)
    interaction = INTERACTIONS[name]
    by_epsilon = replace(interaction, expansion=None).terms
    point = {
        parameter.name: np.sqrt(parameter.usual[0] * parameter.usual[1])
        if parameter.scale == "log"
        else random.uniform(*parameter.usual)
        for parameter in interaction.parameters.values()
        if parameter.name not in MATTER_PARAMETERS
        and (form_factor in RADIUS_FORM_FACTORS or parameter.name not in NEUTRON_RADII)
    }
    (weight,) = by_epsilon.weights(used.dataset.recoils, point)
    (coefficient,) = by_epsilon.coefficients(used.dataset.recoils, point)
    expected = coefficient * used.dataset.templates.counts(weight)
    np.testing.assert_allclose(used.dataset.signal(name, point)[0], expected, rtol=1e-12)
