"""The light-mediator grid and its contours to Fig. 2."""

from typing import Any

from cevnsi.config import parse_scan
from cevnsi.figures import draw_exclusion, drawing, save_all
from cevnsi.grids import as_grid
from cevnsi.muon_g2 import coupling_band
from cevnsi.tables import contour_layout, read_parquet, read_table
from runner import run


def main(sections: dict[str, Any], files: Any, output: Any) -> None:
    """Draw and save."""
    name, section = next(iter(sections.items()))
    scan = parse_scan(name, section)
    grid = as_grid(scan, name, read_parquet(files.grids[0], ["delta_chi2"])["delta_chi2"])
    contours = read_table(files.contours[0], contour_layout(grid.names))
    with drawing():
        save_all(draw_exclusion(grid, contours, scan.levels()[0], coupling_band(grid.axes[0])), output)


if job := globals().get("snakemake"):
    run(main, job)
