"""What is published of the data sets, as figures show it beside ours."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cevnsi.files.tables import COUNTS_LIKELIHOOD
from cevnsi.studies.coherent.scorecard import read_published


def published_events(path: Path | str) -> dict[str, tuple[float, float, str]]:
    """Events that are seen, their error and what they are called, by data set, from published.csv.

    TableError as that of `read_published`.
    """
    table = read_published(Path(path))
    rows = [i for i, key in enumerate(table["key"]) if key == "cevns_counts"]
    return {
        table["dataset"][i]: (float(table["published"][i]), float(table["error_high"][i]), "published") for i in rows
    }


def likelihoods(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Columns of counts_likelihood.csv, of each the rows of the data set, or `TOGETHER`, that it stands under."""
    kept = {name: np.array(table["dataset"]) == name for name, table in tables.items()}
    numbers = {
        column: np.concatenate([np.asarray(table[column])[kept[name]] for name, table in tables.items()])
        for column in COUNTS_LIKELIHOOD.columns
        if column not in COUNTS_LIKELIHOOD.texts
    }
    return {"dataset": [name for name in tables for _ in range(int(kept[name].sum()))], **numbers}
