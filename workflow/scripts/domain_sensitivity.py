"""The tables of a dataset to the ends of allowed ranges against the domain of what is minimised over."""

from typing import Any

from cevnsi.config.build import load_model
from cevnsi.config.check import parse_domain_map, parse_scan, parse_sensitivity
from cevnsi.files.tables import (
    DOMAIN_BEST,
    DOMAIN_HOLE,
    DOMAIN_MAP,
    DOMAIN_MATCHES,
    PUBLISHED,
    SENSITIVITY,
    as_columns,
    read_table,
    write_csv,
)
from cevnsi.studies.liao_marfatia_2017.domain_map import best_domains, domain_map
from cevnsi.studies.liao_marfatia_2017.scorecard import published_ends
from cevnsi.studies.liao_marfatia_2017.sensitivity import domain_matches, domain_sensitivity, hole
from runner import run


def main(
    analysis: dict[str, Any], section: dict[str, Any], sensitivity: dict[str, Any], files: Any, output: Any
) -> None:
    """Ends for every bound, the bound of every published end, the region's hole, and what domains miss the ends by."""
    model = load_model(analysis, files.tables)
    scan = parse_scan(sensitivity["scan"], section)
    rows = domain_sensitivity(model, scan, parse_sensitivity(sensitivity).values())
    write_csv(output.ends, as_columns(rows, SENSITIVITY))
    published = published_ends(read_table(files.published, PUBLISHED))
    write_csv(output.matches, as_columns(domain_matches(model, scan, published), DOMAIN_MATCHES))
    write_csv(output.hole, as_columns(hole(model, scan), DOMAIN_HOLE))
    lower, upper = (axis.values() for axis in parse_domain_map(sensitivity))
    write_csv(output.map, as_columns(domain_map(model, scan, published, lower, upper), DOMAIN_MAP))
    write_csv(output.best, as_columns(best_domains(model, scan, published), DOMAIN_BEST))


if job := globals().get("snakemake"):
    run(main, job)
