"""Grids of several analyses and their contours to a figure of allowed regions."""

from typing import Any

from cevnsi.output.figures import drawing, save_all
from cevnsi.output.together import draw_planes, read_planes


def main(
    panels: dict[str, list[str]],
    sections: dict[str, Any],
    datasets: dict[str, list[str]],
    filled: str,
    files: Any,
    output: Any,
) -> None:
    """Draw and save; `panels` has the analyses of each grid, `datasets` what each analysis is of."""
    with drawing():
        save_all(draw_planes(read_planes(panels, sections, files), datasets, filled), output)
