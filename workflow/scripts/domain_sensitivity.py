"""Templates and counts to the ends of allowed ranges against the bound on profiled parameters."""

from typing import Any

from cevnsi.config import parse_analysis, parse_scan, parse_sensitivity
from cevnsi.loading import load_measurement
from cevnsi.scan import make_model
from cevnsi.sensitivity import domain_sensitivity
from cevnsi.tables import SENSITIVITY, as_columns, read_parquet, write_csv
from cevnsi.templates import Templates
from runner import run


def main(
    analysis: dict[str, Any], section: dict[str, Any], sensitivity: dict[str, Any], files: Any, output: Any
) -> None:
    """Repeat the scan for every bound."""
    choices = parse_analysis(analysis)
    templates = Templates.from_columns(read_parquet(files.templates), choices.nuclides)
    model = make_model(choices, templates, load_measurement(files.counts))
    bounds, points = parse_sensitivity(sensitivity)
    rows = domain_sensitivity(model, parse_scan(sensitivity["scan"], section), bounds.values(), points)
    write_csv(output[0], as_columns(rows, SENSITIVITY))


if job := globals().get("snakemake"):
    run(main, job)
