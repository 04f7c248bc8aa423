"""best_fit.json to the pulls of the nuisances."""

import json
from pathlib import Path
from typing import Any

from cevnsi.files.atomic import read_text
from cevnsi.output.figures import drawing, save_all
from cevnsi.output.fit_figures import draw_pulls


def main(files: Any, output: Any) -> None:
    """Draw and save."""
    with drawing():
        save_all(draw_pulls(json.loads(read_text(Path(files.fits)))), output)
