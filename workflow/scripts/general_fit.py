"""The tables of datasets to ranges of every contact coupling with all others free."""

from typing import Any

from cevnsi.config.build import load_model
from cevnsi.config.check import parse_general_fit
from cevnsi.files.tables import GENERAL_FIT, as_columns, write_csv
from cevnsi.studies.coherent.general_fit import general_fit
from runner import run


def main(analysis: dict[str, Any], fit: dict[str, Any], files: Any, output: Any) -> None:
    """Every number that is asked for."""
    levels, widest = parse_general_fit(fit)
    rows = general_fit(load_model(analysis, files.tables), levels, widest)
    write_csv(output[0], as_columns(rows, GENERAL_FIT))


if job := globals().get("snakemake"):
    run(main, job)
