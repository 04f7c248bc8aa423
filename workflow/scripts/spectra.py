"""Cleaned inputs to predicted counts by case, flavor and bin, and to the templates of one analysis, for a reader."""

from typing import Any

from cevnsi.config.build import load_dataset
from cevnsi.files.tables import write_csv
from cevnsi.studies.liao_marfatia_2017.spectra import spectra_table
from runner import run


def main(analysis: dict[str, Any], example: dict[str, float], files: Any, output: Any) -> None:
    """Counts of the standard model and of one light mediator, and the sums of templates by bin."""
    dataset = load_dataset(analysis, files.counts, files.acceptance)
    write_csv(output.spectra, spectra_table(dataset, example))
    write_csv(output.templates, dataset.templates.sums_table(dataset.measurement.bin_edges_pe))


if job := globals().get("snakemake"):
    run(main, job)
