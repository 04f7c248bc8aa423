"""The tables of datasets to the ends of matter parameters against the domain of what is minimised over."""

from typing import Any

from cevnsi.config.build import load_model
from cevnsi.config.check import parse_domain_ends, parse_scan
from cevnsi.files.tables import DOMAIN_ENDS, as_columns, write_csv
from cevnsi.studies.coherent.domain_ends import domain_ends
from runner import run


def main(analysis: dict[str, Any], section: dict[str, Any], ends: dict[str, Any], files: Any, output: Any) -> None:
    """Ends for every bound, and without one."""
    bounds, widest = parse_domain_ends(ends)
    model = load_model(analysis, files.tables)
    rows = domain_ends(model, parse_scan(ends["scan"], section), bounds.values(), widest)
    write_csv(output[0], as_columns(rows, DOMAIN_ENDS))


if job := globals().get("snakemake"):
    run(main, job)
