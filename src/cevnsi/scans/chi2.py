"""Chi2 at parameters, least over what a scan minimises over: by a fast way where one holds, else the plain one."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray, Real
from cevnsi.domains import ChargeDerivatives, Domain, InRows, least_over_domain
from cevnsi.fast.contraction import contraction_of, has_contraction
from cevnsi.fast.coupling_domain import MOST_EDGES, handles, polygon_minimum
from cevnsi.fast.free_rows import least_in_rows
from cevnsi.fast.poisson import (
    ARRAYS_BY_POINT,
    Following,
    derivatives_over_nuisances,
    is_handled,
    least_over_nuisances,
)
from cevnsi.model import (
    VALUES_AT_ONCE,
    Model,
    at_standard_model,
    charge_derivatives,
    chi2_at,
    farthest_charges,
    held_at,
    is_of_charges,
    standard_model_chi2,
)
from cevnsi.parameters import CEVNS_NORMALIZATION, Axis, Combination, expanded
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.scans.axes import STANDARD_MODEL, Scan
from cevnsi.statistics.intervals import least_value


def is_cheap(interaction: str) -> bool:
    """Whether a point costs a few products; one that is summed over nodes costs hundreds of times as much."""
    return INTERACTIONS[interaction].expansion is not None


def chi2(
    model: Model,
    interaction: str,
    parameters: Mapping[str, Real],
    domain: Domain,
    combinations: Mapping[str, Combination] = {},
    in_rows: InRows = least_in_rows,
) -> FloatArray:
    """Chi2 at parameters, least over a domain of contact couplings and combinations of them; values broadcast.

    Of two or more dimensions the last is a row (`least_over_nuisances`), which nobody may cut. A nuisance that is named
    is held there, and its prior counts. `in_rows` is what finds it where some coupling has no bounds. ValueError of a
    domain where counts depend on more than charges squared.
    """
    held = {nuisance.name for nuisance in model.nuisances} | ({CEVNS_NORMALIZATION} if domain else set())
    if not held.isdisjoint(parameters):
        return _value_by_value(model, interaction, parameters, domain, combinations, sorted(held & parameters.keys()))
    contracted = has_contraction(model)
    if domain:
        couplings, parameters = at_standard_model(model, parameters)
        derivatives: ChargeDerivatives = partial(charge_derivatives, model)
        following: Callable[[], Following] | None = None
        unbounded = any(np.isinf(end).any() for ends in domain.values() for end in ends)
        farthest = farthest_charges(model) if unbounded else None
        if contracted:
            contraction = contraction_of(model, interaction, {})
            if handles(model.nuclides, domain, combinations):
                most = np.inf if farthest is None else float(farthest.max())
                return polygon_minimum(
                    contraction, model.nuclides[0], parameters, domain, couplings, combinations, most
                )
            derivatives = contraction.derivatives
        elif is_handled(model):
            derivatives = partial(derivatives_over_nuisances, model, interaction)
            following = partial(Following, model=model, interaction=interaction)
        return least_over_domain(
            derivatives,
            model.nuclides,
            parameters,
            domain,
            couplings,
            combinations,
            following=following,
            farthest=farthest,
            in_rows=in_rows,
        )
    parameters = expanded(parameters, combinations)
    terms = INTERACTIONS[interaction].terms
    if parts := _in_parts(model, interaction, parameters):
        return np.concatenate([chi2(model, interaction, part, domain) for part in parts])
    if contracted and is_cheap(interaction):
        contraction = contraction_of(model, interaction, parameters)
        return np.asarray(contraction.chi2(terms.coefficients(model.dataset.recoils, parameters)))
    if is_handled(model):
        return least_over_nuisances(model, interaction, parameters)
    return chi2_at(model, interaction, parameters)


def _value_by_value(
    model: Model,
    interaction: str,
    parameters: Mapping[str, Real],
    domain: Domain,
    combinations: Mapping[str, Combination],
    held: Sequence[str],
) -> FloatArray:
    """Chi2 where nuisances are held, or the signal is scaled: of all points that share their values at once."""
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters.values()))
    flat = {name: np.broadcast_to(value, shape).ravel() for name, value in parameters.items()}
    values, which = np.unique(np.stack([flat.pop(name) for name in held], axis=1), axis=0, return_inverse=True)
    found = np.empty(which.size)
    for i, value in enumerate(values.tolist()):
        mine = np.flatnonzero(which.ravel() == i)
        there, prior = held_at(model, dict(zip(held, value, strict=True)))
        here = {name: at[mine] for name, at in flat.items()}
        found[mine] = prior + chi2(there, interaction, here, domain, combinations)
    return found.reshape(shape)


def _in_parts(model: Model, interaction: str, parameters: Mapping[str, Real]) -> list[dict[str, Real]]:
    """Parameters cut along their first axis, lest the templates that they shape need memory by point; none if few."""
    shaping = INTERACTIONS[interaction].terms.shaping
    shapes = math.prod(np.broadcast_shapes(*(np.shape(parameters[name]) for name in shaping if name in parameters)))
    nodes = max(dataset.templates.recoil_energy_mev.size for dataset in model.datasets)
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters.values()))
    most = max(VALUES_AT_ONCE // nodes, 1)
    if shapes <= most or shape[0] == 1:
        return []
    step = max(shape[0] * most // shapes, 1)

    def cut(value: Real, first: int) -> Real:
        whole = np.asarray(value)
        return whole[first : first + step] if whole.ndim == len(shape) and len(whole) > 1 else whole

    return [{name: cut(value, i) for name, value in parameters.items()} for i in range(0, shape[0], step)]


def is_exact(
    model: Model,
    interaction: str,
    axis: Axis,
    named: Iterable[str],
    combinations: Mapping[str, Combination] = {},
) -> bool:
    """Whether chi2 is minimised over an axis in a domain, where these are all parameters; else the axis is sampled."""
    has_domain = INTERACTIONS[interaction].has_domain(axis.name, combinations)
    return has_domain and is_of_charges(model, expanded(dict.fromkeys(named, 0.0), combinations))


def least_chi2(
    model: Model,
    interaction: str,
    parameters: Mapping[str, Real],
    domain: Domain,
    over: Sequence[Axis] = (),
    combinations: Mapping[str, Combination] = {},
    in_rows: InRows = least_in_rows,
) -> FloatArray:
    """Chi2 at parameters, least over the domain and over axes between their ends; values broadcast.

    What has no domain is sampled at the axis' points, and each sampled minimum is followed down. ValueError as that of
    `chi2`.
    """
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters.values()))
    named = [*parameters, *(axis.name for axis in over)]
    exact = [axis for axis in over if is_exact(model, interaction, axis, named, combinations)]
    domain = {**domain, **{axis.name: (axis.minimum, axis.maximum) for axis in exact}}
    if len(exact) == len(over):
        return np.broadcast_to(chi2(model, interaction, parameters, domain, combinations, in_rows), shape)
    axis, *rest = (axis for axis in over if axis not in exact)
    point = {name: np.broadcast_to(value, shape).ravel() for name, value in parameters.items()}

    def at(coordinate: FloatArray, row: NDArray[np.intp]) -> FloatArray:
        here = {name: value[row] for name, value in point.items()}
        return least_chi2(model, interaction, {**here, axis.name: axis.value(coordinate)}, domain, rest, combinations)

    spread = {name: np.asarray(value)[..., None] for name, value in parameters.items()}
    samples = least_chi2(model, interaction, {**spread, axis.name: axis.values()}, domain, rest, combinations)
    return least_value(at, axis.coordinates(), samples.reshape(-1, axis.points)).reshape(shape)


def reference(model: Model, scan: Scan, least: Callable[[], float]) -> float:
    """What delta chi2 of a scan is from; `least` is asked for where that is the least chi2."""
    if scan.reference == "minimum":
        return least()
    return standard_model_chi2(model) if scan.reference == STANDARD_MODEL else 0.0


def points_at_once(
    model: Model,
    interaction: str,
    domain: Domain,
    over: Sequence[Axis],
    named: Sequence[str] = (),
    combinations: Mapping[str, Combination] = {},
) -> int:
    """How many points at named parameters a call may have, lest memory grow with them."""
    made, named = INTERACTIONS[interaction], [*named, *(axis.name for axis in over)]
    sampled = [axis for axis in over if not is_exact(model, interaction, axis, named, combinations)]
    samples = math.prod(axis.points for axis in sampled)  # at every point
    if made.has_domains and not made.terms.shaped_by(named):
        return max(VALUES_AT_ONCE // (MOST_EDGES * samples), 1)
    nodes = max(dataset.templates.recoil_energy_mev.size for dataset in model.datasets)
    if is_handled(model):  # templates are made once for all points that share them
        shapes = math.prod(axis.points for axis in over if axis.name in made.terms.shaping)
        return max(VALUES_AT_ONCE // max(nodes * shapes, ARRAYS_BY_POINT * samples), 1)
    return max(VALUES_AT_ONCE // (nodes * samples), 1)
