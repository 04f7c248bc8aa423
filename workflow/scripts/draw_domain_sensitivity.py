"""domain_sensitivity.csv and the published ends to a figure."""

from typing import Any

from cevnsi.files.tables import PUBLISHED, SENSITIVITY, read_table
from cevnsi.output.figures import drawing, save_all
from cevnsi.studies.liao_marfatia_2017.figures import draw_domain_sensitivity
from cevnsi.studies.liao_marfatia_2017.scorecard import published_ends


def main(files: Any, output: Any) -> None:
    """Draw and save."""
    published = published_ends(read_table(files.published, PUBLISHED))
    with drawing():
        save_all(draw_domain_sensitivity(read_table(files.table, SENSITIVITY), published), output)
