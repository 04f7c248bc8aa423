"""The tables of datasets to critical values along every range of one parameter of a scan."""

from functools import partial
from typing import Any

import numpy as np

from cevnsi.config.build import load_model
from cevnsi.config.check import parse_scan
from cevnsi.files.atomic import file_digest
from cevnsi.files.tables import write_parquet_parts
from cevnsi.scans.coverage import critical_columns, line_note
from cevnsi.scans.critical import critical_line
from cevnsi.scans.limits import curves_by_grid, each_once
from cevnsi.workflow.progress import Progress
from runner import run


def main(analysis: dict[str, Any], scan: str, section: dict[str, Any], threads: int, files: Any, output: Any) -> None:
    """Compute line by line, in the order of ranges.csv, and note what they were made from."""
    choices, model = parse_scan(scan, section), load_model(analysis, files.tables)
    note = line_note(choices, analysis, section, list(map(file_digest, files.tables)))
    told = Progress()
    parts: list[dict[str, Any]] = []
    every = each_once(curves_by_grid(model, choices))
    for i, (grid, curve) in enumerate(every):
        name, others = curve.axis.name, curve.others

        def progress(fraction: float, before: int = i) -> None:
            told((before + fraction) / len(every))

        found = critical_line(model, choices, grid, name, others, threads, progress)
        size = found[name].size
        words = {"grid": grid, "parameter": name, "other_parameters": others}
        texts = {key: [word] * size for key, word in words.items()}
        parts.append({**texts, "value": found[name], **{key: found[key] for key in critical_columns(choices)}})
    columns = {
        key: [text for part in parts for text in part[key]] if key in words else np.concatenate([p[key] for p in parts])
        for key in parts[0]
    }
    write_parquet_parts(output[0], [columns], note)


if job := globals().get("snakemake"):
    run(partial(main, threads=job.threads), job)
