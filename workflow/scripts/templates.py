"""Cleaned inputs to the templates of one analysis, for a reader."""

from typing import Any

from cevnsi.config.build import load_dataset
from cevnsi.files.tables import write_csv
from runner import run


def main(analysis: dict[str, Any], files: Any, output: Any) -> None:
    """Integrate, and write the sums by bin."""
    dataset = load_dataset(analysis, files.counts, files.acceptance)
    write_csv(output[0], dataset.templates.sums_table(dataset.measurement.bin_edges_pe))


if job := globals().get("snakemake"):
    run(main, job)
