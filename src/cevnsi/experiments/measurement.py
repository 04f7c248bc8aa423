"""What an experiment has measured: counts in bins."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from cevnsi.arrays import FloatArray

ROUNDING = 1e-6  # of a number, or of the interval it ends: what decimals, and programs that read figures off, leave
PHOTOELECTRONS = "photoelectrons"  # the axis of a detector that counts them
ARRIVAL_TIME = "arrival_time_us"  # the axis of when an event is seen, after the beam's pulse


@dataclass(frozen=True, kw_only=True)
class Control:
    """Counts of background alone, bin by bin, in so many windows as long as that of the signal."""

    counts: FloatArray  # (bins,)
    windows: float


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Binned counts; bins are the product of the axes, the last one fastest.

    Arrays are (bins,), edges of an axis increase. Without uncertainties the counts are Poisson's.
    """

    axes: Mapping[str, FloatArray]  # bin edges by name
    observed: FloatArray
    uncertainty: FloatArray | None = None
    backgrounds: Mapping[str, FloatArray] = field(default_factory=dict)
    control: Control | None = None  # of a background that is known from nothing else; for Poisson counts

    def __post_init__(self) -> None:
        """Refuse what is no measurement."""
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

    @property
    def errors(self) -> FloatArray:
        """The uncertainty of every bin; ValueError if the counts are Poisson's."""
        if self.uncertainty is None:
            raise ValueError("counts without uncertainties; expected one of every bin")
        return self.uncertainty

    @property
    def bin_edges_pe(self) -> FloatArray:
        """Edges of the photoelectron axis."""
        return self.axes[PHOTOELECTRONS]

    def select(self, name: str, low: float, high: float) -> "Measurement":
        """Only the bins inside [low, high] of an axis; both must be bin edges, and low the smaller one."""
        edges, part = self.axes[name], bins_between(name, self.axes[name], low, high)
        place = list(self.axes).index(name)

        def cut(values: FloatArray) -> FloatArray:
            return np.take(values.reshape(self.shape), np.arange(part.start, part.stop), axis=place).ravel()

        return replace(
            self,
            axes={**self.axes, name: edges[part.start : part.stop + 1]},
            observed=cut(self.observed),
            uncertainty=None if self.uncertainty is None else cut(self.uncertainty),
            backgrounds={background: cut(values) for background, values in self.backgrounds.items()},
            control=None if self.control is None else replace(self.control, counts=cut(self.control.counts)),
        )


def bins_between(name: str, edges: FloatArray, low: float, high: float) -> slice:
    """The bins inside [low, high], which must be bin edges but for rounding, and low the smaller one."""
    nearest = [int(np.abs(edges - edge).argmin()) for edge in (low, high)]
    for edge, i in zip((low, high), nearest, strict=True):
        if not abs(edges[i] - edge) <= ROUNDING * abs(edge):
            raise ValueError(
                f"{name}: {edge} is not a bin edge of the counts; edges are {', '.join(f'{e:g}' for e in edges)}"
            )
    if low >= high:
        raise ValueError(f"{name}: [{low:g}, {high:g}]; the first must be smaller")
    return slice(*nearest)
