"""domain_map.csv, domain_best.csv and the tolerance of the published ends to a figure."""

from typing import Any

from cevnsi.files.tables import DOMAIN_BEST, DOMAIN_MAP, PUBLISHED, read_table
from cevnsi.output.figures import drawing, save_all
from cevnsi.studies.liao_marfatia_2017.figures import draw_domain_map
from cevnsi.studies.liao_marfatia_2017.scorecard import tolerance_of_ends


def main(files: Any, output: Any) -> None:
    """Draw and save."""
    tolerance = tolerance_of_ends(read_table(files.published, PUBLISHED))
    with drawing():
        drawn = draw_domain_map(read_table(files.table, DOMAIN_MAP), read_table(files.best, DOMAIN_BEST), tolerance)
        save_all(drawn, output)
