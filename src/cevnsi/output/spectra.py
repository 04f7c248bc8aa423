"""What is expected in every bin, of every sample by itself: spectra.csv before a fit, fitted_counts/ after it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.arrays import FloatArray
from cevnsi.files.atomic import read_lines
from cevnsi.files.tables import (
    BACKGROUND,
    CONTROL,
    OBSERVED,
    SPECTRA,
    SPECTRA_IN_F90,
    SPECTRA_IN_TIME,
    STANDARD_MODEL_COUNTS,
    Layout,
    Table,
    fitted_layout,
    read_table,
)
from cevnsi.fits import FittedCounts
from cevnsi.model import DataSet
from cevnsi.physics.flux import FLAVORS
from cevnsi.statistics.likelihoods import best_background


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


def _rows(labels: Mapping[str, Sequence[str]], dataset: DataSet, name: str, counts: FloatArray) -> dict[str, Any]:
    """Columns of counts (blocks, bins) and what each block is; edges of energy come before counts, others after."""
    n_blocks, n_bins = counts.shape
    edges = {edge: np.tile(values, n_blocks) for edge, values in dataset.measurement.bins().items()}
    of_energy = list(edges)[:2]
    return {
        **{label: [value for value in values for _ in range(n_bins)] for label, values in labels.items()},
        **{edge: values for edge, values in edges.items() if edge in of_energy},
        name: counts.ravel(),
        **{edge: values for edge, values in edges.items() if edge not in of_energy},
    }


def spectra_table(dataset: DataSet, mediator: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Case, component, edges of energy and counts by bin, then any further edges: each flavor by itself.

    The standard model alone if no mediator is given. Counts without uncertainties bring their backgrounds, before any
    fit, and what is observed.
    """
    cases, components, counts = zip(*_blocks(dataset, mediator), strict=True)
    return _rows({"case": cases, "component": components}, dataset, "predicted_counts", np.stack(counts))


def _spectra_layout(path: Path | str) -> Layout:
    """That of the axes which a table has edges of."""
    names = next(iter(read_lines(Path(path))), "").split(",")
    further = {"bin_low_f90": SPECTRA_IN_F90, "bin_low_us": SPECTRA_IN_TIME}
    return next((layout for name, layout in further.items() if name in names), SPECTRA)


def read_spectra(path: Path | str) -> Table:
    """The columns of a spectra.csv, of counts in energy and whatever further axes there are.

    TableError as that of `read_csv`.
    """
    return read_table(path, _spectra_layout(path))


def _components(dataset: DataSet, fitted: FittedCounts) -> dict[str, FloatArray]:
    """Counts (bins,) of every component at a fit, in the order of a table of fitted_counts/."""
    measured, known, found = dataset.measurement, dataset.measurement.control, dict(fitted.samples)
    if known is not None:
        expected = np.sum(list(fitted.samples.values()), axis=0)
        found[CONTROL] = best_background(expected, measured.observed, known.counts, known.windows)
    return {**found, OBSERVED: measured.observed, **fitted.flavors}


def fitted_table(dataset: DataSet, best: FittedCounts, standard: FittedCounts) -> dict[str, Any]:
    """The columns of fitted_counts/<dataset>.csv: counts by component and bin, and what is observed, at two fits.

    The best fit's, and at the end the standard model's, as `cevnsi.fits.fitted_counts` has them; what is observed is
    the same of both. A background that is known from a control region alone is where it is best in each bin.
    """
    found, others = _components(dataset, best), _components(dataset, standard)
    table = _rows({"component": list(found)}, dataset, "counts", np.stack(list(found.values())))
    return table | {STANDARD_MODEL_COUNTS: np.concatenate([others[name] for name in found])}


def read_fitted(path: Path | str) -> Table:
    """The columns of a table of fitted_counts/, of counts in energy and whatever further axes there are.

    TableError as that of `read_csv`.
    """
    return read_table(path, fitted_layout(_spectra_layout(path)))


def templates_table(dataset: DataSet) -> dict[str, Any]:
    """Events per unit of charge squared by flavor, nuclide and bin, the columns of templates.csv.

    Of protons and neutrons apart, what the charge squared of the whole nucleus counts for (`Recoils.part_weights`).
    """
    sums = dataset.in_time(dataset.templates.per_bin(dataset.recoils.part_weights({})[0]))
    flavors, nuclides = zip(*product(FLAVORS, (n.name for n in dataset.templates.nuclides)), strict=True)
    labels = {"flavor": flavors, "nuclide": nuclides}
    return _rows(labels, dataset, "events_per_charge_squared", sums.reshape(-1, sums.shape[-1]))
