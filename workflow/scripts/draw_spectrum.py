"""spectra.csv to Fig. 1."""

from typing import Any

from cevnsi.files.tables import SPECTRA, read_table
from cevnsi.output.figures import drawing, save_all
from cevnsi.studies.liao_marfatia_2017.figures import draw_spectrum, mediator_caption


def main(example: dict[str, float], files: Any, output: Any) -> None:
    """Draw and save."""
    with drawing():
        save_all(draw_spectrum(read_table(files.spectra, SPECTRA), mediator_caption(**example)), output)
