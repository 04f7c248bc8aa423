"""Least chi2 of many toys, over nuisances and parameters: what `toy_model` and any minimiser find, only faster.

Counts are quadratic in what they are minimised over: couplings, or the square of a mediator's. So one compiled Newton
descent does for every interaction (`toy_kernel`); a toy costs some microseconds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray, Real
from cevnsi.fast.toy_kernel import Laid, Part, Problem, Toy, fit, laid_out
from cevnsi.model import DataSet, Model
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.statistics.nuisances import SIGNAL, Sides, held, limits, precisions, unfitted
from cevnsi.toys import Toys

NO_SIGNAL = 1e-8  # of the signal: so little is left of it where a prior wants less; chi2 is 1e-7 off
NO_FLIP = 1e-9  # of a reflection, from nothing but rounding
WITHIN = 1e-9  # of what a coefficient varies by: how well it must be quadratic


@dataclass(frozen=True, kw_only=True, eq=False)
class Quadratics:
    """Coefficients of the terms of all data sets, constant + linear p + p second p, at parameters p (dims,)."""

    constant: FloatArray  # (terms,)
    linear: FloatArray  # (terms, dims)
    second: FloatArray  # (terms, dims, dims), symmetric

    def at(self, p: FloatArray) -> FloatArray:
        """At p (n, dims), (n, terms)."""
        return np.asarray(
            self.constant + np.einsum("kd,nd->nk", self.linear, p) + np.einsum("kde,nd,ne->nk", self.second, p, p)
        )


def quadratics_of(coefficients: Callable[[FloatArray], FloatArray], steps: FloatArray) -> Quadratics:
    """Those of a function of p (n, dims) to (n, terms), from its values at steps (dims,) from zero, and twice that.

    ValueError where it is not quadratic.
    """
    dims = steps.size
    corners = [np.zeros(dims), *(np.diag(steps)), *(2 * np.diag(steps))]
    pairs = [(a, b) for a in range(dims) for b in range(a)]
    corners += [np.where(np.isin(np.arange(dims), pair), steps, 0.0) for pair in pairs]
    values = coefficients(np.array(corners).reshape(len(corners), dims))
    constant, once, twice, both = (
        values[0],
        values[1 : 1 + dims],
        values[1 + dims : 1 + 2 * dims],
        values[1 + 2 * dims :],
    )
    linear, second = np.zeros((constant.size, dims)), np.zeros((constant.size, dims, dims))
    for a in range(dims):
        second[:, a, a] = (twice[a] - 2 * once[a] + constant) / 2 / steps[a] ** 2
        linear[:, a] = (once[a] - constant) / steps[a] - second[:, a, a] * steps[a]
    for (a, b), value in zip(pairs, both, strict=True):
        mixed = (value - once[a] - once[b] + constant) / (2 * steps[a] * steps[b])
        second[:, a, b] = second[:, b, a] = mixed
    found = Quadratics(constant=constant, linear=linear, second=second)
    # beyond all of these, as a cubic that vanishes there is none elsewhere
    elsewhere = ((2 + np.arange(1, dims + 1) / max(dims, 1)) * steps)[None]
    wanted = coefficients(elsewhere)
    size = np.abs(values).max(initial=1.0) + np.abs(wanted).max(initial=0.0)
    if not (np.abs(found.at(elsewhere) - wanted) <= WITHIN * size).all():
        raise ValueError("counts are not quadratic in the parameters; expected couplings, or what moves charges alone")
    return found


def is_squared(interaction: str, name: str) -> bool:
    """Whether the variable of a parameter is its square, as that of a mediator's coupling."""
    quadratic = (INTERACTIONS[interaction].expansion or INTERACTIONS[interaction].terms).quadratic.get(name)
    return quadratic is not None and float(quadratic.variable(np.array([2.0]))[0]) == 4.0


def from_variable(interaction: str, name: str, variable: FloatArray) -> FloatArray:
    """Values of a parameter from those of what counts are quadratic in, of any shape."""
    return np.sqrt(variable) if is_squared(interaction, name) else variable


def to_variable(interaction: str, name: str, value: Real) -> Real:
    """Values of what counts are quadratic in, of any shape."""
    return np.square(value) if is_squared(interaction, name) else value


def charge_quadratics(unit: FloatArray) -> Quadratics:
    """Those of charges squared that are the parameters themselves, in units of their own, (dims,) as many as terms."""
    dims = unit.size
    return Quadratics(constant=np.zeros(dims), linear=np.diag(unit), second=np.zeros((dims, dims, dims)))


def _slopes(sides: Sides) -> tuple[FloatArray, FloatArray]:
    """What one unit of a nuisance adds above zero and below."""
    up, down = sides
    return up, up if down is None else -down


def part_of(
    dataset: DataSet,
    first: int,
    first_term: int,
    names: Sequence[str],
    templates: FloatArray,
    sides: Mapping[str, Sides],
) -> Part:
    """What the compiled fits take of a data set, of its templates (terms, cells) and what nuisances add to them.

    ValueError of a control region, and of several backgrounds with sidebands.
    """
    measured, clock = dataset.measurement, dataset.clock
    if measured.control is not None:
        raise ValueError(
            f"{dataset.name}: a control region bin by bin; expected a steady state with a shape (steady_state_shape)"
        )
    number = {name: j for j, name in enumerate(names)}
    above, below = (np.array([_slopes(two)[k] for two in sides.values()]).reshape(-1, *templates.shape) for k in (0, 1))
    moved = [] if clock is None else [name for name in measured.backgrounds if name in clock.shares]
    still = [name for name in measured.backgrounds if name not in moved]
    place = {name: i for i, name in enumerate([*moved, *still])}
    scaling = [(place[s], number[n.name]) for n in dataset.nuisances for s in n.scales if s != SIGNAL]
    shifting = [(still.index(s), number[n.name], two) for n in dataset.nuisances for s, two in n.shifts.items()]
    bins = measured.observed.size
    if clock is None:
        energies, groups, times = bins, 1, 1
        knots, shares = np.array([0.0, 1.0]), np.zeros((4, 1, 1, 1))
        moved_shapes, moved_shares, least = np.zeros((0, energies)), np.zeros((4, 1, 0, 1)), 0.0
    else:
        spline = clock.shares[SIGNAL].spline
        knots, shares = spline.x, spline.c
        groups, times = shares.shape[2:]
        energies, least = bins // times, min(float(clock.shares[SIGNAL].values.min()), 0.0)
        moved_shapes = np.array([clock.shapes[name] for name in moved]).reshape(-1, energies)
        moved_shares = np.concatenate([clock.shares[name].spline.c for name in moved] or [shares[:, :, :0]], axis=2)
    redrawn = [still.index(name) for name in dataset.sidebands]
    if len(redrawn) > 1:
        raise ValueError(f"{dataset.name}: {len(redrawn)} backgrounds with sidebands; expected at most one")

    def numbers(values: Sequence[int]) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
        return np.array(values, np.intp)

    return Part(
        first=first,
        energies=energies,
        groups=groups,
        times=times,
        gaussian=dataset.statistic == "gaussian",
        templates=np.ascontiguousarray(np.concatenate([templates[None], above, below])),
        term=numbers(range(first_term, first_term + len(templates))),
        shape=numbers([number[name] for name in sides]),
        bent=np.array([down is not None for _, down in sides.values()], bool),
        scaled=numbers([number[n.name] for n in dataset.nuisances if SIGNAL in n.scales]),
        clock=-1 if clock is None else number[clock.nuisance],
        knots=np.ascontiguousarray(knots),
        shares=np.ascontiguousarray(shares),
        least_share=least,
        moved_shapes=np.ascontiguousarray(moved_shapes),
        moved_shares=np.ascontiguousarray(moved_shares),
        still_shapes=np.array([measured.backgrounds[name] for name in still]).reshape(-1, bins),
        redrawn=redrawn[0] if redrawn else -1,
        scaled_background=numbers([b for b, _ in scaling]),
        scaled_by=numbers([j for _, j in scaling]),
        shifted_background=numbers([b for b, _, _ in shifting]),
        shift=numbers([j for _, j, _ in shifting]),
        shift_bent=np.array([two[1] is not None for _, _, two in shifting], bool),
        shifts=np.array([[_slopes(two)[k] for _, _, two in shifting] for k in (0, 1)]).reshape(2, -1, bins),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitter:
    """Fits of a model at what shapes its templates, by quadratics of parameters."""

    model: Model
    parts: tuple[Part, ...]
    templates: tuple[tuple[FloatArray, Mapping[str, Sides]], ...]  # of each data set, (terms, cells), and changes
    quadratics: Quadratics

    @property
    def dims(self) -> int:
        """How many parameters there are."""
        return int(self.quadratics.linear.shape[1])

    @cached_property
    def ends(self) -> tuple[FloatArray, FloatArray]:
        """Between which values nuisances go, (nuisances,) twice; one that is held has none to go to."""
        least, most = limits(self.model.nuisances)
        stay, at = held(self.model.nuisances), unfitted(self.model.nuisances)
        return np.where(stay, at, least), np.where(stay, at, most)

    @cached_property
    def _compiled_parts(self) -> Laid:
        return laid_out(self.parts)

    def least(
        self,
        toys: "Packed",
        low: FloatArray,
        high: FloatArray,
        start: FloatArray,
        hessians: FloatArray,
        reflections: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Least chi2 (toys,) between parameters low and high, (1 or toys, dims), where it is, and its Hessian there.

        From a start, (1 or toys, dims + nuisances), with second derivatives (1 or toys, as many, as many) to begin
        with, which need not be right; `reflections` as of `toy_kernel.fit`. Places are (toys, dims + nuisances). A toy
        that cannot be at its start is fitted from nuisances that are not fitted.
        """
        found = self._least(toys, low, high, start, hessians, reflections)
        lost = np.flatnonzero(~np.isfinite(found[0]))
        if lost.size:
            low, high, start, hessians = (_some(each, lost) for each in (low, high, start, hessians))
            unmoved = start.copy()
            unmoved[:, self.dims :] = unfitted(self.model.nuisances)
            again = self._least(toys.some(lost), low, high, unmoved, hessians, reflections)
            for each, other in zip(found, again, strict=True):
                each[lost] = other
        return found

    def _least(
        self,
        toys: "Packed",
        low: FloatArray,
        high: FloatArray,
        start: FloatArray,
        hessians: FloatArray,
        reflections: FloatArray | None,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The same from the start alone, not finite where a toy cannot be there."""
        count, size, (least, most) = len(toys.observed), start.shape[1], self.ends

        def box(p: FloatArray, theta: FloatArray) -> FloatArray:
            return np.concatenate([p, np.tile(theta, (len(p), 1))], axis=1)

        start, hessians, low, high = self._scale_at_centre(
            toys.centres, start, hessians, box(low, least), box(high, most)
        )
        value, place, last = np.empty(count), np.empty((count, size)), np.empty((count, size, size))
        self._fit(toys, start, low, high, hessians, reflections, last, value, place)
        return value, place, last

    @cached_property
    def _scaling(self) -> NDArray[np.intp]:
        """Nuisances that do nothing but scale the signal of a single data set, in which p are coefficients."""
        q, part = self.quadratics, self.parts[0]
        if len(self.parts) > 1 or q.constant.any() or q.second.any():
            return np.zeros(0, np.intp)
        elsewhere = {part.clock, *part.shape.tolist(), *part.scaled_by.tolist(), *part.shift.tolist()}
        least, most = self.ends
        alone = [j for j in part.scaled.tolist() if j not in elsewhere and least[j] < most[j]]
        return np.array(alone, np.intp)

    def _scale_at_centre(
        self, centres: FloatArray, start: FloatArray, hessians: FloatArray, low: FloatArray, high: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Start, second derivatives, and ends, with what scales the signal held at its centre where p may do that.

        If p may be scaled by anything, the prior alone says what these nuisances are. Else a fit creeps along where
        their product is the same. A centre that leaves no signal is one that leaves next to nothing.
        """
        mine, p = self._scaling, slice(self.dims)
        if not (mine.size and self.dims and not low[:, p].any() and np.isposinf(high[:, p]).all()):
            return start, hessians, low, high
        at = self.dims + mine
        # those that scale and do something else, too, count as at the start
        rest = 1 + start[:, [self.dims + j for j in self.parts[0].scaled if j not in mine]].sum(axis=1)
        wanted = np.clip(centres[:, mine], *(ends[mine] for ends in self.ends))
        if mine.size == 1:
            wanted = np.maximum(wanted, (NO_SIGNAL - rest)[:, None])
        before, after = rest + start[:, at].sum(axis=1), rest + wanted.sum(axis=1)
        held = (before > 0) & (after >= NO_SIGNAL)
        times = np.where(held, after, 1.0) / np.where(held, before, 1.0)
        start, low, high = (np.array(np.broadcast_to(a, (len(held), start.shape[1]))) for a in (start, low, high))
        for each in (start, low, high):
            each[:, at] = np.where(held[:, None], wanted, each[:, at])
        start[:, p] /= times[:, None]
        hessians = np.array(np.broadcast_to(hessians, (len(held), *hessians.shape[1:])))
        hessians[:, p] *= times[:, None, None]
        hessians[:, :, p] *= times[:, None, None]
        return start, hessians, low, high

    def hessian(self, toys: "Packed", at: FloatArray) -> FloatArray:
        """Second derivatives (size, size) at a place (size,), dims + nuisances, of the first of some toys."""
        size = self.dims + len(self.model.nuisances)
        found, ends = np.empty((1, size, size)), np.zeros((1, size))
        self._fit(toys, at[None], ends, ends, found, None, found, np.empty(0), np.empty((0, size)))
        of_first: FloatArray = found[0]
        return of_first

    def _fit(
        self,
        toys: "Packed",
        start: FloatArray,
        low: FloatArray,
        high: FloatArray,
        hessians: FloatArray,
        reflections: FloatArray | None,
        last: FloatArray,
        value: FloatArray,
        place: FloatArray,
    ) -> None:
        """What `toy_kernel.fit` does."""
        q = self.quadratics
        problem = Problem(
            self._compiled_parts,
            (q.constant, q.linear, q.second),
            self.dims,
            self.model.kinked,
            precisions(self.model.nuisances),
        )
        fit(
            problem,
            Toy(toys.centres, toys.observed, toys.weight, toys.own),
            np.ascontiguousarray(start),
            low,
            high,
            np.zeros((0, self.dims, self.dims + 1)) if reflections is None else reflections,
            np.ascontiguousarray(hessians),
            last,
            value,
            place,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Packed:
    """Toys as the compiled fits take them, bins of all data sets side by side; one row where none is needed."""

    observed: FloatArray  # (toys, bins)
    weight: FloatArray  # (1 or toys, bins), of a Gaussian statistic
    own: FloatArray  # (1 or toys, bins), of backgrounds that sidebands make
    centres: FloatArray  # (toys, nuisances)

    def some(self, which: NDArray[np.intp]) -> "Packed":
        """Those with these numbers (n,), as so many toys."""
        return Packed(
            observed=self.observed[which],
            weight=_some(self.weight, which),
            own=_some(self.own, which),
            centres=self.centres[which],
        )


def _some(rows: FloatArray, which: NDArray[np.intp]) -> FloatArray:
    """Rows (1 or toys, ...) of toys with these numbers."""
    return rows[which] if len(rows) > 1 else rows


def packed(model: Model, toys: Toys) -> Packed:
    """Those of a model's toys."""
    count = len(toys.centres)
    shape = (count, model.parts[-1].stop)
    observed = np.concatenate([drawn.observed for drawn in toys.datasets], axis=1)
    weight = np.zeros((1, 1))
    if any(drawn.uncertainty is not None for drawn in toys.datasets):
        weight = np.zeros(shape)
        for part, drawn in zip(model.parts, toys.datasets, strict=True):
            if drawn.uncertainty is not None:
                weight[:, part] = 1 / drawn.uncertainty**2
    own = np.zeros((1, 1))
    if any(drawn.backgrounds for drawn in toys.datasets):
        own = np.zeros(shape)
        for part, drawn in zip(model.parts, toys.datasets, strict=True):
            for values in drawn.backgrounds.values():
                own[:, part] = values
    return Packed(observed=np.ascontiguousarray(observed), weight=weight, own=own, centres=toys.centres)


def fitter(model: Model, interaction: str, shaping: Mapping[str, Real], quadratics: Quadratics) -> Fitter:
    """That of an interaction's terms at what shapes them, scalars; ValueError as that of `part_of`."""
    names, parts, terms, made = [nuisance.name for nuisance in model.nuisances], [], 0, []
    for place, dataset in zip(model.parts, model.datasets, strict=True):
        templates = dataset.term_templates(interaction, shaping)
        sides = dataset.term_sides(interaction, shaping)
        parts.append(part_of(dataset, place.start, terms, names, templates, sides))
        made.append((templates, sides))
        terms += len(templates)
    return Fitter(model=model, parts=tuple(parts), templates=tuple(made), quadratics=quadratics)


def standard_model_fitter(model: Model) -> Fitter:
    """One of nothing but nuisances, with the standard model's signal: of one term of each data set.

    ValueError as that of `part_of`.
    """
    names, parts, made = [nuisance.name for nuisance in model.nuisances], [], []
    for k, (place, dataset, signal) in enumerate(
        zip(model.parts, model.datasets, model.standard_model_signals, strict=True)
    ):
        parts.append(part_of(dataset, place.start, k, names, *signal))
        made.append(signal)
    count = len(made)
    quadratics = Quadratics(constant=np.ones(count), linear=np.zeros((count, 0)), second=np.zeros((count, 0, 0)))
    return Fitter(model=model, parts=tuple(parts), templates=tuple(made), quadratics=quadratics)


def reflections_of(quadratics: Quadratics, rows: Sequence[Sequence[int]], weights: FloatArray) -> FloatArray:
    """Maps of p (dims,) to where some terms together have the same counts again, and several of these groups.

    (reflections, dims, dims + 1), of weights (terms,), counts for a coefficient of one. Only of one nucleus, and where
    nothing shapes the terms, are counts of each the same.
    """
    dims = quadratics.linear.shape[1]
    single = []
    for row in rows:
        second = np.einsum("k,kde->de", weights[row], quadratics.second[row])
        linear = weights[row] @ quadratics.linear[row]
        if not np.abs(second).max(initial=0.0) > 0:
            continue
        inverse = np.linalg.pinv(second)
        flip = np.eye(dims) - 2 * inverse @ second
        if np.abs(flip - np.eye(dims)).max() > NO_FLIP:
            single.append(np.concatenate([flip, (-inverse @ linear)[:, None]], axis=1))
    both = []
    for one, two in combinations(single, 2):
        shift = two[:, :dims] @ one[:, dims] + two[:, dims]
        both.append(np.concatenate([two[:, :dims] @ one[:, :dims], shift[:, None]], axis=1))
    return np.array([*single, *both]).reshape(-1, dims, dims + 1)
