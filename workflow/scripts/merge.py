"""Chunks to one grid."""

from typing import Any

from cevnsi.config.check import parse_scan
from cevnsi.files.atomic import file_digest
from cevnsi.scans.chunks import chunk_note, write_grid
from cevnsi.scans.notes import grid_note
from runner import run


def main(
    name: str, analysis: dict[str, Any], scan: str, section: dict[str, Any], grid: str, files: Any, output: Any
) -> None:
    """Check every chunk, and merge."""
    choices, inputs = parse_scan(scan, section), list(map(file_digest, files.tables))
    notes = [chunk_note(choices, k, analysis, section, inputs) for k in range(1, choices.chunks + 1)]
    said = grid_note(choices, grid, name, analysis, section, inputs)
    write_grid(output[0], choices, grid, files.chunks, notes, said)


if job := globals().get("snakemake"):
    run(main, job)
