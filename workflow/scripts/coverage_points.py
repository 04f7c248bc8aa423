"""The tables of datasets to critical values at some of the coarse points of a grid."""

from functools import partial
from typing import Any

from cevnsi.config.build import load_model
from cevnsi.config.check import parse_scan
from cevnsi.files.atomic import file_digest
from cevnsi.files.tables import write_parquet
from cevnsi.scans.coverage import covered_note
from cevnsi.scans.critical import critical_points
from cevnsi.workflow.progress import Progress
from runner import run


def main(
    analysis: dict[str, Any],
    scan: str,
    section: dict[str, Any],
    grid: str,
    chunk: int,
    threads: int,
    files: Any,
    output: Any,
) -> None:
    """Compute one chunk of a grid, and note what it was made from; its log says how far it is."""
    choices, model = parse_scan(scan, section), load_model(analysis, files.tables)
    note = covered_note(choices, grid, chunk, analysis, section, list(map(file_digest, files.tables)))
    write_parquet(output[0], critical_points(model, choices, grid, chunk, threads, Progress()), note)


if job := globals().get("snakemake"):
    run(partial(main, threads=job.threads), job)
