"""Grids of a mediator's mass and coupling, of several analyses, to what they exclude."""

from typing import Any

from cevnsi.config.check import parse_muon_g2, parse_scan
from cevnsi.output.figures import drawing, save_all
from cevnsi.output.muon_band import muon_band
from cevnsi.output.together import draw_mediator, read_planes


def main(
    panels: dict[str, list[str]],
    sections: dict[str, Any],
    datasets: dict[str, list[str]],
    filled: str,
    muon_g2: dict[str, float] | None,
    files: Any,
    output: Any,
) -> None:
    """Draw and save."""
    (plane,) = read_planes(panels, sections, files).values()
    ((name, section),) = sections.items()
    scan, grid = parse_scan(name, section), next(iter(plane.values())).grid
    band = muon_band(scan, grid.names, grid.axes[0], parse_muon_g2(muon_g2))
    with drawing():
        save_all(draw_mediator(plane, datasets, filled, band, scan.interaction), output)
