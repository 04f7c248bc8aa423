"""Grids and their contours to a figure of one panel or more."""

from typing import Any

from cevnsi.config.check import parse_scan
from cevnsi.files.tables import BEST_FITS, RANGES, read_table
from cevnsi.output.figures import covered_files, draw_regions, drawing, read_panel, save_all
from runner import run


def main(sections: dict[str, Any], grids: list[str], files: Any, output: Any) -> None:
    """Draw and save."""
    scans = [parse_scan(name, section) for name, section in sections.items()]
    tables = read_table(files.best_fits, BEST_FITS), read_table(files.ranges, RANGES)
    scan_of = {name: scan for scan in scans for name in scan.pairs()}
    listed = zip(grids, zip(files.grids, files.contours, strict=True), covered_files(files, len(grids)), strict=True)
    panels = {name: read_panel(scan_of[name], name, own, *tables, covered) for name, own, covered in listed}
    with drawing():
        save_all(draw_regions(panels), output)


if job := globals().get("snakemake"):
    run(main, job)
