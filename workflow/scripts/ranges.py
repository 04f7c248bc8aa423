"""All grids of an analysis to allowed intervals of every parameter."""

from dataclasses import astuple
from typing import Any

from cevnsi.config import parse_scan
from cevnsi.grids import as_grid
from cevnsi.regions import AllowedRange, scan_ranges
from cevnsi.tables import RANGES, as_columns, read_parquet, write_csv
from runner import run


def main(sections: dict[str, Any], files: Any, output: Any) -> None:
    """Intervals by scan, in the order of the analysis."""
    paths = iter(files.grids)
    rows: list[AllowedRange] = []
    for name, section in sections.items():
        scan = parse_scan(name, section)
        grids = [as_grid(scan, grid, read_parquet(next(paths), ["delta_chi2"])["delta_chi2"]) for grid in scan.pairs()]
        rows += scan_ranges(name, grids, scan.levels(), whole=len(scan.axes) == 2)
    write_csv(output[0], as_columns(map(astuple, rows), RANGES))


if job := globals().get("snakemake"):
    run(main, job)
