"""Best fits of data sets, and the published values, to what they differ by and what explains it."""

import json
from pathlib import Path
from typing import Any

from cevnsi.files.atomic import read_text
from cevnsi.files.tables import write_csv
from cevnsi.studies.coherent.scorecard import tables_of
from runner import run


def main(sections: dict[str, Any], tables: dict[str, list[str]], files: Any, output: Any) -> None:
    """Fit again under every other choice, and compare; best fits are in the order of the sections, by data set."""
    fits = {
        name: json.loads(read_text(Path(path)))["together"]
        for name, path in zip(sections, files.best_fits, strict=True)
    }
    found = tables_of(
        published=Path(files.published),
        flux=Path(files.flux),
        sections=sections,
        tables=tables,
        best_fits=fits,
    )
    write_csv(output.scorecard, found["scorecard"])
    write_csv(output.choices, found["choices"])


if job := globals().get("snakemake"):
    run(main, job)
