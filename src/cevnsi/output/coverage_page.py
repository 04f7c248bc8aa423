"""What the report and the pages of docs/ say of coverage: rows from the tables in results/<analysis>/coverage/."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.files.tables import COVERED_RANGES, GOODNESS, MEASURED, RANGES, read_table
from cevnsi.scans.axes import FELDMAN_COUSINS, WILKS

Row = dict[str, Any]
TRUTHS = {  # of `cevnsi.scans.measured.truths_of`, in words
    "standard_model": "standard model",
    "least_of_grid": "least chi2 of the grid",
    **{f"contour_{k}": f"{place} point of the contour" for k, place in enumerate(("first", "second", "third"), 1)},
}
NUISANCES = {"profiled": "as the data want them", "up": "a width up", "down": "a width down"}
QUANTITIES = {  # of `cevnsi.scans.goodness`
    "best_fit": "chi2 as large, with the amplitude of the signal free",
    "standard_model": "chi2 as large, of the standard model",
    "significance": "a signal as strong where there is none",
}


def measured_rows(results: Path, names: Sequence[str]) -> list[Row]:
    """How often regions hold the truth, one row a truth and state of nuisances, by analysis and method.

    A cell has coverage, its error, where the region ends, and by how many widths nuisances are off.
    """
    rows: dict[tuple[Any, ...], Row] = {}
    for name in names:
        path = results / name / "coverage" / "measured.csv"
        if not path.exists():
            continue
        table = read_table(path, MEASURED)
        for i, truth in enumerate(table["truth"]):
            level, nuisances = float(table["confidence_level"][i]), table["nuisances"][i]
            key = (table["grid"][i], level, truth, nuisances)
            row: Row = {
                "grid": key[0],
                "confidence_level": level,
                "truth": TRUTHS[truth],
                "nuisances": NUISANCES[nuisances],
            }
            found = rows.setdefault(key, row).setdefault("found", {}).setdefault(name, {})
            found[table["method"][i]] = {
                key: float(table[key][i]) for key in ("coverage", "coverage_error", "delta_chi2", "toys", "moved_by")
            }
    return list(rows.values())


def goodness_rows(results: Path, names: Sequence[str]) -> list[Row]:
    """Probabilities of goodness.csv, one row a quantity, by analysis."""
    rows: dict[str, Row] = {}
    for name in names:
        path = results / name / "coverage" / "goodness.csv"
        table = read_table(path, GOODNESS) if path.exists() else {"quantity": []}
        for i, quantity in enumerate(table["quantity"]):
            row = rows.setdefault(quantity, {"quantity": QUANTITIES[quantity], "found": {}})
            row["found"][name] = {key: float(table[key][i]) for key in GOODNESS.columns if key != "quantity"}
    return list(rows.values())


def _intervals(table: Mapping[str, Any], key: tuple[Any, ...]) -> list[tuple[float, float, str]]:
    """Ends of the intervals of one row of ranges, and which are only the grid's."""
    columns = ("scan", "parameter", "confidence_level", "n_dof", "other_parameters")
    mine = np.ones(len(table["scan"]), np.bool_)
    for name, value in zip(columns, key, strict=True):
        mine &= np.array(table[name]) == value
    return [
        (float(table["lower"][i]), float(table["upper"][i]), table["ends_at_grid"][i]) for i in np.flatnonzero(mine)
    ]


def range_rows(results: Path, names: Sequence[str]) -> list[Row]:
    """Ranges of one parameter by both methods, a row each, by analysis; and critical values at the ends."""
    rows: dict[tuple[Any, ...], Row] = {}
    for name in names:
        plain = read_table(results / name / "ranges.csv", RANGES)
        table = read_table(results / name / "coverage" / "ranges.csv", COVERED_RANGES)
        for i, scan in enumerate(table["scan"]):
            if table["n_dof"][i] != 1:
                continue
            labels = ("parameter", "confidence_level", "n_dof", "other_parameters")
            key = (scan, *(table[label][i] for label in labels))
            row: Row = {"scan": scan, **{label: table[label][i] for label in labels}}
            found = rows.setdefault(key, row).setdefault("found", {})
            if name in found:
                continue
            ends = [
                (float(table[f"{value}{side}"][j]), float(table[f"critical_error{side}"][j]))
                for j in np.flatnonzero([each == scan for each in table["scan"]])
                if tuple(table[label][j] for label in labels) == key[1:]
                for side, value in (("", "delta_chi2"), ("_upper", "delta_chi2"))
            ]
            found[name] = {
                WILKS: _intervals(plain, key),
                FELDMAN_COUSINS: _intervals(table, key),
                "critical": (min(ends)[0], max(ends)[0]),
                "error": max(error for _, error in ends),
            }
    return list(rows.values())
