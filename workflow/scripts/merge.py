"""Chunks to one grid."""

from typing import Any

from cevnsi.config.check import parse_scan
from cevnsi.files.tables import file_digest, read_note, write_parquet_parts
from cevnsi.scans.chunks import check_note, chunk_note, merge, repetitive_columns
from runner import run


def main(analysis: dict[str, Any], scan: str, section: dict[str, Any], grid: str, files: Any, output: Any) -> None:
    """Check every chunk against what it should have been made from, and merge."""
    choices = parse_scan(scan, section)
    inputs = [file_digest(files.counts), file_digest(files.acceptance)]
    for k, path in enumerate(files.chunks, start=1):
        check_note(path, read_note(path), chunk_note(choices, k, analysis, section, inputs))
    write_parquet_parts(output[0], merge(choices, grid, files.chunks), repetitive=repetitive_columns(choices))


if job := globals().get("snakemake"):
    run(main, job)
