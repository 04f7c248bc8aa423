"""The tables of datasets to chi2 on some rows of a scan's grid."""

from functools import partial
from typing import Any

from cevnsi.config.build import load_model
from cevnsi.config.check import parse_scan
from cevnsi.files.atomic import file_digest
from cevnsi.scans.chunks import chunk_note, write_chunk
from cevnsi.workflow.progress import Progress
from runner import run


def main(
    analysis: dict[str, Any], scan: str, section: dict[str, Any], chunk: int, threads: int, files: Any, output: Any
) -> None:
    """Compute one chunk of every grid, and note what it was made from; a long one says in its log how far it is."""
    grid, model = parse_scan(scan, section), load_model(analysis, files.tables)
    note = chunk_note(grid, chunk, analysis, section, list(map(file_digest, files.tables)))
    write_chunk(output[0], model, grid, chunk, note, threads, Progress())


if job := globals().get("snakemake"):
    run(partial(main, threads=job.threads), job)
