"""Predicted spectra of the standard model and of a light mediator (Fig. 1)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cevnsi.physics.flux import FLAVORS
from cevnsi.physics.interactions.light_mediator import light_mediator
from cevnsi.physics.weak_charge import Epsilon
from cevnsi.templates import Templates, predicted_counts


def spectra_table(
    templates: Templates, sin2_theta_w: float, mediator: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """The columns of spectra.csv: case, component, bin edges and predicted counts of each flavor by itself.

    The standard model alone if no mediator is given.
    """
    cases: dict[str, list[Epsilon]] = {"sm": [{} for _ in templates.nuclides]}
    if mediator is not None:
        cases["light_mediator"] = [light_mediator(q2, **mediator) for q2 in templates.momentum_transfer_squared]
    n_bins = templates.bin_edges_pe.size - 1
    blocks = [
        (case, flavor, counts)
        for case, epsilon in cases.items()
        for flavor, counts in zip(FLAVORS, predicted_counts(templates, epsilon, sin2_theta_w), strict=True)
    ]
    return {
        "case": [case for case, _, _ in blocks for _ in range(n_bins)],
        "component": [flavor for _, flavor, _ in blocks for _ in range(n_bins)],
        "bin_low_pe": np.tile(templates.bin_edges_pe[:-1], len(blocks)),
        "bin_high_pe": np.tile(templates.bin_edges_pe[1:], len(blocks)),
        "predicted_counts": np.concatenate([counts for _, _, counts in blocks]),
    }


def mean_momentum_transfer_mev(templates: Templates, sin2_theta_w: float) -> float:
    """sqrt(2 M E_r) averaged over the standard model's events, in MeV."""
    standard_model: list[Epsilon] = [{} for _ in templates.nuclides]
    counts = predicted_counts(templates, standard_model, sin2_theta_w)
    weighted = replace(templates, events=templates.events * np.sqrt(templates.momentum_transfer_squared))
    return float(predicted_counts(weighted, standard_model, sin2_theta_w).sum() / counts.sum())
