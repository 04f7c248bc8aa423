"""What an experiment has measured: counts in bins."""

from dataclasses import dataclass

import numpy as np

from cevnsi.arrays import FloatArray


@dataclass(frozen=True)
class Measurement:
    """Binned counts; arrays are (bins,) but the edges, which are (bins + 1,) and increase."""

    bin_edges_pe: FloatArray
    observed_counts: FloatArray
    stat_uncertainty: FloatArray

    def __post_init__(self) -> None:
        """Refuse what is no measurement."""
        bins = (np.size(self.bin_edges_pe) - 1,)
        if not bins == np.shape(self.observed_counts) == np.shape(self.stat_uncertainty):
            shapes = np.shape(self.observed_counts), np.shape(self.stat_uncertainty)
            raise ValueError(f"counts and uncertainties have shapes {shapes}; expected {bins} of the bin edges")
        if not (np.diff(self.bin_edges_pe) > 0).all():
            raise ValueError(f"bin edges {self.bin_edges_pe}; expected increasing numbers")
        if not np.isfinite(self.observed_counts).all():
            raise ValueError(f"observed counts {self.observed_counts}; expected finite numbers")
        if not ((self.stat_uncertainty > 0) & (self.stat_uncertainty < np.inf)).all():
            raise ValueError(f"uncertainties {self.stat_uncertainty}; expected positive, finite numbers")

    def select(self, low_pe: float, high_pe: float) -> "Measurement":
        """Only the bins inside [low_pe, high_pe]; both must be bin edges, and low_pe the smaller one."""
        for edge in (low_pe, high_pe):
            if edge not in self.bin_edges_pe:
                raise ValueError(
                    f"photoelectron_range: {edge} is not a bin edge of the counts; edges are "
                    + ", ".join(f"{e:g}" for e in self.bin_edges_pe)
                )
        if low_pe >= high_pe:
            raise ValueError(f"photoelectron_range: [{low_pe:g}, {high_pe:g}]; the first must be smaller")
        first, last = np.searchsorted(self.bin_edges_pe, [low_pe, high_pe])
        return Measurement(
            self.bin_edges_pe[first : last + 1], self.observed_counts[first:last], self.stat_uncertainty[first:last]
        )
