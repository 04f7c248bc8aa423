"""Counts and acceptance to the ends of allowed ranges against the bound on what is minimised over."""

from typing import Any

from cevnsi.config.build import load_model
from cevnsi.config.check import parse_scan, parse_sensitivity
from cevnsi.files.tables import DOMAIN_MATCHES, PUBLISHED, SENSITIVITY, as_columns, read_table, write_csv
from cevnsi.studies.liao_marfatia_2017.scorecard import published_ends
from cevnsi.studies.liao_marfatia_2017.sensitivity import domain_matches, domain_sensitivity
from runner import run


def main(
    analysis: dict[str, Any], section: dict[str, Any], sensitivity: dict[str, Any], files: Any, output: Any
) -> None:
    """Ends for every bound, and the bound of every published end."""
    model = load_model(analysis, files.counts, files.acceptance)
    scan = parse_scan(sensitivity["scan"], section)
    rows = domain_sensitivity(model, scan, parse_sensitivity(sensitivity).values())
    write_csv(output.ends, as_columns(rows, SENSITIVITY))
    published = published_ends(read_table(files.published, PUBLISHED))
    write_csv(output.matches, as_columns(domain_matches(model, scan, published), DOMAIN_MATCHES))


if job := globals().get("snakemake"):
    run(main, job)
