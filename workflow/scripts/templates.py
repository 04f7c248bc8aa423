"""Cleaned inputs to the templates of one analysis."""

from typing import Any

from cevnsi.config.check import parse_analysis
from cevnsi.experiments.loading import load_acceptance, load_measurement
from cevnsi.files.tables import write_csv, write_parquet
from cevnsi.model import analysis_templates
from runner import run


def main(analysis: dict[str, Any], files: Any, output: Any) -> None:
    """Integrate once; write the quadrature nodes, and their sums by bin for a reader."""
    choices = parse_analysis(analysis)
    templates = analysis_templates(choices, load_measurement(files.counts), load_acceptance(files.acceptance))
    write_parquet(output.nodes, templates.to_columns())
    write_csv(output.sums, templates.sums_table())


if job := globals().get("snakemake"):
    run(main, job)
