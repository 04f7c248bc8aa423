"""What a reader looks for first: limits of one parameter by both methods, and how often regions hold the truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cevnsi.output import coverage_page
from cevnsi.scans.axes import FELDMAN_COUSINS, WILKS

Row = dict[str, Any]
LEVEL = 0.90


def limit_rows(
    ranges: Mapping[str, Mapping[str, Any]],
    covered: Sequence[Row],
    asked: Sequence[tuple[str, str]],
) -> list[Row]:
    """Intervals at `LEVEL` of one parameter, a row for each that is `asked` for (scan, parameter) and that there is.

    `ranges` are columns of ranges.csv by analysis, `covered` rows of `coverage_page.range_rows`. With what else a scan
    moves minimised over, where it moves anything. A row has `found`: intervals by analysis and method.
    """
    by_row = {name: coverage_page.by_row(table) for name, table in ranges.items()}
    rows = []
    for scan, parameter in asked:
        found: dict[str, Row] = {}
        for name, groups in by_row.items():
            mine = {key[-1]: rows for key, rows in groups.items() if key[:-1] == (scan, parameter, LEVEL, 1)}
            if mine:
                other = "profiled" if "profiled" in mine else next(iter(mine))
                found[name] = {WILKS: coverage_page.intervals(ranges[name], mine[other]), "other": other}
        for row in covered:
            if (row["scan"], row["parameter"], row["confidence_level"]) == (scan, parameter, LEVEL):
                for name, both in row["found"].items():
                    if name in found and found[name]["other"] == row["other_parameters"]:
                        found[name][FELDMAN_COUSINS] = both[FELDMAN_COUSINS]
        if found:
            rows.append({"parameter": parameter, "found": found})
    return rows


def coverage_at_standard_model(results: Path, names: Sequence[str]) -> Row:
    """How often a region at `LEVEL` holds the standard model with nuisances as the data want them, by analysis."""
    for row in coverage_page.measured_rows(results, names):
        said = (row["truth"], row["nuisances"], row["confidence_level"])
        if said == (coverage_page.TRUTHS["standard_model"], coverage_page.NUISANCES["profiled"], LEVEL):
            return row
    return {}
