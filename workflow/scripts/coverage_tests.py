"""Tables of datasets, a grid and its contour to how often regions hold the truth, and how good fits are, by toys."""

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

from cevnsi.config.build import load_model
from cevnsi.config.check import parse_scan
from cevnsi.files.atomic import read_text
from cevnsi.files.tables import (
    GOODNESS,
    MEASURED,
    as_columns,
    contour_layout,
    read_parquet,
    read_table,
    write_csv,
)
from cevnsi.scans.chunks import as_grid
from cevnsi.scans.goodness import goodness_of_fit, significance
from cevnsi.scans.measured import Measured, measure, truths_of
from cevnsi.workflow.progress import Progress
from runner import run


def main(analysis: dict[str, Any], section: dict[str, Any], tests: dict[str, Any], files: Any, output: Any) -> None:
    """Grid by grid; a signal that is surer than toys can tell is not asked for."""
    scan, model, told = parse_scan(tests["scan"], section), load_model(analysis, files.tables), Progress()
    toys, seed, contours = int(tests["toys"]), int(tests["seed"]), iter(files.contours)
    rows: list[Measured] = []
    for (grid, axes), path in zip(scan.drawn().items(), files.grids, strict=True):
        shown = as_grid(scan, grid, read_parquet(path, ["delta_chi2"])["delta_chi2"])
        contour = read_table(next(contours), contour_layout(axes)) if len(axes) == 2 else {}
        rows += measure(model, scan, grid, truths_of(shown, contour), toys, seed, progress=told)
    write_csv(output.measured, as_columns(map(astuple, rows), MEASURED))
    found = goodness_of_fit(model, toys, seed)
    sure = json.loads(read_text(Path(files.best_fit)))["together"]["significance"]
    if sure < tests["significance"]["below"]:
        found.append(significance(model, int(tests["significance"]["toys"]), seed, progress=told))
    write_csv(output.goodness, as_columns(map(astuple, found), GOODNESS))


if job := globals().get("snakemake"):
    run(main, job)
