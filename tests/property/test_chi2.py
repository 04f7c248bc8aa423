"""The fast ways to a chi2 against the slow generic one: nodes, predicted counts, Eq. 7."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from cevnsi.experiments.measurement import Measurement
from cevnsi.model import Model, chi2_at
from cevnsi.parameters import CONTACT_PARAMETERS
from cevnsi.physics.interactions.light_mediator import LIGHT_MEDIATOR
from cevnsi.physics.weak_charge import contact
from cevnsi.statistics.likelihoods import gaussian
from cevnsi.statistics.nuisances import Sample
from cevnsi.statistics.profile import profile
from points import chi2_of_counts, contact_chi2, eq_7, mediator_chi2, predicted_counts, sigma_of

# chi2 is a difference of sums of about 50, each with rounding of 1e-16 times a few dozen operations
ROUNDING = 1e-12

points = st.dictionaries(st.sampled_from(list(CONTACT_PARAMETERS)), st.floats(-1, 1, allow_subnormal=False), max_size=8)
positive = st.floats(0.01, 100.0)


def slow_chi2(model: Model, epsilon: list[Any]) -> float:
    counts = predicted_counts(model.dataset, epsilon).sum(axis=0)
    return chi2_of_counts(model.dataset.measurement, counts, sigma_of(model))


@pytest.mark.parametrize("analysis", ["paper", "release"])
@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
@given(parameters=points)
def test_contact_points(analysis: str, nuclei: str, model: Callable[..., Model], parameters: dict[str, float]) -> None:
    used = model(analysis, nuclei=nuclei)
    expected = slow_chi2(used, [contact(parameters) for _ in used.dataset.templates.nuclides])
    assert float(contact_chi2(used, parameters, {})) == pytest.approx(expected, rel=ROUNDING, abs=ROUNDING)
    assert float(chi2_at(used, "contact", parameters)) == pytest.approx(expected, rel=ROUNDING, abs=ROUNDING)


@pytest.mark.parametrize("nuclei", ["mean", "cs_and_i"])
@given(log_mass=st.floats(-1, 5), log_coupling=st.floats(-7, 0))
def test_mediator_points(nuclei: str, model: Callable[..., Model], log_mass: float, log_coupling: float) -> None:
    used = model("paper", nuclei=nuclei)
    mass, coupling = 10**log_mass, 10**log_coupling
    transfers = used.dataset.templates.momentum_transfer_squared
    epsilon = [LIGHT_MEDIATOR.epsilon(q2, mediator_mass_mev=mass, coupling=coupling) for q2 in transfers]
    found = mediator_chi2(used, np.array(mass), np.array(coupling))
    assert found == pytest.approx(slow_chi2(used, epsilon), rel=1e-10)  # the polynomial in g^2 cancels where Q_NSI is 0


@given(parameters=points)
def test_profiled_chi2_is_least_over_the_pull(model: Callable[..., Model], parameters: dict[str, float]) -> None:
    used = model("release")
    sigma = sigma_of(used)
    counts = predicted_counts(used.dataset, [contact(parameters)]).sum(axis=0)
    profiled = float(chi2_at(used, "contact", parameters))
    assert profiled <= eq_7(used.dataset.measurement, counts, 0.0, sigma) + 1e-12
    found = minimize_scalar(
        lambda pull: eq_7(used.dataset.measurement, counts, float(pull), sigma), bracket=(-1, 0.5), tol=1e-10
    )
    assert profiled == pytest.approx(found.fun, rel=1e-10)  # the minimum of a parabola, located to 1e-5 of its width


@given(
    data=st.lists(st.tuples(st.floats(-50, 50), positive, st.floats(0, 200)), min_size=1, max_size=6),
    pull=st.floats(-2, 2),
    sigma=st.floats(0.01, 2),
)
def test_no_pull_beats_the_profiled_chi2(data: list[tuple[float, float, float]], pull: float, sigma: float) -> None:
    observed, error, predicted = (np.array(column) for column in zip(*data, strict=True))
    measurement = Measurement(axes={"counts": np.arange(len(data) + 1.0)}, observed=observed, uncertainty=error)
    at_pull = eq_7(measurement, predicted, pull, sigma)
    # the profiled one is a difference of terms up to the data's chi2 plus 1 / sigma^2
    slack = 1e-12 * (1 + ((observed / error) ** 2).sum() + sigma**-2)
    fit = profile(
        lambda counts: gaussian(counts, observed, error),
        Sample(shape=predicted[None], scaled_by=np.ones(1), shifts={}).counts,
        np.array([sigma**-2]),
        np.zeros((1, 1)),
    )
    assert fit.chi2[0] <= at_pull + slack
    assert fit.chi2[0] == pytest.approx(chi2_of_counts(measurement, predicted, sigma), abs=slack)
