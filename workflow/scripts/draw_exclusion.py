"""The light-mediator grid and its contours to Fig. 2."""

from typing import Any

from cevnsi.config.check import parse_muon_g2, parse_scan
from cevnsi.files.tables import BEST_FITS, RANGES, contour_layout, read_parquet, read_table
from cevnsi.output.figures import drawing, panel_of, save_all
from cevnsi.physics.muon_g2 import coupling_band
from cevnsi.scans.chunks import as_grid
from cevnsi.studies.liao_marfatia_2017.figures import draw_exclusion


def main(sections: dict[str, Any], grids: list[str], muon_g2: dict[str, float] | None, files: Any, output: Any) -> None:
    """Draw and save."""
    (name,) = grids
    scan = parse_scan(name, sections[name])
    grid = as_grid(scan, name, read_parquet(files.grids[0], ["delta_chi2"])["delta_chi2"])
    contours = read_table(files.contours[0], contour_layout(grid.names))
    best_fits, ranges = read_table(files.best_fits, BEST_FITS), read_table(files.ranges, RANGES)
    panel = panel_of(grid, contours, scan.drawn_levels(), (name, name), best_fits, ranges)
    with drawing():
        save_all(draw_exclusion(panel, coupling_band(grid.axes[0], parse_muon_g2(muon_g2))), output)
