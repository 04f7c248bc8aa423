"""Where shapes of CsI 2021 would make counts of an empty bin negative: chi2 at that wall against SLSQP along it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from cevnsi.arrays import FloatArray
from cevnsi.fast import poisson
from cevnsi.fast.poisson import least_over_nuisances
from cevnsi.model import Model, chi2_at, of_one_point, profiled
from cevnsi.statistics.nuisances import limits, precisions


@pytest.mark.parametrize("coupling", [1.3335e-4, 1.4962e-4])
def test_the_least_chi2_is_found_along_a_wall(coupling: float, model: Callable[..., Model]) -> None:
    used, point = model("csi_2021"), {"mediator_mass_mev": 1.0, "coupling": coupling}
    (dataset,) = used.datasets
    found, empty = profiled(used, "light_mediator", point), dataset.measurement.observed == 0
    expected, one = used.expected([of_one_point(dataset.signal("light_mediator", point))]), np.array([0])

    def of(theta: FloatArray) -> FloatArray:
        return expected(theta[None], one)[0]

    def chi2(theta: FloatArray) -> float:
        return float(used.likelihood(np.maximum(of(theta), 1e-12))[0][0] + precisions(used.nuisances) @ theta**2)

    assert of(found.nuisances[0])[0][empty].min() < 1e-6
    least, most = limits(used.nuisances)
    bounds = [(max(low, -6.0), min(high, 6.0)) for low, high in zip(least, most, strict=True)]
    above: Any = {"type": "ineq", "fun": lambda theta: of(theta)[0] - 1e-9}
    settings: Any = {"method": "SLSQP", "bounds": bounds, "constraints": above}
    settings["options"] = {"maxiter": 500, "ftol": 1e-10}
    random, ends = np.random.default_rng(3), []
    for _ in range(3):
        start = np.clip(found.nuisances[0] + random.normal(0, 0.05, len(bounds)), *np.transpose(bounds))
        made = minimize(chi2, start, **settings)
        if (of(made.x)[0] > 0).all():
            ends.append(float(made.fun))
    assert found.chi2[0] == pytest.approx(float(chi2_at(used, "light_mediator", point)), rel=1e-12)
    assert min(ends) == pytest.approx(float(found.chi2[0]), abs=1e-3)
    assert found.chi2[0] <= min(ends) + 1e-6


def test_rows_beside_a_wall_are_the_plain_way(model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch) -> None:
    """Which they do not ask: also where descents from their neighbours end in a higher minimum."""
    used = model("csi_2021")
    masses, couplings = np.geomspace(1, 1e4, 401)[[0, 155, 161, 168]], np.geomspace(1e-6, 1e-1, 801)
    some = slice(330, 380, 7)
    plane = {"mediator_mass_mev": masses[:, None], "coupling": couplings[some]}
    plain = chi2_at(used, "light_mediator", plane)

    def refused(*_: object) -> None:
        raise AssertionError("the plain way was asked")

    monkeypatch.setattr(poisson, "chi2_at", refused)
    whole = least_over_nuisances(used, "light_mediator", {**plane, "coupling": couplings})
    np.testing.assert_allclose(whole[:, some], plain, atol=1e-7)
