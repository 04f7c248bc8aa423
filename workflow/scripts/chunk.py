"""Templates and counts to chi2 on some rows of a scan's grid."""

from functools import partial
from typing import Any

from cevnsi.config.check import parse_analysis, parse_scan
from cevnsi.experiments.loading import load_measurement
from cevnsi.files.tables import file_digest, read_parquet, write_parquet_parts
from cevnsi.model import make_model
from cevnsi.scans.chunks import chunk_note, chunk_parts, repetitive_columns
from cevnsi.scans.rows import scan_rows
from cevnsi.templates import Templates
from cevnsi.workflow.progress import Progress
from runner import run


def main(
    analysis: dict[str, Any], scan: str, section: dict[str, Any], chunk: int, threads: int, files: Any, output: Any
) -> None:
    """Compute one chunk of every grid, and note what it was made from; a long one says in its log how far it is."""
    choices, grid = parse_analysis(analysis), parse_scan(scan, section)
    templates = Templates.from_columns(read_parquet(files.templates), choices.nuclides)
    model = make_model(choices, templates, load_measurement(files.counts))
    planes = {axes: grid.onto(axes) for axes in grid.projections}
    chi2 = {axes: scan_rows(model, plane, *plane.rows(chunk), threads, Progress()) for axes, plane in planes.items()}
    note = chunk_note(grid, chunk, analysis, section, [file_digest(files.templates), file_digest(files.counts)])
    write_parquet_parts(output[0], chunk_parts(grid, chunk, chi2), note, repetitive_columns(grid))


if job := globals().get("snakemake"):
    run(partial(main, threads=job.threads), job)
