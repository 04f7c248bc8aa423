"""spectra.csv and best_fit.json to the counts in energy, and in time, with the best fit of them."""

import json
from typing import Any

from cevnsi.files.atomic import read_text
from cevnsi.output.figures import draw_counts, drawing, save_all
from cevnsi.output.spectra import read_spectra


def main(datasets: list[str], files: Any, output: Any) -> None:
    """Draw and save; the spectra are those of these data sets, in their order."""
    spectra = dict(zip(datasets, map(read_spectra, files.spectra), strict=True))
    with drawing():
        save_all(draw_counts(spectra, json.loads(read_text(files.best_fit))), output)
