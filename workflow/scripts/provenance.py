"""Revision, digests and versions to provenance.json."""

from typing import Any

from cevnsi.files.atomic import write_json
from cevnsi.files.provenance import provenance
from runner import run


def main(config: dict[str, Any], revision: str, code_sha256: str, names: list[str], files: Any, output: Any) -> None:
    """Write what the results came from."""
    write_json(output[0], provenance(config, revision, code_sha256, dict(zip(names, files.files, strict=True))))


if job := globals().get("snakemake"):
    run(main, job)
