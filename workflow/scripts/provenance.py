"""Revision, digests and versions to provenance.json."""

from pathlib import Path
from typing import Any

from cevnsi.provenance import provenance
from cevnsi.tables import write_json


def main(config: dict[str, Any], root: str, files: Any, output: Any) -> None:
    """Write what the results came from."""
    names = [Path(file).relative_to(root).as_posix() for file in files.files]
    write_json(output[0], provenance(config, Path(root), names))


if job := globals().get("snakemake"):
    main(**job.params, files=job.input, output=job.output)
