"""Readings of the figures to the scorecard's values for some members of the ensemble."""

from typing import Any

from cevnsi.config.check import parse_analysis, parse_digitization, parse_muon_g2, parse_scan
from cevnsi.experiments.checks import ACCEPTANCE_COLUMNS, CROSS_CHECK_COLUMNS
from cevnsi.experiments.release import as_acceptance
from cevnsi.files.tables import read_csv, write_parquet
from cevnsi.studies.liao_marfatia_2017.digitization import Readings, chunk_columns, chunk_note, ensemble, made_from
from runner import run


def main(
    analysis: dict[str, Any],
    sections: dict[str, Any],
    section: dict[str, Any],
    muon_g2: dict[str, float] | None,
    chunk: int,
    files: Any,
    output: Any,
) -> None:
    """Draw, analyse, and note what the values were made from."""
    choices = parse_digitization(section)
    readings = Readings.from_cross_check(
        read_csv(files.cross_check, CROSS_CHECK_COLUMNS), as_acceptance(read_csv(files.acceptance, ACCEPTANCE_COLUMNS))
    )
    scans = [parse_scan(*item) for item in sections.items()]
    members, discrepancy = range(*choices.rows(chunk)), parse_muon_g2(muon_g2)
    values = ensemble(readings, parse_analysis(analysis), scans, choices, members, discrepancy)
    of = made_from(analysis, sections, muon_g2, files)
    write_parquet(output[0], chunk_columns(values), chunk_note(chunk, section, of))


if job := globals().get("snakemake"):
    run(main, job)
