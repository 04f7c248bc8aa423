"""The light-mediator grid and its contours to Fig. 2."""

from typing import Any

from cevnsi.config.check import parse_muon_g2, parse_scan
from cevnsi.files.tables import BEST_FITS, RANGES, read_table
from cevnsi.output.figures import drawing, read_panel, save_all
from cevnsi.physics.muon_g2 import coupling_band
from cevnsi.studies.liao_marfatia_2017.figures import draw_exclusion


def main(sections: dict[str, Any], grids: list[str], muon_g2: dict[str, float] | None, files: Any, output: Any) -> None:
    """Draw and save."""
    (name,) = grids
    scan = parse_scan(name, sections[name])
    tables = read_table(files.best_fits, BEST_FITS), read_table(files.ranges, RANGES)
    panel = read_panel(scan, name, (files.grids[0], files.contours[0]), *tables)
    with drawing():
        save_all(draw_exclusion(panel, coupling_band(panel.grid.axes[0], parse_muon_g2(muon_g2))), output)
