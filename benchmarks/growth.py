"""How the cost grows with points, axes, chunks and bins, each with the exponent of a fit beside theory's."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.model import Model
from cevnsi.scans.axes import Scan
from cevnsi.scans.rows import scan_rows
from setting import QUARKS, Row, exponent, paper_model, scan_of, seconds, square

THREADS = 2


@dataclass(frozen=True)
class Growth:
    """Times for sizes of one kind, of which those from `fitted_from` on are fitted."""

    quantity: str
    what: str
    theory: float
    sizes: list[float]
    times: list[float]
    fitted_from: float = 0.0

    def _fitted(self) -> tuple[FloatArray, FloatArray]:
        sizes, times = np.array(self.sizes), np.array(self.times)
        kept = sizes >= self.fitted_from
        return sizes[kept], times[kept]

    def fit(self) -> float:
        """Exponent of time in size."""
        sizes, times = self._fitted()
        return exponent(sizes, times)

    def curve(self, power: float) -> FloatArray:
        """Times that grow with this power, through the middle of those that are fitted."""
        sizes, times = self._fitted()
        middle = np.exp(np.log(times).mean() - power * np.log(sizes).mean())
        result: FloatArray = middle * np.array(self.sizes) ** power
        return result

    def row(self) -> Row:
        """The exponent for the table, the times behind it."""
        where = f" (from {self.fitted_from:g} on)" if self.fitted_from else ""
        behind = {"sizes": self.sizes, "times_s": self.times}
        what = f"{self.what}: exponent in {self.quantity}{where}"
        return Row("growth", what, self.fit(), f"theory: {self.theory:g}", "", behind)


def times(models: Sequence[Model], scans: Sequence[Scan], repeats: int) -> list[float]:
    """Median time of each model's scan."""
    pairs = zip(models, scans, strict=True)
    return [seconds(partial(scan_rows, model, scan, 0, scan.shape[0], THREADS), repeats) for model, scan in pairs]


def growths(smoke: bool) -> Iterator[Growth]:
    """All four."""
    model = paper_model()
    repeats = 1 if smoke else 3
    sides = [10, 20] if smoke else [316, 1000, 2154, 4642, 10_000]
    scans = [square("contact", n) for n in sides]
    took = times([model] * len(scans), scans, repeats)
    yield Growth("points", "a plane", 1, [float(n**2) for n in sides], took, 0 if smoke else 1e6)

    total, line = (10_000, 10) if smoke else (16_000_000, 250)
    # lines of the same length, as the cost of a line is shared by its points
    shapes = [(axes, round((total / line) ** (1 / (axes - 1)))) for axes in (2, 3, 4)]
    spans = [dict.fromkeys(QUARKS[:axes], (-1.0, 1.0, n)) | {QUARKS[axes - 1]: (-1.0, 1.0, line)} for axes, n in shapes]
    scans = [scan_of(span) for span in spans]
    took = times([model] * len(scans), scans, repeats)
    per_point = [t / math.prod(scan.shape) for t, scan in zip(took, scans, strict=True)]
    yield Growth("axes", f"time per point of {total:.0e}", 0, [float(axes) for axes, _ in shapes], per_point)

    counts = [1, 4] if smoke else [1, 4, 16, 64, 256]
    scan = square("contact", 100 if smoke else 4000)

    def in_chunks(count: int) -> None:
        cut = replace(scan, chunks=count)
        for k in range(1, count + 1):
            scan_rows(model, cut, *cut.rows(k), THREADS)

    took = [seconds(partial(in_chunks, count), repeats) for count in counts]
    yield Growth("chunks", f"{scan.shape[0] ** 2:.0e} points in all, no processes", 0, [float(c) for c in counts], took)

    bins = [12, 24] if smoke else [12, 40, 120, 400, 1200]
    models = [paper_model(bin_edges_pe=np.linspace(6, 30, n + 1)) for n in bins]
    scan = square("contact", 100 if smoke else 2000)
    took = times(models, [scan] * len(models), repeats)
    yield Growth("bins", "contact", 0, [float(n) for n in bins], took)
    light = scan_of({"mediator_mass_mev": (1, 1e4, 100 if smoke else 2000), "coupling": (1e-6, 1e-1, 100)})
    took = times(models, [light] * len(models), repeats)
    # below, a segment of half a photoelectron is shorter than a bin, and the number of nodes does not depend on bins
    yield Growth("bins", "light mediator", 1, [float(n) for n in bins], took, 0 if smoke else 120)


def draw(found: list[Growth]) -> Any:
    """One panel for each."""
    from matplotlib.figure import Figure

    from cevnsi.output.looks import BLACK, BLUE, VERMILION

    figure = Figure(figsize=(7.0, 4.4), layout="constrained")
    for axes, growth in zip(figure.subplots(2, 3).flat, found, strict=False):
        sizes, taken = np.array(growth.sizes), np.array(growth.times)
        axes.loglog(sizes, taken, "o", color=BLACK, label="measured")
        for power, color, style, name in ((growth.fit(), BLUE, "-", "fit"), (growth.theory, VERMILION, "--", "theory")):
            axes.loglog(sizes, growth.curve(power), style, color=color, label=f"{name}: {power:.2f}")
        axes.minorticks_off()
        axes.set_xticks(sizes, [f"{size:.0e}".replace("e+0", "e") if size >= 1e4 else f"{size:g}" for size in sizes])
        middle = np.sqrt(taken.min() * taken.max())
        reach = max(np.sqrt(taken.max() / taken.min()), 5) * 1.5  # a decade and more, so that what is flat looks flat
        axes.set_ylim(middle / reach, middle * reach)
        axes.set_xlabel(growth.quantity)
        axes.set_ylabel("seconds per point" if growth.quantity == "axes" else "seconds")
        axes.set_title(growth.what, fontsize=7)
        axes.legend(fontsize=6)
    for empty in list(figure.axes)[len(found) :]:
        empty.remove()
    return figure
