"""spectra.csv and best_fit.json to the counts in energy, and in time, with the best fit of them."""

import json
from typing import Any

from cevnsi.files.atomic import read_text
from cevnsi.output.figures import draw_counts, drawing, save_all
from cevnsi.output.spectra import read_spectra


def main(files: Any, output: Any) -> None:
    """Draw and save."""
    fit = json.loads(read_text(files.best_fit))["together"]
    with drawing():
        save_all(draw_counts(read_spectra(files.spectra), fit), output)
