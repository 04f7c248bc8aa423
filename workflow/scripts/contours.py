"""One grid to contour lines."""

from typing import Any

from cevnsi.config.check import parse_scan
from cevnsi.files.tables import read_parquet, write_csv
from cevnsi.scans.chunks import as_grid
from cevnsi.scans.regions import contour_table
from runner import run


def main(scan: str, section: dict[str, Any], grid: str, files: Any, output: Any) -> None:
    """Lines at every confidence level and number of degrees of freedom that the scan asks for."""
    choices = parse_scan(scan, section)
    table = as_grid(choices, grid, read_parquet(files.grid, ["delta_chi2"])["delta_chi2"])
    write_csv(output[0], contour_table(table, choices.levels()))


if job := globals().get("snakemake"):
    run(main, job)
