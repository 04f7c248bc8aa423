"""Templates to predicted counts by case, flavor and bin."""

from typing import Any

from cevnsi.config.check import parse_analysis
from cevnsi.files.tables import read_parquet, write_csv
from cevnsi.studies.liao_marfatia_2017.spectra import spectra_table
from cevnsi.templates import Templates
from runner import run


def main(analysis: dict[str, Any], example: dict[str, float], files: Any, output: Any) -> None:
    """Counts of the standard model and of one light mediator."""
    choices = parse_analysis(analysis)
    templates = Templates.from_columns(read_parquet(files.templates), choices.nuclides)
    write_csv(output[0], spectra_table(templates, choices.sin2_theta_w, example))


if job := globals().get("snakemake"):
    run(main, job)
