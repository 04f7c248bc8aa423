"""A joint model of two statistics and several nuisances, against its likelihood written out."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import poisson

from cevnsi.arrays import FloatArray
from cevnsi.constants import G_FERMI, HBARC_MEV_FM, MUON_MASS_MEV, SIN2_THETA_W
from cevnsi.experiments.measurement import Measurement
from cevnsi.model import DataSet, Model, charge_derivatives, chi2_at, flux_averaged_cross_section_cm2, profiled
from cevnsi.parameters import MATTER_PARAMETERS
from cevnsi.physics.flux import PROMPT_ENERGY_MEV
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.weak_charge import ROWS, contact, weak_charge_squared
from cevnsi.statistics.nuisances import SIGNAL, Nuisance
from minima import least
from points import contact_chi2
from pseudo import named

FLUX, BACKGROUND, OTHER = 0.1, 0.25, 0.2


def poisson_part(made: DataSet, *, kinked: bool) -> DataSet:
    """Poisson counts over a background, with a scale of each, and an efficiency that tilts the spectrum.

    With a kink, an efficiency that is lower tilts it less than one that is higher.
    """
    bins = made.measurement.observed.size
    background = np.linspace(9.0, 2.0, bins)
    counts = np.rint(made.signal("contact", {"eps_ee_dV": np.array(0.1)})[0] + background)
    tilt, detected = np.linspace(-0.2, 0.3, bins)[:, None], made.templates.detected
    up, down = (replace(made.templates, detected=detected * (1 + part * tilt)) for part in (1.0, -0.6))
    return replace(
        made,
        measurement=Measurement(axes=made.measurement.axes, observed=counts, backgrounds={"neutrons": background}),
        nuisances=(
            Nuisance(name="flux", sigma=FLUX, scales=(SIGNAL,)),
            Nuisance(name="neutrons", sigma=BACKGROUND, scales=("neutrons",), least=-1.0),
            Nuisance(
                name="efficiency",
                sigma=1.0,
                shifts={"neutrons": (0.1 * background, -0.04 * background if kinked else None)},
            ),
        ),
        statistic="poisson",
        varied={"efficiency": (up, down if kinked else None)},
    )


@pytest.fixture(scope="module", params=["poisson", "joint", "kinked"])
def made(request: pytest.FixtureRequest, model: Callable[..., Model]) -> Model:
    """The Poisson data set, alone or with a Gaussian one of other nuclei that shares its flux."""
    first = model("release", nuclei="mean")
    other = model("paper", nuclei="cs_and_i").dataset
    scales = (
        Nuisance(name="flux", sigma=FLUX, scales=(SIGNAL,)),
        Nuisance(name="other", sigma=OTHER, scales=(SIGNAL,)),
    )
    datasets = (poisson_part(first.dataset, kinked=request.param == "kinked"), replace(other, nuisances=scales))
    return replace(first, datasets=datasets[:1] if request.param == "poisson" else datasets)


def written_out(model: Model, parameters: dict[str, float]) -> Callable[[FloatArray], float]:
    """-2 ln L over that of a perfect prediction, against flux, neutrons, efficiency and the other scale."""

    def value(theta: FloatArray) -> float:
        flux, neutrons, efficiency, other = (*theta, 0.0)[:4]
        first = model.datasets[0]
        (signal, changes), kinked = first.signal("contact", parameters), model.kinked.any()
        background, (up, down) = first.measurement.backgrounds["neutrons"], changes["efficiency"]
        moved = signal + efficiency * up if efficiency >= 0 or down is None else signal - efficiency * down
        expected = (1 + flux) * moved
        expected = expected + (1 + neutrons) * background * (
            1 + (0.04 if kinked and efficiency < 0 else 0.1) * efficiency
        )
        if (expected <= 0).any():
            return 1e6
        observed = first.measurement.observed
        logs = [float(np.sum(poisson.logpmf(observed, mean))) for mean in (expected, observed)]
        total: float = 2 * (logs[1] - logs[0]) + (flux / FLUX) ** 2 + (neutrons / BACKGROUND) ** 2 + efficiency**2
        for dataset in model.datasets[1:]:
            scale = 1 + flux + other
            residual = dataset.measurement.observed - scale * dataset.signal("contact", parameters)[0]
            total += float(((residual / dataset.measurement.errors) ** 2).sum()) + (other / OTHER) ** 2
        return float(total)

    return value


POINTS = [{}, {"eps_ee_dV": 0.2, "eps_mumu_uV": -0.1}, {"eps_emu_dV": 0.15, "eps_etau_uV_imag": 0.3}]


@pytest.mark.parametrize("parameters", POINTS, ids=range(3))
def test_chi2_is_the_likelihood_at_the_best_nuisances(made: Model, parameters: dict[str, float]) -> None:
    function = written_out(made, parameters)
    settings: Any = {"method": "Nelder-Mead", "options": {"xatol": 1e-8, "fatol": 1e-11, "maxfev": 9999}}
    found = minimize(function, np.zeros(len(made.nuisances)), **settings)
    assert float(chi2_at(made, "contact", parameters)) == pytest.approx(found.fun, abs=1e-7)


def charges_at(model: Model, parameters: dict[str, float]) -> FloatArray:
    epsilon, couplings = contact(parameters), model.couplings_at({})
    return np.array([[float(weak_charge_squared(n, row, epsilon, couplings)) for row in ROWS for n in model.nuclides]])


@pytest.mark.parametrize("parameters", POINTS, ids=range(3))
def test_derivatives_in_the_charges_are_those_of_chi2(made: Model, parameters: dict[str, float]) -> None:
    charges = charges_at(made, parameters)
    chi2, gradient, hessian = charge_derivatives(made, charges)
    assert chi2[0] == pytest.approx(float(chi2_at(made, "contact", parameters)), rel=1e-11)
    for k in range(charges.shape[1]):
        step = 0.5 * np.eye(charges.shape[1])[k]
        up, down = charge_derivatives(made, charges + step), charge_derivatives(made, charges - step)
        np.testing.assert_allclose(gradient[:, k], up[0] - down[0], rtol=1e-5, atol=1e-8)
        # a gradient is good to 1e-10, where a descent ends
        np.testing.assert_allclose(hessian[:, k], up[1] - down[1], rtol=5e-4, atol=2e-10)


def test_a_nuisance_that_rests_does_not_follow(made: Model) -> None:
    """With a floor of the background's scale that the counts would have lower."""
    first = made.datasets[0]
    nuisances = tuple(replace(n, least=0.5) if n.name == "neutrons" else n for n in first.nuisances)
    held = replace(made, datasets=(replace(first, nuisances=nuisances), *made.datasets[1:]))
    charges = charges_at(held, {})
    assert profiled(held, "contact", {}).nuisances[0, 1] == 0.5
    _, gradient, hessian = charge_derivatives(held, charges)
    step = 0.5 * np.eye(charges.shape[1])[0]
    up, down = charge_derivatives(held, charges + step), charge_derivatives(held, charges - step)
    assert gradient[0, 0] == pytest.approx(float(up[0][0] - down[0][0]), rel=1e-5)
    assert hessian[0, 0, 0] == pytest.approx(float(up[1][0, 0] - down[1][0, 0]), rel=5e-4)


def test_couplings_are_minimised_over_for_any_likelihood(made: Model) -> None:
    domain = {"eps_ee_uV": (-0.4, 0.3), "eps_mumu_dV": (-0.2, 0.5), "eps_emu_uV": (-0.1, 0.2)}
    found = float(contact_chi2(made, {"eps_etau_dV": 0.2}, domain))
    assert found == pytest.approx(least(made, {"eps_etau_dV": 0.2}, domain, 1, starts=3), abs=1e-6)


def test_a_matter_parameter_is_minimised_at_for_any_likelihood(made: Model) -> None:
    domain = {"eps_ee_uV": (-0.5, 0.5), "eps_ee_dV": (-0.5, 0.5)}
    found = float(contact_chi2(made, {"eps_ee_matter": 0.7}, domain))
    assert found == pytest.approx(least(made, {"eps_ee_matter": 0.7}, domain, 2, starts=3), abs=1e-6)


def test_one_name_is_one_parameter(made: Model) -> None:
    other = replace(made.datasets[0].nuisances[0], sigma=0.2)
    second = replace(made.datasets[0], nuisances=(other,), varied={})
    with pytest.raises(ValueError, match=r"nuisance flux: sigma 0.1 and 0.2 in two data sets"):
        replace(made, datasets=(made.datasets[0], second)).nuisances  # noqa: B018


def test_independent_data_sets_add_up(made: Model) -> None:
    """Once no nuisance is shared."""
    if len(made.datasets) == 1:
        return
    own = replace(made.datasets[1], nuisances=made.datasets[1].nuisances[1:])
    apart = [replace(made, datasets=(dataset,)) for dataset in (made.datasets[0], own)]
    both = replace(made, datasets=(made.datasets[0], own))
    for parameters in POINTS:
        total = sum(float(chi2_at(model, "contact", parameters)) for model in apart)
        assert float(chi2_at(both, "contact", parameters)) == pytest.approx(total, rel=1e-12)


def test_nuisances_of_what_is_not_there_are_refused(made: Model) -> None:
    first = made.datasets[0]
    with pytest.raises(ValueError, match=r"nuisance x: 'muons' is no sample; expected one of signal, neutrons"):
        replace(first, nuisances=(*first.nuisances, Nuisance(name="x", sigma=1.0, scales=("muons",))))
    with pytest.raises(ValueError, match=r"varied templates of 'efficiency', which is no nuisance"):
        replace(first, nuisances=first.nuisances[:2])


@pytest.mark.parametrize(("analysis", "nucleons"), [("csi_2021", [(55, 78), (53, 74)]), ("lar_2020", [(18, 22)])])
def test_a_cross_section_of_points_averaged_over_the_flux(
    analysis: str, nucleons: list[tuple[int, int]], model: Callable[..., Model]
) -> None:
    """Of a form factor of one Eq. 3 over all recoils is G_F^2 Q^2 E^2 / pi, with Q the charge and E the energy."""
    of_decays = [PROMPT_ENERGY_MEV**2, MUON_MASS_MEV**2 / 10, 2 * MUON_MASS_MEV**2 / 15]  # mean E^2 by flavor, Eq. 2
    charges = [z * (0.5 - 2 * SIN2_THETA_W) - n / 2 for z, n in nucleons]
    expected = G_FERMI**2 / np.pi * np.mean(np.square(charges)) * np.mean(of_decays) * (HBARC_MEV_FM * 1e-13) ** 2
    found = flux_averaged_cross_section_cm2(model(analysis, form_factor="point").analysis)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("analysis", ["release", "csi_2017", "csi_2021", "lar_2020", "joint", "csi_2021_radius"])
def test_a_model_that_was_sent_to_another_process_is_the_same(analysis: str) -> None:
    """With spectra that were asked for and those that were not."""
    here = named(analysis)
    there = pickle.loads(pickle.dumps(here))
    for name, interaction in INTERACTIONS.items():
        own = (each for each in interaction.own.values() if each.name not in MATTER_PARAMETERS)
        values = {each.name: np.array(each.usual[1]) for each in own}
        theirs, ours = (model.datasets[0].signal(name, values)[0] for model in (there, here))
        np.testing.assert_array_equal(theirs, ours)
