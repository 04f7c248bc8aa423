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
ROW_OF_RANGES = ("scan", "parameter", "confidence_level", "n_dof", "other_parameters")


def having(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Those of some analyses that any of the rows knows."""
    return [name for name in names if any(name in row["found"] for row in rows)]


def measured_rows(results: Path, names: Sequence[str]) -> list[Row]:
    """How often regions hold the truth, one row a truth and state of nuisances, by analysis and method.

    A cell has coverage, its error, where the region ends, and by how many widths nuisances are off. TableError of a
    table that is not sound.
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
    """Probabilities of goodness.csv, one row a quantity, by analysis; TableError of one that is not sound."""
    rows: dict[str, Row] = {}
    for name in names:
        path = results / name / "coverage" / "goodness.csv"
        table = read_table(path, GOODNESS) if path.exists() else {"quantity": []}
        for i, quantity in enumerate(table["quantity"]):
            row = rows.setdefault(quantity, {"quantity": QUANTITIES[quantity], "found": {}})
            row["found"][name] = {key: float(table[key][i]) for key in GOODNESS.columns if key != "quantity"}
    return list(rows.values())


def by_row(table: Mapping[str, Any]) -> dict[tuple[Any, ...], list[int]]:
    """Where the intervals of one scan, parameter, level, n_dof and other parameter are in a table of ranges."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for i, key in enumerate(zip(*(table[name] for name in ROW_OF_RANGES), strict=True)):
        found.setdefault(key, []).append(i)
    return found


def intervals(table: Mapping[str, Any], rows: Sequence[int]) -> list[tuple[float, float, str]]:
    """Ends of intervals, and which are only the grid's."""
    return [(float(table["lower"][i]), float(table["upper"][i]), table["ends_at_grid"][i]) for i in rows]


def range_rows(results: Path, names: Sequence[str]) -> list[Row]:
    """Ranges of one parameter by both methods, a row each, by analysis; and critical values at the ends.

    TableError of a table that is not sound.
    """
    rows: dict[tuple[Any, ...], Row] = {}
    for name in names:
        plain = read_table(results / name / "ranges.csv", RANGES)
        table = read_table(results / name / "coverage" / "ranges.csv", COVERED_RANGES)
        of_wilks = by_row(plain)
        for key, mine in by_row(table).items():
            row: Row = dict(zip(ROW_OF_RANGES, key, strict=True))
            if row["n_dof"] != 1:
                continue
            critical = np.concatenate([table["delta_chi2"][mine], table["delta_chi2_upper"][mine]])
            errors = np.concatenate([table["critical_error"][mine], table["critical_error_upper"][mine]])
            rows.setdefault(key, row).setdefault("found", {})[name] = {
                WILKS: intervals(plain, of_wilks.get(key, ())),
                FELDMAN_COUSINS: intervals(table, mine),
                "critical": (float(critical.min()), float(critical.max())),
                "error": float(errors.max()),
            }
    return list(rows.values())
