"""What an experiment has measured: counts in bins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod

import numpy as np

from cevnsi.arrays import FloatArray

ROUNDING = 1e-6  # of a number, or of the interval it ends: what decimals, and programs that read figures off, leave
PHOTOELECTRONS = "photoelectrons"  # the axis of a detector that counts them
ENERGY_KEVEE = "energy_kevee"  # that of one that gives energies, of electrons which are seen alike
F90 = "f90"  # the part of the light in the first 90 ns, which tells nuclear recoils from electrons
ARRIVAL_TIME = "arrival_time_us"  # the axis of when an event is seen, after the beam's pulse
UNITS = {
    PHOTOELECTRONS: "pe",
    ENERGY_KEVEE: "kevee",
    F90: "f90",
    ARRIVAL_TIME: "us",
}  # of an axis, as columns are called
MOST_EDGES = 10_001  # of an axis


@dataclass(frozen=True, kw_only=True)
class Control:
    """Counts of background alone, bin by bin, in so many windows as long as that of the signal."""

    counts: FloatArray  # (bins,)
    windows: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Sideband:
    """Poisson counts of background alone that the expectation of a background is made of, as toys count them anew."""

    mean: FloatArray  # (counts,), of that expectation
    made: Callable[[FloatArray], FloatArray]  # that of each of several, (n, counts) to (n, bins)
    # The nuisance that scales them as it does the background, so that they are its auxiliary measurement; None: they
    # say how the background is shaped, and nothing of its size.
    measures: str | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Binned counts; bins are the product of the axes, the last one fastest.

    Arrays are (bins,), edges of an axis increase. Without uncertainties the counts are Poisson's.
    """

    axes: Mapping[str, FloatArray]  # bin edges by name, (bins of the axis + 1,), in the unit that `UNITS` has of it
    observed: FloatArray  # counts
    uncertainty: FloatArray | None = None  # of these, in counts
    backgrounds: Mapping[str, FloatArray] = field(default_factory=dict)  # expected counts by name
    control: Control | None = None  # of a background that is known from nothing else; for Poisson counts
    # Whether counts are those of two windows' difference, and uncertainties the roots of their sums.
    is_difference: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no measurement: ValueError."""
        for name, edges in self.axes.items():
            if not (np.size(edges) >= 2 and (np.diff(edges) > 0).all()):
                raise ValueError(f"{name}: bin edges {edges}; expected increasing numbers, 2 or more")
        bins = (prod(self.shape),)
        arrays = {"observed": self.observed, **self.backgrounds}
        if self.control is not None:
            arrays["control"] = self.control.counts
            if self.uncertainty is not None:
                raise ValueError("control: counts with uncertainties have no control region; expected Poisson counts")
        if self.uncertainty is not None:
            arrays["uncertainty"] = self.uncertainty
        for name, values in arrays.items():
            if np.shape(values) != bins:
                raise ValueError(f"{name}: counts of shape {np.shape(values)}; expected {bins} of the bin edges")
            if not np.isfinite(values).all():
                raise ValueError(f"{name}: {values}; expected finite numbers")
        if self.uncertainty is not None and not (self.uncertainty > 0).all():
            raise ValueError(f"uncertainty: {self.uncertainty}; expected positive numbers")

    @property
    def shape(self) -> tuple[int, ...]:
        """Bins along each axis."""
        return tuple(np.size(edges) - 1 for edges in self.axes.values())

    def bins(self) -> dict[str, FloatArray]:
        """Lower and upper edge of every bin along each axis, (bins,) by column: bin_low_pe and so on."""
        place = np.indices(self.shape).reshape(len(self.shape), -1)
        columns = {}
        for i, (name, edges) in enumerate(self.axes.items()):
            columns[f"bin_low_{UNITS[name]}"], columns[f"bin_high_{UNITS[name]}"] = edges[place[i]], edges[place[i] + 1]
        return columns

    def bin_text(self, i: int) -> str:
        """Where bin i is.

        >>> edges = {PHOTOELECTRONS: np.array([6.0, 8.0]), ARRIVAL_TIME: np.array([0.0, 0.5, 6.0])}
        >>> Measurement(axes=edges, observed=np.zeros(2)).bin_text(1)
        'photoelectrons [6, 8), arrival_time_us [0.5, 6)'
        """
        ends = list(self.bins().values())
        return ", ".join(
            f"{name} [{low[i]:g}, {high[i]:g})"
            for name, low, high in zip(self.axes, ends[::2], ends[1::2], strict=True)
        )

    @property
    def errors(self) -> FloatArray:
        """The uncertainty of every bin, (bins,) in counts; ValueError if the counts are Poisson's."""
        if self.uncertainty is None:
            raise ValueError("counts without uncertainties; expected one of every bin")
        return self.uncertainty

    @property
    def total_error(self) -> float:
        """The statistical uncertainty of all observed counts together, in counts."""
        return float(np.sqrt((self.observed if self.uncertainty is None else self.uncertainty**2).sum()))

    @property
    def bin_edges_pe(self) -> FloatArray:
        """Edges of the photoelectron axis, (bins of energy + 1,)."""
        return self.axes[PHOTOELECTRONS]

    def inside(self, values: FloatArray, name: str, low: float, high: float) -> FloatArray:
        """Those of values (bins,) whose bins are inside [low, high] of an axis; ValueError of what is no edge."""
        part, place = bins_between(name, self.axes[name], low, high), list(self.axes).index(name)
        return np.take(values.reshape(self.shape), np.arange(part.start, part.stop), axis=place).ravel()

    def select(self, name: str, low: float, high: float) -> "Measurement":
        """Only the bins inside [low, high] of an axis; both must be bin edges, and low the smaller one: ValueError."""
        edges, part = self.axes[name], bins_between(name, self.axes[name], low, high)
        cut = partial(self.inside, name=name, low=low, high=high)
        return replace(
            self,
            axes={**self.axes, name: edges[part.start : part.stop + 1]},
            observed=cut(self.observed),
            uncertainty=None if self.uncertainty is None else cut(self.uncertainty),
            backgrounds={background: cut(values) for background, values in self.backgrounds.items()},
            control=None if self.control is None else replace(self.control, counts=cut(self.control.counts)),
        )


def bins_between(name: str, edges: FloatArray, low: float, high: float) -> slice:
    """The bins inside [low, high], which must be among the edges (bins + 1,) but for rounding, and low the smaller one.

    ValueError of what is no edge, and of an interval without a bin; the name is that of the axis.
    """
    nearest = [int(np.abs(edges - edge).argmin()) for edge in (low, high)]
    for edge, i in zip((low, high), nearest, strict=True):
        if not abs(edges[i] - edge) <= ROUNDING * abs(edge):
            raise ValueError(
                f"{name}: {edge} is not a bin edge of the counts; edges are {', '.join(f'{e:g}' for e in edges)}"
            )
    if low >= high:
        raise ValueError(f"{name}: [{low:g}, {high:g}]; the first must be smaller")
    if nearest[0] == nearest[1]:
        raise ValueError(f"{name}: [{low:.10g}, {high:.10g}] holds no bin of the counts; expected one or more")
    return slice(*nearest)


def edges_of(name: str, given: Sequence[float] | Mapping[str, float]) -> tuple[float, ...]:
    """Edges that are listed, or evenly spaced by min, max and step; ValueError names what they are of.

    >>> edges_of("time", {"min": 0, "max": 1.5, "step": 0.5}), edges_of("time", [0, 1, 6])
    ((0.0, 0.5, 1.0, 1.5), (0.0, 1.0, 6.0))
    """
    if isinstance(given, Mapping):
        low, high, step = (float(given[key]) for key in ("min", "max", "step"))
        steps = (high - low) / step
        if not (round(steps) >= 1 and abs(steps - round(steps)) <= ROUNDING):
            raise ValueError(f"{name}: from {low:g} to {high:g} by {step:g}; expected whole steps, one or more")
        if round(steps) >= MOST_EDGES:
            raise ValueError(f"{name}: {steps:.0f} bins; expected fewer than {MOST_EDGES}")
        return tuple(np.linspace(low, high, round(steps) + 1).tolist())
    edges = tuple(map(float, given))
    if len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"{name}: {', '.join(f'{edge:g}' for edge in edges)}; expected increasing edges, 2 or more")
    return edges
