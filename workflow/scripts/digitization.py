"""All members of the ensemble to digitization.csv."""

from typing import Any

from cevnsi.config.check import parse_digitization
from cevnsi.files.tables import read_note, write_csv
from cevnsi.scans.chunks import check_note
from cevnsi.studies.liao_marfatia_2017.digitization import chunk_note, made_from, read_chunk, summary
from runner import run


def main(
    analysis: dict[str, Any],
    sections: dict[str, Any],
    section: dict[str, Any],
    muon_g2: dict[str, float] | None,
    files: Any,
    output: Any,
) -> None:
    """Check every chunk against what it should have been made from, and summarise."""
    choices, members = parse_digitization(section), []
    of = made_from(analysis, sections, muon_g2, files)
    for k, path in enumerate(files.chunks, start=1):
        check_note(path, read_note(path), chunk_note(k, section, of))
        members += read_chunk(path, range(*choices.rows(k)))
    write_csv(output[0], summary(members))


if job := globals().get("snakemake"):
    run(main, job)
