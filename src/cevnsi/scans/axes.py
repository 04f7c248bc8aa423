"""Axes of parameters, and the scans that they span."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cevnsi.parameters import MATTER_PARAMETERS, Axis, Combination, quarks_of
from cevnsi.physics.interactions import INTERACTIONS
from cevnsi.physics.weak_charge import matter_parameter

# What delta chi2 is from: the least of a grid, or for ranges between the ends of its axes; the standard model; zero.
STANDARD_MODEL = "standard_model"
REFERENCES = ("minimum", STANDARD_MODEL, "zero")
WILKS, FELDMAN_COUSINS = "wilks", "feldman_cousins"  # methods, as tables name them; the second is a coverage section's
# Keys of cevnsi.references, by method: a quantile of a chi2 distribution needs none.
REFERENCES_OF_METHODS: dict[str, tuple[str, ...]] = {WILKS: (), FELDMAN_COUSINS: ("feldman_cousins_1998", "berns_2024")}
FREE = "free"  # a domain without bounds, in a configuration and in files
NAME_OF_PAIR = "."  # joins a scan and its projection in a grid's file name


def share(n: int, chunk: int, chunks: int) -> tuple[int, int]:
    """Half-open range of n things that chunk 1 .. chunks gets, as even as can be."""
    return n * (chunk - 1) // chunks, n * chunk // chunks


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How critical values of a scan are found by pseudo-data: G. J. Feldman and R. D. Cousins, physics/9711021."""

    toys: int  # at every point
    points: Mapping[str, int]  # along each axis, between which critical values are interpolated
    seed: int

    def coarse(self, axis: Axis) -> Axis:
        """An axis of a scan with these points, ends included; one that has fewer keeps its own."""
        return replace(axis, points=min(self.points[axis.name], axis.points))


@dataclass(frozen=True, kw_only=True)
class Scan:
    """A grid of parameter values, what chi2 is minimised over at each, and what is asked of the result."""

    name: str
    interaction: str
    axes: tuple[Axis, ...]
    domain: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)
    combinations: Mapping[str, Combination] = field(default_factory=dict)  # that axes, domain or fixed name
    nuisances: tuple[str, ...] = ()  # that axes or fixed name
    reference: str = "minimum"  # what delta chi2 is from, of `REFERENCES`
    projections: tuple[tuple[str, ...], ...]
    confidence_levels: tuple[float, ...] = ()
    n_dof: tuple[int, ...] = ()
    ranges: bool = True  # whether ranges and best fits are found
    chunks: int = 1
    over: tuple[Axis, ...] = ()  # axes that chi2 is minimised over, between their ends: see `onto`
    coverage: Coverage | None = None  # None: thresholds are those of a chi2 distribution

    @property
    def named(self) -> set[str]:
        """Names of what is scanned or fixed."""
        return {*self.fixed, *(axis.name for axis in self.axes)}

    @property
    def held(self) -> dict[str, float]:
        """What is fixed, and what its interaction takes for parameters that are not named, as a reader is told."""
        taken = INTERACTIONS[self.interaction].defaults if self.interaction in INTERACTIONS else {}
        return {**self.fixed, **{name: value for name, value in taken.items() if name not in self.named}}

    def axis(self, name: str) -> Axis:
        """The axis with this name: a scanned one, or the sum of two (see `summed`)."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        u, d = (self.axis(quark) for quark in self.summed()[name])
        low, high = (float(matter_parameter(*ends)) for ends in ((u.minimum, d.minimum), (u.maximum, d.maximum)))
        return Axis(name=name, minimum=low, maximum=high, points=u.points + d.points - 1)

    def summed(self) -> dict[str, tuple[str, str]]:
        """Matter parameters that a projection may name as both of their quarks are axes, and these (Eq. 11)."""
        names = [axis.name for axis in self.axes]
        quarks = {name: quarks_of(name) for name in MATTER_PARAMETERS}
        return {name: pair for name, pair in quarks.items() if set(pair) <= set(names)}

    def onto(self, projection: Sequence[str]) -> "Scan":
        """The scan of these axes alone, in this order, with chi2 minimised over every other axis between its ends."""
        axes = tuple(self.axis(name) for name in projection)
        left_out = tuple(axis for axis in self.axes if axis.name not in projection)
        return replace(self, axes=axes, over=left_out, projections=(tuple(projection),))

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(axis.points for axis in self.axes)

    def levels(self) -> list[tuple[float, int]]:
        """Every confidence level with every number of degrees of freedom."""
        return [(level, n_dof) for level in self.confidence_levels for n_dof in self.n_dof]

    def drawn_levels(self) -> list[tuple[float, int]]:
        """Those that figures draw: every confidence level, with the first number of degrees of freedom."""
        return [level for level in self.levels() if level[1] == self.n_dof[0]]

    def rows(self, chunk: int) -> tuple[int, int]:
        """Half-open range of first-axis points in chunk 1 .. chunks."""
        return share(self.axes[0].points, chunk, self.chunks)

    def grid_name(self, projection: Sequence[str]) -> str:
        """File name of the grid with these axes: the scan's own if it has no other."""
        names = {axis.name for axis in self.axes}
        return self.name if set(projection) == names else NAME_OF_PAIR.join([self.name, *projection])

    def pairs(self) -> dict[str, tuple[str, ...]]:
        """Name and axes of every grid of two axes, for which there are contours."""
        return {name: axes for name, axes in self.grids().items() if len(axes) == 2}

    def drawn(self) -> dict[str, tuple[str, ...]]:
        """Name and axes of every grid of one axis or two, for which there are ranges and a figure."""
        return {name: axes for name, axes in self.grids().items() if len(axes) <= 2}

    def grids(self) -> dict[str, tuple[str, ...]]:
        """Name and axes of every grid that this scan makes."""
        return {self.grid_name(projection): projection for projection in self.projections}
