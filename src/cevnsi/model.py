"""A model: what an analysis assumes, its templates and its measurement; and chi2 of it at parameters, the plain way."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.experiments.measurement import Measurement
from cevnsi.experiments.response import Acceptance, Exposure
from cevnsi.fast.coupling_domain import profiled_minimum
from cevnsi.parameters import Axis
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.form_factors import FORM_FACTORS
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.interactions.light_mediator import mediator_coupling_scale
from cevnsi.physics.nuclei import Nuclide
from cevnsi.physics.weak_charge import ROW_OF_FLAVOR, ROWS, contact, standard_model_charge, weak_charge_squared
from cevnsi.statistics.intervals import least_value
from cevnsi.statistics.likelihood import Contraction, contract
from cevnsi.templates import Templates, build_templates, predicted_counts

VALUES_AT_ONCE = 200_000  # of arrays of which a few dozen are needed: points minimised at, or nodes times masses


@dataclass(frozen=True)
class Analysis:
    """One set of assumptions about target, detector and data."""

    dataset: str
    nuclides: tuple[Nuclide, ...]
    form_factor: str
    sin2_theta_w: float
    exposure: Exposure
    photoelectron_range: tuple[float, float]
    normalization_uncertainty: float
    scans: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """Everything that chi2 at a point needs but the point."""

    analysis: Analysis
    templates: Templates
    measurement: Measurement

    @cached_property
    def standard_model_counts(self) -> FloatArray:
        """Counts that the standard model predicts, (bins,)."""
        counts: FloatArray = predicted_counts(
            self.templates, [{} for _ in self.templates.nuclides], self.analysis.sin2_theta_w
        ).sum(axis=0)
        return counts

    @cached_property
    def contraction(self) -> Contraction:
        """Inner products of the contact templates, ordered (e, mu) by nuclide."""
        per_bin = self.templates.per_bin()  # (flavors, nuclides, bins)
        by_row = [sum(per_bin[i] for i, flavor in enumerate(FLAVORS) if ROW_OF_FLAVOR[flavor] == row) for row in ROWS]
        return contract(self.measurement, np.concatenate(by_row), self.analysis.normalization_uncertainty)


def make_model(analysis: Analysis, templates: Templates, measurement: Measurement) -> Model:
    """The model of an analysis, cut to the bins that enter its chi2."""
    low, high = analysis.photoelectron_range
    return Model(analysis, templates.select(low, high), measurement.select(low, high))


def contact_chi2(model: Model, parameters: Mapping[str, Any], domain: Mapping[str, tuple[float, float]]) -> Any:
    """Chi2 of contact couplings (Eqs. 7 and 10), minimised over the domain; values broadcast."""
    nuclides, sin2 = model.templates.nuclides, model.analysis.sin2_theta_w
    if domain:
        return profiled_minimum(model.contraction, nuclides, parameters, domain, sin2)
    epsilon = contact(parameters)
    return model.contraction.chi2([weak_charge_squared(n, row, epsilon, sin2) for row in ROWS for n in nuclides])


def mediator_contraction(model: Model, mediator_mass_mev: FloatArray) -> Contraction:
    """Inner products, at masses of any shape, of the templates that 1, g^2 and g^4 multiply (Eq. 6 squared)."""
    events = model.templates.events.sum(axis=0)  # (nuclides, nodes)
    starts = np.searchsorted(model.templates.node_bin, np.arange(model.measurement.observed_counts.size))
    counts = np.zeros((3, *np.shape(mediator_mass_mev), starts.size))
    for i, nuclide in enumerate(model.templates.nuclides):
        charge, number = standard_model_charge(nuclide, model.analysis.sin2_theta_w), 3 * nuclide.mass_number
        scale = mediator_coupling_scale(model.templates.momentum_transfer_squared[i], mediator_mass_mev[..., None])
        weighted = events[i]
        for power, factor in enumerate((charge**2, 2 * charge * number, number**2)):
            if power:
                weighted = weighted * scale
            counts[power] += factor * np.add.reduceat(weighted, starts, axis=-1)
    return contract(model.measurement, counts, model.analysis.normalization_uncertainty)


def mediator_chi2(model: Model, mediator_mass_mev: FloatArray, coupling: Any) -> FloatArray:
    """Chi2 of a universal light vector mediator (Eqs. 6 and 7); the shape is what masses and couplings broadcast to."""
    x = np.square(coupling)
    chi2: FloatArray = mediator_contraction(model, np.asarray(mediator_mass_mev)).chi2([1.0, x, x * x])
    return chi2


def general_chi2(model: Model, interaction: str, parameters: Mapping[str, Any]) -> Any:
    """Chi2 of any interaction from its epsilon at every node (Eqs. 1, 7 and 10), with no shortcut; values broadcast.

    A few hundred times the work of `contact_chi2`, and what an interaction without a function of its own is scanned by.
    """
    templates, sin2 = model.templates, model.analysis.sin2_theta_w
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters.values()))
    most = max(VALUES_AT_ONCE // templates.photoelectrons.size, 1)
    if math.prod(shape) > most:  # block by block, lest memory grow with the points
        flat = {name: np.broadcast_to(value, shape).ravel() for name, value in parameters.items()}
        blocks = [slice(start, start + most) for start in range(0, math.prod(shape), most)]
        parts = [general_chi2(model, interaction, {name: v[b] for name, v in flat.items()}) for b in blocks]
        return np.concatenate(parts).reshape(shape)
    at_nodes = {name: np.asarray(value)[..., None] for name, value in parameters.items()}
    starts = np.searchsorted(templates.node_bin, np.arange(model.measurement.observed_counts.size))
    counts = np.zeros((*shape, starts.size))
    for i, nuclide in enumerate(templates.nuclides):
        epsilon = INTERACTIONS[interaction].epsilon(templates.momentum_transfer_squared[i], **at_nodes)
        for events, flavor in zip(templates.events[:, i], FLAVORS, strict=True):
            charge_squared = weak_charge_squared(nuclide, ROW_OF_FLAVOR[flavor], epsilon, sin2)
            counts += np.add.reduceat(charge_squared * events, starts, axis=-1)
    return contract(model.measurement, counts[None], model.analysis.normalization_uncertainty).chi2([1.0])


def chi2_at(
    model: Model, interaction: str, parameters: Mapping[str, Any], domain: Mapping[str, tuple[float, float]]
) -> Any:
    """Chi2 at parameters of an interaction, contact ones minimised over the domain; values broadcast."""
    if interaction == "contact":
        return contact_chi2(model, parameters, domain)
    if interaction == "light_mediator":
        return mediator_chi2(model, parameters["mediator_mass_mev"], parameters["coupling"])
    return general_chi2(model, interaction, parameters)


def has_contraction(interaction: str) -> bool:
    """Whether `chi2_at` contracts the bins of an interaction beforehand; others cost hundreds of times as much."""
    return interaction in ("contact", "light_mediator")


def minimises_over(interaction: str) -> bool:
    """Whether `chi2_at` has domains for the parameters of an interaction; others are sampled."""
    return interaction == "contact"


def least_chi2(
    model: Model,
    interaction: str,
    parameters: Mapping[str, Any],
    domain: Mapping[str, tuple[float, float]],
    over: Sequence[Axis] = (),
) -> FloatArray:
    """Chi2 at parameters, least over the domain and over axes between their ends; values broadcast.

    What `chi2_at` has no domain for is sampled at the axis' points, and each sampled minimum is followed down.
    """
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters.values()))
    if not over or minimises_over(interaction):
        within = {axis.name: (axis.minimum, axis.maximum) for axis in over}
        chi2 = chi2_at(model, interaction, parameters, {**domain, **within})
        return np.broadcast_to(np.asarray(chi2, dtype=float), shape)
    axis, *rest = over
    point = {name: np.broadcast_to(value, shape).ravel() for name, value in parameters.items()}

    def at(coordinate: FloatArray, row: Any) -> FloatArray:
        here = {name: value[row] for name, value in point.items()}
        return least_chi2(model, interaction, {**here, axis.name: axis.value(coordinate)}, domain, rest)

    spread = {name: np.asarray(value)[..., None] for name, value in parameters.items()}
    samples = least_chi2(model, interaction, {**spread, axis.name: axis.values()}, domain, rest)
    return least_value(at, axis.coordinates(), samples.reshape(-1, axis.points)).reshape(shape)


def analysis_templates(analysis: Analysis, measurement: Measurement, acceptance: Acceptance) -> Templates:
    """Templates of every bin of a measurement under the assumptions of an analysis."""
    return build_templates(
        measurement.bin_edges_pe,
        nuclides=analysis.nuclides,
        form_factor=FORM_FACTORS[analysis.form_factor],
        exposure=analysis.exposure,
        acceptance=acceptance,
    )
