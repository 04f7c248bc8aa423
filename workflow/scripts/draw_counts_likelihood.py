"""counts_likelihood.csv to the likelihood of the number of events."""

from typing import Any

from cevnsi.files.tables import COUNTS_LIKELIHOOD, read_table
from cevnsi.output.figures import drawing, save_all
from cevnsi.output.fit_figures import draw_counts_likelihood


def main(files: Any, output: Any) -> None:
    """Draw and save."""
    with drawing():
        save_all(draw_counts_likelihood(read_table(files.likelihood, COUNTS_LIKELIHOOD)), output)
