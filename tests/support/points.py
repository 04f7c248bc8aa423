"""Chi2 at a point: the library's in a line of a test, and Eqs. 1, 7 and 10 written out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.experiments.measurement import Measurement
from cevnsi.model import DataSet, Model, of_one_point
from cevnsi.parameters import Parameter
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.interaction import Interaction, named
from cevnsi.physics.weak_charge import ROW_OF_FLAVOR, Epsilon, weak_charge_squared
from cevnsi.scans.chi2 import chi2
from cevnsi.statistics.nuisances import precisions


def contact_chi2(model: Model, parameters: Mapping[str, Any], domain: Mapping[str, tuple[float, float]]) -> FloatArray:
    """Of contact couplings, least over a domain."""
    return chi2(model, "contact", parameters, domain)


def mediator_chi2(model: Model, mediator_mass_mev: Any, coupling: Any) -> FloatArray:
    """Of a light mediator."""
    return chi2(model, "light_mediator", {"mediator_mass_mev": mediator_mass_mev, "coupling": coupling}, {})


def predicted_counts(dataset: DataSet, epsilon_by_nuclide: Sequence[Epsilon]) -> FloatArray:
    """Counts (flavors, bins) from epsilon at every node: the charge squared of Eq. 10 in Eq. 1."""
    templates = dataset.templates
    counts = np.zeros((len(FLAVORS), templates.detected.shape[0]))
    for i, flavor in enumerate(FLAVORS):
        for j, (nuclide, epsilon) in enumerate(zip(templates.nuclides, epsilon_by_nuclide, strict=True)):
            charge = weak_charge_squared(nuclide, ROW_OF_FLAVOR[flavor], epsilon, dataset.recoils.couplings_at({}))
            counts[i] += templates.detected @ (charge * templates.events[i, j])
    return counts


def eq_7(measurement: Measurement, predicted: FloatArray, pull: float, sigma: float) -> float:
    """Eq. 7 as written, before the pull is profiled."""
    residual = measurement.observed - predicted * (1 + pull)
    return float(((residual / measurement.errors) ** 2).sum() + (pull / sigma) ** 2)


def chi2_of_counts(measurement: Measurement, predicted: FloatArray, sigma: float) -> float:
    """Eq. 7 at the pull where its derivative vanishes."""
    weight = measurement.errors**-2
    scale = (weight @ (measurement.observed * predicted) + sigma**-2) / (weight @ predicted**2 + sigma**-2)
    residual = measurement.observed - scale * predicted  # 1 + pull keeps more digits than the pull, where it is small
    return float(weight @ residual**2 + ((scale - 1) / sigma) ** 2)


def by_epsilon(name: str, epsilon: Any, *parameters: str) -> Interaction:
    """An interaction of epsilon alone."""
    made = named(*(Parameter(name=each, tex=each, html=each, spoken=each) for each in parameters))
    return Interaction(name=name, own=made, epsilon=epsilon, zero_if_missing=False)


def sigma_of(model: Model) -> float:
    """The width of the one nuisance of Eq. 7."""
    (nuisance,) = model.nuisances
    assert nuisance.sigma is not None
    return nuisance.sigma


def nuisances_chi2(model: Model, parameters: Mapping[str, float]) -> Callable[[FloatArray], float]:
    """Chi2 of contact couplings against the nuisances (nuisances,), the plain way."""
    signals = [of_one_point(dataset.signal("contact", parameters)) for dataset in model.datasets]
    expected, precision = model.expected(signals), precisions(model.nuisances)

    def value(theta: FloatArray) -> float:
        counts = expected(theta[None], np.array([0]))[0]
        return float(model.likelihood(counts)[0][0] + precision @ theta**2)

    return value


def toy_chi2(model: Model, names: Sequence[str]) -> Callable[[FloatArray], float]:
    """Chi2 of contact couplings against those named and then the nuisances, (names + nuisances,), the plain way."""
    precision = precisions(model.nuisances)
    centre = np.array([nuisance.centre for nuisance in model.nuisances])

    def value(z: FloatArray) -> float:
        parameters = dict(zip(names, z[: len(names)].tolist(), strict=True))
        signals = [of_one_point(dataset.signal("contact", parameters)) for dataset in model.datasets]
        theta = z[len(names) :]
        counts = model.expected(signals)(theta[None], np.array([0]))[0]
        return float(model.likelihood(counts)[0][0] + precision @ (theta - centre) ** 2)

    return value
