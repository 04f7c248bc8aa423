"""Chi2 on a grid of parameters, in chunks of rows of the first axis, each profiled onto the axes that are kept."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.config import Analysis, Scan
from cevnsi.flux import FLAVORS
from cevnsi.interactions import (
    ROW_OF_FLAVOR,
    ROWS,
    contact,
    mediator_coupling_scale,
    standard_model_charge,
    weak_charge_squared,
)
from cevnsi.likelihood import Contraction, Measurement, contract, profiled_chi2
from cevnsi.profile import profiled_minimum
from cevnsi.templates import Templates

FloatArray = NDArray[np.float64]

POINTS_PER_BLOCK = 1_000_000  # bounds the memory of a chunk: a few arrays of this many float64 at a time


@dataclass(frozen=True)
class Model:
    """Everything that chi2 at a point needs but the point."""

    analysis: Analysis
    templates: Templates
    measurement: Measurement

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


def contact_chi2(model: Model, parameters: dict[str, Any], domain: dict[str, tuple[float, float]]) -> Any:
    """Chi2 of contact couplings (Eqs. 7 and 10), minimised over the domain; values broadcast."""
    nuclides, sin2 = model.templates.nuclides, model.analysis.sin2_theta_w
    if domain:
        return profiled_minimum(model.contraction, nuclides, parameters, domain, sin2)
    epsilon = contact(parameters)
    return model.contraction.chi2([weak_charge_squared(n, row, epsilon, sin2) for row in ROWS for n in nuclides])


def _mediator_templates(model: Model, mediator_mass_mev: float) -> FloatArray:
    """Counts as a polynomial in g^2 at one mass: coefficients (3, bins) of 1, g^2 and g^4 (Eq. 6 squared)."""
    events = model.templates.events.sum(axis=0)  # (nuclides, nodes)
    starts = np.searchsorted(model.templates.node_bin, np.arange(model.measurement.observed_counts.size))
    result = np.zeros((3, starts.size))
    for i, nuclide in enumerate(model.templates.nuclides):
        charge = standard_model_charge(nuclide, model.analysis.sin2_theta_w)
        scale = mediator_coupling_scale(model.templates.momentum_transfer_squared[i], mediator_mass_mev)
        shift = 3 * nuclide.mass_number * scale
        for power, factor in enumerate((charge**2, 2 * charge * shift, shift**2)):
            result[power] += np.add.reduceat(events[i] * factor, starts)
    return result


def mediator_chi2(model: Model, mediator_mass_mev: FloatArray, coupling: FloatArray) -> FloatArray:
    """Chi2 of a universal light vector mediator (Eqs. 6 and 7) for masses (m,) and couplings (c,): (m, c)."""
    x = coupling**2
    chi2 = np.empty((mediator_mass_mev.size, coupling.size))
    for i, mass in enumerate(mediator_mass_mev):
        inner = contract(model.measurement, _mediator_templates(model, mass), model.analysis.normalization_uncertainty)
        b, g = inner.data_template, inner.template_template
        data_prediction = b[0] + x * (b[1] + x * b[2])
        square = g[0, 0] + x * (2 * g[0, 1] + x * (2 * g[0, 2] + g[1, 1] + x * (2 * g[1, 2] + x * g[2, 2])))
        chi2[i] = profiled_chi2(inner.data_data, data_prediction, square, inner.penalty)
    return chi2


def _block_chi2(model: Model, scan: Scan, axis_values: list[FloatArray]) -> FloatArray:
    """Chi2 on the outer product of these axis values."""
    shape = tuple(values.size for values in axis_values)
    names = [axis.name for axis in scan.axes]
    if scan.interaction == "light_mediator":
        values = dict(zip(names, axis_values, strict=True))  # both of its parameters are axes
        chi2 = mediator_chi2(model, values["mediator_mass_mev"], values["coupling"])
        return (chi2 if names.index("mediator_mass_mev") == 0 else chi2.T).reshape(shape)
    parameters: dict[str, Any] = dict(scan.fixed)
    for i, (name, values_i) in enumerate(zip(names, axis_values, strict=True)):
        parameters[name] = values_i.reshape([-1 if j == i else 1 for j in range(len(names))])
    return np.broadcast_to(contact_chi2(model, parameters, scan.profile), shape)


def scan_rows(model: Model, scan: Scan, start: int, stop: int) -> dict[tuple[str, ...], FloatArray]:
    """Chi2 on rows start..stop of the first axis, minimised over the axes that each projection leaves out.

    Works through blocks of bounded size, so memory does not grow with the grid; a projection that keeps the first axis
    has its rows in order, one that does not holds the minimum over these rows.
    """
    values = [axis.values() for axis in scan.axes]
    names = [axis.name for axis in scan.axes]
    parts: dict[tuple[str, ...], list[FloatArray]] = {projection: [] for projection in scan.projections}
    step = max(1, POINTS_PER_BLOCK // math.prod(scan.shape[1:]))
    for first in range(start, stop, step):
        block = _block_chi2(model, scan, [values[0][first : min(first + step, stop)], *values[1:]])
        for projection, kept in parts.items():
            left_out = tuple(i for i, name in enumerate(names) if name not in projection)
            reduced = block.min(axis=left_out) if left_out else block
            if names[0] in projection or not kept:
                kept.append(reduced)
            else:
                kept[0] = np.minimum(kept[0], reduced)
    return {projection: np.concatenate(kept) if len(kept) > 1 else kept[0] for projection, kept in parts.items()}
