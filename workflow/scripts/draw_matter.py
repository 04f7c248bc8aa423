"""Grids of matter parameters, of several analyses, and the published range to a figure."""

from typing import Any

from cevnsi.files.tables import PUBLISHED, read_table
from cevnsi.output.figures import drawing, save_all
from cevnsi.output.together import draw_matter, read_planes
from cevnsi.studies.liao_marfatia_2017.scorecard import published_ends


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
    published = published_ends(read_table(files.published[0], PUBLISHED))
    with drawing():
        save_all(draw_matter(plane, datasets, filled, published), output)
