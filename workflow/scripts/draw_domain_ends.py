"""Tables of ends of matter parameters by domain, of several analyses, to a figure."""

from typing import Any

from cevnsi.files.tables import DOMAIN_ENDS, PUBLISHED, read_table
from cevnsi.output.figures import drawing, save_all
from cevnsi.output.together import draw_domain_ends
from cevnsi.studies.liao_marfatia_2017.scorecard import published_ends


def main(analyses: list[str], datasets: dict[str, list[str]], files: Any, output: Any) -> None:
    """Draw and save; the tables are of these analyses, in their order."""
    ends = {name: read_table(path, DOMAIN_ENDS) for name, path in zip(analyses, files.ends, strict=True)}
    published = published_ends(read_table(files.published[0], PUBLISHED))
    with drawing():
        save_all(draw_domain_ends(ends, datasets, published), output)
