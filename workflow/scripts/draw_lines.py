"""Grids of one parameter each, of several analyses, to a figure of their lines."""

from typing import Any

from cevnsi.output.figures import drawing, save_all
from cevnsi.output.together import draw_lines, read_lines


def main(
    panels: dict[str, list[str]], sections: dict[str, Any], datasets: dict[str, list[str]], files: Any, output: Any
) -> None:
    """Draw and save; `panels` has the analyses of each grid, `datasets` what each analysis is of."""
    with drawing():
        save_all(draw_lines(read_lines(panels, sections, files), datasets), output)
