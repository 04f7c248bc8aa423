"""Chi2 at parameters, least over what a scan minimises over: by a fast way where one holds, else the plain one."""

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray, Real
from cevnsi.domains import Domain, least_over_domain
from cevnsi.fast.contraction import contraction_of, has_contraction
from cevnsi.fast.coupling_domain import MOST_EDGES, polygon_minimum
from cevnsi.fast.poisson_scales import (
    ARRAYS_BY_POINT,
    derivatives_over_scales,
    has_scales_alone,
    least_over_scales,
)
from cevnsi.model import VALUES_AT_ONCE, Model, charge_derivatives, chi2_at
from cevnsi.parameters import Axis
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.statistics.intervals import least_value


def is_cheap(interaction: str) -> bool:
    """Whether a point costs a few products; one that is summed over nodes costs hundreds of times as much."""
    return INTERACTIONS[interaction].expansion is not None


def chi2(model: Model, interaction: str, parameters: Mapping[str, Real], domain: Domain) -> FloatArray:
    """Chi2 at parameters, least over a domain of contact couplings; values broadcast.

    Of two or more dimensions the last is a row (`least_over_scales`), which nobody may cut.
    """
    sin2, dataset = model.analysis.sin2_theta_w, model.datasets[0]
    contracted = has_contraction(model)
    if domain:
        if not contracted:
            derivatives = partial(charge_derivatives, model)
            if has_scales_alone(model):
                derivatives = partial(derivatives_over_scales, model, interaction)
            return least_over_domain(derivatives, model.nuclides, parameters, domain, sin2)
        contraction = contraction_of(model, interaction, {})
        if len(model.nuclides) == 1:
            return polygon_minimum(contraction, model.nuclides[0], parameters, domain, sin2)
        return least_over_domain(contraction.derivatives, model.nuclides, parameters, domain, sin2)
    terms = INTERACTIONS[interaction].expansion
    if contracted and terms:
        contraction = contraction_of(model, interaction, parameters)
        return np.asarray(contraction.chi2(terms.coefficients(dataset.recoils, parameters)))
    if has_scales_alone(model):
        return least_over_scales(model, interaction, parameters)
    return chi2_at(model, interaction, parameters)


def least_chi2(
    model: Model, interaction: str, parameters: Mapping[str, Real], domain: Domain, over: Sequence[Axis] = ()
) -> FloatArray:
    """Chi2 at parameters, least over the domain and over axes between their ends; values broadcast.

    What has no domains is sampled at the axis' points, and each sampled minimum is followed down.
    """
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters.values()))
    if not over or INTERACTIONS[interaction].has_domains:
        within = {axis.name: (axis.minimum, axis.maximum) for axis in over}
        return np.broadcast_to(chi2(model, interaction, parameters, {**domain, **within}), shape)
    axis, *rest = over
    point = {name: np.broadcast_to(value, shape).ravel() for name, value in parameters.items()}

    def at(coordinate: FloatArray, row: NDArray[np.intp]) -> FloatArray:
        here = {name: value[row] for name, value in point.items()}
        return least_chi2(model, interaction, {**here, axis.name: axis.value(coordinate)}, domain, rest)

    spread = {name: np.asarray(value)[..., None] for name, value in parameters.items()}
    samples = least_chi2(model, interaction, {**spread, axis.name: axis.values()}, domain, rest)
    return least_value(at, axis.coordinates(), samples.reshape(-1, axis.points)).reshape(shape)


def points_at_once(model: Model, interaction: str, domain: Domain, over: Sequence[Axis]) -> int:
    """How many points a call may have, lest memory grow with them."""
    if INTERACTIONS[interaction].has_domains:
        return VALUES_AT_ONCE // MOST_EDGES
    nodes = max(dataset.templates.recoil_energy_mev.size for dataset in model.datasets)
    samples = math.prod(axis.points for axis in over)  # of what is left out, at every point
    if has_scales_alone(model):  # templates are made once for all points that share them
        shaping = INTERACTIONS[interaction].terms.shaping
        shapes = math.prod(axis.points for axis in over if axis.name in shaping)
        return max(VALUES_AT_ONCE // max(nodes * shapes, ARRAYS_BY_POINT * samples), 1)
    return max(VALUES_AT_ONCE // (nodes * samples), 1)
