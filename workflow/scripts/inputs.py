"""Published inputs to counts.csv, acceptance.csv and cross_check.csv."""

from pathlib import Path
from typing import Any

from cevnsi.experiments.csi_2017_figures import CROSS_CHECK_COLUMNS
from cevnsi.experiments.inputs import read_dataset
from cevnsi.files.tables import write_csv
from runner import run


def main(section: dict[str, Any], root: str, checksums: str, files: Any, output: Any) -> None:
    """Read one dataset and write its tables; cross_check.csv has no rows where there is one reading only."""
    tables = read_dataset(section, Path(root), Path(checksums))
    write_csv(output.counts, tables["counts"])
    write_csv(output.acceptance, tables["acceptance"])
    write_csv(output.cross_check, tables.get("cross_check", {name: [] for name in CROSS_CHECK_COLUMNS}))


if job := globals().get("snakemake"):
    run(main, job)
