"""The baselines that the library's speed is compared with give the library's chi2."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from baselines import Experiment, bin_events, bins_chi2, bins_mediator_chi2, quad_chi2, rate_nodes
from cevnsi.experiments.response import Acceptance
from cevnsi.model import Model
from cevnsi.parameters import CONTACT_PARAMETERS
from points import contact_chi2, mediator_chi2

Tables = Callable[[str], dict[str, dict[str, Any]]]

TARGETS = [(analysis, nuclei) for analysis in ("paper", "release") for nuclei in ("mean", "cs_and_i")]


def experiment_of(model: Model, tables: Tables) -> Experiment:
    table = tables(model.analysis.dataset)["acceptance"]
    return Experiment(
        model.analysis,
        model.dataset.measurement,
        Acceptance(photoelectrons=table["photoelectrons"], fraction=table["acceptance"]),
    )


def random_couplings(seed: int, *shape: int, largest: float = 1.0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(-largest, largest, shape) for name in CONTACT_PARAMETERS}


# quad over the release's acceptance, a table in steps of 0.05 photoelectrons, takes a second or two for a point
@pytest.mark.parametrize(
    ("analysis", "nuclei", "points"), [(*target, 4 if target[0] == "paper" else 1) for target in TARGETS]
)
def test_quad(analysis: str, nuclei: str, points: int, model: Callable[..., Model], tables: Tables) -> None:
    used = model(analysis, nuclei=nuclei)
    experiment = experiment_of(used, tables)
    for seed in range(points):
        # small ones, as the pull makes up for much of a count that is too large
        parameters = {name: float(value) for name, value in random_couplings(seed, largest=0.05).items()}
        # quad promises 1.5e-8 of each integral
        assert quad_chi2(experiment, parameters) == pytest.approx(float(contact_chi2(used, parameters, {})), rel=2e-8)


@pytest.mark.parametrize(("analysis", "nuclei"), TARGETS)
def test_bins(analysis: str, nuclei: str, model: Callable[..., Model], tables: Tables) -> None:
    used = model(analysis, nuclei=nuclei)
    experiment = experiment_of(used, tables)
    events = bin_events(rate_nodes(experiment))
    x = np.linspace(-1, 1, 30)
    for parameters in (
        random_couplings(7, 200),
        random_couplings(8),
        {"eps_ee_dV": x[:, None], "eps_ee_uV": x},
        {"eps_ee_dV": x[:, None], "eps_mumu_dV": x},
        {"eps_mutau_dV": x[:, None], "eps_mutau_dV_imag": x, "eps_mumu_uV": 0.1},
        {},
    ):
        expected = contact_chi2(used, parameters, {})
        # both quadratures are good to rounding, and so are the sums over bins
        np.testing.assert_allclose(bins_chi2(experiment, events, parameters), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize(("analysis", "nuclei"), TARGETS)
def test_bins_of_a_light_mediator(analysis: str, nuclei: str, model: Callable[..., Model], tables: Tables) -> None:
    used = model(analysis, nuclei=nuclei)
    experiment = experiment_of(used, tables)
    mass, coupling = np.geomspace(1, 1e4, 11)[:, None], np.geomspace(1e-6, 1e-1, 31)
    found = bins_mediator_chi2(experiment, rate_nodes(experiment), mass, coupling)
    # the library's polynomial in g^2 cancels where the charge is near zero
    np.testing.assert_allclose(found, mediator_chi2(used, mass, coupling), rtol=1e-10, atol=0)
