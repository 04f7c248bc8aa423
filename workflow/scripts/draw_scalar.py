"""Grids of a scalar's mass and coupling, of several analyses, to what they exclude."""

from typing import Any

from cevnsi.output.figures import drawing, save_all
from cevnsi.output.together import draw_mediator, read_planes


def main(
    panels: dict[str, list[str]],
    sections: dict[str, Any],
    datasets: dict[str, list[str]],
    filled: str,
    files: Any,
    output: Any,
) -> None:
    """Draw and save."""
    (plane,) = read_planes(panels, sections, files).values()
    with drawing():
        save_all(draw_mediator(plane, datasets, filled, interaction="light_scalar"), output)
