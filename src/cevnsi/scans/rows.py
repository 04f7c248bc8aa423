"""Chi2 on a grid of parameters, in rows of its first axis, least over what the scan minimises over.

Chi2 at a point is `scans.chi2`, of whole rows of the last axis at once. Where it is a quotient of quartics along an
axis (`Contraction.chi2_along`), and nothing is minimised over, `lines` fills the grid at the speed of memory.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

import numpy as np

from cevnsi.arrays import FloatArray, Real
from cevnsi.fast.contraction import contraction_of, has_contraction
from cevnsi.fast.lines import Line, pieces
from cevnsi.fast.poisson import ARRAYS_BY_POINT, is_handled
from cevnsi.model import VALUES_AT_ONCE, Model
from cevnsi.parameters import CEVNS_NORMALIZATION
from cevnsi.physics.interaction import Quadratic
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.scans.axes import Scan
from cevnsi.scans.chi2 import least_chi2, points_at_once
from cevnsi.scans.processes import in_processes, shared

Block = tuple[slice, ...]

BLOCKS_OF_WORKER = 4  # or more, lest one wait for another
POINTS_PER_BLOCK = 4_000_000  # which, with VALUES_AT_ONCE, bounds the memory of a chunk by thread


@dataclass(frozen=True, kw_only=True)
class _Along:
    """The axis along which a grid is filled line by line: the last, or of two axes the first."""

    name: str
    is_last: bool
    line: Line
    quadratic: Quadratic


def _along(model: Model, scan: Scan) -> _Along | None:
    """An axis along which coefficients are quadratic, expanded about the middle of each piece of it.

    None where chi2 has no contraction, something is minimised over at each point, or an axis is not the interaction's.
    """
    terms, known = INTERACTIONS[scan.interaction].expansion, INTERACTIONS[scan.interaction].parameters.keys()
    if terms is None or scan.domain or scan.over or not has_contraction(model):
        return None
    if not scan.named <= known - {CEVNS_NORMALIZATION}:
        return None
    candidates = scan.axes[-1:] + (scan.axes[:1] if len(scan.axes) == 2 else ())
    axis = next((axis for axis in candidates if axis.name in terms.quadratic), None)
    if axis is None:
        return None
    quadratic, values = terms.quadratic[axis.name], axis.values()
    reach = quadratic.reach(model.dataset.recoils)
    runs, variable = pieces(values, reach), quadratic.variable(values)
    # what has no reach has no large terms to cancel about zero
    middles = [0.0 if math.isinf(reach) else (variable[run][0] + variable[run][-1]) / 2 for run in runs]
    line = Line(variable, runs, np.array(middles))
    return _Along(name=axis.name, is_last=axis is scan.axes[-1], line=line, quadratic=quadratic)


def _fill_lines(
    model: Model, interaction: str, along: _Along, parameters: Mapping[str, Real], first: int, out: FloatArray
) -> None:
    """Chi2 into out (..., points) from the axis' point `first` on, at other parameters that broadcast to (..., 1)."""
    contraction = contraction_of(model, interaction, parameters)
    coefficients = along.quadratic.coefficients(model.dataset.recoils, parameters, along.name, along.line.about)
    lines, n_pieces = out.shape[:-1], len(along.line.runs)
    quartics = np.empty((2, 5, n_pieces, *lines))
    for filled, terms in zip(quartics, contraction.chi2_along(coefficients), strict=True):
        for target, term in zip(filled, terms, strict=True):
            target[:] = np.moveaxis(np.broadcast_to(term, (*lines, n_pieces)), -1, 0)
    along.line.fill(quartics.reshape(2, 5, n_pieces, -1), out.reshape(-1, out.shape[-1]), first)


def _fill(
    model: Model, scan: Scan, axes: Mapping[str, FloatArray], along: _Along | None, block: Block, out: FloatArray
) -> None:
    """Chi2 on a block of the grid."""
    if along is not None and not along.is_last:
        out, block, axes = out.T, block[::-1], dict(reversed(list(axes.items())))
    names = list(axes)
    parameters: dict[str, Real] = dict(scan.fixed)
    for i, (name, part) in enumerate(zip(names, block, strict=True)):
        if along is None or name != along.name:
            parameters[name] = axes[name][part].reshape([-1 if j == i else 1 for j in range(len(names))])
    if along is None:
        out[:] = least_chi2(model, scan.interaction, parameters, scan.domain, scan.over, scan.combinations)
    else:
        _fill_lines(model, scan.interaction, along, parameters, block[-1].start, out)


def _cut(ranges: Sequence[slice], points: int) -> Iterator[Block]:
    """A box in blocks of at most about so many points, each whole along the last axis."""
    sizes = [part.stop - part.start for part in ranges]
    cut = next(i for i in range(len(sizes)) if math.prod(sizes[i + 1 :]) <= points or i == len(sizes) - 2)
    step = max(1, points // math.prod(sizes[cut + 1 :]))
    for outer in np.ndindex(*sizes[:cut]):
        single = tuple(slice(part.start + k, part.start + k + 1) for part, k in zip(ranges, outer, strict=False))
        for row in range(ranges[cut].start, ranges[cut].stop, step):
            yield (*single, slice(row, min(row + step, ranges[cut].stop)), *ranges[cut + 1 :])


def _points_at_once(model: Model, scan: Scan) -> int:
    """How many points of a grid a call may have: `points_at_once`, or more where they share their templates."""
    points = points_at_once(model, scan.interaction, scan.domain, scan.over, sorted(scan.named), scan.combinations)
    if scan.over or scan.domain or not is_handled(model):
        return points
    shaping = INTERACTIONS[scan.interaction].terms.shaping
    *others, last = (axis.name in shaping for axis in scan.axes)
    most = VALUES_AT_ONCE // ARRAYS_BY_POINT
    if not any(others):  # all rows have the same
        return most
    return points if last else max(min(points * scan.shape[-1], most), points)


def _blocks(model: Model, scan: Scan, along: _Along | None, start: int, stop: int, workers: int = 1) -> Iterator[Block]:
    """Rows start..stop of a scan's grid in blocks of bounded size, whole along the axis that chi2 is made along."""
    ranges = [slice(start, stop), *(slice(0, n) for n in scan.shape[1:])]
    if along is None:
        at_once = _points_at_once(model, scan)
        if workers > 1:
            at_once = min(at_once, -(-(stop - start) * math.prod(scan.shape[1:]) // (BLOCKS_OF_WORKER * workers)))
        return _cut(ranges, at_once)
    points = POINTS_PER_BLOCK
    shaped = INTERACTIONS[scan.interaction].terms.shaping
    ordered = ranges if along.is_last else ranges[::-1]
    if any(axis.name in shaped for axis in scan.axes):
        lines = VALUES_AT_ONCE // model.dataset.templates.recoil_energy_mev.size
        points = min(points, lines * (ordered[-1].stop - ordered[-1].start))
    return (block if along.is_last else block[::-1] for block in _cut(ordered, points))


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
    Several threads are as many processes where chi2 is many small steps, which threads of one would wait for.
    `progress` is told the fraction done after every block, by one thread at a time.
    """
    axes = {axis.name: axis.values() for axis in scan.axes}
    along, lock, done = _along(model, scan), Lock(), 0
    shape = (stop - start, *scan.shape[1:])
    apart = along is None and threads > 1
    grid = shared(shape) if apart else np.empty(shape)

    def fill(block: Block) -> FloatArray:
        chi2 = grid[(slice(block[0].start - start, block[0].stop - start), *block[1:])]
        _fill(model, scan, axes, along, block, chi2)
        return chi2

    def work(block: Block) -> None:
        nonlocal done
        chi2 = fill(block)
        if progress is not None:
            with lock:
                done += chi2.size
                progress(done / grid.size)

    if apart:
        in_processes(fill, list(_blocks(model, scan, along, start, stop, threads)), threads, progress)
    elif threads == 1:
        for block in _blocks(model, scan, along, start, stop):
            work(block)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, _blocks(model, scan, along, start, stop)))
    return grid
