"""fitted_counts/ to the counts in energy, and in time, with the best fit of them."""

from typing import Any

from cevnsi.output.figures import drawing, save_all
from cevnsi.output.fit_figures import draw_counts
from cevnsi.output.spectra import read_fitted


def main(datasets: list[str], files: Any, output: Any) -> None:
    """Draw and save; the tables are those of these data sets, in their order."""
    fitted = dict(zip(datasets, map(read_fitted, files.fitted), strict=True))
    with drawing():
        save_all(draw_counts(fitted), output)
