"""How far allowed ranges of matter parameters depend on the bound put on what is profiled over.

N != Z makes the profiled direction matter: at fixed eps_u + eps_d the charge still moves by (N - Z) per unit of
eps_d - eps_u, so without a bound on both no end of Eq. 12 exists.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cevnsi.config import Scan
from cevnsi.points import scan_grid
from cevnsi.regions import AllowedRange, allowed_ranges
from cevnsi.scan import Model

FloatArray = NDArray[np.float64]


def _bounded(scan: Scan, bound: float, points: int) -> Scan:
    """The scan with every profiled parameter in [-bound, bound] and each axis over all that Eq. 11 then reaches."""
    axes = tuple(
        replace(axis, minimum=-6 * bound, maximum=6 * bound, points=points, scale="linear") for axis in scan.axes
    )
    return replace(scan, axes=axes, profile=dict.fromkeys(scan.profile, (-bound, bound)))


def _extreme(rows: list[AllowedRange], side: str) -> tuple[float, str]:
    """The outermost end of several intervals, and "yes" if it is only the end of the reach."""
    pick = min(rows, key=lambda r: r.lower) if side == "lower" else max(rows, key=lambda r: r.upper)
    return (pick.lower if side == "lower" else pick.upper), "yes" if side in pick.ends_at_grid else "no"


def domain_sensitivity(model: Model, scan: Scan, bounds: FloatArray, points: int) -> Iterator[tuple[Any, ...]]:
    """Rows of `tables.SENSITIVITY`: least and greatest allowed value of each axis for each bound."""
    for bound in bounds:
        bounded = _bounded(scan, float(bound), points)
        grid = scan_grid(model, bounded)
        ranges = [r for r in allowed_ranges(scan.name, grid, scan.levels()) if r.other_parameters == "profiled"]
        for name, (confidence_level, n_dof) in product(grid.names, scan.levels()):
            key = (name, confidence_level, n_dof)
            rows = [r for r in ranges if (r.parameter, r.confidence_level, r.n_dof) == key]
            for side in ("lower", "upper"):
                end, at_reach = _extreme(rows, side)
                yield name, float(np.round(bound, 12)), *key[1:], rows[0].delta_chi2, side, end, at_reach
