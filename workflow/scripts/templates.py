"""Cleaned inputs to the templates of one analysis."""

from typing import Any

from cevnsi.config import parse_analysis
from cevnsi.form_factors import FORM_FACTORS
from cevnsi.loading import load_acceptance, load_measurement
from cevnsi.tables import write_csv, write_parquet
from cevnsi.templates import build_templates
from runner import run


def main(analysis: dict[str, Any], files: Any, output: Any) -> None:
    """Integrate once; write the quadrature nodes, and their sums by bin for a reader."""
    choices = parse_analysis(analysis)
    templates = build_templates(
        load_measurement(files.counts).bin_edges_pe,
        nuclides=choices.nuclides,
        form_factor=FORM_FACTORS[choices.form_factor],
        exposure=choices.exposure,
        acceptance=load_acceptance(files.acceptance),
    )
    write_parquet(output.nodes, templates.to_columns())
    write_csv(output.sums, templates.sums_table())


if job := globals().get("snakemake"):
    run(main, job)
