"""Run docs/tour.ipynb and keep in it what its cells show: `make tour`."""

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

TOUR = Path(__file__).with_suffix(".ipynb")


def executed(notebook: Path = TOUR) -> Any:
    """A notebook with what its cells show now, run in its own folder: an error of a cell is raised."""
    found = nbformat.read(notebook, as_version=4)
    place = {"metadata": {"path": str(notebook.parent)}}
    NotebookClient(found, kernel_name="python3", resources=place, record_timing=False).execute()
    found.metadata.language_info.pop("version")  # of whoever ran it
    for cell in found.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                del output["data"]["text/plain"]  # how many pixels the picture has
    return found


if __name__ == "__main__":
    nbformat.write(executed(), TOUR)
