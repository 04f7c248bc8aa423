"""Chi2 on a grid of parameters, in rows of its first axis, least over what the scan minimises over.

Chi2 at a point is `contact_chi2` and `mediator_chi2`. On a grid the same inner products are polynomials along a line
(`charge_along`, `Contraction.chi2_along`), which `lines` evaluates at the speed of memory.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.fast.lines import ROWS_TOGETHER, Line, pieces
from cevnsi.model import VALUES_AT_ONCE, Model, least_chi2, mediator_contraction
from cevnsi.physics.weak_charge import ROWS, charge_along, quark_numbers, standard_model_charge
from cevnsi.scans.axes import Scan

Block = tuple[slice, ...]

POINTS_PER_BLOCK = 4_000_000  # which, with VALUES_AT_ONCE, bounds the memory of a chunk by thread


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
