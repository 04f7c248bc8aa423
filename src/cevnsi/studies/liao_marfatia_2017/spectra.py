"""Predicted spectra of the standard model and of a light mediator (Fig. 1)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cevnsi.model import DataSet
from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.interactions import INTERACTIONS


def spectra_table(dataset: DataSet, mediator: Mapping[str, float] | None = None) -> dict[str, Any]:
    """The columns of spectra.csv: case, component, bin edges and predicted counts of each flavor by itself.

    The standard model alone if no mediator is given.
    """
    cases = {"sm": dataset.by_flavor("contact", {})}
    if mediator is not None:
        cases["light_mediator"] = dataset.by_flavor("light_mediator", mediator)
    edges = dataset.measurement.bin_edges_pe
    n_bins = edges.size - 1
    blocks = [
        (case, flavor, counts)
        for case, by_flavor in cases.items()
        for flavor, counts in zip(FLAVORS, by_flavor, strict=True)
    ]
    return {
        "case": [case for case, _, _ in blocks for _ in range(n_bins)],
        "component": [flavor for _, flavor, _ in blocks for _ in range(n_bins)],
        "bin_low_pe": np.tile(edges[:-1], len(blocks)),
        "bin_high_pe": np.tile(edges[1:], len(blocks)),
        "predicted_counts": np.concatenate([counts for _, _, counts in blocks]),
    }


def mean_momentum_transfer_mev(dataset: DataSet) -> float:
    """sqrt(2 M E_r) averaged over the standard model's events, in MeV."""
    terms = INTERACTIONS["contact"].terms
    charges = terms.coefficients(dataset.recoils, {})
    weights = sum(c * w for c, w in zip(charges, terms.weights(dataset.recoils, {}), strict=True))
    transfer = np.sqrt(dataset.templates.momentum_transfer_squared)
    moment, counts = (dataset.templates.counts(weights * factor).sum() for factor in (transfer, 1.0))
    return float(moment / counts)
