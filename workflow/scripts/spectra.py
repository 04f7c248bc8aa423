"""Cleaned inputs to predicted counts by case, flavor and bin."""

from typing import Any

from cevnsi.config.build import load_dataset
from cevnsi.files.tables import write_csv
from cevnsi.studies.liao_marfatia_2017.spectra import spectra_table
from runner import run


def main(analysis: dict[str, Any], example: dict[str, float], files: Any, output: Any) -> None:
    """Counts of the standard model and of one light mediator."""
    write_csv(output[0], spectra_table(load_dataset(analysis, files.counts, files.acceptance), example))


if job := globals().get("snakemake"):
    run(main, job)
