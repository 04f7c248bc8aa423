"""What the file of a grid says of itself, so that it is understood without its configuration."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cevnsi.files.provenance import digest
from cevnsi.parameters import Axis
from cevnsi.physics.interactions import parameter
from cevnsi.scans.axes import FREE, STANDARD_MODEL, Scan

CHI2 = "chi2, least over nuisances, over the domain and over axes that were left out"
DELTA_CHI2 = {  # by the scan's reference
    "minimum": "chi2 less its least value on this grid",
    STANDARD_MODEL: "chi2 less that of the standard model",
    "zero": "the same as chi2",
}


def column(name: str, description: str, unit: str = "") -> dict[str, str]:
    """What is said of a column; a pure number has no unit."""
    return {"name": name, "description": description, "unit": unit}


def _ends(low: float, high: float) -> list[float] | str:
    return FREE if math.isinf(low) and math.isinf(high) else [low, high]


def _axis(axis: Axis) -> dict[str, Any]:
    return {"name": axis.name, "min": axis.minimum, "max": axis.maximum, "points": axis.points, "scale": axis.scale}


def grid_note(
    scan: Scan, grid: str, name: str, analysis: Mapping[str, Any], section: Mapping[str, Any], inputs: Sequence[str]
) -> dict[str, Any]:
    """What the file of a grid of the analysis `name` says of itself, in values of JSON (docs/results.md has the keys).

    `analysis` is the complete section of that analysis, `section` the scan's, `inputs` the digests of its tables. Into
    how many chunks a scan was cut is left out, as it changes nothing.
    """
    plane = scan.onto(scan.grids()[grid])
    choices = {key: value for key, value in analysis.items() if key != "scans"}
    asked = {key: value for key, value in section.items() if key != "chunks"}
    said = [parameter(axis.name) for axis in plane.axes]
    return {
        "analysis": name,
        "choices": choices,
        "scan": scan.name,
        "grid": grid,
        "interaction": scan.interaction,
        "axes": [_axis(axis) for axis in plane.axes],
        "columns": [
            *(column(each.name, each.spoken, each.unit) for each in said),
            column("chi2", CHI2),
            column("delta_chi2", DELTA_CHI2[scan.reference]),
        ],
        "fixed": scan.held,
        "domain": {key: _ends(*ends) for key, ends in scan.domain.items()},
        "left_out": {axis.name: [axis.minimum, axis.maximum] for axis in plane.over},
        "combinations": {each.name: dict(each.of) for each in scan.combinations.values()},
        "reference": scan.reference,
        "configuration_sha256": digest({"analysis": choices, "scan": asked}),
        "inputs_sha256": list(inputs),
    }
