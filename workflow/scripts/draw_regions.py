"""Grids and their contours to a figure of one panel or more."""

from dataclasses import replace
from typing import Any

from cevnsi.config.check import parse_scan
from cevnsi.files.tables import BEST_FITS, RANGES, contour_layout, read_parquet, read_table
from cevnsi.output.figures import draw_regions, drawing, panel_of, read_covered, save_all
from cevnsi.scans.chunks import as_grid
from runner import run


def main(sections: dict[str, Any], grids: list[str], files: Any, output: Any) -> None:
    """Draw and save."""
    scans = [parse_scan(name, section) for name, section in sections.items()]
    best_fits, ranges = read_table(files.best_fits, BEST_FITS), read_table(files.ranges, RANGES)
    panels = {}
    scan_of = {name: scan for scan in scans for name in scan.pairs()}
    none = [""] * len(grids)
    critical = getattr(files, "covered", none), getattr(files, "covered_contours", none)  # of those of coverage/ alone
    for name, grid_file, contour_file, *covered in zip(grids, files.grids, files.contours, *critical, strict=True):
        scan = scan_of[name]
        grid = as_grid(scan, name, read_parquet(grid_file, ["delta_chi2"])["delta_chi2"])
        contours = read_table(contour_file, contour_layout(grid.names))
        panel = panel_of(grid, contours, scan.drawn_levels(), (scan.name, name), best_fits, ranges)
        both = read_covered(scan, name, grid.delta_chi2.shape, *covered) if covered[0] else None
        panels[name] = replace(panel, covered=both)
    with drawing():
        save_all(draw_regions(panels), output)


if job := globals().get("snakemake"):
    run(main, job)
