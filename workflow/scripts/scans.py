"""The tables of datasets to the grids of every scan of an analysis that is one chunk, and to these chunks."""

from functools import partial
from typing import Any

from cevnsi.config.build import load_model
from cevnsi.config.check import parse_scan
from cevnsi.files.atomic import file_digest
from cevnsi.scans.chunks import chunk_note, write_chunk, write_grid
from cevnsi.scans.notes import grid_note
from cevnsi.workflow.progress import Progress
from runner import run


def main(name: str, analysis: dict[str, Any], sections: dict[str, Any], threads: int, files: Any, output: Any) -> None:
    """Compute and merge, scan by scan."""
    model = load_model(analysis, files.tables)
    inputs = list(map(file_digest, files.tables))
    grids = iter(output.grids)
    for (called, section), path in zip(sections.items(), output.chunks, strict=True):
        scan = parse_scan(called, section)
        note = chunk_note(scan, 1, analysis, section, inputs)
        write_chunk(path, model, scan, 1, note, threads, Progress())
        for grid in scan.grids():
            said = grid_note(scan, grid, name, analysis, section, inputs)
            write_grid(next(grids), scan, grid, [path], [note], said)


if job := globals().get("snakemake"):
    run(partial(main, threads=job.threads), job)
