"""What is expected in every bin, of every sample by itself: the columns of spectra.csv."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.files.atomic import read_lines
from cevnsi.files.tables import SPECTRA, SPECTRA_IN_TIME, Table, read_table
from cevnsi.model import DataSet
from cevnsi.physics.flux import FLAVORS

OBSERVED, BACKGROUND = "observed", "background"  # cases, beside the standard model and the mediator
CONTROL = "control_region"  # as a background: its counts, over how many windows they are of


def _blocks(dataset: DataSet, mediator: Mapping[str, float] | None) -> Iterator[tuple[str, str, FloatArray]]:
    cases = {"sm": dataset.by_flavor("contact", {})}
    if mediator is not None:
        cases["light_mediator"] = dataset.by_flavor("light_mediator", mediator)
    for case, by_flavor in cases.items():
        for flavor, counts in zip(FLAVORS, by_flavor, strict=True):
            yield case, flavor, counts
    measured = dataset.measurement
    if measured.uncertainty is None:  # counts that are no residuals: what they hold besides the signal belongs to them
        control = measured.control
        known = {} if control is None else {CONTROL: control.counts / control.windows}
        for name, counts in {**measured.backgrounds, **known}.items():
            yield BACKGROUND, name, counts
        yield OBSERVED, "all", measured.observed


def spectra_table(dataset: DataSet, mediator: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Case, component, edges of energy and counts by bin, then any further edges: each flavor by itself.

    The standard model alone if no mediator is given. Counts without uncertainties bring their backgrounds, before any
    fit, and what is observed.
    """
    blocks, bins = list(_blocks(dataset, mediator)), dataset.measurement.bins()
    edges = {name: np.tile(values, len(blocks)) for name, values in bins.items()}
    counts = np.concatenate([counts for _, _, counts in blocks])
    size = counts.size // len(blocks)
    return {
        "case": [case for case, _, _ in blocks for _ in range(size)],
        "component": [component for _, component, _ in blocks for _ in range(size)],
        **{name: values for name, values in edges.items() if name in SPECTRA.columns},
        "predicted_counts": counts,
        **{name: values for name, values in edges.items() if name not in SPECTRA.columns},
    }


def read_spectra(path: Path | str) -> Table:
    """The columns of a spectra.csv, of counts in energy or in energy and time."""
    in_time = any("bin_low_us" in line.split(",") for line in read_lines(Path(path))[:1])
    return read_table(path, SPECTRA_IN_TIME if in_time else SPECTRA)


def templates_table(dataset: DataSet) -> dict[str, Any]:
    """Events per unit of charge squared by flavor, nuclide and bin, the columns of templates.csv.

    Of protons and neutrons apart, what the charge squared of the whole nucleus counts for (`Recoils.part_weights`).
    """
    sums, bins = dataset.templates.per_bin(dataset.recoils.part_weights({})[0]), dataset.measurement.bins()
    n_flavors, n_nuclides, n_bins = sums.shape
    edges = {name: np.tile(values, n_flavors * n_nuclides) for name, values in bins.items()}
    return {
        "flavor": [flavor for flavor in FLAVORS for _ in range(n_nuclides * n_bins)],
        "nuclide": [n.name for _ in FLAVORS for n in dataset.templates.nuclides for _ in range(n_bins)],
        **{name: values for name, values in edges.items() if name in SPECTRA.columns},
        "events_per_charge_squared": sums.ravel(),
        **{name: values for name, values in edges.items() if name not in SPECTRA.columns},
    }
