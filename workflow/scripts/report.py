"""A finished run to one page."""

from pathlib import Path
from typing import Any

from cevnsi.files.tables import write_text
from cevnsi.output.report import collect, render
from cevnsi.workflow.run_record import behind, read_jobs
from runner import run


def main(config: dict[str, Any], figures: dict[str, dict[str, list[str]]], files: Any, output: Any) -> None:
    """Collect what the run has made, and lay it out."""
    results = Path(files.provenance).parent
    jobs = behind(read_jobs(Path()), files.results)
    content = collect(results, config, figures, Path(files.published), jobs)
    write_text(output[0], render(content, Path(files.template)))


if job := globals().get("snakemake"):
    run(main, job)
