"""Allowed ranges and best fits of one parameter, found on chi2 itself: each end is a root, the best fit a minimum.

Chi2 along a parameter is sampled finely enough to bracket them: how fine, its own scale says. That is where counts
change by a fraction of their error, and not the points of a grid.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cevnsi.arrays import FloatArray, Real
from cevnsi.domains import turning_points
from cevnsi.fast.free_rows import AlongCurve
from cevnsi.model import Model
from cevnsi.parameters import Axis, Combination
from cevnsi.physics.interactions import INTERACTIONS, parameter
from cevnsi.physics.weak_charge import NucleonCouplings
from cevnsi.scans.axes import Scan
from cevnsi.scans.chi2 import is_cheap, is_exact, least_chi2, reference
from cevnsi.scans.ranges import AllowedRange
from cevnsi.statistics.intervals import below, parabolic, refine
from cevnsi.statistics.nuisances import unfitted
from cevnsi.statistics.thresholds import threshold

SAMPLES_PER_DECADE = 20  # of a logarithmic parameter, over the relative error of the counts
SAMPLES_PER_CHARGE = 8  # of the SM charge that a contact parameter adds to an amplitude, over the same
SAMPLES_OF_CHARGE = 41  # of a contact parameter, besides those about where chi2 may turn
SAMPLES_OF_FREE = 101  # the same where another has no bounds, so that no one amplitude says where that is
SAMPLES_OF_UNKNOWN = 1001  # of a linear parameter with no such scale, and besides
SAMPLES_OF_SMOOTH = 101  # of one in which counts are of low degree, or nearly so
FINEST_OF_UNKNOWN = 1e-6  # of its reach about zero, where its interaction is off
GROWTH = 0.05  # of the distance between samples with the distance from a turning point
MOST_SAMPLES = 4000  # of an axis: where that is too few, a warning says so
MOST_BY_EPSILON = 401  # the same, where chi2 is made from epsilon at every node
MOST_DOUBLINGS = 4
RELAXED_BY = 0.01  # of its width: how far a bound is moved to see whether it makes an end
MATTERS = 1e-7  # by which chi2 must then fall; what it is minimised with is good to 1e-9
# Over the least chi2 where an interval ends: a number, or a function of the coordinate, (k,) to (k,).
Threshold = float | Callable[[FloatArray], FloatArray]

FLAT = 1e-9  # chi2 that varies by less, over all of an axis, does not depend on the parameter


def relative_error(model: Model) -> float:
    """Error of the SM counts over the counts, 1 / sqrt(<P, P>) with the weights of the statistic; infinite for none."""
    counts = model.standard_model_counts
    everything = model.expected(model.standard_model_signals)(unfitted(model.nuisances)[None], np.zeros(1, np.intp))[0]
    curvature = model.likelihood(everything)[2][0]  # where backgrounds are, too, as these make most of its error
    square = float((curvature / 2 * counts**2).sum())
    return square**-0.5 if square > 0 else np.inf


def _charge_step(
    model: Model,
    name: str,
    domain: Mapping[str, tuple[float, float]],
    couplings: NucleonCouplings,
    combinations: Mapping[str, Combination],
    finer: int,
) -> tuple[list[float], float]:
    """Turning points of chi2 along a contact parameter, of every data set, and how far apart its samples are there."""
    points: list[float] = []
    width = np.inf
    for dataset in model.datasets:
        found, scale = turning_points(name, domain, dataset.templates.nuclides, couplings, combinations)
        points, width = points + found, min(width, scale)
    return points, width * min(relative_error(model), 1.0) / SAMPLES_PER_CHARGE / finer


def _is_smooth(name: str) -> bool:
    """Whether a parameter is no interaction's own, but of the standard model, a nuisance or a combination."""
    return all(name not in made.own for made in INTERACTIONS.values())


def fine_axis(model: Model, axis: Axis, finer: int = 1, most: int = MOST_SAMPLES) -> Axis:
    """The axis with points enough to bracket what chi2 does along it, or with its own if these are more."""
    needed = float((SAMPLES_OF_SMOOTH if _is_smooth(axis.name) else SAMPLES_OF_UNKNOWN) * finer)
    if axis.scale == "log":
        needed = SAMPLES_PER_DECADE * float(np.ptp(axis.coordinates())) * finer / min(relative_error(model), 1.0)
    return replace(axis, points=int(min(max(axis.points, np.ceil(needed) + 1), most)))


def _around(point: float, step: float, low: float, high: float) -> FloatArray:
    """Places from low to high, about `step` apart at a point and further apart with the distance from it."""

    def one_side(distance: float) -> FloatArray:
        count = int(np.log1p(GROWTH * max(distance, 0.0) / step) / GROWTH) + 1
        places: FloatArray = step / GROWTH * np.expm1(GROWTH * np.arange(count))
        return places

    places = np.concatenate([point + one_side(high - point), point - one_side(point - low)])
    return places[(places > low) & (places < high)]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Least chi2 against one parameter of a scan of one axis or two; `others` says what the second does."""

    model: Model
    scan: Scan
    axis: Axis
    others: str  # "profiled", "zero" or "fixed"
    # Chi2 on samples of two axes, by what was sampled, which the curves of one plane share.
    planes: dict[tuple[object, ...], FloatArray] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def _kept(self) -> dict[int, tuple[FloatArray, FloatArray]]:
        """Samples by how fine they are, as ranges and best fits ask for the same."""
        return {}

    @cached_property
    def _lowest(self) -> dict[int, tuple[float, float]]:
        """Coordinate and value of the least chi2, by the number of samples that it was followed down from."""
        return {}

    @property
    def _second(self) -> tuple[Axis, ...]:
        return tuple(axis for axis in self.scan.axes if axis.name != self.axis.name)

    def _is_exact(self, axis: Axis) -> bool:
        named = [*self.scan.named, *(a.name for a in self.scan.over)]
        return is_exact(self.model, self.scan.interaction, axis, named, self.scan.combinations)

    @property
    def _is_of_charge(self) -> bool:
        """Whether the axis moves amplitudes, so that it is known where chi2 may turn."""
        return INTERACTIONS[self.scan.interaction].has_domain(self.axis.name, self.scan.combinations)

    def _chi2(self, parameters: Mapping[str, Real], over: Sequence[Axis]) -> FloatArray:
        scan = self.scan
        return least_chi2(self.model, scan.interaction, parameters, scan.domain, over, scan.combinations, self._in_rows)

    @cached_property
    def _in_rows(self) -> AlongCurve:
        """What finds chi2 where something has no bounds, and starts from the samples."""
        return AlongCurve()

    @property
    def _most(self) -> int:
        return MOST_SAMPLES if is_cheap(self.scan.interaction) else MOST_BY_EPSILON

    def _minimised(self, finer: int = 1) -> tuple[Axis, ...]:
        """Axes that chi2 is minimised over, those that must be sampled with points enough."""
        second = self._second if self.others == "profiled" else ()
        second = tuple(
            axis if self._is_exact(axis) else fine_axis(self.model, axis, finer, self._most) for axis in second
        )
        return second + self.scan.over

    @cached_property
    def _over(self) -> tuple[Axis, ...]:
        return self._minimised()

    def _fixed(self) -> dict[str, float]:
        zero = {axis.name: 0.0 for axis in self._second} if self.others == "zero" else {}
        return {**self.scan.fixed, **zero}

    def __call__(self, coordinate: FloatArray) -> FloatArray:
        """Least chi2 at coordinates of the axis (`Axis.value`), (k,)."""
        parameters: dict[str, Real] = {**self._fixed(), self.axis.name: self.axis.value(coordinate)}
        return self._chi2(parameters, self._over)

    def samples(self, finer: int = 1) -> tuple[FloatArray, FloatArray]:
        """Coordinates, and chi2 there, (points,) each: exact, or a parabola's between samples of another axis."""
        if finer not in self._kept:
            self._kept[finer] = self._sampled(finer)
        return self._kept[finer]

    def _sampled(self, finer: int) -> tuple[FloatArray, FloatArray]:
        x = self._coordinates(finer)
        minimised = self._minimised(finer)
        sampled = [axis for axis in minimised if not self._is_exact(axis)]
        if not sampled and self._is_free:  # as a row, whose points start from one another
            row: dict[str, Real] = {**self._fixed(), self.axis.name: self.axis.value(x)[None]}
            return x, self._chi2(row, minimised)[0]
        if not sampled:
            return x, self(x)
        second, rest = sampled[0], [axis for axis in minimised if axis.name != sampled[0].name]
        return x, parabolic(self._plane({self.axis.name: self.axis.value(x), second.name: second.values()}, rest))

    @cached_property
    def _is_free(self) -> bool:
        """Whether something that chi2 is minimised over has no bounds."""
        return any(np.isinf(ends).any() for ends in self.scan.domain.values())

    @cached_property
    def is_sampled_exactly(self) -> bool:
        """Whether samples are chi2 itself, as no other axis is sampled, nor any made as a row."""
        return all(self._is_exact(axis) for axis in self._over) and not self._is_free

    def lowest(self, x: FloatArray, samples: FloatArray) -> tuple[float, float]:
        """Coordinate and value of the least chi2, followed down from samples of it at coordinates, (points,) each."""
        if x.size not in self._lowest:
            self._lowest[x.size] = lowest(self, x, samples, exact=self.is_sampled_exactly)
        return self._lowest[x.size]

    def _plane(self, values: Mapping[str, FloatArray], rest: Sequence[Axis]) -> FloatArray:
        """Chi2 at all values of this axis and another, in their order, of which a curve along either is made."""
        names = [axis.name for axis in (*self.scan.axes, *self.scan.over) if axis.name in values]
        key = tuple((name, values[name].tobytes()) for name in names)
        if key not in self.planes:
            here = {names[0]: values[names[0]][:, None], names[1]: values[names[1]]}
            self.planes[key] = self._chi2({**self._fixed(), **here}, rest)
        return self.planes[key] if next(iter(values)) == names[0] else self.planes[key].T

    def _coordinates(self, finer: int) -> FloatArray:
        low, high = self.axis.minimum, self.axis.maximum
        if not self._is_of_charge or self.axis.scale == "log":
            x = fine_axis(self.model, self.axis, finer, self._most).coordinates()
            if self.axis.scale == "log" or not low < 0 < high or _is_smooth(self.axis.name):
                return x
            return np.unique(np.concatenate([x, [0.0], _around(0.0, FINEST_OF_UNKNOWN * (high - low), low, high)]))
        elsewhere = {name: (value, value) for name, value in self._fixed().items()}
        within = {a.name: (a.minimum, a.maximum) for a in self._minimised()}
        couplings = self.model.couplings_at(self._fixed())
        domain = {**elsewhere, **self.scan.domain, **within}
        points, step = _charge_step(self.model, self.axis.name, domain, couplings, self.scan.combinations, finer)
        parts = [_around(float(np.clip(point, low, high)), step, low, high) for point in points]
        least = SAMPLES_OF_FREE if self._is_free else SAMPLES_OF_CHARGE
        return np.unique(
            np.concatenate([[low, high], np.linspace(low, high, max(self.axis.points, least * finer)), *parts])
        )

    def relaxed(self) -> Iterator[tuple[str, "Curve"]]:
        """Every bound of what chi2 is minimised over, in words, and the curve with that bound a little further out."""
        for axis in self._second if self.others == "profiled" else ():
            for text, wider in _wider(axis):
                axes = tuple(wider if a.name == axis.name else a for a in self.scan.axes)
                yield text, replace(self, planes={}, scan=replace(self.scan, axes=axes))
        for axis in self.scan.over:
            for text, wider in _wider(axis):
                over = tuple(wider if a.name == axis.name else a for a in self.scan.over)
                yield text, replace(self, planes={}, scan=replace(self.scan, over=over))
        for name, (low, high) in self.scan.domain.items():
            if np.isinf(high - low):  # there is no bound to move
                continue
            for text, wider in _wider(Axis(name=name, minimum=low, maximum=high, points=2)):
                domain = {**self.scan.domain, name: (wider.minimum, wider.maximum)}
                yield text, replace(self, planes={}, scan=replace(self.scan, domain=domain))


def _wider(axis: Axis) -> Iterator[tuple[str, Axis]]:
    """Each end of an axis in words, and the axis with that end further out."""
    below_it, above_it = axis.wider(RELAXED_BY)
    yield f"{axis.name} >= {axis.minimum:g}", below_it
    yield f"{axis.name} <= {axis.maximum:g}", above_it


def curves(model: Model, plane: Scan, name: str) -> list[Curve]:
    """Chi2 along one parameter of a scan of one or two axes: the other minimised over, and at zero if that is in it."""
    axis = plane.axis(name)
    if len(plane.axes) == 1:
        return [
            Curve(
                model=model,
                scan=plane,
                axis=axis,
                others="profiled" if plane.domain else "fixed" if plane.fixed else "zero",
            )
        ]
    made = [Curve(model=model, scan=plane, axis=axis, others="profiled")]
    (other,) = (a for a in plane.axes if a.name != name)
    zero = parameter(other.name).zero_is_standard_model and other.minimum <= 0 <= other.maximum
    if zero and not plane.over:
        made.append(Curve(model=model, scan=plane, axis=axis, others="zero"))
    return made


def lowest(
    curve: Callable[[FloatArray], FloatArray], x: FloatArray, samples: FloatArray, exact: bool = False
) -> tuple[float, float]:
    """Coordinate and value of the least chi2 on a curve, followed down from its lowest samples.

    These are (points,), as their coordinates x. Unless they are exact, those that may be next to the least are taken
    anew.
    """
    most = samples.min() + 0.1 * min(float(np.ptp(samples)), 1.0)
    near = samples <= most
    near[1:] |= samples[:-1] <= most
    near[:-1] |= samples[1:] <= most
    near[[0, -1]] = True
    known = samples.copy()
    if not exact:
        known[near] = curve(x[near])
    _, at, value = refine(lambda c, row: curve(c), x, known[None], most)
    place = int(np.where(near, known, np.inf).argmin())
    candidates = np.append(x[place], at), np.append(known[place], value)
    best = int(candidates[1].argmin())
    return float(candidates[0][best]), float(candidates[1][best])


def _runs(inside: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(np.diff(np.concatenate([[False], inside]).astype(int)) == 1))


def settled(
    curve: Curve, chi2: Callable[[FloatArray, FloatArray], Sequence[FloatArray]]
) -> tuple[FloatArray, FloatArray, bool]:
    """Samples of a curve among which every other one shows as many intervals at these chi2; False if none do.

    Coordinates and chi2 there, (points,) each. `chi2` is told both, as levels may count from the least, and gives each
    level there.
    """
    finer = 1
    for _ in range(MOST_DOUBLINGS):
        x, samples = curve.samples(finer)
        if all(_runs(samples < level) == _runs(samples[::2] < level[::2]) for level in chi2(x, samples)):
            return x, samples, True
        finer *= 2
    return x, samples, False


@dataclass(frozen=True, kw_only=True)
class BestFit:
    """Where chi2 is least along one parameter of a plane, and between what it stays within `FLAT_WITHIN` of that."""

    grid: str
    parameter: str
    value: float
    chi2: float
    flat_from: float
    flat_to: float


FLAT_WITHIN = 0.01  # of delta chi2: a best fit is no better known than this, as no figure or table shows less


def best_fit(curve: Curve, grid: str) -> BestFit:
    """The best fit of one parameter of a plane, along the curve that has all others minimised over."""
    x, samples, _ = settled(curve, lambda _, y: [np.full_like(y, y.min() + FLAT_WITHIN)])
    at, least = curve.lowest(x, samples)
    flat = below(curve, x, samples, [least + FLAT_WITHIN])[0] or [(at, at)]
    low, high, value = curve.axis.value(np.array([flat[0][0], flat[-1][1], at])).tolist()
    return BestFit(grid=grid, parameter=curve.axis.name, value=value, chi2=least, flat_from=low, flat_to=high)


def least_of(model: Model, plane: Scan) -> float:
    """Least chi2 between the ends of a plane's axes, all that it minimises over included."""
    return _least_along(curves(model, plane, plane.axes[0].name)[0])


def _least_along(curve: Curve) -> float:
    x, samples = curve.samples()
    return curve.lowest(x, samples)[1]


def _set_by(curve: Curve, intervals: Sequence[tuple[float, float]]) -> list[tuple[str, str]]:
    """Which bounds make each end of each interval: the axis' own, or those without which chi2 would be less there."""
    at = np.array(intervals).ravel()
    if not at.size:
        return []
    here, values = curve(at), curve.axis.value(at)
    makes = [(text, here - wider(at) > MATTERS) for text, wider in curve.relaxed()]
    own = [(f"{curve.axis.name} >= ", curve.axis.minimum), (f"{curve.axis.name} <= ", curve.axis.maximum)]
    found = []
    for i, value in enumerate(values.tolist()):
        text, end = own[i % 2]
        found.append(f"{text}{end:g}" if value == end else "; ".join(text for text, made in makes if made[i]))
    return list(zip(found[::2], found[1::2], strict=True))


def _height(threshold: Threshold, x: FloatArray) -> FloatArray:
    """A threshold at coordinates."""
    return threshold(x) if callable(threshold) else np.full(x.shape, threshold)


def _below(
    curve: Curve, x: FloatArray, samples: FloatArray, start: float, thresholds: Sequence[Threshold]
) -> list[list[tuple[float, float]]]:
    """Intervals of a curve's coordinate where it is below each threshold over `start`, those of numbers all at once."""
    numbers = [start + threshold for threshold in thresholds if not callable(threshold)]
    of_numbers = iter(below(curve, x, samples, numbers) if numbers else [])

    def varying(threshold: Callable[[FloatArray], FloatArray]) -> list[tuple[float, float]]:
        return below(lambda at: curve(at) - threshold(at), x, samples - threshold(x), [start])[0]

    return [varying(threshold) if callable(threshold) else next(of_numbers) for threshold in thresholds]


def allowed(
    curve: Curve, least: float | None, thresholds: Sequence[Threshold]
) -> tuple[list[list[tuple[float, float]]], str]:
    """Allowed intervals of a curve's coordinate, by threshold over a least chi2, or its own if None; and a warning.

    The warning says what the intervals are not to be trusted for, and is empty as a rule.
    """
    x, samples, fine = settled(
        curve, lambda x, y: [(y.min() if least is None else least) + _height(t, x) for t in thresholds]
    )
    start = curve.lowest(x, samples)[1] if least is None else least
    warning = "" if fine else "chi2 varies faster than it was sampled: intervals may be missing"
    if np.ptp(samples) < FLAT:
        others = " once minimised over the others" if curve.others == "profiled" else ""
        warning = f"no sensitivity: chi2 does not depend on {curve.axis.name}{others}"
    found = _below(curve, x, samples, start, thresholds)
    if not all(found):  # an interval shorter than rounding is its best fit
        at, value = curve.lowest(x, samples)
        levels = [start + float(_height(threshold, np.array([at]))[0]) for threshold in thresholds]
        found = [
            intervals or ([(at, at)] if value <= level else []) for intervals, level in zip(found, levels, strict=True)
        ]
    return found, warning


def curve_ranges(
    curve: Curve,
    scan: str,
    least: float | None,
    levels: Sequence[tuple[float, int]],
    critical: Sequence[Threshold] | None = None,
) -> list[AllowedRange]:
    """Allowed intervals along a curve at every (confidence level, n_dof), from a least chi2, or its own if None.

    Where no critical values are given, one threshold of each level, they are those of a chi2 distribution; the
    `delta_chi2` of a row is that at its lower end.
    """
    thresholds = critical if critical is not None else [threshold(*level) for level in levels]
    found, warning = allowed(curve, least, thresholds)
    set_by = iter(_set_by(curve, [interval for intervals in found for interval in intervals]))
    rows = []
    for (confidence_level, n_dof), level, intervals in zip(levels, thresholds, found, strict=True):
        for i, interval in enumerate(intervals):
            lower, upper = curve.axis.value(np.array(interval)).tolist()
            lower_set_by, upper_set_by = next(set_by)
            ends = zip(("lower", "upper"), (lower, upper), (curve.axis.minimum, curve.axis.maximum), strict=True)
            row = AllowedRange(
                scan=scan,
                parameter=curve.axis.name,
                confidence_level=confidence_level,
                n_dof=n_dof,
                delta_chi2=level if not callable(level) else float(level(np.array(interval[:1]))[0]),
                interval=i,
                lower=lower,
                upper=upper,
                other_parameters=curve.others,
                ends_at_grid="+".join(side for side, end, limit in ends if end == limit),
                lower_set_by=lower_set_by,
                upper_set_by=upper_set_by,
                warning=warning,
            )
            rows.append(row)
    return rows


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Ranges and best fits of a scan."""

    ranges: list[AllowedRange]
    best_fits: list[BestFit]


def curves_by_grid(model: Model, scan: Scan) -> dict[str, dict[str, list[Curve]]]:
    """Curves of every parameter of every plane of a scan, by grid and name; those of one plane share their samples."""
    made: dict[str, dict[str, list[Curve]]] = {}
    for grid, axes in scan.drawn().items():
        plane, planes = scan.onto(axes), dict[tuple[object, ...], FloatArray]()
        made[grid] = {}
        for axis in plane.axes:
            profiled, *others = curves(model, plane, axis.name)
            made[grid][axis.name] = [replace(profiled, planes=planes), *others]
    return made


def reference_of(model: Model, scan: Scan, made: Mapping[str, Mapping[str, list[Curve]]]) -> float:
    """What delta chi2 of a scan's ranges is from; `made` are its curves by grid and name."""
    # for a mediator the first axis is its mass, at which all couplings cost little
    return reference(model, scan, lambda: min(_least_along(next(iter(each.values()))[0]) for each in made.values()))


def each_once(made: Mapping[str, Mapping[str, list[Curve]]]) -> list[tuple[str, Curve]]:
    """Grid and curve of every range that is found: a parameter of several planes has its own in the first."""
    first: dict[str, str] = {}
    for grid, by_name in made.items():
        for name in by_name:
            first.setdefault(name, grid)
    return [(grid, curve) for name, grid in first.items() for curve in made[grid][name]]


def _ranges(model: Model, scan: Scan, made: Mapping[str, Mapping[str, list[Curve]]]) -> list[AllowedRange]:
    least = reference_of(model, scan, made)
    return [row for _, curve in each_once(made) for row in curve_ranges(curve, scan.name, least, scan.levels())]


def _best_fits(made: Mapping[str, Mapping[str, list[Curve]]]) -> list[BestFit]:
    return [best_fit(of_name[0], grid) for grid, by_name in made.items() for of_name in by_name.values()]


def scan_limits(model: Model, scan: Scan) -> Limits:
    """`scan_ranges` and `best_fits` of a scan, from the same samples; none of one that goes without."""
    if not scan.ranges:
        return Limits(ranges=[], best_fits=[])
    made = curves_by_grid(model, scan)
    return Limits(ranges=_ranges(model, scan, made), best_fits=_best_fits(made))


def scan_ranges(model: Model, scan: Scan) -> list[AllowedRange]:
    """Allowed intervals of every parameter of a scan, from its reference: the least chi2 between the ends of its axes.

    n_dof = 2 gives the extent of a region of two parameters, n_dof = 1 the range of one. A parameter of several planes
    has its rows once, as each plane minimises over all other axes.
    """
    return _ranges(model, scan, curves_by_grid(model, scan))


def best_fits(model: Model, scan: Scan) -> list[BestFit]:
    """The best fit of each axis of each plane of a scan."""
    return _best_fits(curves_by_grid(model, scan))
