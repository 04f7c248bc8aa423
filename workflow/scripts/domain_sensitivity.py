"""Templates and counts to the ends of allowed ranges against the bound on what is minimised over."""

from typing import Any

from cevnsi.config.check import parse_analysis, parse_scan, parse_sensitivity
from cevnsi.experiments.loading import load_measurement
from cevnsi.files.tables import (
    DOMAIN_MATCHES,
    PUBLISHED,
    SENSITIVITY,
    as_columns,
    read_parquet,
    read_table,
    write_csv,
)
from cevnsi.model import make_model
from cevnsi.studies.liao_marfatia_2017.scorecard import published_ends
from cevnsi.studies.liao_marfatia_2017.sensitivity import domain_matches, domain_sensitivity
from cevnsi.templates import Templates
from runner import run


def main(
    analysis: dict[str, Any], section: dict[str, Any], sensitivity: dict[str, Any], files: Any, output: Any
) -> None:
    """Ends for every bound, and the bound of every published end."""
    choices = parse_analysis(analysis)
    templates = Templates.from_columns(read_parquet(files.templates), choices.nuclides)
    model = make_model(choices, templates, load_measurement(files.counts))
    scan = parse_scan(sensitivity["scan"], section)
    rows = domain_sensitivity(model, scan, parse_sensitivity(sensitivity).values())
    write_csv(output.ends, as_columns(rows, SENSITIVITY))
    published = published_ends(read_table(files.published, PUBLISHED))
    write_csv(output.matches, as_columns(domain_matches(model, scan, published), DOMAIN_MATCHES))


if job := globals().get("snakemake"):
    run(main, job)
