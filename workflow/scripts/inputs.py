"""Published inputs to the tables of one dataset: those that a likelihood takes, and those for a reader."""

from pathlib import Path
from typing import Any

from cevnsi.experiments.inputs import RELEASES, read_dataset
from cevnsi.files.tables import write_csv
from runner import run


def main(section: dict[str, Any], root: str, checksums: str, files: Any, output: Any) -> None:
    """Read one dataset and write its tables; what it has not has no rows, as a cross-check of one reading."""
    tables, release = read_dataset(section, Path(root), Path(checksums)), RELEASES[section["reader"]]
    for name in release.tables_of(section["files"]):
        write_csv(getattr(output, name), tables.get(name, {column: [] for column in release.shown.get(name, ())}))


if job := globals().get("snakemake"):
    run(main, job)
