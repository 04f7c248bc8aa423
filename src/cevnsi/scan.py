"""Chi2 on a grid of parameters, in rows of its first axis, least over what the scan minimises over.

Chi2 at a point is `contact_chi2` and `mediator_chi2`. On a grid the same inner products are polynomials along a line
(`charge_along`, `Contraction.chi2_along`), which `lines` evaluates at the speed of memory.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.config import Analysis, Axis, Scan
from cevnsi.flux import FLAVORS
from cevnsi.interactions import (
    EPSILON,
    ROW_OF_FLAVOR,
    ROWS,
    charge_along,
    contact,
    mediator_coupling_scale,
    quark_numbers,
    standard_model_charge,
    weak_charge_squared,
)
from cevnsi.intervals import least_value
from cevnsi.likelihood import Contraction, Measurement, contract
from cevnsi.lines import ROWS_TOGETHER, Line, pieces
from cevnsi.profile import profiled_minimum
from cevnsi.templates import Templates, predicted_counts

FloatArray = NDArray[np.float64]
Block = tuple[slice, ...]

# These bound the memory of a chunk by thread.
POINTS_PER_BLOCK = 4_000_000
VALUES_AT_ONCE = 200_000  # of arrays of which a few dozen are needed: points minimised at, or nodes times masses


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
        epsilon = EPSILON[interaction](templates.momentum_transfer_squared[i], **at_nodes)
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


def _line(model: Model, scan: Scan) -> Line:
    """The axis that chi2 is made along: the last one of contact parameters, the coupling squared of a light mediator.

    In a piece, expanded about its middle, a contact amplitude moves by about the SM charge at most, lest large terms
    cancel; Eq. 6 is expanded about no coupling.
    """
    if scan.interaction == "light_mediator":
        coupling = scan.axis("coupling").values()
        runs = pieces(coupling)
        return Line(np.square(coupling), runs, np.zeros(len(runs)))
    nuclides, sin2 = model.templates.nuclides, model.analysis.sin2_theta_w
    values = scan.axes[-1].values()
    runs = pieces(
        values, min(3 * abs(standard_model_charge(n, sin2)) / max(quark_numbers(n).values()) for n in nuclides)
    )
    return Line(values, runs, np.array([(values[run][0] + values[run][-1]) / 2 for run in runs]))


def _fill_contact(model: Model, parameters: Mapping[str, Any], name: str, line: Line, out: FloatArray) -> None:
    """Chi2 along contact parameter `name` into out (..., points), at `parameters` that broadcast to (..., 1)."""
    sin2, along = model.analysis.sin2_theta_w, {**parameters, name: line.about}
    charges = [charge_along(n, row, along, name, sin2) for row in ROWS for n in model.templates.nuclides]
    lines = out.shape[:-1]
    quartics = np.empty((2, 5, len(line.runs), *lines))
    for filled, terms in zip(quartics, model.contraction.chi2_along(list(zip(*charges, strict=True))), strict=True):
        for target, term in zip(filled, terms, strict=True):
            target[:] = np.moveaxis(np.broadcast_to(term, (*lines, len(line.runs))), -1, 0)
    line.fill(quartics.reshape(2, 5, len(line.runs), -1), out.reshape(-1, out.shape[-1]))


def _fill_mediator(
    model: Model, mediator_mass_mev: FloatArray, first_coupling: int, line: Line, out: FloatArray
) -> None:
    """Chi2 into out (masses, couplings), from the coupling with this number on."""
    quartics: FloatArray = np.array(mediator_contraction(model, mediator_mass_mev).chi2_along(np.eye(3).tolist()))
    every_piece = (2, 5, len(line.runs), mediator_mass_mev.size)
    line.fill(np.broadcast_to(quartics[:, :, None], every_piece), out, first_coupling)


def _fill(model: Model, scan: Scan, axes: Mapping[str, FloatArray], line: Line, block: Block, out: FloatArray) -> None:
    """Chi2 on a block of the grid."""
    names = list(axes)
    if scan.interaction == "light_mediator" and not scan.over:
        where = dict(zip(names, block, strict=True))  # both of its parameters are axes
        masses = axes["mediator_mass_mev"][where["mediator_mass_mev"]]
        by_mass = out if names[0] == "mediator_mass_mev" else out.T
        _fill_mediator(model, masses, where["coupling"].start, line, by_mass)
        return
    parameters: dict[str, Any] = dict(scan.fixed)
    for i, (name, part) in enumerate(zip(names, block, strict=True)):
        parameters[name] = axes[name][part].reshape([-1 if j == i else 1 for j in range(len(names))])
    if scan.interaction == "contact" and not scan.profile and not scan.over:
        _fill_contact(model, parameters, names[-1], line, out)
    else:
        out[:] = least_chi2(model, scan.interaction, parameters, scan.profile, scan.over)


def _cut(ranges: Sequence[slice], points: int) -> Iterator[Block]:
    """A box in blocks of at most about so many points, each whole along the last axis."""
    sizes = [part.stop - part.start for part in ranges]
    cut = next(i for i in range(len(sizes)) if math.prod(sizes[i + 1 :]) <= points or i == len(sizes) - 2)
    step = max(1, points // math.prod(sizes[cut + 1 :]))
    if step > ROWS_TOGETHER:
        step -= step % ROWS_TOGETHER
    for outer in np.ndindex(*sizes[:cut]):
        single = tuple(slice(part.start + k, part.start + k + 1) for part, k in zip(ranges, outer, strict=False))
        for row in range(ranges[cut].start, ranges[cut].stop, step):
            yield (*single, slice(row, min(row + step, ranges[cut].stop)), *ranges[cut + 1 :])


def _blocks(model: Model, scan: Scan, start: int, stop: int) -> Iterator[Block]:
    """Rows start..stop of a scan's grid in blocks of bounded size, whole along the axis that chi2 is made along."""
    ranges = [slice(start, stop), *(slice(0, n) for n in scan.shape[1:])]
    nodes = model.templates.photoelectrons.size
    if scan.interaction == "light_mediator":
        by_mass = ranges[::-1] if scan.axes[0].name == "coupling" else ranges
        masses = VALUES_AT_ONCE // nodes
        points = min(POINTS_PER_BLOCK, masses * (by_mass[1].stop - by_mass[1].start))
        return (block if by_mass is ranges else block[::-1] for block in _cut(by_mass, points))
    if scan.interaction != "contact":
        samples = math.prod(axis.points for axis in scan.over)  # of what is left out, at every point
        return _cut(ranges, max(VALUES_AT_ONCE // (nodes * samples), 1))
    return _cut(ranges, VALUES_AT_ONCE if scan.profile or scan.over else POINTS_PER_BLOCK)


def scan_rows(
    model: Model,
    scan: Scan,
    start: int,
    stop: int,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> FloatArray:
    """Chi2 on rows start..stop of the first axis, (rows, further axes), least over what the scan minimises over.

    Works through blocks of bounded size, so that the memory it needs besides the result does not grow with the grid.
    `progress` is told the fraction done after every block, by one thread at a time.
    """
    axes = {axis.name: axis.values() for axis in scan.axes}
    grid = np.empty((stop - start, *scan.shape[1:]))
    line, lock, done = _line(model, scan), Lock(), 0

    def work(block: Block) -> None:
        nonlocal done
        chi2 = grid[(slice(block[0].start - start, block[0].stop - start), *block[1:])]
        _fill(model, scan, axes, line, block, chi2)
        if progress is not None:
            with lock:
                done += chi2.size
                progress(done / grid.size)

    if threads == 1:
        for block in _blocks(model, scan, start, stop):
            work(block)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, _blocks(model, scan, start, stop)))
    return grid
